"""What is wanted of the logs, on the analyst's side: lies about it, weak evidence, and the events that are kept."""

import pytest
from msgspec import structs

from syslogparse.evidence.fold import MAX_SAMPLES, Fold, Sample, Subject, Tally
from syslogparse.evidence.model import Position
from syslogparse.evidence.period import Period
from syslogparse.roles import gather as gathering_module
from syslogparse.roles import wire
from syslogparse.roles.terms import Terms
from syslogparse.sources.blocks import Place
from syslogparse.sources.trust import Grades
from tests.roles.actors import DONE, KEY, READY, block, entry, event, events, evidence, gather

FIRST, SECOND = PLACES = [Place(0, 0), Place(0, 1)]
KERN = Grades("syslog", "kern")
BOUNDED = Terms(period=Period(since=1))
SHOWN = Terms(samples=True)
FIELDS = wire.encode({"dpt": 22})
LIE = "sent what cannot be true: "


def sample(line=0, at=0, time=1, fields=FIELDS):
    return wire.WireSample(at, line, time, 1, fields)


def showing(place, *samples, **changes):
    return evidence(structs.replace(entry(place), samples=list(samples), **changes))


def undated(place):
    return structs.replace(entry(place), first_time=None)


BOTH = (block(FIRST), block(SECOND))
LIES = {
    "left out unasked": (Terms(), [block(FIRST, outside=1)], "a time that nobody asked for"),
    "undated unasked": (Terms(), [block(FIRST, undated=1)], "a time that nobody asked for"),
    "more left out than there is": (BOUNDED, [block(FIRST, outside=1, undated=1)], "a time that nobody asked for"),
    "huge": (BOUNDED, [block(FIRST, outside=1 << 53)], "a time that nobody asked for"),
    "too early": (Terms(period=Period(since=2)), [*BOTH, evidence(entry(FIRST))], "a time that nobody asked for"),
    "too late": (Terms(period=Period(until=2)), [*BOTH, evidence(entry(FIRST))], "a time that nobody asked for"),
    "without time": (BOUNDED, [*BOTH, evidence(undated(FIRST))], "a time that nobody asked for"),
    "evidence of what was left out": (BOUNDED, [block(FIRST, outside=1), evidence(entry(FIRST))], "more evidence than events"),
    "samples unasked": (Terms(), [*BOTH, showing(FIRST, sample())], "events that nobody asked for"),
    "a sample too early": (
        Terms(samples=True, period=Period(since=1)),
        [*BOTH, showing(FIRST, sample(time=0))],
        "a time that nobody asked for",
    ),
    "a sample elsewhere": (SHOWN, [*BOTH, showing(FIRST, sample(at=1))], "a line that it has not read"),
    "a sample of no line": (SHOWN, [*BOTH, showing(FIRST, sample(line=1))], "a line that it has not read"),
}


@pytest.mark.parametrize("name", LIES)
def test_lies(stage, name):
    terms, frames, words = LIES[name]
    liar = stage.ending(1, PLACES, READY, *frames)
    gather([liar], PLACES, terms=terms)
    assert liar.lost == LIE + words


@pytest.mark.parametrize(
    "fields",
    [b"", b"\xc1", wire.encode([1]), wire.encode({"\x1b": 1}), wire.encode({"a": {"b": 1}}), b"\x81\xa1a" + b"\x91" * 5000],
)
def test_fields_of_a_sample_that_do_not_decode(stage, fields):
    liar = stage.ending(1, PLACES, READY, *BOTH, showing(FIRST, sample(fields=fields)))
    gather([liar], PLACES, terms=SHOWN)
    assert liar.lost == "sent a frame that does not decode"


def test_too_many_samples_do_not_decode(stage):
    liar = stage.ending(1, PLACES, READY, *BOTH, showing(FIRST, *[sample()] * (MAX_SAMPLES + 1)))
    gather([liar], PLACES, terms=SHOWN)
    assert liar.lost == "sent a frame that does not decode"


def test_events_left_out_are_missed_by_nobody(stage):
    honest = stage.ending(1, PLACES, READY, block(FIRST, outside=1), block(SECOND), evidence(entry(SECOND)), DONE)
    heard = gather([honest], PLACES, terms=BOUNDED)
    assert honest.lost is None
    assert (heard.gathering.totals.outside, heard.gathering.totals.undated) == (1, 0)
    assert heard.gathering.totals.events == {"netfilter": 2}
    streamed = stage.ending(2, PLACES, READY, block(FIRST, undated=1), events(event()), block(SECOND), DONE)
    heard = gather([streamed], PLACES, stream=True, terms=BOUNDED)
    assert streamed.lost is None
    assert len(heard.events) == 1


