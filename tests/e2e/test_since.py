"""--since and --until: the same by the fast path and by the careful one, on any number of parsers, and what is no time."""

import json
import os

import pytest

from tests.e2e.harness import QUIET_ENVIRONMENT, done

pytestmark = pytest.mark.root

BERLIN = {**QUIET_ENVIRONMENT, "TZ": "Europe/Berlin"}
LINE = (
    "%s gw kernel: [ 1000.020000] [UFW BLOCK] IN=eth0 OUT= MAC=52:54:00:12:34:56:52:54:00:65:43:21:08:00 SRC=198.51.100.%d "
    "DST=203.0.113.9 LEN=60 TOS=0x00 PREC=0x00 TTL=52 ID=%d DF PROTO=TCP SPT=%d DPT=22 WINDOW=64240 RES=0x00 SYN URGP=0 \n"
)
UPTIME = LINE.replace("%s gw kernel: ", "")
HOURS = 24
EACH = 200


@pytest.fixture(scope="module")
def day(stage):
    """Packets of a day, 200 an hour, with local stamps in July: dense enough to be counted in bulk, and several blocks long."""
    log = stage / "day.log"
    lines = [
        LINE % (f"2026-07-01T{hour:02}:{number // 60:02}:{number % 60:02}", number % 5, number, 1024 + number)
        for hour in range(HOURS)
        for number in range(EACH)
    ]
    log.write_text("".join(lines) * 3, encoding="ascii")
    return log


@pytest.fixture(scope="module")
def now(stage):
    log = stage / "uptime.log"
    log.write_text("".join(UPTIME % (1, number, 1024 + number) for number in range(50)), encoding="ascii")
    return log


def summary(ended):
    assert (ended.status, ended.err) == (0, b"")
    return json.loads(ended.out)["summary"]


def used(told):
    """Events that are used."""
    left_out = sum(count for reason, count in told["not_suggested"].items() if "asked for" in reason)
    return sum(told["events"].values()) - left_out


PERIODS = [
    (["--since", "2026-07-01T12:00:00Z"], 10),
    (["--since", "2026-07-01 12:00"], 12),
    (["--until", "2026-07-01 12:00:00"], 12),
    (["--since", "2026-07-01T06:00:00.000001+02:00", "--until", "2026-07-01 07:00"], 1),
    (["--since", "2026-07-02"], 0),
    (["--until", "2026-07-01"], 0),
    (["--since", "2026-07-01", "--until", "2026-07-02"], 24),
    (["--since=-1h"], 0),
    (["--until", "-1h", "--since", "-100y"], 24),
]


@pytest.mark.parametrize(("bounds", "hours"), PERIODS, ids=[" ".join(bounds) for bounds, _ in PERIODS])
def test_what_is_used(command, day, bounds, hours):
    told = summary(done([command, "-f", "json", *bounds, day], env=BERLIN))
    assert told["events"] == {"netfilter": 3 * EACH * HOURS}
    assert told["lines"] == 3 * EACH * HOURS
    exact = "000001" not in bounds[1] if len(bounds) > 1 else True
    assert used(told) == 3 * EACH * hours - (0 if exact else 3)
    unused = told["not_suggested"].get("logged outside the time asked for", 0)
    assert unused == told["events"]["netfilter"] - used(told)
    assert told["complete"] is True
    events = done([command, "-f", "events", *bounds, day], env=BERLIN)
    assert events.out.count(b"\n") == used(told)


def test_the_summary_says_what_was_asked_for(command, day):
    bounds = ["--since", "2026-07-01 12:00", "--until", "2026-07-01T13:00:00Z"]
    told = summary(done([command, "-f", "json", *bounds, day], env=BERLIN))
    assert (told["since"], told["until"]) == ("2026-07-01T10:00:00.000000+00:00", "2026-07-01T13:00:00.000000+00:00")
    assert told["since"] == told["first"]
    assert told["last"] < told["until"]
    text = done([command, "-f", "text", *bounds, day], env=BERLIN).out.decode()
    assert "since 2026-07-01 10:00:00 until 2026-07-01 13:00:00 UTC" in text


@pytest.mark.parametrize("bounds", [bounds for bounds, hours in PERIODS[:4]], ids=str)
def test_any_number_of_parsers_gives_the_same(command, day, five, bounds):
    def run(jobs):
        document = json.loads(done([command, "-f", "json", "-j", str(jobs), *bounds, day, five], env=BERLIN).out)
        document["summary"].pop("sandbox")
        return document

    assert run(1) == run(2) == run(7)


def test_compressed_logs_and_the_journal_keep_to_it_too(command, day, stage):
    packed = stage / "day.log.gz"
    os.system(f"gzip -c {day} > {packed}")
    bounds = ["--since", "2026-07-01 12:00"]
    plain, unpacked = (json.loads(done([command, "-f", "json", *bounds, log], env=BERLIN).out) for log in (day, packed))
    assert [one["count"] for one in plain["suggestions"]] == [one["count"] for one in unpacked["suggestions"]]
    assert plain["summary"]["not_suggested"] == unpacked["summary"]["not_suggested"]


def test_an_event_that_nobody_knows_the_time_of_is_used_without_bounds_alone(command, now):
    assert used(summary(done([command, "-f", "json", now]))) == 50
    for bound in (["--since", "2000-01-01"], ["--until", "tomorrow"]):
        told = summary(done([command, "-f", "json", *bound, now]))
        assert told["not_suggested"] == {"no time that could be told, and one was asked for": 50}
        assert done([command, "-f", "events", *bound, now]).out == b""


@pytest.mark.parametrize("arguments", [["--since", "soon"], ["--until", ""], ["--since", "2026-02-30"], ["--since", "-2"]])
def test_what_is_no_time(command, day, arguments):
    ended = done([command, *arguments, day])
    assert (ended.status, ended.out) == (2, b"")
    assert b"a time is wanted: 2026-11-22, '2026-11-22 05:00'," in ended.err


def test_a_time_that_ends_before_it_begins(command, day):
    ended = done([command, "--since", "now", "--until", "-1h", day])
    assert ended == (2, b"", b"syslogparse: --until is not later than --since\n")
