"""Dates in other orders and languages."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syslogparse.evidence import dates

TIME = (6, 20, 23)


@pytest.mark.parametrize(
    ("stamp", "date", "zone"),
    [
        ("nov. 22 06:20:23", (None, 11, 22), b""),
        ("Mär 2 06:20:23", (None, 3, 2), b""),
        ("Mär  2 06:20:23+01:00", (None, 3, 2), b"+01:00"),
        ("Nov 22 2026 06:20:23", (2026, 11, 22), b""),
        ("2026 Nov 22 06:20:23", (2026, 11, 22), b""),
        ("Sun Nov 22 06:20:23 2026", (2026, 11, 22), b""),
        ("So Nov 22 06:20:23 2026", (2026, 11, 22), b""),
        ("Sun 2026-11-22 06:20:23 UTC", (2026, 11, 22), b"UTC"),
        ("Sun 2026-11-22 06:20:23 -03", (2026, 11, 22), b"-03"),
        ("22/Nov/2026:06:20:23 +0100", (2026, 11, 22), b"+0100"),
    ],
)
def test_orders(stamp: str, date: tuple[int | None, int, int], zone: bytes):
    assert dates.read(stamp.encode()) == dates.Moment(date, TIME, zone)


@pytest.mark.parametrize(
    "stamp", ["", "Nov 22", "lis 22 06:20:23", "Nom 22 06:20:23", "Nov 22 6:20:23", "Nov 22 06:20:2:", "13 22 06:20:23"]
)
def test_no_date(stamp: str):
    assert dates.read(stamp.encode()) is None


@pytest.mark.parametrize(
    ("date", "told"),
    [
        ("11/22/26", (2026, 11, 22)),
        ("05/06/26", (2026, 5, 6)),
        ("22/11/26", (2026, 11, 22)),
        ("11/22/2026", (2026, 11, 22)),
        ("22/11/2026", (2026, 11, 22)),
        ("06/06/2026", (2026, 6, 6)),
        ("05/06/2026", None),
        ("22.11.2026", (2026, 11, 22)),
        ("05.06.2026", (2026, 6, 5)),
        ("22.11.26", (2026, 11, 22)),
        ("22. 11. 2026", (2026, 11, 22)),
        ("22.11.2026.", (2026, 11, 22)),
        ("22-11-2026", (2026, 11, 22)),
        ("22-11-26", None),
        ("2026-11-22", (2026, 11, 22)),
        ("2026/11/22", (2026, 11, 22)),
        ("2026年11月22日", (2026, 11, 22)),
        ("2026년 11월 22일", (2026, 11, 22)),
        ("1/2-2026", None),
        ("123/1/26", None),
        ("22.11.126", None),
        ("today", None),
    ],
)
def test_interpreted_records(date: str, told: tuple[int, int, int] | None):
    found = dates.interpreted(f"audit({date} 06:20:23.930:11)".encode())
    assert found == (None if told is None else dates.Interpreted(told, TIME, b"930"))


def test_zones():
    berlin = ZoneInfo("Europe/Berlin")
    twice = datetime(2026, 10, 25, 2, 30, tzinfo=berlin)
    first, second = dates.zoned(twice, b"CEST"), dates.zoned(twice, b"CET")
    assert first is not None
    assert second is not None
    assert (first, second) == (datetime(2026, 10, 25, 0, 30, tzinfo=UTC), datetime(2026, 10, 25, 1, 30, tzinfo=UTC))
    assert second - first == timedelta(hours=1)
    assert dates.zoned(twice, b"UTC") == datetime(2026, 10, 25, 2, 30, tzinfo=UTC)
    assert dates.zoned(twice, b"-0330") == datetime(2026, 10, 25, 6, tzinfo=UTC)
    assert dates.zoned(twice, b"") == twice
    assert dates.zoned(twice, b"IST") is None, "India, Israel or Ireland"
    there = datetime(2026, 10, 25, 2, 30, tzinfo=ZoneInfo("Asia/Kolkata"))
    assert dates.zoned(there, b"IST") == datetime(2026, 10, 24, 21, tzinfo=UTC)


@given(st.binary(max_size=60))
def test_any_bytes(stamp: bytes):
    for front in (b"", b"Sun Nov 22 06:20:23 ", b"22/Nov/2026:", b"Sun 2026-11-22 06:20:23 "):
        found = dates.read(front + stamp)
        assert found is None or 1 <= found.date[1] <= 99
    for front in (b"audit(", b"audit(22.11.", b"audit(22.11.2026 06:20:23."):
        assert dates.interpreted(front + stamp) is None or (front + stamp).endswith(b")")
