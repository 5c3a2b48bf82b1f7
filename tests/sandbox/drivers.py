"""What a case does: the program as it is, or with one thing changed. Runs in the zygote's children."""

from __future__ import annotations

import os

import prctl

from syslogparse import run
from syslogparse.options import Options
from syslogparse.sandbox import seccomp


def become_subreaper() -> None:
    prctl.set_child_subreaper(1)


def program(*, lack: list | None = None, user: int | None = None, **options) -> None:
    """Run the program with these options. lack: [name, role], a row that the role's filter has to do without."""
    if lack:
        without(*lack)
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
