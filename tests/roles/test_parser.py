import fcntl
import gzip
import os
import select
import termios

import pytest

from syslogparse.evidence.fold import Fold
from syslogparse.roles import blockwork, parser, wire
from syslogparse.roles.blockwork import work_block
from syslogparse.roles.deaths import BROKEN, OUT_OF_MEMORY
from syslogparse.roles.parser import Job
from syslogparse.sources.blocks import BLOCK_BYTES, Place, copy_block, plan
from tests.roles.actors import ROOMY, frames_of, write_all
from tests.roles.lines import PACKET, PACKETS, REAL, log, worker

TEXT = b"\n".join(PACKETS * 3 + REAL) + b"\n"
BLOCK = 2000


@pytest.fixture
def small_blocks(monkeypatch):
    monkeypatch.setattr(blockwork, "copy_block", lambda data, block: copy_block(data, block, BLOCK))


@pytest.fixture
def output(monkeypatch):
    """What is sent goes to a memory file; the fixture is a function that gives it back."""
    memory = os.memfd_create("pipe")
    monkeypatch.setattr(parser, "PIPE", memory)
    yield lambda: os.pread(memory, 1 << 28, 0)
    os.close(memory)


def job(*texts, stream=False):
    logs = [log(text) for text in texts]
    return Job(logs, [worker(stream=stream) for _ in logs], plan([len(text) for text in texts], BLOCK))


def kinds(frames):
    return [kind for kind, _ in frames]


def sent_tallies(frames):
    fold = Fold()
    for kind, payload in frames:
        if kind is wire.Type.EVIDENCE:
            frame = wire.decode_evidence(payload)
            for entry, _ in (*frame.netfilter, *frame.apparmor, *frame.seccomp):
                fold.overflow += entry.count
    return fold.overflow


@pytest.mark.usefixtures("small_blocks")
def test_every_block_then_the_evidence_then_the_end(output):
    work = job(TEXT, b"", PACKET)
    parser._work(work)
    frames = frames_of(output())
    blocks = [wire.decode_block(payload) for kind, payload in frames if kind is wire.Type.BLOCK]
    assert [(frame.file, frame.block) for frame in blocks] == work.places
    assert kinds(frames)[-2:] == [wire.Type.EVIDENCE, wire.Type.DONE]
    assert kinds(frames).count(wire.Type.DONE) == 1
    assert frames[-1][1] == b""
    assert sum(frame.lines for frame in blocks) == TEXT.count(b"\n") + 1
    assert sent_tallies(frames) == sum(sum(frame.events.values()) for frame in blocks) > 50


@pytest.mark.usefixtures("small_blocks")
def test_evidence_leaves_every_sixteen_blocks(output):
    work = job(TEXT * 3)
    assert len(work.places) > 33
    parser._work(work)
    frames = kinds(frames_of(output()))
    expected = [wire.Type.BLOCK] * 16 + [wire.Type.EVIDENCE] + [wire.Type.BLOCK] * 16 + [wire.Type.EVIDENCE]
    assert frames[: len(expected)] == expected


@pytest.mark.usefixtures("small_blocks")
def test_evidence_leaves_when_there_are_many_keys(output, monkeypatch):
    monkeypatch.setattr(parser, "_KEYS_A_FLUSH", 3)
    parser._work(job((b"\n".join(PACKETS) + b"\n") * 8))
    frames = kinds(frames_of(output()))
    assert frames[:4] == [wire.Type.BLOCK, wire.Type.EVIDENCE] * 2


@pytest.mark.usefixtures("small_blocks")
@pytest.mark.parametrize("stream", [False, True])
def test_frames_are_cut_at_their_target(output, monkeypatch, stream):
    monkeypatch.setattr(wire, "FRAME_TARGET", 700)
    parser._work(job(TEXT, stream=stream))
    wanted = wire.Type.EVENTS if stream else wire.Type.EVIDENCE
    frames = [payload for kind, payload in frames_of(output()) if kind is wanted]
    assert len(frames) > 5
    assert max(map(len, frames)) < 2500


