"""Which log lines tell of one and the same thing: one kernel event, or one attempt of a sender.

The kernel names each audit event by its time and serial number; however often it is logged, it happened once. A packet has no
such name: lines with the same addresses and ports within a short time are one attempt, logged by several rules, in several
files, or sent again because no answer came.

A key keeps at most MAX_KEPT identities, those that sort first, so that parts merge in any order to the same. Beyond that the
number of distinct ones is inferred from how often the kept ones repeat.
"""

from __future__ import annotations

import struct
from _blake2 import blake2b  # hashlib loads OpenSSL, and with it whatever its configuration names
from collections.abc import Mapping
from typing import Final, TypeAlias
from zlib import crc32

Identities: TypeAlias = dict[bytes, int]
"""Lines by identity."""

MAX_KEPT: Final = 1024
SIZE: Final = 8
"""Bytes of an identity. A packet's are four that tell the flow and four that tell the time."""

_SLICE: Final = 64_000_000
"""Microseconds of one slice of time. Linux sends a SYN again after 1, 3, 7, 15, 31, 63 and 127 seconds (tcp_syn_retries)."""
_SLICES_OF_ONE: Final = 4
"""Slices in a row that one attempt can touch."""
_PACKET: Final = struct.Struct("!II")
_ENTRY: Final = struct.Struct("!8sI")
_MOST_LINES: Final = 2**32 - 1
_TIMES: Final = 2**32


def of_record(time: int, serial: bytes) -> bytes:
    """The identity of an audit event: its time (microseconds since the epoch) and its serial number."""
    return blake2b(b"%d:%b" % (time, serial), digest_size=SIZE).digest()


def flow(src: bytes, dst: bytes, proto: bytes, dpt: bytes) -> int:
    """The part of packets' identities that those of one key share."""
    return crc32(b"%b %b %b %b" % (src, dst, proto, dpt))


def time_slice(time: int | None) -> int:
    """The slice of time, for ``of_packet``; time: microseconds since the epoch."""
    return 0 if time is None else time // _SLICE % _TIMES


def of_packet(of_flow: int, attempt: bytes, of_time: int) -> bytes:
    """The identity of a logged packet. attempt: what tells it from others of its flow (the source port, the packet's ID)."""
    return _PACKET.pack(crc32(attempt, of_flow), of_time)


def add(known: Identities, more: Mapping[bytes, int]) -> None:
    """Add lines to those that are known already."""
    for identity, lines in more.items():
        known[identity] = known.get(identity, 0) + lines
    if len(known) > 2 * MAX_KEPT:
        trim(known)


def trim(known: Identities) -> None:
    """Keep those that sort first. One that has gone never comes back: there are only ever more before it."""
    for identity in sorted(known)[MAX_KEPT:]:
        del known[identity]


def events(lines: int, known: Mapping[bytes, int]) -> int:
    """How many audit events ``lines`` lines with an identity are."""
    return _scaled(len(known), lines, known)


def attempts(lines: int, known: Mapping[bytes, int]) -> int:
    """How many attempts ``lines`` lines with an identity are."""
    return _scaled(_runs(known), lines, known)


def _scaled(distinct: int, lines: int, known: Mapping[bytes, int]) -> int:
    seen = sum(known.values())
    if seen == 0 or seen >= lines:
        return distinct
    return max(distinct, (2 * lines * distinct + seen) // (2 * seen))


def _runs(known: Mapping[bytes, int]) -> int:
    """Attempts among packets: slices in a row of one flow are one, unless the row is longer than one attempt lasts."""
    total = length = 0
    before = (-1, -1)
    for identity in sorted(known):
        of_flow, of_time = _PACKET.unpack(identity)
        if (of_flow, of_time - 1) != before:
            total += -(-length // _SLICES_OF_ONE)
            length = 0
        length += 1
        before = (of_flow, of_time)
    return total - (-length // _SLICES_OF_ONE)


def pack(known: Identities) -> bytes:
    """The identities that are kept, to be sent."""
    if len(known) > MAX_KEPT:
        trim(known)
    return b"".join([_ENTRY.pack(identity, min(lines, _MOST_LINES)) for identity, lines in known.items()])


def unpack(packed: bytes) -> Identities:
    """What ``pack`` gave. Raises ValueError for anything that it cannot have given."""
    if len(packed) % _ENTRY.size or len(packed) > MAX_KEPT * _ENTRY.size:
        raise ValueError("no packed identities")
    known = dict(_ENTRY.iter_unpack(packed))
    if len(known) * _ENTRY.size != len(packed) or 0 in known.values():
        raise ValueError("no packed identities")
    return known
