"""Many addresses as few networks.

An exact collapse first: networks of which every address was seen. Then covering ones: a network of which at least SHARE was
seen, when none of it is protected. No network is wider than WIDEST: what stands beyond that line belongs to strangers who have
nothing to do with what was seen.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from itertools import accumulate
from typing import NamedTuple

from syslogparse.rules.network import WIDTHS, Family, Spans, bounds, written

SHARE = (3, 4)
"""The part of a covering network's addresses that must have been seen: three of four."""

WIDEST: dict[Family, int] = {4: 16, 6: 48}
"""The shortest prefix of a network, in bits."""


class Block(NamedTuple):
    """The ``2 ** level`` addresses whose number without the last ``level`` bits is ``top``."""

    level: int
    top: int

    @property
    def low(self) -> int:
        """The first address."""
        return self.top << self.level

    @property
    def high(self) -> int:
        """The last address."""
        return ((self.top + 1) << self.level) - 1


class _Seen:
    """How many addresses of a block were seen."""

    def __init__(self, spans: Spans) -> None:
        self._spans = spans
        sizes = (high - low + 1 for low, high in zip(spans.lows, spans.highs, strict=True))
        self._before = [0, *accumulate(sizes)]

    def __call__(self, block: Block) -> int:
        return self._until(block.high) - self._until(block.low - 1)

    def _until(self, address: int) -> int:
        place = bisect_right(self._spans.lows, address)
        if place == 0:
            return 0
        return self._before[place] - max(0, self._spans.highs[place - 1] - address)


def may_be_united(text: str) -> bool:
    """Whether the address or network ``text`` is no wider than WIDEST."""
    if "/" not in text:
        return True
    one = bounds(text)
    return one.high - one.low < 1 << (WIDTHS[one.family] - WIDEST[one.family])


def few(family: Family, ranges: Iterable[tuple[int, int]], protected: Spans) -> list[str]:
    """Few networks that hold all addresses of ``ranges``, as canonical text, sorted by value, none within another.

    ranges: first and last address of each, none wider than WIDEST; they meet nothing that is protected. In whatever order
    they come, the networks are the same.
    """
    width = WIDTHS[family]
    return [written(family, block.low, width - block.level) for block in _outermost(_blocks(family, Spans(ranges), protected))]


def exact(family: Family, ranges: Iterable[tuple[int, int]]) -> list[str]:
    """As ``few``, with the addresses of ``ranges`` and no others."""
    width = WIDTHS[family]
    return [written(family, block.low, width - block.level) for block in _aligned(Spans(ranges), width - WIDEST[family])]


def _blocks(family: Family, spans: Spans, protected: Spans) -> Iterator[Block]:
    """All blocks that may stand for what was seen, within each other too.

    A block with the share has a half with the share, so each level's are found among the parents of those below.
    """
    most = WIDTHS[family] - WIDEST[family]
    whole: dict[int, set[Block]] = {}
    for block in _aligned(spans, most):
        whole.setdefault(block.level, set()).add(block)
    seen = _Seen(spans)
    fit: set[Block] = set()
    for level in range(most + 1):
        fit |= whole.get(level, set())
        yield from fit
        parents = {Block(level + 1, block.top >> 1) for block in fit} if level < most else set()
        fit = {
            block
            for block in parents
            if SHARE[1] * seen(block) >= SHARE[0] << block.level and not protected.overlaps(block.low, block.high)
        }


def _aligned(spans: Spans, most: int) -> Iterator[Block]:
    """The fewest blocks with the addresses of ``spans`` and no others, none of a level above ``most``."""
    for start, high in zip(spans.lows, spans.highs, strict=True):
        low = start
        while low <= high:
            level = min(most, (high - low + 1).bit_length() - 1, (low & -low).bit_length() - 1 if low else most)
            yield Block(level, low >> level)
            low += 1 << level


def _outermost(blocks: Iterable[Block]) -> Iterator[Block]:
    last = -1
    for block in sorted(blocks, key=lambda one: (one.low, -one.level)):
        if block.high > last:
            last = block.high
            yield block
