"""What of a report is printed: all of it, what a baseline has not, or the one suggestion that was asked for."""

from __future__ import annotations

from typing import NamedTuple

from msgspec import structs

from syslogparse import exits
from syslogparse.evidence.model import Event
from syslogparse.options import Options
from syslogparse.report import check, explain
from syslogparse.report.escape import printable
from syslogparse.report.model import Report
from syslogparse.roles import wire
from syslogparse.roles.gather import Gathering
from syslogparse.roles.output import tell

_MANY = 10
"""Names that are printed where several could be meant."""


class Selected(NamedTuple):
    """report: what is printed, None for nothing. status: the exit status, as far as this decides it."""

    report: Report | None
    status: int


def known(options: Options, baseline: memoryview | None) -> frozenset[str] | None:
    """The names of the baseline's suggestions; None where there is no baseline, or where it is none, which is told."""
    if baseline is None:
        return None
    try:
        return check.known(baseline)
    except check.BadBaseline as problem:
        tell(f"{printable(options.check or '')}: {problem}; {check.HOW_TO}")
        return None


def select(options: Options, report: Report, gathering: Gathering, before: frozenset[str] | None) -> Selected:
    """What was asked for. before: names of the baseline's suggestions, for --check."""
    if before is not None:
        return _new(options, check.only_new(report, before))
    if options.explain is not None:
        return _explained(explain.matching(report, options.explain), gathering)
    return Selected(report, exits.DONE)


def _new(options: Options, report: Report) -> Selected:
    if report.advice.suggestions:
        return Selected(report, exits.NEW)
    # Where nothing is new nothing is printed, so that cron(8) sends no mail; who wants a document always gets one.
    return Selected(report if options.format == "json" else None, exits.DONE)


def _explained(report: Report, gathering: Gathering) -> Selected:
    names = explain.names(report)
    if len(names) == 1:
        return Selected(structs.replace(report, events=_events(report, gathering)), exits.DONE)
    if names:
        tell(f"several suggestions have an ID that begins so: {', '.join(names[:_MANY])}{' ...' if len(names) > _MANY else ''}")
    else:
        tell("no suggestion has an ID that begins so; text and json print the IDs, of the same logs with the same options")
    return Selected(None, exits.UNREADABLE)


def _events(report: Report, gathering: Gathering) -> dict[tuple[int, int], Event]:
    """The events that are kept of the lines behind a report's suggestions."""
    places = {place for one in report.advice.suggestions for place in one.evidence.places}
    before = gathering.totals.first_lines()
    found: dict[tuple[int, int], Event] = {}
    for subject, samples in gathering.fold.samples.items():
        for sample in samples:
            first = before.get((subject.file, sample.position.block))
            if first is not None and (at := (subject.file, first + sample.position.line + 1)) in places:
                fields = dict(wire.decode_fields(sample.fields))
                found[at] = Event(subject.kind, sample.time, subject.host, subject.grade, fields, sample.repeat)
    return found
