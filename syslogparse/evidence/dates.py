"""Dates in the less usual log stamps: other orders, other languages, named zones, and dates as a locale prints them.

Digits are taken apart here and judged by the calendar in ``stamp``. What could be two dates is none.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from typing import Final, NamedTuple

from syslogparse.evidence import months

EPOCH_DIGITS: Final = 12
"""Digits of seconds since the epoch at most."""

_WORD = rb"[^\x00-\x20]{1,24}"
_DAY = rb"[^\x00-\x20\d][^\x00-\x20]{0,23}"
_TIME = rb"(\d\d):(\d\d):(\d\d)"
_SHORT_FULL = re.compile(
    rb"(?:" + _DAY + rb" )?(?P<year>\d{4})-(?P<name>\d\d)-(?P<day>\d\d) (?P<time>[\d:]{8})"
    rb" (?P<zone>[A-Z]{1,5}|[+-]\d\d(?::?\d\d)?)(?P<later>)"
)
"""Sun 2026-11-22 06:20:23 UTC"""
_ORDERS = (
    # Sun Nov 22 06:20:23 2026, nov. 22 06:20:23, Nov 22 2026 06:20:23
    re.compile(rb"(?:" + _DAY + rb" )?(?P<name>" + _WORD + rb") {1,2}(?P<day>\d{1,2})(?: (?P<year>\d{4}))? (?P<time>[\d:]{8})"
               rb"(?P<zone>[+-]\d\d(?::?\d\d)?|Z)?(?: (?P<later>\d{4}))?"),
    # 2026 Nov 22 06:20:23
    re.compile(rb"(?P<year>\d{4}) (?P<name>" + _WORD + rb") {1,2}(?P<day>\d{1,2}) (?P<time>[\d:]{8})"
               rb"(?P<zone>[+-]\d\d(?::?\d\d)?|Z)?(?P<later>)"),
    _SHORT_FULL,
    # 22/Nov/2026:06:20:23 +0100
    re.compile(rb"(?P<day>\d\d)/(?P<name>[A-Z][a-z]{2})/(?P<year>\d{4}):(?P<time>[\d:]{8}) (?P<zone>[+-]\d{4})(?P<later>)"),
)  # fmt: skip
_CLOCK = re.compile(_TIME)
_OFFSET = re.compile(rb"([+-])(\d\d)(?::?(\d\d))?")
_NAMED = {
    # RFC 5322, 4.3, and Europe's. Others are used by several countries for several times.
    b"Z": 0, b"UTC": 0, b"UCT": 0, b"GMT": 0, b"UT": 0, b"WET": 0, b"WEST": 1, b"CET": 1, b"CEST": 2, b"EET": 2, b"EEST": 3,
    b"MSK": 3, b"EST": -5, b"EDT": -4, b"CDT": -5, b"MST": -7, b"MDT": -6, b"PST": -8, b"PDT": -7, b"JST": 9, b"AEST": 10,
    b"AEDT": 11, b"NZST": 12, b"NZDT": 13,
}  # fmt: skip

_INTERPRETED = re.compile(rb"audit\(([^()\x00-\x1f\x7f]{1,40}) " + _TIME + rb"\.(\d{1,9}):\d{1,20}\)")
_NUMERIC = re.compile(rb"(\d{1,4})([-./]) ?(\d{1,2})\2 ?(\d{1,4})\.?")
_CJK = re.compile("(\\d{4})(?:年|년 )(\\d{1,2})(?:月|월 )(\\d{1,2})(?:日|號|일)".encode())
_CENTURY: Final = 2000
_FULL_YEAR: Final = 4
_MONTHS_A_YEAR: Final = 12


class Moment(NamedTuple):
    """A date and time as a stamp says them: year (None where it says none), month, day; hour, minute, second; zone's text."""

    date: tuple[int | None, int, int]
    time: tuple[int, int, int]
    zone: bytes


class Interpreted(NamedTuple):
    """As ``Moment``, of a record that ausearch(8) interpreted, with the digits behind the decimal point."""

    date: tuple[int, int, int]
    time: tuple[int, int, int]
    fraction: bytes


def read(stamp: bytes) -> Moment | None:
    """The parts of a stamp without fraction, None where it has none of the shapes or a month that could be two."""
    for order in _ORDERS:
        found = order.fullmatch(stamp)
        clock = found and _CLOCK.fullmatch(found["time"])
        if not found or not clock:
            continue
        name = found["name"]
        month = int(name) if order is _SHORT_FULL else months.number(name)
        if not month:
            return None
        year = found["year"] or found["later"]
        date = (int(year) if year else None, month, int(found["day"]))
        return Moment(date, (int(clock[1]), int(clock[2]), int(clock[3])), found["zone"] or b"")
    return None


def interpreted(stamp: bytes) -> Interpreted | None:
    """The parts of ``audit(DATE TIME.MILLIS:SERIAL)``; None where the date is of no known form, or could be two.

    ausearch(8) prints the date as the locale says (strftime's %x). With a year of two digits and slashes it is the C
    locale's month/day/year.
    """
    found = _INTERPRETED.fullmatch(stamp)
    if found is None:
        return None
    date = _local_date(found[1])
    return None if date is None else Interpreted(date, (int(found[2]), int(found[3]), int(found[4])), found[5])


def offset(zone: bytes) -> tzinfo | None:
    """The zone of ``+01:00``, ``+0100``, ``+01`` or ``Z``; None for anything else. Raises ValueError."""
    if zone == b"Z":
        return UTC
    found = _OFFSET.fullmatch(zone)
    if found is None:
        return None
    ahead = timedelta(hours=int(found[2]), minutes=int(found[3] or 0))
    return timezone(-ahead if found[1] == b"-" else ahead)


def zoned(local: datetime, zone: bytes) -> datetime | None:
    """A time of the local zone, in the zone that the stamp names: none (the local one), an offset, or an abbreviation.

    An abbreviation that the local zone itself uses then is the local one's, others are looked up among those that mean one
    offset everywhere. None where it is not among them. Raises ValueError and OverflowError.
    """
    if not zone:
        return local
    if ahead := offset(zone):
        return local.replace(tzinfo=ahead)
    name = zone.decode("ascii")
    for fold in (0, 1):
        here = local.replace(fold=fold)
        if here.tzname() == name:
            # Arithmetic between zones minds the fold, within one it does not.
            return here.astimezone(UTC)
    hours = _NAMED.get(zone)
    return None if hours is None else local.replace(tzinfo=timezone(timedelta(hours=hours)))


def _local_date(text: bytes) -> tuple[int, int, int] | None:
    if found := _CJK.match(text):
        return int(found[1]), int(found[2]), int(found[3])
    found = _NUMERIC.fullmatch(text)
    if found is None:
        return None
    one, mark, two, three = found.groups()
    if len(one) == _FULL_YEAR:
        return int(one), int(two), int(three)
    if len(three) == _FULL_YEAR:
        return _with_year(int(three), int(one), int(two), mark, american=False)
    if mark == b"-" or len(one) > 2 or len(three) != 2:
        return None
    return _with_year(_CENTURY + int(three), int(one), int(two), mark, american=True)


def _with_year(year: int, one: int, two: int, mark: bytes, *, american: bool) -> tuple[int, int, int] | None:
    """american: whether of two numbers that could both be a month the first is it; else they are no date."""
    if mark != b"/" or one > _MONTHS_A_YEAR:
        return year, two, one
    return (year, one, two) if american or two > _MONTHS_A_YEAR or one == two else None
