"""Packets that a netfilter rule logged (net/netfilter/nf_log_syslog.c): iptables' LOG, nftables' log, ufw and all who use them.

Also what says the same in nearly the same words: ebtables' log, and ulogd's LOGEMU and SYSLOG (util/printpkt.c of ulogd2).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Final, cast

from syslogparse.evidence import address, identity, linklayer, quoted, transport
from syslogparse.evidence.envelope import without_uptime
from syslogparse.evidence.linklayer import OCTETS
from syslogparse.evidence.model import Fields, NetfilterKey, Undecodable, Value
from syslogparse.evidence.services import asked_port
from syslogparse.evidence.transport import MAX_ID, NAMES, bounded, few

LITERALS: Final = (b" OUT=", b" DST=")
"""Every logged packet holds one of these."""

MAX_PREFIX: Final = 256
"""Bytes of a prefix and what a logging daemon may put before it; the kernel takes 127 (NF_LOG_PREFIXLEN)."""
_LONGEST: Final = 64
"""Bytes behind IN= that are looked at; a name has 15 at most."""

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
_MARK = re.compile(rb"(?:0x)?[0-9a-fA-F]{1,8}")

_OTHER_NAME = rb"=[^ =]{0,15} {1,2}(?=(?:PHYS(?:IN|OUT)=[^ ]{0,15} ){0,2}(?:MAC(?:SRC|DST)?|SRC)=)"
_IN_ALONE = re.compile(rb"(?<!=)(?<!PHYS)IN" + _OTHER_NAME)
_OUT_ALONE = re.compile(rb"(?<!=)(?<!PHYS)OUT" + _OTHER_NAME)

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


def is_interesting(line: bytes) -> bool:
    """Whether the line would have to be a logged packet, or undecoded, if the kernel said it."""
    if line.find(b"IN=", 0, max(line.rfind(b" OUT="), 0)) >= 0:
        return True
    if line.find(b" DST=") < 0:
        return False
    return start(line) >= 0 or 0 <= line.find(b"OUT=") < line.find(b" SRC=") < line.rfind(b" DST=")


def start(message: bytes) -> int:
    """Where the kernel's own text begins: the last place where its order of fields can start. -1 where there is none.

    That is the last IN= of which OUT= is the next field; where a logger left one of them out, the other one with the
    packet's addresses behind it. What stands before is the rule's prefix, in which the administrator may write anything.
    Nothing behind it can hold another: interface names have no blanks, and all else is numbers.
    """
    begin, end = _both(message)
    if message.find(b" DST=", end) < 0:
        return begin
    alone = -1
    if message.find(b"IN=" if begin < 0 else b" IN=", end) >= 0:
        alone = _last(_IN_ALONE, message, end)
    elif begin < 0 and message.find(b"OUT=") >= 0:
        alone = _last(_OUT_ALONE, message, 0)
        if message.find(b"=", message.rfind(b" ", 0, max(alone - 1, 0)) + 1, max(alone, 0)) >= 0:
            # What stands before it is a field, not a prefix: the kernel's text has been damaged there.
            alone = -1
    return max(begin, alone)


def _both(message: bytes) -> tuple[int, int]:
    """Where the last IN= with OUT= behind it begins, and where that OUT= ends. -1, 0 where there is none."""
    out = len(message)
    while (out := message.rfind(b" OUT=", 0, out)) > 0:
        at = message.rfind(b"IN=", max(out - _LONGEST, 0), out)
        if at < 0 or message[at:out].rstrip(b" ").find(b" ") >= 0:
            continue
        if message.endswith(b" PHYS", 0, at):
            # Linux 2.4 wrote `IN=br0 PHYSIN=eth0 OUT=br0 PHYSOUT=eth1`.
            bridge = message.rfind(b"IN=", max(at - _LONGEST, 0), at - 5)
            if bridge >= 0 and message.find(b" ", bridge, at - 5) < 0:
                return bridge, out + 5
        return at, out + 5
    return -1, 0


def _last(pattern: re.Pattern[bytes], message: bytes, begin: int) -> int:
    """Where the pattern matches last, of those places that have both addresses behind them. -1 for nowhere."""
    most = min(message.rfind(b" SRC="), message.rfind(b" DST="))
    return max((match.start() for match in pattern.finditer(message, begin) if match.start() < most), default=-1)


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

    found: holds the prefix, if any. ``decode`` finds the same by its general way, in three times the time.
    """
    in_, old_physin, out, new_physin, physout, hardware, src, dst, length, ttl, hops, *above, uid, gid, mark = logged
    if found:
        quoted.refuse_prefix(cast("bytes", found["prefix"]))
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
        found["mac_dst"], found["mac_src"] = hardware[:OCTETS], hardware[OCTETS + 1 :]
    found["length"] = int(length)
    found["ttl"] = bounded(ttl or hops, 255, "invalid number")
    if uid and gid:
        found["uid"] = bounded(uid, MAX_ID, "invalid number")
        found["gid"] = bounded(gid, MAX_ID, "invalid number")
    if mark:
        found["mark"] = mark
    return _take_transport(found, above)


