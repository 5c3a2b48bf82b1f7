"""One block: from mapped bytes to counted evidence, many lines at once where they allow it, line by line where not."""

from __future__ import annotations

import mmap
from collections.abc import Callable, Collection, Iterable
from typing import NamedTuple, TypeAlias

from syslogparse.evidence import envelope, loss
from syslogparse.evidence.bulk import Bulk, is_dense, rows_of
from syslogparse.evidence.decode import Decoder, literals_of
from syslogparse.evidence.fold import MAX_SAMPLES, NONE, Fold, Sample, Subject, Tally
from syslogparse.evidence.loss import Loss, LossKind
from syslogparse.evidence.model import Damage, Event, Grade, Kind, Position, Reason, Undecodable
from syslogparse.evidence.period import Verdict
from syslogparse.evidence.stamp import Clock
from syslogparse.roles import wire
from syslogparse.roles.terms import ALL, Terms
from syslogparse.roles.totals import add_losses
from syslogparse.sources.blocks import MAX_LINE, Block, Place, copy_block, unchanged
from syslogparse.sources.scan import Span, lines_of_interest, spans_of
from syslogparse.sources.trust import Grades

_REPETITION: LossKind = "messages repeated"
_CUT: Reason = "line cut off at the start of the file"
MAX_NAMED = 20
"""Undecoded lines that a block names; all are counted."""


class Worker:
    """How the lines of one log are decoded.

    stream: every event is wanted, as for the format events; nothing is folded. terms: the time asked for, and whether the first
    events of each key are wanted too.
    """

    def __init__(
        self,
        clock: Clock,
        grades: Grades,
        name: Callable[[str, int], str | None],
        kinds: Collection[Kind],
        *,
        stream: bool,
        terms: Terms = ALL,
    ) -> None:
        self.decoder = Decoder(clock, grades.audit, grades.kernel, name)
        self.journal_decoder = Decoder(clock, grades.journal, grades.journal, name)
        self.export_decoder = Decoder(clock, "syslog", "syslog", name)
        self.clock = clock
        self.grade = grades.kernel
        self.kinds = frozenset(kinds)
        self.stream = stream
        self.period = terms.period
        self.samples = terms.samples
        self.bulk = None if stream or self.samples or "netfilter" not in self.kinds else Bulk(clock.read)
        self.beside = Bulk() if self.bulk is not None and self.period.bounded else None
        """Counts packets that were not logged in that time, only to know that they are packets."""

    @property
    def held(self) -> int:
        """Keys that are held in bulk."""
        return len(self.bulk or ()) + len(self.beside or ())


class BlockWork:
    """What a block gave. first_line: number of its first line in the place that it belongs to."""

    def __init__(self, first_line: int = 0) -> None:
        self.first_line = first_line
        self.lines = 0
        self.events: dict[Kind, int] = {}
        self.trust: dict[Grade, int] = {}
        self.reasons: dict[Reason, int] = {}
        self.undecoded: list[tuple[int, Reason]] = []
        self.stream: list[wire.WireEvent] = []
        self.repeated = 0
        self.losses: dict[LossKind, int] = {}
        self.more = False
        self.damage: Damage | None = None
        self.unused: dict[Verdict, int] = {}
        """Events that were not logged in the time asked for, or nobody knows when."""

    def count(self, kind: Kind, grade: Grade, times: int = 1) -> None:
        """Count events in the sums."""
        self.events[kind] = self.events.get(kind, 0) + times
        self.trust[grade] = self.trust.get(grade, 0) + times

    def leave(self, why: Verdict, times: int = 1) -> None:
        """Count events that are not used."""
        self.unused[why] = self.unused.get(why, 0) + times

    def give_up(self, line: int, reason: Reason) -> None:
        """Count a line of interest that is no event. line: in this block."""
        self.reasons[reason] = self.reasons.get(reason, 0) + 1
        if len(self.undecoded) < MAX_NAMED:
            self.undecoded.append((self.first_line + line, reason))

    def lose(self, lost: Loss) -> None:
        """Count what the log says was lost; where it does not say how much, something."""
        add_losses(self.losses, {lost.kind: max(lost.count, 1)})

    def frame(self, place: Place) -> wire.BlockFrame:
        """The sums, for the analyst."""
        return wire.BlockFrame(
            place.file,
            place.block,
            self.lines,
            self.events,
            self.trust,
            self.reasons,
            self.undecoded,
            self.repeated,
            self.losses,
            self.more,
            self.damage,
            self.unused.get("outside", 0),
            self.unused.get("undated", 0),
        )


Decoded: TypeAlias = Event | Loss | Reason | None


class Task(NamedTuple):
    """Lines being worked on. data: the log that they were copied from, None where they cannot change any more."""

    worker: Worker
    data: mmap.mmap | bytes | None
    place: Place
    block: Block
    done: BlockWork
    fold: Fold


def work_block(worker: Worker, data: mmap.mmap | bytes, place: Place, fold: Fold) -> BlockWork:
    """Decode the lines of interest of one block into ``fold`` (or, for the format events, into the result's stream)."""
    return work_lines(Task(worker, data, place, copy_block(data, place.block), BlockWork(), fold))


def work_lines(task: Task) -> BlockWork:
    """The same for lines that were copied, or unpacked, already."""
    text = task.block.text
    task.done.lines = task.block.lines
    careful = _in_bulk(task)
    spans = lines_of_interest(text, literals_of(text) + loss.LITERALS) if careful is None else spans_of(text, careful)
    _carefully(task, spans, careful)
    return task.done


