"""Bytes to lines of interest: a search for a few literals at the speed of memchr, nothing is decoded here."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from syslogparse.sources.blocks import MAX_LINE


class Span(NamedTuple):
    """A line without its LF: number in the block from 0, and where it starts and ends in the block's text."""

    line: int
    start: int
    end: int


def lines_of_interest(text: bytes, literals: Sequence[bytes]) -> Iterator[Span]:
    """The lines that hold one of the literals, in order, and those that are too long to tell.

    Linear: each literal is sought once through the text.
    """
    line = counted = 0
    for start, end in sorted(_lines_with(text, literals).union(_long_lines(text))):
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


def _long_lines(text: bytes) -> Iterator[tuple[int, int]]:
    """Lines of more than MAX_LINE bytes. Of one that is cut at the end of a block, nobody has seen the rest."""
    start = 0
    while len(text) - start > MAX_LINE:
        last = text.rfind(b"\n", start, start + MAX_LINE + 1)
        if last < 0:
            last = text.find(b"\n", start)
            if last < 0:
                last = len(text)
            yield start, last
        start = last + 1


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
