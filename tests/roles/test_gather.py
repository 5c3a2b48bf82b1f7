"""Parsers that lie: each counts as dead with a reason, and what the honest one sent stays."""

import os
import signal
import time

import pytest
from msgspec import structs

from syslogparse.evidence import identity
from syslogparse.roles import gather as gathering_module
from syslogparse.roles import wire
from syslogparse.roles.gather import Gathering, Parser, speaks
from syslogparse.sources.blocks import Place
from syslogparse.sources.trust import UNTRUSTED, Grades
from tests.roles.actors import DONE, KEY, READY, block, entry, event, events, evidence, gather, write_all

PLACES = [Place(0, number) for number in range(4)]
MINE, LIARS = PLACES[0::2], PLACES[1::2]
FIRST, SECOND = LIARS
KERN = Grades("syslog", "kern")
HONEST = (READY, block(MINE[0]), block(MINE[1]), evidence(entry(MINE[0]), entry(MINE[1])), DONE)
OTHER = KEY._replace(dpt=b"22")


@pytest.fixture(autouse=True)
def short_patience(monkeypatch):
    monkeypatch.setattr(gathering_module, "DEADLINE", 0.6)
    monkeypatch.setattr(gathering_module, "_ROUND", 0.05)


def raw(kind, value):
    return wire.frame(kind, wire.encode(value))


def beside_an_honest_one(stage, liar, *, stream=False):
    streamed = (READY, events(event()), block(MINE[0]), events(event()), block(MINE[1]), DONE)
    honest = stage.ending(1, MINE, *(streamed if stream else HONEST))
    heard = gather([honest, liar], PLACES, stream=stream)
    assert (honest.lost, honest.done_blocks) == (None, 2)
    if stream:
        assert [(file, found.fields) for file, _, found in heard.events if found.host == b"gw"][:1] == [(0, {"dpt": 22})]
    else:
        tally = next(tally for subject, tally in heard.gathering.fold.tallies.items() if subject.key == KEY)
        assert tally.count >= 2
    assert {Place(0, 0), Place(0, 2)} <= set(heard.gathering.totals.lines)
    return heard


SAME = identity.pack({b"12345678": 1})


def named(place, lines, identities=b""):
    return structs.replace(entry(place), named=lines, identities=identities)


