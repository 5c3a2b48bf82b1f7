"""From a filter that logs to a profile that suffices: a program is watched, and runs under what is suggested and nothing else.

The filter that learns lets every call pass that the profile has, and logs the rest. The one that is applied has the same
profile, built by libseccomp from the JSON that is suggested, and kills for all else.
"""

from __future__ import annotations

import ctypes
import gc
import json
import os
import signal
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any, NoReturn

import pytest

from syslogparse.sandbox.libseccomp import pyseccomp
from tests.kernel import filters, loop
from tests.kernel.conftest import switched
from tests.kernel.kmsg import Ring
from tests.kernel.netns import LIBC, checked

pytestmark = pytest.mark.root

ROUNDS = 15
BURST = "/proc/sys/kernel/printk_ratelimit_burst"
"""How many messages the kernel prints in five seconds (Documentation/admin-guide/sysctl/kernel.rst): ten, usually."""
SHELL = os.path.realpath("/bin/sh")
INTERPRETER = os.readlink("/proc/self/exe")

QUIET, MORE, STILL_MORE = ":", "umask 077", "cd /"
"""What the shell is to do: nothing, and what needs one system call more each."""

LOG, KILL = pyseccomp.LOG, pyseccomp.KILL_PROCESS


class Profile:
    """A seccomp profile as a container's runtime takes it: architectures, and names of calls that are allowed."""

    def __init__(self) -> None:
        self.architectures: set[str] = set()
        self.names: set[str] = set()

    def add(self, document: dict[str, Any]) -> None:
        """What is suggested is an addition."""
        assert document["defaultAction"] == "SCMP_ACT_ERRNO"
        self.architectures.update(document["architectures"])
        for block in document["syscalls"]:
            assert block["action"] == "SCMP_ACT_ALLOW"
            self.names.update(block["names"])

    def built(self, default: int) -> bytes:
        """The program that libseccomp makes of it, with this default action."""
        made = pyseccomp.SyscallFilter(defaction=default)
        for architecture in self.architectures:
            word = getattr(pyseccomp.Arch, architecture.removeprefix("SCMP_ARCH_"))
            if not made.exist_arch(word):
                made.add_arch(word)
        for name in sorted(self.names):
            made.add_rule(pyseccomp.ALLOW, name)
        with tempfile.TemporaryFile() as file:
            made.export_bpf(file)
            file.seek(0)
            return file.read()


def run(script: str, program: bytes) -> tuple[int, int]:
    """Run the shell under a filter, from its first instruction. Returns its pid and how it ended (wait status).

    Between the filter and the shell there is one call, execve: all else is made ready before.
    """
    words = [b"sh", b"-c", script.encode()]
    arguments = (ctypes.c_char_p * 4)(*words, None)
    environment = (ctypes.c_char_p * 1)(None)
    filled = filters.Program(len(program) // 8, program)
    path, by_reference = SHELL.encode(), ctypes.byref(filled)
    gc.disable()
    try:
        pid = os.fork()
        if pid == 0:
            try:
                signal.alarm(20)
                signal.signal(signal.SIGSYS, signal.SIG_DFL)
                checked(LIBC.prctl(filters.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
                LIBC.syscall(filters.SECCOMP, filters.MODE_FILTER, filters.FLAG_LOG, by_reference)
                LIBC.execve(path, arguments, environment)
            finally:
                os._exit(99)
    finally:
        gc.enable()
    return pid, os.waitpid(pid, 0)[1]


def _is_of(pid: int, message: bytes) -> bool:
    return b"type=1326 " in message and b" pid=%d " % pid in message


@pytest.fixture
def plenty_of_messages() -> Iterator[None]:
    """Where the kernel lets itself be asked, it prints all records at once; where it does not, the rounds are more."""
    with suppress(OSError), switched(BURST, "1000"):
        yield
        return
    yield


@pytest.fixture
def learn(
    ring: Ring, command: Path, tmp_path: Path, plenty_of_messages: None, missing: Callable[[str], NoReturn]
) -> Callable[[Profile, str], list[dict[str, Any]]]:
    """A function that watches a script until its profile suffices, and gives what was suggested on the way."""
    if not filters.SECCOMP:
        missing(f"system call numbers of {filters.MACHINE} in these tests")

    def watch(profile: Profile, script: str) -> list[dict[str, Any]]:
        suggested: list[dict[str, Any]] = []
        for number in range(ROUNDS):
            pid, status = run(script, profile.built(LOG))
            assert status == 0, f"wait status {status:#x}"
            lines = ring.lines(partial(_is_of, pid), count=10_000, seconds=1.0)
            found = loop.suggestions(command, lines, "-k", "seccomp", folder=tmp_path) if lines else []
            for one in found:
                profile.add(whole(one))
            suggested += found
            if run(script, profile.built(KILL))[1] == 0:
                return suggested
            time.sleep(number and 5)
        return missing("audit records in the ring buffer (an auditd takes them, or others cause too many)")

    return watch


def whole(suggestion: dict[str, Any]) -> dict[str, Any]:
    """The profile among the alternatives of a suggestion."""
    (text,) = [line for line in suggestion["alternatives"] if line.startswith("{")]
    document: dict[str, Any] = json.loads(text)
    return document


def test_the_profile_that_is_suggested_is_enough_and_no_more(learn, plenty_of_messages: None):
    profile = Profile()
    suggested = learn(profile, QUIET)
    assert {one["exe"] for one in suggested} == {SHELL, INTERPRETER}
    assert [one["rule"] for one in suggested if one["exe"] == INTERPRETER] == ["SystemCallFilter=execve"]
    assert all("let it pass and logged it" in one["why"] for one in suggested)
    assert profile.architectures == {f"SCMP_ARCH_{filters.MACHINE.upper()}"}
    assert not {"umask", "chdir"} & profile.names

    enforced = profile.built(KILL)
    assert run(QUIET, enforced)[1] == 0
    assert run(MORE, enforced)[1] == run(STILL_MORE, enforced)[1] == signal.SIGSYS

    (more,) = learn(profile, MORE)
    assert (more["exe"], more["rule"]) == (SHELL, "SystemCallFilter=umask")
    enforced = profile.built(KILL)
    assert run(QUIET, enforced)[1] == run(MORE, enforced)[1] == 0
    assert run(STILL_MORE, enforced)[1] == signal.SIGSYS


def test_without_any_one_of_its_calls_the_program_does_not_run(learn):
    """All of the profile is needed: nothing is suggested that the program can do without."""
    profile = Profile()
    learn(profile, QUIET)
    everything = sorted(profile.names)
    assert len(everything) > 5
    for name in everything:
        profile.names = {other for other in everything if other != name}
        assert run(QUIET, profile.built(KILL))[1] == signal.SIGSYS, name


def test_what_killed_the_program_is_suggested(
    learn, ring: Ring, command: Path, tmp_path: Path, missing: Callable[[str], NoReturn]
):
    profile = Profile()
    learn(profile, QUIET)
    for _ in range(ROUNDS):
        pid, status = run(STILL_MORE, profile.built(KILL))
        assert status == signal.SIGSYS
        if lines := ring.lines(partial(_is_of, pid), seconds=2.0):
            break
    else:
        missing("audit records in the ring buffer (an auditd takes them, or others cause too many)")
    (one,) = loop.suggestions(command, lines, folder=tmp_path)
    assert (one["exe"], one["rule"], one["confidence"]) == (SHELL, "SystemCallFilter=chdir", "high")
    assert "killed the process" in one["why"]
    profile.add(whole(one))
    assert run(STILL_MORE, profile.built(KILL))[1] == 0
