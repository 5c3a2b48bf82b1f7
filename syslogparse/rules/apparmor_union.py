"""Rules for the same unix sockets, or the same signals' peer, become one rule that grants neither more nor less."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple, TypeAlias

from msgspec.structs import replace

from syslogparse.evidence.model import Evidence
from syslogparse.rules.apparmor_model import AppArmorRule, DbusRule, SignalRule, UnixRule
from syslogparse.rules.apparmor_names import address, object_path
from syslogparse.rules.apparmor_profile import Home

Joining: TypeAlias = UnixRule | SignalRule
"""What is joined."""


def generalised(rule: AppArmorRule) -> AppArmorRule:
    """``rule`` for every name that the one in it stands for, by the table of apparmor_names.py."""
    if isinstance(rule, UnixRule):
        here, there = address(rule.addr), address(rule.peer_addr)
        rule = replace(rule, addr=b"", addr_pattern=here) if here else rule
        return replace(rule, peer_addr=b"", peer_pattern=there) if there else rule
    if isinstance(rule, DbusRule) and (parts := object_path(rule.path)):
        return replace(rule, path=b"", path_pattern=parts)
    return rule


class Joined(NamedTuple):
    """One rule, and what it rests on. said: the rules of the single records, which name one thing each."""

    rule: Joining
    homes: Sequence[Home]
    items: Sequence[Evidence]
    said: Sequence[AppArmorRule]


class Union:
    """Collects the rules of a log."""

    def __init__(self) -> None:
        self._found: dict[tuple[bytes, Joining], list[tuple[Joining, AppArmorRule, Home, Evidence]]] = {}

    def add(self, rule: Joining, said: AppArmorRule, home: Home, item: Evidence) -> None:
        """Take a record. said: its rule before it was generalised."""
        alike = replace(rule, access=()) if isinstance(rule, UnixRule) else replace(rule, signals=())
        self._found.setdefault((home.profile, alike), []).append((rule, said, home, item))

    def joined(self) -> Iterator[Joined]:
        """One for each profile and kind of socket or peer."""
        for (_, alike), found in self._found.items():
            words = {word for rule, _, _, _ in found for word in _words(rule)}
            rule = _with(alike, tuple(sorted(words)))
            said = list(dict.fromkeys(said for _, said, _, _ in found))
            yield Joined(rule, [home for _, _, home, _ in found], [item for _, _, _, item in found], said)


def _words(rule: Joining) -> tuple[str, ...]:
    return rule.access if isinstance(rule, UnixRule) else rule.signals


def _with(rule: Joining, words: tuple[str, ...]) -> Joining:
    return replace(rule, access=words) if isinstance(rule, UnixRule) else replace(rule, signals=words)