LIE = "sent what cannot be true: "
UNDECODED = "sent a frame that does not decode"
BOTH = (block(FIRST), block(SECOND))
LIES = {
    "unknown type": ([READY, wire.HEADER.pack(0, 99)], UNDECODED),
    "too large": ([wire.HEADER.pack(wire.MAX_PAYLOAD + 1, wire.Type.BLOCK)], UNDECODED),
    "garbage": ([wire.frame(wire.Type.BLOCK, b"\xff garbage")], UNDECODED),
    "not MessagePack": ([wire.frame(wire.Type.EVIDENCE, b"\xc1")], UNDECODED),
    "other type's payload": ([block(FIRST), raw(wire.Type.EVIDENCE, wire.BlockFrame(0, 1, 1, {}, {}, {}, []))], UNDECODED),
    "own words as reason": ([raw(wire.Type.BLOCK, [0, 1, 1, {}, {}, {"\x1b[2J": 1}, []])], UNDECODED),
    "block of somebody else": ([block(MINE[0])], LIE + "a block that is not its next one"),
    "block out of order": ([block(SECOND)], LIE + "a block that is not its next one"),
    "block of no file": ([block((7, 1))], LIE + "a block that is not its next one"),
    "block twice": ([block(FIRST), block(FIRST)], LIE + "a block that is not its next one"),
    "block too many": ([*BOTH, block((0, 5))], LIE + "a block that is not its next one"),
    "more lines than bytes": ([block(FIRST, (1 << 20) + 1)], LIE + "more lines than bytes"),
    "more events than lines": ([block(FIRST, 0)], LIE + "more events than lines"),
    "more undecoded than lines": ([block(FIRST, reasons={"invalid port": 1})], LIE + "more events than lines"),
    "counts that are huge": ([block(FIRST, events={"netfilter": 1 << 53})], LIE + "more events than lines"),
    "sums that differ": ([block(FIRST, 9, events={"netfilter": 2})], LIE + "sums that differ"),
    "a better grade in a block": ([block(FIRST, trust={"kernel": 1})], LIE + "a grade that the log has not"),
    "a line outside": ([block(FIRST, undecoded=[(1, "invalid port")])], LIE + "a line outside of its block"),
    "events unasked": ([events(event())], LIE + "events that nobody asked for"),
    "evidence before blocks": ([evidence(entry(FIRST))], LIE + "a line that it has not read"),
    "evidence for others' lines": ([*BOTH, evidence(entry(MINE[0]))], LIE + "a line that it has not read"),
    "evidence for no block": ([*BOTH, evidence(entry((0, 99)))], LIE + "a line that it has not read"),
    "evidence for no file": ([*BOTH, evidence(entry((9, 1)))], LIE + "a line that it has not read"),
    "evidence for no line": ([*BOTH, evidence(entry(FIRST, line=1))], LIE + "a line that it has not read"),
    "evidence that ends elsewhere": ([block(FIRST), evidence(entry(FIRST, last=SECOND))], LIE + "a line that it has not read"),
    "a better grade": ([*BOTH, evidence(entry(FIRST, grade="kernel"))], LIE + "a grade that the log has not"),
    "more evidence than events": ([*BOTH, evidence(entry(FIRST, count=3))], LIE + "more evidence than events"),
    "evidence twice": ([*BOTH, evidence(entry(FIRST, count=2)), evidence(entry(SECOND))], LIE + "more evidence than events"),
    "more named lines than lines": ([*BOTH, evidence(named(FIRST, 2))], LIE + "more of its lines than all"),
    "identities that are none": ([*BOTH, evidence(named(FIRST, 1, b"x"))], LIE + "identities that are none"),
    "identities of more lines": ([*BOTH, evidence(named(FIRST, 1, SAME * 2))], LIE + "identities that are none"),
    "identities without lines": ([*BOTH, evidence(named(FIRST, 0, SAME))], LIE + "more identities than lines"),
    "parts of a later block": ([block(FIRST, more=True)], LIE + "parts of a block that has none"),
    "repetitions of nothing": ([block(FIRST, repeated=2)], LIE + "more repetitions than events"),
    "damage of its own words": ([raw(wire.Type.BLOCK, [0, 1, 1, {}, {}, {}, [], 0, {}, False, "evil"])], UNDECODED),
    "a loss of its own words": ([raw(wire.Type.BLOCK, [0, 1, 1, {}, {}, {}, [], 0, {"evil": 1}])], UNDECODED),
    "empty evidence": ([evidence()], LIE + "evidence that is none"),
    "less evidence": ([*BOTH, evidence(entry(FIRST)), DONE], LIE + "less evidence than events"),
    "an early end": ([block(FIRST), DONE], LIE + "it ended before its last block"),
    "an end with words": ([wire.frame(wire.Type.DONE, b"x")], LIE + "it ended before its last block"),
    "ready twice": ([READY, READY], LIE + "a frame of the wrong type"),
    "failed at work": ([READY, wire.frame(wire.Type.FAILED, b"\x1b[2J")], LIE + "a frame of the wrong type"),
    "after the end": ([*BOTH, evidence(entry(FIRST, count=2)), DONE, DONE], LIE + "a frame after its last one"),
    "block after the end": ([*BOTH, evidence(entry(FIRST, count=2)), DONE, block(FIRST)], LIE + "a frame after its last one"),
    "silence": ([READY], "sent nothing whole for 1 seconds"),
    "half a frame": ([READY, block(FIRST)[:-1]], "sent nothing whole for 1 seconds"),
    "no end after the last frame": ([*BOTH, evidence(entry(FIRST, count=2)), DONE], "sent nothing whole for 1 seconds"),
}


@pytest.mark.parametrize(("frames", "reason"), LIES.values(), ids=LIES)
def test_a_liar_is_dead_and_the_other_stays(stage, frames, reason):
    liar = stage.open_ended(2, LIARS, *frames)
    beside_an_honest_one(stage, liar)
    assert liar.lost == reason


