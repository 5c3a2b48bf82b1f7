"""Logs in parts, repetitions, grades and identities, as the analyst takes and checks them."""

import pytest
from msgspec import structs

from syslogparse.evidence import identity
from syslogparse.roles import gather as gathering_module
from syslogparse.roles import wire
from syslogparse.sources.blocks import Place
from syslogparse.sources.trust import Grades
from tests.roles.actors import DONE, KEY, READY, block, entry, event, events, evidence, gather

LIE = "sent what cannot be true: "
OTHER = KEY._replace(dpt=b"22")


def test_a_log_in_parts_counts_its_lines_on(stage):
    place = Place(0, 0)
    parts = (block(place, 5, more=True), block(place, 3, more=True), block(place, 2))
    later = evidence(entry(place, line=7), entry(place, line=9, count=2))
    one = stage.ending(1, [place, Place(0, 1)], READY, *parts, block((0, 1), 0, events={}, trust={}), later, DONE)
    heard = gather([one], [place, Place(0, 1)])
    assert (one.lost, one.done_blocks) == (None, 2)
    assert heard.gathering.totals.lines == {place: 10, Place(0, 1): 0}
    assert heard.gathering.totals.events == {"netfilter": 3}


def test_events_of_a_log_in_parts_come_in_order(stage):
    place = Place(0, 0)
    sent = [events(event(4)), block(place, 5, more=True), events(event(5)), block(place, 3)]
    one = stage.ending(1, [place], READY, *sent, DONE)
    heard = gather([one], [place], stream=True)
    assert one.lost is None
    assert [line for _, line, _ in heard.events] == [5, 6]


@pytest.mark.parametrize("line", [4, 8])
def test_an_event_of_another_part_is_a_lie(stage, line):
    place = Place(0, 0)
    one = stage.ending(1, [place], READY, *[events(event(0)), block(place, 5, more=True), events(event(line)), block(place, 3)])
    gather([one], [place], stream=True)
    assert one.lost == LIE + "an event outside of its block"


def test_parts_have_an_end(stage, monkeypatch):
    monkeypatch.setattr(gathering_module, "MAX_PARTS", 3)
    place = Place(0, 0)
    one = stage.ending(1, [place], READY, *[block(place, more=True)] * 4)
    gather([one], [place])
    assert one.lost == LIE + "more parts than a log can have"


def test_repeated_events_count_as_often_as_the_log_says(stage):
    place = Place(0, 0)
    counted = block(place, 1, events={"netfilter": 3}, trust={"syslog": 3}, repeated=2)
    one = stage.ending(1, [place], READY, counted, evidence(entry(place, count=3)), DONE)
    assert gather([one], [place]).gathering.totals.events == {"netfilter": 3}
    assert one.lost is None
    streamed = wire.WireEvent(0, "netfilter", 1, b"gw", "syslog", {"dpt": 22}, 3)
    one = stage.ending(1, [place], READY, events(streamed), counted, DONE)
    heard = gather([one], [place], stream=True)
    assert (one.lost, [found.repeat for _, _, found in heard.events]) == (None, [3])


def test_identities_that_do_not_fit_are_let_go(stage, monkeypatch):
    monkeypatch.setattr(gathering_module, "_ROOM", 250)
    place = Place(0, 0)
    two = [structs.replace(entry(place), named=1, identities=identity.pack({name: 1})) for name in (b"1" * 8, b"2" * 8)]
    counted = block(place, 2, events={"netfilter": 2}, trust={"syslog": 2})
    one = stage.ending(1, [place], READY, counted, evidence(*two, key=KEY), DONE)
    heard = gather([one], [place])
    (tally,) = heard.gathering.fold.tallies.values()
    assert (one.lost, tally.count) == (None, 2)
    assert tally.named == sum(map(len, heard.gathering.fold.identities.values()))


AUDIT = Grades("kernel", "syslog")


def test_a_packet_never_has_the_grade_of_audit_records(stage):
    place = Place(0, 0)
    kernels = block(place, trust={"kernel": 1})
    for stream, frames in ((False, [kernels]), (True, [events(event(grade="kernel")), kernels])):
        one = stage.ending(1, [place], READY, *frames)
        gather([one], [place], stream=stream, grades=(AUDIT,))
        assert one.lost == LIE + "a grade that the log has not"
    both = block(place, 3, events={"netfilter": 1, "seccomp": 1}, trust={"kernel": 1, "syslog": 1})
    denied = wire.WireEvent(1, "seccomp", 1, b"", "kernel", {"pid": 1})
    one = stage.ending(1, [place], READY, events(event(grade="kernel"), structs.replace(denied, grade="syslog")), both)
    gather([one], [place], stream=True, grades=(AUDIT,))
    assert one.lost == LIE + "a grade that the log has not"
    one = stage.ending(1, [place], READY, events(event(), denied), both, DONE)
    assert len(gather([one], [place], stream=True, grades=(AUDIT,)).events) == 2
    assert one.lost is None


def test_identities_take_no_room_twice_and_none_from_keys(stage, monkeypatch):
    """A busy log sends those of one key again and again, and a key that comes late has to find room nevertheless."""
    monkeypatch.setattr(gathering_module, "_ROOM", 1000)
    place = Place(0, 0)
    named = [
        structs.replace(entry(place), named=1, identities=identity.pack({b"%08d" % (number % 9): 1})) for number in range(30)
    ]
    sums = block(place, 31, events={"netfilter": 31}, trust={"syslog": 31})
    one = stage.ending(1, [place], READY, sums, *[evidence(each) for each in named], evidence(entry(place), key=OTHER), DONE)
    heard = gather([one], [place])
    assert (one.lost, heard.gathering.fold.overflow) == (None, 0)
    assert {subject.key: tally.named for subject, tally in heard.gathering.fold.tallies.items()} == {KEY: 30, OTHER: 0}


def test_many_lines_need_many_parts(stage):
    place = Place(0, 0)
    lines = 20 << 20
    parts = [block(place, 0, more=True, events={}, trust={})] * 4
    one = stage.ending(1, [place], READY, *parts, block(place, lines, more=True, events={}, trust={}), block(place), DONE)
    gather([one], [place], stream=True)
    assert one.lost == LIE + "events that it has not counted"
    one = stage.ending(1, [place], READY, *parts[:3], block(place, lines, more=True, events={}, trust={}))
    gather([one], [place], stream=True)
    assert one.lost == LIE + "more lines than bytes"
