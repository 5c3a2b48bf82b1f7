"""Numbers and words of seccomp records to one name each: architectures, actions, signals, accounts.

The kernel writes numbers (audit_seccomp in kernel/auditsc.c); ausearch(8) -i writes words in their place (auparse/interpret.c
of the audit project).
"""

from __future__ import annotations

import re
from typing import Final

from syslogparse.evidence import audit
from syslogparse.evidence.model import Undecodable

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

_ARCHITECTURE_WORDS: dict[bytes, bytes] = {
    **{word: word for word in ARCHITECTURES.values()},
    b"x32": b"x32",
    b"i386": b"x86",
    b"i486": b"x86",
    b"i586": b"x86",
    b"i686": b"x86",
    # The audit tools have one machine for ARM, and this is the first of its names; big-endian ARM is none of libseccomp's.
    b"armeb": b"arm",
    b"armv5tejl": b"arm",
    b"armv5tel": b"arm",
    b"armv6l": b"arm",
    b"armv7l": b"arm",
}
"""What the audit tools call an architecture (lib/machinetab.h), and libseccomp's own names."""

_UNKNOWN_WORDS = frozenset({b"ia64", b"alpha", b"riscv32"})
"""Architectures that the audit tools know and libseccomp does not."""

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
_LONGEST_CODE: Final = len("0x7ffc0000")

_ACTION_WORDS: dict[bytes, bytes] = {
    **{word: word for word in ACTIONS.values()},
    # SECCOMP_RET_KILL is the older name of SECCOMP_RET_KILL_THREAD; the audit tools print it for both ways to kill.
    b"kill": b"kill_thread",
    b"notify": b"user_notif",
}

_SIGNALS = (
    b"SIG0 SIGHUP SIGINT SIGQUIT SIGILL SIGTRAP SIGABRT SIGBUS SIGFPE SIGKILL SIGUSR1 SIGSEGV SIGUSR2 SIGPIPE SIGALRM SIGTERM "
    b"SIGSTKFLT SIGCHLD SIGCONT SIGSTOP SIGTSTP SIGTTIN SIGTTOU SIGURG SIGXCPU SIGXFSZ SIGVTALRM SIGPROF SIGWINCH SIGIO SIGPWR "
    b"SIGSYS"
).split()
_SIGNAL_WORDS: dict[bytes, int] = {
    **{word: number for number, word in enumerate(_SIGNALS)},
    # strsignal(3) in the C locale, from audit tools before 2.3.
    b"Bad system call": 31,
    b"Killed": 9,
    b"Segmentation fault": 11,
}
_ACCOUNTS: dict[bytes, int] = {b"unset": 2**32 - 1, b"root": 0}

_HEX = re.compile(rb"(?:0x)?([0-9a-fA-F]{1,8})")
_UNKNOWN_ARCH = re.compile(rb"unknown[ -]elf[ -]type\(((?:0x)?[0-9a-fA-F]{1,8})\)")
_UNKNOWN_CODE = re.compile(rb"unknown[ -]seccomp[ -]code ?\(((?:0x)?[0-9a-fA-F]{1,8})\)")
_UNKNOWN_NUMBER = re.compile(rb"(?:unknown|unknown[ -]syscall|unknown[ -]signal|Unknown signal) ?\(?(-?\d{1,10})\)?")
_SYSCALL = re.compile(rb"([a-z_][a-z0-9_]{2,39}+)(?:\([a-z0-9_]{1,40}\))?")


def architecture(raw: bytes) -> bytes | None:
    """libseccomp's name of an architecture, from the kernel's number or the audit tools' word.

    None where libseccomp does not know it. Raises Undecodable where it is neither.
    """
    if (word := _ARCHITECTURE_WORDS.get(raw)) is not None:
        return word
    if raw in _UNKNOWN_WORDS:
        return None
    return ARCHITECTURES.get(_hexadecimal(_inner(_UNKNOWN_ARCH, raw)))


def abi(arch: bytes, number: int) -> bytes:
    """The architecture whose table a call's number is from: x32 runs as x86_64 with a bit in the number."""
    return b"x32" if arch == b"x86_64" and number >= 0 and number & _X32_BIT else arch


def action(raw: bytes) -> bytes | None:
    """DESIGN 6's word for a filter's return code, data bits aside. None where seccomp has no such action. Raises Undecodable."""
    if (word := _ACTION_WORDS.get(raw.replace(b"-", b"_"))) is not None:
        return word
    return ACTIONS.get(_hexadecimal(_inner(_UNKNOWN_CODE, raw)) & _ACTION_MASK)


def is_complete_code(raw: bytes) -> bool:
    """Whether no longer code that seccomp has begins with these bytes, so that nothing can have been cut off."""
    if raw.startswith(b"0x"):
        # The kernel writes 32 bits without leading zeros. A short one without action bits may be the beginning of one with them.
        value = _hexadecimal(raw)
        return raw == b"0x0" or len(raw) == _LONGEST_CODE or (value >> 16 > 0 and value & _ACTION_MASK in ACTIONS)
    word = raw.replace(b"-", b"_")
    return word in _ACTION_WORDS and not any(longer != word and longer.startswith(word) for longer in _ACTION_WORDS)


def syscall(raw: bytes) -> int | bytes:
    """The number of a system call, or its name where the audit tools wrote that. Raises Undecodable."""
    if (number := _numeral(raw)) is not None:
        return number
    if (named := _SYSCALL.fullmatch(raw)) is None:
        raise Undecodable("invalid number")
    return named[1]


def signal(raw: bytes) -> int | None:
    """The number of a signal; None for a word that is not known."""
    return _SIGNAL_WORDS[raw] if raw in _SIGNAL_WORDS else _numeral(raw)


def account(raw: bytes) -> int | None:
    """The number of a user, group or session; None for a name whose number another machine may give to somebody else."""
    return _ACCOUNTS[raw] if raw in _ACCOUNTS else _numeral(raw)


def _inner(pattern: re.Pattern[bytes], raw: bytes) -> bytes:
    found = pattern.fullmatch(raw)
    return found[1] if found else raw


def _numeral(raw: bytes) -> int | None:
    inner = _inner(_UNKNOWN_NUMBER, raw)
    return audit.number(inner) if inner.removeprefix(b"-").isdigit() else None


def _hexadecimal(raw: bytes) -> int:
    found = _HEX.fullmatch(raw)
    if found is None:
        raise Undecodable("invalid hexadecimal value")
    return int(found[1], 16)
