"""The contract of the format events (DESIGN, section 6): which fields an event has, and what may stand in each."""

import re
from collections.abc import Iterator
from datetime import datetime
from ipaddress import IPv6Address, ip_address

Document = dict[str, object]

_TOP = {"kind", "file", "line", "time", "host", "trust", "fields"}
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}\+00:00")
_HARDWARE = re.compile(r"[0-9a-f]{2}(:[0-9a-f]{2}){0,5}")
_FLAGS = frozenset({"CWR", "ECE", "URG", "ACK", "PSH", "RST", "SYN", "FIN"})
_NAMED = frozenset({"1", "2", "6", "17", "33", "47", "50", "51", "58", "132", "136"})
"""Numbers of the protocols that are given by name."""

_TEXT = {
    "netfilter": set("prefix in out physin physout src dst proto mac_dst mac_src mark".split()),
    "seccomp": set("exe comm subj arch syscall_name code action".split()),
}
_WHOLE = {
    "netfilter": set("spt dpt icmp_type icmp_code ttl length uid gid".split()),
    "apparmor": set("pid parent fsuid ouid capability error".split()),
    "seccomp": set("pid uid gid auid ses sig syscall compat".split()),
}
_LISTS = {"netfilter": {"tcp_flags"}, "apparmor": set(), "seccomp": set()}
_MOST = {"spt": 65535, "dpt": 65535, "icmp_type": 255, "icmp_code": 255, "ttl": 255}
VERDICTS = frozenset({"DENIED", "ALLOWED", "AUDIT", "STATUS", "HINT", "ERROR", "KILLED"})
ACTIONS = frozenset({"kill_process", "kill_thread", "trap", "errno", "user_notif", "trace", "log", "allow"})
ARCHITECTURES = frozenset(
    "x86 x86_64 x32 arm aarch64 loongarch64 m68k mips mipsel mips64 mipsel64 mips64n32 mipsel64n32 parisc parisc64 ppc ppc64 "
    "ppc64le riscv64 s390 s390x sh sheb".split()
)
"""libseccomp's names (seccomp_arch_resolve_name)."""


def problems(document: Document) -> list[str]:
    """What is wrong with one event of the format events; nothing for one that keeps the contract."""
    return [*_frame(document), *_fields(document)]


def _frame(document: Document) -> Iterator[str]:
    names = set(document)
    if names - {"repeat"} != _TOP:
        yield f"keys {sorted(names)}"
        return
    if document["trust"] not in {"kernel", "kern", "syslog"}:
        yield f"trust {document['trust']!r}"
    if not _is_count(document["line"]) or ("repeat" in names and not _is_count(document["repeat"])):
        yield "line or repeat is no count"
    time, host = document["time"], document["host"]
    if time is not None and (not isinstance(time, str) or not _TIME.fullmatch(time) or not _is_moment(time)):
        yield f"time {time!r}"
    if host is not None and (not isinstance(host, str) or not host):
        yield f"host {host!r}"


def _is_moment(text: str) -> bool:
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True


def _is_count(value: object) -> bool:
    return type(value) is int and value > 0


def _fields(document: Document) -> Iterator[str]:
    kind, fields = document.get("kind"), document.get("fields")
    if not isinstance(kind, str) or kind not in _WHOLE or not isinstance(fields, dict) or not fields:
        yield f"kind {kind!r} with {fields!r}"
        return
    for name, value in fields.items():
        if name in _WHOLE[kind]:
            if type(value) is not int or abs(value) >= 1 << 32:
                yield f"{name} is no whole number: {value!r}"
        elif name in _LISTS[kind]:
            if not isinstance(value, list) or not value:
                yield f"{name} is no list: {value!r}"
        elif not isinstance(value, str) or not value:
            yield f"{name} is no text: {value!r}"
        elif name not in _TEXT.get(kind, {name}) or not re.fullmatch(r"[a-z][a-z0-9_]*", name):
            yield f"unknown field {name}"
    yield from {"netfilter": _packet, "apparmor": _denial, "seccomp": _call}[kind](fields)


def _packet(fields: Document) -> Iterator[str]:
    for name, most in _MOST.items():
        value = fields.get(name, 0)
        if not isinstance(value, int) or not 0 <= value <= most:
            yield f"{name} out of range: {value!r}"
    for name in ("length", "uid", "gid"):
        if name in fields and not (isinstance(value := fields[name], int) and value >= 0):
            yield f"{name} is negative"
    yield from _addresses(fields)
    yield from _below(fields)
    if not _is_protocol(str(fields.get("proto", "tcp"))):
        yield f"proto {fields['proto']!r}"
    if "prefix" in fields and str(fields["prefix"]).strip(" ") != fields["prefix"]:
        yield "prefix with outer blanks"
    flags = fields.get("tcp_flags", [])
    if not isinstance(flags, list) or set(flags) - _FLAGS:
        yield f"tcp_flags {flags!r}"
    if "mark" in fields and not re.fullmatch(r"(0x)?[0-9a-fA-F]{1,8}", str(fields["mark"])):
        yield f"mark {fields['mark']!r}"


def _below(fields: Document) -> Iterator[str]:
    for name in ("in", "out", "physin", "physout"):
        value = fields.get(name, "x")
        if not re.fullmatch(r"[!-.0-~]{1,15}", str(value)) or value in {".", ".."}:
            yield f"{name} is no interface: {value!r}"
    for name in ("mac_src", "mac_dst"):
        if name in fields and not _HARDWARE.fullmatch(str(fields[name])):
            yield f"{name} {fields[name]!r}"


def _is_protocol(text: str) -> bool:
    if text.isdecimal():
        return text not in _NAMED and str(int(text)) == text and int(text) < 256
    return re.fullmatch(r"[a-z][a-z0-9-]*", text) is not None


def _addresses(fields: Document) -> Iterator[str]:
    versions = set()
    for name in ("src", "dst"):
        if name not in fields:
            continue
        text = str(fields[name])
        try:
            address = ip_address(text)
        except ValueError:
            yield f"{name} is no address: {text!r}"
            continue
        versions.add(address.version)
        if spelled(address) != text:
            yield f"{name} is not spelled as RFC 5952 has it: {text!r}"
    if len(versions) > 1:
        yield "addresses of two families"


def spelled(address: object) -> str:
    """RFC 5952; an IPv4-mapped address with its dotted part (section 5)."""
    if isinstance(address, IPv6Address):
        return f"::ffff:{address.ipv4_mapped}" if address.ipv4_mapped else address.compressed
    return str(address)


def _denial(fields: Document) -> Iterator[str]:
    if fields.get("apparmor") not in VERDICTS:
        yield f"verdict {fields.get('apparmor')!r}"


def _call(fields: Document) -> Iterator[str]:
    if fields.get("action", "log") not in ACTIONS:
        yield f"action {fields['action']!r}"
    if fields.get("arch", "x86") not in ARCHITECTURES:
        yield f"arch {fields['arch']!r}"
    if "syscall_name" in fields and not re.fullmatch(r"[a-z_][a-z0-9_]*", str(fields["syscall_name"])):
        yield f"syscall_name {fields['syscall_name']!r}"
