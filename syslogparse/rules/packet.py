"""A netfilter key validated field by field. What a key holds came from a log through a parser that may lie."""

from __future__ import annotations

import re
from functools import lru_cache
from ipaddress import AddressValueError, IPv6Address
from typing import Literal, NamedTuple, TypeAlias

from syslogparse.evidence.model import NetfilterKey
from syslogparse.evidence.services import asked_port
from syslogparse.rules.exposure import Scope, scope_of
from syslogparse.rules.merge import Refused, decimal

Chain: TypeAlias = Literal["INPUT", "OUTPUT", "FORWARD"]

PROTOCOLS: dict[str, int] = {
    "icmp": 1, "igmp": 2, "ipip": 4, "tcp": 6, "egp": 8, "igp": 9, "udp": 17, "rdp": 27, "dccp": 33, "xtp": 36, "ipv6": 41,
    "rsvp": 46, "gre": 47, "esp": 50, "ah": 51, "skip": 57, "icmpv6": 58, "eigrp": 88, "ospf": 89, "etherip": 97,
    "encap": 98, "pim": 103, "ipcomp": 108, "vrrp": 112, "l2tp": 115, "isis": 124, "sctp": 132, "udplite": 136,
    "mpls-in-ip": 137, "manet": 138, "hip": 139, "shim6": 140, "wesp": 141, "rohc": 142,
}  # fmt: skip
"""Protocol names that a rule may hold, with their numbers (IANA protocol numbers)."""

_NAMES = {number: name for name, number in PROTOCOLS.items()}
_ALIASES = {"ipv6-icmp": "icmpv6", "icmp6": "icmpv6", "ipencap": "ipip", "ip-in-ip": "ipip"}
_ONLY_FAMILY: dict[str, Literal[4, 6]] = {"icmp": 4, "igmp": 4, "icmpv6": 6}
_IPV6_EXTENSIONS = frozenset({"43", "44", "ah", "60"})
_PORTED = frozenset({"tcp", "udp"})
_TCP_FLAGS = frozenset({"CWR", "ECE", "URG", "ACK", "PSH", "RST", "SYN", "FIN"})

# Narrower than the kernel's dev_valid_name: no leading "-" or "!" (options to iptables), no trailing "+" (its wildcard),
# nothing that a shell, nft or ufw reads as more than a name.
_INTERFACE = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.@+-]{0,14}")


_OCTET = r"(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])"
_IPV4 = re.compile(rf"{_OCTET}(?:\.{_OCTET}){{3}}")
_IPV6 = re.compile(r"[0-9A-Fa-f:.]{2,45}")
_CACHED = 4096
_CACHED_ADDRESSES = 1 << 16


class Address(NamedTuple):
    """A validated address: canonical text, its value, and where it belongs."""

    family: Literal[4, 6]
    text: str
    value: int
    scope: Scope


class Packet(NamedTuple):
    """One validated netfilter key. Fields that a rule cannot use in its chain are None."""

    prefix: bytes
    chain: Chain
    family: Literal[4, 6]
    proto: str
    in_iface: str | None
    out_iface: str | None
    physdev_in: str | None
    physdev_out: str | None
    src: Address
    dst: Address
    dport: int | None
    icmp_type: int | None
    icmp_code: int | None
    flags: frozenset[str]
    asked: int | None
    """The UDP service that this is an answer of."""


def read_packet(key: NetfilterKey) -> Packet:
    """The packet that ``key`` describes.

    Raises Refused: what the kernel always logs is missing or no rule can hold what is there.
    """
    if key.proto == b"arp":
        raise Refused("ARP is not for this packet filter")
    chain, in_iface, out_iface, physdev_in, physdev_out = _way(key.in_, key.out, key.physin, key.physout)
    src, dst = _addresses(key)
    family = src.family
    proto = _protocol(key.proto, family)
    icmp_type, icmp_code = _icmp(key, proto, family)
    return Packet(
        prefix=key.prefix,
        chain=chain,
        family=family,
        proto=proto,
        in_iface=in_iface,
        out_iface=out_iface,
        physdev_in=physdev_in,
        physdev_out=physdev_out,
        src=src,
        dst=dst,
        dport=_dport(key.dpt, proto),
        icmp_type=icmp_type,
        icmp_code=icmp_code,
        flags=_flags(key.flags) if proto == "tcp" else frozenset(),
        asked=decimal(asked_port(key.spt, key.dpt), 65535) if proto == "udp" and key.spt else None,
    )


