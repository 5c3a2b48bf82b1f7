"""The same logs, cut anywhere and shared among any number of parsers, give the same result."""

import os
from datetime import UTC
from functools import partial
from typing import NamedTuple
from unittest.mock import patch

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from syslogparse.evidence.fold import MAX_KEYS
from syslogparse.evidence.period import Period
from syslogparse.evidence.stamp import Clock
from syslogparse.options import Options
from syslogparse.prepare import NoBar
from syslogparse.report import events, json, rules
from syslogparse.report.model import SandboxState, Undecoded
from syslogparse.roles import analyst, blockwork, parser, wire
from syslogparse.roles.analyst import Desk
from syslogparse.roles.gather import Gathering
from syslogparse.roles.parser import Job
from syslogparse.roles.terms import ALL, Terms
from syslogparse.rules.wanted import USUAL
from syslogparse.sources.blocks import copy_block, deal, plan
from tests.roles.actors import Stage, gather
from tests.roles.lines import GRADES, NEWEST, ODD, PACKET, PACKETS, REAL, log, worker

COUNTS = (1, 2, 3, 7)
LONG = [b"x" * 66_000, PACKET + b"y" * 66_000]
LINE = st.sampled_from(PACKETS) | st.sampled_from(REAL) | st.sampled_from(ODD)
TEXT = st.tuples(st.lists(LINE, max_size=25), st.booleans()).map(lambda made: b"\n".join(made[0]) + b"\n" * made[1])
LOGS = st.lists(TEXT, min_size=1, max_size=3)


def shared_out(stage, logs, parsers, size, *, stream=False, terms=ALL):
    """All roles.parser.main in processes of their own (nothing but the sandbox is missing), and the analyst's side of it."""
    places = plan([one.size for one in logs], size)
    shares = deal(places, [number % 2 for number in range(len(logs))], parsers)

    def act(number, pipe):
        parser.PIPE = pipe
        vars(blockwork)["copy_block"] = partial(copy_block, block_bytes=size)
        parser.main(Job(logs, [worker(stream=stream, terms=terms) for _ in logs], shares[number]), 1 << 12)

    crew = [stage.acting(number + 1, share, partial(act, number)) for number, share in enumerate(shares)]
    heard = gather(crew, places, stream=stream, grades=[GRADES] * len(logs), terms=terms)
    assert [one.lost for one in crew] == [None] * len(shares)
    return heard


class Result(NamedTuple):
    """All that a report is made from, the order of evidence aside, and the report."""

    evidence: list[str]
    span: tuple[int | None, int | None]
    lines: int
    events: dict
    trust: dict
    undecoded: Undecoded
    report: bytes
    rules: str
    samples: dict


def result(logs, gathering: Gathering, terms=ALL):
    totals = gathering.totals
    assert gathering.fold.overflow == 0
    evidence = sorted(
        repr((one, sorted(one.grades.items()))).replace(repr(one.grades), "", 1)
        for one in gathering.fold.evidence(totals.first_lines())
    )
    state = SandboxState("full", 1, 65534, "", "none", no_new_privs=True, seccomp={})
    desk = Desk(Options(), USUAL, logs, [], [], None, NoBar(), state, None, terms)
    made = analyst._report(desk, gathering, [])
    sums = sum(totals.lines.values()), totals.events, totals.trust, totals.undecoded()
    return Result(evidence, gathering.fold.span(), *sums, json.render(made), rules.render(made), shown(gathering))


def shown(gathering: Gathering):
    """The events that are kept, by their line in the log."""
    before = gathering.totals.first_lines()
    return {
        subject: [(before[subject.file, one.position.block] + one.position.line, *one[1:]) for one in samples]
        for subject, samples in gathering.fold.samples.items()
    }


def printed(heard):
    return [events.render(event, f"log{file}", line) for file, line, event in heard.events]


