"""System-call rules for those who own the filter: systemd units, OCI runtimes, and lists for builders of filters."""

from __future__ import annotations

import re
from collections.abc import Iterable

import msgspec

from syslogparse.rules.model import SyscallRule

_OCI_ARCHITECTURES = {
    "x86_64": "SCMP_ARCH_X86_64",
    "x86": "SCMP_ARCH_X86",
    "x32": "SCMP_ARCH_X32",
    "arm": "SCMP_ARCH_ARM",
    "aarch64": "SCMP_ARCH_AARCH64",
    "loongarch64": "SCMP_ARCH_LOONGARCH64",
    "m68k": "SCMP_ARCH_M68K",
    "mips": "SCMP_ARCH_MIPS",
    "mipsel": "SCMP_ARCH_MIPSEL",
    "mips64": "SCMP_ARCH_MIPS64",
    "mipsel64": "SCMP_ARCH_MIPSEL64",
    "mips64n32": "SCMP_ARCH_MIPS64N32",
    "mipsel64n32": "SCMP_ARCH_MIPSEL64N32",
    "parisc": "SCMP_ARCH_PARISC",
    "parisc64": "SCMP_ARCH_PARISC64",
    "ppc": "SCMP_ARCH_PPC",
    "ppc64": "SCMP_ARCH_PPC64",
    "ppc64le": "SCMP_ARCH_PPC64LE",
    "riscv64": "SCMP_ARCH_RISCV64",
    "s390": "SCMP_ARCH_S390",
    "s390x": "SCMP_ARCH_S390X",
    "sh": "SCMP_ARCH_SH",
    "sheb": "SCMP_ARCH_SHEB",
}
_NAME = "[a-z_][a-z0-9_]{0,39}"
_LINE = re.compile(rf"SystemCallFilter={_NAME}|SECCOMP_SYSCALL_ALLOW={_NAME}(?::{_NAME})*")


def render(rule: SyscallRule) -> str:
    """The call as a line of a systemd unit (systemd.exec(5)); with an allow-list in force, it is added to it."""
    return f"SystemCallFilter={rule.name}"


def undo(rule: SyscallRule) -> str:
    """What to do to take the rule back: the line is removed from the unit."""
    return f"# remove: {render(rule)}"


def oci(rules: Iterable[SyscallRule]) -> str:
    """The rules of one program as a seccomp object for an OCI runtime (runtime-spec, config-linux.md), JSON in lines."""
    rules = list(rules)
    block = {
        "architectures": sorted({_OCI_ARCHITECTURES[rule.arch] for rule in rules}),
        "syscalls": [{"names": _names(rules), "action": "SCMP_ACT_ALLOW"}],
    }
    return msgspec.json.format(msgspec.json.encode(block), indent=2).decode("ascii")


def allow_list(rules: Iterable[SyscallRule]) -> str:
    """The rules of one program as a ``SECCOMP_SYSCALL_ALLOW=a:b:c`` line."""
    return "SECCOMP_SYSCALL_ALLOW=" + ":".join(_names(rules))


def _names(rules: Iterable[SyscallRule]) -> list[str]:
    return sorted({rule.name for rule in rules})


def check(line: str) -> bool:
    """Whether ``line`` is one line of the kinds that ``render`` and ``allow_list`` write, or a comment."""
    if line == "#" or line.startswith("# "):
        return line.isprintable()
    return _LINE.fullmatch(line) is not None
