"""Limits of unpacking, and that it needs no system call that the parser's filter does not allow."""

import lzma
import mmap
import os
import resource
import struct
import time
import tracemalloc
import zlib

import lz4.frame
import prctl
import pytest
import zstandard

from syslogparse.sandbox.seccomp import Channels, LoadFilter
from syslogparse.sandbox.step import carry_out
from syslogparse.sources import unpack
from syslogparse.sources.unpack import Damaged, Unpacking, blocks
from tests.sandbox.children import REPORT, in_child
from tests.sources.packed import DAMAGED, EARLY, LINE, MEMORY, MIB, PACK, TEXT, TOO_MUCH, formats, noise, run


class Counting(bytes):
    """Bytes that know how many of them were copied, and how many at once."""

    copied = longest = 0

    def __getitem__(self, part):
        found = super().__getitem__(part)
        Counting.copied += len(found)
        Counting.longest = max(Counting.longest, len(found))
        return found


@formats
@pytest.mark.parametrize("text", [noise(4 * MIB), b"x"], ids=len)
def test_the_file_is_read_in_pieces_and_about_once(name, text):
    data = Counting(PACK[name](text) * (1 if len(text) > 1 else 20_000))
    Counting.copied = Counting.longest = 0
    run(data, name)
    assert Counting.longest <= 1 << 18
    members = 1 if len(text) > 1 else 20_000
    assert Counting.copied <= len(data) * 1.1 + 2100 * members


ENOUGH = 32 * MIB


def bomb(name, size=2 * ENOUGH):
    """A member that unpacks to so many zeros."""
    return PACK[name](bytes(size))


@pytest.mark.parametrize("name", ["bzip2", "zstd"])
def test_a_run_of_one_byte_that_goes_on_is_a_bomb(name, monkeypatch):
    monkeypatch.setattr(unpack, "FREE_TEXT", ENOUGH)
    monkeypatch.setattr(unpack, "MAX_RATIO", 1 << 12)
    found, reason, _ = run(bomb(name), name)
    assert reason == TOO_MUCH
    assert ENOUGH - MIB < len(found) <= ENOUGH
    assert not any(found)


def test_ten_gigabytes_of_zeros_in_a_small_file():
    data = PACK["zstd"](bytes(64 * MIB)) * 160
    sizes: list[int] = []
    with pytest.raises(Damaged, match=TOO_MUCH):
        sizes.extend(len(chunk) for chunk in Unpacking().unpack(data, "zstd"))
    size = sum(sizes)
    assert unpack.FREE_TEXT * 0.99 < size <= max(unpack.FREE_TEXT, len(data) * unpack.MAX_RATIO) < 10 << 30