def everything(texts, parsers, size, terms=ALL):
    stage = Stage()
    try:
        logs = [log(text) for text in texts]
        folded = result(logs, shared_out(stage, logs, parsers, size, terms=terms).gathering, terms)
        return folded, printed(shared_out(stage, logs, parsers, size, stream=True, terms=terms))
    finally:
        stage.clear()


@settings(max_examples=15)
@given(LOGS, st.integers(1, 5000), st.sampled_from(COUNTS[1:]))
def test_any_cut_and_any_number_of_parsers(texts, size, parsers):
    size = max(size, sum(map(len, texts)) // 30)
    assert everything(texts, parsers, size) == everything(texts, 1, 1 << 20)


@pytest.mark.parametrize("size", [500, 7777, 70_000])
def test_all_numbers_of_parsers(size):
    texts = [b"\n".join([*PACKETS, *REAL, *LONG, *ODD, *PACKETS, b""]) * 2, b"", b"\n".join(REAL[::-1])]
    whole = everything(texts, 1, 1 << 20)
    assert len(whole[0].evidence) > 20
    assert len(whole[1]) > 100
    for parsers in COUNTS:
        assert everything(texts, parsers, size) == whole


NOON = Clock(UTC, NEWEST).read(b"Nov 21 00:00:05")
TERMS = [Terms(period=Period(since=NOON)), Terms("kern", Period(until=NOON)), Terms(samples=True)]


@pytest.mark.parametrize("terms", TERMS, ids=["since", "until", "samples"])
def test_terms_are_kept_by_any_number_of_parsers(terms):
    texts = [b"\n".join([*PACKETS, *REAL, *LONG, *ODD, *PACKETS, b""]) * 2, b"\n".join(PACKETS * 30) + b"\n"]
    whole = everything(texts, 1, 1 << 20, terms)
    assert len(whole[0].evidence) > 3
    assert bool(whole[0].samples) is terms.samples
    assert (b"logged outside the time asked for" in whole[0].report) is terms.period.bounded
    for parsers, size in ((1, 700), (2, 7777), (7, 700)):
        assert everything(texts, parsers, size, terms) == whole


@pytest.mark.parametrize(
    "line", [PACKET.replace(b"IN=", b"XX=") + b"y" * 66_000, b"x" * 66_400 + PACKET], ids=["no packet", "behind the limit"]
)
def test_a_long_line_is_the_same_wherever_a_block_ends(line):
    text = b"a\n" * 300 + line + b"\n"
    assert everything([text], 1, 602) == everything([text], 1, 1 << 20)


def test_more_parsers_than_blocks():
    assert everything([b"\n".join(REAL)], 7, 1 << 20) == everything([b"\n".join(REAL)], 1, 1 << 20)


@pytest.mark.corpora
def test_real_logs(corpora):
    texts = [path.read_bytes() for path in sorted((corpora / "captured").glob("*-6.12.log"))]
    assert sum(map(len, texts)) > 100_000
    whole = everything(texts, 1, 1 << 20)
    for parsers, size in ((2, 60_000), (7, 9_973)):
        assert everything(texts, parsers, size) == whole


def test_places_are_lines_of_the_log():
    text = b"\n".join([*ODD, *PACKETS, *REAL, *PACKETS]) + b"\n"
    lines = text.split(b"\n")
    with patch.object(wire, "FRAME_TARGET", 1000):
        heard = gather_one(text)
    for evidence in heard.fold.evidence(heard.totals.first_lines()):
        for _, line in evidence.places:
            if evidence.kind == "netfilter":
                assert b"DST=" in lines[line - 1]
    assert len(heard.fold.tallies) < MAX_KEYS


def gather_one(text):
    stage = Stage()
    try:
        return shared_out(stage, [log(text)], 3, 999).gathering
    finally:
        stage.clear()


def test_no_child_is_left():
    with pytest.raises(ChildProcessError):
        os.waitpid(-1, os.WNOHANG)
