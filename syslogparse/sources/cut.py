"""Plain bytes that come in chunks, cut into blocks of whole lines, as a mapped log is cut."""

from __future__ import annotations

import io
from collections.abc import Iterator

from syslogparse.sources.blocks import BLOCK_BYTES, MAX_LINE, Block


class Cutter:
    """Cuts as ``copy_block`` does: into a block go the lines that start within block_bytes, the last one MAX_LINE over at most.

    The rest of a longer line is left out; for every block_bytes of it comes a block without a line, as a sign of life.
    """

    def __init__(self, block_bytes: int = BLOCK_BYTES) -> None:
        self._block_bytes = block_bytes
        self._start = 0
        self._text = io.BytesIO()  # gives its bytes out without a copy
        self._skipped: int | None = None

    def feed(self, chunk: bytes) -> Iterator[Block]:
        """Take the chunk; the blocks that are complete with it."""
        position = 0
        while position < len(chunk):
            if self._skipped is not None:
                position, more = self._skip(chunk, position)
            else:
                position, more = self._fill(chunk, position)
            if more is not None:
                yield more

    def _fill(self, chunk: bytes, position: int) -> tuple[int, Block | None]:
        size = self._text.tell()
        low = position + max(self._block_bytes - 1 - size, 0)
        high = min(position + self._block_bytes + MAX_LINE - size, len(chunk))
        line_end = chunk.find(b"\n", low, high)
        stop = high if line_end < 0 else line_end + 1
        self._text.write(memoryview(chunk)[position:stop])
        if line_end >= 0:
            return stop, self._give(too_long=False)
        if stop < len(chunk):
            self._skipped = 0
            return stop, self._give(too_long=True)
        return stop, None

    def _skip(self, chunk: bytes, position: int) -> tuple[int, Block | None]:
        line_end = chunk.find(b"\n", position)
        stop = len(chunk) if line_end < 0 else line_end + 1
        self._start += stop - position
        skipped = (self._skipped or 0) + stop - position
        self._skipped = skipped if line_end < 0 else None
        if self._skipped is None or skipped < self._block_bytes:
            return stop, None
        self._skipped = 0
        return stop, self._give(too_long=False)

    def end(self) -> Iterator[Block]:
        """What is left."""
        if self._text.tell():
            yield self._give(too_long=False)

    def _give(self, *, too_long: bool) -> Block:
        text = self._text.getvalue()
        self._text = io.BytesIO()
        start = self._start
        self._start += len(text)
        unfinished = bool(text) and not text.endswith(b"\n")
        return Block(text, start, text.count(b"\n") + unfinished, unfinished, too_long)
