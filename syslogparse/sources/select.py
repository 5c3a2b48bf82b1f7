"""Which logs are read: those that were named, or the defaults that exist; rotated siblings on request.

A directory stands for the journal files in it; without any text log the system's journal is read.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from typing import NamedTuple

from syslogparse.sources.open import DEFAULT_LOGS, STDIN, Candidate

_GENERATION = re.compile(r"\.(?P<number>\d{1,4})(?:\.[a-z0-9]{1,4})?|-(?P<date>\d{8,10})(?:\.[a-z0-9]{1,4})?", re.ASCII)
"""What logrotate(8) adds to a name: .1, .2.gz, -20261122, -20261122.gz (dateext)."""

JOURNALS = ("/var/log/journal", "/run/log/journal")
"""Where journald keeps its files (systemd-journald.service(8)); read where there is no text log."""
_ACTIVE = "system.journal"
_JOURNAL = re.compile(r"system(?:@[0-9a-f~-]{1,80})?\.journal~?", re.ASCII)
"""The active system journal, and the archived ones: system@SERIES-SEQUENCE-TIME.journal (journald's naming)."""


def select_logs(named: tuple[str, ...], *, rotated: bool) -> list[Candidate]:
    """The logs to open, in order; with ``rotated`` each is preceded by its older siblings, the oldest first.

    Only a path that the user named is followed through any link.
    """
    bases = [candidate for name in named for candidate in _expanded(name)] or _defaults()
    if not rotated:
        return bases
    # A journal that a directory stands for is there already.
    whole = [candidate for base in bases for candidate in (*_siblings(base), base)]
    return list(dict.fromkeys(whole))


def _defaults() -> list[Candidate]:
    logs = [Candidate(name, named=False) for name in DEFAULT_LOGS if os.path.lexists(name)]
    journals = (_journals(directory, archived=False) for directory in JOURNALS)
    return logs or next((found for found in journals if found), [])


def _expanded(name: str) -> list[Candidate]:
    """A directory stands for the system journals in it, or in its machines' directories; what the kernel says is in no other."""
    is_folder = name != STDIN and os.path.isdir(name)
    return (_journals(name, archived=True) if is_folder else []) or [Candidate(name, named=True)]


def _journals(directory: str, *, archived: bool) -> list[Candidate]:
    found = []
    for folder in (directory, *(os.path.join(directory, machine) for machine in sorted(_entries(directory)))):
        names = sorted(entry for entry in _entries(folder) if _JOURNAL.fullmatch(entry))
        # system@SEQUENCE.journal sorts before system.journal: the oldest first, the one that is written to last
        names.sort(key=lambda name: name == _ACTIVE)
        paths = [os.path.join(folder, name) for name in names if archived or name == _ACTIVE]
        found += [Candidate(path, named=False, in_chosen=folder != directory) for path in paths]
    return found


def _entries(directory: str) -> list[str]:
    try:
        return os.listdir(directory or ".")
    except OSError:
        return []


class _Sibling(NamedTuple):
    age: tuple[int, int]
    name: str


def _siblings(of: Candidate) -> Iterator[Candidate]:
    name = of.name
    if name == STDIN:
        return
    directory, base = os.path.split(name)
    if base == _ACTIVE:
        archived = sorted(entry for entry in _entries(directory) if _JOURNAL.fullmatch(entry) and entry != _ACTIVE)
        yield from (Candidate(os.path.join(directory, entry), named=False, in_chosen=of.in_chosen) for entry in archived)
        return
    found = []
    for entry in _entries(directory):
        generation = _GENERATION.fullmatch(entry, len(base)) if entry.startswith(base) else None
        if generation:
            number, date = generation["number"], generation["date"]
            found.append(_Sibling((0, int(date)) if date else (1, -int(number)), os.path.join(directory, entry)))
    yield from (Candidate(sibling.name, named=False) for sibling in sorted(found))
