from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syslogparse.report.timefmt import short, span, timestamp

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@given(st.datetimes(timezones=st.just(UTC)))
def test_agrees_with_datetime(moment):
    micros = (moment - EPOCH) // timedelta(microseconds=1)
    assert timestamp(micros) == moment.isoformat(timespec="microseconds")
    assert short(micros) == moment.isoformat(" ", timespec="microseconds")[:19]


@pytest.mark.parametrize("micros", [2**62, -(2**62), 253402300800000000, -62135596800000001])
def test_outside_of_the_calendar(micros):
    assert timestamp(micros) is None
    assert short(micros) == "-"


def test_span():
    noon = 1_795_348_800_000_000
    assert span(None, None) == ""
    assert span(noon, None) == span(None, noon) == span(noon, noon + 1) == "2026-11-22 12:00:00"
    assert span(noon, noon + 61_000_000) == "2026-11-22 12:00:00 to 12:01:01"
    assert span(noon, noon + 86_400_000_000) == "2026-11-22 12:00:00 to 2026-11-23 12:00:00"
    assert span(noon, 2**62) == "2026-11-22 12:00:00 to -"
