"""What the analyst takes from its parsers: every frame checked against the plan, every wait with a deadline.

A parser whose frame does not decode, is too large, contradicts the plan or comes too late counts as dead. What it had sent
before stays; the result is marked incomplete.
"""

from __future__ import annotations

import os
import select
import time
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise

from msgspec import structs

from syslogparse.evidence import identity
from syslogparse.evidence.fold import MAX_KEYS, Fold, Sample, Subject, Tally
from syslogparse.evidence.identity import Identities
from syslogparse.evidence.model import GRADES, MAX_REPEAT, Event, Grade, Key, Kind, Position
from syslogparse.roles import wire
from syslogparse.roles.deaths import describe
from syslogparse.roles.terms import ALL, Lie, Terms
from syslogparse.roles.terms import demand as _demand
from syslogparse.roles.totals import Totals
from syslogparse.sources.blocks import BLOCK_BYTES, Place
from syslogparse.sources.trust import Grades

DEADLINE = 10.0
"""Seconds in which a parser must send a whole frame: a block takes milliseconds, or the time that a slow disk needs for it."""
_ROUND = 0.5
"""Seconds of one wait. A round counts for twice that at most: when all of us were stopped (^Z), or stdout was, nobody is late."""
_READ = 1 << 18
_HELD = 2 << 20
"""Bytes that wait for their turn before a pipe is left alone and its parser has to wait."""
_SWELL = 16
"""How many times larger than its block the frames with a block's events may be: fields have names, numbers a fixed size."""
_ROOM = 32 << 20
"""Bytes of distinct keys that are kept, and of identities. A key takes twenty times its length by the time that it is printed as
JSON, and all of it has to fit into the analyst (``sandbox.limits``)."""
_IDENTITY_BYTES = 100
"""What one identity takes in a table."""
_SAMPLE_BYTES = 500
"""What an event that is kept takes besides its fields."""
MAX_PARTS = 1 << 17
"""Parts of a log that is read front to back, each of a block's size: more than may be unpacked."""


_PARTIAL = (wire.Type.EVENTS, wire.Type.EVIDENCE)


class Parser:
    """One parser, seen from the analyst."""

    def __init__(self, number: int, pid: int, pipe: int, places: Sequence[Place]) -> None:
        self.number = number
        self.pid = pid
        self.pipe = pipe
        self.places = places
        self.done_blocks = 0
        self.inbox = wire.Inbox()
        self.ready = False
        """The frame that holds it back until all are confined has been taken."""
        self.finished = False
        self.lost: str | None = None
        """Why it counts as dead."""
        self.silent = 0.0
        """Seconds since its last whole frame."""
        self.status: int | None = None
        """Its wait status, once its pipe has ended; frames may still wait for their turn."""
        self.events = 0
        """In its blocks."""
        self.evident = 0
        """Those of them that its evidence accounts for."""

    @property
    def ended(self) -> bool:
        """Nothing more is expected of it: it is dead, or has sent all and is gone."""
        return self.lost is not None or (self.finished and self.status is not None)

    @property
    def place(self) -> Place | None:
        """The block whose end it has to announce next."""
        return self.places[self.done_blocks] if self.done_blocks < len(self.places) else None


def speaks(pipe: int) -> bool:
    """Wait until there is something to read; False after DEADLINE."""
    poller = select.poll()
    poller.register(pipe, select.POLLIN)
    return any(poller.poll(_ROUND * 1000) for _ in range(int(DEADLINE / _ROUND)))


