"""Who probes: sources that try many hosts or many ports, and services that strangers from everywhere knock on.

Linear in time, and in memory at most a small part of what the evidence itself takes, however many sources are forged.
"""

from __future__ import annotations

from collections.abc import KeysView
from typing import Literal, TypeAlias

from syslogparse.evidence.services import ANSWERING, FIRST_CLIENT_PORT
from syslogparse.rules.model import FirewallRule
from syslogparse.rules.packet import Packet
from syslogparse.rules.surroundings import Surroundings

Scan: TypeAlias = Literal["tcp", "any", "protocols"]
"""What makes a source a scanner: its TCP packets alone, or others too, which anybody can forge who sends a single one; or, of
these, that it tries IP protocols, without which it would have tried too few hosts and ports."""

KNOCKERS = 10
"""From how many networks strangers must come for their port to be a matter of the port and not of the sources.

Networks and not addresses, because one that forges sources often takes them from one network: an IPv4 network is a /16, an IPv6
one a /32, about what one provider has.
"""
CROWD = 100
"""How many strangers at one port are too many to let each of them in by a rule of its own for a packet or two."""
NETWORK_BITS = {4: 16, 6: 96}
"""Bits of an address that do not tell the network, by family."""
_ASKED_PORTS = frozenset(map(int, ANSWERING))
_ANY_PROTOCOL = 65536

Service: TypeAlias = tuple[int, str, str | None, str | None, str, int | None, int | None]


class _Distinct:
    """Distinct values by source; a source with one value needs no set."""

    def __init__(self) -> None:
        self._values: dict[str, object] = {}

    def add(self, source: str, value: object) -> None:
        known = self._values.setdefault(source, value)
        if isinstance(known, set):
            known.add(value)
        elif known != value:
            self._values[source] = {known, value}

    def count(self, source: str) -> int:
        """How many values a source has."""
        known = self._values.get(source)
        return len(known) if isinstance(known, set) else int(known is not None)

    def of(self, source: str) -> set[object]:
        """The values of a source."""
        known = self._values.get(source)
        return known if isinstance(known, set) else set() if known is None else {known}

    def sources(self) -> KeysView[str]:
        """All sources."""
        return self._values.keys()


class Scanners:
    """Sources that probe scan_hosts hosts or scan_ports ports. Show it all packets that begin something, then ask.

    A protocol that has no ports counts as a port.

    Of UDP only sources count of which some packet went to a port of a known service: ten packets to high ports alone may be
    answers of a service that nobody knows.
    """

    def __init__(self, near: Surroundings) -> None:
        self._near = near
        self._hosts = {True: _Distinct(), False: _Distinct()}
        self._ports = {True: _Distinct(), False: _Distinct()}
        self._aimed: set[str] = set()

    def add(self, packet: Packet, *, hosts: bool = True) -> None:
        """Count an inbound packet. hosts: whether it counts that it goes to another host too."""
        tcp, source = packet.proto == "tcp", packet.src.text
        if hosts:
            self._hosts[tcp].add(source, packet.dst.text)
        if packet.dport is None:
            self._aimed.add(source)
            if packet.icmp_type is None:
                self._ports[tcp].add(source, packet.proto)
            return
        if not tcp and (packet.dport < FIRST_CLIENT_PORT or packet.dport in _ASKED_PORTS):
            self._aimed.add(source)
        self._ports[tcp].add(source, packet.dport + _ANY_PROTOCOL * (not tcp))

    def found(self) -> dict[str, Scan]:
        """The scanners, by address."""
        sources = self._hosts[True].sources() | self._hosts[False].sources() | self._ports[True].sources()
        return {source: scan for source in sources if (scan := self._scan(source))}

    def tries_ports(self, source: str) -> bool:
        """Whether a source tries so many ports that it says nothing about any of them."""
        return self._ports[True].count(source) + self._ports[False].count(source) >= self._near.scan_ports

    def _scan(self, source: str) -> Scan | None:
        hosts, ports = self._hosts[True].count(source), self._ports[True].count(source)
        if self._is_many(hosts, ports):
            return "tcp"
        if source not in self._aimed:
            return None
        more = self._hosts[False].count(source)
        if hosts and hosts + more >= self._near.scan_hosts:
            hosts = len(self._hosts[True].of(source) | self._hosts[False].of(source))
        else:
            hosts += more
        if not self._is_many(hosts, ports + self._ports[False].count(source)):
            return None
        with_ports = sum(not isinstance(one, str) for one in self._ports[False].of(source))
        return "any" if self._is_many(hosts, ports + with_ports) else "protocols"

    def _is_many(self, hosts: int, ports: int) -> bool:
        return hosts >= self._near.scan_hosts or ports >= self._near.scan_ports


class Services:
    """Ports on which strangers from many networks knock, by chain and interface; of ICMP the type stands for the port."""

    def __init__(self) -> None:
        self._knockers: dict[Service, set[int]] = {}
        self._strangers: dict[Service, int] = {}
        self._served: dict[tuple[str, str], set[int | None]] = {}

    def add(self, packet: Packet) -> None:
        """Count an inbound packet of a stranger."""
        service = _service(packet)
        self._strangers[service] = self._strangers.get(service, 0) + 1
        networks = self._knockers.setdefault(service, set())
        if len(networks) < KNOCKERS:
            networks.add(packet.src.value >> NETWORK_BITS[packet.family])

    def serve(self, packet: Packet) -> None:
        """Remember that the packet filter let ``packet`` in: the port is one of a service that is wanted."""
        self._served.setdefault((packet.chain, packet.proto), set()).add(packet.dport)

    def is_knocked(self, packet: Packet) -> bool:
        """Whether strangers from KNOCKERS networks knock on its port, which nobody was seen to be let in to."""
        if packet.dport in self._served.get((packet.chain, packet.proto), ()):
            return False
        return len(self._knockers.get(_service(packet), ())) >= KNOCKERS

    def is_crowded(self, rule: FirewallRule) -> bool:
        """Whether CROWD strangers or more send what the narrow ``rule`` is about; one with several hosts counts for each."""
        port = rule.ports[0][0] if rule.ports else None
        service = rule.family, rule.chain, rule.in_iface, rule.physdev_in, rule.proto, port, rule.icmp_type
        return self._strangers.get(service, 0) >= CROWD

    def may_close(self, rule: FirewallRule) -> bool:
        """Whether nobody was seen to be let in to the ports of ``rule``."""
        served = self._served.get((rule.chain, rule.proto), ())
        return not any(port is not None and low <= port <= high for low, high in rule.ports for port in served)


def _service(packet: Packet) -> Service:
    faces = packet.in_iface, packet.physdev_in
    return packet.family, packet.chain, *faces, packet.proto, packet.dport, packet.icmp_type
