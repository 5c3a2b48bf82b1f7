"""Journals that are made to take memory, or time, or to keep a parser silent."""

import struct
from contextlib import suppress

import pytest
import zstandard

from syslogparse.sources import journalfile
from syslogparse.sources.journalfile import JournalDamage, RawEntry, entries, visit
from tests.sources.journals import TABLE, Built, Counted, header, hostile, read


def test_objects_that_overlap_cost_no_more_than_the_file_is_long():
    for scale in (1, 2):
        data = Counted(hostile(nested=1000, users=200 * scale, size=500_000 * scale))
        found, damage = read(data)
        assert damage == "its fields add up to many times its size"
        assert data.copied < 64 * len(data) + (70 << 20)
        assert all(entry.damage for entry in found)


def test_objects_that_overlap_cost_no_more_than_an_entry_may():
    data = Counted(hostile(nested=4000, users=2, size=500_000))
    found, damage = read(data)
    assert (len(found), damage) == (2, "")
    assert all(entry.damage for entry in found)
    assert data.copied < 2 * (6 << 20)


def test_one_long_field_named_by_many_entries_is_not_handed_out_for_ever():
    data = hostile(nested=1, users=4000, size=1 << 20)
    found, damage = read(data)
    assert damage == "its fields add up to many times its size"
    assert sum(len(text) for entry in found for text in entry.fields.values()) < 65 * len(data) + (64 << 20)


def test_many_lists_that_are_the_same_list_are_given_up():
    """Every bucket of the field hash table begins another walk through all the fields."""
    count, table = 2000, 256
    at = table + 16 * count
    buckets = struct.pack("<QQ", at, at) * count
    following = [at + 48 * n for n in range(1, count)] + [0]
    chain = b"".join(struct.pack("<BB6xQQQQ8s", 2, 0, 48, 0, after, 0, b"SOMENAME") for after in following)
    data = Counted(header(0, 0, at + len(chain), (table, len(buckets))) + buckets + chain)
    assert read(data) == ([], "")
    assert data.copied < len(data) + 64 * (1 << 17) < count * len(chain)


MOST = 10_000
"""Times that anything may be looked at in the journals below."""


def seen(data: bytes, monkeypatch: pytest.MonkeyPatch) -> tuple[list[RawEntry | None], int]:
    """What is given and how many objects were looked at."""
    looked = 0
    look = journalfile._Journal._object

    def counting(self: journalfile._Journal, *what: int) -> tuple[bytes, int]:
        nonlocal looked
        looked += 1
        return look(self, *what)

    monkeypatch.setattr(journalfile._Journal, "_object", counting)
    given = visit(data)
    found: list[RawEntry | None] = []
    with suppress(JournalDamage):
        found.extend(given)
    return found, looked


def test_a_value_that_stands_twice_is_no_index(monkeypatch: pytest.MonkeyPatch):
    """Each brings its list of entries: lists that are one and the same would be walked through as often."""
    made = Built()
    kernel = made.data(b"_TRANSPORT=kernel")
    entries_ = [made.entry(kernel) for _ in range(1000)]
    array = made.array(entries_)
    newest = 0
    for _ in range(500):
        newest = made.data(b"_TRANSPORT=kernel", following=newest, arrays=array, count=1000)
    found, looked = seen(made.indexed(array, 1000, {b"_TRANSPORT": newest}), monkeypatch)
    assert [entry.fields if entry else entry for entry in found] == [{b"_TRANSPORT": b"kernel"}] * 1000
    assert looked < MOST


def test_a_field_that_stands_twice_is_no_index():
    made = Built()
    kernel = made.data(b"_TRANSPORT=kernel")
    array = made.array([made.entry(kernel)])
    listed = made.data(b"_TRANSPORT=kernel", arrays=array, count=1)
    second = made.put(2, struct.pack("<3Q", 0, 0, 0) + b"_TRANSPORT")
    first = made.put(2, struct.pack("<3Q", 0, second, listed) + b"_TRANSPORT")
    table = made.put(4, struct.pack("<QQQQ", second, second, first, first))
    file = bytearray(made.indexed(array, 1, {}))
    struct.pack_into("<QQ", file, TABLE, table + 16, 32)
    assert [entry.fields for entry in entries(bytes(file))] == [{b"_TRANSPORT": b"kernel"}]


def test_an_index_of_very_many_names_is_left_alone(monkeypatch: pytest.MonkeyPatch):
    """Anybody can log under names without end."""
    monkeypatch.setattr(journalfile, "_MAX_INDEX_COST", 10_000)
    made = Built()
    newest = 0
    for name in range(3 * MOST):
        newest = made.data(b"SYSLOG_IDENTIFIER=%d" % name, following=newest)
    kernel = made.data(b"_TRANSPORT=kernel")
    array = made.array([made.entry(kernel)])
    listed = made.data(b"_TRANSPORT=kernel", arrays=array, count=1)
    file = made.indexed(array, 1, {b"_TRANSPORT": listed, b"SYSLOG_IDENTIFIER": newest})
    found, looked = seen(file, monkeypatch)
    assert [entry.fields if entry else entry for entry in found] == [{b"_TRANSPORT": b"kernel"}]
    assert looked < MOST


def test_entries_of_no_interest_give_signs_of_life(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(journalfile, "_PAUSE_COST", 1000)
    monkeypatch.setattr(journalfile, "_MAX_CACHED", 10)
    made = Built()
    some = [made.data(b"X=%d" % number) for number in range(30)]
    array = made.array([made.entry(*some) for _ in range(100)])
    found, _ = seen(made.indexed(array, 100, {}), monkeypatch)
    assert set(found) == {None}
    assert 30 <= len(found) <= 100


def test_arrays_without_room_are_no_endless_work(monkeypatch: pytest.MonkeyPatch):
    made = Built()
    first = made.array([])
    for _ in range(3 * MOST):
        first = made.array([])
    chain = bytearray(made.indexed(256, 1, {}))
    for at in range(256, first, 24):
        struct.pack_into("<Q", chain, at + 16, at + 24)
    found, looked = seen(bytes(chain), monkeypatch)
    assert (found, looked < MOST) == ([], True)


def test_a_packed_field_that_many_name_is_unpacked_within_an_entrys_bound():
    """8192 fields of one entry, each of which would take a megabyte."""
    made = Built()
    bomb = zstandard.compress(b"MESSAGE=" + bytes(1 << 19))
    many = [made.data(bomb, flags=4) for _ in range(1000)]
    kernel = made.data(b"_TRANSPORT=kernel")
    array = made.array([made.entry(*many, kernel)])
    (found,) = entries(made.indexed(array, 1, {}))
    assert found.damage is not None
    assert found.fields[b"_TRANSPORT"] == b"kernel"