class Gathering:
    """Takes the frames of all parsers.

    on_event: None when evidence is folded; for the format events, called with file, line (from 1, None when a block before it
    was lost) and the event, in the order of the logs. tick: called now and then with the bytes that are done.
    """

    def __init__(
        self,
        parsers: Sequence[Parser],
        grades: Sequence[Grades],
        places: Sequence[Place],
        on_event: Callable[[int, int | None, Event], None] | None,
        tick: Callable[[int], None],
        terms: Terms = ALL,
    ) -> None:
        self._parsers = parsers
        self._grades: list[set[Grade]] = [{*log, GRADES[-1]} for log in grades]
        # A packet is never an audit record, whatever a parser says.
        packets: list[set[Grade]] = [{log.kernel, log.journal, GRADES[-1]} for log in grades]
        self._grades_of: dict[Kind, list[set[Grade]]] = {"netfilter": packets, "apparmor": self._grades, "seccomp": self._grades}
        self._owner = {place: parser for parser in parsers for place in parser.places}
        self._parts: dict[int, int] = {}
        self._turn = iter(places)
        self._current: Place | None = next(self._turn, None)
        self._on_event = on_event
        self._tick = tick
        self._terms = terms
        self._used = {grade for grade in GRADES if terms.uses(grade)}
        self._pending: list[wire.WireEvent] = []
        self._pending_bytes = 0
        self._room = self._identity_room = self._sample_room = _ROOM
        self.below = 0
        """Events of less than the least grade: they take no room from others."""
        self.totals = Totals()
        self.fold = Fold(MAX_KEYS)

    def run(self) -> None:
        """Until every parser has finished or counts as dead."""
        before = time.monotonic()
        by_pipe = {parser.pipe: parser for parser in self._parsers}
        while waiting := [parser for parser in self._parsers if not parser.ended]:
            poller = select.poll()  # made anew: one that is not listened to would report its hang-up again and again
            for parser in waiting:
                if parser.status is None and (self._may_speak(parser) or len(parser.inbox) < _HELD):
                    poller.register(parser.pipe, select.POLLIN)
            ready = poller.poll(_ROUND * 1000)
            now = time.monotonic()
            for pipe, _ in ready:
                self._hear(by_pipe[pipe])
            self._age(min(now - before, 2 * _ROUND))
            before = now
            self._take_all()
            self._expire()

    def _may_speak(self, parser: Parser) -> bool:
        """In the format events only the parser whose block is next in the order of the logs is listened to."""
        return self._on_event is None or self._current is None or self._owner[self._current] is parser

    def _hear(self, parser: Parser) -> None:
        data = os.read(parser.pipe, _READ)
        if data:
            parser.inbox.feed(data)
            return
        parser.status = os.waitpid(parser.pid, 0)[1]

    def _age(self, seconds: float) -> None:
        for parser in self._parsers:
            if self._may_speak(parser):
                parser.silent += seconds

    def _expire(self) -> None:
        for parser in self._parsers:
            if not self._may_speak(parser):
                parser.silent = 0.0  # it may have to wait for its turn
            elif not parser.ended and parser.silent > DEADLINE:
                parser.lost = f"sent nothing whole for {DEADLINE:.0f} seconds"

    def _take_all(self) -> None:
        """Take what has arrived, and pass over blocks whose parser is dead, until nothing moves."""
        moved = True
        while moved:
            before = self._current
            for parser in self._parsers:
                if self._may_speak(parser):
                    self._drain(parser)
                    self._settle(parser)
            while self._on_event and self._current is not None and self._owner[self._current].lost is not None:
                self._advance()
            moved = self._on_event is not None and self._current is not before

    def _settle(self, parser: Parser) -> None:
        """A pipe that ended without the last frame: its parser is dead."""
        if parser.status is not None and not parser.ended and not parser.finished and self._may_speak(parser):
            parser.lost = describe(parser.status)

    def _drain(self, parser: Parser) -> None:
        try:
            while parser.lost is None and self._may_speak(parser) and (frame := parser.inbox.frame()):
                self._take(parser, *frame)
                if frame[0] not in _PARTIAL or len(frame[1]) >= wire.FRAME_TARGET // 8:
                    parser.silent = 0.0  # a trickle of tiny frames is no progress
        except wire.BadFrame:
            parser.lost = "sent a frame that does not decode"
        except Lie as lie:
            parser.lost = f"sent what cannot be true: {lie}"

    def _take(self, parser: Parser, kind: wire.Type, payload: bytes) -> None:
        _demand(not parser.finished, "a frame after its last one")
        if kind is wire.Type.EVENTS:
            self._take_events(parser, wire.decode_events(payload), len(payload))
        elif kind is wire.Type.BLOCK:
            self._take_block(parser, wire.decode_block(payload))
        elif kind is wire.Type.EVIDENCE:
            self._take_evidence(parser, wire.decode_evidence(payload))
        elif kind is wire.Type.DONE:
            _demand(parser.place is None and not payload, "it ended before its last block")
            _demand(self._on_event is not None or parser.evident == parser.events, "less evidence than events")
            parser.finished = True
        else:
            _demand(kind is wire.Type.READY and not parser.ready, "a frame of the wrong type")
            parser.ready = True

    def _take_events(self, parser: Parser, frame: wire.EventsFrame, size: int) -> None:
        _demand(self._on_event is not None and parser.place is not None, "events that nobody asked for")
        _demand(bool(frame.events), "events that are none")  # who sends such frames for ever would never be late
        self._pending.extend(frame.events)
        self._pending_bytes += size
        _demand(self._pending_bytes <= _SWELL * BLOCK_BYTES, "more events than a block can hold")

    def _take_block(self, parser: Parser, frame: wire.BlockFrame) -> None:
        place = Place(frame.file, frame.block)
        _demand(parser.place == place, "a block that is not its next one")
        before = self.totals.lines.get(place, 0)
        self._check(frame, before)
        if self._on_event is not None:
            self._compare(frame, before)
        parser.done_blocks += not frame.more
        parser.events += sum(frame.events.values()) - frame.outside - frame.undated
        self.totals.block(place, frame)
        if self._on_event is not None:
            self._pass_on(place)
            if not frame.more:
                self._advance()
        self._tick(self.totals.blocks * BLOCK_BYTES)

    def _check(self, frame: wire.BlockFrame, before: int) -> None:
        """before: lines of the parts before this one, from which its lines count on."""
        # A record that reaches over many parts brings its lines with the last of them.
        blocks = 1 if frame.block else _SWELL + self._parts.get(frame.file, 0)
        _demand(before + frame.lines <= blocks * BLOCK_BYTES, "more lines than bytes")
        events = sum(frame.events.values()) - frame.repeated
        _demand(events >= 0 and frame.repeated <= events * MAX_REPEAT, "more repetitions than events")
        _demand(events + sum(frame.reasons.values()) <= frame.lines, "more events than lines")
        _demand(sum(frame.events.values()) == sum(frame.trust.values()), "sums that differ")
        self._terms.check_unused(frame)
        _demand(set(frame.trust) <= self._grades[frame.file], "a grade that the log has not")
        of_packets = sum(frame.trust.get(grade, 0) for grade in self._grades_of["netfilter"][frame.file])
        _demand(frame.events.get("netfilter", 0) <= of_packets, "a grade that the log has not")
        _demand(all(0 <= line - before < frame.lines for line, _ in frame.undecoded), "a line outside of its block")
        if frame.more:
            _demand(frame.block == 0, "parts of a block that has none")
            self._parts[frame.file] = self._parts.get(frame.file, 0) + 1
            _demand(self._parts[frame.file] <= MAX_PARTS, "more parts than a log can have")

    def _compare(self, frame: wire.BlockFrame, before: int) -> None:
        """What was announced with what has come: a line gives one event at most, in order."""
        used = sum(frame.events.values()) - frame.outside - frame.undated
        _demand(sum(event.repeat for event in self._pending) == used, "events that it has not counted")
        for event in self._pending if self._terms.period.bounded else ():
            self._terms.check_time(event.time)
        lines = [event.line - before for event in self._pending]
        _demand(all(one < other for one, other in pairwise((-1, *lines, frame.lines))), "an event outside of its block")
        grades = self._grades_of
        _demand(all(event.grade in grades[event.kind][frame.file] for event in self._pending), "a grade that the log has not")
        for sums, said in ((frame.trust, "grade"), (frame.events, "kind")):
            told = dict.fromkeys(sums, 0)
            for event in self._pending:
                told[getattr(event, said)] = told.get(getattr(event, said), 0) + event.repeat
            pairs = zip(told.values(), sums.values(), strict=False)
            _demand(len(told) == len(sums) and all(one <= most for one, most in pairs), "events that it has not counted")

    def _pass_on(self, place: Place) -> None:
        base = self.totals.lines_before(place)
        for event in self._pending:
            line = None if base is None else base + event.line + 1
            if self._on_event is not None:
                self._on_event(
                    place.file, line, Event(event.kind, event.time, event.host, event.grade, dict(event.fields), event.repeat)
                )
        self._pending = []
        self._pending_bytes = 0

    def _advance(self) -> None:
        self._current = next(self._turn, None)
        self._pending = []
        self._pending_bytes = 0

    def _take_evidence(self, parser: Parser, frame: wire.EvidenceFrame) -> None:
        _demand(self._on_event is None, "evidence that nobody asked for")
        _demand(bool(frame.netfilter or frame.apparmor or frame.seccomp), "evidence that is none")
        for kind, entry, key in _entries(frame):
            first, last = Place(entry.file, entry.first[0]), Place(entry.file, entry.last[0])
            shown = [(Place(entry.file, sample.block), sample.line) for sample in entry.samples]
            for place, line in ((first, entry.first[1]), (last, entry.last[1]), *shown):
                _demand(
                    self._owner.get(place) is parser and line < self.totals.lines.get(place, 0), "a line that it has not read"
                )
            _demand(entry.grade in self._grades_of[kind][entry.file], "a grade that the log has not")
            parser.evident += entry.count
            _demand(parser.evident <= parser.events, "more evidence than events")
            _demand(entry.named <= entry.count, "more of its lines than all")
            self._terms.check_entry(entry)
            tally = Tally(
                entry.count,
                Position(*first, entry.first[1]),
                entry.first_time,
                Position(*last, entry.last[1]),
                entry.last_time,
                entry.named,
            )
            subject = Subject(entry.file, entry.host, entry.grade, kind, key)
            identities = _identities(entry)
            if entry.grade not in self._used:
                self.below += tally.count
                continue
            self._fold(subject, tally, identities)
            self._keep_samples(subject, entry.samples)

    def _keep_samples(self, subject: Subject, samples: Sequence[wire.WireSample]) -> None:
        for one in samples:
            size = len(one.fields) + _SAMPLE_BYTES
            if size <= self._sample_room:
                sample = Sample(Position(subject.file, one.block, one.line), one.time, one.repeat, one.fields)
                before = self._shown_of(subject)
                self.fold.show(subject, [sample])  # it may take the place of a smaller one
                self._sample_room -= self._shown_of(subject) - before

    def _fold(self, subject: Subject, tally: Tally, identities: Identities) -> None:
        if subject not in self.fold.tallies:
            size = len(subject.host) + sum(map(len, subject.key))
            if size > self._room:
                self.fold.overflow += tally.count
                return
            self._room -= size
        if _IDENTITY_BYTES * len(identities) > self._identity_room:
            tally, identities = structs.replace(tally, named=0), {}  # each line counts as one of its own
        before = self._held_of(subject)
        self.fold.add(subject, tally, identities)
        self._identity_room -= _IDENTITY_BYTES * (self._held_of(subject) - before)

    def _shown_of(self, subject: Subject) -> int:
        return sum(len(one.fields) + _SAMPLE_BYTES for one in self.fold.samples.get(subject, ()))

    def _held_of(self, subject: Subject) -> int:
        return len(self.fold.identities.get(subject, ()))


def _entries(frame: wire.EvidenceFrame) -> Iterator[tuple[Kind, wire.Entry, Key]]:
    yield from (("netfilter", entry, key) for entry, key in frame.netfilter)
    yield from (("apparmor", entry, key) for entry, key in frame.apparmor)
    yield from (("seccomp", entry, key) for entry, key in frame.seccomp)


def _identities(entry: wire.Entry) -> Identities:
    try:
        known = identity.unpack(entry.identities)
    except ValueError:
        raise Lie("identities that are none") from None
    _demand(sum(known.values()) <= entry.named, "more identities than lines")
    return known
