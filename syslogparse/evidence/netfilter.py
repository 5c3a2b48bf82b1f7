"""Packets that a netfilter rule logged: iptables' LOG, nftables' log, ufw (net/netfilter/nf_log_syslog.c)."""

from __future__ import annotations

import re
from collections.abc import Callable
from ipaddress import AddressValueError, IPv6Address
from typing import Final, TypeAlias, cast

from syslogparse.evidence.envelope import without_uptime
from syslogparse.evidence.model import Fields, NetfilterKey, Reason, Undecodable, Value

_FLAGS = (b"CWR", b"ECE", b"URG", b"ACK", b"PSH", b"RST", b"SYN", b"FIN")
"""TCP flags as they stand in the header, the highest bit first (RFC 9293, 3.1)."""
_FLAG_SET = frozenset(_FLAGS)

PROTOCOLS = {
    b"1": b"icmp",
    b"2": b"igmp",
    b"6": b"tcp",
    b"17": b"udp",
    b"33": b"dccp",
    b"47": b"gre",
    b"50": b"esp",
    b"51": b"ah",
    b"58": b"icmpv6",
    b"88": b"eigrp",
    b"89": b"ospf",
    b"103": b"pim",
    b"112": b"vrrp",
    b"115": b"l2tp",
    b"132": b"sctp",
    b"136": b"udplite",
}
"""IANA's protocol numbers that have a name of their own."""
_NAMES = {
    **PROTOCOLS,
    **{name.upper(): name for name in PROTOCOLS.values()},
    b"ICMPv6": b"icmpv6",
}

_ICMP = frozenset({b"icmp", b"icmpv6"})

_MAX_ID: Final = 2**32 - 1
_MAX_DIGITS: Final = 10
_INTERFACES = ((b"IN", "in"), (b"OUT", "out"), (b"PHYSIN", "physin"), (b"PHYSOUT", "physout"))
_Limits: TypeAlias = tuple[tuple[bytes, str, int, Reason], ...]
_PORTS: _Limits = ((b"SPT", "spt", 65535, "invalid port"), (b"DPT", "dpt", 65535, "invalid port"))
_ICMP_NUMBERS: _Limits = ((b"TYPE", "icmp_type", 255, "invalid number"), (b"CODE", "icmp_code", 255, "invalid number"))
_NUMBERS: _Limits = (
    (b"LEN", "length", _MAX_ID, "invalid number"),
    (b"TTL", "ttl", 255, "invalid number"),
    (b"HOPLIMIT", "ttl", 255, "invalid number"),
    (b"UID", "uid", _MAX_ID, "invalid number"),
    (b"GID", "gid", _MAX_ID, "invalid number"),
)

_CACHE_SIZE: Final = 8192
_addresses: dict[bytes, bytes] = {}
_hardware: dict[bytes, bytes] = {}

_OF_RULES = frozenset(
    b"IN OUT PHYSIN PHYSOUT MAC MACSRC MACDST SRC DST PROTO SPT DPT TYPE CODE UID GID MARK".split()
)
_LATER_FRAGMENT = re.compile(rb" FRAG:0*+[1-9]")
_LAST_FIELDS: dict[Value, tuple[bytes, ...]] = {
    b"tcp": (b" URGP=",),
    b"udp": (b" DPT=", b" LEN="),
    b"udplite": (b" DPT=", b" LEN="),
    b"icmp": (b" TYPE=", b" CODE="),
    b"icmpv6": (b" TYPE=", b" CODE="),
    b"esp": (b" SPI=",),
    b"ah": (b" SPI=",),
}
"""What always stands behind a protocol's name where the packet's header is there whole."""

_ZERO: Final = ord("0")
_OCTETS: Final = 6 * 3 - 1
"""Characters of six octets in hexadecimal with their colons."""
_BOTH: Final = 12 * 3 - 1
_INTERFACE = re.compile(rb"[!-.0-9;-~]{1,15}")
_HARDWARE = re.compile(rb"(?:[0-9a-fA-F]{2}:)*+[0-9a-fA-F]{2}")
_IPV6 = re.compile(rb"[0-9a-fA-F:.]{2,45}")
_USUAL = re.compile(
    rb"""IN=(%(interface)b)\ (?:PHYSIN=(%(interface)b)\ (?=OUT))?+OUT=(%(interface)b)\ (?:PHYSOUT=(%(interface)b)\ )?+
    (?:MAC=(?:(%(octet)b{11}%(octet)b):[0-9a-f]{2}:[0-9a-f]{2})?+\ )?+
    """ , re.VERBOSE)
_MARK = re.compile(rb"0x[0-9a-fA-F]{1,8}")


