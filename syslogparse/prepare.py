"""What the confined processes will need, made and used once while files can still be opened."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from datetime import tzinfo

from syslogparse.evidence.stamp import Clock
from syslogparse.options import Format, Options
from syslogparse.report.model import SandboxState
from syslogparse.report.progress import make_progress
from syslogparse.report.text import TextReport
from syslogparse.report.warmup import warm_up
from syslogparse.roles.analyst import Desk
from syslogparse.roles.blockwork import Worker
from syslogparse.roles.output import tell_raw
from syslogparse.roles.parser import Job
from syslogparse.sandbox.confine import Mode
from syslogparse.sandbox.identity import NOBODY
from syslogparse.sandbox.launch import color_wanted
from syslogparse.sandbox.libseccomp import syscall_name
from syslogparse.sandbox.seccomp import ROLES, allowed
from syslogparse.sources.blocks import plan, share
from syslogparse.sources.open import Log, Unreadable

_WIDTH = 100
"""Columns, where stdout is no terminal and COLUMNS says nothing."""


def prepare_desk(
    options: Options, environment: Mapping[str, str], mode: Mode, logs: Sequence[Log], unreadable: Sequence[Unreadable]
) -> Desk:
    """The analyst's desk. Every format is rendered once, so that nothing is imported or looked up after the confinement."""
    out, err = os.isatty(1), os.isatty(2)
    chosen: Format = options.format or ("text" if out else "rules")
    places = plan([log.size for log in logs])
    parsers = max(1, min(options.jobs or len(os.sched_getaffinity(0)), len(places)))
    text = TextReport(_width(environment, 1), color_wanted(environment, terminal=out)) if chosen == "text" else None
    progress = make_progress(tell_raw, _width(environment, 2), err and not options.quiet, color_wanted(environment, terminal=err))
    warm_up(text)
    state = SandboxState(
        mode=mode,
        parsers=parsers,
        uid=NOBODY,
        root="a removed, empty directory",
        capabilities="none",
        no_new_privs=True,
        seccomp={role: len(allowed(role)) for role in ROLES},
    )
    return Desk(options, chosen, logs, unreadable, places, text, progress, state)


def prepare_jobs(desk: Desk, zone: tzinfo) -> list[Job]:
    """One job for each parser: all of them go through the logs together, block by block."""
    kinds, stream = desk.options.kinds, desk.format == "events"
    workers = [Worker(Clock(zone, log.newest), log.grades, syscall_name, kinds, stream=stream) for log in desk.logs]
    parsers = desk.sandbox.parsers
    return [Job(desk.logs, workers, share(desk.places, number, parsers)) for number in range(parsers)]


def _width(environment: Mapping[str, str], descriptor: int) -> int:
    try:
        return os.get_terminal_size(descriptor).columns or _WIDTH
    except OSError:
        columns = environment.get("COLUMNS", "")
        return int(columns) if columns.isdecimal() and 0 < int(columns) < 10_000 else _WIDTH