def _in_bulk(task: Task) -> list[int] | None:
    """Count what can be counted at once. The numbers of the lines that are left, None for all."""
    worker, block = task.worker, task.block
    if worker.bulk is None or not is_dense(block.text, block.lines):
        return None
    whole = block.lines - block.unfinished
    rows = rows_of(block.text[: block.text.rfind(b"\n") + 1], whole)
    if rows is None or _changed(task) is not None:
        return None
    if worker.beside is None:
        careful = worker.bulk.count(rows, task.place.block, task.done.first_line)
    else:
        careful = _in_period(task, worker.bulk, worker.beside, rows)
    if counted := whole - len(careful):
        task.done.count("netfilter", worker.grade, counted)
    return [*careful, whole] if block.unfinished else careful


_Rows: TypeAlias = list[tuple[bytes, ...]]


def _in_period(task: Task, bulk: Bulk, beside: Bulk, rows: _Rows) -> list[int]:
    """The same as ``Bulk.count``, and nothing but what was logged in the time asked for becomes evidence."""
    worker, block, first = task.worker, task.place.block, task.done.first_line
    verdicts = [worker.period.verdict(worker.clock.read(row[0])) for row in rows]
    others = [line for line, verdict in enumerate(verdicts) if verdict != "inside"]
    if not others:
        return bulk.count(rows, block, first)
    odd = {others[index] for index in beside.count([rows[line] for line in others], block)}
    for line in others:
        if line not in odd:
            task.done.leave(verdicts[line])
    if len(others) == len(rows):
        return sorted(odd)
    none = (b"",) * len(rows[0])
    inside = [row if verdict == "inside" else none for row, verdict in zip(rows, verdicts, strict=True)]
    return [line for line in bulk.count(inside, block, first) if verdicts[line] == "inside" or line in odd]


def drain_bulk(worker: Worker, file: int, fold: Fold) -> None:
    """Add what was counted in bulk to the evidence."""
    for _ in worker.beside.drain() if worker.beside else ():
        pass
    for group in worker.bulk.drain() if worker.bulk else ():
        fold.add(
            Subject(file, group.host, worker.grade, "netfilter", group.key),
            Tally(
                group.count,
                Position(file, *group.first),
                worker.clock.read(group.first_stamp),
                Position(file, *group.last),
                worker.clock.read(group.last_stamp),
                group.count,
            ),
            group.identities,
        )


def _changed(task: Task) -> bytes | None:
    return None if task.data is None else unchanged(task.data, task.block)


def _carefully(task: Task, spans: Iterable[Span], bulk: Collection[int] | None) -> None:
    """Line by line, with a second look whether the log still holds what was decoded. bulk: lines not counted there."""
    decoded = [(span, _decode(task, span)) for span in spans]
    before = -1
    for span, result in _still_there(task, decoded):
        if isinstance(result, Loss) and result.kind == _REPETITION:
            # Of interest where the message before is; that of a block's first line stands in another block, and is not known.
            counted = bulk is not None and span.line - 1 not in bulk
            if not counted and before != span.line - 1:
                continue
        if isinstance(result, Event):
            before = span.line
        keep(task, result, span.line)


def _decode(task: Task, span: Span) -> Decoded:
    if span.end - span.start > MAX_LINE:
        return "line too long"
    block = task.block
    last = block.unfinished and span.end == len(block.text)
    line = block.text[span.start : span.end]
    start_of_file = span.start == block.start == task.place.block == task.done.first_line == 0
    if start_of_file:
        line = envelope.first(line)
    try:
        return task.worker.decoder.event(line, terminated=not last) or _loss(task.worker, line)
    except Undecodable as problem:
        return _CUT if start_of_file and envelope.is_left_cut(line) else problem.reason


def _loss(worker: Worker, line: bytes) -> Loss | None:
    """What the line says was lost, unless it says so of another time than that asked for."""
    lost = loss.read(line)
    if lost is not None and worker.period.bounded:
        return None if worker.period.verdict(worker.clock.read(loss.stamp(line))) == "outside" else lost
    return lost


def _still_there(task: Task, decoded: list[tuple[Span, Decoded]]) -> list[tuple[Span, Decoded]]:
    """The same, but for lines that were being written: the copy may hold half of the old line and half of the new one."""
    now = _changed(task) if decoded else None
    if now is None:
        return decoded
    text = task.block.text
    return [
        (span, result if now[span.start : span.end] == text[span.start : span.end] else "log changed while it was read")
        for span, result in decoded
    ]


def keep(task: Task, result: Decoded, line: int) -> None:
    """Count what a line was found to be. line: in the block."""
    if isinstance(result, Event):
        if result.kind in task.worker.kinds:
            _keep_event(task, result, Position(task.place.file, task.place.block, task.done.first_line + line))
    elif isinstance(result, Loss):
        task.done.lose(result)
    elif result is not None:
        task.done.give_up(line, result)


def _keep_event(task: Task, event: Event, position: Position) -> None:
    task.done.count(event.kind, event.grade, event.repeat)
    task.done.repeated += event.repeat - 1
    if (verdict := task.worker.period.verdict(event.time)) != "inside":
        task.done.leave(verdict, event.repeat)
        return
    if task.worker.stream:
        task.done.stream.append(
            wire.WireEvent(position.line, event.kind, event.time, event.host, event.grade, event.fields, event.repeat)
        )
        return
    subject = Subject(position.file, event.host, event.grade, event.kind, task.worker.decoder.key_of(event))
    named = event.repeat if event.identity else 0
    tally = Tally(event.repeat, position, event.time, position, event.time, named)
    task.fold.add(subject, tally, {event.identity: event.repeat} if named else NONE)
    if task.worker.samples and len(task.fold.samples.get(subject, ())) < MAX_SAMPLES:
        task.fold.show(subject, [Sample(position, event.time, event.repeat, wire.encode(event.fields))])
