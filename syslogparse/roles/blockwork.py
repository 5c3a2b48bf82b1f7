"""One block: from mapped bytes to counted evidence. The careful way, line by line."""

from __future__ import annotations

import mmap
from collections.abc import Iterable

from syslogparse.evidence.decode import LITERALS, Decoder
from syslogparse.evidence.fold import Fold, Subject, Tally
from syslogparse.evidence.model import Event, Grade, Kind, Position, Reason, Undecodable
from syslogparse.roles import wire
from syslogparse.sources.blocks import Block, Place, copy_block, unchanged
from syslogparse.sources.scan import Span, lines_of_interest

MAX_NAMED = 20
"""Undecoded lines that a block names; all are counted."""


class BlockWork:
    """What a block gave."""

    def __init__(self) -> None:
        self.lines = 0
        self.events: dict[Kind, int] = {}
        self.trust: dict[Grade, int] = {}
        self.first: int | None = None
        self.last: int | None = None
        self.reasons: dict[Reason, int] = {}
        self.undecoded: list[tuple[int, Reason]] = []
        self.stream: list[wire.WireEvent] = []

    def count(self, event: Event, times: int = 1) -> None:
        """Count an event in the sums."""
        self.events[event.kind] = self.events.get(event.kind, 0) + times
        self.trust[event.grade] = self.trust.get(event.grade, 0) + times

    def span(self, first: int | None, last: int | None) -> None:
        """Note the times of the block's first and last event that have one."""
        if self.first is None:
            self.first = first
        if last is not None:
            self.last = last

    def give_up(self, line: int, reason: Reason) -> None:
        """Count a line of interest that is no event."""
        self.reasons[reason] = self.reasons.get(reason, 0) + 1
        if len(self.undecoded) < MAX_NAMED:
            self.undecoded.append((line, reason))

    def frame(self, place: Place) -> wire.BlockFrame:
        """The sums, for the analyst."""
        return wire.BlockFrame(
            place.file, place.block, self.lines, self.events, self.trust, self.first, self.last, self.reasons, self.undecoded
        )


def work_block(
    decoder: Decoder, data: mmap.mmap | bytes, place: Place, kinds: frozenset[Kind], fold: Fold, *, stream: bool
) -> BlockWork:
    """Decode the lines of interest of one block into ``fold`` (and, for the format events, into the result's stream)."""
    done = BlockWork()
    block = copy_block(data, place.block)
    done.lines = block.lines
    decoded = [(span, _decode(decoder, block, span)) for span in lines_of_interest(block.text, LITERALS)]
    for span, result in _still_there(data, block, decoded):
        if isinstance(result, Event):
            if result.kind in kinds:
                _keep(decoder, result, Position(place.file, place.block, span.line), done, fold, stream=stream)
        elif result is not None:
            done.give_up(span.line, result)
    return done


def _decode(decoder: Decoder, block: Block, span: Span) -> Event | Reason | None:
    last = block.unfinished and span.end == len(block.text)
    if last and block.too_long:
        return "line too long"
    try:
        return decoder.event(block.text[span.start : span.end], terminated=not last)
    except Undecodable as problem:
        return problem.reason


def _still_there(
    data: mmap.mmap | bytes, block: Block, decoded: list[tuple[Span, Event | Reason | None]]
) -> Iterable[tuple[Span, Event | Reason | None]]:
    """The same, but for lines that were being written: the copy may hold half of the old line and half of the new one."""
    now = unchanged(data, block)
    if now is None:
        return decoded
    return [
        (span, result if now[span.start : span.end] == block.text[span.start : span.end] else "log changed while it was read")
        for span, result in decoded
    ]


def _keep(decoder: Decoder, event: Event, position: Position, done: BlockWork, fold: Fold, *, stream: bool) -> None:
    done.count(event)
    done.span(event.time, event.time)
    if stream:
        done.stream.append(wire.WireEvent(position.line, event.kind, event.time, event.host, event.grade, event.fields))
        return
    subject = Subject(position.file, event.host, event.grade, event.kind, decoder.key_of(event))
    fold.add(subject, Tally(1, position, event.time, position, event.time))
