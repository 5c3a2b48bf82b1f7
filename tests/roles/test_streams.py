"""Logs that are read front to back give what the plain log gives, with the same line numbers, in any number of parts."""

import gzip
import lzma
import struct
from pathlib import Path
from unittest.mock import patch

import pytest

from syslogparse.evidence.fold import Fold
from syslogparse.roles import streams
from syslogparse.roles.blockwork import BlockWork
from syslogparse.roles.streams import work_place
from syslogparse.sources import journalfile
from syslogparse.sources.blocks import BLOCK_BYTES, Place
from tests.roles.lines import ODD, PACKETS, REAL, mapped, worker
from tests.sources.journals import Built

JOURNALS = sorted((Path(__file__).parents[1] / "data" / "journal").glob("*.journal.xz"))
FIRST = Place(0, 0)
TEXT = b"\n".join([*PACKETS, *REAL, *ODD, *PACKETS, b""])


def read(data, place=FIRST, *, stream=True, **more) -> tuple[list[BlockWork], Fold]:
    fold = Fold()
    return list(work_place(worker(stream=stream, **more), mapped(data), place, fold)), fold


def rows(parts):
    return [event for part in parts for event in part.stream]


def sums(parts):
    added: dict[tuple[str, str], int] = {}
    for part in parts:
        for name in ("events", "trust", "reasons", "losses"):
            for key, count in getattr(part, name).items():
                added[name, key] = added.get((name, key), 0) + count
    return added, sum(part.lines for part in parts), [one for part in parts for one in part.undecoded]


def test_a_plain_log_is_read_block_by_block():
    parts, _ = read(TEXT)
    assert [part.more for part in parts] == [False]
    assert len(rows(parts)) > 50


def test_an_unpacked_log_gives_what_the_plain_one_gives():
    plain, plain_fold = read(TEXT)
    packed, packed_fold = read(gzip.compress(TEXT))
    assert rows(packed) == rows(plain)
    assert sums(packed) == sums(plain)
    folded, fold = read(gzip.compress(TEXT), stream=False)
    _, expected = read(TEXT, stream=False)
    assert fold.tallies == expected.tallies
    assert (rows(folded), plain_fold.tallies, packed_fold.tallies) == ([], {}, {})


