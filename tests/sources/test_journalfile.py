"""Native journal files: real ones, damaged ones, and ones made to loop, to bomb or to take for ever."""

import mmap
import os
from pathlib import Path

import prctl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from syslogparse.sandbox.seccomp import Channels, LoadFilter
from syslogparse.sources import journalfile
from syslogparse.sources.journalfile import JournalDamage, RawEntry, entries, is_journal
from tests.sources.journals import (
    ARRAYS,
    BROKEN,
    COUNT,
    KINDS,
    TABLE,
    TABLE_SIZE,
    TAIL,
    Counted,
    chain_of,
    field,
    header,
    journal,
    number,
    objects,
    patched,
    read,
    said,
    said_by_journalctl,
    splices,
    starts,
    value,
    without_index,
)


@pytest.mark.parametrize("kind", KINDS)
def test_systemds_own_reader_says_the_same(kind: str):
    found, damage = read(journal(kind))
    assert said(found) == said_by_journalctl()
    assert damage == ""
    assert [entry.number for entry in found] == list(range(len(found)))
    assert sum(len(entry.message) > 1000 for entry in said(found)) == 14, "packed payloads"


@pytest.mark.parametrize("kind", KINDS)
def test_every_entry_is_visited_where_there_is_no_index(kind: str):
    assert read(without_index(journal(kind))) == read(journal(kind))


def test_only_the_entries_of_interest_are_touched():
    data = journal("regular-zstd")
    bus = [*chain_of(data, b"SYSLOG_IDENTIFIER=dbus-daemon"), *chain_of(data, b"SYSLOG_IDENTIFIER=dbus")]
    wanted = {*bus, *chain_of(data, b"_TRANSPORT=kernel"), *chain_of(data, b"_TRANSPORT=audit")}
    others = {*objects(data, 3)} - wanted
    assert len(others) == 7
    watched = Counted(data)
    assert len(list(entries(watched))) == len(wanted) == len(said_by_journalctl())
    assert wanted <= watched.touched
    assert not others & watched.touched


def test_mapped(tmp_path: Path):
    path = tmp_path / "system.journal"
    path.write_bytes(journal("compact-zstd"))
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        assert is_journal(data)
        assert said(list(entries(data))) == said_by_journalctl()


def test_signature():
    assert is_journal(journal("regular-xz"))
    assert not is_journal(b"")
    assert not is_journal(b"Nov 22 10:00:00 gw kernel: LPKSHHRH")
    assert not is_journal(b"KSHHRHLP" + bytes(300)), "the sealing keys of a journal"


@pytest.mark.parametrize(
    ("patch", "reason"),
    [
        ((12, 32), "the journal file is of a kind that is not known"),
        ((0, 0), "the journal file is damaged"),
        ((88, 0), "the journal file is damaged"),
        ((88, 277), "the journal file is damaged"),
        ((88, 1 << 63), "the journal file is damaged"),
    ],
)
def test_refused_at_once(patch: tuple[int, int], reason: str):
    changed = bytearray(journal("regular-zstd"))
    at, new = patch
    changed[at : at + (4 if at == 12 else 8)] = new.to_bytes(4 if at == 12 else 8, "little")
    with pytest.raises(JournalDamage) as caught:
        list(entries(bytes(changed)))
    assert caught.value.reason == reason
    for short in (0, 8, 100, 207):
        with pytest.raises(JournalDamage):
            next(iter(entries(journal("regular-zstd")[:short])))


def test_an_empty_journal():
    assert read(patched(journal("compact-lz4"), (COUNT, 0), (ARRAYS, 0), (TABLE_SIZE, 0))) == ([], "")


@pytest.mark.parametrize("kind", ["regular-lz4", "compact-zstd"])
@pytest.mark.parametrize("indexed", [True, False])
def test_what_can_be_read_of_a_file_that_is_cut_short_is_read(kind: str, indexed: bool):
    data = journal(kind)
    if not indexed:
        data = without_index(data)
    whole, _ = read(data)
    last = 0
    kept = []
    for cut in [*list(objects(data, 3))[::9], number(data, TAIL), len(data) - 1]:
        found, damage = read(data[:cut])
        assert damage
        marked = [entry for entry in found if entry.damage == BROKEN]
        assert [entry for entry in found if entry.damage != BROKEN] == whole[: len(found) - len(marked)]
        assert len(marked) <= 1, "the one that is cut through"
        assert len(found) >= last
        last = len(found)
        kept.append(last)
    assert kept[-1] == len(whole)
    assert kept[0] < kept[3] < kept[6] < len(whole)


@pytest.mark.parametrize("kind", ["regular-xz", "compact-xz"])
def test_a_broken_index_is_done_without(kind: str):
    data = journal(kind)
    head = 64 if kind.startswith("regular") else 72
    whole = read(data)
    transport, kernel = field(data, b"_TRANSPORT"), value(data, b"_TRANSPORT=kernel", head)
    arrays = number(data, kernel + 48)
    for at, new in [
        (TABLE, 1 << 60),
        (TABLE_SIZE, 1 << 60),
        (transport + 24, transport),
        (transport + 24, 1 << 40),
        (transport + 32, transport),
        (transport + 32, len(data) - 8),
        (kernel + 32, kernel),
        (kernel + 48, 0),
        (kernel + 48, kernel),
        (kernel + 56, 1 << 60),
        (arrays + 8, 24),
        (arrays + 16, arrays),
        (transport + 40, 0),
    ]:
        assert read(patched(data, (at, new))) == whole, (at, new)


