"""Events folded by what a rule can say: counted, with the first and the last of each log.

Folding is associative and commutative: parts of a log, logs and machines merge in any order to the same result, as long as
it is complete. It is bounded: past the cap, new keys are only counted, as overflow.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

import msgspec

from syslogparse.evidence.model import Evidence, Grade, Key, Kind, Position

MAX_KEYS = 100_000
"""Distinct keys that one process keeps: about 100 MB. More than a person reads, and more than a rule set should hold."""
MAX_PLACES = 5


class Subject(NamedTuple):
    """What is counted: a key, and the log, host and grade that it was seen with."""

    file: int
    host: bytes
    grade: Grade
    kind: Kind
    key: Key


class Tally(msgspec.Struct, frozen=True):
    """How often, and the earliest and latest line with its time (microseconds since the epoch)."""

    count: int
    first: Position
    first_time: int | None
    last: Position
    last_time: int | None

    def plus(self, other: Tally) -> Tally:
        """Both together."""
        early = self if self.first <= other.first else other
        late = self if self.last >= other.last else other
        return Tally(self.count + other.count, early.first, early.first_time, late.last, late.last_time)


class Fold:
    """Tallies by subject."""

    def __init__(self, max_keys: int = MAX_KEYS) -> None:
        self.tallies: dict[Subject, Tally] = {}
        self.overflow = 0
        """Events whose key came after the cap."""
        self._max_keys = max_keys

    def add(self, subject: Subject, tally: Tally) -> None:
        """Count a subject."""
        known = self.tallies.get(subject)
        if known is not None:
            self.tallies[subject] = known.plus(tally)
        elif len(self.tallies) < self._max_keys:
            self.tallies[subject] = tally
        else:
            self.overflow += tally.count

    def span(self) -> tuple[int | None, int | None]:
        """The earliest first and the latest last time of all subjects."""
        firsts = [tally.first_time for tally in self.tallies.values() if tally.first_time is not None]
        lasts = [tally.last_time for tally in self.tallies.values() if tally.last_time is not None]
        return min(firsts, default=None), max(lasts, default=None)

    def evidence(self, first_lines: Mapping[tuple[int, int], int]) -> list[Evidence]:
        """Equal keys of all logs and hosts as one, with line numbers from 1, in no particular order.

        first_lines: by file and block, how many lines stand before it in its file; one that is not there (a block before it
        was lost) gives no place.
        """
        groups: dict[tuple[Kind, Key], list[tuple[Subject, Tally]]] = {}
        for subject, tally in self.tallies.items():
            groups.setdefault((subject.kind, subject.key), []).append((subject, tally))
        return [_evidence(kind, key, parts, first_lines) for (kind, key), parts in groups.items()]


def _evidence(kind: Kind, key: Key, parts: list[tuple[Subject, Tally]], first_lines: Mapping[tuple[int, int], int]) -> Evidence:
    grades: dict[Grade, int] = {}
    for subject, tally in parts:
        grades[subject.grade] = grades.get(subject.grade, 0) + tally.count
    places = {position for _, tally in parts for position in (tally.first, tally.last)}
    count = sum(tally.count for _, tally in parts)
    return Evidence(
        kind=kind,
        key=key,
        count=count,
        attempts=count,
        first=min(_times(parts), default=None),
        last=max(_times(parts), default=None),
        hosts=tuple(sorted({subject.host for subject, _ in parts if subject.host})),
        grades=grades,
        places=tuple(sorted(_lines(places, first_lines))[:MAX_PLACES]),
    )


def _lines(places: Iterable[Position], first_lines: Mapping[tuple[int, int], int]) -> Iterator[tuple[int, int]]:
    """File and line from 1; nothing for a place behind a block that was lost, since nobody counted the lines before it."""
    for place in places:
        before = first_lines.get((place.file, place.block))
        if before is not None:
            yield place.file, before + place.line + 1


def _times(parts: list[tuple[Subject, Tally]]) -> Iterator[int]:
    for _, tally in parts:
        yield from (time for time in (tally.first_time, tally.last_time) if time is not None)