def test_line_numbers_count_on_from_part_to_part():
    text = TEXT * (3 * BLOCK_BYTES // len(TEXT))
    parts, _ = read(gzip.compress(text))
    assert len(parts) > 2
    assert [part.more for part in parts] == [True] * (len(parts) - 1) + [False]
    lines = [event.line for event in rows(parts)]
    each = TEXT.count(b"\n")
    once = [event.line for event in rows(read(TEXT)[0])]
    assert lines == [line + copy * each for copy in range(len(text) // len(TEXT)) for line in once]
    for part in parts:
        assert all(part.first_line <= event.line < part.first_line + part.lines for event in part.stream)


def test_no_part_holds_evidence_of_the_next_one():
    fold = Fold()
    seen = 0
    for part in work_place(worker(), mapped(gzip.compress(TEXT * (3 * BLOCK_BYTES // len(TEXT)))), FIRST, fold):
        seen += part.lines
        assert max(tally.last.line for tally in fold.tallies.values()) < seen


def test_the_other_blocks_of_such_a_log_hold_nothing():
    parts, fold = read(gzip.compress(TEXT), Place(0, 1))
    assert [(part.lines, part.more, rows([part])) for part in parts] == [(0, False, [])]
    assert fold.tallies == {}


def test_what_stands_before_the_damage_is_kept():
    whole = gzip.compress(TEXT * 50)
    parts, _ = read(whole[: len(whole) - 100])
    assert rows(parts)
    assert [part.damage for part in parts][-2:] == ["compressed data ends early", None]


def test_bytes_that_are_no_compressed_data_at_all():
    parts, _ = read(b"\x1f\x8b\x08" + b"x" * 100)
    assert [part.damage for part in parts] == ["compressed data is damaged", None]


def record(transport: bytes, message: bytes) -> bytes:
    return b"__CURSOR=s=1\n__REALTIME_TIMESTAMP=1795328408930000\n_TRANSPORT=%b\nMESSAGE=%b\n\n" % (transport, message)


EXPORT = record(b"kernel", PACKETS[0].partition(b"] ")[2]) + record(b"syslog", REAL[0]) + record(b"kernel", b"usb 1-1: new")


def test_an_export_gives_events_at_the_lines_of_their_records():
    parts, _ = read(EXPORT + EXPORT)
    assert [(event.line, event.kind, event.grade) for event in rows(parts)] == [(line, "netfilter", "syslog") for line in (0, 15)]
    assert sum(part.lines for part in parts) == 30


def test_a_compressed_export():
    parts, _ = read(gzip.compress(EXPORT))
    assert [event.line for event in rows(parts)] == [0]


@pytest.mark.parametrize("size", [1, 7, 100, 5000])
def test_the_cut_of_an_export_does_not_matter(size):
    with patch.object(streams, "BLOCK_BYTES", size):
        parts, _ = read(EXPORT * 3)
    assert [event.line for event in rows(parts)] == [0, 15, 30]
    assert sum(part.lines for part in parts) == 45
    for part in parts:
        assert all(part.first_line <= event.line < part.first_line + part.lines for event in part.stream)


@pytest.fixture(params=JOURNALS, ids=lambda path: path.name)
def journal(request):
    return lzma.decompress(request.param.read_bytes())


def test_a_journal_file(journal):
    parts, _ = read(journal)
    assert len(rows(parts)) > 20
    assert {event.grade for event in rows(parts)} == {"syslog"}, "this log's journal grade"
    with patch.object(streams, "_ENTRIES_A_PART", 3):
        cut, _ = read(journal)
    assert len(cut) > 5
    assert rows(cut) == rows(parts)


def test_a_journal_that_is_cut_short(journal):
    parts, _ = read(journal[: len(journal) // 2])
    assert parts[-2].damage == "the journal file is damaged"


def test_a_compressed_journal_is_refused_with_a_reason(journal):
    parts, _ = read(gzip.compress(journal))
    assert [part.damage for part in parts] == ["a compressed journal file has to be unpacked first", None]


DENIED = b'audit: type=1400 audit(1795328416.588:%d): apparmor="DENIED" operation="open" profile="p" name="/%b" denied_mask="r"'


def test_a_message_that_is_longer_than_a_line_may_be():
    """A field of the export may be longer than a frame's text: its parser would count as dead."""
    parts, _ = read(record(b"kernel", DENIED % (1, b"a" * 70_000)) + record(b"kernel", DENIED % (2, b"b")))
    assert [event.line for event in rows(parts)] == [5]
    assert sums(parts)[0]["reasons", "line too long"] == 1
    quiet, _ = read(record(b"kernel", b"x" * 70_000) + record(b"syslog", b"y" * 70_000))
    assert not sums(quiet)[0]


def big_entries(count: int, size: int) -> bytes:
    made = Built()
    kernel = made.data(b"_TRANSPORT=kernel")
    messages = [made.data(b"MESSAGE=" + DENIED % (number, b"a" * size)) for number in range(count)]
    array = made.array([made.entry(kernel, message) for message in messages])
    return made.indexed(array, count, {})


def test_a_part_of_a_journal_holds_no_more_text_than_a_block():
    """4096 denials with long paths are more than the analyst takes at once."""
    parts, _ = read(big_entries(300, 8000))
    assert len(rows(parts)) == 300
    assert len(parts) > 3
    assert max(len(part.stream) for part in parts) * 8000 < BLOCK_BYTES + 8100


def test_entries_that_nobody_asks_for_give_parts_too():
    with patch.object(journalfile, "_PAUSE_COST", 1000):
        made = Built()
        some = [made.data(b"X=%d" % number) for number in range(30)]
        array = made.array([made.entry(*some) for _ in range(1000)])
        parts, _ = read(made.indexed(array, 1000, {}))
    assert len(parts) > 30
    assert sums(parts) == ({}, 0, [])


def test_an_export_in_tiny_members_is_no_part_for_each():
    text = EXPORT * 20
    tiny = b"".join(gzip.compress(text[at : at + 20]) for at in range(0, len(text), 20))
    parts, _ = read(tiny)
    assert len(parts) == 3
    assert [event.line for event in rows(parts)] == [event.line for event in rows(read(text)[0])]


def test_lines_of_a_record_that_reaches_over_many_parts(monkeypatch):
    """They come with the last of its parts; the analyst knows how many there were (``Gathering``)."""
    monkeypatch.setattr(streams, "BLOCK_BYTES", 100)
    long = b"__CURSOR=s=1\nFOO\n" + struct.pack("<Q", 5000) + b"\n" * 5000 + b"\n\n"
    parts, _ = read(EXPORT + long + EXPORT)
    assert [event.line for event in rows(parts)] == [0, 15 + 5004]
    sent = 0
    for number, part in enumerate(parts):
        sent += part.lines
        assert sent <= (number + 1) * 100
