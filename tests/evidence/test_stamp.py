"""Stamps against the calendar of the standard library."""

from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syslogparse.evidence.stamp import Clock

MICROSECOND = timedelta(microseconds=1)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()


def micros(*parts: int, zone: timezone = UTC) -> int:
    return (datetime(*parts, tzinfo=zone) - EPOCH) // MICROSECOND  # type: ignore[misc,arg-type]


NEWEST = micros(2026, 11, 22, 6, 30)


@pytest.mark.parametrize(
    ("stamp", "time"),
    [
        (b"Nov 22 06:20:23", (2026, 11, 22, 6, 20, 23)),
        (b"Nov 22 06:30:00", (2026, 11, 22, 6, 30)),
        (b"Nov 22 06:30:00.999999", (2026, 11, 22, 6, 30, 0, 999999)),
        (b"Nov 22 06:30:01", (2025, 11, 22, 6, 30, 1)),
        (b"Dec  1 00:00:00", (2025, 12, 1)),
        (b"Dec 1 00:00:00", (2025, 12, 1)),
        (b"Jan 01 00:00:00", (2026, 1, 1)),
        (b"Feb 29 12:00:00", (2024, 2, 29, 12)),
        (b"Nov 22 06:20:23.857164", (2026, 11, 22, 6, 20, 23, 857164)),
        (b"Nov 22 06:20:23.8", (2026, 11, 22, 6, 20, 23, 800000)),
        (b"Nov 22 06:20:23.857164999", (2026, 11, 22, 6, 20, 23, 857164)),
        (b"Nov 22 06:20:23+01:00", (2026, 11, 22, 5, 20, 23)),
        (b"Nov 22 06:35:00+01:00", (2026, 11, 22, 5, 35)),
        (b"2026-11-22T06:20:12.588510+00:00", (2026, 11, 22, 6, 20, 12, 588510)),
        (b"2026-11-22T06:20:12.588510-08:30", (2026, 11, 22, 14, 50, 12, 588510)),
        (b"2026-11-22T06:20:12.588510123Z", (2026, 11, 22, 6, 20, 12, 588510)),
        (b"2026-11-22T06:20:12.5Z", (2026, 11, 22, 6, 20, 12, 500000)),
        (b"2026-11-22T06:20:12+0000", (2026, 11, 22, 6, 20, 12)),
        (b"2026-11-22T06:20:12Z", (2026, 11, 22, 6, 20, 12)),
        (b"2026-11-22T06:20:12", (2026, 11, 22, 6, 20, 12)),
        (b"2026-11-22 06:20:12.25", (2026, 11, 22, 6, 20, 12, 250000)),
        (b"audit(1279968846.035:77)", (2010, 7, 24, 10, 54, 6, 35000)),
        (b"audit(11/22/26 06:20:08.930:11)", (2026, 11, 22, 6, 20, 8, 930000)),
        (b"audit(22.11.2026 06:20:08.930:11)", (2026, 11, 22, 6, 20, 8, 930000)),
        (b"Nov 22 06:20:23,857", (2026, 11, 22, 6, 20, 23, 857000)),
        (b"2026-11-22 06:20:12,588510", (2026, 11, 22, 6, 20, 12, 588510)),
        (b"2026-11-22T06:20:12,588510+00:00", (2026, 11, 22, 6, 20, 12, 588510)),
        (b"2026-11-22T06:20:12+02", (2026, 11, 22, 4, 20, 12)),
        (b"2026-11-22 06:20:12 +0100", (2026, 11, 22, 5, 20, 12)),
        (b"Jan  1 15:09:04.562575+08:00", (2026, 1, 1, 7, 9, 4, 562575)),
        (b"Nov 22 2024 06:20:23", (2024, 11, 22, 6, 20, 23)),
        (b"2024 Nov 22 06:20:23.5", (2024, 11, 22, 6, 20, 23, 500000)),
        (b"Fri Nov 22 06:20:23 2024", (2024, 11, 22, 6, 20, 23)),
        (b"Fri Nov 22 06:20:23.123456 2024", (2024, 11, 22, 6, 20, 23, 123456)),
        (b"nov. 22 06:20:23", (2026, 11, 22, 6, 20, 23)),
        (b"nov. 22 06:20:23.123456", (2026, 11, 22, 6, 20, 23, 123456)),
        ("déc. 1 00:00:00".encode(), (2025, 12, 1)),
        ("Mär 22 06:20:23".encode(), (2026, 3, 22, 6, 20, 23)),
        (b"Mai 22 06:20:23", (2026, 5, 22, 6, 20, 23)),
        ("11月 22 06:20:23".encode(), (2026, 11, 22, 6, 20, 23)),
        (b"Sun 2026-11-22 06:20:23 UTC", (2026, 11, 22, 6, 20, 23)),
        (b"Sun 2026-11-22 06:20:23.123456 CET", (2026, 11, 22, 5, 20, 23, 123456)),
        (b"Sun 2026-11-22 06:20:23 -03", (2026, 11, 22, 9, 20, 23)),
        (b"22/Nov/2026:06:20:23 +0100", (2026, 11, 22, 5, 20, 23)),
        (b"1795328423.857164", (2026, 11, 22, 6, 20, 23, 857164)),
        (b"1795328423", (2026, 11, 22, 6, 20, 23)),
    ],
)
def test_stamps(stamp: bytes, time: tuple[int, ...]):
    clock = Clock(UTC, NEWEST)
    assert clock.read(stamp) == micros(*time)
    assert clock.read(stamp) == micros(*time), "from the cache"


