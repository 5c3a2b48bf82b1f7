from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syslogparse.sources import zone
from syslogparse.sources.zone import local_zone

WINTER, SUMMER = datetime(2026, 1, 15, 12), datetime(2026, 7, 15, 12)  # noqa: DTZ001 - the zone is what is asked for


def hours(variable):
    found = local_zone(variable)
    offsets = [when.replace(tzinfo=found).utcoffset() for when in (WINTER, SUMMER)]
    return tuple(offset / timedelta(hours=1) for offset in offsets if offset is not None)


@pytest.mark.parametrize(
    ("variable", "expected"),
    [
        ("Europe/Berlin", (1, 2)),
        (":Europe/Berlin", (1, 2)),
        ("/usr/share/zoneinfo/Europe/Berlin", (1, 2)),
        ("America/New_York", (-5, -4)),
        ("Asia/Kolkata", (5.5, 5.5)),
        ("UTC", (0, 0)),
        ("", (0, 0)),
        (":", (0, 0)),
        ("CET-1CEST,M3.5.0,M10.5.0/3", (1, 2)),
        ("EST5EDT,M3.2.0,M11.1.0", (-5, -4)),
        ("UTC-3", (3, 3)),
        ("<+0330>-3:30", (3.5, 3.5)),
        ("No/Such_Zone", (0, 0)),
        ("../../etc/passwd", (0, 0)),
        ("/etc/passwd", (0, 0)),
        ("Europe", (0, 0)),
        ("a\0b", (0, 0)),
        ("Zürich", (0, 0)),
        ("\udcff", (0, 0)),
        ("x" * 5000, (0, 0)),
    ],
)
def test_the_variable(variable, expected):
    assert hours(variable) == expected


@pytest.mark.parametrize("variable", [None, "/etc/localtime", ":/etc/localtime"])
def test_the_systems_zone(tmp_path, monkeypatch, variable):
    local = tmp_path / "localtime"
    local.write_bytes(Path("/usr/share/zoneinfo/Asia/Tokyo").read_bytes())
    monkeypatch.setattr(zone, "_LOCALTIME", str(local))
    assert hours(None if variable is None else variable.replace("/etc/localtime", str(local))) == (9, 9)


@pytest.mark.parametrize("content", [None, b"", b"TZif", b"no zone file at all"])
def test_a_broken_zone_file_is_utc(tmp_path, monkeypatch, content):
    local = tmp_path / "localtime"
    if content is not None:
        local.write_bytes(content)
    monkeypatch.setattr(zone, "_LOCALTIME", str(local))
    assert local_zone(None) is UTC


@given(st.text(max_size=30) | st.from_regex(r"[A-Z]{3,5}-?\d{1,3}([A-Z]{3,5})?(,M\d{1,2}\.\d\.\d(/-?\d+)?){0,2}"))
def test_any_variable_gives_a_zone_that_works(variable):
    found = local_zone(variable)
    for when in (WINTER, SUMMER):
        offset = when.replace(tzinfo=found).utcoffset()
        assert offset is not None
        assert abs(offset) < timedelta(days=8)
