"""A report's suggestions in the order of print: by language, below that by profile or executable.

What the formats share, so that text, rules and JSON cannot tell different stories.
"""

from __future__ import annotations

import heapq
from collections.abc import Container, Iterable, Iterator, Mapping
from typing import NamedTuple

from syslogparse.evidence.model import Evidence
from syslogparse.languages import render as languages
from syslogparse.languages.render import Firewall, Language
from syslogparse.report import timefmt
from syslogparse.report.escape import is_plain, printable
from syslogparse.report.model import Report
from syslogparse.rules.apparmor_model import FileRule
from syslogparse.rules.model import FirewallRule, Rule, Suggestion, SyscallRule

NAME_LIMIT = 200
"""Longest file, profile or executable name in the formats for people, in characters."""

HOST_LIMIT = 64
_HOSTS = 3


class Item(NamedTuple):
    """A suggestion with its rule as text. rule: the one line that says it best. lines: all that it takes.

    sound: whether all of that text passes its language's grammar and hides nothing. after: the block that the rule is of no
    use without, where no group is that block; below: where one is.
    """

    rule: str
    sound: bool
    suggestion: Suggestion
    after: tuple[str, ...] = ()
    lines: tuple[str, ...] = ()
    below: bool = False

    @property
    def stands_open(self) -> bool:
        """Whether the rule may be pasted as it is. Others are comments until somebody removes the mark."""
        return self.sound and self.suggestion.risk not in ("high", "critical")


def _item(suggestion: Suggestion, firewall: Firewall, children: Mapping[bytes, str], named: Container[bytes]) -> Item:
    lines = languages.lines(suggestion.rule, firewall)
    child = _child(suggestion)
    after = (children[child], _EMPTY, "}") if child is not None and child not in named else ()
    sound = are_sound(languages.language(suggestion.rule, firewall), lines)
    return Item(languages.main(suggestion.rule, firewall), sound, suggestion, after, lines, child is not None and not after)


_EMPTY = "  # Nothing is known of what it needs: until rules stand here, it is denied everything."


def _child(suggestion: Suggestion) -> bytes | None:
    """The child profile that the rule enters; None where it enters none."""
    rule = suggestion.rule
    if not isinstance(rule, FileRule) or rule.execute != "Cx":
        return None
    return (suggestion.profile or b"") + b"//" + rule.path


def is_sound(language: Language, line: str) -> bool:
    """Whether ``line`` passes its language's grammar and reads as what it is."""
    return is_plain(line) and languages.check(language, line)


def are_sound(language: Language, lines: Iterable[str]) -> bool:
    """Whether each of the lines is."""
    return all(is_sound(language, line) for line in lines)


class Group(NamedTuple):
    """Suggestions that belong together. name: profile or executable as the log has it; None where the language knows neither.

    block: the head of the block that the rules need around them: of a child profile that a rule (Cx) of its parent enters.
    closed: whether that rule does not stand open, so that nothing would enter the block.
    """

    name: bytes | None
    items: list[Item]
    block: str = ""
    closed: bool = False


class Section(NamedTuple):
    """One language. total, lines: suggestions and log lines behind them, those left out included."""

    language: Language
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


def _groups(suggestions: list[Suggestion], firewall: Firewall) -> list[Group]:
    named = {owner(suggestion) or b"" for suggestion in suggestions}
    children = {
        child: languages.block(suggestion.rule.path)
        for suggestion in suggestions
        if isinstance(suggestion.rule, FileRule) and (child := _child(suggestion)) is not None
    }
    groups: dict[bytes | None, list[Item]] = {}
    entering: dict[bytes | None, Item] = {}
    for suggestion in suggestions:
        item = _item(suggestion, firewall, children, named)
        groups.setdefault(owner(suggestion), []).append(item)
        if item.below:
            entering[_child(suggestion)] = item
    return list(_in_families(groups, entering, children))


def _in_families(
    groups: dict[bytes | None, list[Item]], entering: Mapping[bytes | None, Item], blocks: Mapping[bytes, str]
) -> Iterator[Group]:
    """The groups with child profiles right behind their parents. entering: the rule that enters a child."""
    children: dict[bytes | None, list[bytes | None]] = {}
    for name in groups:
        if name in entering:
            children.setdefault(owner(entering[name].suggestion), []).append(name)
    waiting = [(name, False) for name in reversed(groups) if name not in entering]
    while waiting:
        name, closed = waiting.pop()
        yield Group(name, groups[name], blocks.get(name or b"", ""), closed)
        waiting += [(child, closed or not entering[child].stands_open) for child in reversed(children.get(name, []))]


def _foremost(suggestions: list[Suggestion], number: int | None) -> list[Suggestion]:
    """The ``number`` suggestions with the most lines behind them, in the order that they had."""
    if number is None or len(suggestions) <= number:
        return suggestions
    lines = [suggestion.evidence.count for suggestion in suggestions]
    kept = heapq.nlargest(number, range(len(suggestions)), key=lines.__getitem__)
    return [suggestions[index] for index in sorted(kept)]


def sections(report: Report, max_rules: int | None = None) -> list[Section]:
    """The suggestions by language and owner, in the order of the advice.

    max_rules: of each language only so many, those with the most lines behind them.
    """
    by_language: dict[Language, list[Suggestion]] = {}
    for suggestion in report.advice.suggestions:
        by_language.setdefault(languages.language(suggestion.rule, report.firewall), []).append(suggestion)
    return [
        Section(
            language,
            _groups(_foremost(suggestions, max_rules), report.firewall),
            len(suggestions),
            sum(each.evidence.count for each in suggestions),
        )
        for language, suggestions in by_language.items()
    ]


def rendered(rule: Rule, firewall: Firewall) -> str:
    """A rule, an alternative too, in its language, on one line for people."""
    return languages.main(rule, firewall)


def many(rule: Rule) -> str:
    """``1,204 sources`` where a firewall rule has several, which its one line may not all name; otherwise empty.

    With networks among them, nobody knows of how many sources the log told: ``37 addresses and networks``.
    """
    if not isinstance(rule, FirewallRule) or len(rule.sources) < 2:
        return ""
    networks = any("/" in source for source in rule.sources)
    return f"{len(rule.sources):,} {'addresses and networks' if networks else 'sources'}"


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