def start(message: bytes) -> int:
    """Where the kernel's own text begins: the last IN= of which OUT= is the next field. -1 where there is none.

    What stands before it is the rule's prefix, in which the administrator may write anything. Nothing behind it can hold
    another: interface names have no blanks, and all else is numbers.
    """
    out = message.rfind(b" OUT=")
    at = message.rfind(b"IN=", 0, out) if out > 0 else -1
    if at < 0 or b" " in message[at:out]:
        return -1
    if message.endswith(b" PHYS", 0, at):
        # Kernels 2.4 wrote `IN=br0 PHYSIN=eth0 OUT=br0 PHYSOUT=eth1`.
        bridge = message.rfind(b"IN=", 0, at - 5)
        if bridge >= 0 and b" " not in message[bridge : at - 5]:
            return bridge
    return at


def decode(message: bytes) -> Fields:
    """The fields of a logged packet as DESIGN 6 names them, text as bytes. Raises Undecodable.

    ``message`` is the payload of an envelope. Of a field that stands twice the first counts; an ICMP error's inner packet
    (in brackets) sets none. ARP and frames of other protocols have no addresses.
    """
    message = without_uptime(message)
    begin = start(message)
    if begin < 0:
        raise Undecodable("not a complete record")
    return fields(message, begin)


def fields(message: bytes, begin: int) -> Fields:
    """As ``decode``, for a message without uptime of which ``start`` is known already."""
    found: Fields = {}
    if begin and (prefix := message[:begin].strip(b" ")):
        found["prefix"] = prefix
    usual = _USUAL.match(message, begin)
    if usual is None:
        _take_any(found, message[begin:])
    else:
        _take_usual(found, usual.groups())
    return found


def _take_usual(found: Fields, logged: tuple[bytes | None, ...]) -> None:
    """The fields of a line that ``_USUAL`` matches; ``_take_any`` finds the same, in three times the time."""
    in_, physin, out, physout, hardware, src, dst, length, ttl, hops, proto, spt, dpt, kind, code, flags, uid, gid, mark = logged
    if in_:
        found["in"] = in_
    if out:
        found["out"] = out
    if physin:
        found["physin"] = physin
    if physout:
        found["physout"] = physout
    if hardware:
        found["mac_dst"], found["mac_src"] = _both(hardware)
    found["src"] = _address(src or b"")
    found["dst"] = _address(dst or b"")
    found["length"] = _number(length or b"", _MAX_ID, "invalid number")
    found["ttl"] = _number(ttl or hops or b"", 255, "invalid number")
    found["proto"] = _protocol(proto or b"")
    if spt and dpt:
        found["spt"] = _number(spt, 65535, "invalid port")
        found["dpt"] = _number(dpt, 65535, "invalid port")
    if kind and code:
        found["icmp_type"] = _number(kind, 255, "invalid number")
        found["icmp_code"] = _number(code, 255, "invalid number")
    if flags:
        found["tcp_flags"] = flags.split()
    if uid and gid:
        found["uid"] = _number(uid, _MAX_ID, "invalid number")
        found["gid"] = _number(gid, _MAX_ID, "invalid number")
    if mark:
        found["mark"] = mark


def _take_any(found: Fields, text: bytes) -> None:
    """The fields of any line: other protocols, fragments, ICMP errors, fields that are missing or new."""
    tokens = own_text(text).split(b" ")
    logged: dict[bytes, bytes] = {}
    for token in tokens:
        name, equals, value = token.partition(b"=")
        if equals:
            logged.setdefault(name, value)
    for raw, word in _INTERFACES:
        if value := logged.get(raw):
            found[word] = _interface(value)
    _take_addresses(found, logged)
    limits = _NUMBERS
    if proto := logged.get(b"PROTO"):
        known = found["proto"] = _protocol(proto)
        if known == b"tcp" and (flags := [token for token in tokens if token in _FLAG_SET]):
            found["tcp_flags"] = flags
        limits = (_ICMP_NUMBERS if known in _ICMP else _PORTS) + limits
    for raw, word, most, reason in limits:
        if (value := logged.get(raw)) and word not in found:
            found[word] = _number(value, most, reason)
    if mark := logged.get(b"MARK"):
        if _MARK.fullmatch(mark) is None:
            raise Undecodable("invalid number")
        found["mark"] = mark


def own_text(text: bytes) -> bytes:
    """The kernel's text without the inner packet of an ICMP error, or the count of bytes that were missing."""
    inner = text.find(b" [")
    if inner < 0:
        return text
    end = text.rfind(b"]")
    return text[:inner] + (text[end + 1 :] if end > inner else b"")


