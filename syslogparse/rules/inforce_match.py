"""Sets of packets, and what the matches of a packet-filter rule say about them: all of it, none of it, or it may be some.

A ``Box`` is a set of packets given by one range or one set of values for each field. Numbers are those of the headers;
addresses are their value (a rule that names one also holds a condition on the family, so that 4 and 6 do not meet).
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from itertools import pairwise
from operator import itemgetter
from typing import Literal, NamedTuple, TypeAlias

import msgspec

Span: TypeAlias = tuple[int, int]
"""The first and the last of consecutive numbers."""
NumberField: TypeAlias = Literal["family", "protocol", "source", "destination", "port", "source_port", "icmp_type", "icmp_code"]
BitField: TypeAlias = Literal["state", "flags", "source_type", "destination_type"]
NameField: TypeAlias = Literal["in_iface", "out_iface", "physdev_in", "physdev_out"]

NONE, SOME, ALL = range(3)
"""How much of a box a condition matches. SOME is also the answer where it cannot be known."""

STATES = {"NEW": 1, "ESTABLISHED": 2, "RELATED": 4, "INVALID": 8, "UNTRACKED": 16}
"""Bits of the states of connection tracking (iptables-extensions(8), conntrack)."""
ANY_STATE = 31

TCP_FLAGS = {"FIN": 1, "SYN": 2, "RST": 4, "PSH": 8, "ACK": 16, "URG": 32, "ECE": 64, "CWR": 128}
"""Bits of the flags in the TCP header (RFC 9293, RFC 3168). A set of headers is a number with a bit for each of 256 bytes."""
ANY_FLAGS = (1 << 256) - 1

ADDRESS_TYPES = {
    "UNSPEC": 1, "UNICAST": 2, "LOCAL": 4, "BROADCAST": 8, "ANYCAST": 16, "MULTICAST": 32, "BLACKHOLE": 64, "UNREACHABLE": 128,
    "PROHIBIT": 256, "THROW": 512, "NAT": 1024, "XRESOLVE": 2048,
}  # fmt: skip
"""Bits of what the routing table calls an address (iptables-extensions(8), addrtype)."""
ANY_TYPE = (1 << 12) - 1

_first = itemgetter(0)

ANY_PORT: Span = (0, 65535)
ANY_OCTET: Span = (0, 255)
ANY_ADDRESS: dict[int, Span] = {4: (0, (1 << 32) - 1), 6: (0, (1 << 128) - 1)}


def headers(mask: int, value: int) -> int:
    """The TCP flag bytes that have, of the bits in ``mask``, those in ``value`` and no other, as a set (see TCP_FLAGS)."""
    return sum(1 << byte for byte in range(256) if byte & mask == value)


class Box(NamedTuple):
    """A set of packets. An interface is a name, empty for none, or None where it may be any or none.

    state: bits of STATES. flags: a set of flag bytes; of no meaning but for TCP. source_type, destination_type: bits of
    ADDRESS_TYPES.
    """

    family: Span
    protocol: Span
    source: Span
    destination: Span
    port: Span
    source_port: Span
    icmp_type: Span
    icmp_code: Span
    state: int
    flags: int
    source_type: int
    destination_type: int
    in_iface: str | None
    out_iface: str | None
    physdev_in: str | None
    physdev_out: str | None


RANGES = Box._fields.index("state")
"""The fields of a box ahead of this one are ranges."""


class Numbers(msgspec.Struct, frozen=True):
    """The field is in one of the spans, which are sorted and apart (``spans`` makes them so); ``inverted``: in none."""

    field: NumberField
    spans: tuple[Span, ...]
    inverted: bool = False

    def cover(self, box: Box) -> int:
        """How much of the box matches."""
        low, high = getattr(box, self.field)
        place = bisect_right(self.spans, high, key=_first) - 1
        if place < 0 or self.spans[place][1] < low:
            found = NONE
        else:
            found = ALL if self.spans[place][0] <= low and high <= self.spans[place][1] else SOME
        return ALL - found if self.inverted else found


class Bits(msgspec.Struct, frozen=True):
    """The field has one of these values (see STATES, TCP_FLAGS and ADDRESS_TYPES)."""

    field: BitField
    bits: int

    def cover(self, box: Box) -> int:
        """How much of the box matches."""
        mine: int = getattr(box, self.field)
        if not mine & self.bits:
            return NONE
        return SOME if mine & ~self.bits else ALL


class Names(msgspec.Struct, frozen=True):
    """The interface has one of the names; one that ends in + stands for all that begin so. ``inverted``: it has none of them."""

    field: NameField
    names: frozenset[str]
    prefixes: tuple[str, ...] = ()
    inverted: bool = False

    def cover(self, box: Box) -> int:
        """How much of the box matches."""
        mine: str | None = getattr(box, self.field)
        if mine is None:
            return SOME
        found = mine in self.names or mine.startswith(self.prefixes)
        return ALL if found != self.inverted else NONE


Condition: TypeAlias = Numbers | Bits | Names


def names(field: NameField, given: Iterable[str], *, inverted: bool = False) -> Names:
    """A condition on an interface. A trailing + is the wildcard of iptables."""
    plain, begun = set(), []
    for one in given:
        if one.endswith("+"):
            begun.append(one[:-1])
        else:
            plain.add(one)
    return Names(field, frozenset(plain), tuple(begun), inverted)


def spans(found: Iterable[Span]) -> tuple[Span, ...]:
    """The same numbers, sorted, with no two spans that touch."""
    merged: list[Span] = []
    for low, high in sorted(found):
        if merged and low <= merged[-1][1] + 1:
            merged[-1] = (merged[-1][0], max(merged[-1][1], high))
        else:
            merged.append((low, high))
    return tuple(merged)


def complement(found: tuple[Span, ...], whole: Span) -> tuple[Span, ...]:
    """The numbers of ``whole`` that are in none of the spans, which are sorted and apart."""
    edges = [(whole[0] - 1, whole[0] - 1), *found, (whole[1] + 1, whole[1] + 1)]
    return tuple((before[1] + 1, behind[0] - 1) for before, behind in pairwise(edges) if before[1] + 1 <= behind[0] - 1)


def cuts(conditions: Iterable[Numbers]) -> Iterator[tuple[NumberField, int]]:
    """Where the answers of these conditions may change: each first number of a span, and the one after its last."""
    for one in conditions:
        for low, high in one.spans:
            yield one.field, low
            yield one.field, high + 1
