"""Packed fields: what packs and unpacks, and what would burst."""

import io
import lzma
import tracemalloc
from contextlib import suppress

import lz4.block
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from syslogparse.sources.journalpayload import LZ4, MAX_PAYLOAD, XZ, ZSTD, NotUnpacked, TooLarge, unpack

KINDS = (XZ, LZ4, ZSTD)


def pack(kind: int, text: bytes) -> bytes:
    """As journald packs."""
    if kind == ZSTD:
        return zstandard.ZstdCompressor().compress(text)
    if kind == LZ4:
        return len(text).to_bytes(8, "little") + lz4.block.compress(text, store_size=False)
    return lzma.compress(text, lzma.FORMAT_XZ, check=lzma.CHECK_NONE)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("size", [1, 513, 70_000, MAX_PAYLOAD])
def test_what_was_packed(kind: int, size: int):
    text = (b"MESSAGE=" + b"deep/" * size)[:size]
    assert unpack(kind, pack(kind, text)) == text


@pytest.mark.parametrize("kind", KINDS)
def test_a_bomb_is_refused_before_it_takes_memory(kind: int):
    for size in (MAX_PAYLOAD + 1, 20 << 20):
        bomb = pack(kind, bytes(size))
        tracemalloc.start()
        with pytest.raises(TooLarge):
            unpack(kind, bomb)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert peak < 16 << 20


@pytest.mark.parametrize("kind", KINDS)
def test_broken(kind: int):
    whole = pack(kind, b"MESSAGE=" + b"deep/" * 300)
    for packed in (b"", whole[:4], whole[:12], whole[:-3], b"\xff" * 40, bytes(40), whole[8:]):
        with pytest.raises(NotUnpacked):
            unpack(kind, packed)


def test_sizes_that_are_not_said_or_said_wrongly():
    text = b"MESSAGE=" + b"deep/" * 300
    stream = io.BytesIO()
    with zstandard.ZstdCompressor(write_content_size=False).stream_writer(stream, closefd=False) as writer:
        writer.write(text)
    with pytest.raises(NotUnpacked):
        unpack(ZSTD, stream.getvalue())
    packed = lz4.block.compress(text, store_size=False)
    for claimed in (0, 1, len(text) - 1, len(text) + 1, 1 << 63):
        with pytest.raises(NotUnpacked):
            unpack(LZ4, claimed.to_bytes(8, "little") + packed)


def test_a_dictionary_that_takes_much_memory():
    packed = lzma.compress(b"MESSAGE=x" * 100, lzma.FORMAT_XZ, filters=[{"id": lzma.FILTER_LZMA2, "dict_size": 1 << 28}])
    with pytest.raises(NotUnpacked):
        unpack(XZ, packed)


def test_packed_twice_or_in_no_known_way():
    for kind in (0, XZ | ZSTD, 7, 8):
        with pytest.raises(NotUnpacked):
            unpack(kind, pack(ZSTD, b"MESSAGE=x"))


@given(st.sampled_from(KINDS), st.binary(max_size=300), st.integers(0, 300), st.binary(max_size=4))
def test_any_bytes(kind: int, text: bytes, at: int, new: bytes):
    packed = bytearray(pack(kind, b"MESSAGE=" + text))
    packed[at : at + len(new)] = new
    for hostile in (bytes(packed), text, (len(text) or 1).to_bytes(8, "little") + text):
        with suppress(NotUnpacked):
            assert 0 < len(unpack(kind, hostile)) <= MAX_PAYLOAD
