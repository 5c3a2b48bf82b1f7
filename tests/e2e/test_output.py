"""Where results and messages go: pipes, files, terminals, nowhere."""

import fcntl
import json
import os
import pty
import re
import select
import struct
import subprocess
import termios
import time
from pathlib import Path

import pytest

from tests.e2e.harness import PATIENCE, QUIET_ENVIRONMENT, done, driver, fill, running

pytestmark = pytest.mark.root

FORMATS = ["text", "rules", "json", "events"]
COLOR = re.compile(rb"\x1b\[[0-9;]*m")
HINT = b"syslogparse: cannot write the results: No space left on device\n"


def _terminal(arguments, columns=80, stderr=None, stdin=subprocess.DEVNULL, **environment):
    """What a terminal of this width gets, and the exit status."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    more = {"stdout": theirs, "stderr": theirs if stderr is None else stderr, "stdin": stdin}
    with running(arguments, env={**QUIET_ENVIRONMENT, "TERM": "xterm-256color", **environment}, **more) as run:
        os.close(theirs)
        shown = bytearray()
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            if select.select([ours], [], [], 0.1)[0]:
                try:
                    shown += os.read(ours, 1 << 16)
                except OSError:  # EIO: nobody has it open any more
                    break
        status = run.popen.wait(PATIENCE)
    os.close(ours)
    return bytes(shown).replace(b"\r\n", b"\n"), status


@pytest.mark.parametrize("form", FORMATS)
def test_reader_that_has_enough(command, small, two, form):
    # One that is gone before the first byte; and head -1, with events: nothing else is printed in pieces.
    for taken in (0, 1) if form == "events" else (0,):
        with running([command, "-f", form, two if taken else small]) as run:
            assert run.popen.stdout
            if taken:
                assert run.popen.stdout.read(1)
            run.popen.stdout.close()
            assert run.popen.stderr
            assert run.popen.stderr.read() == b""
            assert run.popen.wait(PATIENCE) == 0
            run.gone()


@pytest.mark.parametrize("form", FORMATS)
def test_file_gets_what_a_pipe_gets(command, small, tmp_path, form):
    piped = done([command, "-f", form, small])
    with (tmp_path / "out").open("wb") as file:
        filed = done([command, "-f", form, small], stdout=file)
    assert (piped.status, filed.status) == (0, 0)
    assert (tmp_path / "out").read_bytes() == piped.out
    assert piped.err == filed.err == b""
    with (tmp_path / "out").open("ab") as file:
        done([command, "-f", form, small], stdout=file)
    assert (tmp_path / "out").read_bytes() == piped.out * 2


def test_format_follows_from_where_stdout_goes(command, small):
    rules = done([command, "-f", "rules", small]).out
    assert done([command, small]).out == rules
    shown, status = _terminal([command, small], columns=100)
    assert status == 0
    assert COLOR.search(shown)
    assert COLOR.sub(b"", shown) == done([command, "-f", "text", small], env={**QUIET_ENVIRONMENT, "COLUMNS": "100"}).out


@pytest.mark.parametrize("columns", [60, 80, 173])
def test_text_fits_the_terminal(command, small, columns):
    # Rules aside, which are never wrapped: they are to be pasted.
    shown, _ = _terminal([command, small], columns=columns)
    text = COLOR.sub(b"", shown).decode()
    assert {len(line) for line in text.splitlines() if line.startswith(("╭", "│", "╰"))} == {columns}
    named = done([command, "-f", "text", small], env={**QUIET_ENVIRONMENT, "COLUMNS": str(columns)}).out.decode()
    assert named == text


@pytest.mark.parametrize(
    ("environment", "colored"),
    [
        ({}, True),
        ({"NO_COLOR": "1"}, False),
        ({"NO_COLOR": "1", "FORCE_COLOR": "1"}, False),
        ({"NO_COLOR": ""}, True),
        ({"TERM": "dumb"}, False),
    ],
)
def test_colour_on_a_terminal(command, small, environment, colored):
    shown, _ = _terminal([command, small], **environment)
    assert bool(COLOR.search(shown)) == colored
    assert b"\x1b" not in COLOR.sub(b"", shown)


def test_colour_elsewhere(command, small):
    plain = done([command, "-f", "text", small])
    assert b"\x1b" not in plain.out
    forced = done([command, "-f", "text", small], env={**QUIET_ENVIRONMENT, "FORCE_COLOR": "1"})
    assert COLOR.search(forced.out)
    assert COLOR.sub(b"", forced.out) == plain.out
    for form in ("rules", "json", "events"):
        assert b"\x1b" not in done([command, "-f", form, small], env={**QUIET_ENVIRONMENT, "FORCE_COLOR": "1"}).out


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&-", "<&- 2>&-", ">&- 2>&-", "<&- >&- 2>&-"])
def test_closed_descriptors(command, small, closed):
    shell = ["sh", "-c", f'exec "$@" {closed}', "sh"]
    ended = done([*shell, command, "-f", "json", small])
    assert ended.status == 0
    assert ended.err == b""
    if ">&-" in closed.replace("2>&-", ""):
        assert ended.out == b""
    else:
        assert json.loads(ended.out)["summary"]["complete"] is True
    assert small.read_bytes() == (Path(__file__).parents[2] / "sample-logs/syslog").read_bytes()


def test_closed_standard_input_is_empty(command):
    ended = done(["sh", "-c", 'exec "$@" <&-', "sh", command, "-f", "json", "-"])
    assert (ended.status, json.loads(ended.out)["summary"]["lines"]) == (0, 0)


@pytest.mark.parametrize("form", FORMATS)
def test_full_non_blocking_stdout(command, small, form):
    read, write = os.pipe()
    os.set_blocking(write, False)
    filled = fill(write)
    with running([command, "-f", form, small], stdout=write) as run:
        os.close(write)
        run.role("analyst")
        time.sleep(0.1)
        got = b"".join(iter(lambda: os.read(read, 1 << 16), b""))
        assert run.popen.wait(PATIENCE) == 0
    os.close(read)
    assert got == bytes(filled) + done([command, "-f", form, small]).out


@pytest.mark.parametrize("form", FORMATS)
def test_full_disk(command, small, form):
    with open("/dev/full", "wb") as full:
        ended = done([command, "-f", form, small], stdout=full)
    assert (ended.status, ended.err) == (5, HINT)


def test_messages_that_cannot_be_written_change_nothing(command, small):
    with open("/dev/full", "wb") as full:
        ended = done([command, "-f", "json", small, "/nowhere"], stderr=full)
    assert ended.status == 3
    assert json.loads(ended.out)["summary"]["unreadable"] == ["/nowhere"]


def test_results_alone_on_stdout(command, small):
    ended = done([command, "-f", "json", "/nowhere", small])
    assert ended.err == b"syslogparse: /nowhere: no such file or directory\n"
    assert json.loads(ended.out)["summary"]["files"] == [str(small)]


SOON = """
from syslogparse.report import progress
progress.Progress.__init__.__defaults__ = (True, 0.0, 0.0, progress.time.monotonic)
"""


def test_progress_on_a_terminal_only(interpreter, two, tmp_path):
    out = tmp_path / "out"
    for quiet in ([], ["-q"]):
        ours, theirs = pty.openpty()
        with (
            out.open("wb") as file,
            running([*driver(interpreter, SOON), "-f", "json", *quiet, two], stdout=file, stderr=theirs) as run,
        ):
            os.close(theirs)
            shown = bytearray()
            while True:
                try:
                    shown += os.read(ours, 1 << 16)
                except OSError:
                    break
            assert run.popen.wait(PATIENCE) == 0
        os.close(ours)
        assert json.loads(out.read_bytes())["summary"]["complete"]
        if quiet:
            assert shown == b""
        else:
            assert b"reading" in shown
            assert shown.endswith(b"\r\x1b[K")  # and it is taken away again
    ended = done([*driver(interpreter, SOON), "-f", "json", two])
    assert ended.err == b""


def test_help_and_the_like_answer_to_a_closed_or_full_stdout(command):
    for option in ("--help", "--version", "--schema", "--explain-sandbox"):
        with running([command, option]) as run:
            assert run.popen.stdout
            run.popen.stdout.close()
            assert run.popen.wait(PATIENCE) == 0
            assert run.popen.stderr
            assert run.popen.stderr.read() == b""
        with open("/dev/full", "wb") as full:
            ended = done([command, option], stdout=full)
        assert (ended.status, ended.err) == (5, b"syslogparse: cannot write: No space left on device\n")