@pytest.mark.parametrize(
    "frames",
    [
        [events(event()), block(FIRST, outside=1)],
        [events(structs.replace(event(), time=0)), block(FIRST)],
        [block(FIRST)],
    ],
    ids=["used and left out", "another time", "neither"],
)
def test_streams_that_do_not_keep_to_the_time(stage, frames):
    liar = stage.ending(1, PLACES, READY, *frames, block(SECOND, 0, events={}, trust={}), DONE)
    gather([liar], PLACES, stream=True, terms=BOUNDED)
    assert liar.lost is not None
    assert liar.lost.startswith(LIE)


def test_weak_evidence_takes_no_room(stage, monkeypatch):
    monkeypatch.setattr(gathering_module, "_ROOM", 40)
    other = KEY._replace(dpt=b"22")
    frames = [
        block(FIRST, 3, events={"netfilter": 3}, trust={"syslog": 3}),
        block(SECOND, trust={"kern": 1}),
        evidence(entry(FIRST, count=2)),
        evidence(entry(FIRST), key=other),
        evidence(entry(SECOND, grade="kern")),
    ]
    honest = stage.ending(1, PLACES, READY, *frames, DONE)
    gathering = gather([honest], PLACES, grades=[KERN], terms=Terms("kern")).gathering
    assert honest.lost is None
    assert (gathering.below, gathering.fold.overflow) == (3, 0)
    assert {subject.grade for subject in gathering.fold.tallies} == {"kern"}


def test_samples_are_kept_with_their_subject(stage):
    one = showing(SECOND, sample(at=1))
    honest = stage.ending(1, PLACES, READY, *BOTH, one, showing(FIRST, sample()), DONE)
    gathering = gather([honest], PLACES, terms=SHOWN).gathering
    assert honest.lost is None
    ((_, samples),) = gathering.fold.samples.items()
    assert [one.position for one in samples] == [Position(0, 0, 0), Position(0, 1, 0)]
    (found,) = gathering.fold.evidence(gathering.totals.first_lines())
    assert (found.places, found.most_places) == (((0, 1), (0, 2)), MAX_SAMPLES)


def test_samples_are_bounded(stage, monkeypatch):
    monkeypatch.setattr(gathering_module, "_SAMPLE_BYTES", gathering_module._ROOM)
    honest = stage.ending(1, PLACES, READY, *BOTH, showing(SECOND, sample(at=1)), showing(FIRST, sample()), DONE)
    gathering = gather([honest], PLACES, terms=SHOWN).gathering
    assert honest.lost is None
    assert gathering.fold.samples == {}
    (found,) = gathering.fold.evidence(gathering.totals.first_lines())
    assert found.count == 2


def test_large_samples_in_the_place_of_small_ones_are_bounded_too(stage, monkeypatch):
    monkeypatch.setattr(gathering_module, "_ROOM", 30_000)
    small = showing(SECOND, *[sample(at=1)] * MAX_SAMPLES)
    large = showing(FIRST, *[sample(fields=wire.encode({"prefix": b"x" * 2000}))] * MAX_SAMPLES)
    liar = stage.ending(1, PLACES, READY, *BOTH, small, large, DONE)
    (samples,) = gather([liar], PLACES, terms=SHOWN).gathering.fold.samples.values()
    assert len(samples) == MAX_SAMPLES
    assert sum(len(one.fields) + gathering_module._SAMPLE_BYTES for one in samples) <= 30_000


def test_the_earliest_samples_are_kept_in_whatever_order_they_come():
    subject = Subject(0, b"gw", "syslog", "netfilter", KEY)
    every = [Sample(Position(0, number % 3, number), 1, 1, b"%d" % number) for number in range(50)]
    kept = []
    for order in (every, every[::-1], sorted(every, key=lambda one: one.fields)):
        fold = Fold()
        assert fold.show(subject, order) == 0  # nothing was counted yet
        fold.add(subject, Tally(1, Position(0, 0, 0), 1, Position(0, 0, 0), 1))
        assert fold.show(subject, order[:30]) + fold.show(subject, order[30:]) == MAX_SAMPLES
        kept.append(fold.samples[subject])
    assert kept[0] == kept[1] == kept[2] == sorted(every)[:MAX_SAMPLES]
