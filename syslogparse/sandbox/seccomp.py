"""The system-call filters: one table, a strict subset of it for each role, loaded as a process's last act.

Default action: kill the process, for other architectures (i386, x32) too. The filter is loaded without libseccomp's own
no_new_privs (CTL_NNP off): if that step of the confinement failed, loading fails as well instead of papering it over.
Source of the mechanism: seccomp(2), seccomp_rule_add(3), seccomp_attr_set(3).
"""

from __future__ import annotations

import mmap
import os
from collections.abc import Callable, Iterable
from typing import Literal, NamedTuple, TypeAlias

from syslogparse.sandbox.libseccomp import pyseccomp
from syslogparse.sandbox.step import Step

Role: TypeAlias = Literal["parser", "analyst", "validator", "supervisor", "broker"]
ROLES: tuple[Role, ...] = ("parser", "analyst", "validator", "supervisor", "broker")
"""The broker is the supervisor of a run with --output."""
LOG_ROLES: tuple[Role, ...] = ("parser", "analyst", "validator")
"""The roles that touch bytes of a log: the budget of 22 is for their union."""
BUDGET = 22
_WORD = (1 << 64) - 1
_MREMAP_MAYMOVE = 1
"""linux/mman.h."""


class Channels(NamedTuple):
    """The descriptors that a role may use; nothing else is open.

    links, renames, unlinks: whole argument lists of linkat, renameat2 and unlinkat, paths as the addresses of ``PinnedPaths``:
    the role may make these very calls and no other. syncs: descriptors for fsync.
    """

    reads: tuple[int, ...] = ()
    writes: tuple[int, ...] = ()
    links: tuple[tuple[int, ...], ...] = ()
    renames: tuple[tuple[int, ...], ...] = ()
    unlinks: tuple[tuple[int, ...], ...] = ()
    syncs: tuple[int, ...] = ()

    def descriptors(self) -> list[int]:
        """All of them, each once: what the role has open."""
        named = {descriptor for arguments in self.links for descriptor in (arguments[0], arguments[2])}
        return sorted({*self.reads, *self.writes, *self.syncs, *named})


_Alternatives: TypeAlias = list[list["pyseccomp.Arg"]]


class Condition(NamedTuple):
    """What the arguments of a call must be. alternatives: any one list of comparisons has to hold as a whole."""

    text: str
    alternatives: Callable[[Channels], _Alternatives]


class Call(NamedTuple):
    """One row: a system call, who may make it, under which condition, and why.

    needed_by: the scenario of the test suite that breaks when this row is gone (tests/sandbox/scenarios.py); for validator and
    broker, which not every run has, it is needed_for_files.
    """

    name: str
    roles: tuple[Role, ...]
    condition: Condition | None
    reason: str
    needed_by: str = ""
    needed_for_files: str = ""


def _own(argument: int, descriptors: tuple[int, ...]) -> _Alternatives:
    return [[pyseccomp.Arg(argument, pyseccomp.EQ, descriptor)] for descriptor in descriptors]


def _exactly(calls: tuple[tuple[int, ...], ...]) -> _Alternatives:
    return [[pyseccomp.Arg(number, pyseccomp.EQ, value) for number, value in enumerate(arguments)] for arguments in calls]


def _at_most(argument: int, bits: int) -> pyseccomp.Arg:
    """No bit but these in the whole 64-bit register."""
    return pyseccomp.Arg(argument, pyseccomp.MASKED_EQ, ~bits & _WORD, 0)


_READS = Condition("descriptor: one of the role's own pipes", lambda channels: _own(0, channels.reads))
_WRITES = Condition(
    "descriptor: parser its pipe; analyst 1, 2, the validator's pipe; validator its files and the verdict's pipe; "
    "supervisor 2 and the start signal",
    lambda channels: _own(0, channels.writes),
)
_SYNCS = Condition("descriptor: the unnamed files and their directory", lambda channels: _own(0, channels.syncs))
_LINKS = Condition(
    "all arguments: one of the unnamed files, to its own name in its own directory (addresses of read-only memory)",
    lambda channels: _exactly(channels.links),
)
_RENAMES = Condition(
    "all arguments: from the name aside to the own name, in that directory", lambda channels: _exactly(channels.renames)
)
_UNLINKS = Condition("all arguments: one of these names, in that directory", lambda channels: _exactly(channels.unlinks))
_ANONYMOUS = Condition(
    "address 0; never PROT_EXEC; flags: MAP_PRIVATE and MAP_ANONYMOUS, no other",
    lambda _: [
        [
            pyseccomp.Arg(0, pyseccomp.EQ, 0),
            _at_most(2, mmap.PROT_READ | mmap.PROT_WRITE),
            pyseccomp.Arg(3, pyseccomp.EQ, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS),
        ]
    ],
)
_MAY_MOVE = Condition("flags: MREMAP_MAYMOVE", lambda _: [[pyseccomp.Arg(3, pyseccomp.EQ, _MREMAP_MAYMOVE)]])
_REAPS = Condition("options: 0 or WNOHANG", lambda _: [[_at_most(2, os.WNOHANG)]])