@pytest.mark.parametrize(
    "stamp",
    [
        b"",
        b"[   16.237012]",
        b"Feb 30 00:00:00",
        b"Nov 22 24:00:00",
        b"Nom 22 06:20:23",
        b"Nov 22 06:20:23.",
        b"Nov 22 06:20:23.x",
        b"2026-02-29T00:00:00Z",
        b"0000-01-01T00:00:00Z",
        b"2026-11-22T06:20:12+99:99",
        b"0001-01-01T00:00:00+01:00",
        b"9999-12-31T23:59:59-23:00",
        b"audit(",
        b"audit(1.2",
        b"audit(999999999999.000:1)",
        b"audit(-1.000:1)",
        b"audit(1_0.000:1)",
        b"audit(05/06/2026 06:20:08.930:11)",
        b"audit(02/30/26 06:20:08.930:11)",
        b"audit(11/22/26 26:20:08.930:11)",
        b"Sun 2026-11-22 06:20:23 XYZ",
        b"Sun 2026-11-22 06:20:23 +99",
        b"Nov 22 0000 06:20:23",
        b"lis 22 06:20:23",
        b"lis. 22 2026 06:20:23",
        b"[Nov22 06:20]",
        b"[  +0.000123]",
        b"4,1,1,-",
        b"1795328423857164",
        b"Nov 22 06:20:23,,1",
        b"\xb2026-11-22T06:20:12Z",
    ],
)
def test_no_usable_time(stamp: bytes):
    assert Clock(UTC, NEWEST).read(stamp) is None


def test_a_stamp_without_zone_is_in_the_given_zone_summer_time_included():
    clock = Clock(ZoneInfo("Europe/Berlin"), NEWEST)
    assert clock.read(b"Nov 22 06:20:23") == micros(2026, 11, 22, 5, 20, 23)
    assert clock.read(b"Jul 22 06:20:23") == micros(2026, 7, 22, 4, 20, 23)
    assert clock.read(b"2026-07-22T06:20:23") == micros(2026, 7, 22, 4, 20, 23)
    assert clock.read(b"Nov 22 07:30:01") == micros(2025, 11, 22, 6, 30, 1)


def test_the_hour_that_comes_twice():
    clock = Clock(ZoneInfo("Europe/Berlin"), NEWEST)
    assert clock.read(b"Sun 2026-10-25 02:30:00 CEST") == micros(2026, 10, 25, 0, 30)
    assert clock.read(b"Sun 2026-10-25 02:30:00 CET") == micros(2026, 10, 25, 1, 30)
    assert clock.read(b"audit(10/25/26 12:30:00.930:11)") == micros(2026, 10, 25, 11, 30, 0, 930000)


def test_new_year_between_zones():
    clock = Clock(timezone(timedelta(hours=-10)), micros(2026, 1, 1, 3))
    assert clock.read(b"Dec 31 16:59:59") == micros(2026, 1, 1, 2, 59, 59)
    assert clock.read(b"Dec 31 17:00:01") == micros(2025, 1, 1, 3, 0, 1)
    assert clock.read(b"Jan  1 03:00:00+14:00") == micros(2025, 12, 31, 13)


@pytest.mark.parametrize("newest", [-(10**18), -1, 0, 10**12, 10**18])
def test_a_file_of_any_age(newest: int):
    value = Clock(UTC, newest).read(b"Feb 29 12:00:00")
    assert value is None or value <= newest


def test_the_leap_day_across_a_century():
    assert Clock(UTC, micros(1904, 1, 1)).read(b"Feb 29 12:00:00") == micros(1896, 2, 29, 12)


@given(
    st.integers(7304, 43829).map(lambda day: EPOCH + day * timedelta(1)),
    st.integers(0, 86399),
    st.integers(0, 366 * 24 * 3600 - 1),
)
def test_the_latest_year_that_is_not_after_the_file(day: datetime, second: int, age: int):
    moment = day + timedelta(seconds=second)
    newest = (moment - EPOCH) // MICROSECOND + age * 10**6
    stamp = f"{MONTHS[moment.month - 1]} {moment.day:2} {moment:%H:%M:%S}".encode()
    value = Clock(UTC, newest).read(stamp)
    assert value is not None
    found = EPOCH + value * MICROSECOND
    assert value <= newest
    assert (found.month, found.day, found.time()) == (moment.month, moment.day, moment.time())
    later = [year for year in range(found.year + 1, found.year + 9) if (found.month, found.day) != (2, 29) or year % 4 == 0]
    assert all((found.replace(year=year) - EPOCH) // MICROSECOND > newest for year in later if year != 2100)


@given(st.binary(max_size=60))
def test_any_bytes(stamp: bytes):
    clock = Clock(UTC, NEWEST)
    for front in (
        b"",
        b"Nov 22 06:20:23.",
        b"2026-11-22T06:20:12",
        b"audit(",
        b"audit(1/1/1 00:00:00.",
        b"Sun 2026-11-22 06:20:23 ",
        b"1",
    ):
        value = clock.read(front + stamp)
        assert value is None or isinstance(value, int)


def test_the_cache_is_bounded():
    clock = Clock(UTC, NEWEST)
    for second in range(20_000):
        clock.read(b"2026-11-%02dT%02d:%02d:%02d" % (second // 3600 + 1, second // 3600, second // 60 % 60, second % 60))
    assert len(clock._seconds) <= 4096
