"""Parsers that die, at work and before: what the others found is reported, marked, and nothing is left."""

import json
import os
import resource
import signal
import time
from pathlib import Path

import pytest

from tests.e2e.harness import done, driver, running, status, until

pytestmark = pytest.mark.root

IMPATIENT = "import syslogparse.roles.gather as gather; gather.DEADLINE = 1.0"


def _stopped(run, *roles):
    """Stop these processes as soon as they are filtered, in the middle of their work."""
    pids = {role: run.role(role) for role in roles}
    for pid in pids.values():
        os.kill(pid, signal.SIGSTOP)
    for pid in pids.values():
        until(lambda pid=pid: status(pid)["State"].startswith("T"), "the stop")
    return pids


@pytest.fixture(scope="module")
def whole(command, dense):
    """What there is to be found."""
    return json.loads(done([command, "-f", "json", dense]).out)["summary"]


@pytest.mark.parametrize("name", ["SIGKILL", "SIGSEGV", "SIGSYS", "SIGBUS", "SIGTERM", "SIGABRT", "SIGRTMIN"])
def test_dead_parser_is_named_with_its_signal(command, dense, whole, name):
    with running([command, "-j", "2", "-f", "json", dense]) as run:
        pid = _stopped(run, "parser1")["parser1"]
        os.kill(pid, signal.Signals[name])
        os.kill(pid, signal.SIGCONT)
        ended = run.finish()
        run.gone()
    said = ended.err.decode()
    assert ended.status == 5
    assert f"INCOMPLETE: parser 1 killed by {name}" in said
    assert said.count("\n") == 1
    found = json.loads(ended.out)["summary"]
    assert found["complete"] is False
    assert [loss for loss in found["losses"] if loss.startswith(f"parser 1 killed by {name}")]
    assert 0 < found["lines"] < whole["lines"]
    assert sum(found["events"].values()) > 0.2 * sum(whole["events"].values())
    assert {kind: count for kind, count in found["events"].items() if count > whole["events"][kind]} == {}


def test_rules_of_the_living_are_printed(command, dense):
    for form, mark in (("rules", "# INCOMPLETE"), ("text", "INCOMPLETE")):
        with running([command, "-j", "2", "-f", form, dense]) as run:
            pid = _stopped(run, "parser2")["parser2"]
            os.kill(pid, signal.SIGKILL)
            ended = run.finish()
        assert ended.status == 5
        assert mark in ended.out.decode()
        assert "iptables -I" in ended.out.decode()


def test_all_parsers_dead(command, dense):
    with running([command, "-j", "3", "-f", "json", dense]) as run:
        pids = _stopped(run, "parser1", "parser2", "parser3")
        for pid in pids.values():
            os.kill(pid, signal.SIGKILL)
        ended = run.finish()
        run.gone()
    assert ended.status == 5
    assert ended.err.count(b"killed by SIGKILL") == 3
    assert len(json.loads(ended.out)["summary"]["losses"]) == 3


def test_events_of_the_living_have_their_line_numbers_while_they_are_known(command, dense):
    with running([command, "-j", "2", "-f", "events", dense]) as run:
        pids = run.roles(2)
        assert run.popen.stdout
        first = run.popen.stdout.read(1)
        os.kill(pids["parser2"], signal.SIGKILL)
        ended = run.finish()
    assert ended.status == 5
    assert b"parser 2 killed by SIGKILL" in ended.err
    complete = done([command, "-f", "events", dense]).out.splitlines()
    lines = (first + ended.out).splitlines()
    assert 0 < len(lines) < len(complete)
    events = [json.loads(line) for line in lines]
    known = [event for event in events if event["line"] is not None]
    assert {line for line, event in zip(lines, events, strict=True) if event["line"] is not None} <= set(complete)
    assert known == events[: len(known)]  # behind the first lost block no number is right any more
    assert len(known) < len(events)


def test_log_cut_short_during_the_run(command, stage, dense):
    log = stage / "cut.log"
    log.write_bytes(dense.read_bytes()[: 3 << 20])
    with running([command, "-j", "2", "-f", "json", log]) as run:
        pids = _stopped(run, "parser1", "parser2")
        os.truncate(log, 2 << 20)  # the third block, of parser 1, is gone; and a little of the tail of the second
        os.truncate(log, (2 << 20) + (128 << 10))
        for pid in pids.values():
            os.kill(pid, signal.SIGCONT)
        grown = run.finish()
    assert grown.status in {0, 5}
    log.write_bytes(dense.read_bytes()[: 3 << 20])
    with running([command, "-j", "2", "-f", "json", log]) as run:
        pids = _stopped(run, "parser1", "parser2")
        os.truncate(log, (1 << 20) + (128 << 10))
        for pid in pids.values():
            os.kill(pid, signal.SIGCONT)
        ended = run.finish()
        run.gone()
    log.unlink()
    assert ended.status == 5
    assert b"killed by SIGBUS (the log was cut short while it was read)" in ended.err
    assert json.loads(ended.out)["summary"]["complete"] is False


