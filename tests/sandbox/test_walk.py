"""Every system call of the architecture, made for real by a confined child under each role's filter: SIGSYS, or in the table."""

from __future__ import annotations

import json
import mmap
import os
import signal

import pytest

from syslogparse.sandbox.libseccomp import pyseccomp, syscall_name
from syslogparse.sandbox.seccomp import ROLES, Role, allowed
from tests.sandbox.walker import LINKS, RENAMES, UNLINKS

pytestmark = pytest.mark.root

MACHINE = os.uname().machine
SURVIVED = 77
HIGH, ANY = 1 << 32, (1 << 64) - 1
X32_BIT = 1 << 30
PASSED_BY_THE_KERNEL = {335: signal.SIGILL, 336: None} if MACHINE == "x86_64" else {}
"""uretprobe and uprobe: Linux 6.14 and later lets them pass every filter (kernel/seccomp.c), since they mean something from the
kernel's own trampolines only. From elsewhere the first is SIGILL, the second an error."""

KNOWN = [number for number in range(1024) if syscall_name(MACHINE, number)]
UNKNOWN = [number for number in (387, 423, 480, 500, 511, 777, 1023, X32_BIT - 1, ANY) if not syscall_name(MACHINE, number)]
X32 = [*range(20), *range(56, 64), 101, 157, 231, 317, 319, 425, *range(512, 548)] if MACHINE == "x86_64" else []
I386 = {
    "exit": 1,
    "fork": 2,
    "read": 3,
    "write": 4,
    "open": 5,
    "execve": 11,
    "getpid": 20,
    "brk": 45,
    "mmap2": 192,
    "exit_group": 252,
}

RW, PRIVATE, SHARED, ANONYMOUS = mmap.PROT_READ | mmap.PROT_WRITE, mmap.MAP_PRIVATE, mmap.MAP_SHARED, mmap.MAP_ANONYMOUS
FIXED, GROWSDOWN, HUGETLB = 0x10, 0x100, 0x40000
USUAL = PRIVATE | ANONYMOUS
MEMORY = {
    "mmap": (
        [[0, 4096, protection, USUAL, ANY, 0] for protection in (0, mmap.PROT_READ, mmap.PROT_WRITE, RW)],
        [
            *(
                [0, 4096, protection, USUAL, ANY, 0]
                for protection in (mmap.PROT_EXEC, RW | mmap.PROT_EXEC, 8, 1 << 24, HIGH | RW)
            ),
            *([0, 4096, RW, USUAL | more, ANY, 0] for more in (SHARED, FIXED, GROWSDOWN, HUGETLB, HIGH)),
            [0, 4096, RW, SHARED | ANONYMOUS, ANY, 0],
            [0, 4096, mmap.PROT_READ, PRIVATE, 3, 0],
            [0, 4096, mmap.PROT_READ, SHARED, 3, 0],
            [1 << 20, 4096, RW, USUAL, ANY, 0],
            [HIGH, 4096, RW, USUAL, ANY, 0],
        ],
    ),
    "mremap": ([[0, 0, 4096, 1]], [[0, 0, 4096, flags, 1 << 30] for flags in (0, 2, 3, 4, 5, 8, HIGH | 1)]),
    "brk": ([[0], [ANY]], []),
    "munmap": ([[1, 1], [ANY, ANY]], []),
}
WAITS = (
    [[ANY, 0, 0, 0], [ANY, 0, 1, 0]],
    [[ANY, 0, options, 0] for options in (2, 3, 8, 1 << 24, 1 << 29, 1 << 30, 1 << 31, HIGH)],
)


def _descriptors(own: list[int]) -> tuple[list[list[int]], list[list[int]]]:
    others = sorted({*range(10), 2**31, ANY} - set(own))
    return [[number, 0, 0] for number in own], [[number, 0, 0] for number in (*others, *(HIGH | number for number in own))]


def _variants(own: tuple[tuple[int, ...], ...]) -> tuple[list[list[int]], list[list[int]]]:
    """Whole argument lists: each word of each changed a little, in its upper half, or for that of the other list."""
    bad = []
    for number, words in enumerate(own):
        for at, word in enumerate(words):
            others = {word + 1, word - 1, word | HIGH, 0, ANY, own[number - 1][at]} - {word}
            bad += [[*words[:at], other & ANY, *words[at + 1 :]] for other in others]
    return [list(words) for words in own], [words for words in bad if tuple(words) not in own]


FORMS: dict[str, dict[str, tuple[list[list[int]], list[list[int]]]]] = {
    "parser": {**MEMORY, "write": _descriptors([3])},
    "analyst": {
        **MEMORY,
        "write": _descriptors([1, 2]),
        "read": _descriptors([4, 5]),
        "wait4": WAITS,
        "poll": ([[0, 0, 0]], []),
        "clock_gettime": ([[1, 0]], []),
        "restart_syscall": ([[]], []),
    },
    "validator": {**MEMORY, "write": _descriptors([4, 5]), "read": _descriptors([3])},
    "supervisor": {
        "write": _descriptors([2, 6]),
        "wait4": WAITS,
        "clock_gettime": ([[1, 0]], []),
        "rt_sigtimedwait": ([[0, 0, 0, 8]], []),
    },
    "broker": {
        "read": _descriptors([5]),
        "write": _descriptors([2, 6]),
        "wait4": WAITS,
        "clock_gettime": ([[1, 0]], []),
        "rt_sigtimedwait": ([[0, 0, 0, 8]], []),
        "fsync": _descriptors([3, 4]),
        "linkat": _variants(LINKS),
        "renameat2": _variants(RENAMES),
        "unlinkat": _variants(UNLINKS),
    },
}
"""By role and call: what may be asked for, and what may not. The descriptors are those of walker.OWN; 0 to 7 are open."""


