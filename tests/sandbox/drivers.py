"""What a case does: the program as it is, or with one thing changed. Runs in the zygote's children."""

from __future__ import annotations

import gc
import os
import resource
import signal
import time

import msgspec
import prctl

from syslogparse import run
from syslogparse.options import Options
from syslogparse.roles import analyst, parser, supervisor, validator
from syslogparse.sandbox import confine, limits, seccomp
from syslogparse.sandbox.capabilities import last_capability
from syslogparse.sandbox.libc import CapMasks, capget, capset
from tests.sandbox.children import forbid_user_namespaces
from tests.sandbox.walker import walk

__all__ = ["become_subreaper", "program", "walk"]


def become_subreaper() -> None:
    """For the keeper of a case, which imports nothing itself."""
    prctl.set_child_subreaper(1)


def program(
    *,
    lack: list[str] | None = None,
    user: int = 0,
    spare: int = 0,
    collect: bool = False,
    ignore: str = "",
    orphan: bool = False,
    world: str = "",
    repeat: int = 1,
    **options: object,
) -> None:
    """Run the program with these options.

    lack: a row and the role that has to do without it. user: who runs it. spare: MiB of memory beside what is used when it is
    confined. collect: let the garbage collector run as soon as a role is under its filter. ignore: a signal that the caller
    ignores. orphan: whoever started it has left it a child. world: one of WORLDS. repeat: how often the logs are named.
    """
    gc.unfreeze()
    if ignore:
        signal.signal(signal.Signals[ignore], signal.SIG_IGN)
    if orphan and os.fork() == 0:
        time.sleep(1)
        os._exit(0)
    if collect:
        _collect_first()
    if lack:
        _do_without(*lack)
    if spare:
        _spare(spare)
    if world:
        WORLDS[world]()
    if user:
        os.setgroups([])
        os.setresgid(user, user, user)
        os.setresuid(user, user, user)
        prctl.set_dumpable(1)
    named = msgspec.convert(options, Options)
    run.run(msgspec.structs.replace(named, logs=named.logs * repeat))


def _withhold(*numbers: int) -> None:
    """Be root in a container that withholds these capabilities."""
    mask = capget().permitted
    for number in numbers:
        prctl.capbset_drop(number)
        mask &= ~(1 << number)
    capset(CapMasks(mask, mask, 0))


WORLDS = {
    "no dac_read_search": lambda: _withhold(2),
    "no sys_chroot": lambda: _withhold(18),
    "no setuid": lambda: _withhold(7),
    "no setgid": lambda: _withhold(6),
    "no setpcap": lambda: _withhold(8),
    "four and setpcap": lambda: _withhold(*(number for number in range(last_capability() + 1) if number not in {2, 6, 7, 8, 18})),
    "no user namespaces": lambda: forbid_user_namespaces(1000),
}
"""What a container or an administrator does before the program starts."""


def _put(owner: object, name: str, value: object) -> None:
    assert hasattr(owner, name), name
    setattr(owner, name, value)


def _do_without(name: str, role: str) -> None:
    table = tuple(
        call._replace(roles=tuple(one for one in call.roles if one != role)) if call.name == name else call
        for call in seccomp.TABLE
    )
    if table == seccomp.TABLE:
        raise ValueError(f"{role} has no row {name}")
    build = seccomp.build
    _put(seccomp, "build", lambda role, channels: build(role, channels, table))


def _spare(mebibytes: int) -> None:
    class Tight(limits.SharedLimits):
        def __init__(self) -> None:
            with open("/proc/self/statm", encoding="ascii") as file:
                used = int(file.read().split()[5]) * resource.getpagesize()
            self._wanted = {**limits._SHARED, resource.RLIMIT_DATA: used + (mebibytes << 20)}

    _put(confine, "SharedLimits", Tight)


def _collect_first() -> None:
    """What Python's collector does at some moment happens at once: everything that nobody holds any more is freed."""
    for role in (parser, analyst, validator, supervisor):

        def main(*arguments: object, main=role.main) -> None:
            gc.collect()
            main(*arguments)

        _put(role, "main", main)
