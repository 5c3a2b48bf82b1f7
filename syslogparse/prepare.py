"""What the confined processes will need, made and used once while files can still be opened."""

from __future__ import annotations

import contextlib
import io
import os
import re
import resource
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import tzinfo

from msgspec.structs import replace

from syslogparse import exits
from syslogparse.evidence.period import ALWAYS, Period
from syslogparse.evidence.period import read as read_time
from syslogparse.evidence.stamp import Clock
from syslogparse.languages.apparmor_policy import PolicyFiles
from syslogparse.languages.policy import rehearse
from syslogparse.options import Format, Options
from syslogparse.report import check, explain, files
from syslogparse.report.escape import printable
from syslogparse.report.model import Report, SandboxState
from syslogparse.report.warmup import warm_up
from syslogparse.roles import validator
from syslogparse.roles.analyst import Bar, Desk
from syslogparse.roles.blockwork import Worker
from syslogparse.roles.delivery import Documents
from syslogparse.roles.output import tell, tell_raw
from syslogparse.roles.parser import Job
from syslogparse.roles.terms import Terms
from syslogparse.rules.apparmor_inforce import ProfilesInForce
from syslogparse.rules.apparmor_target import LATEST, Choices
from syslogparse.rules.network import Network
from syslogparse.rules.wanted import Wanted
from syslogparse.sandbox.confine import Mode
from syslogparse.sandbox.identity import NOBODY
from syslogparse.sandbox.launch import color_wanted
from syslogparse.sandbox.libseccomp import syscall_name
from syslogparse.sandbox.seccomp import Role, allowed
from syslogparse.sources.apparmor_policy import installed_policy
from syslogparse.sources.blocks import Place, deal, plan
from syslogparse.sources.neighbours import Neighbours, neighbours
from syslogparse.sources.open import Log, Unreadable
from syslogparse.sources.policy import open_policies
from syslogparse.sources.regular import Refused, copy_regular
from syslogparse.sources.zone import local_zone

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
    terms, baseline = _terms(options, environment), _baseline(options)
    render = _renderer(options, environment)
    documents = _documents(options) if options.output is not None else None
    warm_up(*([render] if render else ()), *([_validated(documents, options)] if documents else ()))
    state = SandboxState(
        mode=mode,
        parsers=parsers,
        uid=NOBODY,
        root="a removed, empty directory",
        capabilities="none",
        no_new_privs=True,
        seccomp=_filters(options),
    )
    bar = _bar(environment, quiet=options.quiet)
    policies, unopened = _policies(options)
    wanted = replace(_wanted(options, environment), in_doubt=bool(unopened))
    unread = [*unreadable, *unopened]
    return Desk(options, wanted, logs, unread, places, render, bar, state, documents, terms, baseline, policies)


def _policies(options: Options) -> tuple[list[tuple[str, memoryview]], list[Unreadable]]:
    """The files of --existing, and those of them that cannot be opened, which is said."""
    if options.existing:
        rehearse()
    policies, unopened = open_policies(options.existing)
    for one in unopened:
        tell(f"{printable(one.name)}: {one.problem}; this policy is not used, and what opens anything is held back")
    return policies, unopened


def _terms(options: Options, environment: Mapping[str, str]) -> Terms:
    """What of the logs is used. The bounds of the time were checked with the options; only here is the zone known."""
    period = ALWAYS
    if options.since or options.until:
        zone, now = local_zone(environment.get("TZ")), time.time_ns() // 1000
        since, until = (read_time(bound, zone, now) if bound else None for bound in (options.since, options.until))
        period = Period(since, until)
        if since is not None and until is not None and since >= until:
            tell("--until is not later than --since")
            os._exit(exits.USAGE)
    return Terms(options.trust, period, samples=options.explain is not None)


def _baseline(options: Options) -> memoryview | None:
    """The document of --check, not looked at yet."""
    if options.check is None:
        return None
    try:
        return copy_regular(options.check, check.LIMIT)
    except Refused as refusal:
        tell(f"{printable(options.check)}: {refusal}; {check.HOW_TO}")
        os._exit(exits.UNREADABLE)


def _wanted(options: Options, environment: Mapping[str, str]) -> Wanted:
    asked = "netfilter" in options.kinds and options.format != "events"
    near = neighbours(environment) if asked else Neighbours()
    network = Network(
        **near._asdict(),
        never_block=options.never_block,
        trusted=options.trusted_net,
        wan=options.wan,
        scan_hosts=options.scan_hosts,
        scan_ports=options.scan_ports,
    )
    choices = Choices(options.exact, options.apparmor or LATEST)
    return Wanted(options.intent, choices, network, profiles=_profiles(options), exact=options.exact)