def _number(name: str) -> int:
    return int(pyseccomp.resolve_syscall(pyseccomp.Arch.NATIVE, name))


def _calls(role: Role) -> dict[str, list[list[int]]]:
    own = {_number(call.name) for call in allowed(role)}
    forms = FORMS[role].items()
    return {
        "forbidden": [[number] for number in KNOWN if number not in own],
        "unknown": [[number] for number in UNKNOWN],
        "x32": [[X32_BIT | number] for number in X32],
        "permitted": [[_number(name), *arguments] for name, (good, _) in forms for arguments in good],
        "breach": [[_number(name), *arguments] for name, (_, bad) in forms for arguments in bad],
        "end": [[_number("exit_group"), 5]],
        "passed": [[number] for number in PASSED_BY_THE_KERNEL],
    }


@pytest.fixture(scope="module")
def walked(zygote):
    """By role and group: each call with the wait status of the child that made it."""
    groups = {role: _calls(role) for role in ROLES}
    started = {
        role: zygote.start("walk", role=role, calls=[call for calls in groups[role].values() for call in calls], seconds=120)
        for role in ROLES
    }
    found = {}
    for role, running in started.items():
        ended = running.wait()
        assert (ended.code, ended.err) == (0, b""), ended
        statuses = iter(json.loads(ended.out))
        found[role] = {name: [(call, next(statuses)) for call in calls] for name, calls in groups[role].items()}
        assert next(statuses, None) is None
    return found


@pytest.mark.parametrize("group", ["forbidden", "unknown", "breach"])
@pytest.mark.parametrize("role", ROLES)
def test_dies(walked, role, group):
    assert walked[role][group]
    assert [(call, status) for call, status in walked[role][group] if status != signal.SIGSYS] == []


@pytest.mark.parametrize("role", ROLES)
def test_x32_number_dies(walked, role):
    assert bool(walked[role]["x32"]) == (MACHINE == "x86_64")
    assert [(call, status) for call, status in walked[role]["x32"] if status != signal.SIGSYS] == []


@pytest.mark.parametrize("role", ROLES)
def test_permitted_form_survives(walked, role):
    assert [(call, status) for call, status in walked[role]["permitted"] if status != SURVIVED << 8] == []
    assert [status for _, status in walked[role]["end"]] == [5 << 8]


@pytest.mark.parametrize("role", ROLES)
def test_every_row_has_a_permitted_form_here(role):
    assert {*FORMS[role], "exit_group"} == {call.name for call in allowed(role)}
    assert all(
        bad for name, (_, bad) in FORMS[role].items() if any(call.name == name and call.condition for call in allowed(role))
    )


@pytest.mark.parametrize("role", ROLES)
def test_what_the_kernel_lets_pass_does_nothing(walked, role):
    for (number,), status in walked[role]["passed"]:
        ending = PASSED_BY_THE_KERNEL[number]
        assert status in {signal.SIGSYS, SURVIVED << 8 if ending is None else int(ending)}, number


def test_the_walk_is_a_long_one():
    assert len(KNOWN) > 250
    assert {"read", "openat", "execve", "clone3", "io_uring_setup", "process_vm_readv"} <= {
        syscall_name(MACHINE, number) for number in KNOWN
    }


@pytest.mark.skipif(MACHINE != "x86_64", reason="int 0x80 is an instruction of x86")
@pytest.mark.parametrize("role", ROLES)
def test_i386_call_dies(zygote, role):
    calls = [[number, 3] for number in I386.values()]
    assert json.loads(zygote.run("walk", role=role, calls=calls, i386=True).out) == [signal.SIGSYS] * len(calls)


@pytest.mark.skipif(MACHINE != "x86_64", reason="int 0x80 is an instruction of x86")
def test_without_a_filter_the_i386_gate_is_open(zygote):
    calls = [[I386["getpid"], 0], [I386["exit"], 6]]
    statuses = json.loads(zygote.run("walk", role="control", calls=calls, i386=True).out)
    # A kernel without the 32-bit gate answers int 0x80 with SIGSEGV: nothing is open then, with or without a filter.
    assert statuses in ([SURVIVED << 8, 6 << 8], [signal.SIGSEGV] * 2)


def test_without_a_filter_calls_come_back(zygote):
    calls = [[_number(name)] for name in ("getppid", "getuid", "prctl", "close", "unshare", "socket", "memfd_create")]
    assert json.loads(zygote.run("walk", role="control", calls=calls).out) == [SURVIVED << 8] * len(calls)