@pytest.mark.usefixtures("small_blocks")
def test_events_come_before_their_block_and_no_evidence_comes(output):
    work = job(TEXT, stream=True)
    parser._work(work)
    pending = []
    for kind, payload in frames_of(output()):
        assert kind is not wire.Type.EVIDENCE
        if kind is wire.Type.EVENTS:
            pending += wire.decode_events(payload).events
        elif kind is wire.Type.BLOCK:
            frame = wire.decode_block(payload)
            place = Place(frame.file, frame.block)
            assert pending == work_block(worker(stream=True), TEXT, place, Fold()).stream
            assert len(pending) == sum(frame.events.values())
            pending = []
    assert pending == []


def test_a_job_without_places_ends_at_once(output):
    parser._work(Job([], [], []))
    assert frames_of(output()) == [(wire.Type.DONE, b"")]


def test_a_failure_is_announced(stage):
    read, write = stage.pipe()

    def act():
        parser.PIPE = write
        parser.announce_failure("ä" * 5000)

    child = stage.child(act)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == BROKEN
    stage.close(write)
    assert frames_of(stage.drain(read)) == [(wire.Type.FAILED, ("ä" * 5000).encode()[:4096])]


@pytest.mark.parametrize(
    ("problem", "status"), [(None, 0), (MemoryError, OUT_OF_MEMORY), (RuntimeError, BROKEN), (SystemExit, BROKEN)]
)
def test_its_end_says_how_it_went_and_nothing_is_printed(stage, problem, status):
    read, write = stage.pipe(ROOMY)

    def fail(_job):
        raise problem

    def act():
        parser.PIPE = write
        if problem:
            parser._work = fail
        parser.main(Job([], [], []), 1 << 12)

    assert stage.run(act) == (status, b"", b"")
    stage.close(write)
    frames = frames_of(stage.drain(read))
    assert frames[0] == (wire.Type.READY, bytes((1 << 12) + (64 << 10)))
    assert kinds(frames[1:]) == ([] if problem else [wire.Type.DONE])


def test_it_touches_no_log_before_the_analyst_has_taken_the_first_frame(stage):
    read, write = stage.pipe(1 << 16)
    touched, touch = stage.pipe()

    def act():
        parser.PIPE = write
        parser._work = lambda job: write_all(touch, b"log")
        parser.main(Job([], [], []), fcntl.fcntl(write, fcntl.F_GETPIPE_SZ))

    child = stage.child(act)
    stage.close(write)
    assert len(os.read(read, wire.HEADER.size)) == wire.HEADER.size
    poller = select.poll()
    poller.register(touched, select.POLLIN)
    assert poller.poll(150) == []
    assert fcntl.ioctl(read, termios.FIONREAD, bytes(4)) != bytes(4)
    stage.drain(read)
    assert poller.poll(10_000)
    assert os.waitpid(child, 0)[1] == 0


@pytest.mark.parametrize("often", [1, 2, 1000])
def test_a_log_in_parts_sends_all_its_evidence_and_none_before_its_part(output, monkeypatch, often):
    monkeypatch.setattr(parser, "_BLOCKS_A_FLUSH", often)
    packed = gzip.compress(TEXT * (4 * BLOCK_BYTES // len(TEXT)))
    logs = [log(packed)]
    parser._work(Job(logs, [worker()], plan([len(packed)])))
    lines = events = evident = 0
    for kind, payload in frames_of(output()):
        if kind is wire.Type.BLOCK:
            frame = wire.decode_block(payload)
            lines += frame.lines
            events += sum(frame.events.values())
        elif kind is wire.Type.EVIDENCE:
            sent = wire.decode_evidence(payload)
            for entry, _ in (*sent.netfilter, *sent.apparmor, *sent.seccomp):
                evident += entry.count
                assert entry.last[1] < lines
    assert events == evident > 1000
