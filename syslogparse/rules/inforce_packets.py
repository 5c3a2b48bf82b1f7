"""The packets that a suggested rule is about, as boxes.

A rule that lets in is about connections: the packets that open one, and those of one that is open. A rule that shuts out is
about what nobody asked for: packets that open a connection, and those that connection tracking makes nothing of.

What connection tracking calls a packet depends on what it is: the kernel's net/netfilter/nf_conntrack_proto_tcp.c
(tcp_valid_flags), nf_conntrack_proto_icmp.c and nf_conntrack_proto_icmpv6.c (valid_new, noct_valid_new).
"""

from __future__ import annotations

from functools import lru_cache
from ipaddress import ip_network
from itertools import product

from syslogparse.rules.inforce_match import (
    ADDRESS_TYPES,
    ANY_ADDRESS,
    ANY_FLAGS,
    ANY_OCTET,
    ANY_PORT,
    ANY_TYPE,
    STATES,
    TCP_FLAGS,
    Box,
    Span,
    headers,
)
from syslogparse.rules.model import FirewallRule
from syslogparse.rules.packet import PROTOCOLS

_MOST_BOXES = 4096
"""Sources times port ranges that are looked at one by one; where there are more, one box is laid around all of them."""

_FIN, _SYN, _RST, _ACK, _URG = (TCP_FLAGS[name] for name in ("FIN", "SYN", "RST", "ACK", "URG"))
_WHAT_COUNTS = TCP_FLAGS["FIN"] | _SYN | _RST | _ACK | _URG
_POSSIBLE = (_SYN, _SYN | _URG, _SYN | _ACK, _RST, _RST | _ACK, _FIN | _ACK, _FIN | _ACK | _URG, _ACK, _ACK | _URG)
_VALID_FLAGS = sum(headers(_WHAT_COUNTS, flags) for flags in _POSSIBLE)
_OPENING_FLAGS = headers(_SYN | _ACK | _RST | _FIN, _SYN)
_FOLLOWING_FLAGS = headers(_SYN | _ACK | _RST, _ACK)

_WITH_STATES = frozenset({"tcp", "sctp", "dccp"})
"""Protocols of which a packet that is well formed may belong to no connection and open none."""
_REQUESTS = {"icmp": frozenset({8, 13, 15, 17}), "icmpv6": frozenset({128, 139})}
_UNTRACKED = frozenset({130, 131, 132, 133, 134, 135, 136, 143})


def openers(rule: FirewallRule) -> list[Box]:
    """Of the packets that ``rule`` matches, those that begin something."""
    state = _first_state(rule)
    # With flags that open nothing the rule is about packets of no connection.
    return _boxes(rule, state, _OPENING_FLAGS if state == "NEW" else ANY_FLAGS) or _boxes(rule, "INVALID", ANY_FLAGS)


def followers(rule: FirewallRule) -> list[Box]:
    """Of the packets that ``rule`` matches, those of a connection that is open; nothing where there can be none."""
    return _boxes(rule, "ESTABLISHED", _FOLLOWING_FLAGS) if _first_state(rule) == "NEW" else []


def shut_out(rule: FirewallRule) -> list[Box]:
    """Of the packets that ``rule`` matches, those that nobody asked for."""
    if rule.icmp_type is not None:
        return _boxes(rule, _first_state(rule), ANY_FLAGS)
    strays = _boxes(rule, "INVALID", ANY_FLAGS) if rule.proto in _WITH_STATES else []
    return [*_boxes(rule, "NEW", _VALID_FLAGS), *strays]


def _first_state(rule: FirewallRule) -> str:
    """What connection tracking calls the first packet."""
    if rule.icmp_type is None or rule.icmp_type in _REQUESTS.get(rule.proto, ()):
        return "NEW"
    return "UNTRACKED" if rule.proto == "icmpv6" and rule.icmp_type in _UNTRACKED else "INVALID"


