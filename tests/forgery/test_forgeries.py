"""Forgeries: nothing that the kernel did not say becomes an event, none of its lines says more than it did, and nothing of
interest vanishes.
"""

import json
from collections import Counter, defaultdict
from datetime import UTC

import pytest

from syslogparse.evidence.decode import Decoder, interesting, literals_of
from syslogparse.evidence.model import GRADES, Event, Undecodable
from syslogparse.evidence.stamp import Clock
from tests.e2e.harness import done
from tests.forgery import journals, packets, records, voices
from tests.forgery.case import Case

CASES = [*voices.CASES, *packets.CASES, *records.CASES, *journals.CASES]
LINES = [(case, line) for case in CASES if not case.whole for line in case.content.split(b"\n")[:-1]]
NEWEST = 1_795_400_000 * 10**6


def _decode(line: bytes) -> Event | Undecodable | None:
    decoder = Decoder(
        Clock(UTC, NEWEST), "kernel", "kern", lambda arch, number: "getppid" if (arch, number) == ("x86_64", 110) else None
    )
    try:
        return decoder.event(line)
    except Undecodable as refused:
        return refused


def _shown(event: Event) -> dict[str, object]:
    """Its fields as JSON has them."""

    def text(value: object) -> object:
        if isinstance(value, bytes):
            return value.decode("utf-8", "surrogateescape")
        return [text(each) for each in value] if isinstance(value, list) else value

    return {name: text(value) for name, value in event.fields.items()}


def test_there_are_enough():
    assert len(CASES) > 200
    assert Counter(case.outcome for case in CASES)["event"] > 40
    assert len(LINES) > 1000


def _is_to_be_told(case: Case, line: bytes) -> bool:
    """A forgery that imitates an audit record without the word audit, which each of them has, is no line of interest."""
    return case.outcome == "undecoded" and any(literal in line for literal in literals_of(line))


@pytest.mark.parametrize("case", [case for case in CASES if not case.whole], ids=lambda case: case.name[:60])
def test_line_by_line(case: Case):
    wrong = []
    for line in case.content.split(b"\n")[:-1]:
        found = _decode(line)
        if case.outcome == "event":
            assert isinstance(found, Event), f"{found!r} for {line[:300]!r}"
            assert (found.kind, _shown(found)) == (case.kind, case.fields)
            assert case.grade is None or GRADES.index(found.grade) >= GRADES.index(case.grade)
        elif isinstance(found, Event) or (found is None and (interesting(line) or _is_to_be_told(case, line))):
            wrong.append((line[:300], found if found is None else (found.kind, found.fields)))
    if case.outcome == "nothing":
        wrong = [(line, found) for line, found in wrong if found is not None]
    assert not wrong, f"{len(wrong)} lines, the first: {wrong[0]}"


@pytest.mark.root
def test_through_the_command(command, tmp_path):
    names = {}
    for number, case in enumerate(CASES):
        path = tmp_path / f"{number}.log"
        path.write_bytes(case.content)
        names[str(path)] = case
    ended = done([command, "-q", "-f", "events", *names])
    assert ended.status in {0, 5}, ended.err
    found = defaultdict(list)
    for line in ended.out.splitlines():
        event = json.loads(line)
        found[event["file"]].append(event)
        assert event["trust"] == "syslog"
    for name, case in names.items():
        lines = 1 if case.whole else case.content.count(b"\n")
        if case.outcome == "event":
            got = [(event["kind"], event["fields"]) for event in found[name]]
            assert got == [(case.kind, case.fields)] * lines, case.name
        else:
            assert found[name] == [], case.name


@pytest.mark.root
def test_counted_alike_without_a_stream(command, tmp_path):
    """The formats that fold take many lines at once: the same lines must be believed."""
    pieces = [case for case in CASES if not case.whole and len(case.content) < 100_000]
    real = b"Nov 22 06:20:16 gw kernel: IN=eth0 OUT= SRC=192.0.2.9 DST=192.0.2.1 LEN=40 TOS=0x00 PREC=0x00 TTL=64 ID=1 PROTO=TCP "
    log = tmp_path / "log"
    # One dense log: firewall lines between the forged ones make the command look at whole blocks.
    forged = [line for case in pieces for line in case.content.split(b"\n")]
    log.write_bytes(b"".join(line + b"\n" + real + b"SPT=1 DPT=2 WINDOW=1 RES=0x00 SYN URGP=0 \n" for line in forged))
    ended = done([command, "-q", "-f", "events", log])
    streamed: Counter[str] = Counter()
    for line in ended.out.splitlines():
        event = json.loads(line)
        streamed[event["kind"]] += event.get("repeat", 1)
    summary = json.loads(done([command, "-q", "-f", "json", log]).out)["summary"]
    assert summary["events"] == streamed
    owed = sum(case.content.count(b"\n") for case in pieces if case.outcome == "undecoded")
    assert summary["undecoded"]["total"] >= owed
