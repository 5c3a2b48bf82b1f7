"""Native journal files of systemd-journald, read from their mapped bytes alone.

Layout: systemd's Journal File Format (https://systemd.io/JOURNAL_FILE_FORMAT) and journal-def.h; regular and compact files,
payloads packed with xz, lz4 or zstd. Nothing is hashed, so that keyed and plain hashes are alike.

The file is hostile. Every offset is checked against the file's size, every list of objects may only go forward (or only
backward), and objects of one list may not overlap: no list can loop, and the work is linear in the file's size. What is
unpacked is bounded too. A journal is written underfoot: counters are read once, before what they count, so an entry that is
being written is not seen; everything is decided on copies.
"""

from __future__ import annotations

import mmap
import struct
from collections.abc import Iterator
from heapq import merge
from typing import Final, NamedTuple

from syslogparse.evidence.journal import FIELDS
from syslogparse.evidence.model import Damage, Reason
from syslogparse.evidence.speaker import BUSES
from syslogparse.sources import journallayout as layout
from syslogparse.sources.journalpayload import MAX_PAYLOAD, PACKED, NotUnpacked, TooLarge, unpack

SIGNATURE: Final = b"LPKSHHRH"
_MAX_ITEMS: Final = 8192
"""Fields of an entry; journald writes 1024 at most."""
_MAX_TABLE: Final = 1 << 20
_MAX_FIELDS: Final = 1 << 17
"""Buckets' bytes and distinct field names that are searched for the index before it is given up."""
_MAX_CACHED: Final = 1 << 14
_MAX_CACHED_BYTES: Final = 1 << 23
_FREE_WORK: Final = 64 << 20
_WORK_PER_BYTE: Final = 64
"""Bytes that may be unpacked and handed out, for each byte of the file."""
_MAX_ENTRY: Final = 4 << 20
"""The same for one entry; what is long in it is left out beyond."""
_OBJECT_COST, _UNPACKING_COST = 16, 512
"""Of looking at one object, and of making a decompressor; looking up a field that is known costs 1, a tenth of a microsecond."""
_MAX_INDEX_COST: Final = 1 << 23
"""Beyond it every entry is visited instead: anybody can log under a hundred thousand names, and the index lists them all."""
_PAUSE_COST: Final = 1 << 21
"""After so much without an entry there is a sign of life."""

_LONGEST_NAME: Final = 64
_LONG: Final = 4096
"""Bytes of an entry from which on it counts as work to hand it out, however often it is named."""
_BATCH: Final = 1 << 16

_INDEX: Final = {b"_TRANSPORT": frozenset({b"kernel", b"audit"}), b"SYSLOG_IDENTIFIER": BUSES}
"""The fields and values whose entries are visited; the rest of the journal is not touched."""
_OTHER: Final = (b"", b"")


class RawEntry(NamedTuple):
    """One entry of the kernel, of audit or of a message bus.

    number: ordinal among the entries given, from 0. realtime: microseconds since the epoch, when journald got it.
    fields: those of ``evidence.journal.FIELDS`` that it has. damage: why it is not whole; the fields are then those that
    could be read.
    """

    number: int
    realtime: int
    fields: dict[bytes, bytes]
    damage: Reason | None = None


