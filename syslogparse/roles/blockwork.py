"""One block: from mapped bytes to counted evidence, many lines at once where they allow it, line by line where not."""

from __future__ import annotations

import mmap
from collections.abc import Callable, Collection, Iterable
from typing import NamedTuple, TypeAlias

from syslogparse.evidence.bulk import Bulk, is_dense, rows_of
from syslogparse.evidence.decode import LITERALS, Decoder
from syslogparse.evidence.fold import Fold, Subject, Tally
from syslogparse.evidence.model import Event, Grade, Kind, Position, Reason, Undecodable
from syslogparse.evidence.stamp import Clock
from syslogparse.roles import wire
from syslogparse.sources.blocks import MAX_LINE, Block, Place, copy_block, unchanged
from syslogparse.sources.scan import Span, lines_of_interest, spans_of
from syslogparse.sources.trust import Grades

MAX_NAMED = 20
"""Undecoded lines that a block names; all are counted."""


class Worker:
    """How the lines of one log are decoded. stream: every event is wanted, as for the format events; nothing is folded."""

    def __init__(
        self, clock: Clock, grades: Grades, name: Callable[[str, int], str | None], kinds: Collection[Kind], *, stream: bool
    ) -> None:
        self.decoder = Decoder(clock, grades.audit, grades.kernel, name)
        self.clock = clock
        self.grade = grades.kernel
        self.kinds = frozenset(kinds)
        self.stream = stream
        self.bulk = None if stream or "netfilter" not in self.kinds else Bulk()


class BlockWork:
    """What a block gave."""

    def __init__(self) -> None:
        self.lines = 0
        self.events: dict[Kind, int] = {}
        self.trust: dict[Grade, int] = {}
        self.reasons: dict[Reason, int] = {}
        self.undecoded: list[tuple[int, Reason]] = []
        self.stream: list[wire.WireEvent] = []

    def count(self, kind: Kind, grade: Grade, times: int = 1) -> None:
        """Count events in the sums."""
        self.events[kind] = self.events.get(kind, 0) + times
        self.trust[grade] = self.trust.get(grade, 0) + times

    def give_up(self, line: int, reason: Reason) -> None:
        """Count a line of interest that is no event."""
        self.reasons[reason] = self.reasons.get(reason, 0) + 1
        if len(self.undecoded) < MAX_NAMED:
            self.undecoded.append((line, reason))

    def frame(self, place: Place) -> wire.BlockFrame:
        """The sums, for the analyst."""
        return wire.BlockFrame(place.file, place.block, self.lines, self.events, self.trust, self.reasons, self.undecoded)


_Decoded: TypeAlias = tuple[Span, Event | Reason | None]


class _Task(NamedTuple):
    """One block being worked on."""

    worker: Worker
    data: mmap.mmap | bytes
    place: Place
    block: Block
    done: BlockWork
    fold: Fold


def work_block(worker: Worker, data: mmap.mmap | bytes, place: Place, fold: Fold) -> BlockWork:
    """Decode the lines of interest of one block into ``fold`` (or, for the format events, into the result's stream)."""
    block = copy_block(data, place.block)
    task = _Task(worker, data, place, block, BlockWork(), fold)
    task.done.lines = block.lines
    careful = _in_bulk(task)
    spans = lines_of_interest(block.text, LITERALS) if careful is None else spans_of(block.text, careful)
    _carefully(task, spans)
    return task.done


def _in_bulk(task: _Task) -> list[int] | None:
    """Count what can be counted at once. The numbers of the lines that are left, None for all."""
    worker, block = task.worker, task.block
    if worker.bulk is None or not is_dense(block.text, block.lines):
        return None
    whole = block.lines - block.unfinished
    rows = rows_of(block.text[: block.text.rfind(b"\n") + 1], whole)
    if rows is None or unchanged(task.data, block) is not None:
        return None
    careful = worker.bulk.count(rows, task.place.block)
    task.done.count("netfilter", worker.grade, whole - len(careful))
    return [*careful, whole] if block.unfinished else careful


def drain_bulk(worker: Worker, file: int, fold: Fold) -> None:
    """Add what was counted in bulk to the evidence."""
    for group in worker.bulk.drain() if worker.bulk else ():
        fold.add(
            Subject(file, group.host, worker.grade, "netfilter", group.key),
            Tally(
                group.count,
                Position(file, *group.first),
                worker.clock.read(group.first_stamp),
                Position(file, *group.last),
                worker.clock.read(group.last_stamp),
            ),
        )


def _carefully(task: _Task, spans: Iterable[Span]) -> None:
    """Line by line, with a second look whether the log still holds what was decoded."""
    decoded = [(span, _decode(task.worker.decoder, task.block, span)) for span in spans]
    for span, result in _still_there(task, decoded):
        if isinstance(result, Event):
            if result.kind in task.worker.kinds:
                _keep(task, result, Position(task.place.file, task.place.block, span.line))
        elif result is not None:
            task.done.give_up(span.line, result)


def _decode(decoder: Decoder, block: Block, span: Span) -> Event | Reason | None:
    if span.end - span.start > MAX_LINE:
        return "line too long"
    last = block.unfinished and span.end == len(block.text)
    try:
        return decoder.event(block.text[span.start : span.end], terminated=not last)
    except Undecodable as problem:
        return problem.reason


def _still_there(task: _Task, decoded: list[_Decoded]) -> list[_Decoded]:
    """The same, but for lines that were being written: the copy may hold half of the old line and half of the new one."""
    now = unchanged(task.data, task.block) if decoded else None
    if now is None:
        return decoded
    text = task.block.text
    return [
        (span, result if now[span.start : span.end] == text[span.start : span.end] else "log changed while it was read")
        for span, result in decoded
    ]


def _keep(task: _Task, event: Event, position: Position) -> None:
    task.done.count(event.kind, event.grade)
    if task.worker.stream:
        task.done.stream.append(wire.WireEvent(position.line, event.kind, event.time, event.host, event.grade, event.fields))
        return
    subject = Subject(position.file, event.host, event.grade, event.kind, task.worker.decoder.key_of(event))
    task.fold.add(subject, Tally(1, position, event.time, position, event.time))
