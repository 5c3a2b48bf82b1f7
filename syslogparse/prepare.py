"""What the confined processes will need, made and used once while files can still be opened."""

from __future__ import annotations

import contextlib
import os
import re
import resource
import sys
from collections.abc import Callable, Mapping, Sequence
from datetime import tzinfo

from msgspec.structs import replace

from syslogparse.evidence.stamp import Clock
from syslogparse.options import Format, Options
from syslogparse.report.model import Report, SandboxState
from syslogparse.report.warmup import warm_up
from syslogparse.roles.analyst import Bar, Desk
from syslogparse.roles.blockwork import Worker
from syslogparse.roles.output import tell_raw
from syslogparse.roles.parser import Job
from syslogparse.rules.apparmor_target import LATEST, Choices
from syslogparse.rules.network import Network
from syslogparse.rules.wanted import Wanted
from syslogparse.sandbox.confine import Mode
from syslogparse.sandbox.identity import NOBODY
from syslogparse.sandbox.launch import color_wanted
from syslogparse.sandbox.libseccomp import syscall_name
from syslogparse.sandbox.seccomp import ROLES, allowed
from syslogparse.sources.blocks import Place, deal, plan
from syslogparse.sources.open import Log, Unreadable

_WIDTH = 100
"""Columns, where stdout is no terminal and COLUMNS says nothing."""


class NoBar:
    """In the place of a progress bar."""

    def update(self, done_bytes: int, total_bytes: int) -> None:
        """Show nothing."""

    def finish(self) -> None:
        """Show nothing."""


DESCRIPTORS_A_PARSER = 4
"""Both ends of its pipe, and for a moment a copy of each."""
OTHER_DESCRIPTORS = 32
"""What else may be open for a moment."""


def prepare_desk(
    options: Options, environment: Mapping[str, str], mode: Mode, logs: Sequence[Log], unreadable: Sequence[Unreadable]
) -> Desk:
    """The analyst's desk. A report is rendered once, so that nothing is imported or looked up after the confinement."""
    places = plan([log.size for log in logs])
    parsers = len(_deal(options, logs, places))
    if options.apparmor is None and "apparmor" in options.kinds and options.format != "events":
        options = replace(options, apparmor=installed_apparmor())
    render = _renderer(options.format or ("text" if os.isatty(1) else "rules"), environment, options.max_rules)
    warm_up(*([render] if render else ()))
    state = SandboxState(
        mode=mode,
        parsers=parsers,
        uid=NOBODY,
        root="a removed, empty directory",
        capabilities="none",
        no_new_privs=True,
        seccomp={role: len(allowed(role)) for role in ROLES},
    )
    return Desk(options, _wanted(options), logs, unreadable, places, render, _bar(environment, quiet=options.quiet), state)


def _wanted(options: Options) -> Wanted:
    network = Network(
        never_block=options.never_block,
        trusted=options.trusted_net,
        wan=options.wan,
        scan_hosts=options.scan_hosts,
        scan_ports=options.scan_ports,
    )
    return Wanted(options.intent, Choices(options.exact, options.apparmor or LATEST), network)


APPARMOR_PARSERS = ("/usr/sbin/apparmor_parser", "/sbin/apparmor_parser")
_PIECE = 64 << 10
_PARSER_PIECES = 256
_LONGEST_VERSION = 32
_PARSER_VERSION = re.compile(rb"%s version ([0-9]{1,3})\.([0-9]{1,3})(?=[^0-9])")


def installed_apparmor(places: Sequence[str] = APPARMOR_PARSERS) -> tuple[int, int] | None:
    """Major and minor version of the apparmor_parser at hand, None where there is none that says it.

    It is read from the text of its --version in the program file: nothing is executed for it.
    """
    for place in places:
        with contextlib.suppress(OSError), open(place, "rb") as file:
            # In small pieces: after a large block was freed, malloc(3) takes large ones from the heap, in the parsers too.
            before = b""
            for _ in range(_PARSER_PIECES):
                piece = file.read(_PIECE)
                if found := _PARSER_VERSION.search(before + piece):
                    return int(found[1]), int(found[2])
                if not piece:
                    break
                before = piece[-_LONGEST_VERSION:]
    return None


def _deal(options: Options, logs: Sequence[Log], places: Sequence[Place]) -> list[list[Place]]:
    """What each parser has to do: one per CPU for the logs of each grade of trust."""
    grades = [log.grades for log in logs]
    each = options.jobs or max(1, min(len(os.sched_getaffinity(0)), _affordable() // max(1, len(set(grades)))))
    return deal(places, grades, each)


def _affordable() -> int:
    """How many parsers there are descriptors for; who asks for more by name is told so."""
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    return sys.maxsize if limit == resource.RLIM_INFINITY else (limit - OTHER_DESCRIPTORS) // DESCRIPTORS_A_PARSER


def _renderer(chosen: Format, environment: Mapping[str, str], max_rules: int | None) -> Callable[[Report], bytes] | None:
    """How the report becomes bytes. Only the chosen format is loaded: rich alone takes a third of the start-up time."""
    if chosen == "json":
        from syslogparse.report import json  # noqa: PLC0415

        return json.render
    if chosen == "rules":
        from syslogparse.report import rules  # noqa: PLC0415

        return lambda report: rules.render(report).encode("utf-8", "backslashreplace")
    if chosen == "text":
        from syslogparse.report.text import TextReport  # noqa: PLC0415

        text = TextReport(_width(environment, 1), color_wanted(environment, terminal=os.isatty(1)))
        return lambda report: text.render(report, max_rules).encode("utf-8", "backslashreplace")
    return None


def _bar(environment: Mapping[str, str], *, quiet: bool) -> Bar:
    if quiet or not os.isatty(2):
        return NoBar()
    from syslogparse.report import progress  # noqa: PLC0415

    progress.warm_up()
    return progress.Progress(tell_raw, _width(environment, 2), color_wanted(environment, terminal=True))


def prepare_jobs(desk: Desk, zone: tzinfo) -> list[Job]:
    """One job for each parser: those of one grade of trust go through its logs together, block by block."""
    kinds, stream = desk.options.kinds, desk.render is None
    workers = [Worker(Clock(zone, log.newest), log.grades, syscall_name, kinds, stream=stream) for log in desk.logs]
    return [Job(desk.logs, workers, places) for places in _deal(desk.options, desk.logs, desk.places)]


def _width(environment: Mapping[str, str], descriptor: int) -> int:
    columns = environment.get("COLUMNS", "")  # who exports it wants it
    if columns.isdecimal() and len(columns) < 5 and int(columns) > 0:
        return int(columns)
    try:
        return os.get_terminal_size(descriptor).columns or _WIDTH
    except OSError:
        return _WIDTH