STREAM_LIES = {
    "evidence unasked": ([evidence(entry(FIRST))], LIE + "evidence that nobody asked for"),
    "no events": ([events()], LIE + "events that are none"),
    "uncounted events": ([events(event(), event(1)), block(FIRST, 9)], LIE + "events that it has not counted"),
    "counted, not sent": ([block(FIRST, 9)], LIE + "events that it has not counted"),
    "outside": ([events(event(9)), block(FIRST, 9)], LIE + "an event outside of its block"),
    "twice the same line": (
        [events(event(1), event(1)), block(FIRST, 9, events={"netfilter": 2}, trust={"syslog": 2})],
        LIE + "an event outside of its block",
    ),
    "backwards": (
        [events(event(2), event(1)), block(FIRST, 9, events={"netfilter": 2}, trust={"syslog": 2})],
        LIE + "an event outside of its block",
    ),
    "a better grade": ([events(event(grade="kernel")), block(FIRST)], LIE + "a grade that the log has not"),
    "another kind than it says": (
        [events(event()), block(FIRST, events={"seccomp": 1})],
        LIE + "events that it has not counted",
    ),
    "another grade than it says": (
        [events(event()), block(FIRST, trust={"kern": 1})],
        LIE + "a grade that the log has not",
    ),
    "after its last block": (
        [events(event()), block(FIRST), events(event()), block(SECOND), events(event())],
        LIE + "events that nobody asked for",
    ),
}


@pytest.mark.parametrize(("frames", "reason"), STREAM_LIES.values(), ids=STREAM_LIES)
def test_a_liar_in_the_format_events(stage, frames, reason):
    liar = stage.open_ended(2, LIARS, *frames)
    beside_an_honest_one(stage, liar, stream=True)
    assert liar.lost == reason


@pytest.mark.parametrize(
    ("status", "words"), [(0, "ended early with status 0"), (70, "ended early with status 70"), (71, "out of memory")]
)
def test_an_early_end_has_a_status(stage, status, words):
    dead = stage.ending(2, LIARS, READY, block(FIRST), status=status)
    heard = beside_an_honest_one(stage, dead)
    assert dead.lost == words
    assert dead.done_blocks == 1
    assert FIRST in heard.gathering.totals.lines


def test_a_killed_parser(stage):
    dead = stage.ending(2, LIARS, READY, status=-signal.SIGKILL)
    beside_an_honest_one(stage, dead)
    assert dead.lost == "killed by SIGKILL (killed from outside, or for lack of memory)"


def test_what_was_sent_whole_before_the_lie_stays(stage):
    liar = stage.open_ended(2, LIARS, READY, block(FIRST), evidence(entry(FIRST), key=OTHER), block(FIRST))
    heard = beside_an_honest_one(stage, liar)
    assert {subject.key for subject in heard.gathering.fold.tallies} == {KEY, OTHER}
    assert heard.gathering.totals.blocks == 3


def test_all_is_well(stage):
    theirs = [*[block(place, trust={"kern": 1}) for place in LIARS], evidence(*[entry(place, grade="kern") for place in LIARS])]
    parsers = [stage.ending(1, MINE, *HONEST), stage.ending(2, LIARS, READY, *theirs, DONE)]
    ticks: list[int] = []
    gathering = Gathering(parsers, [KERN], PLACES, None, ticks.append)
    gathering.run()
    assert [parser.lost for parser in parsers] == [None, None]
    assert all(parser.ended and parser.status == 0 for parser in parsers)
    assert gathering.totals.trust == {"syslog": 2, "kern": 2}
    assert ticks == [(number + 1) << 20 for number in range(4)]


def trickle(pipe):
    for byte in wire.frame(wire.Type.EVIDENCE, bytes(1000)):
        os.write(pipe, bytes([byte]))
        time.sleep(0.01)


def test_single_bytes_are_no_life_sign(stage):
    liar = stage.acting(2, LIARS, trickle)
    before = time.monotonic()
    beside_an_honest_one(stage, liar)
    assert liar.lost == "sent nothing whole for 1 seconds"
    assert time.monotonic() - before < 3


def endlessly(frame):
    def act(pipe):
        while True:
            write_all(pipe, frame)

    return act


@pytest.mark.parametrize("frame", [READY, block(FIRST), evidence(entry(FIRST)), evidence(), DONE, bytes(65536)])
def test_endless_frames_end(stage, frame):
    liar = stage.acting(2, LIARS, endlessly(frame))
    beside_an_honest_one(stage, liar)
    assert liar.lost is not None


def test_endless_events_end(stage, monkeypatch):
    monkeypatch.setattr(gathering_module, "BLOCK_BYTES", 1 << 12)
    liar = stage.acting(2, LIARS, endlessly(events(*[event(note=b"x" * 100)] * 20)))
    beside_an_honest_one(stage, liar, stream=True)
    assert liar.lost == LIE + "more events than a block can hold"


class Watched(wire.Inbox):
    most = 0

    def feed(self, data):
        super().feed(data)
        self.most = max(self.most, len(self))


