"""System-call rules for those who own the filter: systemd units, OCI runtimes, and lists for builders of filters.

All of them are additions to a filter in force: which calls that one allows, no log says. Alone, as the whole filter, each
of these would stop the program at its first other call.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

import msgspec

from syslogparse.rules import syscall_groups
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
_COMMENT = "To be added to the profile in force: alone it stops the program."

_SECOND_ABIS = {
    "x86": "x86",
    "x32": "x32",
    "arm": "arm",
    "mips": "mips",
    "mipsel": "mips-le",
    "mips64n32": "mips64-n32",
    "mipsel64n32": "mips64-le-n32",
    "parisc": "parisc",
    "ppc": "ppc",
    "s390": "s390",
}
"""Architectures whose programs run beside those of a wider one, as SystemCallArchitectures= spells them (systemd.exec(5))."""

HEAD = (
    "# Additions to a filter in force. Alone, as the whole filter, each of these would stop the program: it allows nothing else.",
    "# Put lines below the SystemCallFilter= lines that the unit has, the first of which decides whether lists allow or deny;",
    "# names into the container profile that is in use; the list into that of the sandbox.",
)
"""What stands before the rules that are to be pasted."""

NOTE = "Additions to a filter in force: alone, as the whole filter, each of these would stop the program."
"""The same for a report that is only read."""


def render(rule: SyscallRule) -> str:
    """The call as a line of a systemd unit (systemd.exec(5)); with an allow-list in force, it is added to it."""
    return f"SystemCallFilter={rule.name}"


def undo(rule: SyscallRule) -> str:
    """What to do to take the rule back: the line is removed from the unit."""
    return f"# remove: {render(rule)}"


def oci(rules: Iterable[SyscallRule]) -> str:
    """The rules of one program as a seccomp profile for an OCI runtime or Docker, JSON on one line.

    It loads as it stands (runtime-spec, config-linux.md: defaultAction is required), and says itself that alone it is not
    enough; runtimes pass over the field ``comment``.
    """
    rules = list(rules)
    block = {
        "defaultAction": "SCMP_ACT_ERRNO",
        "architectures": sorted({_OCI_ARCHITECTURES[rule.arch] for rule in rules}),
        "syscalls": [{"names": _names(rules), "action": "SCMP_ACT_ALLOW", "comment": _COMMENT}],
    }
    return msgspec.json.encode(block).decode("ascii")


def allow_list(rules: Iterable[SyscallRule]) -> str:
    """The rules of one program as a ``SECCOMP_SYSCALL_ALLOW=a:b:c`` line."""
    return "SECCOMP_SYSCALL_ALLOW=" + ":".join(_names(rules))


def unit(rules: Iterable[SyscallRule]) -> str:
    """The rules of one program as one line of a systemd unit: groups all of whose members are there, then the other calls.

    Another version of systemd may have more members in a group.
    """
    rules = list(rules)
    names = {rule.name for rule in rules}
    groups = syscall_groups.complete(names, {rule.arch for rule in rules})
    covered = frozenset().union(*(syscall_groups.GROUPS[group] for group in groups))
    return "SystemCallFilter=" + " ".join([*groups, *sorted(names - covered)])


def architectures(rules: Iterable[SyscallRule]) -> str:
    """The line that a unit needs too where it has SystemCallArchitectures=; empty where no call is of a second ABI."""
    words = sorted({_SECOND_ABIS[rule.arch] for rule in rules if rule.arch in _SECOND_ABIS})
    return "SystemCallArchitectures=" + " ".join(words) if words else ""


def _names(rules: Iterable[SyscallRule]) -> list[str]:
    return sorted({rule.name for rule in rules})


_NAME = "[a-z_][a-z0-9_]{0,39}"
_GROUP = "@[a-z-]{1,20}"
_SECOND = "|".join(_SECOND_ABIS.values())
_ARCHITECTURE = (
    "X86|X86_64|X32|ARM|AARCH64|LOONGARCH64|M68K|MIPS|MIPSEL|MIPS64|MIPSEL64|MIPS64N32|MIPSEL64N32|PARISC|PARISC64|"
    "PPC|PPC64|PPC64LE|RISCV64|S390|S390X|SH|SHEB"
)
_LINE = re.compile(
    rf"SystemCallFilter=(?:{_NAME}|{_GROUP})(?: (?:{_NAME}|{_GROUP}))*|"
    rf"SystemCallArchitectures=(?:{_SECOND})(?: (?:{_SECOND}))*|"
    rf"SECCOMP_SYSCALL_ALLOW={_NAME}(?::{_NAME})*|"
    rf'\{{"defaultAction":"SCMP_ACT_ERRNO","architectures":\["SCMP_ARCH_(?:{_ARCHITECTURE})"(?:,"SCMP_ARCH_(?:{_ARCHITECTURE})")*\],'
    rf'"syscalls":\[\{{"names":\["{_NAME}"(?:,"{_NAME}")*\],"action":"SCMP_ACT_ALLOW",'
    r'"comment":"To be added to the profile in force: alone it stops the program\."\}\]\}'
)


def check(line: str) -> bool:
    """Whether ``line`` is one line of the kinds that this module writes, or a comment."""
    if line == "#" or line.startswith("# "):
        return line.isprintable()
    return _LINE.fullmatch(line) is not None
