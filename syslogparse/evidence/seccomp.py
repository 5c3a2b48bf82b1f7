"""Seccomp audit records, type 1326 (audit_seccomp in kernel/auditsc.c)."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final, TypeAlias

from syslogparse.evidence import audit
from syslogparse.evidence.model import Fields, SeccompKey, Undecodable

SyscallName: TypeAlias = Callable[[str, int], str | None]
"""libseccomp's name of a system call, from its name of the architecture and the number; None where it knows none."""

TYPES = frozenset({b"1326", b"SECCOMP"})

_64BIT: Final = 0x80000000
_LITTLE: Final = 0x40000000
_N32: Final = 0x20000000
_X32_BIT: Final = 0x40000000
"""Set in the number of every system call of the x32 ABI (arch/x86/include/uapi/asm/unistd.h)."""

ARCHITECTURES: dict[int, bytes] = {
    3 | _LITTLE: b"x86",
    62 | _64BIT | _LITTLE: b"x86_64",
    40 | _LITTLE: b"arm",
    183 | _64BIT | _LITTLE: b"aarch64",
    258 | _64BIT | _LITTLE: b"loongarch64",
    4: b"m68k",
    8: b"mips",
    8 | _64BIT: b"mips64",
    8 | _64BIT | _N32: b"mips64n32",
    8 | _LITTLE: b"mipsel",
    8 | _64BIT | _LITTLE: b"mipsel64",
    8 | _64BIT | _LITTLE | _N32: b"mipsel64n32",
    15: b"parisc",
    15 | _64BIT: b"parisc64",
    20: b"ppc",
    21 | _64BIT: b"ppc64",
    21 | _64BIT | _LITTLE: b"ppc64le",
    243 | _64BIT | _LITTLE: b"riscv64",
    22: b"s390",
    22 | _64BIT: b"s390x",
    42 | _LITTLE: b"sh",
    42: b"sheb",
}
"""AUDIT_ARCH_* (include/uapi/linux/audit.h: ELF machine and flags) to libseccomp's names."""

ACTIONS: dict[int, bytes] = {
    0x80000000: b"kill_process",
    0x00000000: b"kill_thread",
    0x00030000: b"trap",
    0x00050000: b"errno",
    0x7FC00000: b"user_notif",
    0x7FF00000: b"trace",
    0x7FFC0000: b"log",
    0x7FFF0000: b"allow",
}
"""SECCOMP_RET_* (include/uapi/linux/seccomp.h)."""
_ACTION_MASK: Final = 0xFFFF0000

_HEX = re.compile(rb"(?:0x)?([0-9a-fA-F]{1,8})")
_NUMBERS = {name.encode(): name for name in ("pid", "uid", "gid", "auid", "ses", "sig", "syscall", "compat")}
_TEXTS = {name.encode(): name for name in ("exe", "comm")}


def decode(message: bytes, syscall_name: SyscallName) -> Fields:
    """The fields of a seccomp record as DESIGN 6 names them, text as bytes. Raises Undecodable.

    ``message`` is the payload of an envelope.
    """
    record = audit.read(message)
    if record is None or record.type not in TYPES:
        raise Undecodable("not a complete record")
    return fields(record, syscall_name)


def fields(record: audit.Record, syscall_name: SyscallName) -> Fields:
    """As ``decode``, for a record whose header is read already."""
    head, pid, tail = record.body.rpartition(b" pid=")
    # A security context is written bare, and a profile's name may hold blanks and whole fields. Between ` subj=` and the
    # last ` pid=` all is context: comm and exe, which follow, hold no blank.
    head, _, context = head.partition(b" subj=")
    found: Fields = {}
    if context:
        found["subj"] = context.strip(b" ").removeprefix(b"=").strip(b'"')
    for name, quoted, bare, stray in audit.fields(head) + audit.fields(b"pid=" + tail if pid else tail):
        if stray:
            raise Undecodable("not a complete record")
        _take(found, name, quoted, bare)
    if not found:
        raise Undecodable("not a complete record")
    _resolve(found, syscall_name)
    return {name: value for name, value in found.items() if value != b""}


def _take(found: Fields, name: bytes, quoted: bytes, bare: bytes) -> None:
    if (number := _NUMBERS.get(name)) is not None and bare:
        found.setdefault(number, audit.number(bare))
    elif (text := _TEXTS.get(name)) is not None:
        found.setdefault(text, quoted or (audit.unhex(bare) if bare else b""))
    elif bare and name in (b"arch", b"code", b"subj"):
        found.setdefault(name.decode(), bare)


def _resolve(found: Fields, syscall_name: SyscallName) -> None:
    """Turn the architecture's and the action's numbers into words, and add the system call's name."""
    code, arch, number = found.get("code"), found.pop("arch", None), found.get("syscall")
    if isinstance(code, bytes) and (action := ACTIONS.get(_hexadecimal(code) & _ACTION_MASK)) is not None:
        found["action"] = action
    if not isinstance(arch, bytes) or (word := ARCHITECTURES.get(_hexadecimal(arch))) is None:
        return
    if not isinstance(number, int):
        found["arch"] = word
        return
    if word == b"x86_64" and number >= 0 and number & _X32_BIT:
        word = b"x32"
    found["arch"] = word
    if number >= 0 and (name := syscall_name(word.decode("ascii"), number)):
        found["syscall_name"] = name.encode("ascii")


def _hexadecimal(raw: bytes) -> int:
    found = _HEX.fullmatch(raw)
    if found is None:
        raise Undecodable("invalid hexadecimal value")
    return int(found[1], 16)


def key(fields: Fields) -> SeccompKey:
    """What a filter can say about the record."""
    return SeccompKey(
        _text(fields, "exe"),
        _text(fields, "comm"),
        _text(fields, "subj"),
        _text(fields, "arch"),
        _text(fields, "syscall"),
        _text(fields, "syscall_name"),
        _text(fields, "action"),
        _text(fields, "sig") or b"0",
    )


def _text(fields: Fields, name: str) -> bytes:
    value = fields.get(name, b"")
    return b"%d" % value if isinstance(value, int) else value if isinstance(value, bytes) else b""