def _boxes(rule: FirewallRule, state: str, flags: int) -> list[Box]:
    if rule.flags is not None:
        flags &= headers(_bits(rule.flags.mask), _bits(rule.flags.set))
        if not flags:
            return []
    sources = [_address(one) for one in rule.sources] or [ANY_ADDRESS[rule.family]]
    ports = list(rule.ports) or [ANY_PORT]
    if len(sources) * len(ports) > _MOST_BOXES:
        sources, ports = [_around(sources)], [_around(ports)]
    # The kernel logs the bridge port of every packet that came by one.
    unbridged = rule.chain != "OUTPUT" and rule.physdev_in is None and rule.physdev_out is None
    protocol = PROTOCOLS.get(rule.proto) or int(rule.proto)
    destination = ANY_ADDRESS[rule.family] if rule.dst is None else _address(rule.dst)
    return [
        Box(
            family=(rule.family, rule.family),
            protocol=(protocol, protocol),
            source=source,
            destination=destination,
            port=port,
            source_port=ANY_PORT,
            icmp_type=_octet(rule.icmp_type),
            icmp_code=_octet(rule.icmp_code),
            state=STATES[state],
            flags=flags,
            source_type=_source_type(rule, source),
            destination_type=ADDRESS_TYPES[kind],
            in_iface="" if rule.chain == "OUTPUT" else rule.in_iface,
            out_iface="" if rule.chain == "INPUT" else rule.out_iface,
            physdev_in="" if unbridged else rule.physdev_in,
            physdev_out="" if unbridged or rule.chain == "INPUT" else rule.physdev_out,
        )
        for source, port, kind in product(sources, ports, _destination_types(rule, destination))
    ]


def _source_type(rule: FirewallRule, source: Span) -> int:
    """What the routing table says of the sources; any, where it is not said who they are."""
    if rule.chain == "OUTPUT" or rule.in_iface == "lo":
        return ADDRESS_TYPES["LOCAL"]
    return ADDRESS_TYPES["UNICAST"] if rule.sources and not _special(rule.family, source) else ANY_TYPE


def _destination_types(rule: FirewallRule, destination: Span) -> tuple[str, ...]:
    """What the routing table may say of the destination: a box for each, since rules take turns at telling them apart."""
    low, high = destination
    multicast = _MULTICAST[rule.family]
    if multicast[0] <= low and high <= multicast[1]:
        return ("MULTICAST",)
    if destination == _BROADCAST and rule.family == 4:
        return ("BROADCAST",)
    usual = {"INPUT": "LOCAL", "FORWARD": "UNICAST", "OUTPUT": "LOCAL" if rule.out_iface == "lo" else "UNICAST"}[rule.chain]
    if rule.dst is None:
        return (usual, "BROADCAST", "MULTICAST")
    # x.y.z.255 may be a host's address or the broadcast of its network; a network may hold its own.
    return (usual, "BROADCAST") if rule.family == 4 and high & 255 == 255 else (usual,)


_MULTICAST: dict[int, Span] = {4: (224 << 24, (240 << 24) - 1), 6: (0xFF << 120, (1 << 128) - 1)}
_BROADCAST: Span = ((1 << 32) - 1, (1 << 32) - 1)


def _special(family: int, source: Span) -> bool:
    """Whether some of these addresses are of no single host: net zero, loopback, multicast, broadcast (RFC 1122, 3.2.1.3)."""
    low, high = source
    if family == 6:
        return low < 2 or high >= _MULTICAST[6][0]
    return low < 1 << 24 or high >= _MULTICAST[4][0] or not (high < 127 << 24 or low >= 128 << 24)


def _bits(names: tuple[str, ...]) -> int:
    return sum(TCP_FLAGS[name] for name in names)


def _octet(value: int | None) -> Span:
    return ANY_OCTET if value is None else (value, value)


def _around(spans: list[Span]) -> Span:
    return min(low for low, _ in spans), max(high for _, high in spans)


@lru_cache(1 << 14)
def _address(text: str) -> Span:
    network = ip_network(text)
    return int(network.network_address), int(network.broadcast_address)
