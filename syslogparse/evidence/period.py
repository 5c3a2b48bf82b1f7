"""The time that the user asked for: how he may write a bound, and which events are in it.

The forms are those of systemd.time(7) that people use, and the stamps of the program's own output.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from typing import Final, Literal, NamedTuple, TypeAlias

from syslogparse.evidence.model import FIRST_TIME, LAST_TIME

FORMS: Final = "2026-11-22, '2026-11-22 05:00', 2026-11-22T05:00:00+01:00, 05:00, -2h, -30min, -7d, yesterday, today, now"
"""For people; there are some more (``read``)."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_SECOND: Final = 1_000_000
_DAYS: Final = {"yesterday": -1, "today": 0, "tomorrow": 1}
_DATE = r"(?P<year>\d{4})-(?P<month>\d\d)-(?P<day>\d\d)"
_CLOCK = r"(?P<hour>\d\d):(?P<minute>\d\d)(?::(?P<second>\d\d)(?:[.,](?P<fraction>\d{1,9}))?)?"
_ZONE = r"(?: ?(?P<zone>Z|UTC|[+-]\d\d(?::?\d\d)?))?"
_ABSOLUTE = re.compile(rf"{_DATE}(?:[T ]{_CLOCK}{_ZONE})?", re.ASCII)
_OF_TODAY = re.compile(_CLOCK, re.ASCII)
_SINCE_EPOCH = re.compile(r"@(\d{1,12})(?:\.(\d{1,9}))?", re.ASCII)
_RELATIVE = re.compile(r"([+-]?)((?:\d{1,9} ?[A-Za-z]{1,7} ?){1,8})(?<! )( ago)?", re.ASCII)
_SPAN = re.compile(r"(\d+) ?([A-Za-z]+)", re.ASCII)
_UNITS: Final = {
    name: micros
    for names, micros in (
        ("us usec", 1),
        ("ms msec", 1000),
        ("s sec second seconds", _SECOND),
        ("m min minute minutes", 60 * _SECOND),
        ("h hr hour hours", 3600 * _SECOND),
        ("d day days", 86_400 * _SECOND),
        ("w week weeks", 7 * 86_400 * _SECOND),
        ("M month months", 2_629_800 * _SECOND),
        ("y year years", 31_557_600 * _SECOND),
    )
    for name in names.split()
}
"""Microseconds; months and years as systemd.time(7) counts them, of 30.44 and 365.25 days."""

Verdict: TypeAlias = Literal["inside", "outside", "undated"]


class NoTime(ValueError):
    """This is no time."""


class Period(NamedTuple):
    """From since on, and before until: microseconds since the epoch, None for no bound."""

    since: int | None = None
    until: int | None = None

    @property
    def bounded(self) -> bool:
        """Whether there is any bound."""
        return self.since is not None or self.until is not None

    def verdict(self, time: int | None) -> Verdict:
        """Where a time is. Of an event without one nobody knows, so it is undated as soon as there is a bound."""
        if not self.bounded:
            return "inside"
        if time is None:
            return "undated"
        early = self.since is not None and time < self.since
        late = self.until is not None and time >= self.until
        return "outside" if early or late else "inside"


ALWAYS: Final = Period()


def read(text: str, zone: tzinfo, now: int) -> int:
    """Microseconds since the epoch of what the user wrote; what is outside the years 1 to 9999 is moved to their ends.

    zone: of times that name none. now: microseconds since the epoch. Raises NoTime.
    """
    try:
        return max(FIRST_TIME, min(_read(text.strip(), zone, now), LAST_TIME))
    except (ValueError, OverflowError):
        raise NoTime(text) from None


def _read(text: str, zone: tzinfo, now: int) -> int:
    if text == "now":
        return now
    if text in _DAYS:
        return _since_epoch(_midnight(zone, now, _DAYS[text]))
    if found := _SINCE_EPOCH.fullmatch(text):
        return int(found[1]) * _SECOND + _micros(found[2])
    if found := _OF_TODAY.fullmatch(text):
        today = _midnight(zone, now, 0)
        return _since_epoch(_at(today, found))
    if found := _ABSOLUTE.fullmatch(text):
        day = datetime(int(found["year"]), int(found["month"]), int(found["day"]), tzinfo=_zone(found["zone"]) or zone)
        return _since_epoch(_at(day, found))
    return now + _relative(text)


def _midnight(zone: tzinfo, now: int, days: int) -> datetime:
    today = (_EPOCH + now * _MICROSECOND).astimezone(zone).date()
    return datetime.combine(today + timedelta(days=days), datetime.min.time(), zone)


def _at(day: datetime, clock: re.Match[str]) -> datetime:
    hour, minute, second = (int(clock[name] or 0) for name in ("hour", "minute", "second"))
    return day.replace(hour=hour, minute=minute, second=second, microsecond=_micros(clock["fraction"]))


def _zone(text: str | None) -> tzinfo | None:
    if not text:
        return None
    if text in ("Z", "UTC"):
        return UTC
    ahead = timedelta(hours=int(text[1:3]), minutes=int(text[-2:]) if len(text) > len("+00") else 0)
    return timezone(-ahead if text[0] == "-" else ahead)


def _relative(text: str) -> int:
    found = _RELATIVE.fullmatch(text)
    if found is None or bool(found[1]) == bool(found[3]):
        raise NoTime(text)
    try:
        span = sum(int(number) * _UNITS[unit] for number, unit in _SPAN.findall(found[2]))
    except KeyError:
        raise NoTime(text) from None
    return span if found[1] == "+" else -span


def _since_epoch(moment: datetime) -> int:
    return (moment - _EPOCH) // _MICROSECOND


def _micros(digits: str | None) -> int:
    return int((digits or "")[:6].ljust(6, "0"))
