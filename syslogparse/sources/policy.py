"""The files of --existing, copied into memory while root. Not one of their bytes is looked at here."""

from __future__ import annotations

from collections.abc import Iterable

from syslogparse.sources.open import STDIN, Unreadable
from syslogparse.sources.regular import Refused, copy_regular

POLICY_LIMIT = 16 << 20
"""Bytes of a file: a policy of a hundred thousand rules has as many."""


def open_policies(names: Iterable[str]) -> tuple[list[tuple[str, memoryview]], list[Unreadable]]:
    """The bytes of each file by its name; what cannot be opened is returned beside. A link is followed: the user named it."""
    found: list[tuple[str, memoryview]] = []
    problems: list[Unreadable] = []
    for name in names:
        if name == STDIN:
            problems.append(Unreadable(name, "policy cannot be standard input; put it into a file and name that"))
            continue
        try:
            found.append((name, copy_regular(name, POLICY_LIMIT)))
        except Refused as refusal:
            problems.append(Unreadable(name, str(refusal)))
    return found, problems
