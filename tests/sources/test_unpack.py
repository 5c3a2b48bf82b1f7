import gzip
import lzma
import mmap
import struct
import zlib

import lz4.frame
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from syslogparse.sources import unpack
from syslogparse.sources.blocks import Block
from syslogparse.sources.unpack import Damaged, Unpacking, blocks, packing
from tests.sources.packed import DAMAGED, EARLY, LINE, MEMORY, MIB, PACK, TEXT, TOO_MUCH, formats, noise, run


@formats
def test_what_a_file_is_is_told_by_its_first_bytes(name):
    packed = PACK[name](TEXT)
    assert packing(packed[:6]) == packing(packed) == name
    assert packing(b" " + packed) is None


@pytest.mark.parametrize(
    "head", [b"", b"\x1f", b"\xfd7zXZ", b"BZh", b"BZh0", b"\x28\xb5\x2f", b"\x60\x2a\x4d\x18", LINE, b"\0" * 9]
)
def test_a_plain_log_is_not_packed(head):
    assert packing(head) is None


@pytest.mark.parametrize("kind", range(16))
def test_a_file_that_starts_with_a_frame_to_skip_is_zstd(kind):
    skipped = bytes([0x50 + kind]) + b"\x2a\x4d\x18" + struct.pack("<I", 5) + b"\x28\xb5\x2f\xfd!"
    assert packing(skipped[:6]) == "zstd"
    packed = PACK["zstd"](TEXT)
    assert run(skipped + packed + skipped + packed, "zstd") == (TEXT * 2, None, 0)
    assert run(skipped[:-1], "zstd") == (b"", EARLY, 0)
    assert run(skipped[:7], "zstd") == (b"", EARLY, 0)


@formats
@pytest.mark.parametrize("text", [b"", b"x", TEXT, LINE * 20_000, noise(700_000), bytes(3 * MIB) + noise(999)], ids=len)
def test_one_member_and_several(name, text):
    packed = PACK[name](text)
    assert run(packed, name) == (text, None, 0)
    assert run(packed + PACK[name](b"behind\n") + packed, name) == (text + b"behind\n" + text, None, 0)


@formats
def test_empty_members_between(name):
    assert run((PACK[name](b"") + PACK[name](b"a\n")) * 50, name) == (b"a\n" * 50, None, 0)


@formats
def test_from_a_mapped_file(name, tmp_path):
    text = noise(300_000) + LINE * 30_000
    path = tmp_path / "log"
    path.write_bytes(PACK[name](text) * 2)
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ) as data:
        assert run(data, name) == (text * 2, None, 0)


@formats
@pytest.mark.parametrize("zeros", [1, 512, 200_000])
def test_zeros_behind_and_between(name, zeros):
    packed = PACK[name](TEXT)
    assert run(packed + bytes(zeros), name) == (TEXT, None, 0)
    assert run(packed + bytes(zeros) + packed + bytes(zeros), name) == (TEXT * 2, None, 0)


@formats
@pytest.mark.parametrize("garbage", [b"garbage", b"\0\0\0x", b"x" * 300_000])
def test_garbage_behind_the_end_is_told_behind_all_text(name, garbage):
    packed = PACK[name](TEXT)
    assert run(packed + garbage, name) == (TEXT, DAMAGED, len(garbage.lstrip(b"\0")))


@formats
def test_garbage_is_that_of_the_last_log(name):
    unpacking = Unpacking()
    with pytest.raises(Damaged, match=DAMAGED):
        list(unpacking.unpack(PACK[name](b"a") + b"xyz", name))
    assert unpacking.garbage == 3
    list(unpacking.unpack(PACK[name](b"a"), name))
    assert unpacking.garbage == 0


@formats
def test_zeros_are_not_looked_through_forever(name, monkeypatch):
    monkeypatch.setattr(unpack, "_PADDING", 100_000)
    packed = PACK[name](TEXT)
    found, reason, garbage = run(packed + bytes(500_000), name)
    assert (found, reason) == (TEXT, DAMAGED)
    assert garbage > 300_000


@formats
@pytest.mark.parametrize("text", [b"", TEXT, noise(150)], ids=len)
def test_cut_at_every_byte(name, text):
    first = PACK[name](b"first\n")
    packed = first + PACK[name](text)
    for size in range(len(packed)):
        found, reason, garbage = run(packed[:size], name)
        assert (b"first\n" + text).startswith(found)
        assert garbage == 0
        if size == len(first):
            assert (found, reason) == (b"first\n", None)
        else:
            assert reason == EARLY
            assert len(found) >= 6 * (size > len(first))


