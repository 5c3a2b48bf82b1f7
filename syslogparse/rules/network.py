"""The network that the machine stands in, as far as firewall rules have to know it."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from typing import Literal, NamedTuple, TypeAlias

import msgspec

Family: TypeAlias = Literal[4, 6]
WIDTHS: dict[Family, int] = {4: 32, 6: 128}
"""Bits of an address."""

_CACHED = 1 << 15
_OCTETS = frozenset(map(str, range(256)))


class Network(msgspec.Struct, frozen=True):
    """Addresses and interfaces that decide what may be suggested. All is canonical text: addresses, or networks ``A/N``.

    own: the machine's addresses, loopback left out. gateways, resolvers: what it cannot do without. admins: the other ends of
    its administrators' connections, admin_ports: the ports of this machine that they come by. interfaces: what it has; none
    where that is not known. never_block, trusted: networks that the user named. wan: interfaces that the user said strangers
    come by. scan_hosts, scan_ports: from how many distinct hosts or ports on a source counts as a scanner.

    A log can be another machine's. What names an interface that is not among ``interfaces`` is not about this one, and none of
    own, gateways, resolvers, admins and admin_ports says anything about it.
    """

    own: tuple[str, ...] = ()
    gateways: tuple[str, ...] = ()
    resolvers: tuple[str, ...] = ()
    admins: tuple[str, ...] = ()
    never_block: tuple[str, ...] = ()
    trusted: tuple[str, ...] = ()
    wan: tuple[str, ...] = ()
    scan_hosts: int = 10
    scan_ports: int = 10
    admin_ports: tuple[int, ...] = ()
    interfaces: tuple[str, ...] = ()


class Bounds(NamedTuple):
    """The addresses from low to high, both included, as numbers."""

    family: Family
    low: int
    high: int


@lru_cache(_CACHED)
def bounds(text: str) -> Bounds:
    """The addresses that ``text`` names: an address, or a network ``A/N``. Raises ValueError when it is neither."""
    if "/" not in text:
        value = int(IPv6Address(text)) if ":" in text else _ipv4(text)
        return Bounds(6 if ":" in text else 4, value, value)
    network = IPv6Network(text) if ":" in text else IPv4Network(text)
    return Bounds(6 if network.version == 6 else 4, int(network.network_address), int(network.broadcast_address))


def _ipv4(text: str) -> int:
    """As ipaddress, in a sixth of the time."""
    octets = text.split(".")
    if len(octets) != 4 or not _OCTETS.issuperset(octets):
        return int(IPv4Address(text))
    return int.from_bytes(map(int, octets))


def written(family: Family, low: int, length: int) -> str:
    """The canonical text of the network, or the address, that begins at ``low`` and has a prefix of ``length`` bits."""
    address = str(IPv4Address(low) if family == 4 else IPv6Address(low))
    return address if length == WIDTHS[family] else f"{address}/{length}"


_COMING_AND_GOING = (
    "tun tap wg ppp ipsec vti gre sit ip6tnl nebula tailscale zt wwan wl usb enx bnep br docker virbr veth cni lxc lxd podman "
    "bond team"
).split()
"""How names of interfaces begin that a machine can have tomorrow though it has none today: tunnels, radios, bridges."""


class Interfaces:
    """The interfaces of this machine, to be asked whether something can be about it."""

    def __init__(self, names: Iterable[str]) -> None:
        """names: all that it has; none where that is not known."""
        self._names = frozenset(names)

    def include(self, *faces: str | None) -> bool:
        """Whether this machine has, or may have, all of ``faces``. None stands for any interface."""
        return not self._names or all(face is None or self._may_have(face) for face in faces)

    def _may_have(self, face: str) -> bool:
        return face in self._names or face.startswith(tuple(_COMING_AND_GOING))


class Spans:
    """Ranges of numbers, sorted and apart from each other: whether one is met is found in logarithmic time."""

    def __init__(self, ranges: Iterable[tuple[int, int]]) -> None:
        """ranges: the first and the last number of each, in any order; they may overlap."""
        self.lows: list[int] = []
        self.highs: list[int] = []
        for low, high in sorted(ranges):
            if self.highs and low <= self.highs[-1] + 1:
                self.highs[-1] = max(self.highs[-1], high)
            else:
                self.lows.append(low)
                self.highs.append(high)

    def __bool__(self) -> bool:
        return bool(self.lows)

    def overlaps(self, low: int, high: int) -> bool:
        """Whether any number from ``low`` to ``high`` is in one of the ranges."""
        place = bisect_left(self.highs, low)
        return place < len(self.lows) and self.lows[place] <= high


class Addresses:
    """Addresses and networks of both families, to be asked whether they meet others."""

    def __init__(self, texts: Iterable[str]) -> None:
        """texts: addresses, or networks ``A/N``. Raises ValueError for anything else."""
        read = [bounds(text) for text in texts]
        self.spans: dict[Family, Spans] = {
            family: Spans((one.low, one.high) for one in read if one.family == family) for family in WIDTHS
        }

    def overlaps(self, other: Bounds) -> bool:
        """Whether any of ``other`` is among them."""
        return self.spans[other.family].overlaps(other.low, other.high)

    def __contains__(self, text: str) -> bool:
        return self.overlaps(bounds(text))
