import os
import time

import pytest

from syslogparse.roles import gather
from syslogparse.roles.delivery import Receiver, deliver, problem
from syslogparse.roles.output import write_all
from syslogparse.roles.validator import END, HEADER, READY

DOCUMENTS = [(1, ["# one", "é"]), (2, ["# two"])]


def sent(*frames):
    return b"".join(HEADER.pack(number, len(text)) + text for number, text in frames)


WANTED = sent((1, b"# one"), (1, "é".encode()), (2, b"# two"), (END, b""))


def receiver(stage, act, ready=None):
    """A validator that does anything with the pipe it reads from."""
    lines = stage.pipe()

    def alone():
        os.close(lines[1])
        act(lines[0])

    child = stage.child(alone)
    stage.close(lines[0])
    return Receiver(child, -1 if ready is None else ready, lines[1])


def test_every_line_is_sent_with_its_file_and_the_end_last(stage):
    out = stage.pipe()
    made = receiver(stage, lambda lines: write_all(out[1], os.read(lines, 9999)))
    deliver(made, DOCUMENTS)
    stage.close(out[1])
    assert stage.drain(out[0]) == WANTED


def test_it_waits_for_the_validators_end(stage):
    def act(lines):
        os.read(lines, 9999)
        time.sleep(0.3)

    made = receiver(stage, act)
    before = time.monotonic()
    deliver(made, DOCUMENTS)
    assert time.monotonic() - before > 0.25
    with pytest.raises(ChildProcessError):
        os.waitpid(made.pid, 0)


@pytest.mark.parametrize("end", [lambda: os._exit(3), lambda: os.kill(os.getpid(), 9)])
def test_a_validator_that_is_gone_is_told_and_no_error(stage, end):
    def act():
        deliver(receiver(stage, lambda _: end()), [(1, ["# x" * 1000] * 500)])

    done = stage.run(act)
    assert done.status == 0
    assert done.err.startswith(b"syslogparse: the validator ")


def test_more_than_the_pipe_holds(stage):
    def act(lines):
        total = 0
        while piece := os.read(lines, 1 << 16):
            total += len(piece)
            if piece.endswith(HEADER.pack(END, 0)):
                os._exit(0 if total == 3000 * (5 + 1000) + 5 else 9)

    done = stage.run(lambda: deliver(receiver(stage, act), [(1, ["#" * 1000] * 3000)]))
    assert (done.status, done.err) == (0, b"")


@pytest.mark.parametrize(
    ("said", "words"),
    [(READY, ""), (b"", "it ended before it was confined"), (b"no\xff", "no\\xff"), (READY + b"x", ".x")],
)
def test_its_word_is_waited_for(stage, said, words):
    read, write = stage.pipe()
    os.write(write, said) if said else None
    stage.close(write)
    assert problem(Receiver(-1, read, -1)) == words


def test_it_never_speaks(stage, monkeypatch):
    monkeypatch.setattr(gather, "DEADLINE", 0.1)
    monkeypatch.setattr(gather, "_ROUND", 0.05)
    read, _ = stage.pipe()
    assert problem(Receiver(-1, read, -1)) == "it was not confined in time (is it stopped?)"
