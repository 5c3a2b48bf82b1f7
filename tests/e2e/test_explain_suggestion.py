"""--explain: one suggestion in full, with the events behind it, from the installed command under its filters."""

import json
import re

import pytest

from tests.e2e.harness import done
from tests.e2e.test_hostile_text import FORBIDDEN, _lines

pytestmark = pytest.mark.root


@pytest.fixture(scope="module")
def whole(command, small):
    return json.loads(done([command, "-f", "json", small]).out)["suggestions"]


def test_every_suggestion_can_be_explained(command, small, whole):
    events = [json.loads(line) for line in done([command, "-f", "events", small]).out.splitlines()]
    lines = {event["line"]: event for event in events}
    for one in (whole[0], whole[len(whole) // 2], whole[-1]):
        ended = done([command, "--explain", one["id"], small])
        assert (ended.status, ended.err) == (0, b"")
        text = ended.out.decode()
        assert text.startswith(f"{one['id']}  {one['kind']}, {one['intent']}\n")
        assert re.search(f"\nRisk +{one['risk']}: ", text)
        for place in one["evidence"]:
            at = text.index(f"\n  {small}:{place['line']}  ")
            told = text[at:].split("\n")[2]
            assert told.startswith(f"      {next(iter(lines[place['line']]['fields']))}=")
        assert FORBIDDEN.search(text) is None


def test_what_text_prints_beside_a_rule_is_enough(command, small):
    text = done([command, "-f", "text", small], env={"COLUMNS": "200", "NO_COLOR": "1", "PATH": "/usr/bin:/bin"}).out.decode()
    found = re.findall(r"  ([0-9a-f]{6}) · ", text)
    assert len(found) > 5
    for name in found[:3]:
        ended = done([command, "--explain", name, small])
        assert ended.status == 0
        assert ended.out.startswith(name.encode())


@pytest.mark.parametrize("jobs", ["1", "2", "7"])
def test_more_than_five_lines_are_shown_where_there_are_more(command, five, jobs):
    run = [command, "-k", "netfilter", "-j", jobs]
    first = max(json.loads(done([*run, "-f", "json", five]).out)["suggestions"], key=lambda one: one["count"])
    assert first["count"] > 20
    text = done([*run, "--explain", first["id"], five]).out.decode()
    assert f"\nEvidence (the first 20 of {first['count']:,} lines)\n" in text
    shown = [int(number) for number in re.findall(rf"(?m)^  {re.escape(str(five))}:(\d+)  ", text)]
    assert len(shown) == 20
    assert shown == sorted(shown)
    assert shown[0] == first["evidence"][0]["line"]
    assert text.count("\n      ") >= 20


def test_hostile_text_is_escaped(command, stage):
    log = stage / "hostile.log"
    log.write_bytes(_lines())
    suggestions = json.loads(done([command, "-f", "json", log]).out)["suggestions"]
    assert len(suggestions) > 3
    for one in suggestions[:: max(1, len(suggestions) // 10)]:
        ended = done([command, "--explain", one["id"], log])
        assert ended.status == 0, ended.err
        assert FORBIDDEN.search(ended.out.decode()) is None


def test_no_such_suggestion(command, small, whole):
    ended = done([command, "--explain", "0" * 16, small])
    assert (ended.status, ended.out) == (3, b"")
    assert ended.err.startswith(b"syslogparse: no suggestion has an ID that begins so; ")
    digits = [one["id"][0] for one in whole]
    several = max(digits, key=digits.count)
    ended = done([command, "--explain", several, small])
    assert (ended.status, ended.out) == (3, b"")
    assert ended.err.startswith(b"syslogparse: several suggestions have an ID that begins so: ")


def test_options_that_do_not_go_with_it(command, small):
    for more in (["-f", "json"], ["-f", "events"], ["-o", "/tmp"], ["--check", "x"]):
        assert done([command, "--explain", "ab", *more, small]).status == 2
