"""Log stamps to microseconds since the epoch."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone, tzinfo

from syslogparse.evidence import dates, months

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_START_OF_CALENDAR = -62_135_596_800
_END_OF_CALENDAR = 253_402_300_800
"""Seconds since the epoch at which the years 1 and 10000 begin; no other time can be printed."""
_LEAP_CYCLE = 8
"""Years between two 29 Februaries at most (1896 and 1904)."""
_CACHE_SIZE = 4096

_MONTHS = {name: number for number, name in enumerate(months.ENGLISH, start=1)}
_TEXT = re.compile(
    rb"(?:(\d{4})-(\d\d)-(\d\d)[T ]|([A-Z][a-z]{2}) {1,2}(\d{1,2}) )"
    rb"(\d\d):(\d\d):(\d\d)(?: ?(?:(Z)|([+-])(\d\d)(?::?(\d\d))?))?"
)
_AUDIT = re.compile(rb"audit\((\d{1,12}+)\.(\d{1,9}+):")
_FRACTION = re.compile(rb"(?<=:\d\d)[.,](\d{1,9})(?!\d)")
_MICROS = 6
"""Digits of a fraction in microseconds."""


class Clock:
    """Reads the stamps of one log file.

    zone: of stamps that name none. newest: the log file's own time stamp, microseconds since the epoch; a stamp without
    year is put into the latest year in which it is not after that second.
    """

    def __init__(self, zone: tzinfo, newest: int) -> None:
        self._zone = zone
        self._newest = newest
        self._latest_year = _year(newest, zone)
        self._seconds: dict[bytes, int | None] = {}

    def read(self, stamp: bytes) -> int | None:
        """Microseconds since the epoch, UTC.

        Takes the stamps of RFC 3164 (with fraction, zone or year too, and with the month in other languages), ISO 8601,
        ctime(3), journalctl(1) in all its forms, seconds since the epoch with six decimals, ``audit(SECONDS.MILLIS:SERIAL)``
        and what ausearch(8) -i makes of it. None for anything else, for dates that do not exist or could be two, and for
        seconds since boot.
        """
        if stamp.startswith(b"audit("):
            return self._audit(stamp)
        second, dot, rest = stamp.partition(b".")
        if not dot:
            return self._second(stamp) if stamp.find(b",") < 0 else self._odd(stamp)
        digits, zone = rest[:_MICROS], rest[_MICROS:]
        if len(digits) < _MICROS or not digits.isdigit() or zone[:1].isdigit():
            return self._odd(stamp)
        base = self._second(second + zone)
        return None if base is None else base + int(digits)

    def _odd(self, stamp: bytes) -> int | None:
        """A stamp whose fraction has not six digits, stands behind a comma, or is none."""
        found = _FRACTION.search(stamp)
        if found is None:
            return self._second(stamp)
        base = self._second(stamp[: found.start()] + stamp[found.end() :])
        return None if base is None else base + _micros(found[1])

    def _audit(self, stamp: bytes) -> int | None:
        found = _AUDIT.match(stamp)
        if found is None:
            return self._interpreted(stamp)
        seconds = int(found[1])
        return None if seconds >= _END_OF_CALENDAR else seconds * 1_000_000 + _micros(found[2])

    def _interpreted(self, stamp: bytes) -> int | None:
        if (told := dates.interpreted(stamp)) is None:
            return None
        try:
            return _microseconds(datetime(*told.date, *told.time, tzinfo=self._zone)) + _micros(told.fraction)
        except (ValueError, OverflowError):
            return None

    def _second(self, stamp: bytes) -> int | None:
        known = self._seconds
        if stamp in known:
            return known[stamp]
        if len(known) >= _CACHE_SIZE:
            known.clear()
        value = self._parse(stamp)
        if value is not None and not _START_OF_CALENDAR <= value // 1_000_000 < _END_OF_CALENDAR:
            value = None
        known[stamp] = value
        return value

    def _parse(self, stamp: bytes) -> int | None:
        found = _TEXT.fullmatch(stamp)
        if found is None:
            return self._unusual(stamp)
        year, month, day, name, day_of_month, hour, minute, second, zulu, sign, hours, minutes = found.groups()
        time = (int(hour), int(minute), int(second))
        try:
            zone = self._zone
            if zulu or sign:
                offset = timedelta(hours=int(hours or 0), minutes=int(minutes or 0))
                zone = timezone(-offset if sign == b"-" else offset)
            if year:
                return _microseconds(datetime(int(year), int(month), int(day), *time, tzinfo=zone))
            return self._latest(_MONTHS.get(name) or months.number(name) or 0, int(day_of_month), time, zone)
        except (ValueError, OverflowError):
            return None

    def _unusual(self, stamp: bytes) -> int | None:
        if stamp.isdigit():
            return int(stamp) * 1_000_000 if len(stamp) <= dates.EPOCH_DIGITS else None
        told = dates.read(stamp)
        if told is None:
            return None
        year, month, day = told.date
        try:
            if year is None:
                return self._latest(month, day, told.time, dates.offset(told.zone) or self._zone)
            zoned = dates.zoned(datetime(year, month, day, *told.time, tzinfo=self._zone), told.zone)
            return None if zoned is None else _microseconds(zoned)
        except (ValueError, OverflowError):
            return None

    def _latest(self, month: int, day: int, time: tuple[int, int, int], zone: tzinfo) -> int | None:
        # Between two zones are less than two days, so that only the first two of January can be of the year after.
        latest = self._latest_year + int(month == 1 and day <= 2)
        for year in range(min(latest, 9999), max(self._latest_year - _LEAP_CYCLE - 1, 0), -1):
            try:
                value = _microseconds(datetime(year, month, day, *time, tzinfo=zone))
            except ValueError:
                continue
            if value <= self._newest:
                return value
        return None


def _year(moment: int, zone: tzinfo) -> int:
    try:
        return (_EPOCH + moment * _MICROSECOND).astimezone(zone).year
    except OverflowError:
        return 9999 if moment > 0 else 1


def _microseconds(moment: datetime) -> int:
    return (moment - _EPOCH) // _MICROSECOND


def _micros(digits: bytes) -> int:
    """Microseconds that the digits behind a decimal point are."""
    return int(digits[:_MICROS].ljust(_MICROS, b"0"))
