"""Sums over all blocks, and the line numbers that follow from them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

from syslogparse.evidence.loss import LossKind
from syslogparse.evidence.model import Damage, Grade, Kind, Reason
from syslogparse.report.model import Undecoded
from syslogparse.roles import wire
from syslogparse.sources.blocks import Place

_K = TypeVar("_K")

MAX_NAMED = 20
_MOST = 1 << 53
"""Undecoded lines that are named in a report; all are counted."""


class Totals:
    """Adds up BLOCK frames, in whatever order they come."""

    def __init__(self) -> None:
        self.blocks = 0
        self.lines: dict[Place, int] = {}
        self.events: dict[Kind, int] = {}
        self.trust: dict[Grade, int] = {}
        self.reasons: dict[Reason, int] = {}
        self.losses: dict[LossKind, int] = {}
        self.damages: dict[int, Damage] = {}
        """By file, why the rest of it could not be read."""
        self.event_count = 0
        self.outside = self.undated = 0
        """Events that are not used: not logged in the time asked for, or nobody knows when."""
        self._named: list[tuple[Place, int, Reason]] = []
        self._before: dict[int, tuple[int, int]] = {}

    def block(self, place: Place, frame: wire.BlockFrame) -> None:
        """Add one block."""
        self.blocks += 1
        self.lines[place] = self.lines.get(place, 0) + frame.lines
        _add(self.events, frame.events)
        _add(self.trust, frame.trust)
        _add(self.reasons, frame.reasons)
        add_losses(self.losses, frame.losses)
        if frame.damage:
            self.damages[place.file] = frame.damage
        self.event_count += sum(frame.events.values())
        self.outside += frame.outside
        self.undated += frame.undated
        self._named.extend((place, line, reason) for line, reason in frame.undecoded)
        if len(self._named) > 50 * MAX_NAMED:
            self._named = sorted(self._named)[:MAX_NAMED]

    def lines_before(self, place: Place) -> int | None:
        """How many lines of the file stand before the block; None when a block before it was lost.

        Cheap when it is asked in the order of the blocks.
        """
        block, lines = self._before.get(place.file, (0, 0))
        if block > place.block:
            block = lines = 0
        while block < place.block:
            count = self.lines.get(Place(place.file, block))
            if count is None:
                return None
            lines += count
            block += 1
        self._before[place.file] = block, lines
        return lines

    def first_lines(self) -> dict[tuple[int, int], int]:
        """lines_before of every block that has one."""
        known = ((place, self.lines_before(place)) for place in sorted(self.lines))
        return {(place.file, place.block): lines for place, lines in known if lines is not None}

    def undecoded(self) -> Undecoded:
        """The undecoded lines, the first twenty with their place."""
        named: list[tuple[int, int, Reason]] = []
        for place, line, reason in sorted(self._named)[:MAX_NAMED]:
            before = self.lines_before(place)
            if before is not None:
                named.append((place.file, before + line + 1, reason))
        return Undecoded(sum(self.reasons.values()), dict(sorted(self.reasons.items())), tuple(named))


_SINCE_BOOT: LossKind = "audit records lost in total"


def add_losses(sums: dict[LossKind, int], more: Mapping[LossKind, int]) -> None:
    """Add losses up. Of a sum that runs since boot, the largest counts."""
    for kind, count in more.items():
        known = sums.get(kind, 0)
        sums[kind] = min(max(known, count) if kind == _SINCE_BOOT else known + count, _MOST)


def _add(sums: dict[_K, int], more: dict[_K, int]) -> None:
    for key, count in more.items():
        sums[key] = sums.get(key, 0) + count
