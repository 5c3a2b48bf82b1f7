"""What the analyst takes from its parsers: every frame checked against the plan, every wait with a deadline.

A parser whose frame does not decode, is too large, contradicts the plan or comes too late counts as dead. What it had sent
before stays; the result is marked incomplete.
"""

from __future__ import annotations

import os
import select
import time
from collections.abc import Callable, Iterator, Sequence

import msgspec

from syslogparse.evidence.fold import MAX_KEYS, Fold, Subject, Tally
from syslogparse.evidence.model import GRADES, Event, Grade, Key, Kind, Position
from syslogparse.roles import wire
from syslogparse.roles.deaths import describe
from syslogparse.roles.totals import Totals
from syslogparse.sources.blocks import BLOCK_BYTES, Place
from syslogparse.sources.trust import Grades

DEADLINE = 10.0
"""Seconds in which a parser must send something: a block takes milliseconds, or the time that a slow disk needs for it."""
_READ = 1 << 18
_HELD = 2 << 20
"""Bytes that wait for their turn before a pipe is left alone and its parser has to wait."""


class Lie(Exception):
    """A frame that decodes and cannot be true."""


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
        self.heard = 0.0
        self.status: int | None = None
        """Its wait status, once its pipe has ended; frames may still wait for their turn."""

    @property
    def ended(self) -> bool:
        """Nothing more is expected of it."""
        return self.finished or self.lost is not None

    @property
    def place(self) -> Place | None:
        """The block whose end it has to announce next."""
        return self.places[self.done_blocks] if self.done_blocks < len(self.places) else None


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
    ) -> None:
        self._parsers = parsers
        self._grades: list[set[Grade]] = [{*pair, GRADES[-1]} for pair in grades]
        self._files = {place.file for place in places}
        self._owner = {place: parsers[index % len(parsers)] for index, place in enumerate(places)}
        self._turn = iter(places)
        self._current: Place | None = next(self._turn, None)
        self._on_event = on_event
        self._tick = tick
        self._pending: list[wire.WireEvent] = []
        self._events_seen = 0
        self.totals = Totals()
        self.fold = Fold(MAX_KEYS)

    def run(self) -> None:
        """Until every parser has finished or counts as dead."""
        started = time.monotonic()
        for parser in self._parsers:
            parser.heard = started
        by_pipe = {parser.pipe: parser for parser in self._parsers}
        while waiting := [parser for parser in self._parsers if not parser.ended]:
            listening = [parser for parser in waiting if parser.status is None and len(parser.inbox) < _HELD]
            poller = select.poll()  # made anew: one that is not listened to would report its hang-up again and again
            for parser in listening:
                poller.register(parser.pipe, select.POLLIN)
            ready = poller.poll(500)
            now = time.monotonic()
            for pipe, _ in ready:
                self._hear(by_pipe[pipe], now)
            self._take_all()
            self._expire(now)

    def _may_speak(self, parser: Parser) -> bool:
        """In the format events only the parser whose block is next in the order of the logs is listened to."""
        return self._on_event is None or self._current is None or self._owner[self._current] is parser

    def _hear(self, parser: Parser, now: float) -> None:
        data = os.read(parser.pipe, _READ)
        parser.heard = now
        if data:
            parser.inbox.feed(data)
            return
        parser.status = os.waitpid(parser.pid, 0)[1]

    def _expire(self, now: float) -> None:
        for parser in self._parsers:
            if not self._may_speak(parser):
                parser.heard = now  # it may have to wait for its turn
            elif not parser.ended and now - parser.heard > DEADLINE:
                parser.lost = f"sent nothing for {DEADLINE:.0f} seconds"

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
        if parser.status is not None and not parser.ended and self._may_speak(parser):
            parser.lost = describe(parser.status)

    def _drain(self, parser: Parser) -> None:
        try:
            while not parser.ended and self._may_speak(parser) and (frame := parser.inbox.frame()):
                self._take(parser, *frame)
        except (wire.BadFrame, msgspec.DecodeError, UnicodeDecodeError):
            parser.lost = "sent a frame that does not decode"
        except Lie as lie:
            parser.lost = f"sent what cannot be true: {lie}"

    def _take(self, parser: Parser, kind: wire.Type, payload: bytes) -> None:
        if kind is wire.Type.EVENTS:
            self._take_events(parser, wire.decode_events(payload))
        elif kind is wire.Type.BLOCK:
            self._take_block(parser, wire.decode_block(payload))
        elif kind is wire.Type.EVIDENCE:
            self._take_evidence(parser, wire.decode_evidence(payload))
        elif kind is wire.Type.DONE:
            _demand(parser.place is None and not payload, "it ended before its last block")
            parser.finished = True
        else:
            _demand(kind is wire.Type.READY and not parser.ready, "a frame of the wrong type")
            parser.ready = True

    def _take_events(self, parser: Parser, frame: wire.EventsFrame) -> None:
        _demand(self._on_event is not None and parser.place is not None, "events that nobody asked for")
        self._pending.extend(frame.events)
        _demand(len(self._pending) <= BLOCK_BYTES, "more events than a block has bytes")

    def _take_block(self, parser: Parser, frame: wire.BlockFrame) -> None:
        place = Place(frame.file, frame.block)
        _demand(parser.place == place, "a block that is not its next one")
        _demand(frame.lines <= BLOCK_BYTES, "more lines than bytes")
        _demand(sum(frame.events.values()) + sum(frame.reasons.values()) <= frame.lines, "more events than lines")
        _demand(sum(frame.events.values()) == sum(frame.trust.values()), "sums that differ")
        _demand(set(frame.trust) <= self._grades[frame.file], "a grade that the log has not")
        parser.done_blocks += 1
        self.totals.block(place, frame)
        if self._on_event is not None:
            self._pass_on(place, frame)
            self._advance()
        self._tick(self.totals.blocks * BLOCK_BYTES)

    def _pass_on(self, place: Place, frame: wire.BlockFrame) -> None:
        base = self.totals.lines_before(place)
        events, self._pending = self._pending, []
        for event in events:
            _demand(event.line < frame.lines and event.grade in self._grades[place.file], "an event outside of its block")
            line = None if base is None else base + event.line + 1
            if self._on_event is not None:
                self._on_event(place.file, line, Event(event.kind, event.time, event.host, event.grade, dict(event.fields)))

    def _advance(self) -> None:
        self._current = next(self._turn, None)
        self._pending = []

    def _take_evidence(self, parser: Parser, frame: wire.EvidenceFrame) -> None:
        _demand(self._on_event is None, "evidence that nobody asked for")
        for kind, entry, key in _entries(frame):
            first, last = Place(entry.file, entry.first[0]), Place(entry.file, entry.last[0])
            for place, line in ((first, entry.first[1]), (last, entry.last[1])):
                _demand(
                    self._owner.get(place) is parser and line < self.totals.lines.get(place, 0), "a line that it has not read"
                )
            _demand(entry.grade in self._grades[entry.file], "a grade that the log has not")
            self._events_seen += entry.count
            _demand(self._events_seen <= self.totals.event_count, "more evidence than events")
            self.fold.add(
                Subject(entry.file, entry.host, entry.grade, kind, key),
                Tally(
                    entry.count,
                    Position(*first, entry.first[1]),
                    entry.first_time,
                    Position(*last, entry.last[1]),
                    entry.last_time,
                ),
            )


def _entries(frame: wire.EvidenceFrame) -> Iterator[tuple[Kind, wire.Entry, Key]]:
    yield from (("netfilter", entry, key) for entry, key in frame.netfilter)
    yield from (("apparmor", entry, key) for entry, key in frame.apparmor)
    yield from (("seccomp", entry, key) for entry, key in frame.seccomp)


def _demand(truth: bool, lie: str) -> None:
    if not truth:
        raise Lie(lie)
