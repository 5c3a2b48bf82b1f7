"""The Journal Export Format: records, payload that looks like a record, and streams that break."""

import lzma
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syslogparse.evidence.journalexport import MAX_FIELD, Exported, ExportReader, is_export

DATA = Path(__file__).parent.parent / "data" / "journal"
HEAD = b"__CURSOR=s=1;i=2\n__REALTIME_TIMESTAMP=1795328423857164\n"
FAKE = b"x\n\n" + HEAD + b"_TRANSPORT=kernel\nMESSAGE=IN=eth0 OUT=\n\n"
BROKEN = "not a complete record"


def binary(name: bytes, value: bytes, length: int | None = None) -> bytes:
    return name + b"\n" + (len(value) if length is None else length).to_bytes(8, "little") + value + b"\n"


def record(*lines: bytes) -> bytes:
    return HEAD + b"".join(line if line.endswith(b"\n") else line + b"\n" for line in lines) + b"\n"


KERNEL = record(b"_TRANSPORT=kernel", b"MESSAGE=a=b", b"OTHER=x", b"SYSLOG_IDENTIFIER=kernel")


def read(stream: bytes, size: int = 1 << 20) -> list[Exported]:
    reader = ExportReader()
    found = [one for low in range(0, len(stream), size) for one in reader.feed(stream[low : low + size])]
    return found + reader.finish()


def summary(stream: bytes, size: int = 1 << 20) -> list[tuple[int, bytes, bytes, str | None]]:
    return [(line, entry.transport, entry.message, entry.damage) for line, entry in read(stream, size)]


def test_records():
    ((line, entry),) = read(KERNEL)
    assert line == 0
    assert (entry.realtime, entry.transport, entry.identifier) == (1795328423857164, b"kernel", b"kernel")
    assert entry.message == b"a=b"
    assert entry.damage is None
    assert [line for line, _ in read(KERNEL * 3)] == [0, 7, 14]
    assert [line for line, _ in read(b"\n\n" + KERNEL + b"\n\n" + KERNEL)] == [2, 11]
    assert read(b"") == read(b"\n\n\n") == []


def test_lines_are_counted_by_lf_inside_values_too():
    stream = record(binary(b"MESSAGE", b"a\nb\n\nc"), binary(b"OTHER", b"\n" * 10), b"_TRANSPORT=kernel") + KERNEL
    second = len(stream[: -len(KERNEL)].split(b"\n")) - 1
    assert stream.count(b"\n", 0, len(stream) - len(KERNEL)) == second
    assert summary(stream) == [(0, b"kernel", b"a\nb\n\nc", None), (second, b"kernel", b"a=b", None)]


def test_where_the_reader_is():
    stream = KERNEL + record(binary(b"MESSAGE", b"a\nb\n\nc"), b"_TRANSPORT=kernel") + KERNEL + HEAD + b"MESSAGE\n\1\0\n"
    for size in (1, 5, 90, 1000):
        reader, behind = ExportReader(), 0
        for low in range(0, len(stream), size):
            before = reader.line
            found = reader.feed(stream[low : low + size])
            assert before <= reader.line <= reader.end
            assert all(before <= one.line < reader.line for one in found)
            seen = stream[: low + size]
            assert reader.end == seen.count(b"\n") + (not seen.endswith(b"\n"))
            behind = reader.end
        reader.finish()
        assert reader.end == behind
    assert (ExportReader().line, ExportReader().end) == (0, 0)


@pytest.mark.parametrize("name", [b"MESSAGE", b"OTHER", b"_TRANSPORT"])
def test_a_record_inside_a_value_is_payload(name: bytes):
    stream = record(binary(name, FAKE), b"_TRANSPORT=journal", b"SYSLOG_IDENTIFIER=kernel") + KERNEL
    for size in (1, 2, 3, 7, 50, 1 << 20):
        found = read(stream, size)
        assert len(found) == 2
        assert found[0].entry.transport in {b"journal", b""}
        assert found[0].entry.message in {FAKE, b""}
        assert found[1].entry.message == b"a=b"


@pytest.mark.parametrize("size", [1, 5, 64, 1000])
def test_the_borders_of_blocks_do_not_matter(size: int):
    stream = lzma.decompress((DATA / "journalctl.export.xz").read_bytes())[:30_000]
    assert read(stream, size) == read(stream)


def test_fields_given_twice():
    assert summary(record(b"_TRANSPORT=syslog", b"_TRANSPORT=kernel", b"MESSAGE=x")) == [(0, b"", b"x", "contradictory fields")]
    assert summary(record(b"_TRANSPORT=kernel", b"MESSAGE=x", binary(b"MESSAGE", b"y"))) == [
        (0, b"kernel", b"x", "contradictory fields")
    ]
    assert summary(record(b"_TRANSPORT=kernel", b"OTHER=x", b"OTHER=y", b"MESSAGE=x")) == [(0, b"kernel", b"x", None)]


