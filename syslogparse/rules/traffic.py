"""What a packet is, before anybody asks whether to let it in: a new connection, part of one, its leftover, or a forgery.

By TCP's flags (RFC 9293), by the port that an answer comes from, by ICMP's types (RFC 792, RFC 4443), and by having seen the
other direction.
"""

from __future__ import annotations

from collections.abc import Iterable

from syslogparse.evidence.services import FIRST_CLIENT_PORT
from syslogparse.rules.exposure import NO_HOST
from syslogparse.rules.model import TcpFlags
from syslogparse.rules.packet import Packet
from syslogparse.rules.risk import PATH_ICMP
from syslogparse.rules.surroundings import Surroundings

ANSWERED = "SYN+ACK or RST: an answer to a connection attempt, late or to a forged address (backscatter)"
UNDER_WAY = "packet of a TCP connection under way, or a leftover of one"
UDP_ANSWER = "answer of a UDP service to a client port"
OTHER_DIRECTION = "the other direction of traffic that this machine began"
DHCP_ANSWER = "answer of a DHCP server"
ICMP_ANSWER = "ICMP answer to a request"
ICMP_ERROR = "ICMP error about a packet that was sent before; connection tracking knows the real ones"
IDENT = "ident callback of a server that this machine asked"
TRACEROUTE = "probe of a traceroute, which asks for no service"

ALWAYS = frozenset({ANSWERED, UNDER_WAY, UDP_ANSWER, OTHER_DIRECTION, ICMP_ANSWER})
"""Leftovers that yield no rule whatever was asked for; the others yield none unless the user asked for it."""
FROM_ANYBODY = frozenset({DHCP_ANSWER, ICMP_ERROR})
"""Leftovers that honestly come from addresses that others than the sender's neighbours never see, private ones on a WAN."""

_NONE_SET = TcpFlags(mask=("ACK", "RST", "SYN"), set=())
_SYN_FIN = TcpFlags(mask=("SYN", "FIN"), set=("SYN", "FIN"))
_SYN_RST = TcpFlags(mask=("RST", "SYN"), set=("RST", "SYN"))
NEW_ONLY = TcpFlags(mask=("ACK", "RST", "SYN", "FIN"), set=("SYN",))
"""The first packet of a connection."""

_ICMP_ANSWERS: dict[int, frozenset[int]] = {4: frozenset({0, 14, 16, 18}), 6: frozenset({129})}
_ICMP = frozenset({"icmp", "icmpv6"})
_DHCP_CLIENTS: dict[int, int] = {4: 68, 6: 546}
_IDENT = 113
_TRACEROUTE = range(33434, 33535)


def bad_flags(packet: Packet) -> TcpFlags | None:
    """Flags that no connection has, as a rule matches them: no SYN, ACK or RST (NULL, FIN, XMAS), or SYN with FIN or RST."""
    if packet.proto != "tcp":
        return None
    flags = packet.flags
    if "SYN" in flags:
        return _SYN_FIN if "FIN" in flags else _SYN_RST if "RST" in flags else None
    return None if flags & {"ACK", "RST"} else _NONE_SET


def is_bare_ack(packet: Packet) -> bool:
    """An ACK and nothing else to a service port: what ACK scans send, and what a client's leftover looks like too."""
    return packet.flags == {"ACK"} and packet.dport is not None and packet.dport < FIRST_CLIENT_PORT


def is_impossible(packet: Packet) -> bool:
    """A source address that no host has on any network (RFC 1122, 3.2.1.3; RFC 4291, 2.5.3 and 2.7)."""
    return packet.src.scope in NO_HOST or (packet.src.scope == "loopback" and packet.in_iface != "lo")


def is_bogon(packet: Packet, near: Surroundings) -> bool:
    """A source address that no host can have that sends to this interface, so that it is forged (RFC 2827, RFC 3704).

    By a WAN interface private, loopback and IPv4's link-local sources are. IPv6's link-local ones are ordinary there: routers
    advertise from them (RFC 4861, 4.2).
    """
    scope = packet.src.scope
    if packet.chain == "OUTPUT":
        return False
    if is_impossible(packet):
        return True
    if scope == "global" or not near.from_wan(packet) or near.is_from_needed(packet):
        return False
    return scope != "link-local" or packet.family == 4


class Flows:
    """What this machine, or one behind it, began: packets in the other direction are answers."""

    def __init__(self) -> None:
        self._hosts: set[tuple[str, str, str]] = set()
        self._ports: set[tuple[str, str, int | None]] = set()

    def add(self, packet: Packet) -> None:
        """Remember an outward packet. Of TCP the flags tell, and of ICMP the types."""
        if packet.proto == "tcp" or packet.proto in _ICMP or _is_answer(packet):
            return
        ends = packet.dst.text, packet.src.text
        self._hosts.add((packet.proto, *ends))
        if packet.proto == "udp":
            self._ports.add((*ends, packet.dport))

    def answers(self, packet: Packet) -> bool:
        """Whether an inbound packet can be the other direction: to a client's port, or from a port to itself (NTP, IKE)."""
        ends = packet.src.text, packet.dst.text
        if (packet.proto, *ends) not in self._hosts:
            return False
        if packet.dport is None:
            return True
        return packet.dport >= FIRST_CLIENT_PORT or (*ends, packet.dport) in self._ports


def flows_of(packets: Iterable[Packet], near: Surroundings) -> Flows:
    """What ``packets`` show to have begun here."""
    flows = Flows()
    for packet in packets:
        if near.is_outward(packet):
            flows.add(packet)
    return flows


def leftover(packet: Packet, flows: Flows, *, outward: bool) -> str | None:
    """Why ``packet`` asks for nothing new; None when it does, or may. Its flags are not bad."""
    if packet.proto == "tcp":
        return _leftover_of_tcp(packet, outward=outward)
    if packet.proto in _ICMP:
        return _leftover_of_icmp(packet)
    if not outward and flows.answers(packet):
        return OTHER_DIRECTION
    if packet.proto != "udp":
        return None
    if _is_answer(packet):
        return UDP_ANSWER
    if packet.dport == _DHCP_CLIENTS[packet.family]:
        return DHCP_ANSWER
    return TRACEROUTE if packet.dport in _TRACEROUTE and not outward else None


def _leftover_of_tcp(packet: Packet, *, outward: bool) -> str | None:
    flags = packet.flags
    if "RST" in flags or flags >= {"SYN", "ACK"}:
        return ANSWERED
    if "ACK" in flags:
        return UNDER_WAY
    return IDENT if packet.dport == _IDENT and not outward else None


def _leftover_of_icmp(packet: Packet) -> str | None:
    if packet.icmp_type in _ICMP_ANSWERS[packet.family]:
        return ICMP_ANSWER
    return ICMP_ERROR if packet.icmp_type in PATH_ICMP[packet.family] else None


def _is_answer(packet: Packet) -> bool:
    return packet.asked is not None
