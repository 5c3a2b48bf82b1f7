"""The parts of run that need no sandbox; the whole of it is tested from outside in tests/e2e."""

import fcntl
import os
import resource

import pytest

from syslogparse import run
from syslogparse.languages.render import Language
from syslogparse.options import Options
from syslogparse.roles import validator
from syslogparse.sandbox.outbox import Outbox
from syslogparse.sandbox.step import SandboxError
from syslogparse.sources.open import Unreadable
from tests.roles.actors import Stage


@pytest.fixture
def stage():
    made = Stage()
    yield made
    made.clear()


def test_a_pipe_is_not_inherited():
    pipe = run._pipe()
    try:
        assert not os.get_inheritable(pipe.read)
        assert not os.get_inheritable(pipe.write)
        os.write(pipe.write, b"x")
        assert os.read(pipe.read, 2) == b"x"
    finally:
        os.close(pipe.read)
        os.close(pipe.write)


@pytest.mark.parametrize("size", [1 << 17, 1 << 31])
def test_a_pipes_size_is_a_wish(size, monkeypatch):
    monkeypatch.setattr(run, "_PIPE_BYTES", size)
    plain, (pipe, other) = run._pipe(), run._pipes(2)
    try:
        usual = fcntl.fcntl(plain.write, fcntl.F_GETPIPE_SZ)
        for made in (pipe, other):
            assert fcntl.fcntl(made.write, fcntl.F_GETPIPE_SZ) in {usual, size}
        assert len({*plain, *pipe, *other}) == 6
    finally:
        for descriptor in (*plain, *pipe, *other):
            os.close(descriptor)


def test_more_parsers_than_descriptors(monkeypatch):
    monkeypatch.setattr(resource, "getrlimit", lambda _: (64, 64))
    with pytest.raises(SandboxError, match="9 parsers need more descriptors than the 64 that are allowed") as caught:
        run._pipes(9)
    assert "-j" in caught.value.hint
    for pipe in run._pipes(8):
        os.close(pipe.read)
        os.close(pipe.write)


def test_unreadable_inputs_are_told_escaped_and_the_run_goes_on(stage):
    done = stage.run(lambda: run._tell_unreadable([None], [Unreadable("a\x1b[2J\nb", "is a FIFO"), Unreadable("c", "gone")]))  # type: ignore[list-item]
    assert done.status == 0
    lines = done.err.decode().splitlines()
    assert len(lines) == 2
    assert lines[0].startswith("syslogparse: a")
    assert lines[0].endswith("b: is a FIFO")
    assert lines[0].isprintable()
    assert lines[1] == "syslogparse: c: gone"


def test_nothing_to_read(stage):
    done = stage.run(lambda: run._tell_unreadable([], [Unreadable("a", "no such file or directory")]))
    assert done == (3, b"", b"syslogparse: a: no such file or directory\n")


def test_no_log_at_all(stage):
    done = stage.run(lambda: run._tell_unreadable([], []))
    assert done.status == 3
    assert done.err.startswith(b"syslogparse: none of the usual logs exists (/var/log/syslog, ")


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (SandboxError("jail", "no", "try root"), "the sandbox could not be set up: jail: no\nsyslogparse: hint: try root\n"),
        (
            ValueError("\x1b[2J\n"),
            "stopped before any log was parsed: ValueError: ",
        ),
        (MemoryError(), "stopped before any log was parsed: MemoryError: \n"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_whatever_fails_fails_closed(stage, monkeypatch, error, words):
    def fail(_options):
        raise error

    monkeypatch.setattr(run, "_run", fail)
    done = stage.run(lambda: run.run(Options()))
    assert (done.status, done.out) == (4, b"")
    text = done.err.decode()
    assert text.startswith(f"syslogparse: {words}")
    assert text.count("\n") == 2
    assert text.replace("\n", "").isprintable()
    assert "syslogparse: hint: " in text


def test_a_parser_that_cannot_be_confined_says_so(stage, monkeypatch):
    def refuse(_step):
        raise SandboxError("descriptors", "x", "y")

    monkeypatch.setattr(run, "carry_out", refuse)
    read, write = stage.pipe()
    done = stage.run(lambda: run._be_parser(1, os.getppid(), None, write))  # type: ignore[arg-type]
    assert (done.status, done.out, done.err) == (70, b"", b"")
    stage.close(write)
    assert stage.drain(read)[5:] == b"the sandbox could not be set up: descriptors: x\nhint: y"


def test_a_processs_name(stage):
    def act():
        run._name("analyst")
        with open("/proc/self/comm", "rb") as comm:
            os.write(1, comm.read())

    assert stage.run(act).out == b"sp-analyst\n"


def _output(files=3):
    pipes = [run.Pipe(10 * number, 10 * number + 1) for number in range(5, 8)]
    box = Outbox(50, 51, ("a", "b", "c")[:files], tuple(range(60, 60 + files)), replace=False)
    languages: tuple[Language, ...] = ("iptables", "apparmor", "seccomp")
    return run.Output("/where", languages[:files], box, *pipes)


@pytest.mark.parametrize("parsers", [1, 2, 7])
@pytest.mark.parametrize("output", [None, _output()], ids=["plain", "output"])
def test_the_analysts_descriptors_have_no_gap(parsers, output):
    pipes = run.Pipes(run.Pipe(3, 4), tuple(run.Pipe(100 + number, 200 + number) for number in range(parsers)), output)
    channels = pipes.analysts_channels()
    more = 2 if output else 0
    assert channels.descriptors() == list(range(3 + parsers + more))
    assert channels.reads == (0, *range(3, 3 + parsers + more // 2))
    assert channels.writes == ((1, 2, 4 + parsers) if output else (1, 2))
    assert len(pipes.analysts()) == 1 + parsers + more
    assert pipes.parsers() == [200 + number for number in range(parsers)]
    assert pipes.analysts()[1 : 1 + parsers] == [100 + number for number in range(parsers)]


def test_the_validators_descriptors_stand_in_the_order_of_its_ends():
    output = _output()
    held = run.Pipes(run.Pipe(3, 4), (), output).validators()
    ends = validator.ends(3)
    by_number = dict(zip(range(ends.lines, ends.lines + len(held)), held, strict=True))
    assert by_number[ends.lines] == output.lines.read
    assert by_number[ends.ready] == output.ready.write
    assert by_number[ends.verdict] == output.verdict.write
    assert tuple(by_number[file] for file in ends.files) == output.box.files
    assert run.Pipes(run.Pipe(3, 4), (), None).validators() == []


def test_a_directory_that_is_refused_is_a_usage_error(stage):
    done = stage.run(lambda: run.run(Options(output="/nowhere\x1b/x", logs=("/dev/null",))))
    assert (done.status, done.out) == (2, b"")
    assert done.err.decode() == (
        "syslogparse: --output /nowhere\\x1b/x: no such file or directory\nsyslogparse: hint: make it first: mkdir -m 700 DIR\n"
    )
