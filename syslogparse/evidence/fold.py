"""Events folded by what a rule can say: counted, with the first and the last of each log.

Folding is associative and commutative: parts of a log, logs and machines merge in any order to the same result, as long as
it is complete. It is bounded: past the cap, new keys are only counted, as overflow. What several lines tell of the same event or
attempt (``identity``) is found when all parts are together.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple, TypeAlias

import msgspec

from syslogparse.evidence import identity
from syslogparse.evidence.identity import Identities
from syslogparse.evidence.model import GRADES, Evidence, Grade, Key, Kind, Position

MAX_KEYS = 100_000
"""Distinct keys that one process keeps: about 100 MB. More than a person reads, and more than a rule set should hold."""
MAX_PLACES = 5
MAX_SAMPLES = 20
"""Events of a subject that are kept for who wants to see them, the earliest."""
NONE: Mapping[bytes, int] = {}


class Subject(NamedTuple):
    """What is counted: a key, and the log, host and grade that it was seen with."""

    file: int
    host: bytes
    grade: Grade
    kind: Kind
    key: Key


class Tally(msgspec.Struct, frozen=True):
    """How often, and the earliest and latest line with its time (microseconds since the epoch). named: with an identity."""

    count: int
    first: Position
    first_time: int | None
    last: Position
    last_time: int | None
    named: int = 0

    def plus(self, other: Tally) -> Tally:
        """Both together."""
        early = self if self.first <= other.first else other
        late = self if self.last >= other.last else other
        named = self.named + other.named
        return Tally(self.count + other.count, early.first, early.first_time, late.last, late.last_time, named)


class Sample(NamedTuple):
    """An event behind a tally. fields: packed by the caller."""

    position: Position
    time: int | None
    repeat: int
    fields: bytes


_Parts: TypeAlias = list[tuple[Subject, Tally]]


class Fold:
    """Tallies by subject."""

    def __init__(self, max_keys: int = MAX_KEYS) -> None:
        self.tallies: dict[Subject, Tally] = {}
        self.identities: dict[Subject, Identities] = {}
        """Of each subject that has some."""
        self.samples: dict[Subject, list[Sample]] = {}
        """The first events of each subject, where they are asked for."""
        self.held = 0
        """Keys and identities that came in; those that went again are in it."""
        self.overflow = 0
        """Events whose key came after the cap."""
        self._max_keys = max_keys

    def add(self, subject: Subject, tally: Tally, identities: Mapping[bytes, int] = NONE) -> None:
        """Count a subject. identities: of ``tally.named`` of its lines."""
        known = self.tallies.get(subject)
        if known is not None:
            self.tallies[subject] = known.plus(tally)
        elif len(self.tallies) < self._max_keys:
            self.tallies[subject] = tally
            self.held += 1
        else:
            self.overflow += tally.count
            return
        if identities:
            mine = self.identities.setdefault(subject, {})
            self.held += sum(one not in mine for one in identities)
            identity.add(mine, identities)

    def show(self, subject: Subject, samples: Iterable[Sample]) -> int:
        """Keep events of a subject that was counted: the earliest, whoever is first. How many there are more than before."""
        if subject not in self.tallies:
            return 0
        known = self.samples.setdefault(subject, [])
        before = len(known)
        for sample in samples:
            if before < MAX_SAMPLES or sample.position < known[-1].position:
                known.append(sample)
                known.sort(key=_position)
                del known[MAX_SAMPLES:]
        self.held += len(known) - before
        return len(known) - before

    def clear(self) -> None:
        """Forget all subjects."""
        self.tallies.clear()
        self.identities.clear()
        self.samples.clear()
        self.held = 0

    def drop(self, subject: Subject) -> int:
        """Forget a subject. How many lines it had."""
        self.identities.pop(subject, None)
        self.samples.pop(subject, None)
        return self.tallies.pop(subject).count

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
        groups: dict[tuple[Kind, Key], _Parts] = {}
        for subject, tally in self.tallies.items():
            groups.setdefault((subject.kind, subject.key), []).append((subject, tally))
        return [self._evidence(kind, key, parts, first_lines) for (kind, key), parts in groups.items()]

    def _evidence(self, kind: Kind, key: Key, parts: _Parts, first_lines: Mapping[tuple[int, int], int]) -> Evidence:
        known, grades = self._union(parts), self._grades(parts)
        places = {position for _, tally in parts for position in (tally.first, tally.last)}
        most = MAX_PLACES
        if self.samples:
            places |= {sample.position for subject, _ in parts for sample in self.samples.get(subject, ())}
            most = MAX_SAMPLES
        lines, named = _lines_of(parts)
        if kind == "netfilter":
            count, attempts = lines, lines - named + identity.attempts(named, known)
        else:
            count = attempts = lines - named + identity.events(named, known)
        hosts = [subject.host for subject, _ in parts if subject.host]
        # Whoever repeats what a stronger grade has told may have invented the name of a host, but nothing else.
        hosts = [subject.host for subject, _ in parts if subject.host and subject.grade in grades] or hosts
        times = _times(parts)
        return Evidence(
            kind=kind,
            key=key,
            count=count,
            attempts=attempts,
            first=min(times, default=None),
            last=max(times, default=None),
            hosts=tuple(sorted(set(hosts))),
            grades=grades,
            places=tuple(sorted(_positions(places, first_lines))[:most]),
            named=named,
            identities=dict(sorted(known.items())),
            most_places=most,
        )

    def _union(self, parts: _Parts) -> Identities:
        if len(parts) == 1:
            known = self.identities.get(parts[0][0], {})
            if len(known) <= identity.MAX_KEPT:
                return known
        known = {}
        for subject, _ in parts:
            identity.add(known, self.identities.get(subject, NONE))
        identity.trim(known)
        return known

    def _grades(self, parts: _Parts) -> dict[Grade, int]:
        """Lines of each grade, but for those that only repeat what a stronger grade has told: they need not be believed."""
        if len(parts) == 1:
            return {parts[0][0].grade: parts[0][1].count}
        grades: dict[Grade, int] = {}
        told: Identities = {}
        for grade in GRADES:
            mine = [(subject, tally) for subject, tally in parts if subject.grade == grade]
            lines, _ = _lines_of(mine)
            if lines and not self._repeats(mine, told):
                grades[grade] = lines
            identity.add(told, self._union(mine))
        return grades

    def _repeats(self, parts: _Parts, told: Identities) -> bool:
        """Whether no log of these says more than was told already: nothing new, and no packet more often."""
        logs: dict[int, _Parts] = {}
        for subject, tally in parts:
            logs.setdefault(subject.file, []).append((subject, tally))
        for mine in logs.values():
            known = self._union(mine)
            if sum(known.values()) != _lines_of(mine)[0] or not known.keys() <= told.keys():
                return False
            if mine[0][0].kind == "netfilter" and any(lines > told[one] for one, lines in known.items()):
                return False
        return True


def _position(sample: Sample) -> Position:
    return sample.position


def _lines_of(parts: _Parts) -> tuple[int, int]:
    """How many lines, and how many of them have an identity."""
    return sum(tally.count for _, tally in parts), sum(tally.named for _, tally in parts)


def _positions(places: Iterable[Position], first_lines: Mapping[tuple[int, int], int]) -> Iterator[tuple[int, int]]:
    """File and line from 1; nothing for a place behind a block that was lost, since nobody counted the lines before it."""
    for place in places:
        before = first_lines.get((place.file, place.block))
        if before is not None:
            yield place.file, before + place.line + 1


def _times(parts: _Parts) -> list[int]:
    return [time for _, tally in parts for time in (tally.first_time, tally.last_time) if time is not None]
