"""Logs are cut into blocks at line ends, so that several processes can share the work and still agree on every line number.

A line belongs to the block in which it starts. Each block is copied once out of the map, and everything is decided on the
copy: the log may change underfoot, and a field must not be read a moment after it was matched. When the block is done it is
copied again; lines that differ were being written, and yield no evidence.
"""

from __future__ import annotations

import mmap
from collections.abc import Hashable, Iterable, Sequence
from typing import NamedTuple

BLOCK_BYTES = 1 << 20
"""Large enough for the fixed cost of a block to vanish, small enough for a processor's cache."""
MAX_LINE = 1 << 16
"""A kernel record is under 9 KiB (audit's MAX_AUDIT_MESSAGE_LENGTH) and a syslog line under 64; more is no record."""


class Place(NamedTuple):
    """One block of the work: file in command-line order, and block of that file, both from 0."""

    file: int
    block: int


class Block(NamedTuple):
    """A copy of whole lines. start: offset in the log. unfinished: the last line has no LF (end of the log, or over-long)."""

    text: bytes
    start: int
    lines: int
    unfinished: bool
    too_long: bool


def plan(sizes: list[int], block_bytes: int = BLOCK_BYTES) -> list[Place]:
    """All blocks of logs with these sizes (bytes), in order."""
    return [Place(file, block) for file, size in enumerate(sizes) for block in range(-(-size // block_bytes))]


def deal(places: Iterable[Place], classes: Sequence[Hashable], parsers: int) -> list[list[Place]]:
    """The parts of the parsers, of which no two classes of files share one.

    classes: of each file, how far it is trusted: bytes of a log that take their parser can lie about no log that is trusted more.
    parsers: for each class, as far as it has blocks. Each has every n-th block, so that all of them advance together.
    """
    by_class: dict[Hashable, list[Place]] = {}
    for place in places:
        by_class.setdefault(classes[place.file], []).append(place)
    dealt = [its[number::parsers] for its in by_class.values() for number in range(min(parsers, len(its)))]
    return dealt or [[]]


def copy_block(data: mmap.mmap | bytes, block: int, block_bytes: int = BLOCK_BYTES) -> Block:
    """The lines that start in this block. Linear in the block's size; reads at most MAX_LINE beyond it."""
    size = len(data)
    low, high = block * block_bytes, min((block + 1) * block_bytes, size)
    text = data[max(low - 1, 0) : high]
    start = low
    if low:
        line_end = text.find(b"\n")
        if line_end < 0 or line_end + 1 == len(text):
            return Block(b"", high, 0, unfinished=False, too_long=False)
        text = text[line_end + 1 :]
        start = low + line_end
    terminated = text.endswith(b"\n")
    if not terminated and high < size:
        tail = data[high : min(high + MAX_LINE, size)]
        line_end = tail.find(b"\n")
        terminated = line_end >= 0
        text += tail[: line_end + 1] if terminated else tail
        too_long = not terminated and high + len(tail) < size
    else:
        too_long = False
    return Block(text, start, text.count(b"\n") + (not terminated), unfinished=not terminated, too_long=too_long)


def unchanged(data: mmap.mmap | bytes, block: Block) -> bytes | None:
    """None when the log still holds what the block was copied from; otherwise what it holds now."""
    now = data[block.start : block.start + len(block.text)]
    return None if now == block.text else now
