"""What of the logs is wanted, and the word for a parser that sends anything else."""

from __future__ import annotations

from typing import NamedTuple

from syslogparse.evidence.model import GRADES, Grade
from syslogparse.evidence.period import ALWAYS, Period
from syslogparse.roles import wire


class Lie(Exception):
    """A frame that decodes and cannot be true."""


def demand(truth: bool, lie: str) -> None:
    """Raises Lie."""
    if not truth:
        raise Lie(lie)


class Terms(NamedTuple):
    """least: the weakest grade that is used. period: the time asked for. samples: whether the first events of each key are."""

    least: Grade = GRADES[-1]
    period: Period = ALWAYS
    samples: bool = False

    def uses(self, grade: Grade) -> bool:
        """Whether evidence of this grade is used."""
        return GRADES.index(grade) <= GRADES.index(self.least)

    def check_time(self, time: int | None) -> None:
        """Raises Lie for a time that is not in the period."""
        demand(self.period.verdict(time) == "inside", "a time that nobody asked for")

    def check_unused(self, frame: wire.BlockFrame) -> None:
        """Raises Lie where events are left out, and no time was asked for, or there are not so many."""
        most = sum(frame.events.values()) if self.period.bounded else 0
        demand(frame.outside + frame.undated <= most, "a time that nobody asked for")

    def check_entry(self, entry: wire.Entry) -> None:
        """Raises Lie for an entry, or events with it, that cannot be wanted, and BadFrame for fields that are none."""
        if self.period.bounded:
            for time in (entry.first_time, entry.last_time, *(sample.time for sample in entry.samples)):
                self.check_time(time)
        demand(self.samples or not entry.samples, "events that nobody asked for")
        for sample in entry.samples:
            demand(entry.first <= (sample.block, sample.line) <= entry.last, "a line that it has not read")
            wire.decode_fields(sample.fields)


ALL = Terms()
