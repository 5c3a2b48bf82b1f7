"""The program with one thing in it broken, and with proof whether it has come near a log. Runs in the zygote's children.

Descriptor 0 of a case is a memory file that the test has open too. It is mapped before the program starts; no confinement takes a
map away, and writing to it needs no system call. Its first byte is set when a block of a log is copied, which is the first
thing that happens to any byte of one.
"""

from __future__ import annotations

import errno
import mmap
import os
import resource
from collections.abc import Callable

import prctl

from syslogparse import run
from syslogparse.options import Options
from syslogparse.roles import blockwork
from syslogparse.sandbox import canary, capabilities, limits, privileges
from syslogparse.sandbox.confine import EXPLAINED
from syslogparse.sandbox.libseccomp import pyseccomp
from syslogparse.sources.blocks import copy_block

STEPS = {step.__name__: step for _, step in EXPLAINED}
_USER = 1000


class Here:
    """Where this process stands in the story. role: launch, supervisor, analyst, validator, parser1, ... or canary."""

    role = "launch"


def faulty(*, log: str, fault: list[str], user: bool = False, output: str | None = None) -> None:
    """Run the program on a log with a fault: the name of a function of FAULTS, and its arguments. Two parsers."""
    shared = mmap.mmap(0, 0)
    _watch_copies(shared)
    _know_the_role()
    os.environ["TERM"] = "dumb"
    os.setgroups([4])
    if user:
        os.setresgid(_USER, _USER, _USER)
        os.setresuid(_USER, _USER, _USER)
        prctl.set_dumpable(1)
    name, *arguments = fault
    FAULTS[name](*arguments)
    run.run(Options(logs=(log,), jobs=2, format="rules", output=output))


def patch(owner: object, name: str, value: object) -> None:
    """Put something else in the place of a function or a method."""
    assert hasattr(owner, name), name
    setattr(owner, name, value)


def _watch_copies(shared: mmap.mmap) -> None:
    def copy(*arguments, **more):
        shared[0] = 1
        return copy_block(*arguments, **more)

    patch(blockwork, "copy_block", copy)


def _know_the_role() -> None:
    def enter(owner: object, function: str, role: Callable[..., str]) -> None:
        original = getattr(owner, function)

        def entered(*arguments):
            Here.role = role(*arguments)
            original(*arguments)

        patch(owner, function, entered)

    enter(run, "_be_supervisor", lambda *_: "supervisor")
    enter(run, "_be_analyst", lambda *_: "analyst")
    enter(run, "_be_validator", lambda *_: "validator")
    enter(run, "_be_parser", lambda number, *_: f"parser{number}")
    enter(canary, "_sing", lambda *_: "canary")


def _nothing() -> None:
    """The control."""


def _take(step: str, role: str, how: str) -> None:
    """The first time that the step is taken in this role (a canary: for this role) it raises an error, or does nothing."""
    kind = STEPS[step]
    take = kind.take
    if step == "StandardDescriptors":
        os.close(0)
    broken: list[bool] = []

    def taken(self) -> None:
        role_now = f"canary of {self._role}" if step == "Canary" else Here.role
        if step == "LoadFilter" and Here.role == "canary":
            role_now = f"canary of {self.role}"
        if broken or role_now != role:
            take(self)
            return
        broken.append(True)
        if how == "error":
            raise OSError(errno.EPERM, "injected")
        if how == "defect":
            raise RuntimeError("injected")

    patch(kind, "take", taken)


def _back(owner: object, function: str, role: str, is_back: Callable[..., bool]) -> None:
    original = getattr(owner, function)

    def called(*arguments):
        if Here.role == role and is_back(*arguments):
            return None
        return original(*arguments)

    patch(owner, function, called)


def _open_way(step: str, role: str) -> None:
    """The way back from behind a step is open: what the kernel refuses seems to succeed."""
    way: dict[str, tuple[object, str, Callable[..., bool]]] = {
        "LeaveGroups": (os, "setgroups", lambda groups: groups == [0]),
        "BecomeNobodyGroup": (os, "setresgid", lambda real, *_: real == 0),
        "BecomeNobody": (os, "setresuid", lambda real, *_: real == 0),
        "BecomeNobodyWithRootsFiles": (os, "setresuid", lambda real, *_: real == 0),
        "KeepNone": (capabilities, "capset", lambda masks: masks == capabilities.KeepNone.raised),
        "NoNewPrivileges": (privileges, "unset_no_new_privs", lambda: True),
        "SharedLimits": (limits, "_raise", lambda limit, _: limit == resource.RLIMIT_CORE),
        "NoMoreProcesses": (limits, "_raise", lambda limit, _: limit == resource.RLIMIT_NPROC),
    }
    if step == "EnterJail":
        _open_jail(role)
    else:
        owner, function, is_back = way[step]
        _back(owner, function, role, is_back)


def _open_jail(role: str) -> None:
    entered: list[bool] = []

    def again(_path: str) -> bool:
        entered.append(True)
        return len(entered) > 1

    _back(os, "chroot", role, again)


def _fork(role: str, number: str) -> None:
    """The n-th fork in this role fails, as it does where a user has too many processes."""
    fork = os.fork
    seen: list[bool] = []

    def forked() -> int:
        if Here.role == role:
            seen.append(True)
            if len(seen) == int(number):
                raise BlockingIOError(errno.EAGAIN, "injected")
        return fork()

    patch(os, "fork", forked)


def _load(role: str, how: str) -> None:
    """libseccomp refuses to load the filter, or says that it did and did not."""
    load = pyseccomp.SyscallFilter.load

    def loaded(self) -> None:
        if Here.role != role:
            load(self)
        elif how == "error":
            raise OSError(errno.EINVAL, "injected")

    patch(pyseccomp.SyscallFilter, "load", loaded)


FAULTS: dict[str, Callable[..., None]] = {
    "nothing": _nothing,
    "take": _take,
    "open": _open_way,
    "fork": _fork,
    "load": _load,
}
