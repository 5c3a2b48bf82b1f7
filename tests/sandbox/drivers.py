"""What a case does: the program as it is, or with one thing changed. Runs in the zygote's children."""

from __future__ import annotations

import os
import resource

import prctl

from syslogparse import run
from syslogparse.options import Options
from syslogparse.sandbox import confine, limits, seccomp


def become_subreaper() -> None:
    prctl.set_child_subreaper(1)


def program(*, lack: list | None = None, user: int | None = None, limits: int | None = None, **options) -> None:
    """Run the program with these options.

    lack: [name, role], a row that the role's filter has to do without. user: who runs it. limits: MiB of memory beside what is used.
    """
    if lack:
        without(*lack)
    if limits:
        spare(limits)
    if user:
        os.setgroups([])
        os.setresgid(user, user, user)
        os.setresuid(user, user, user)
        prctl.set_dumpable(1)
    run.run(Options(**{key: tuple(value) if isinstance(value, list) else value for key, value in options.items()}))


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