def is_whole(text: bytes, found: Fields) -> bool:
    """Whether the kernel's text, from IN= on, ends where a packet's line can end; False where more must have followed.

    found: its fields. A value at the very end that a rule could be made from may have been longer.
    """
    last, _, _ = text[text.rfind(b" ") + 1 :].partition(b"=")
    if last in _OF_RULES or text.count(b"[") != text.count(b"]"):
        return False
    own = own_text(text)
    if b" ARP HTYPE=" in own:
        return True
    proto = found.get("proto")
    if proto is None or "dst" not in found:
        return False
    _, _, behind = own.partition(b" PROTO=")
    if b"INCOMPLETE" in text[len(own) - len(behind) :] or _LATER_FRAGMENT.search(own):
        return True
    return all(name in behind for name in _LAST_FIELDS.get(proto, ()))


def key(fields: Fields) -> NetfilterKey:
    """What a packet-filter rule can say about the packet."""
    get = cast("Callable[[str, bytes], bytes]", fields.get)
    port, icmp_type, icmp_code = fields.get("dpt"), fields.get("icmp_type"), fields.get("icmp_code")
    flags = fields.get("tcp_flags")
    return NetfilterKey(
        get("prefix", b""),
        get("in", b""),
        get("out", b""),
        get("physin", b""),
        get("physout", b""),
        get("src", b""),
        get("dst", b""),
        get("proto", b""),
        b"" if port is None else b"%d" % port,
        b"" if icmp_type is None else b"%d" % icmp_type,
        b"" if icmp_code is None else b"%d" % icmp_code,
        b"" if flags is None else b" ".join([flag for flag in _FLAGS if flag in flags]),
    )


def _take_addresses(found: Fields, logged: dict[bytes, bytes]) -> None:
    source, destination = logged.get(b"SRC"), logged.get(b"DST")
    if source:
        found["src"] = _address(source)
    if destination:
        found["dst"] = _address(destination)
        if source and (b":" in source) != (b":" in destination):
            raise Undecodable("contradictory fields")
    if hardware := logged.get(b"MAC"):
        pair = _octets(hardware)
        if len(pair) == _BOTH:
            found["mac_dst"], found["mac_src"] = pair[:_OCTETS], pair[_OCTETS + 1 :]
        return
    for raw, name in ((b"MACDST", "mac_dst"), (b"MACSRC", "mac_src")):
        if hardware := logged.get(raw):
            found[name] = _octets(hardware)


def _octets(text: bytes) -> bytes:
    """The first twelve octets of a logged link-layer header, in lower case. Raises Undecodable."""
    known = _hardware.get(text)
    if known is None:
        if _HARDWARE.fullmatch(text) is None:
            raise Undecodable("invalid hexadecimal value")
        if len(_hardware) >= _CACHE_SIZE:
            _hardware.clear()
        known = _hardware[text] = text[:_BOTH].lower()
    return known


def _interface(name: bytes) -> bytes:
    """A name that dev_valid_name (net/core/dev.c) takes, in printable ASCII. Raises Undecodable."""
    if _INTERFACE.fullmatch(name) is None or name in (b".", b".."):
        raise Undecodable("invalid interface name")
    return name


def _protocol(name: bytes) -> bytes:
    known = _NAMES.get(name)
    if known is not None:
        return known
    return b"%d" % _number(name, 255, "invalid number")


def _number(text: bytes, most: int, reason: Reason) -> int:
    if not text.isdigit() or len(text) > _MAX_DIGITS:
        raise Undecodable(reason)
    value = int(text)
    if value > most:
        raise Undecodable(reason)
    return value


def _address(text: bytes) -> bytes:
    """An address in the spelling of RFC 5952. Raises Undecodable."""
    known = _addresses.get(text)
    if known is None:
        known = _ipv6(text) if b":" in text else _ipv4(text)
        if len(_addresses) >= _CACHE_SIZE:
            _addresses.clear()
        _addresses[text] = known
    return known


def _ipv4(text: bytes) -> bytes:
    parts = text.split(b".")
    if len(parts) != 4:
        raise Undecodable("invalid address")
    for part in parts:
        if not part.isdigit() or len(part) > 3 or int(part) > 255 or (part[0] == _ZERO and len(part) > 1):
            raise Undecodable("invalid address")
    return text


def _ipv6(text: bytes) -> bytes:
    if _IPV6.fullmatch(text) is None:
        raise Undecodable("invalid address")
    try:
        address = IPv6Address(text.decode("ascii"))
    except AddressValueError:
        raise Undecodable("invalid address") from None
    # Python spells mapped addresses in both ways, depending on its version; RFC 5952, 5 wants the dotted one.
    if (mapped := address.ipv4_mapped) is not None:
        return b"::ffff:" + str(mapped).encode("ascii")
    return address.compressed.encode("ascii")
