"""What a case does: the program as it is, or with one thing changed. Runs in the zygote's children."""

from __future__ import annotations

import gc
import os
import resource
import signal

import prctl

from syslogparse import run
from syslogparse.options import Options
from syslogparse.sandbox import confine, limits, seccomp
from syslogparse.sandbox.capabilities import last_capability
from syslogparse.sandbox.libc import CapMasks, capget, capset
from tests.sandbox.children import forbid_user_namespaces
from tests.sandbox.walker import walk

__all__ = ["become_subreaper", "program", "walk"]


def become_subreaper() -> None:
    prctl.set_child_subreaper(1)


def program(*, lack: list | None = None, user: int | None = None, limits: int | None = None, collect: bool = False, ignore: str = "", world: str = "", **options) -> None:
    """Run the program with these options.

    lack: [name, role], a row that the role's filter has to do without. user: who runs it. limits: MiB of memory beside what is used.
    world: one of WORLDS. ignore: a signal that the caller ignores. collect: let the garbage collector run as soon as a role is under its filter.
    """
    gc.unfreeze()
    if ignore:
        signal.signal(signal.Signals[ignore], signal.SIG_IGN)
    if collect:
        collect_first()
    if lack:
        without(*lack)
    if limits:
        spare(limits)
    if world:
        WORLDS[world]()
    if user:
        os.setgroups([])
        os.setresgid(user, user, user)
        os.setresuid(user, user, user)
        prctl.set_dumpable(1)
    run.run(Options(**{key: tuple(value) if isinstance(value, list) else value for key, value in options.items()}))


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


def without(name: str, role: str) -> None:
    """Take a role out of the row of this call."""
    table = tuple(
        call._replace(roles=tuple(one for one in call.roles if one != role)) if call.name == name else call for call in seccomp.TABLE
    )
    if table == seccomp.TABLE:
        raise ValueError(f"{role} has no row {name}")
    build = seccomp.build
    seccomp.build = lambda role, channels: build(role, channels, table)


def spare(mebibytes: int) -> None:
    """Leave a process this much memory beside what it has when it is confined."""

    class Tight(limits.SharedLimits):
        def __init__(self) -> None:
            used = int(open("/proc/self/statm", encoding="ascii").read().split()[5]) * os.sysconf("SC_PAGE_SIZE")
            self._wanted = {**limits._SHARED, resource.RLIMIT_DATA: used + (mebibytes << 20)}

    confine.SharedLimits = Tight


def collect_first() -> None:
    """What Python's collector does at some moment happens at once: everything that nobody holds any more is freed."""
    for role in (run.parser, run.analyst, run.supervisor):

        def main(*arguments, main=role.main) -> None:
            gc.collect()
            main(*arguments)

        role.main = main