def _profiles(options: Options) -> ProfilesInForce:
    """The profiles installed here, to be read when one is asked for. With --exact only those of --existing count."""
    asked = "apparmor" in options.kinds and options.format != "events" and not options.exact
    return ProfilesInForce(PolicyFiles(installed_policy() if asked else {}))


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


def _documents(options: Options) -> Documents:
    """What goes to which file, for --output."""
    numbers = {language: number for number, language in enumerate(files.languages(options.kinds, options.firewall))}
    return lambda report: ((numbers[language], lines) for language, lines in files.lines(report) if language in numbers)


def _validated(documents: Documents, options: Options) -> Callable[[Report], None]:
    """What the validator will do to them, to be done once before it is confined."""
    languages = files.languages(options.kinds, options.firewall)

    def validate(report: Report) -> None:
        with open(os.devnull, "wb") as null:
            stream = io.BytesIO(b"".join(validator.frames(documents(replace(report, firewall=options.firewall)))))
            validator.take(stream.read, [null.fileno()] * len(languages), languages)

    return validate


def _filters(options: Options) -> dict[str, int]:
    """How many system calls are left to each role of this run."""
    roles: dict[str, Role] = {"parser": "parser", "analyst": "analyst", "supervisor": "supervisor"}
    if options.output is not None:
        roles |= {"validator": "validator", "supervisor": "broker"}
    return {name: len(allowed(role)) for name, role in roles.items()}


def _deal(options: Options, logs: Sequence[Log], places: Sequence[Place]) -> list[list[Place]]:
    """What each parser has to do: one per CPU for the logs of each grade of trust."""
    grades = [log.grades for log in logs]
    each = options.jobs or max(1, min(len(os.sched_getaffinity(0)), _affordable() // max(1, len(set(grades)))))
    return deal(places, grades, each)


def _affordable() -> int:
    """How many parsers there are descriptors for; who asks for more by name is told so."""
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    return sys.maxsize if limit == resource.RLIM_INFINITY else (limit - OTHER_DESCRIPTORS) // DESCRIPTORS_A_PARSER


def _renderer(options: Options, environment: Mapping[str, str]) -> Callable[[Report], Iterable[bytes]] | None:
    """How the report becomes bytes. Only the chosen format is loaded: rich alone takes a third of the start-up time."""
    chosen = options.format or ("text" if os.isatty(1) or options.check is not None else "rules")
    if chosen == "json":
        from syslogparse.report import json  # noqa: PLC0415

        return json.pieces
    text = _text_renderer(options, chosen, environment)
    return None if text is None else lambda report: (text(report).encode("utf-8", "backslashreplace"),)


def _text_renderer(options: Options, chosen: Format, environment: Mapping[str, str]) -> Callable[[Report], str] | None:
    if options.explain is not None:
        width = _width(environment, 1)
        return lambda report: explain.render(report, width)
    if chosen == "rules":
        from syslogparse.report import rules  # noqa: PLC0415

        return rules.render
    if chosen == "text" and options.check is not None:
        return lambda report: check.render(report, options.max_rules)
    if chosen == "text":
        from syslogparse.report.text import TextReport  # noqa: PLC0415

        text = TextReport(_width(environment, 1), color_wanted(environment, terminal=os.isatty(1)))
        return lambda report: text.render(report, options.max_rules)
    return None


def _bar(environment: Mapping[str, str], *, quiet: bool) -> Bar:
    if quiet or not os.isatty(2):
        return NoBar()
    from syslogparse.report import progress  # noqa: PLC0415

    progress.warm_up()
    return progress.Progress(tell_raw, _width(environment, 2), color_wanted(environment, terminal=True))


def prepare_jobs(desk: Desk, zone: tzinfo) -> list[Job]:
    """One job for each parser: those of one grade of trust go through its logs together, block by block."""
    kinds, stream, terms = desk.options.kinds, desk.render is None, desk.terms
    clocks = [Clock(zone, log.newest) for log in desk.logs]
    workers = [
        Worker(clock, log.grades, syscall_name, kinds, stream=stream, terms=terms)
        for clock, log in zip(clocks, desk.logs, strict=True)
    ]
    return [Job(desk.logs, workers, places) for places in _deal(desk.options, desk.logs, desk.places)]


def _width(environment: Mapping[str, str], descriptor: int) -> int:
    columns = environment.get("COLUMNS", "")  # who exports it wants it
    if columns.isdecimal() and len(columns) < 5 and int(columns) > 0:
        return int(columns)
    try:
        return os.get_terminal_size(descriptor).columns or _WIDTH
    except OSError:
        return _WIDTH