def test_parser_out_of_memory(command, dense):
    with running([command, "-j", "2", "-f", "json", dense]) as run:
        pid = _stopped(run, "parser1")["parser1"]
        taken = int(status(pid)["VmData"].split()[0]) << 10
        resource.prlimit(pid, resource.RLIMIT_DATA, (taken, taken))
        os.kill(pid, signal.SIGCONT)
        ended = run.finish()
    assert ended.status == 5
    assert b"INCOMPLETE: parser 1 out of memory; " in ended.err
    assert json.loads(ended.out)["summary"]["lines"] > 0


def test_parser_stopped_for_good_is_late(interpreter, dense, whole):
    with running([*driver(interpreter, IMPATIENT), "-j", "2", "-f", "json", dense]) as run:
        _stopped(run, "parser2")
        begun = time.monotonic()
        ended = run.finish()
        assert time.monotonic() - begun < 15
        run.gone()  # the stopped one too
    assert ended.status == 5
    assert b"INCOMPLETE: parser 2 sent nothing whole for 1 seconds" in ended.err
    assert 0 < json.loads(ended.out)["summary"]["lines"] < whole["lines"]


def test_stopping_everybody_makes_nobody_late(interpreter, dense, whole):
    # What ^Z and fg do to a run, and a machine that is overloaded.
    with running([*driver(interpreter, IMPATIENT), "-j", "2", "-f", "json", dense]) as run:
        pids = _stopped(run, "supervisor", "analyst", "parser1", "parser2")
        time.sleep(2.5)
        for pid in pids.values():
            os.kill(pid, signal.SIGCONT)
        ended = run.finish()
    assert (ended.status, ended.err) == (0, b"")
    assert json.loads(ended.out)["summary"]["events"] == whole["events"]


def test_reader_that_takes_its_time_makes_nobody_late(interpreter, command, dense):
    with running([*driver(interpreter, IMPATIENT), "-j", "3", "-f", "events", dense]) as run:
        assert run.popen.stdout
        first = run.popen.stdout.read(1 << 20)
        time.sleep(2.5)
        ended = run.finish()
    assert (ended.status, ended.err) == (0, b"")
    assert first + ended.out == done([command, "-j", "1", "-f", "events", dense]).out


def test_parser_stopped_before_it_was_ready(interpreter, dense):
    # Nobody waits for ever, and no log byte has been read.
    change = f"{IMPATIENT}\nimport os, signal, syslogparse.run as run\nload = run.LoadFilter.take\n" + (
        "def take(step):\n    if step.role == 'parser' and os.getenv('x') is None and 'sp-parser2' in open_name():\n"
        "        os.kill(os.getpid(), signal.SIGSTOP)\n    load(step)\n"
        "import prctl\nopen_name = prctl.get_name\nrun.LoadFilter.take = take"
    )
    with running([*driver(interpreter, change), "-j", "2", "-f", "json", dense]) as run:
        ended = run.finish()
        run.gone()
    assert ended.status == 4
    assert ended.out == b""
    assert b"parser 2: it was not confined in time" in ended.err


def test_analyst_killed_by_somebody_else(command, dense):
    with running([command, "-j", "2", "-f", "json", dense]) as run:
        pids = _stopped(run, "analyst")
        os.kill(pids["analyst"], signal.SIGTERM)
        os.kill(pids["analyst"], signal.SIGCONT)
        ended = run.finish()
        run.gone()
    assert ended.status == 5
    assert ended.out == b""
    assert b"the analyst killed by SIGTERM; the results are not complete" in ended.err


def test_dead_parser_leaves_no_core(command, dense):
    pattern = Path("/proc/sys/kernel/core_pattern").read_text(encoding="utf-8")
    before = set(dense.parent.iterdir())
    with running([command, "-j", "1", "-f", "json", dense], cwd=dense.parent) as run:
        os.kill(run.role("parser1"), signal.SIGSEGV)
        assert run.finish().status == 5
    assert set(dense.parent.iterdir()) == before, pattern
