"""Bytes to lines of interest: a search for a few literals at the speed of memchr, nothing is decoded here."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple


class Span(NamedTuple):
    """A line without its LF: number in the block from 0, and where it starts and ends in the block's text."""

    line: int
    start: int
    end: int


def lines_of_interest(text: bytes, literals: Sequence[bytes]) -> Iterator[Span]:
    """The lines that hold one of the literals, in order. Linear: each literal is sought once through the text."""
    line = counted = 0
    for start, end in sorted(_lines_with(text, literals)):
        line += text.count(b"\n", counted, start)
        counted = start
        yield Span(line, start, end)


def spans_of(text: bytes, numbers: Iterable[int]) -> Iterator[Span]:
    """The lines with these numbers, which ascend. Linear."""
    line = start = 0
    for number in numbers:
        while line < number:
            start = text.index(b"\n", start) + 1
            line += 1
        end = text.find(b"\n", start)
        yield Span(line, start, len(text) if end < 0 else end)


def _lines_with(text: bytes, literals: Sequence[bytes]) -> set[tuple[int, int]]:
    found: set[tuple[int, int]] = set()
    for literal in literals:
        position = text.find(literal)
        while position >= 0:
            end = text.find(b"\n", position)
            if end < 0:
                end = len(text)
            found.add((text.rfind(b"\n", 0, position) + 1, end))
            position = text.find(literal, end)
    return found
