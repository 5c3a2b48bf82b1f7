"""The parser: the attack surface. It reads mapped log bytes, folds what it understands, and writes to one pipe.

It runs confined and filtered; it cannot read, open, execute, fork or signal. All it needs is built before.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import NoReturn

from syslogparse.evidence import identity
from syslogparse.evidence.fold import Fold
from syslogparse.roles import wire
from syslogparse.roles.blockwork import BlockWork, Worker, drain_bulk
from syslogparse.roles.deaths import BROKEN, OUT_OF_MEMORY
from syslogparse.roles.streams import work_place
from syslogparse.sources.blocks import Place
from syslogparse.sources.open import Log

PIPE = 3
"""The one descriptor of a parser."""


_BLOCKS_A_FLUSH = 16
_KEYS_A_FLUSH = 20_000
"""Evidence leaves after so many blocks, or keys and identities: a parser stays small, and takes little with it when it dies."""


class Job:
    """What one parser has to do; everything in it exists before the confinement."""

    def __init__(self, logs: Sequence[Log], workers: Sequence[Worker], places: Sequence[Place]) -> None:
        self.logs = logs
        self.workers = workers
        self.places = places


def announce_failure(problem: str) -> NoReturn:
    """Tell the analyst that this parser could not be confined. No log byte has been read."""
    _send(wire.frame(wire.Type.FAILED, problem.encode("utf-8", "replace")[:4096]))
    os._exit(BROKEN)


def main(job: Job, pipe_bytes: int) -> NoReturn:
    """Do the job. Never returns and never raises: under the filter a traceback could not even be printed."""
    status = BROKEN
    try:
        _wait_for_start(pipe_bytes)
        _work(job)
        status = 0
    except MemoryError:
        status = OUT_OF_MEMORY
    finally:
        os._exit(status)


def _wait_for_start(pipe_bytes: int) -> None:
    """Say that this process is filtered, in a frame longer than the pipe: the write returns when the analyst takes it.

    So no parser reads a log byte before all of them, the analyst and the supervisor are confined, and none needs a system call
    for waiting.
    """
    _send(wire.frame(wire.Type.READY, bytes(pipe_bytes + (64 << 10))))


def _work(job: Job) -> None:
    fold = Fold()
    blocks = 0
    for place in job.places:
        data = job.logs[place.file].data
        if data is None:
            continue
        for done in work_place(job.workers[place.file], data, place, fold):
            _send_block(place, done)
            blocks += 1
            if blocks >= _BLOCKS_A_FLUSH or fold.held + sum(each.held for each in job.workers) > _KEYS_A_FLUSH:
                _flush(job, fold)
                blocks = 0
    _flush(job, fold)
    _send(wire.frame(wire.Type.DONE, b""))


def _flush(job: Job, fold: Fold) -> None:
    for file, each in enumerate(job.workers):
        drain_bulk(each, file, fold)
    _send_evidence(fold)
    fold.clear()


def _send_block(place: Place, done: BlockWork) -> None:
    batch: list[wire.WireEvent] = []
    size = 0
    for event in done.stream:
        batch.append(event)
        size += 128 + sum(len(value) for value in event.fields.values() if not isinstance(value, int))
        if size > wire.FRAME_TARGET:
            _send(wire.frame(wire.Type.EVENTS, wire.encode(wire.EventsFrame(batch))))
            batch, size = [], 0
    if batch:
        _send(wire.frame(wire.Type.EVENTS, wire.encode(wire.EventsFrame(batch))))
    _send(wire.frame(wire.Type.BLOCK, wire.encode(done.frame(place))))


def _send_evidence(fold: Fold) -> None:
    batch = wire.EvidenceFrame([], [], [])
    size = 0
    for subject, tally in fold.tallies.items():
        entry = wire.Entry(
            subject.file,
            subject.host,
            subject.grade,
            tally.count,
            (tally.first.block, tally.first.line),
            tally.first_time,
            (tally.last.block, tally.last.line),
            tally.last_time,
            tally.named,
            identity.pack(fold.identities.get(subject, {})),
            [
                wire.WireSample(one.position.block, one.position.line, one.time, one.repeat, one.fields)
                for one in fold.samples.get(subject, ())
            ],
        )
        getattr(batch, subject.kind).append((entry, subject.key))
        size += 128 + sum(map(len, subject.key)) + len(entry.identities)
        size += sum(32 + len(sample.fields) for sample in entry.samples)
        if size > wire.FRAME_TARGET:
            _send(wire.frame(wire.Type.EVIDENCE, wire.encode(batch)))
            batch, size = wire.EvidenceFrame([], [], []), 0
    if size:
        _send(wire.frame(wire.Type.EVIDENCE, wire.encode(batch)))


def _send(data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(PIPE, view) :]
