from datetime import UTC
from functools import partial
from unittest.mock import patch

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from syslogparse.evidence.fold import MAX_SAMPLES, Fold
from syslogparse.evidence.model import NetfilterKey
from syslogparse.evidence.period import ALWAYS, Period
from syslogparse.evidence.stamp import Clock
from syslogparse.roles import blockwork, wire
from syslogparse.roles.blockwork import MAX_NAMED, drain_bulk, work_block
from syslogparse.roles.terms import Terms
from syslogparse.sources.blocks import Place, copy_block, plan
from tests.roles.lines import NEWEST, ODD, PACKET, PACKETS, REAL, mapped, worker

MOSTLY_PACKETS = st.sampled_from(PACKETS) | st.sampled_from(PACKETS) | st.sampled_from(PACKETS + ODD + REAL)
DENSE = st.lists(MOSTLY_PACKETS, min_size=1, max_size=30)
TEXTS = st.tuples(DENSE, st.booleans()).map(lambda made: b"\n".join(made[0]) + (b"\n" if made[1] else b""))


def worked(text, size, how):
    """The tallies, and every block's frame."""
    fold = Fold()
    with patch.object(blockwork, "copy_block", partial(copy_block, block_bytes=size)):
        done = [work_block(how, text, place, fold).frame(place) for place in plan([len(text)], size)]
    drain_bulk(how, 0, fold)
    return fold.tallies, done


@given(TEXTS, st.integers(1, 3000) | st.just(1 << 20))
def test_in_bulk_and_line_by_line_give_the_same(text, size):
    careful = worker()
    careful.bulk = None
    fast = worker()
    assert fast.bulk is not None
    assert worked(text, size, fast) == worked(text, size, careful)


def test_a_dense_log_is_taken_in_bulk():
    text = b"\n".join(PACKETS * 10) + b"\n"
    how = worker()
    fold = Fold()
    done = work_block(how, text, Place(0, 0), fold)
    assert fold.tallies == {}
    assert (done.lines, done.events, done.trust) == (50, {"netfilter": 50}, {"kern": 50})
    drain_bulk(how, 0, fold)
    assert sum(tally.count for tally in fold.tallies.values()) == 50
    assert len(fold.tallies) == len(PACKETS)


@given(TEXTS, st.integers(1, 3000))
def test_events_are_what_evidence_counts(text, size):
    tallies, frames = worked(text, size, worker())
    with patch.object(blockwork, "copy_block", partial(copy_block, block_bytes=size)):
        streamed = [work_block(worker(stream=True), text, place, Fold()) for place in plan([len(text)], size)]
    assert [done.frame(place) for done, place in zip(streamed, plan([len(text)], size), strict=True)] == frames
    assert sum(len(done.stream) for done in streamed) == sum(tally.count for tally in tallies.values())
    for done in streamed:
        assert [event.line for event in done.stream] == sorted({event.line for event in done.stream})


@pytest.mark.parametrize("kinds", [("netfilter",), ("apparmor",), ("seccomp",), ("apparmor", "seccomp")])
def test_only_the_kinds_that_are_asked_for(kinds):
    text = b"\n".join(PACKETS + REAL)
    tallies, frames = worked(text, 1 << 20, worker(kinds=kinds))
    assert set(frames[0].events) == {subject.kind for subject in tallies} == set(kinds)


def test_named_lines_are_few_and_all_are_counted():
    bad = PACKET.replace(b"DPT=22", b"DPT=99999")
    text = (bad + b"\n") * 50
    _, (frame,) = worked(text, 1 << 20, worker())
    assert frame.reasons == {"invalid port": 50}
    assert frame.undecoded == [(line, "invalid port") for line in range(MAX_NAMED)]


def changing(data, old, new):
    """copy_block, with the log overwritten as soon as the copy is taken."""

    def copy(log, block):
        copied = copy_block(log, block)
        position = data.find(old)
        while position >= 0:
            data[position : position + len(new)] = new
            position = data.find(old)
        return copied

    return patch.object(blockwork, "copy_block", copy)


@pytest.mark.parametrize("lines", [PACKETS * 3, [*PACKETS, *REAL]], ids=["dense", "mixed"])
def test_lines_that_change_between_copy_and_check_give_no_event(lines):
    lines = [line for line in lines if b"DPT=22 " not in line] + [PACKET]
    still, _ = worked(b"\n".join(lines[:-1]) + b"\n", 1 << 20, worker())
    data = mapped(b"\n".join(lines) + b"\n")
    how, fold = worker(), Fold()
    with changing(data, b"DPT=22 ", b"DPT=80 "):
        done = work_block(how, data, Place(0, 0), fold)
    drain_bulk(how, 0, fold)
    assert done.reasons["log changed while it was read"] == 1
    assert (len(lines) - 1, "log changed while it was read") in done.undecoded
    assert fold.tallies == still


def test_a_change_elsewhere_changes_nothing():
    data = mapped(b"".join(line + b"\n" for line in PACKETS) + b"Nov 21 00:00:09 gw cron: quiet\n")
    how, fold = worker(), Fold()
    with changing(data, b"quiet", b"other"):
        done = work_block(how, data, Place(0, 0), fold)
    assert (done.reasons, done.events) == ({}, {"netfilter": len(PACKETS)})


