"""A report's suggestions in the order of print: by language, below that by profile or executable.

What the formats share, so that text, rules and JSON cannot tell different stories.
"""

from __future__ import annotations

from typing import NamedTuple

from syslogparse.evidence.model import Evidence
from syslogparse.languages import render as languages
from syslogparse.report import timefmt
from syslogparse.report.escape import printable
from syslogparse.report.model import Report
from syslogparse.rules.model import Rule, Suggestion, SyscallRule

NAME_LIMIT = 200
"""Longest file, profile or executable name in the formats for people, in characters."""

HOST_LIMIT = 64
_HOSTS = 3


class Item(NamedTuple):
    """A suggestion with its rule as text."""

    rule: str
    suggestion: Suggestion


class Group(NamedTuple):
    """Suggestions that belong together. name: profile or executable as the log has it; None where the language knows neither."""

    name: bytes | None
    items: list[Item]


class Section(NamedTuple):
    """One language. total, lines: suggestions and log lines behind them, those left out included."""

    language: str
    groups: list[Group]
    total: int
    lines: int

    @property
    def left_out(self) -> int:
        """Suggestions beyond the wanted number."""
        return self.total - sum(len(group.items) for group in self.groups)

    @property
    def what(self) -> str:
        """What the groups of this language are: a profile, an executable, or nothing."""
        return {"apparmor": "profile", "seccomp": "executable"}.get(self.language, "")


def owner(suggestion: Suggestion) -> bytes | None:
    """The profile or executable that the rule is for."""
    rule = suggestion.rule
    return rule.exe if isinstance(rule, SyscallRule) else suggestion.profile


def _groups(suggestions: list[Suggestion]) -> list[Group]:
    groups: dict[bytes | None, list[Item]] = {}
    for suggestion in suggestions:
        groups.setdefault(owner(suggestion), []).append(Item(languages.render(suggestion.rule), suggestion))
    return [Group(name, items) for name, items in groups.items()]


def sections(report: Report, max_rules: int | None = None) -> list[Section]:
    """The suggestions by language and owner, in the order of the advice. max_rules: at most so many per language."""
    by_language: dict[str, list[Suggestion]] = {}
    for suggestion in report.advice.suggestions:
        by_language.setdefault(languages.language(suggestion.rule), []).append(suggestion)
    return [
        Section(language, _groups(suggestions[:max_rules]), len(suggestions), sum(each.evidence.count for each in suggestions))
        for language, suggestions in by_language.items()
    ]


def rendered(rule: Rule) -> str:
    """A rule, an alternative too, in its language."""
    return languages.render(rule)


def place(files: tuple[str, ...], at: tuple[int, int]) -> str:
    """``file:line`` for people; a file that the report does not know (which only a lying parser names) is a question mark."""
    index, line = at
    name = printable(files[index], NAME_LIMIT) if 0 <= index < len(files) else "?"
    return f"{name}:{line}"


def hosts(evidence: Evidence) -> str:
    """The first hosts for people; empty when the log names none."""
    names = [printable(host, HOST_LIMIT) for host in evidence.hosts[:_HOSTS] if host]
    more = len(evidence.hosts) - _HOSTS
    return ", ".join(names) + (f" and {more} more" if more > 0 else "")


def amount(number: int, noun: str) -> str:
    """``1 line``, ``1,204 lines``."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def seen(evidence: Evidence) -> str:
    """From when to when, UTC; empty when no line says."""
    text = timefmt.span(evidence.first, evidence.last)
    return f"{text} UTC" if text else ""