@formats
def test_what_comes_before_the_cut_is_given_out(name):
    text = noise(3 * MIB)
    packed = PACK[name](text)
    found, reason, _ = run(packed[: len(packed) // 2], name)
    assert text.startswith(found)
    assert len(found) > MIB / 3  # a block of bzip2 or lz4 is not given out in parts
    assert reason == EARLY


@formats
def test_other_bytes_at_every_place(name):
    """A checksum finds it, or what follows is named. zstd's unused bit and lz4's and gzip's headers may change nothing."""
    packed = PACK[name](TEXT)
    silent = 0
    for place in range(len(packed)):
        for bit in range(8):
            hurt = bytearray(packed)
            hurt[place] ^= 1 << bit
            found, reason, _ = run(bytes(hurt), name)
            silent += reason is None
            assert reason or found == TEXT
    assert silent < 80


@given(st.sampled_from(list(PACK)), st.binary(max_size=300), st.integers(0, 20))
def test_any_bytes_behind_a_start(name, tail, kept):
    found, reason, _ = run(PACK[name](TEXT)[:kept] + tail, name)
    assert len(found) < 32 * MIB
    assert reason in {None, DAMAGED, EARLY, TOO_MUCH, MEMORY}


@given(st.sampled_from(list(PACK)), st.data())
def test_bytes_cut_out_put_in_and_exchanged(name, data):
    packed = PACK[name](TEXT) * 2
    start, stop = sorted(data.draw(st.tuples(st.integers(0, len(packed)), st.integers(0, len(packed)))))
    hurt = packed[:start] + data.draw(st.binary(max_size=9)) + packed[stop:]
    found, reason, _ = run(hurt, name)
    if reason is None and hurt:
        assert found in {TEXT, TEXT * 2}
    assert len(found) < 32 * MIB


def test_not_what_it_was_said_to_be():
    for name in PACK:
        assert run(LINE, name) == (b"", DAMAGED, 0)
        assert run(b"", name) == (b"", EARLY, 0)


def test_a_gzip_header_with_everything_in_it():
    fields = b"\x04\x00ab\x01\x00" + b"name\0" + b"comment\0"
    header = b"\x1f\x8b\x08\x1e" + bytes(6) + fields
    plain = gzip.compress(TEXT, mtime=0)[10:]
    checked = header + struct.pack("<H", zlib.crc32(header) & 0xFFFF) + plain
    assert run(checked, "gzip") == (TEXT, None, 0)
    assert run(header + b"\0\0" + plain, "gzip") == (b"", DAMAGED, 0)


@pytest.mark.parametrize(
    "options",
    [
        {"block_linked": True, "block_size": size, "store_size": stored, "content_checksum": True}
        for size in (4, 5, 6, 7)
        for stored in (True, False)
    ],
)
def test_every_shape_of_an_lz4_frame(options):
    text = noise(5 * MIB) + LINE * 9000
    assert run(lz4.frame.compress(text, **options) * 2, "lz4") == (text * 2, None, 0)


@pytest.mark.parametrize("check", [lzma.CHECK_NONE, lzma.CHECK_CRC32, lzma.CHECK_CRC64, lzma.CHECK_SHA256])
def test_every_check_of_xz(check):
    assert run(lzma.compress(TEXT, check=check), "xz") == (TEXT, None, 0)


@pytest.mark.parametrize("size", [0, 1, 255, 256, 65_791, 65_792, 300_000])
@pytest.mark.parametrize("sized", [True, False])
@pytest.mark.parametrize("checked", [True, False])
def test_every_shape_of_a_zstd_header(size, sized, checked):
    text = noise(size)
    packed = zstandard.ZstdCompressor(write_checksum=checked, write_content_size=sized).compress(text)
    parameters = zstandard.get_frame_parameters(packed)
    assert unpack._zstd_header(packed) == (zstandard.frame_header_size(packed), parameters.window_size, checked)
    assert run(packed * 2, "zstd") == (text * 2, None, 0)


def test_a_zstd_frame_that_needs_a_dictionary_cannot_be_read():
    dictionary = zstandard.ZstdCompressionDict(noise(5000), dict_type=zstandard.DICT_TYPE_RAWCONTENT)
    packed = zstandard.ZstdCompressor(dict_data=dictionary).compress(noise(5000))
    assert run(packed, "zstd")[1] == DAMAGED
    for flag in range(4):
        head = b"\x28\xb5\x2f\xfd" + bytes([0x20 | flag]) + b"\x01" * 12
        assert unpack._zstd_header(head)[0] == 6 + (0, 1, 2, 4)[flag]


@formats
def test_blocks_of_what_is_unpacked(name):
    lines = [b"%d\n" % number for number in range(300_000)]
    made = list(blocks(Unpacking().unpack(PACK[name](b"".join(lines)), name)))
    assert b"".join(block.text for block in made) == b"".join(lines)
    assert sum(block.lines for block in made) == len(lines)
    assert len(made) == len(b"".join(lines)) // MIB + 1
    assert not any(block.unfinished or block.too_long for block in made)


@formats
def test_blocks_give_out_what_came_before_the_damage(name):
    packed = PACK[name](TEXT)
    made: list[Block] = []
    with pytest.raises(Damaged, match=EARLY):
        made.extend(blocks(Unpacking().unpack(packed + packed[:-1], name)))
    assert b"".join(block.text for block in made).startswith(TEXT)
    assert [block.unfinished for block in made] == [not made[-1].text.endswith(b"\n")]


def test_blocks_pass_other_exceptions_on():
    def chunks():
        yield b"a\n"
        raise MemoryError

    with pytest.raises(MemoryError):
        list(blocks(chunks()))


def test_zeros_are_skipped_up_to_a_bound_in_all(monkeypatch):
    """A sparse file costs its maker nothing: members with many zeros between them would be looked through for ever."""
    monkeypatch.setattr(unpack, "_PADDING", 100_000)
    member = PACK["gzip"](b"a")
    assert run((member + bytes(60_000)) + member, "gzip")[:2] == (b"aa", None)
    found, reason, _ = run((member + bytes(60_000)) * 5, "gzip")
    assert (found, reason) == (b"aaa", DAMAGED)


def test_tiny_members_give_signs_of_life(monkeypatch):
    monkeypatch.setattr(unpack, "CHUNKS_A_SIGN", 10)
    made = list(blocks(Unpacking().unpack(PACK["gzip"](b"a\n") * 95, "gzip")))
    assert [(block.text, block.lines) for block in made] == [(b"", 0)] * 9 + [(b"a\n" * 95, 95)]
