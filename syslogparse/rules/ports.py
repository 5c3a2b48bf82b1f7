"""Ports as a multiport match takes them (iptables-extensions(8)): fifteen places, of which a range fills two."""

from __future__ import annotations

from collections.abc import Iterable

from syslogparse.rules.model import Ports

PLACES = 15


def united(ports: Iterable[Ports]) -> tuple[Ports, ...]:
    """The same ports, sorted and apart from each other: those that overlap or are neighbours become one range."""
    found: list[Ports] = []
    for low, high in sorted(ports):
        if found and low <= found[-1][1] + 1:
            found[-1] = (found[-1][0], max(found[-1][1], high))
        else:
            found.append((low, high))
    return tuple(found)


def places(ports: Iterable[Ports]) -> int:
    """How many places of a multiport match ``ports`` fill."""
    return sum(1 if low == high else 2 for low, high in ports)


def multiports(ports: Iterable[Ports]) -> list[tuple[Ports, ...]]:
    """The same ports, united and dealt out in their order to as few matches as they need."""
    dealt: list[tuple[Ports, ...]] = []
    rest: list[Ports] = []
    for one in united(ports):
        if places([*rest, one]) > PLACES:
            dealt.append(tuple(rest))
            rest = []
        rest.append(one)
    return [*dealt, tuple(rest)] if rest else dealt


def count(ports: Iterable[Ports]) -> int:
    """How many ports they are; they do not overlap."""
    return sum(high - low + 1 for low, high in ports)
