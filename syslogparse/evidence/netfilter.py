"""Packets that a netfilter rule logged: iptables' LOG, nftables' log, ufw (net/netfilter/nf_log_syslog.c)."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Final, TypeAlias, cast

from syslogparse.evidence import address
from syslogparse.evidence.envelope import without_uptime
from syslogparse.evidence.model import MAX_LIST, Fields, NetfilterKey, Reason, Undecodable, Value

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

_OF_RULES = frozenset(b"IN OUT PHYSIN PHYSOUT MAC MACSRC MACDST SRC DST PROTO SPT DPT TYPE CODE UID GID MARK".split())
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

MAX_PREFIX: Final = 256
"""Bytes of a prefix and what a logging daemon may put before it; the kernel takes 127 (NF_LOG_PREFIXLEN)."""
_LONGEST: Final = 64
"""Bytes behind IN= that are looked at; a name has 15 at most."""
_OCTETS: Final = 6 * 3 - 1
"""Characters of six octets in hexadecimal with their colons."""
_BOTH: Final = 12 * 3 - 1
_INTERFACE = re.compile(rb"[!-.0-9;-~]{1,15}")
_HARDWARE = re.compile(rb"(?:[0-9a-fA-F]{2}:)*[0-9a-fA-F]{2}")
_NAME = rb"(?!\.{1,2}+ )([!-.0-9;<>-~]{0,15}+)"
USUAL = (
    rb"IN=" + _NAME + rb" (?:PHYSIN=" + _NAME + rb" (?=OUT))?OUT=" + _NAME + rb" (?:PHYSIN=" + _NAME + rb" )?"
    rb"(?:PHYSOUT=" + _NAME + rb" )?"
    rb"(?:MAC=(?:((?:[0-9a-f]{2}:){11}[0-9a-f]{2}):[0-9a-f]{2}:[0-9a-f]{2})? )?"
    rb"SRC=([0-9a-f:.]{2,45}+) DST=([0-9a-f:.]{2,45}+) LEN=(\d{1,5}+) "
    rb"(?:TOS=0x[0-9A-F]{2} PREC=0x[0-9A-F]{2} TTL=(\d{1,3}+) ID=\d{1,5}+ (?:CE )?(?:DF )?(?:MF )?"
    rb"|TC=\d{1,3}+ HOPLIMIT=(\d{1,3}+) FLOWLBL=\d{1,7}+ )"
    rb"PROTO=(?:(?:TCP|(UDP(?:LITE)?)) SPT=(\d{1,5}+) DPT=(\d{1,5}+)(?: LEN=\d{1,5}+|(?: SEQ=\d{1,10}+ ACK=\d{1,10}+)?"
    rb" WINDOW=\d{1,5}+ RES=0x[0-9a-f]{2} ((?:(?:CWR|ECE|URG|ACK|PSH|RST|SYN|FIN) )*)URGP=\d{1,5}+"
    rb"(?: OPT \([0-9A-F]{0,80}+\))?)"
    rb"|(ICMP(?:v6)?) TYPE=(\d{1,3}+) CODE=(\d{1,3}+)(?: ID=\d{1,5}+ SEQ=\d{1,5}+)?)"
    rb"(?: UID=(\d{1,10}+) GID=(\d{1,10}+))?(?: MARK=(0x[0-9a-f]{1,8}+))? {0,3}+\r?+\Z"
)
"""Pattern of a whole line of the usual protocols, in the kernel's own order. No name in it holds an equals sign, so that
behind a prefix without one it begins where ``start`` says."""
_USUAL = re.compile(USUAL)
_MARK = re.compile(rb"0x[0-9a-fA-F]{1,8}")


def start(message: bytes) -> int:
    """Where the kernel's own text begins: the last IN= of which OUT= is the next field. -1 where there is none.

    What stands before it is the rule's prefix, in which the administrator may write anything. Nothing behind it can hold
    another: interface names have no blanks, and all else is numbers.
    """
    out = len(message)
    while (out := message.rfind(b" OUT=", 0, out)) > 0:
        at = message.rfind(b"IN=", max(out - _LONGEST, 0), out)
        if at < 0 or message.find(b" ", at, out) >= 0:
            continue
        if message.endswith(b" PHYS", 0, at):
            # Linux 2.4 wrote `IN=br0 PHYSIN=eth0 OUT=br0 PHYSOUT=eth1`.
            bridge = message.rfind(b"IN=", max(at - _LONGEST, 0), at - 5)
            if bridge >= 0 and message.find(b" ", bridge, at - 5) < 0:
                return bridge
        return at
    return -1


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
    if begin > MAX_PREFIX:
        raise Undecodable("not a complete record")
    if prefix := message[:begin].strip(b" "):
        found["prefix"] = prefix
    usual = _USUAL.match(message, begin)
    if usual is None or not take_usual(found, usual.groups()):
        _take_any(found, message[begin:])
    return found


def take_usual(found: Fields, logged: Sequence[bytes | None]) -> bool:
    """Add the fields that the groups of ``USUAL`` are. False where they do not belong together. Raises Undecodable.

    ``decode`` finds the same by its general way, in three times the time.
    """
    in_, old_physin, out, new_physin, physout, hardware, src, dst, length, ttl, hops, *above, uid, gid, mark = logged
    if in_:
        found["in"] = in_
    if out:
        found["out"] = out
    if physin := old_physin or new_physin:
        found["physin"] = physin
    if physout:
        found["physout"] = physout
    if not (src and dst and length):
        return False
    found["src"] = address.canonical(src)
    found["dst"] = address.canonical(dst)
    if (src.find(b":") < 0) != (dst.find(b":") < 0):
        raise Undecodable("contradictory fields")
    if hardware:
        found["mac_dst"], found["mac_src"] = hardware[:_OCTETS], hardware[_OCTETS + 1 :]
    found["length"] = int(length)
    found["ttl"] = _bounded(ttl or hops, 255, "invalid number")
    if uid and gid:
        found["uid"] = _bounded(uid, _MAX_ID, "invalid number")
        found["gid"] = _bounded(gid, _MAX_ID, "invalid number")
    if mark:
        found["mark"] = mark
    return _take_transport(found, above)


def _take_transport(found: Fields, logged: list[bytes | None]) -> bool:
    udp, spt, dpt, flags, icmp, kind, code = logged
    if icmp:
        found["proto"] = _NAMES[icmp]
        found["icmp_type"] = _bounded(kind, 255, "invalid number")
        found["icmp_code"] = _bounded(code, 255, "invalid number")
        return True
    if (udp is None) == (flags is None):
        return False
    found["proto"] = _NAMES[udp] if udp else b"tcp"
    found["spt"] = _bounded(spt, 65535, "invalid port")
    found["dpt"] = _bounded(dpt, 65535, "invalid port")
    if flags:
        found["tcp_flags"] = _few(flags.split())
    return True


def _take_any(found: Fields, text: bytes) -> None:
    """The fields of any line: other protocols, fragments, ICMP errors, fields that are missing or new."""
    tokens = own_text(text).split(b" ")
    logged: dict[bytes, bytes] = {}
    for token in tokens:
        name, equals, text = token.partition(b"=")
        if equals:
            logged.setdefault(name, text)
    for raw, word in _INTERFACES:
        if value := logged.get(raw):
            found[word] = _interface(value)
    _take_addresses(found, logged.get(b"SRC"), logged.get(b"DST"))
    _take_hardware(found, logged)
    limits = _NUMBERS
    if proto := logged.get(b"PROTO"):
        known = found["proto"] = _protocol(proto)
        if known == b"tcp" and (flags := [token for token in tokens if token in _FLAG_SET]):
            found["tcp_flags"] = _few(flags)
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
    flags = fields.get("tcp_flags")
    return tuple.__new__(
        NetfilterKey,
        (
            get("prefix", b""),
            get("in", b""),
            get("out", b""),
            get("physin", b""),
            get("physout", b""),
            get("src", b""),
            get("dst", b""),
            get("proto", b""),
            _decimal(fields.get("dpt")),
            _decimal(fields.get("icmp_type")),
            _decimal(fields.get("icmp_code")),
            b"" if flags is None else _in_header_order(flags),
        ),
    )


def _few(flags: list[bytes]) -> list[bytes]:
    """The kernel names each flag of a header once. Raises Undecodable."""
    if len(flags) > MAX_LIST:
        raise Undecodable("contradictory fields")
    return flags


def _decimal(value: Value | None) -> bytes:
    return b"%d" % value if isinstance(value, int) else b""


def _in_header_order(flags: Value) -> bytes:
    if not isinstance(flags, list):
        return b""
    if len(flags) == 1:
        return flags[0]
    return b" ".join([flag for flag in _FLAGS if flag in flags])


def _take_addresses(found: Fields, source: bytes | None, destination: bytes | None) -> None:
    if source:
        found["src"] = address.canonical(source)
    if destination:
        found["dst"] = address.canonical(destination)
        if source and (source.find(b":") < 0) != (destination.find(b":") < 0):
            raise Undecodable("contradictory fields")


def _take_hardware(found: Fields, logged: dict[bytes, bytes]) -> None:
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
    if _HARDWARE.fullmatch(text) is None:
        raise Undecodable("invalid hexadecimal value")
    return text[:_BOTH].lower()


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


def _bounded(digits: bytes | None, most: int, reason: Reason) -> int:
    value = int(digits or b"0")
    if value > most:
        raise Undecodable(reason)
    return value


def _number(text: bytes, most: int, reason: Reason) -> int:
    if not text.isdigit() or len(text) > _MAX_DIGITS:
        raise Undecodable(reason)
    return _bounded(text, most, reason)