def test_lists_that_loop_or_run_away_end():
    data = without_index(journal("regular-zstd"))
    whole, _ = read(data)
    arrays = number(data, ARRAYS)
    for at, new, fewest in [
        (COUNT, 1 << 62, len(whole)),
        (ARRAYS, 8, 0),
        (arrays + 16, arrays, 1),
        (arrays + 16, arrays - 8, 1),
        (arrays + 24, 0, 0),
        (arrays + 32, number(data, arrays + 24), 1),
        (arrays + 32, len(data), 1),
        (arrays + 8, 1 << 62, 0),
    ]:
        found, damage = read(patched(data, (at, new)))
        assert damage, (at, new)
        assert found == whole[: len(found)]
        assert len(found) >= fewest, (at, new)


def test_damage_in_one_entry_marks_that_entry():
    data = journal("regular-zstd")
    whole, _ = read(data)
    at = chain_of(data, b"_TRANSPORT=kernel")[10]
    nth = next(n for n, entry in enumerate(whole) if entry.realtime == number(data, at + 24))
    items = range(at + 64, at + number(data, at + 8), 16)
    message = next(item for item in items if data[number(data, item) + 64 :].startswith(b"MESSAGE="))
    payload = number(data, message)
    for patch in [
        (message, 0),
        (message, payload + 4),
        (message, 1 << 50),
        (message, at),
        (payload, 0),
        (payload + 8, 63),
        (payload + 8, 1 << 40),
    ]:
        found, _ = read(patched(data, patch))
        assert found[nth].damage == BROKEN, patch
        assert b"MESSAGE" not in found[nth].fields
        assert [entry for entry in found if entry.damage != BROKEN] == whole[:nth] + whole[nth + 1 :]
    found, _ = read(patched(data, (payload + 8, (1 << 20) + 65)))
    assert found[nth].damage == "line too long"
    assert found[nth].fields[b"_TRANSPORT"] == b"kernel"
    found, _ = read(patched(data, (at, 1)))
    assert found[nth] == RawEntry(nth, 0, {}, BROKEN)


def test_a_transport_given_twice_is_marked():
    data = journal("regular-zstd")
    whole, _ = read(data)
    at = chain_of(data, b"_TRANSPORT=kernel")[10]
    nth = next(n for n, entry in enumerate(whole) if entry.realtime == number(data, at + 24))
    items = range(at + 64, at + number(data, at + 8), 16)
    identifier = next(item for item in items if data[number(data, item) + 64 :].startswith(b"SYSLOG_IDENTIFIER="))
    for other in (b"_TRANSPORT=journal", b"_TRANSPORT=kernel"):
        found, _ = read(patched(data, (identifier, value(data, other, 64))))
        assert [entry.number for entry, once in zip(found, whole, strict=True) if entry.damage != once.damage] == [nth]
        assert found[nth].damage == "contradictory fields"


def test_an_index_that_claims_anothers_entry_is_not_believed():
    data = journal("regular-zstd")
    journals = value(data, b"_TRANSPORT=journal", 64)
    kernel = value(data, b"_TRANSPORT=kernel", 64)
    borrowed = patched(
        data, (kernel + 40, number(data, journals + 40)), (kernel + 48, number(data, journals + 48)), (kernel + 56, 7)
    )
    found, _ = read(borrowed)
    assert all(
        entry.damage for entry in found if entry.fields[b"_TRANSPORT"] == b"journal" and b"dbus" not in entry.fields.values()
    )


@pytest.mark.parametrize("kind", ["regular-xz", "compact-lz4", "compact-zstd"])
@given(data=st.data())
@settings(max_examples=40)
def test_a_mutated_journal_raises_nothing_but_its_own(kind: str, data: st.DataObject):
    whole = journal(kind)
    first, end = number(whole, TABLE), number(whole, TAIL) + 200
    changed = bytearray(whole[: end + 4096] if data.draw(st.booleans()) else whole)
    place = st.one_of(st.integers(0, 272), st.integers(first, end), st.sampled_from(starts(kind)))
    for _ in range(data.draw(st.integers(1, 8))):
        at = data.draw(place)
        new = data.draw(st.one_of(st.binary(min_size=1, max_size=9), st.sampled_from([bytes(8), b"\xff" * 8]), splices(kind)))
        changed[at : at + len(new)] = new
    for maimed in (bytes(changed), without_index(bytes(changed))):
        found, _ = read(maimed)
        assert [entry.number for entry in found] == list(range(len(found)))


@given(st.binary(max_size=600))
def test_any_bytes_behind_a_signature(data: bytes):
    read(b"LPKSHHRH" + data)
    read(header(256, 3, 256 + len(data), (256, 64)) + data)


@pytest.mark.root
def test_under_the_parsers_filter():
    """Nothing but memory is asked of the kernel, whatever the payloads are packed with."""
    expected = len(said_by_journalctl())
    maps = [journal(kind) for kind in KINDS]
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        prctl.set_no_new_privs(1)
        LoadFilter("parser", Channels(writes=(writer,))).take()
        os.write(writer, b"%d" % sum(1 for data in maps for _ in entries(data)))
        os._exit(0)
    os.close(writer)
    assert os.waitpid(child, 0)[1] == 0
    assert int(os.read(reader, 100)) == 6 * expected
    os.close(reader)


def test_the_limits_are_those_of_the_module(monkeypatch: pytest.MonkeyPatch):
    """A cache that is thrown away all the time changes nothing."""
    monkeypatch.setattr(journalfile, "_MAX_CACHED", 3)
    assert said(read(journal("compact-zstd"))[0]) == said_by_journalctl()
