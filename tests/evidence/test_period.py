from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syslogparse.evidence.model import FIRST_TIME, LAST_TIME
from syslogparse.evidence.period import ALWAYS, FORMS, NoTime, Period, read
from syslogparse.report.timefmt import timestamp

BERLIN = ZoneInfo("Europe/Berlin")
NOW = 1_795_328_446_882_000  # 2026-11-22 06:20:46.882 UTC


def at(text, zone=UTC, now=NOW):
    return timestamp(read(text, zone, now))


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("2026-11-22", "2026-11-22T00:00:00.000000"),
        ("2026-11-22 05:00", "2026-11-22T05:00:00.000000"),
        ("2026-11-22 05:00:07", "2026-11-22T05:00:07.000000"),
        ("2026-11-22T05:00:07", "2026-11-22T05:00:07.000000"),
        ("2026-11-22T05:00:07.5", "2026-11-22T05:00:07.500000"),
        ("2026-11-22T05:00:07.123456789", "2026-11-22T05:00:07.123456"),
        ("2026-11-22T05:00:07.123456Z", "2026-11-22T05:00:07.123456"),
        ("2026-11-22T05:00:07.123456+00:00", "2026-11-22T05:00:07.123456"),
        ("2026-11-22T05:00:07+01:00", "2026-11-22T04:00:07.000000"),
        ("2026-11-22T05:00-0330", "2026-11-22T08:30:00.000000"),
        ("2026-11-22 05:00:07 UTC", "2026-11-22T05:00:07.000000"),
        ("2026-11-22T05:00+01", "2026-11-22T04:00:00.000000"),
        ("@1795328446", "2026-11-22T06:20:46.000000"),
        ("@1795328446.5", "2026-11-22T06:20:46.500000"),
        ("05:00", "2026-11-22T05:00:00.000000"),
        ("05:00:01.25", "2026-11-22T05:00:01.250000"),
        ("now", "2026-11-22T06:20:46.882000"),
        ("today", "2026-11-22T00:00:00.000000"),
        ("yesterday", "2026-11-21T00:00:00.000000"),
        ("tomorrow", "2026-11-23T00:00:00.000000"),
        ("-2h", "2026-11-22T04:20:46.882000"),
        ("-30min", "2026-11-22T05:50:46.882000"),
        ("-30m", "2026-11-22T05:50:46.882000"),
        ("-7d", "2026-11-15T06:20:46.882000"),
        ("-1d12h", "2026-11-20T18:20:46.882000"),
        ("-1d 12 h", "2026-11-20T18:20:46.882000"),
        ("+1w", "2026-11-29T06:20:46.882000"),
        ("2 hours ago", "2026-11-22T04:20:46.882000"),
        (" -2h ", "2026-11-22T04:20:46.882000"),
    ],
)
def test_forms(text, wanted):
    assert at(text) == f"{wanted}+00:00"


def test_without_a_zone_it_is_local_time():
    assert at("2026-07-01 12:00", BERLIN) == "2026-07-01T10:00:00.000000+00:00"
    assert at("2026-11-22 12:00", BERLIN) == "2026-11-22T11:00:00.000000+00:00"
    assert at("2026-11-22 12:00Z", BERLIN) == "2026-11-22T12:00:00.000000+00:00"
    assert at("today", BERLIN) == "2026-11-21T23:00:00.000000+00:00"
    # Half past midnight in Berlin: today is the day there.
    late = read("2026-11-22T23:30:00Z", UTC, NOW)
    assert at("today", BERLIN, late) == "2026-11-22T23:00:00.000000+00:00"
    assert at("01:00", BERLIN, late) == "2026-11-23T00:00:00.000000+00:00"


def test_a_day_of_another_length_is_a_day():
    after = read("2026-10-25T12:00:00+01:00", UTC, NOW)
    assert at("today", BERLIN, after) == "2026-10-24T22:00:00.000000+00:00"
    assert at("tomorrow", BERLIN, after) == "2026-10-25T23:00:00.000000+00:00"


@pytest.mark.parametrize(
    "text",
    [
        *("", " ", "x", "2h", "-2", "-h", "--2h", "-2h ago", "ago", "-2parsec", "2026", "2026-11", "2026-13-01", "2026-02-30"),
        *("2026-11-22T", "2026-11-22T5:00", "2026-11-22T25:00", "2026-11-22T05:00:60", "2026-11-22 05:00 CET", "0000-01-01"),
        *(
            "2026-11-22+01:00",
            "2026-11-22T05:00+99:99",
            "\uff12026-11-22",
            "-\uff12h",
            "@",
            "@1e9",
            "@-1",
            "now\0",
            "NOW",
        ),
        *("-" + "1d" * 9, "9" * 5000, "-" + "9" * 5000 + "d", "-2h" * 5000),
    ],
)
def test_what_is_no_time(text):
    with pytest.raises(NoTime):
        read(text, UTC, NOW)


@pytest.mark.parametrize("text", FORMS.replace("'", "").split(", "))
def test_the_forms_that_people_are_told_of_are_read(text):
    read(text, BERLIN, NOW)


@given(st.text(max_size=30) | st.from_regex(r"[-+@]?[0-9:T.Z dhms+-]{1,30}", fullmatch=True), st.sampled_from([UTC, BERLIN]))
def test_whatever_is_written_it_is_a_time_that_can_be_printed_or_none(text, zone):
    try:
        micros = read(text, zone, NOW)
    except NoTime:
        return
    assert FIRST_TIME <= micros <= LAST_TIME
    assert timestamp(micros) is not None


@given(st.integers(FIRST_TIME, LAST_TIME))
def test_what_the_program_prints_can_be_asked_for(micros):
    assert read(str(timestamp(micros)), BERLIN, NOW) == micros


def test_ends_of_the_calendar():
    assert read("0001-01-01T00:00+14:00", UTC, NOW) == FIRST_TIME
    assert read("9999-12-31T23:59:59.999999-14:00", UTC, NOW) == LAST_TIME
    assert read("-9999y", UTC, NOW) == FIRST_TIME
    assert read("+99999y", UTC, NOW) == LAST_TIME
    assert read("9999-12-31", timezone(timedelta(hours=-14)), NOW) < LAST_TIME


def test_a_period_takes_its_beginning_and_not_its_end():
    period = Period(10, 20)
    assert [period.verdict(time) for time in (9, 10, 19, 20)] == ["outside", "inside", "inside", "outside"]
    assert [Period(10).verdict(time) for time in (9, 10)] == ["outside", "inside"]
    assert [Period(until=20).verdict(time) for time in (19, 20)] == ["inside", "outside"]
    assert Period(20, 10).verdict(15) == "outside"


def test_an_event_without_time_is_in_no_bounded_period():
    assert ALWAYS.verdict(None) == "inside"
    assert Period(since=FIRST_TIME).verdict(None) == "undated"
    assert Period(until=LAST_TIME).verdict(None) == "undated"


def test_the_clock_of_the_caller_is_all_there_is():
    assert read("-1d", UTC, 0) == -86_400_000_000
    assert datetime.fromisoformat(at("2026-11-22 05:00")).tzinfo is not None