class JournalDamage(Exception):
    """A journal that could not be read to its end. reason: for the report. detail: for the developer."""

    def __init__(self, reason: Damage, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason: Damage = reason
        self.detail = detail


class _Broken(Exception):
    """An object is not what it should be. reason: what an entry that needs it is marked with."""

    def __init__(self, detail: str, reason: Reason = "not a complete record") -> None:
        super().__init__(detail)
        self.reason: Reason = reason


class _Beyond(_Broken):
    """An object would lie behind the end of the file."""


class _Chain(NamedTuple):
    """Entries in the order of writing: one named by itself (0: none), the others in arrays. entries: their number."""

    first: int
    arrays: int
    entries: int


def is_journal(data: mmap.mmap | bytes) -> bool:
    """Whether the file begins as a journal does."""
    return data[: len(SIGNATURE)] == SIGNATURE


def entries(data: mmap.mmap | bytes) -> Iterator[RawEntry]:
    """As ``visit``, without the signs of life."""
    return (entry for entry in visit(data) if entry is not None)


def visit(data: mmap.mmap | bytes) -> Iterator[RawEntry | None]:
    """The entries that the kernel, audit and message buses wrote, in the order of the file. None: still searching.

    Raises JournalDamage: at once for what is no journal or needs features that are not known here; behind the last entry
    that could be read, where the file is cut short or its lists of entries are damaged. A damaged entry is given, marked.
    """
    journal = _Journal(data)
    yield from journal.entries()
    if journal.damage:
        raise JournalDamage("the journal file is damaged", journal.damage)


class _Journal:
    """A journal being read. damage: the first thing that kept entries from being found, empty for none."""

    def __init__(self, data: mmap.mmap | bytes) -> None:
        header = data[: layout.HEADER.size]
        if len(data) < layout.MIN_HEADER or not is_journal(header):
            raise JournalDamage("the journal file is damaged", "no header")
        _, features, start, arena, table, table_size, count, arrays = layout.HEADER.unpack(header)
        if features & ~layout.KNOWN_FEATURES:
            raise JournalDamage("the journal file is of a kind that is not known", f"incompatible flags {features:#x}")
        if start < layout.MIN_HEADER or start % 8:
            raise JournalDamage("the journal file is damaged", "the header's size")
        self._data = data
        self._size = len(data)
        self._start: int = start
        self._table: tuple[int, int] = table, table_size
        self._all = _Chain(0, arrays, count)
        self.damage = "the file ends before the journal does" if start + arena > len(data) else ""
        compact = bool(features & layout.COMPACT)
        self._offset = struct.Struct("<I") if compact else layout.NUMBER
        self._item = struct.Struct("<4s") if compact else struct.Struct("<8s8x")
        self._head_of_data = layout.HEAD_OF_COMPACT_DATA if compact else layout.HEAD_OF_DATA
        # Keyed by an offset's bytes: the hash of an integer can be chosen by who wrote the file.
        self._cache: dict[bytes, tuple[bytes, bytes]] = {}
        self._cached_bytes = 0
        self._work = _FREE_WORK + _WORK_PER_BYTE * len(data)
        self._left_of_entry = _MAX_ENTRY
        self._cost = 0

    def entries(self) -> Iterator[RawEntry | None]:
        """The entries of interest, and signs of life."""
        chains = self._index()
        indexed = chains is not None
        number = 0
        before = free = 0
        pause = self._cost + _PAUSE_COST
        for offset in merge(*map(self._offsets, [self._all] if chains is None else chains)):
            if self._cost > pause:
                pause = self._cost + _PAUSE_COST
                yield None
            if offset == before:
                continue
            before = offset
            try:
                realtime, items = self._items(offset, free)
            except _Broken as problem:
                yield RawEntry(number, 0, {}, problem.reason)
                number += 1
                continue
            free = offset + layout.HEAD_OF_ENTRY + len(items)
            fields, damage = self._fields(items)
            if not _is_wanted(fields) and (damage is None or b"_TRANSPORT" in fields):
                if not indexed:
                    continue
                damage = damage or "contradictory fields"
            yield RawEntry(number, realtime, fields, damage)
            number += 1

    def _index(self) -> list[_Chain] | None:
        """The lists of entries that the data objects of interest keep; None where the file has no such index or a broken one."""
        try:
            named = list(self._named(_INDEX))
            fields = dict(named)
            if b"_TRANSPORT" not in fields or len(fields) < len(named):
                return None
            chains = [chain for name, newest in fields.items() for chain in self._values(name, newest)]
            for chain in chains:
                self._check(chain)
        except _Broken:
            return None
        return chains

    def _named(self, names: dict[bytes, frozenset[bytes]]) -> Iterator[tuple[bytes, int]]:
        """Name, and offset of the newest data object, of the field objects with these names."""
        offset, size = self._table
        if size > _MAX_TABLE or offset + size > self._size:
            raise _Broken("the field hash table")
        table = self._data[offset : offset + size - size % layout.BUCKET.size]
        left = _MAX_FIELDS
        for (head,) in layout.BUCKET.iter_unpack(table):
            at, before = head, 0
            while at:
                left -= 1
                if at <= before or not left:
                    raise _Broken("a chain of the field hash table")
                begin, length = self._object(at, layout.FIELD, layout.HEAD_OF_FIELD)
                _, following, newest = layout.THREE.unpack_from(begin, layout.OBJECT.size)
                name = self._data[at + layout.HEAD_OF_FIELD : at + min(length, layout.HEAD_OF_FIELD + _LONGEST_NAME)]
                if name in names:
                    yield name, newest
                before, at = at, following

    def _values(self, name: bytes, newest: int) -> Iterator[_Chain]:
        """The entries of the field's values of interest. Its data objects are linked from the newest to the oldest."""
        at, end = newest, self._size
        found: set[bytes] = set()
        while at:
            begin, size = self._object(at, layout.DATA, self._head_of_data)
            if at + size > end or self._cost > _MAX_INDEX_COST:
                raise _Broken("a field's list of values")
            if size <= self._head_of_data + _LONGEST_NAME and (value := self._payload(at)[1]) in _INDEX[name]:
                if value in found:
                    raise _Broken("a value that stands twice")
                found.add(value)
                yield _Chain(*layout.THREE.unpack_from(begin, 40))
            end = at
            (at,) = layout.NUMBER.unpack_from(begin, 32)

    def _check(self, chain: _Chain) -> None:
        """Raises _Broken where the chain's arrays do not hold its count; what is cut off with the file's end is no reason."""
        before, width = chain.first, self._offset.size
        try:
            for items, count in self._arrays(chain):
                last = items + (count - 1) * width
                (offset,) = self._offset.unpack(self._data[last : last + width])
                if offset <= before or self._cost > _MAX_INDEX_COST:
                    raise _Broken("an array that is not full, or too many of them")
                before = offset
        except _Beyond:
            return

    def _arrays(self, chain: _Chain) -> Iterator[tuple[int, int]]:
        """Offset of the first item and number of items, for each array of a chain. An array stands behind its forerunner."""
        wanted = chain.entries - bool(chain.first)
        at, least = chain.arrays, self._start
        while wanted > 0:
            if at < least:
                raise _Broken("a chain of entry arrays")
            begin, size = self._object(at, layout.ARRAY, layout.HEAD_OF_ARRAY)
            count = min((size - layout.HEAD_OF_ARRAY) // self._offset.size, wanted)
            if not count:
                raise _Broken("an array without room")
            yield at + layout.HEAD_OF_ARRAY, count
            wanted -= count
            least = at + size
            (at,) = layout.NUMBER.unpack_from(begin, layout.OBJECT.size)

    def _offsets(self, chain: _Chain) -> Iterator[int]:
        """Offsets of the chain's entries, ascending. Where it breaks off, the damage is noted and the rest is not given."""
        try:
            yield from self._ascending(chain)
        except _Broken as problem:
            self.damage = self.damage or str(problem)

    def _ascending(self, chain: _Chain) -> Iterator[int]:
        before = 0
        if chain.first:
            before = chain.first
            yield before
        width = self._offset.size
        for items, count in self._arrays(chain):
            for low in range(0, count, _BATCH):
                begin = items + low * width
                batch = self._data[begin : begin + min(_BATCH, count - low) * width]
                for (offset,) in self._offset.iter_unpack(batch):
                    if offset <= before:
                        raise _Broken("entries out of order")
                    before = offset
                    if offset >= self._size:
                        raise _Beyond("entries behind the end of the file")
                    yield offset

    def _object(self, at: int, kind: int, least: int) -> tuple[bytes, int]:
        """A copy of the object's first ``least`` bytes, and its size."""
        self._cost += _OBJECT_COST
        if at < self._start or at % 8:
            raise _Broken("an offset")
        if at + least > self._size:
            raise _Beyond("an object behind the end of the file")
        begin = self._data[at : at + least]
        found, _, size = layout.OBJECT.unpack_from(begin)
        if found != kind or size < least:
            raise _Broken("an object of another kind, or too small")
        if at + size > self._size:
            raise _Beyond("an object across the end of the file")
        return begin, size

    def _items(self, at: int, free: int) -> tuple[int, bytes]:
        """Realtime of an entry, and its list of data objects. free: where the entry before it ends."""
        if at < free:
            raise _Broken("entries overlap")
        begin, size = self._object(at, layout.ENTRY, layout.HEAD_OF_ENTRY)
        count = (size - layout.HEAD_OF_ENTRY) // self._item.size
        if count > _MAX_ITEMS:
            raise _Broken("an entry of too many fields")
        items = self._data[at + layout.HEAD_OF_ENTRY : at + layout.HEAD_OF_ENTRY + count * self._item.size]
        self._cost += count
        self._left_of_entry = _MAX_ENTRY
        (realtime,) = layout.NUMBER.unpack_from(begin, 24)
        return realtime, items

    def _fields(self, items: bytes) -> tuple[dict[bytes, bytes], Reason | None]:
        fields: dict[bytes, bytes] = {}
        damage: Reason | None = None
        cache = self._cache
        for (key,) in self._item.iter_unpack(items):
            known = cache.get(key)
            if known is None:
                try:
                    known = self._learn(key)
                except _Broken as problem:
                    damage = damage or problem.reason
                    continue
            if known is _OTHER:
                continue
            name, value = known
            if name in fields:
                damage = damage or "contradictory fields"
                continue
            fields[name] = value
        handed_out = sum(map(len, fields.values()))
        if handed_out > _LONG:
            self._spend(handed_out)
        return fields, damage

    def _learn(self, key: bytes) -> tuple[bytes, bytes]:
        """What the data object at this offset holds, remembered."""
        name, value = self._payload(int.from_bytes(key, "little"))
        known = (name, value) if name in FIELDS else _OTHER
        size = len(known[1])
        if len(self._cache) >= _MAX_CACHED or self._cached_bytes + size > _MAX_CACHED_BYTES:
            self._cache.clear()
            self._cached_bytes = 0
        self._cache[key] = known
        self._cached_bytes += size
        return known

    def _payload(self, at: int) -> tuple[bytes, bytes]:
        """Name and value of a data object; empty both for a long one of no interest."""
        begin, size = self._object(at, layout.DATA, self._head_of_data)
        packed_by = begin[1] & PACKED
        low, length = at + self._head_of_data, size - self._head_of_data
        if not packed_by:
            text = self._data[low : low + min(length, _LONGEST_NAME)]
            if length > _LONGEST_NAME and text.partition(b"=")[0] in FIELDS:
                text = self._data[low : low + self._bounded(length)]
        else:
            text = self._unpacked(packed_by, self._data[low : low + self._bounded(length)])
        name, _, value = text.partition(b"=")
        return name, value

    def _bounded(self, length: int) -> int:
        if length > MAX_PAYLOAD or self._left_of_entry < 0:
            raise _Broken("a field that is too long", "line too long")
        self._spend(length)
        return length

    def _unpacked(self, packed_by: int, packed: bytes) -> bytes:
        self._cost += _UNPACKING_COST + len(packed)
        try:
            text = unpack(packed_by, packed)
        except TooLarge as problem:
            raise _Broken(str(problem), "line too long") from None
        except NotUnpacked as problem:
            raise _Broken(str(problem)) from None
        self._spend(len(text))
        return text

    def _spend(self, work: int) -> None:
        self._work -= work
        self._left_of_entry -= work
        if self._work < 0:
            raise JournalDamage("the journal file is damaged", "its fields add up to many times its size")


def _is_wanted(fields: dict[bytes, bytes]) -> bool:
    return fields.get(b"_TRANSPORT") in _INDEX[b"_TRANSPORT"] or fields.get(b"SYSLOG_IDENTIFIER") in BUSES