def _take_transport(found: Fields, logged: list[bytes | None]) -> bool:
    udp, spt, dpt, flags, icmp, kind, code = logged
    if icmp:
        found["proto"] = NAMES[icmp.lower()]
        found["icmp_type"] = bounded(kind, 255, "invalid number")
        found["icmp_code"] = bounded(code, 255, "invalid number")
        return True
    if (udp is None) == (flags is None):
        return False
    found["proto"] = NAMES[udp.lower()] if udp else b"tcp"
    found["spt"] = bounded(spt, 65535, "invalid port")
    found["dpt"] = bounded(dpt, 65535, "invalid port")
    if flags:
        found["tcp_flags"] = few(flags.split())
    return True


def _take_any(found: Fields, text: bytes) -> None:
    """The fields of any line: other protocols, fragments, ICMP errors, fields that are missing or new."""
    quoted.refuse_prefix(cast("bytes", found.get("prefix", b"")))
    own = own_text(text)
    quoted.refuse_behind(text, own)
    # ulogd puts no blank behind the word.
    tokens = own.replace(b"INCOMPLETE", b"INCOMPLETE ").split(b" ")
    logged = linklayer.frame(text) or _by_name(tokens)
    linklayer.take_interfaces(found, logged)
    _take_addresses(found, logged.get(b"SRC"), logged.get(b"DST"))
    linklayer.take_hardware(found, logged)
    transport.take(found, logged, tokens)
    transport.take_numbers(found, logged)
    # Others than the kernel log the mark without 0x. What is no mark decides nothing: it is left out.
    if (mark := logged.get(b"MARK")) and _MARK.fullmatch(mark):
        found["mark"] = mark
    if not ("proto" in found or ("src" in found and "dst" in found) or "mac_src" in found or _has_no_address(tokens)):
        # Names of tasks, of 15 bytes, stand in many messages of the kernel, and anybody can call his `IN= OUT=`.
        raise Undecodable("not a complete record")


def _by_name(tokens: list[bytes]) -> dict[bytes, bytes]:
    logged: dict[bytes, bytes] = {}
    for token in tokens:
        name, equals, text = token.partition(b"=")
        if equals:
            logged.setdefault(name, text)
    return logged


def _has_no_address(tokens: list[bytes]) -> bool:
    """Whether it is an ARP packet, or one that is too short for an IP header."""
    return b"TRUNCATED" in tokens or (b"ARP" in tokens and any(token.startswith(b"HTYPE=") for token in tokens))


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


def flow(found: Fields) -> int:
    """The part of a packet's identity that all packets of its key share."""
    get = cast("Callable[[str, bytes], bytes]", found.get)
    return identity.flow(get("src", b""), get("dst", b""), get("proto", b""), _decimal(found.get("dpt")))


def attempt(text: bytes, found: Fields) -> bytes:
    """What tells a packet from other attempts of its ``flow``; equal for one packet that several rules logged.

    text: the kernel's, from IN= on; found: its fields. Of TCP it is the source port: the packets of a connection, those
    sent again above all, are one attempt, whatever IP ID they have (Linux takes a new one). A SYN of which the
    sequence number was logged has that too, since a new connection from the same port starts with another (RFC 9293,
    3.4.1). Of UDP it is the IP ID and the source port, of ICMP type, code, IP ID, and the ID and number of an echo, of
    all else the IP ID. IPv6 has an ID in fragments only.
    """
    spt = _decimal(found.get("spt"))
    if spt and found.get("proto") == b"tcp":
        if text.find(b" SEQ=") < 0 or text.find(b" SYN ") < 0 or text.find(b" ACK ") >= 0:
            return spt
        return b"%b %b" % (spt, _value(text, b" SEQ=", text.find(b" SPT=")))
    above = text.find(b" PROTO=")
    begin = text.find(b"SRC=")
    of_packet = _value(text[: above if above >= 0 else None], b" ID=", begin) or _value(text, b" ID:", begin)
    if spt:
        return b"%b %b" % (of_packet, spt)
    kind, code = _decimal(found.get("icmp_type")), _decimal(found.get("icmp_code"))
    own = own_text(text[max(above, 0) :])
    return b"%b %b %b %b %b" % (of_packet, kind, code, _value(own, b" ID=", 0), _value(own, b" SEQ=", 0))


def _value(text: bytes, name: bytes, begin: int) -> bytes:
    """What stands behind the first ``name`` from ``begin`` on, up to a blank; empty where it is not there."""
    at = text.find(name, max(begin, 0))
    if at < 0:
        return b""
    end = text.find(b" ", at + len(name))
    return text[at + len(name) : end if end >= 0 else None]


def key(fields: Fields) -> NetfilterKey:
    """What a packet-filter rule can say about the packet."""
    get = cast("Callable[[str, bytes], bytes]", fields.get)
    proto, dpt = get("proto", b""), _decimal(fields.get("dpt"))
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
            proto,
            dpt,
            _decimal(fields.get("icmp_type")),
            _decimal(fields.get("icmp_code")),
            transport.in_header_order(fields.get("tcp_flags")),
            asked_port(_decimal(fields.get("spt")), dpt) if proto == b"udp" else b"",
        ),
    )


def _decimal(value: Value | None) -> bytes:
    return b"%d" % value if isinstance(value, int) else b""


def _take_addresses(found: Fields, source: bytes | None, destination: bytes | None) -> None:
    if source:
        found["src"] = address.canonical(source)
    if destination:
        found["dst"] = address.canonical(destination)
        if source and (source.find(b":") < 0) != (destination.find(b":") < 0):
            raise Undecodable("contradictory fields")
