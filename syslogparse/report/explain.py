"""One suggestion in full: what to paste, what takes it back, what it means, and the events that speak for it."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator
from typing import Final

import msgspec

from syslogparse.evidence.model import GRADES, Event, Evidence, Grade, Value
from syslogparse.languages import render as languages
from syslogparse.report import identity, sections
from syslogparse.report.escape import plain, printable
from syslogparse.report.model import Report
from syslogparse.report.sections import NAME_LIMIT, amount, place
from syslogparse.report.timefmt import span, timestamp
from syslogparse.rules.model import Confidence, Risk, Suggestion

_LABEL: Final = 12
_HOSTS: Final = 50
_VALUE_LIMIT: Final = 1000
"""Characters of a field: a record has more of them than anybody reads."""

_RISKS: Final[dict[Risk, str]] = {
    "low": "opens little or nothing; may be used as it stands",
    "medium": "opens what was asked for and not much more; may be used once it was read",
    "high": "opens something that matters: a comment in the rules until somebody removes the mark",
    "critical": "opens what an attacker would want: a comment in the rules until somebody removes the mark",
}
_CONFIDENCES: Final[dict[Confidence, str]] = {
    "low": "what the log shows can mean something else",
    "medium": "what the log shows most likely means this",
    "high": "what the log shows means this",
}
_TRUST: Final[dict[Grade, str]] = {
    "kernel": "lines that only the kernel and root can write",
    "kern": "lines of the kernel's own log, which other users cannot write",
    "syslog": "any local user can forge such lines",
}


def matching(report: Report, prefix: str) -> Report:
    """The report with the suggestions whose identity begins with the prefix."""
    found = tuple(one for one in report.advice.suggestions if identity.of(one).startswith(prefix))
    return msgspec.structs.replace(report, advice=msgspec.structs.replace(report.advice, suggestions=found))


def names(report: Report) -> list[str]:
    """The identities of a report's suggestions, sorted, each once."""
    return sorted({identity.of(one) for one in report.advice.suggestions})


def render(report: Report, width: int = 100) -> str:
    """The suggestions of a report in full, its events with them. width: columns of running text; rules are never broken."""
    parts = ["\n".join(_Explanation(report, one, max(width, 40)).lines()) for one in report.advice.suggestions]
    return "\n\n".join(parts) + "\n" if parts else ""


class _Explanation:
    def __init__(self, report: Report, suggestion: Suggestion, width: int) -> None:
        self._report = report
        self._suggestion = suggestion
        self._width = width

    def lines(self) -> Iterator[str]:
        one = self._suggestion
        language = languages.language(one.rule, self._report.firewall)
        yield f"{identity.of(one)}  {language}, {one.intent}"
        yield ""
        owner = sections.owner(one)
        if owner is not None:
            yield from self._row("Executable" if language == "seccomp" else "Profile", printable(owner, NAME_LIMIT))
        yield from self._row("Why", printable(one.why))
        yield from self._row("Risk", f"{one.risk}: {_RISKS[one.risk]}")
        yield from self._row("Confidence", f"{one.confidence}: {_CONFIDENCES[one.confidence]}")
        yield from self._row("Trust", self._trust())
        yield from self._row("Seen", self._seen())
        yield from self._row("Hosts", _hosts(one.evidence))
        if not self._report.summary.complete:
            yield from self._row("INCOMPLETE", "this does not rest on all of the log")
        yield from self._block("Rule", languages.lines(one.rule, self._report.firewall))
        yield from self._block("Undo", languages.undo(one.rule, self._report.firewall).split("\n"))
        yield from self._block("Instead", self._alternatives())
        yield from self._evidence()

    def _row(self, label: str, text: str) -> Iterator[str]:
        room = self._width - _LABEL
        for number, line in enumerate(textwrap.wrap(text, room, break_long_words=False, break_on_hyphens=False) or ["-"]):
            yield f"{'' if number else label:<{_LABEL}}{line}"

    def _block(self, label: str, lines: Iterable[str]) -> Iterator[str]:
        some = list(lines)
        if some:
            yield ""
            yield label
            yield from (f"  {plain(line)}" for line in some)

    def _trust(self) -> str:
        one = self._suggestion
        counted = ", ".join(f"{one.evidence.grades[grade]:,} {grade}" for grade in GRADES if one.evidence.grades.get(grade))
        return f"{one.trust}: {_TRUST[one.trust]}{f' (lines: {counted})' if counted else ''}"

    def _seen(self) -> str:
        evidence = self._suggestion.evidence
        parts = [amount(evidence.count, "line"), amount(evidence.attempts, "attempt"), span(evidence.first, evidence.last)]
        return ", ".join(part for part in parts if part) + (" UTC" if parts[-1] else "")

    def _alternatives(self) -> Iterator[str]:
        one = self._suggestion
        for other in one.alternatives:
            yield from languages.lines(other, self._report.firewall)
        yield from languages.together([one.rule])

    def _evidence(self) -> Iterator[str]:
        evidence, files = self._suggestion.evidence, self._report.summary.files
        if not evidence.places:
            return
        yield ""
        shown = len(evidence.places)
        more = evidence.count > shown  # of an audit record that several lines tell of, there are more lines than events
        first = "the first " if more or shown >= evidence.most_places else ""
        yield f"Evidence ({first}{f'{shown:,} of ' if more else ''}{amount(evidence.count if more else shown, 'line')})"
        for at in evidence.places:
            event = self._report.events.get(at)
            if event is None:
                yield f"  {place(files, at)}"
                continue
            yield f"  {place(files, at)}  {_head(event)}"
            text = " ".join(f"{printable(name)}={_value(value)}" for name, value in event.fields.items())
            yield from textwrap.wrap(
                text,
                self._width,
                initial_indent="      ",
                subsequent_indent="      ",
                break_long_words=False,
                break_on_hyphens=False,
            )


def _hosts(evidence: Evidence) -> str:
    hosts = [printable(host, NAME_LIMIT) for host in evidence.hosts if host]
    more = f" and {len(hosts) - _HOSTS:,} more" if len(hosts) > _HOSTS else ""
    return ", ".join(hosts[:_HOSTS]) + more or "the log names none"


def _head(event: Event) -> str:
    parts = [
        "no time" if event.time is None else timestamp(event.time) or "-",
        f"host {printable(event.host, NAME_LIMIT)}" if event.host else "",
        f"trust {event.grade}",
        f"repeated {event.repeat:,} times" if event.repeat > 1 else "",
    ]
    return "  ".join(part for part in parts if part)


def _value(value: Value) -> str:
    if isinstance(value, int):
        return str(value)
    parts = value if isinstance(value, list) else [value]
    text = ",".join(printable(part, _VALUE_LIMIT) for part in parts)
    return f'"{text}"' if " " in text or not text else text