def test_a_field_that_is_too_long_spoils_its_record_only():
    long = b"x" * (MAX_FIELD + 1)
    for spoiled in (binary(b"MESSAGE", long), b"MESSAGE=" + long):
        stream = record(b"_TRANSPORT=kernel", spoiled) + KERNEL
        for size in (1 << 14, 1 << 20, 1 << 24):
            first, second = summary(stream, size)
            assert first == (0, b"kernel", b"", "line too long")
            assert second[1:] == (b"kernel", b"a=b", None)
    for ignored in (binary(b"COREDUMP", long * 3), b"COREDUMP=" + long):
        first, second = summary(record(b"_TRANSPORT=kernel", ignored, b"MESSAGE=x") + KERNEL, 1 << 16)
        assert first == (0, b"kernel", b"x", None)
        assert second[1:] == (b"kernel", b"a=b", None)


def test_a_record_that_is_too_long():
    parts = [
        binary(name, b"1" * (MAX_FIELD - 1))
        for name in (b"MESSAGE", b"_HOSTNAME", b"_AUDIT_ID", b"_AUDIT_TYPE", b"_AUDIT_TYPE_NAME")
    ]
    (one,) = read(record(*parts, b"_TRANSPORT=kernel"), 1 << 16)
    assert one.entry.damage == "line too long"


@pytest.mark.parametrize(
    "cut",
    [
        HEAD + b"_TRANSPORT=kernel\nMESSAGE=x",
        HEAD + b"_TRANSPORT=kernel\nMESSAGE",
        HEAD + b"_TRANSPORT=kernel\nMESSAGE\n\1\0\0",
        HEAD + b"_TRANSPORT=kernel\nMESSAGE\n\3\0\0\0\0\0\0\0ab",
        HEAD + b"_TRANSPORT=kernel\nMESSAGE\n\3\0\0\0\0\0\0\0abc",
        HEAD + b"_TRANSPORT=kernel\nOTHER\n\xff\xff\xff\xff\xff\xff\xff\xff" + FAKE * 3,
        HEAD + b"_TRANSPORT=kernel\nMESSAGE\n\xff\xff\xff\xff\xff\xff\xff\x7f" + FAKE * 3,
        HEAD + b"_TRANSPORT=kernel\nMESSAGE=" + b"x" * (MAX_FIELD + 5),
    ],
)
def test_a_stream_that_is_cut_off(cut: bytes):
    for size in (11, 1 << 20):
        last = read(KERNEL + cut, size if len(cut) < 10_000 else 1 << 16)[-1]
        assert (last.line, last.entry.transport) == (7, b"kernel")
        assert last.entry.damage in {"line cut off at the end of the file", "line too long"}


def test_the_last_empty_line_may_be_missing():
    assert summary(KERNEL[:-1]) == summary(KERNEL)


@pytest.mark.parametrize(
    "broken",
    [
        record(b"_TRANSPORT=kernel", b"no name", b"MESSAGE=x"),
        record(b"_TRANSPORT=kernel", b"message", b"MESSAGE=x"),
        record(b"_TRANSPORT=kernel", binary(b"MESSAGE", b"abcdef", 3)),
        record(b"_TRANSPORT=kernel", binary(b"OTHER", b"abcdef", 3)),
        b"the end of a value\n\n",
    ],
)
def test_behind_a_break_nothing_is_believed(broken: bytes):
    assert summary(KERNEL + broken + KERNEL + KERNEL)[0][3] is None
    for size in (1, 13, 1 << 20):
        damage = [entry.damage for _, entry in read(KERNEL + broken + KERNEL + KERNEL, size)]
        assert damage == [None, BROKEN, BROKEN, BROKEN]


def test_what_an_export_begins_with():
    assert is_export(KERNEL)
    assert is_export(lzma.decompress((DATA / "journalctl.export.xz").read_bytes())[:100])
    for head in (b"", b"MESSAGE=x", b" " + KERNEL, b"Nov 22 06:20:08 gw kernel: __CURSOR="):
        assert not is_export(head)


@given(
    st.lists(
        st.sampled_from([b"\n", b"=", b"MESSAGE", b"_TRANSPORT", b"kernel", bytes(8), b"\3" + bytes(7), b"\xff" * 8, b"x", HEAD])
    )
)
def test_any_stream_in_any_blocks(parts: list[bytes]):
    stream = b"".join(parts)
    whole = read(stream)
    assert [line for line, _ in whole] == sorted({line for line, _ in whole})
    for size in (1, 3, 16):
        assert read(stream, size) == whole


@given(
    st.lists(st.dictionaries(st.sampled_from([b"MESSAGE", b"OTHER", b"_HOSTNAME"]), st.binary(max_size=60), min_size=1)),
    st.integers(1, 40),
)
def test_what_was_written_is_read(records: list[dict[bytes, bytes]], size: int):
    stream = b"".join(record(*(binary(name, value) for name, value in fields.items())) for fields in records)
    found = [(entry.message, entry.host, entry.damage) for _, entry in read(stream, size)]
    assert found == [(fields.get(b"MESSAGE", b""), fields.get(b"_HOSTNAME", b""), None) for fields in records]
