import json as stdlib_json

import pytest
from msgspec.structs import replace

from syslogparse.evidence.fold import Sample, Subject, Tally
from syslogparse.evidence.model import Evidence, Position, SeccompKey
from syslogparse.options import Options
from syslogparse.report import identity, json
from syslogparse.report.warmup import synthetic_report
from syslogparse.roles import wire
from syslogparse.roles.gather import Gathering, Parser
from syslogparse.roles.selection import known, select
from syslogparse.rules.model import Advice
from syslogparse.sources.blocks import Place
from tests.roles.lines import PACKET, log

WHOLE = synthetic_report(complete=True)
NAMES = [identity.of(one) for one in WHOLE.advice.suggestions]
PLACES = [Place(0, 0), Place(0, 1)]
KEY = SeccompKey(b"/x", b"x", b"", b"x86_64", b"110", b"getppid", b"log", b"0")
SUBJECT = Subject(0, b"gw", "kern", "seccomp", KEY)


@pytest.fixture
def gathering():
    made = Gathering([Parser(1, 1, 1, PLACES)], [log(PACKET).grades], PLACES, None, lambda _: None)
    for place in PLACES:
        made.totals.block(place, wire.BlockFrame(place.file, place.block, 10, {}, {}, {}, []))
    at = Position(0, 1, 2)
    made.fold.add(SUBJECT, Tally(3, at, 5, at, 5))
    made.fold.show(SUBJECT, [Sample(at, 5, 2, wire.encode({"exe": b"/x"})), Sample(Position(0, 1, 3), 6, 1, wire.encode({}))])
    return made


def test_without_a_wish_it_is_the_whole_report(gathering):
    assert select(Options(), WHOLE, gathering, None) == (WHOLE, 0)


def test_what_is_new(gathering):
    report, status = select(Options(check="x"), WHOLE, gathering, frozenset(NAMES[1:]))
    assert report is not None
    assert (report.advice.suggestions, status) == (WHOLE.advice.suggestions[:1], 1)
    assert report.summary == WHOLE.summary


@pytest.mark.parametrize("form", ["text", "rules", None])
def test_nothing_new_prints_nothing(gathering, form):
    assert select(Options(check="x", format=form), WHOLE, gathering, frozenset(NAMES)) == (None, 0)


def test_nothing_new_is_a_document_all_the_same(gathering):
    report, status = select(Options(check="x", format="json"), WHOLE, gathering, frozenset(NAMES))
    assert report is not None
    assert (stdlib_json.loads(json.render(report))["suggestions"], status) == ([], 0)


def shown(places):
    one = replace(WHOLE.advice.suggestions[7], evidence=Evidence("seccomp", KEY, 3, 3, 5, 5, (), {"kern": 3}, places))
    return replace(WHOLE, advice=Advice((one, *WHOLE.advice.suggestions[:3]), {}), events={})


def test_the_events_behind_a_suggestion(gathering):
    report, status = select(Options(explain=NAMES[7][:8]), shown(((0, 13), (0, 20))), gathering, None)
    assert report is not None
    assert ([identity.of(one) for one in report.advice.suggestions], status) == ([NAMES[7]], 0)
    ((place, event),) = report.events.items()
    assert place == (0, 13)
    assert (event.kind, event.time, event.host, event.grade, event.fields, event.repeat) == (
        "seccomp",
        5,
        b"gw",
        "kern",
        {"exe": b"/x"},
        2,
    )


def test_a_place_behind_a_lost_block_has_no_event(gathering):
    gathering.totals.lines.pop(PLACES[0])
    report, _ = select(Options(explain=NAMES[7]), shown(((0, 13),)), gathering, None)
    assert report is not None
    assert report.events == {}


def test_no_such_suggestion(gathering, capfd):
    assert select(Options(explain="0" * 16), WHOLE, gathering, None) == (None, 3)
    assert capfd.readouterr().err.startswith("syslogparse: no suggestion has an ID that begins so; ")


def test_several_of_them(gathering, capfd):
    few = replace(WHOLE, advice=Advice(WHOLE.advice.suggestions[:3], {}))
    assert select(Options(explain=""), few, gathering, None) == (None, 3)
    err = capfd.readouterr().err
    assert err == f"syslogparse: several suggestions have an ID that begins so: {', '.join(sorted(NAMES[:3]))}\n"
    many = tuple(replace(one, profile=b"%d" % number) for one in WHOLE.advice.suggestions[3:4] for number in range(20))
    select(Options(explain=""), replace(WHOLE, advice=Advice(many, {})), gathering, None)
    assert capfd.readouterr().err.endswith(" ...\n")


def test_a_baseline(capfd):
    assert known(Options(check="x"), None) is None
    assert known(Options(check="x"), memoryview(json.render(WHOLE))) == frozenset(NAMES)
    assert capfd.readouterr().err == ""
    assert known(Options(check="\x1b[2J"), memoryview(b"{}")) is None
    assert capfd.readouterr().err.startswith("syslogparse: \\x1b[2J: it is no document of --format json; make one with: ")
