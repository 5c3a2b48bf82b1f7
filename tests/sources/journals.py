"""Journals to test on: real ones, taken apart and patched, and hostile ones built from nothing."""

import lzma
import struct
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import SupportsIndex

from hypothesis import strategies as st

from syslogparse.evidence.journal import Entry, from_fields
from syslogparse.evidence.journalexport import ExportReader
from syslogparse.evidence.model import Reason
from syslogparse.evidence.speaker import BUSES
from syslogparse.sources.journalfile import JournalDamage, RawEntry, entries

DATA = Path(__file__).parent.parent / "data" / "journal"
KINDS = [f"{layout}-{packed}" for layout in ("regular", "compact") for packed in ("xz", "lz4", "zstd")]

TABLE, TABLE_SIZE, TAIL, COUNT, ARRAYS = 120, 128, 136, 152, 176
"""Places in the header."""
BROKEN: Reason = "not a complete record"


@cache
def journal(kind: str) -> bytes:
    return lzma.decompress((DATA / f"{kind}.journal.xz").read_bytes())


@cache
def said_by_journalctl() -> tuple[Entry, ...]:
    """The entries of interest as systemd's own reader gives them."""
    reader = ExportReader()
    records = reader.feed(lzma.decompress((DATA / "journalctl.export.xz").read_bytes())) + reader.finish()
    return tuple(one.entry for one in records if one.entry.transport in {b"kernel", b"audit"} or one.entry.identifier in BUSES)


def number(data: bytes, at: int) -> int:
    return struct.unpack_from("<Q", data, at)[0]


def patched(data: bytes, *patches: tuple[int, int]) -> bytes:
    """The journal with these 64-bit numbers at these places."""
    changed = bytearray(data)
    for at, value in patches:
        struct.pack_into("<Q", changed, at, value)
    return bytes(changed)


def without_index(data: bytes) -> bytes:
    return patched(data, (TABLE_SIZE, 0))


def read(data: bytes) -> tuple[list[RawEntry], str]:
    """What is given, and the damage that is raised behind it."""
    given = entries(data)
    found = []
    while True:
        try:
            found.append(next(given))
        except StopIteration:
            return found, ""
        except JournalDamage as problem:
            return found, problem.detail


def said(found: list[RawEntry]) -> tuple[Entry, ...]:
    return tuple(from_fields(entry.realtime, entry.fields, entry.damage) for entry in found)


def objects(data: bytes, kind: int) -> Iterator[int]:
    """Offsets of the objects of a kind, from the first to the last one of the file."""
    at = number(data, 88)
    while True:
        if data[at] == kind:
            yield at
        if at >= number(data, TAIL):
            return
        at += -(-number(data, at + 8) // 8) * 8


def field(data: bytes, name: bytes) -> int:
    return next(at for at in objects(data, 2) if data[at + 40 : at + number(data, at + 8)] == name)


def value(data: bytes, text: bytes, head: int) -> int:
    return next(at for at in objects(data, 1) if data[at + head : at + number(data, at + 8)] == text)


def chain_of(data: bytes, text: bytes) -> list[int]:
    at = value(data, text, 64)
    found, arrays, count = number(data, at + 40), number(data, at + 48), number(data, at + 56)
    chain = [found]
    while len(chain) < count:
        size = number(data, arrays + 8)
        chain += [number(data, item) for item in range(arrays + 24, arrays + size, 8)]
        arrays = number(data, arrays + 16)
    return chain[:count]


@cache
def starts(kind: str) -> list[int]:
    data = journal(kind)
    return [
        at + skip
        for object_kind in (1, 2, 3, 6)
        for at in objects(data, object_kind)
        for skip in (0, 1, 8, 16, 24, 32, 40, 48, 56, 64)
    ]


def splices(kind: str) -> st.SearchStrategy[bytes]:
    """An offset, or a whole object, from elsewhere in the journal."""
    data = journal(kind)
    return st.sampled_from(starts(kind)).map(lambda at: struct.pack("<Q", at)) | st.sampled_from(starts(kind)).map(
        lambda at: data[at : at + 120]
    )


class Counted(bytes):
    """Counts the bytes that are copied out of it, and knows where copies began."""

    def __init__(self, data: bytes) -> None:
        self.copied = 0
        self.touched: set[int] = set()

    def __getitem__(self, part: SupportsIndex | slice) -> bytes:  # type: ignore[override]
        assert isinstance(part, slice)
        taken = super().__getitem__(part)
        self.copied += len(taken)
        self.touched.add(part.start or 0)
        return taken


def header(arrays: int, count: int, size: int, table: tuple[int, int] = (0, 0)) -> bytes:
    numbers = [0] * 23
    numbers[0:2] = 256, size - 256
    numbers[4:6] = table
    numbers[8], numbers[11] = count, arrays
    return (b"LPKSHHRH" + bytes(80) + struct.pack("<21Q", *numbers[:21])).ljust(256, b"\0")


def hostile(nested: int, users: int, size: int) -> bytes:
    """Entries that all name the same data objects, each of which reaches over those behind it."""
    body = bytearray()

    def put(kind: int, payload: bytes, claimed: int | None = None) -> int:
        at = 256 + len(body)
        length = 16 + len(payload)
        body.extend(struct.pack("<BB6xQ", kind, 0, claimed or length) + payload + bytes(-length % 8))
        return at

    # Entries come first: what is claimed by the data objects must lie within the file.
    width = 64 + 16 * nested
    first_data = 256 + users * width
    offsets = [first_data + 80 * n for n in range(nested)]
    made = [put(3, bytes(48) + b"".join(struct.pack("<QQ", at, 0) for at in offsets)) for _ in range(users)]
    for _ in range(nested):
        put(1, bytes(48) + b"MESSAGE=", claimed=size)
    arrays = put(6, bytes(8) + b"".join(struct.pack("<Q", at) for at in made))
    body.extend(bytes(size))
    return header(arrays, users, 256 + len(body)) + bytes(body)


class Built:
    """A journal of the regular layout, made object by object, of whatever the maker likes."""

    def __init__(self) -> None:
        self._bytes = bytearray(256)

    def put(self, kind: int, payload: bytes, flags: int = 0) -> int:
        """An object; its offset."""
        at, length = len(self._bytes), 16 + len(payload)
        self._bytes += struct.pack("<BB6xQ", kind, flags, length) + payload + bytes(-length % 8)
        return at

    def data(self, text: bytes, *, following: int = 0, arrays: int = 0, count: int = 0, flags: int = 0) -> int:
        """following: the next older value of the same field. arrays, count: its entries."""
        return self.put(1, struct.pack("<6Q", 0, 0, following, 0, arrays, count) + text, flags)

    def entry(self, *items: int) -> int:
        return self.put(
            3, struct.pack("<6Q", 1, 1795328416_588510, 1, 0, 0, 0) + b"".join(struct.pack("<QQ", i, 0) for i in items)
        )

    def array(self, items: list[int], following: int = 0) -> int:
        return self.put(6, struct.pack(f"<Q{len(items)}Q", following, *items))

    def indexed(self, arrays: int, count: int, newest: dict[bytes, int]) -> bytes:
        """The file. arrays, count: all entries. newest: of fields that are indexed, their newest value."""
        heads = [self.put(2, struct.pack("<3Q", 0, 0, at) + name) for name, at in newest.items()]
        table = self.put(4, b"".join(struct.pack("<QQ", head, head) for head in heads))
        made = header(arrays, count, len(self._bytes), (table + 16, 16 * len(heads)))
        return made + bytes(self._bytes[256:])
