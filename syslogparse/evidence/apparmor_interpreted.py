"""AppArmor records as ausearch(8) -i prints them: most quotes taken off, names in the place of numbers.

Without quotes a value ends where the next field begins, and a path may hold what looks like one
(``name=/srv/a pid=1 pid=257``). So a value ends at a name that the kernel logs, and the record is refused where the names
stand twice or in another order than the kernel's: nobody can tell then which of them the kernel wrote.

Sources: auparse/interpret.c and auparse/typetab.h of auditd (which fields are interpreted), and the kernel files named in
``apparmor``.
"""

from __future__ import annotations

import re

from syslogparse.evidence import audit
from syslogparse.evidence.model import Undecodable

_KERNEL_ORDER = (
    "apparmor",
    "operation",
    "info",
    "error",
    "parent",
    "namespace",
    "profile label",
    "name",
    "pid",
    "comm",
    "laddr",
    "lport",
    "faddr",
    "fport",
    "path",
    "saddr",
    "src",
    "daddr",
    "dest",
    "netif",
    "family",
    "sock_type",
    "protocol",
    "requested_mask requested",
    "denied_mask denied",
    "capability",
    "capname",
    "signal",
    "addr",
    "peer_addr",
    "fstype",
    "srcname",
    "trans",
    "flags",
    "options",
    "rlimit",
    "value",
    "fsuid",
    "ouid",
    "target",
    "peer",
    "tcontext",
    "execpath",
    "ns",
    "offset",
)
_BUS_ORDER = (
    "apparmor",
    "operation",
    "bus path interface member method error_name mask name",
    "pid",
    "label profile",
    "peer_pid",
    "peer_label peer_profile",
    "info",
    "exe",
)
# Where class= stands differs between kernels.
_ANYWHERE = {b"class": -1}


def _ranks(order: tuple[str, ...]) -> dict[bytes, int]:
    return {name.encode(): rank for rank, names in enumerate(order) for name in names.split()} | _ANYWHERE


_KERNEL, _BUS = _ranks(_KERNEL_ORDER), _ranks(_BUS_ORDER)
_FIELD = re.compile(rb'(?:(?<= )|\A)([a-z_0-9]{1,16}+)=(?:"([^"]*+)"(?= |\Z))?')
_HEXADECIMAL = re.compile(rb"(?:[0-9A-F]{2})+")
_ADDRESS = re.compile(rb"[0-9a-f.:]{2,45}")
_UNKNOWN_ID = re.compile(rb"unknown\((\d{1,10})\)")

_INTERPRETED = frozenset(b"apparmor operation info profile name comm path exe requested_mask denied_mask".split())
"""Text that ausearch decodes; other hexadecimal values stay as logged."""
_IDS = {b"root": b"0", b"unset": b"4294967295"}
_WHOLE_NUMBERS = frozenset(b"pid parent error peer_pid offset".split())


def fields(body: bytes) -> list[tuple[bytes, bytes]]:
    """Name and text of each field of an interpreted record, in the order of the log; numbers as decimal text.

    Left out: what ausearch has made unreadable (``family=unspecified``), and names of users and capabilities, whose numbers
    only the machine that logged them knows. Raises Undecodable where the record can be read in more than one way.
    """
    body = body.rstrip(b" ")
    ranks = _BUS if b' bus="' in body else _KERNEL
    marks = [mark for mark in _FIELD.finditer(body) if mark[1] in ranks]
    if not marks or marks[0].start():
        raise Undecodable("not a complete record")
    _check_order([mark[1] for mark in marks], ranks)
    found = []
    for mark, end in zip(marks, [*(mark.start() for mark in marks[1:]), len(body)], strict=True):
        quoted = mark[2]
        text = quoted if quoted is not None else _text(mark[1], body[mark.end() : end].rstrip(b" "))
        if text:
            found.append((mark[1], text))
    return found


def _check_order(names: list[bytes], ranks: dict[bytes, int]) -> None:
    ordered = [ranks[name] for name in names if name not in _ANYWHERE]
    if len(set(names)) != len(names) or ordered != sorted(ordered):
        raise Undecodable("contradictory fields")


def _text(name: bytes, bare: bytes) -> bytes:
    """What the kernel wrote, of what ausearch made of it; empty where that cannot be told."""
    if bare in (audit.NULL, b"?"):
        return b""
    if bare.startswith(b'"'):
        raise Undecodable("not a complete record")
    if name in (b"fsuid", b"ouid"):
        return _id(bare.partition(b" ")[0])
    if name in _WHOLE_NUMBERS:
        first = bare.partition(b" ")[0]
        return first if first.removeprefix(b"-").isdigit() else b""
    if name in (b"family", b"capability", b"flags"):
        return bare if name == b"capability" and bare.isdigit() else b""
    if name == b"saddr":
        return bare if _ADDRESS.fullmatch(bare) else b""
    if name not in _INTERPRETED and _HEXADECIMAL.fullmatch(bare) and name not in _NEVER_ENCODED:
        return audit.unhex(bare)
    return bare


_NEVER_ENCODED = frozenset(b"lport fport src dest protocol value signal rlimit laddr faddr daddr sock_type netif".split())


def _id(shown: bytes) -> bytes:
    if unknown := _UNKNOWN_ID.fullmatch(shown):
        return unknown[1]
    return _IDS.get(shown, shown if shown.isdigit() else b"")