def test_the_last_line_without_an_end():
    _, (frame,) = worked(b"\n".join([*PACKETS, PACKET[:-12]]), 1 << 20, worker())
    assert frame.reasons == {"line cut off at the end of the file": 1}
    assert frame.lines == len(PACKETS) + 1


def test_an_overlong_line_of_interest():
    text = PACKET + b"x" * 70_000 + b"\n" + PACKET + b"\n"
    for size in (1000, 1 << 20):
        tallies, frames = worked(text, size, worker())
        assert [frame.reasons for frame in frames if frame.reasons] == [{"line too long": 1}]
        assert sum(tally.count for tally in tallies.values()) == 1
        assert sum(frame.lines for frame in frames) == 2


def test_nothing_of_interest():
    tallies, (frame,) = worked(b"a\nb\n\nc", 1 << 20, worker())
    assert tallies == {}
    assert (frame.lines, frame.events, frame.trust, frame.reasons, frame.undecoded) == (4, {}, {}, {}, [])


FIRST_SECOND = Clock(UTC, NEWEST).read(b"Nov 21 00:00:01") or 0
PORT = NetfilterKey._fields.index("dpt")
UNDATED = PACKET.replace(b"Nov 21 00:00:01", b"Feb 30 00:00:01")
BOUNDS = st.none() | st.integers(-2, 8).map(lambda second: FIRST_SECOND + second * 1_000_000) | st.just(NEWEST)
PERIODS = st.builds(Period, BOUNDS, BOUNDS)
MIXED = st.lists(MOSTLY_PACKETS | st.just(UNDATED), min_size=1, max_size=30).map(lambda lines: b"\n".join(lines) + b"\n")


@given(MIXED, st.integers(1, 3000) | st.just(1 << 20), PERIODS)
def test_in_bulk_and_line_by_line_use_the_same_time(text, size, period):
    careful, fast = (worker(terms=Terms(period=period)) for _ in range(2))
    careful.bulk = careful.beside = None
    assert (fast.beside is not None) is period.bounded
    assert worked(text, size, fast) == worked(text, size, careful)


@given(MIXED, PERIODS)
def test_what_is_not_used_is_counted_all_the_same(text, period):
    _, (whole,) = worked(text, 1 << 20, worker())
    tallies, (frame,) = worked(text, 1 << 20, worker(terms=Terms(period=period)))
    assert structs.replace(frame, outside=0, undated=0, losses=whole.losses) == whole
    used = sum(frame.events.values()) - frame.outside - frame.undated
    assert sum(tally.count for tally in tallies.values()) == used
    for tally in tallies.values():
        assert {period.verdict(tally.first_time), period.verdict(tally.last_time)} == {"inside"}
    streamed = work_block(worker(stream=True, terms=Terms(period=period)), text, Place(0, 0), Fold())
    assert sum(event.repeat for event in streamed.stream) == used
    assert streamed.frame(Place(0, 0)) == frame


def test_a_dense_log_of_another_time_is_taken_in_bulk():
    text = b"\n".join(PACKETS * 10) + b"\n"
    how, fold = worker(terms=Terms(period=Period(since=NEWEST))), Fold()
    with patch.object(how.decoder, "event", side_effect=AssertionError):
        done = work_block(how, text, Place(0, 0), fold)
    assert how.held > 0
    drain_bulk(how, 0, fold)
    assert (fold.tallies, how.held, done.unused) == ({}, 0, {"outside": 50})


def test_what_a_log_says_was_lost_at_another_time_is_no_loss():
    lost = b"Nov 21 00:00:05 gw kernel: [ 9.1] net_ratelimit: 7 callbacks suppressed\n"
    for period, losses in (
        (Period(FIRST_SECOND), {"kernel messages suppressed": 7}),
        (Period(until=FIRST_SECOND), {}),
        (ALWAYS, {"kernel messages suppressed": 7}),
    ):
        _, (frame,) = worked(lost, 1 << 20, worker(terms=Terms(period=period)))
        assert frame.losses == losses
    undated = lost.replace(b"Nov 21 00:00:05 gw kernel: ", b"")
    _, (frame,) = worked(undated, 1 << 20, worker(terms=Terms(period=Period(FIRST_SECOND))))
    assert frame.losses == {"kernel messages suppressed": 7}


def test_the_first_events_of_each_key_are_kept_where_they_are_asked_for():
    text = b"".join(PACKETS[0].replace(b"ID=1 ", b"ID=%d " % number) + b"\n" for number in range(30)) + PACKETS[1] + b"\n"
    how, fold = worker(terms=Terms(samples=True)), Fold()
    work_block(how, text, Place(0, 0), fold)
    kept = {subject.key[PORT]: samples for subject, samples in fold.samples.items()}
    assert [sample.position.line for sample in kept[b"22"]] == list(range(MAX_SAMPLES))
    (other,) = kept[b"23"]
    assert (other.position.line, other.time, other.repeat) == (30, FIRST_SECOND, 1)
    assert wire.decode_fields(other.fields)["dpt"] == 23
    assert how.bulk is None
