"""One place of the plan: a block of a plain log, or, in the first block's turn, a whole log that is read front to back.

Compressed logs, journal files and the journal's export format cannot be entered in the middle. Whoever has their first block
reads all of them, part by part; the other blocks hold nothing of their own. What a log is, its first bytes say, never its name.
"""

from __future__ import annotations

import mmap
from collections.abc import Iterable, Iterator
from itertools import chain

from syslogparse.evidence.decode import Decoder
from syslogparse.evidence.fold import Fold
from syslogparse.evidence.journal import Entry, from_fields
from syslogparse.evidence.journalexport import Exported, ExportReader, is_export
from syslogparse.evidence.model import Damage, Undecodable
from syslogparse.roles.blockwork import BlockWork, Decoded, Task, Worker, keep, work_block, work_lines
from syslogparse.sources.blocks import BLOCK_BYTES, Block, Place
from syslogparse.sources.journalfile import JournalDamage, is_journal, visit
from syslogparse.sources.unpack import CHUNKS_A_SIGN, Damaged, Unpacking, blocks, packing

_HEAD = 64
"""Bytes that tell what a log is."""
_ENTRIES_A_PART = 4096
_BYTES_A_PART = BLOCK_BYTES
"""Of the entries' messages: a part gives no more events than a block of text can."""
_NO_TEXT = Block(b"", 0, 0, unfinished=False, too_long=False)


def work_place(worker: Worker, data: mmap.mmap | bytes, place: Place, fold: Fold) -> Iterator[BlockWork]:
    """What the place gives: one part, or several that are marked (``more``) and an empty one behind them."""
    head = data[:_HEAD]
    if packing(head) is None and not is_journal(head) and not is_export(head):
        yield work_block(worker, data, place, fold)
    elif place.block:
        yield BlockWork()
    else:
        for part in _Front(worker, place, fold).parts(data):
            part.more = True
            yield part
        yield BlockWork()  # its end: nobody looked ahead whether there is more, so no part's evidence is sent before the part is


class _Front:
    """Reads a log front to back, and keeps count of its lines."""

    def __init__(self, worker: Worker, place: Place, fold: Fold) -> None:
        self._worker = worker
        self._place = place
        self._fold = fold
        self._lines = 0

    def parts(self, data: mmap.mmap | bytes) -> Iterator[BlockWork]:
        head = data[:_HEAD]
        packed = packing(head)
        if packed is not None:
            return self._unpacked(Unpacking().unpack(data, packed))
        if is_journal(head):
            return self._journal(data)
        return self._export(data[start : start + BLOCK_BYTES] for start in range(0, len(data), BLOCK_BYTES))

    def _unpacked(self, chunks: Iterator[bytes]) -> Iterator[BlockWork]:
        damage: list[Damage] = []
        plain = _until_damaged(chunks, damage)
        head = b""
        for chunk in plain:
            head += chunk
            if len(head) >= _HEAD:
                break
        whole = chain((head,), plain)
        if is_journal(head):
            damage.append("a compressed journal file has to be unpacked first")
        elif is_export(head):
            yield from self._export(_pieces(whole))
        else:
            for block in blocks(whole):
                yield self._counted(work_lines(self._task(block, self._start())))
        if damage:
            done = self._start()
            done.damage = damage[0]
            yield done

    def _journal(self, data: mmap.mmap | bytes) -> Iterator[BlockWork]:
        done = self._start()
        size = 0
        try:
            for raw in visit(data):
                if raw is not None:
                    entry = from_fields(raw.realtime, raw.fields, raw.damage)
                    keep(self._task(_NO_TEXT, done), _decoded(self._worker.journal_decoder, entry), done.lines)
                    done.lines += 1
                    size += len(entry.message)
                if raw is None or done.lines >= _ENTRIES_A_PART or size >= _BYTES_A_PART:
                    yield self._counted(done)
                    done = self._start()
                    size = 0
        except JournalDamage as damage:
            done.damage = damage.reason
        yield self._counted(done)

    def _export(self, chunks: Iterable[bytes]) -> Iterator[BlockWork]:
        reader = ExportReader()
        for chunk in chunks:
            yield self._records(reader.feed(chunk), reader.line)
        yield self._records(reader.finish(), reader.end)

    def _records(self, records: Iterable[Exported], end: int) -> BlockWork:
        """end: the line behind the last of them, which the next part begins with."""
        done = self._start()
        task = self._task(_NO_TEXT, done)
        for record in records:
            keep(task, _decoded(self._worker.export_decoder, record.entry), record.line - done.first_line)
        done.lines = end - done.first_line
        return self._counted(done)

    def _start(self) -> BlockWork:
        return BlockWork(self._lines)

    def _task(self, block: Block, done: BlockWork) -> Task:
        return Task(self._worker, None, self._place, block, done, self._fold)

    def _counted(self, done: BlockWork) -> BlockWork:
        self._lines += done.lines
        return done


def _until_damaged(chunks: Iterator[bytes], damage: list[Damage]) -> Iterator[bytes]:
    """The chunks that can be had; why there are no more goes into ``damage``."""
    try:
        yield from chunks
    except Damaged as problem:
        damage.append(problem.reason)


def _pieces(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """The same bytes in pieces of about a block, or of CHUNKS_A_SIGN where the chunks are tiny: each becomes a part."""
    some: list[bytes] = []
    size = 0
    for chunk in chunks:
        some.append(chunk)
        size += len(chunk)
        if size >= BLOCK_BYTES or len(some) >= CHUNKS_A_SIGN:
            yield b"".join(some)
            some, size = [], 0
    if some:
        yield b"".join(some)


def _decoded(decoder: Decoder, entry: Entry) -> Decoded:
    try:
        return decoder.entry(entry)
    except Undecodable as problem:
        return problem.reason