@formats
def test_there_is_an_end_to_everything(name, monkeypatch):
    monkeypatch.setattr(unpack, "MAX_TEXT", ENOUGH)
    data = PACK[name](LINE * (ENOUGH // 8 // len(LINE))) * 100
    found, reason, _ = run(data, name)
    assert reason == TOO_MUCH
    assert ENOUGH - MIB < len(found) <= ENOUGH


@formats
@pytest.mark.parametrize("text", [LINE, b" OUT=\n" * 20], ids=len)
def test_no_text_however_dull_is_a_bomb(name, text, monkeypatch):
    monkeypatch.setattr(unpack, "FREE_TEXT", MIB)
    dull = text * ((4 * MIB if name == "bzip2" else ENOUGH) // len(text))
    assert run(PACK[name](dull), name) == (dull, None, 0)


@formats
def test_members_without_text_end(name, monkeypatch):
    monkeypatch.setattr(unpack, "MAX_IDLE", 200_000)
    empty = PACK[name](b"")
    data = PACK[name](b"a") + empty * (2 * unpack.MAX_IDLE // len(empty))
    assert run(data, name) == (b"a", DAMAGED, 0)


def test_zstd_without_text_ends(monkeypatch):
    monkeypatch.setattr(unpack, "MAX_IDLE", 200_000)
    head = zstandard.ZstdCompressor(write_content_size=False).compress(b"")[:6]
    assert run(head + bytes(2 * unpack.MAX_IDLE), "zstd") == (b"", DAMAGED, 0)
    skipped = b"\x50\x2a\x4d\x18" + bytes(4)
    assert run(skipped * (unpack.MAX_IDLE // 4), "zstd") == (b"", DAMAGED, 0)


@formats
def test_lines_packed_one_by_one_are_read(name, monkeypatch):
    monkeypatch.setattr(unpack, "MAX_IDLE", 100_000)
    assert run(PACK[name](LINE) * 4000, name) == (LINE * 4000, None, 0)


def xz_with_dictionary(bits):
    """A file that asks for a dictionary of (2 | bits & 1) << bits // 2 + 11 bytes: .xz file format, 3.1 and 5.3.1."""
    packed = bytearray(lzma.compress(TEXT))
    end = 12 + packed[12] * 4
    place = packed.index(b"\x21\x01", 12, end) + 2
    packed[place] = bits
    packed[end : end + 4] = struct.pack("<I", zlib.crc32(packed[12:end]))
    return bytes(packed)


def test_an_xz_dictionary_has_a_limit():
    assert run(xz_with_dictionary(28), "xz") == (TEXT, None, 0)  # 64 MiB, as xz -9
    for bits in (30, 32, 36, 40):
        assert run(xz_with_dictionary(bits), "xz") == (b"", MEMORY, 0)
        assert run(PACK["xz"](TEXT) + xz_with_dictionary(bits), "xz") == (TEXT, MEMORY, 0)


def zstd_with_window(descriptor):
    packed = zstandard.ZstdCompressor(write_content_size=False).compress(TEXT)
    assert packed[4] & 0x20 == 0
    return packed[:5] + bytes([descriptor]) + packed[6:]


def test_a_zstd_window_has_a_limit():
    assert run(zstd_with_window(17 << 3), "zstd") == (TEXT, None, 0)  # 128 MiB, as zstd --ultra -22
    for descriptor in (17 << 3 | 1, 18 << 3, 21 << 3, 22 << 3, 0xFF):
        assert run(zstd_with_window(descriptor), "zstd") == (b"", MEMORY, 0)
    single = b"\x28\xb5\x2f\xfd\xe0" + struct.pack("<Q", unpack.MAX_MEMORY + 1) + b"\x01\0\0"
    assert run(single, "zstd") == (b"", MEMORY, 0)


@pytest.mark.parametrize("length", [0, 1, 5])
def test_a_zstd_block_of_a_kind_that_is_reserved_or_too_large(length):
    head = zstd_with_window(17 << 3)[:6]
    for value in (length << 3 | 3 << 1 | 1, (1 << 17) + 1 << 3, (1 << 20) << 3 | 1 << 1 | 1):
        assert run(head + value.to_bytes(3, "little") + bytes(1 << 18), "zstd") == (b"", DAMAGED, 0)


@formats
def test_little_is_held(name):
    """What the libraries take is not seen here: it is limited by MAX_MEMORY."""
    text = LINE * (8 * MIB // len(LINE))
    data = lzma.compress(text, preset=0) if name == "xz" else PACK[name](text)  # a small dictionary, which Python can see
    tracemalloc.start()
    try:
        assert sum(len(chunk) for chunk in Unpacking().unpack(data, name)) == len(text)
        assert tracemalloc.get_traced_memory()[1] < 2 * MIB
    finally:
        tracemalloc.stop()


def large(name):
    """A file whose unpacking takes all the memory that it may take, and its text's checksum and size."""
    text = noise(MIB) + LINE * ((160 if name == "zstd" else 32 if name == "xz" else 8) * MIB // len(LINE))
    if name == "zstd":
        window = zstandard.ZstdCompressionParameters(window_log=27, write_content_size=False, strategy=1)
        packed = zstandard.ZstdCompressor(compression_params=window).compress(text)
        assert packed[5] == 17 << 3
    elif name == "xz":
        packed = lzma.compress(text, filters=[{"id": lzma.FILTER_LZMA2, "preset": 0, "dict_size": 96 * MIB}])
    elif name == "lz4":
        packed = lz4.frame.compress(text, block_size=lz4.frame.BLOCKSIZE_MAX4MB, content_checksum=True)
    else:
        packed = PACK[name](text)
    return packed, zlib.crc32(text), len(text)


def confined(act):
    """Run in a child under the parser's own filter; it may write to its report only."""

    def inside():
        prctl.set_no_new_privs(1)
        carry_out(LoadFilter("parser", Channels(writes=(REPORT,))))
        return act()

    return in_child(inside)


def test_the_filter_is_there():
    assert confined(os.getpid).signal == 31


@formats
def test_every_format_is_unpacked_under_the_parsers_filter(name):
    packed, checksum, size = large(name)
    data = mmap.mmap(-1, len(packed))
    data[:] = packed

    def act():
        found = done = 0
        for block in blocks(Unpacking().unpack(data, name)):
            found = zlib.crc32(block.text, found)
            done += len(block.text)
        return [found, done]

    ended = confined(act)
    assert (ended.signal, ended.raised, ended.told) == (None, None, "")
    assert ended.value == [checksum, size]


@formats
@pytest.mark.parametrize("hurt", ["cut", "flipped", "garbage", "idle"])
def test_damage_is_told_under_the_parsers_filter(name, hurt, monkeypatch):
    monkeypatch.setattr(unpack, "MAX_IDLE", 400_000)
    packed = PACK[name](TEXT + noise(200_000))
    data, expected = {
        "cut": (packed[:-1], EARLY),
        "flipped": (packed[:150_000] + bytes(8) + packed[150_008:], DAMAGED),
        "garbage": (packed + b"garbage", DAMAGED),
        "idle": (PACK[name](b"") * (2 * unpack.MAX_IDLE // len(PACK[name](b""))), DAMAGED),
    }[hurt]
    ended = confined(lambda: run(data, name)[1:])
    assert (ended.signal, ended.raised, ended.told) == (None, None, "")
    assert ended.value == [expected, 7 * (hurt == "garbage")]


@pytest.mark.parametrize("name", ["zstd", "xz"])
def test_memory_that_is_not_there_is_damage(name):
    packed, _, _ = large(name)

    def act():
        with open("/proc/self/statm", encoding="ascii") as file:
            used = int(file.read().split()[5]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_DATA, (used + 40 * MIB, used + 40 * MIB))
        try:
            return sum(len(chunk) for chunk in Unpacking().unpack(packed, name))
        except Damaged as damage:
            return damage.reason

    assert in_child(act).value == MEMORY


@formats
def test_the_time_grows_with_the_size(name):
    def seconds(count):
        data = PACK[name](LINE * 3) * count
        best = 9.0
        for _ in range(3):
            before = time.process_time()
            run(data, name)
            best = min(best, time.process_time() - before)
        return best

    assert seconds(4000) < 8 * seconds(1000) + 0.05