class _Way(NamedTuple):
    chain: Chain
    in_iface: str | None
    out_iface: str | None
    physdev_in: str | None
    physdev_out: str | None


@lru_cache(_CACHED)
def _way(in_: bytes, out: bytes, physin: bytes, physout: bytes) -> _Way:
    in_iface, out_iface, physdev_in, physdev_out = map(_interface, (in_, out, physin, physout))
    chain = _chain(in_iface, out_iface)
    # net/netfilter/xt_physdev.c takes --physdev-out in FORWARD only.
    forward, inbound = chain == "FORWARD", chain != "OUTPUT"
    return _Way(chain, in_iface, out_iface, physdev_in if inbound else None, physdev_out if forward else None)


def _interface(name: bytes) -> str | None:
    if not name:
        return None
    text = name.decode("ascii", "replace")
    if not _INTERFACE.fullmatch(text) or text.endswith("+"):
        raise Refused("interface name that a rule cannot hold")
    return text


def _chain(in_iface: str | None, out_iface: str | None) -> Chain:
    if in_iface and out_iface:
        return "FORWARD"
    if in_iface:
        return "INPUT"
    if out_iface:
        return "OUTPUT"
    raise Refused("no interface")


def _addresses(key: NetfilterKey) -> tuple[Address, Address]:
    if not key.src or not key.dst:
        raise Refused("no source or no destination address")
    src, dst = _address(key.src), _address(key.dst)
    if src.family != dst.family:
        raise Refused("source and destination of different families")
    return src, dst


@lru_cache(_CACHED_ADDRESSES)
def _address(text: bytes) -> Address:
    plain = text.decode("ascii", "replace")
    if _IPV4.fullmatch(plain):
        value = int.from_bytes(map(int, plain.split(".")))
        return Address(4, plain, value, scope_of(4, value))
    if not _IPV6.fullmatch(plain):
        raise Refused("address that is none")
    try:
        address = IPv6Address(plain)
    except AddressValueError:
        raise Refused("address that is none") from None
    return Address(6, str(address), int(address), scope_of(6, int(address)))


@lru_cache(_CACHED)
def _protocol(text: bytes, family: Literal[4, 6]) -> str:
    if not text:
        raise Refused("no protocol")
    name = text.decode("ascii", "replace").lower()
    name = _ALIASES.get(name, name)
    if name not in PROTOCOLS:
        number = decimal(text, 255)
        # iptables reads protocol 0 as "all".
        if not number:
            raise Refused("protocol that a rule cannot hold")
        name = _NAMES.get(number, str(number))
    if _ONLY_FAMILY.get(name, family) != family or (family == 6 and name in _IPV6_EXTENSIONS):
        raise Refused("protocol that does not go with the address family")
    return name


def _dport(text: bytes, proto: str) -> int | None:
    if proto not in _PORTED:
        return None
    if not text:
        raise Refused("no destination port")
    port = decimal(text, 65535)
    if port is None:
        raise Refused("port that is none")
    return port


def _icmp(key: NetfilterKey, proto: str, family: Literal[4, 6]) -> tuple[int | None, int | None]:
    if proto not in ("icmp", "icmpv6"):
        return None, None
    if not key.icmp_type:
        raise Refused("no ICMP type")
    kind = decimal(key.icmp_type, 255)
    code = decimal(key.icmp_code, 255) if key.icmp_code else None
    if kind is None or (key.icmp_code and code is None):
        raise Refused("ICMP type or code that is none")
    if kind == 255 and family == 4:
        # net/netfilter/xt_tcpudp.c: type 255 matches every type.
        raise Refused("ICMP type 255 would match every type")
    return kind, code


@lru_cache(_CACHED)
def _flags(text: bytes) -> frozenset[str]:
    flags = frozenset(text.decode("ascii", "replace").split(" ")) - {""}
    if not flags <= _TCP_FLAGS:
        raise Refused("TCP flags that are none")
    return flags
