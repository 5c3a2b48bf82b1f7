"""What stands above the Internet Protocol in a logged packet: protocols, ports, TCP flags, ICMP types."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, TypeAlias

from syslogparse.evidence.model import MAX_LIST, Fields, Reason, Undecodable, Value

_FLAGS_OF_RULES = (b"CWR", b"ECE", b"URG", b"ACK", b"PSH", b"RST", b"SYN", b"FIN")
FLAGS = (b"AE", *_FLAGS_OF_RULES)
"""TCP flags as they stand in the header, the highest bit first (RFC 9293, 3.1). Newer kernels log the one of Accurate ECN
(nf_log_dump_tcp_header in net/netfilter/nf_log_syslog.c), which no packet-filter rule can name."""
_FLAG_SET = frozenset(FLAGS)
_SYN = [b"SYN"]

PROTOCOLS: dict[bytes, bytes] = {
    b"1": b"icmp", b"2": b"igmp", b"4": b"ipencap", b"6": b"tcp", b"8": b"egp", b"9": b"igp", b"17": b"udp", b"27": b"rdp",
    b"33": b"dccp", b"36": b"xtp", b"41": b"ipv6", b"46": b"rsvp", b"47": b"gre", b"50": b"esp", b"51": b"ah", b"57": b"skip",
    b"58": b"icmpv6", b"88": b"eigrp", b"89": b"ospf", b"97": b"etherip", b"98": b"encap", b"103": b"pim", b"108": b"ipcomp",
    b"112": b"vrrp", b"115": b"l2tp", b"124": b"isis", b"132": b"sctp", b"136": b"udplite", b"137": b"mpls-in-ip",
    b"138": b"manet", b"139": b"hip", b"140": b"shim6", b"141": b"wesp", b"142": b"rohc",
}  # fmt: skip
"""Protocol numbers that have a name of their own (IANA), by the name that iptables takes (/etc/protocols). The extension
headers of IPv6 stay numbers. So does 94, which that file calls ipip, while most people mean 4 by that."""
NAMES: dict[bytes, bytes] = {
    **PROTOCOLS,
    **{name: name for name in PROTOCOLS.values()},
    b"ipv6-icmp": b"icmpv6",
    b"icmp6": b"icmpv6",
    b"udp-lite": b"udplite",
    b"ipv4": b"ipencap",
    b"arp": b"arp",
}
"""Canonical names by number and by every name, in lower case, that programs print."""

_ICMP = frozenset({b"icmp", b"icmpv6"})
MAX_ID: Final = 2**32 - 1
_MAX_DIGITS: Final = 10
_Limits: TypeAlias = tuple[tuple[bytes, str, int, Reason], ...]
_PORTS: _Limits = ((b"SPT", "spt", 65535, "invalid port"), (b"DPT", "dpt", 65535, "invalid port"))
_ICMP_NUMBERS: _Limits = ((b"TYPE", "icmp_type", 255, "invalid number"), (b"CODE", "icmp_code", 255, "invalid number"))
NUMBERS: _Limits = (
    (b"LEN", "length", MAX_ID, "invalid number"),
    (b"TTL", "ttl", 255, "invalid number"),
    (b"HOPLIMIT", "ttl", 255, "invalid number"),
    (b"UID", "uid", MAX_ID, "invalid number"),
    (b"GID", "gid", MAX_ID, "invalid number"),
)


def take(found: Fields, logged: Mapping[bytes, bytes], words: Sequence[bytes]) -> None:
    """Add protocol, ports, flags, ICMP type and code. logged: texts by name; words: all tokens. Raises Undecodable."""
    limits = _PORTS
    if proto := logged.get(b"PROTO"):
        known = found["proto"] = protocol(proto)
        if known == b"tcp" and (flags := [word for word in words if word in _FLAG_SET]):
            if words[-1] == b"URG" or (words[-1] == b"ACK" and b"WINDOW" not in logged):
                # Where a line is cut, these are the beginnings of URGP= and ACK=.
                flags.pop()
            if flags:
                found["tcp_flags"] = few(flags)
        if known in _ICMP:
            limits = _ICMP_NUMBERS
    take_numbers(found, logged, limits)


def take_numbers(found: Fields, logged: Mapping[bytes, bytes], limits: _Limits = NUMBERS) -> None:
    """Add the numbers that ``limits`` names: as logged, as a field, the most it can be, why it is none. Raises Undecodable."""
    for raw, name, most, reason in limits:
        if (value := logged.get(raw)) and name not in found:
            found[name] = number(value, most, reason)


def protocol(logged: bytes) -> bytes:
    """A protocol's name, or its number where it has none. Raises Undecodable."""
    known = NAMES.get(logged.lower())
    if known is not None:
        return known
    decimal = b"%d" % number(logged, 255, "invalid number")
    return PROTOCOLS.get(decimal, decimal)


def few(flags: list[bytes]) -> list[bytes]:
    """The flags: the kernel names each flag of a header once. Raises Undecodable."""
    if len(flags) > MAX_LIST:
        raise Undecodable("contradictory fields")
    return flags


def in_header_order(flags: Value | None) -> bytes:
    """The flags that a rule can name as one text, in the order of the header's bits."""
    if not isinstance(flags, list):
        return b""
    if flags == _SYN:
        return flags[0]
    return b" ".join([flag for flag in _FLAGS_OF_RULES if flag in flags])


def bounded(digits: bytes | None, most: int, reason: Reason) -> int:
    """A number of digits that a pattern has found. Raises Undecodable with ``reason`` where it is too large."""
    value = int(digits or b"0")
    if value > most:
        raise Undecodable(reason)
    return value


def number(text: bytes, most: int, reason: Reason) -> int:
    """A decimal number. Raises Undecodable with ``reason``."""
    if not text.isdigit() or len(text) > _MAX_DIGITS:
        raise Undecodable(reason)
    return bounded(text, most, reason)
