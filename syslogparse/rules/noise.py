"""Broadcast and multicast that every network is full of: for everybody on the link, wanted by few, and nobody's attack."""

from __future__ import annotations

from syslogparse.rules.packet import Packet

_UDP = frozenset(
    {67, 68, 137, 138, 427, 520, 521, 546, 547, 631, 1900, 3289, 3702, 5353, 5355, 5678, 6666, 6667, 8612, 10001, 17500}
    | {20002, 27036, 32412, 32414, 57621}
)
"""DHCP, NetBIOS, SLP, RIP, DHCPv6, CUPS, SSDP, Epson, WS-Discovery, mDNS, LLMNR, MikroTik and Ubiquiti discovery, Tuya, Canon,
Dropbox, TP-Link, Steam, Plex, Spotify (IANA service names, and the makers' own documents)."""

_TOPOLOGY = frozenset({"igmp", "ospf", "eigrp", "pim", "vrrp"})
"""Who talks to whom on the link; on a router, or where groups are listened to, dropping them breaks that."""
_TOPOLOGY_PORTS = frozenset({520, 521})
_ROUTER_ICMP = frozenset({9, 10})
"""Router advertisement and solicitation of IPv4 (RFC 1256); those of IPv6 are neighbour discovery, and never dropped."""

_BROADCAST_PORTS = frozenset({67, 137, 138, 631, 1900, 3289, 5353, 5355, 6666, 6667, 8612, 10001, 17500, 20002, 27036, 57621})


def is_for_many(packet: Packet) -> bool:
    """Whether it was sent to a group, or to everybody on the link."""
    return packet.dst.scope in ("broadcast", "multicast") or is_directed_broadcast(packet)


def is_directed_broadcast(packet: Packet) -> bool:
    """Discovery datagrams to x.y.z.255 from a host in x.y.z: most likely the broadcast address of their network."""
    last = packet.family == 4 and packet.dst.value & 255 == 255 and packet.src.value >> 8 == packet.dst.value >> 8
    return last and packet.proto == "udp" and packet.dport in _BROADCAST_PORTS


def is_known(packet: Packet) -> bool:
    """Whether it is of a kind that is documented to be sent so."""
    if packet.proto == "udp":
        return packet.dport in _UDP
    return packet.proto in _TOPOLOGY or (packet.proto == "icmp" and packet.icmp_type in _ROUTER_ICMP)


def is_topology(packet: Packet) -> bool:
    """Whether routers or switches need it."""
    return packet.proto in _TOPOLOGY or (packet.proto == "udp" and packet.dport in _TOPOLOGY_PORTS)