_EVERYONE: tuple[Role, ...] = ROLES
_COMPUTES: tuple[Role, ...] = LOG_ROLES
_WAITS: tuple[Role, ...] = ("analyst", "supervisor", "broker")
_SUPERVISES: tuple[Role, ...] = ("supervisor", "broker")

TABLE: tuple[Call, ...] = (
    Call("brk", _COMPUTES, None, "malloc and free: small blocks", "many_keys", "files_many"),
    Call("clock_gettime", _WAITS, None, "deadlines, where the clock source has no vDSO", "no_vdso", "files_no_vdso"),
    Call("exit_group", _EVERYONE, None, "the end, and the exit status that tells how it came", "out_of_memory", "files"),
    Call("fsync", ("broker",), _SYNCS, "a file is on the disk before it gets its name, and its name after", "", "files"),
    Call("linkat", ("broker",), _LINKS, "giving a finished file its name", "", "files"),
    Call("mmap", _COMPUTES, _ANONYMOUS, "malloc and Python's arenas: large blocks", "any_run", "files_many"),
    Call("mremap", _COMPUTES, _MAY_MOVE, "realloc of a large block: growing lists and buffers", "tiny_lines", "files_many"),
    Call("munmap", _COMPUTES, None, "giving large blocks back", "any_run", "files_many"),
    Call("poll", ("analyst",), None, "waiting for parsers, with a deadline; for a full non-blocking stdout", "any_run"),
    Call(
        "read",
        ("analyst", "validator", "broker"),
        _READS,
        "what parsers send, and the start signal; lines of rules; the verdict on them, one byte",
        "any_run",
        "files",
    ),
    Call("renameat2", ("broker",), _RENAMES, "--force: a finished file takes the place of an older one", "", "files_again"),
    Call("restart_syscall", ("analyst",), None, "the kernel's own: a poll that was stopped and continued", "stopped"),
    Call("rt_sigtimedwait", _SUPERVISES, None, "waiting for the analyst's end or for a signal", "any_run", "files"),
    Call("unlinkat", ("broker",), _UNLINKS, "taking names back where not all could be given", "", "files_taken"),
    Call("wait4", _WAITS, _REAPS, "learning how a child ended, leaving no zombie", "dead_parser", "files"),
    Call(
        "write",
        _EVERYONE,
        _WRITES,
        "evidence, rules and the verdict on their way; results and messages to the user",
        "any_run",
        "files",
    ),
)


def allowed(role: Role, table: Iterable[Call] = TABLE) -> tuple[Call, ...]:
    """The rows of one role, in the order of the table."""
    return tuple(call for call in table if role in call.roles)


def build(role: Role, channels: Channels, table: Iterable[Call] = TABLE) -> pyseccomp.SyscallFilter:
    """The role's filter, not yet loaded. Raises OSError (libseccomp refused a rule)."""
    made = pyseccomp.SyscallFilter(pyseccomp.KILL_PROCESS)
    made.set_attr(pyseccomp.Attr.ACT_BADARCH, pyseccomp.KILL_PROCESS)
    made.set_attr(pyseccomp.Attr.CTL_NNP, 0)
    made.set_attr(pyseccomp.Attr.API_SYSRAWRC, 1)  # the kernel's own errno when it refuses, not ECANCELED for all
    for call in allowed(role, table):
        for comparisons in call.condition.alternatives(channels) if call.condition else [[]]:
            made.add_rule(pyseccomp.ALLOW, call.name, *comparisons)
    return made


class LoadFilter(Step):
    """Step 6: the role's filter. After this nothing can fail politely: a call that is not in the table is the end."""

    name = "seccomp"
    what = "load the role's system-call filter: default kill process, for every other architecture too"
    why = "the last act: everything that might fail has been done and verified before"
    hint = "the kernel must have CONFIG_SECCOMP_FILTER (Linux 4.14 or later, for kill process)"

    def __init__(self, role: Role, channels: Channels) -> None:
        self.role = role
        self.channels = channels
        self._loaded = False

    def take(self) -> None:
        """Build and load. Raises OSError."""
        built = build(self.role, self.channels)
        _KEEP.append(built)  # freeing it later would be one more thing that happens under the filter
        built.load()
        self._loaded = True

    def check(self) -> None:
        """The kernel has said yes. No more can be asked under the filter; the canary died under an equal one before."""
        self.expect("the kernel's consent to the filter", self._loaded, True)


_KEEP: list[pyseccomp.SyscallFilter] = []
