"""System calls that real filters of real children stop or log: the events are what the test did."""

from __future__ import annotations

import errno
import os
import signal
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import NamedTuple, NoReturn

import pytest

from tests.kernel import filters
from tests.kernel.kmsg import Fields, Ring, decoded, readable

pytestmark = pytest.mark.root

USER, GROUP = 4321, 1234
TRIES = 15
"""The kernel prints ten audit records in five seconds, whoever causes them (printk_ratelimit); a lost one is caused again."""

ERRNO = 0x00050000
NEEDS_X86 = pytest.mark.skipif(filters.MACHINE != "x86_64", reason="machine code of x86_64")


class Reaction(NamedTuple):
    """What a filter says, and what becomes of the child: the signal that ends it, and the one that the record names."""

    code: int
    action: str
    ends: int
    sig: int


REACTIONS = [
    Reaction(0x7FFC0000, "log", 0, 0),
    Reaction(ERRNO, "errno", 0, 0),
    Reaction(0x00030000, "trap", signal.SIGSYS, 0),
    Reaction(0x00000000, "kill_thread", signal.SIGSYS, signal.SIGSYS),
    Reaction(0x80000000, "kill_process", signal.SIGSYS, signal.SIGSYS),
    Reaction(0x7FF00000, "trace", 0, 0),
    Reaction(0x7FC00000, "user_notif", 0, 0),
]


@pytest.fixture
def observed(ring: Ring, missing: Callable[[str], NoReturn]) -> Callable[..., Fields]:
    """A function that runs a child until the kernel has printed its record, and gives the event's fields."""

    if not filters.SECCOMP:
        missing(f"system call numbers of {filters.MACHINE} in these tests")

    def observe(name: bytes, act: Callable[[], object], ends: int) -> Fields:
        for _ in range(TRIES):
            pid, status = filters.child(name, USER, GROUP, act)
            assert status == ends, f"wait status {status:#x}"
            marks = (b"type=1326 ", b" pid=%d " % pid)
            if lines := ring.lines(partial(_holds, marks), seconds=2.0):
                fields = readable(decoded(lines[0]))
                assert fields.pop("pid") == pid
                return fields
        return missing("audit records in the ring buffer (an auditd takes them, or others cause too many)")

    return observe


def _holds(marks: tuple[bytes, ...], message: bytes) -> bool:
    return all(mark in message for mark in marks)


def expected(name: str, reaction: Reaction) -> Fields:
    """All that the record of a getppid of a child is to hold, its pid aside."""
    known: Fields = {
        "auid": int(Path("/proc/self/loginuid").read_text(encoding="ascii")),
        "ses": int(Path("/proc/self/sessionid").read_text(encoding="ascii")),
        "uid": USER,
        "gid": GROUP,
        "comm": name,
        "exe": os.readlink("/proc/self/exe"),
        "sig": reaction.sig,
        "arch": filters.MACHINE,
        "syscall": filters.GETPPID,
        "syscall_name": "getppid",
        "compat": 0,
        "code": f"0x{reaction.code:x}",
        "action": reaction.action,
    }
    return {**known, **_context()}


def _context() -> Fields:
    try:
        return {"subj": Path("/proc/self/attr/current").read_text(encoding="utf-8").strip("\n\0")}
    except OSError:
        return {}


@pytest.mark.parametrize("reaction", REACTIONS, ids=[reaction.action for reaction in REACTIONS])
def test_actions(observed, token: str, reaction: Reaction):
    def act() -> None:
        filters.install(reaction.code)
        filters.getppid()

    assert observed(token.encode(), act, reaction.ends) == expected(token, reaction)


def test_an_error_that_the_filter_chooses(observed, token: str):
    def act() -> None:
        filters.install(ERRNO | errno.EDOM)
        assert filters.getppid() == -1

    assert observed(token.encode(), act, 0) == expected(token, REACTIONS[1])


@pytest.mark.parametrize("name", ["sp {} x", 'sp"{}"', "sp\n{}", "sp{}\u00e9", "sp pid=1 sig=9"])
def test_names_that_the_kernel_encodes(observed, token: str, name: str):
    told = name.format(token[2:8])
    reaction = REACTIONS[0]

    def act() -> None:
        filters.install(reaction.code)
        filters.getppid()

    assert observed(os.fsencode(told), act, 0) == expected(told, reaction)


@NEEDS_X86
def test_a_call_of_a_32_bit_program(observed, token: str, missing):
    if filters.child(b"probe", USER, GROUP, filters.getppid_x86)[1] != 0:
        missing("system calls of 32-bit programs (IA32_EMULATION)")
    reaction = REACTIONS[4]

    def act() -> None:
        filters.install(reaction.code)
        filters.getppid_x86()

    told = {**expected(token, reaction), "arch": "x86", "syscall": filters.GETPPID_X86, "compat": 1}
    assert observed(token.encode(), act, signal.SIGSYS) == told


@NEEDS_X86
def test_a_call_with_the_number_of_x32(observed, token: str):
    reaction = REACTIONS[0]

    def act() -> None:
        filters.install(reaction.code)
        filters.getppid_x32()

    told = {**expected(token, reaction), "arch": "x32", "syscall": filters.GETPPID | filters.X32_BIT}
    assert observed(token.encode(), act, 0) == told


@NEEDS_X86
def test_strict_mode(observed, token: str):
    told = {**expected(token, REACTIONS[3]), "sig": signal.SIGKILL}
    assert observed(token.encode(), filters.strict, signal.SIGKILL) == told


def test_a_call_that_nobody_knows(observed, token: str):
    reaction = REACTIONS[0]

    def act() -> None:
        filters.install(reaction.code, number=4000)
        filters.call(4000)

    fields = observed(token.encode(), act, 0)
    assert fields["syscall"] == 4000
    assert "syscall_name" not in fields
