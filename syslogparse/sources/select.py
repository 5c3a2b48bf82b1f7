"""Which logs are read: those that were named, or the defaults that exist; rotated siblings on request."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from typing import NamedTuple

from syslogparse.sources.open import DEFAULT_LOGS, STDIN, Candidate

_GENERATION = re.compile(r"\.(?P<number>\d{1,4})(?:\.[a-z0-9]{1,4})?|-(?P<date>\d{8,10})(?:\.[a-z0-9]{1,4})?", re.ASCII)
"""What logrotate(8) adds to a name: .1, .2.gz, -20261122, -20261122.gz (dateext)."""


def select_logs(named: tuple[str, ...], *, rotated: bool) -> list[Candidate]:
    """The logs to open, in order; with ``rotated`` each is preceded by its older siblings, the oldest first.

    Only a path that the user named is followed through any link.
    """
    bases = [Candidate(name, named=True) for name in named] or [
        Candidate(name, named=False) for name in DEFAULT_LOGS if os.path.lexists(name)
    ]
    if not rotated:
        return bases
    return [candidate for base in bases for candidate in (*_siblings(base.name), base)]


class _Sibling(NamedTuple):
    age: tuple[int, int]
    name: str


def _siblings(name: str) -> Iterator[Candidate]:
    if name == STDIN:
        return
    directory, base = os.path.split(name)
    try:
        entries = os.listdir(directory or ".")
    except OSError:
        return
    found = []
    for entry in entries:
        generation = _GENERATION.fullmatch(entry, len(base)) if entry.startswith(base) else None
        if generation:
            number, date = generation["number"], generation["date"]
            found.append(_Sibling((0, int(date)) if date else (1, -int(number)), os.path.join(directory, entry)))
    yield from (Candidate(sibling.name, named=False) for sibling in sorted(found))
