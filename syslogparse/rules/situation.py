"""What all the evidence together tells about single packets: one look over everything before the first packet is judged."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

import msgspec

from syslogparse.rules.merge import AskedIntent
from syslogparse.rules.noise import is_for_many
from syslogparse.rules.packet import Packet
from syslogparse.rules.scanners import KNOCKERS, NETWORK_BITS, Scan, Scanners, Services
from syslogparse.rules.surroundings import Surroundings
from syslogparse.rules.traffic import Flows, bad_flags, flows_of, is_bare_ack, is_bogon, leftover
from syslogparse.rules.verdict import verdict
from syslogparse.rules.wanted import Wanted


class Situation(msgspec.Struct, frozen=True):
    """What a packet is judged by.

    forgers: sources of packets with flags that no connection has. any_source: whether a rule that quiets noise may be for
    every source. inside: hosts to which packets of strangers from many networks are sent on, with the interface, or the bridge
    port, by which they are.
    """

    intent: AskedIntent
    near: Surroundings
    flows: Flows
    scanners: Mapping[str, Scan]
    services: Services
    forgers: frozenset[str]
    any_source: bool
    inside: frozenset[tuple[str, str]] = frozenset()

    def is_inside(self, packet: Packet) -> bool:
        """Whether its source is a host that strangers are sent on to, by the interface that it comes in by."""
        face = packet.physdev_in or packet.in_iface
        return face is not None and (face, packet.src.text) in self.inside


def situation_of(packets: Sequence[Packet], wanted: Wanted) -> Situation:
    """Look at all ``packets``, in linear time.

    What was let in, or was logged for the record, is no probe. A bare ACK counts for the ports of a scan only: to many hosts
    go the leftovers of a crawler's connections too.
    """
    near = Surroundings(wanted.network)
    flows = flows_of(packets, near)
    scanners, services = Scanners(near), Services()
    forgers: set[str] = set()
    knocks: list[Packet] = []
    for packet in packets:
        if near.is_outward(packet):
            continue
        bad = bad_flags(packet) is not None
        if bad:
            forgers.add(packet.src.text)
        said = verdict(packet.prefix)
        if said == "accepted":
            services.serve(packet)
        if said in ("accepted", "audited") or not _is_from_a_host(packet, near):
            continue
        begins = not bad and leftover(packet, flows, outward=False) is None
        if bad or begins or is_bare_ack(packet):
            scanners.add(packet, hosts=bad or begins)
        if begins and packet.src.scope == "global" and not near.trusts(packet.src):
            knocks.append(packet)
    for packet in knocks:
        if not scanners.tries_ports(packet.src.text):
            services.add(packet)
    any_source = not (wanted.network.never_block or wanted.exact)
    inside = _inside(packets)
    return Situation(wanted.intent, near, flows, scanners.found(), services, frozenset(forgers), any_source, inside)


def _inside(packets: Iterable[Packet]) -> frozenset[tuple[str, str]]:
    """As in Situation: whoever forges the sources of his packets cannot choose where they are sent on to."""
    askers: defaultdict[tuple[str, str], set[int]] = defaultdict(set)
    for packet in packets:
        face = packet.physdev_out or packet.out_iface
        if packet.chain == "FORWARD" and face is not None and packet.src.scope == "global":
            networks = askers[face, packet.dst.text]
            if len(networks) < KNOCKERS:
                networks.add(packet.src.value >> NETWORK_BITS[packet.family])
    return frozenset(end for end, networks in askers.items() if len(networks) >= KNOCKERS)


def _is_from_a_host(packet: Packet, near: Surroundings) -> bool:
    """Whether it came from another machine that can have its address, and to one machine alone."""
    return not (packet.in_iface == "lo" or is_for_many(packet) or is_bogon(packet, near) or near.is_from_itself(packet))