def test_who_is_not_next_waits_and_is_not_swallowed(stage):
    count = 40_000
    bulk = b"".join(events(*[event(line + at, note=b"x" * 250) for at in range(1000)]) for line in range(0, count, 1000))
    assert len(bulk) > 10 << 20
    after = block(FIRST, count, events={"netfilter": count}, trust={"syslog": count})

    def late(pipe):
        time.sleep(0.25)
        write_all(pipe, READY + events(event()) + block(MINE[0]) + DONE)

    early = stage.acting(2, [FIRST], lambda pipe: write_all(pipe, READY + bulk + after + DONE))
    early.inbox = watched = Watched()
    slow = stage.acting(1, [MINE[0]], late)
    heard = gather([slow, early], PLACES[:2], stream=True)
    assert [slow.lost, early.lost] == [None, None]
    assert len(heard.events) == count + 1
    assert [line for _, line, _ in heard.events[:3]] == [1, 2, 3]
    assert watched.most < 3 << 20


def test_events_come_in_the_order_of_the_logs(stage):
    def blocks(places):
        return [READY, *[part for place in places for part in (events(event(), event(2)), two(place))], DONE]

    def two(place):
        return block(place, 3, events={"netfilter": 2}, trust={"syslog": 2})

    places = [*PLACES, Place(1, 0), Place(1, 1)]
    parsers = [stage.ending(number + 1, places[number::3], *blocks(places[number::3])) for number in range(3)]
    heard = gather(parsers, places, stream=True, grades=(UNTRUSTED, UNTRUSTED))
    assert [parser.lost for parser in parsers] == [None] * 3
    assert [(file, line) for file, line, _ in heard.events] == [
        *((0, 3 * number + line) for number in range(4) for line in (1, 3)),
        *((1, 3 * number + line) for number in range(2) for line in (1, 3)),
    ]


def test_behind_a_lost_block_events_have_no_line_number(stage):
    honest = [READY, *[part for place in LIARS for part in (events(event()), block(place))], DONE]
    parsers = [stage.ending(1, MINE, READY, status=1), stage.ending(2, LIARS, *honest)]
    heard = gather(parsers, [*PLACES], stream=True)
    assert [parser.lost for parser in parsers] == ["ended early with status 1", None]
    assert [(file, line) for file, line, _ in heard.events] == [(0, None), (0, None)]


def test_events_of_a_block_that_was_not_finished_are_not_passed_on(stage):
    dead = stage.ending(2, LIARS, READY, events(event(note=b"half")), status=1)
    heard = beside_an_honest_one(stage, dead, stream=True)
    assert not [found for _, _, found in heard.events if "note" in found.fields]


def test_long_keys_are_counted_and_not_kept(stage, monkeypatch):
    monkeypatch.setattr(gathering_module, "_ROOM", 3000)
    frames = [evidence(entry(PLACES[0]), key=KEY._replace(prefix=b"%d" % number * 1000)) for number in range(5)]
    sums = block(PLACES[0], 9, events={"netfilter": 5}, trust={"syslog": 5})
    parser = stage.ending(1, PLACES[:1], READY, sums, *frames, DONE)
    heard = gather([parser], PLACES[:1])
    assert parser.lost is None
    assert len(heard.gathering.fold.tallies) == 2
    assert heard.gathering.fold.overflow == 3


def test_it_waits_for_the_first_word_and_not_for_ever(stage):
    read, write = stage.pipe()
    before = time.monotonic()
    assert not speaks(read)
    assert 0.5 < time.monotonic() - before < 2
    os.write(write, b"x")
    assert speaks(read)
    stage.close(write)
    assert speaks(read)


def test_a_pause_of_everybody_makes_nobody_late(stage, monkeypatch):
    """A clock that jumps by an hour, as when all processes were stopped, counts as two rounds."""
    monkeypatch.setattr(gathering_module, "DEADLINE", 100.0)
    jumps = iter(range(0, 10**9, 3600))
    monkeypatch.setattr(time, "monotonic", lambda: float(next(jumps)))
    parser = stage.ending(1, PLACES[:1], READY, block(PLACES[0]), evidence(entry(PLACES[0])), DONE)
    gather([parser], PLACES[:1])
    assert parser.lost is None


def test_places_of_a_parser_in_their_order():
    parser = Parser(1, 2, 3, LIARS)
    assert parser.place == FIRST
    parser.done_blocks = 2
    assert parser.place is None
    assert not parser.ended
