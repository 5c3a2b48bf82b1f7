"""Microseconds since the epoch as text, always UTC: no time zone is looked up, so no file is opened."""

from __future__ import annotations

from datetime import date
from functools import lru_cache

_MICRO = 1_000_000
_MINUTE = 60 * _MICRO
_EPOCH = date(1970, 1, 1).toordinal()
_LAST = date.max.toordinal()


@lru_cache(maxsize=64)
def _minute(minute: int) -> str | None:
    """``YYYY-MM-DDTHH:MM:`` of a minute since the epoch; None outside the years 1 to 9999."""
    days, rest = divmod(minute, 24 * 60)
    ordinal = _EPOCH + days
    if not 1 <= ordinal <= _LAST:
        return None
    hour, rest = divmod(rest, 60)
    return f"{date.fromordinal(ordinal).isoformat()}T{hour:02d}:{rest:02d}:"


def timestamp(micros: int) -> str | None:
    """RFC 3339 with six digits, ``2026-11-22T05:00:00.123456+00:00``; None outside the years 1 to 9999."""
    minute, rest = divmod(micros, _MINUTE)
    text = _minute(minute)
    if text is None:
        return None
    second, micro = divmod(rest, _MICRO)
    return f"{text}{second:02d}.{micro:06d}+00:00"


def short(micros: int) -> str:
    """For the eye: ``2026-11-22 05:00:00``, the fraction cut off; a dash outside the years 1 to 9999."""
    text = timestamp(micros)
    return "-" if text is None else f"{text[:10]} {text[11:19]}"


def span(first: int | None, last: int | None) -> str:
    """From first to last, saying the day once where it is the same; empty when neither is known."""
    if first is None or last is None:
        known = first if last is None else last
        return "" if known is None else short(known)
    start, end = short(first), short(last)
    if start == end:
        return start
    return f"{start} to {end[11:]}" if start[:10] == end[:10] and len(end) > 1 else f"{start} to {end}"
