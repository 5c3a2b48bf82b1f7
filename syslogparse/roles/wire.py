"""The frames that a parser sends to the analyst: fixed framing, typed decoding, limits. Never pickle.

A frame is four bytes of length (big-endian, the payload's), one byte of type, and the payload: MessagePack, decoded by
msgspec into the types below and nothing else. The analyst believes none of it: what decodes is checked against the plan.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from enum import IntEnum
from typing import Annotated, TypeAlias, TypeVar

import msgspec
from msgspec import Meta

from syslogparse.evidence.fold import MAX_SAMPLES
from syslogparse.evidence.loss import LossKind
from syslogparse.evidence.model import (
    FIRST_TIME,
    LAST_TIME,
    MAX_LIST,
    MAX_REPEAT,
    AppArmorKey,
    Damage,
    Grade,
    Kind,
    NetfilterKey,
    Reason,
    SeccompKey,
)

HEADER = struct.Struct("!IB")
MAX_PAYLOAD = 4 << 20
"""Bytes. A parser cuts its evidence and events into frames well below it."""
FRAME_TARGET = 256 << 10
"""Bytes after which a parser closes a frame."""

Count: TypeAlias = Annotated[int, Meta(ge=0, le=1 << 53)]
Time: TypeAlias = Annotated[int, Meta(ge=FIRST_TIME, le=LAST_TIME)]
Text: TypeAlias = Annotated[bytes, Meta(max_length=1 << 16)]
FieldName: TypeAlias = Annotated[str, Meta(min_length=1, max_length=32, pattern=r"^[A-Za-z_][A-Za-z0-9_]*\Z")]
FieldValue: TypeAlias = (
    Text | Annotated[int, Meta(ge=-(1 << 63), le=(1 << 63) - 1)] | Annotated[list[Text], Meta(max_length=MAX_LIST)]
)
WireFields: TypeAlias = Annotated[dict[FieldName, FieldValue], Meta(max_length=64)]


class Type(IntEnum):
    """What a frame is."""

    READY = 1
    """The parser is confined and filtered. The payload is padding, longer than the pipe: see the parser."""
    FAILED = 2
    """The parser could not be confined; the payload is text for the user. No log byte has been read."""
    BLOCK = 3
    EVENTS = 4
    EVIDENCE = 5
    DONE = 6
    """All is sent. No payload."""


class WireEvent(msgspec.Struct, array_like=True, frozen=True, forbid_unknown_fields=True):
    """One event, for the format events. line: in its block, from 0."""

    line: Count
    kind: Kind
    time: Time | None
    host: Text
    grade: Grade
    fields: WireFields
    repeat: Annotated[int, Meta(ge=1, le=MAX_REPEAT)] = 1


class EventsFrame(msgspec.Struct, array_like=True, frozen=True, forbid_unknown_fields=True):
    """Events of the block that the next BLOCK frame ends."""

    events: list[WireEvent]


class BlockFrame(msgspec.Struct, array_like=True, frozen=True, forbid_unknown_fields=True):
    """A block is done. events: how many of each kind and grade. undecoded: (line in the block from 0, reason).

    reasons counts all undecoded lines, undecoded names the first few of the block. repeated: how many of the events
    stand in no line of their own ("message repeated"). losses: what the log says was lost. more:
    this is a part of a log that is read front to back as its first block; the lines of the next part count on from this one's.
    damage: why the rest of such a log could not be read. outside, undated: how many of the events are not used, because they
    were not logged in the time asked for, or because nobody knows when.
    """

    file: Count
    block: Count
    lines: Count
    events: dict[Kind, Count]
    trust: dict[Grade, Count]
    reasons: dict[Reason, Count]
    undecoded: Annotated[list[tuple[Count, Reason]], Meta(max_length=20)]
    repeated: Count = 0
    losses: dict[LossKind, Count] = {}
    more: bool = False
    damage: Damage | None = None
    outside: Count = 0
    undated: Count = 0


class WireSample(msgspec.Struct, array_like=True, frozen=True, forbid_unknown_fields=True):
    """One of the events behind an entry. fields: as ``encode`` packs them, for ``decode_fields``."""

    block: Count
    line: Count
    time: Time | None
    repeat: Annotated[int, Meta(ge=1, le=MAX_REPEAT)]
    fields: Annotated[bytes, Meta(max_length=1 << 18)]


class Entry(msgspec.Struct, array_like=True, frozen=True, forbid_unknown_fields=True):
    """One subject and its tally, the key aside. Positions are (block, line in the block). identities: of ``identity.pack``.

    samples: its first events, where they are asked for.
    """

    file: Count
    host: Text
    grade: Grade
    count: Annotated[int, Meta(ge=1, le=1 << 53)]
    first: tuple[Count, Count]
    first_time: Time | None
    last: tuple[Count, Count]
    last_time: Time | None
    named: Count = 0
    identities: Annotated[bytes, Meta(max_length=1 << 14)] = b""
    samples: Annotated[list[WireSample], Meta(max_length=MAX_SAMPLES)] = []


class EvidenceFrame(msgspec.Struct, array_like=True, frozen=True, forbid_unknown_fields=True):
    """Folded evidence by kind."""

    netfilter: list[tuple[Entry, NetfilterKey]] = []
    apparmor: list[tuple[Entry, AppArmorKey]] = []
    seccomp: list[tuple[Entry, SeccompKey]] = []


class BadFrame(Exception):
    """A frame that is none: too large, of no known type, or not what its type says. Its sender counts as dead."""


_T = TypeVar("_T")

_encoder = msgspec.msgpack.Encoder()
encode = _encoder.encode


def _strict(wanted: type[_T]) -> Callable[[bytes], _T]:
    decode = msgspec.msgpack.Decoder(wanted).decode

    def strictly(payload: bytes) -> _T:
        """Raises BadFrame, whatever the decoder makes of it: RecursionError for deep nesting, MemoryError for a bomb."""
        try:
            return decode(payload)
        except Exception as error:
            raise BadFrame from error

    return strictly


decode_block = _strict(BlockFrame)
decode_events = _strict(EventsFrame)
decode_evidence = _strict(EvidenceFrame)
decode_fields = _strict(WireFields)


def frame(kind: Type, payload: bytes) -> bytes:
    """A frame, ready to be sent. Raises ValueError when the payload is over the limit."""
    if len(payload) > MAX_PAYLOAD:
        raise ValueError("frame over the limit")
    return HEADER.pack(len(payload), kind) + payload


class Inbox:
    """Bytes of one pipe, cut into frames. It never holds more than one frame and a read's worth of bytes."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def __len__(self) -> int:
        return len(self._buffer)

    def feed(self, data: bytes) -> None:
        """Add what was read."""
        self._buffer += data

    def frame(self) -> tuple[Type, bytes] | None:
        """The next whole frame, or None. Raises BadFrame."""
        if len(self._buffer) < HEADER.size:
            return None
        length, number = HEADER.unpack_from(self._buffer)
        if length > MAX_PAYLOAD or number not in set(Type):
            raise BadFrame
        end = HEADER.size + length
        if len(self._buffer) < end:
            return None
        payload = bytes(self._buffer[HEADER.size : end])
        del self._buffer[:end]
        return Type(number), payload
