"""Packed logs, and what becomes of them."""

import bz2
import gzip
import lzma
import random

import lz4.frame
import pytest
import zstandard

from syslogparse.sources.unpack import Damaged, Unpacking

PACK = {
    "gzip": lambda text: gzip.compress(text, mtime=0),
    "xz": lzma.compress,
    "bzip2": bz2.compress,
    "zstd": lambda text: zstandard.ZstdCompressor(write_checksum=True).compress(text),
    "lz4": lambda text: lz4.frame.compress(text, content_checksum=True, block_checksum=True),
}
DAMAGED, EARLY = "compressed data is damaged", "compressed data ends early"
TOO_MUCH, MEMORY = "compressed data grows too much", "compressed data needs too much memory"
MIB = 1 << 20
LINE = b"Nov 22 05:00:00 gw kernel: [    7.123456] [UFW BLOCK] IN=eth0 OUT= SRC=192.0.2.1 DST=192.0.2.2 PROTO=TCP SPT=1 DPT=99 \n"
TEXT = b"".join(b"line %d of a log\n" % number for number in range(40))

formats = pytest.mark.parametrize("name", PACK)


def run(data, name):
    """The plain bytes, the reason of the damage or None, the bytes of garbage."""
    unpacking = Unpacking()
    found = bytearray()
    try:
        for chunk in unpacking.unpack(data, name):
            assert 0 < len(chunk) <= MIB
            found += chunk
    except Damaged as damage:
        return bytes(found), damage.reason, unpacking.garbage
    return bytes(found), None, unpacking.garbage


def noise(size):
    """Bytes that nothing packs smaller."""
    return random.Random(size).randbytes(size)
