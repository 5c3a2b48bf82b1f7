"""Parsers that die, at work and before: what the others found is reported, marked, and nothing is left."""

import json
import os
import resource
import signal
import subprocess
import time
from contextlib import contextmanager

import pytest

from tests.e2e.harness import NOBODY, Gate, done, driver, running, status, until

pytestmark = pytest.mark.root

IMPATIENT = "import syslogparse.roles.gather as gather; gather.DEADLINE = 1.0"


@pytest.fixture(scope="module")
def whole(command, five):
    """What there is to be found."""
    return json.loads(done([command, "-f", "json", five]).out)["summary"]


@contextmanager
def _in_the_middle(interpreter, gate, log, *, form="json", change=""):
    """Two parsers, each of which has done one block and stands before the next."""
    with running([*driver(interpreter, gate.change + change), "-j", "2", "-f", form, log]) as run:
        gate.wait(2, 3)
        yield run, run.roles(2)
        run.gone()


@pytest.mark.parametrize("name", ["SIGKILL", "SIGSEGV", "SIGSYS", "SIGBUS", "SIGTERM", "SIGABRT", "SIGRTMIN"])
def test_dead_parser_is_named_with_its_signal(interpreter, gate, five, whole, name):
    with _in_the_middle(interpreter, gate, five) as (run, pids):
        os.kill(pids["parser1"], signal.Signals[name])
        gate.open()
        ended = run.finish()
    said = ended.err.decode()
    assert ended.status == 5
    assert f"INCOMPLETE: parser 1 killed by {name}" in said
    assert "; 2 of its 3 blocks were not read, and " in said  # what it had found in the first was not sent yet
    assert said.count("\n") == 1
    found = json.loads(ended.out)["summary"]
    assert found["complete"] is False
    assert [loss for loss in found["losses"] if loss.startswith(f"parser 1 killed by {name}")]
    assert 0.5 * whole["lines"] < found["lines"] < 0.7 * whole["lines"]  # three blocks of five
    assert sum(found["events"].values()) > 0.4 * sum(whole["events"].values())
    assert json.loads(ended.out)["suggestions"]


@pytest.mark.parametrize(("form", "mark"), [("rules", b"# INCOMPLETE"), ("text", b"INCOMPLETE")])
def test_rules_of_the_living_are_printed(interpreter, gate, five, form, mark):
    with _in_the_middle(interpreter, gate, five, form=form) as (run, pids):
        os.kill(pids["parser2"], signal.SIGKILL)
        gate.open()
        ended = run.finish()
    assert ended.status == 5
    assert mark in ended.out
    assert b"iptables -I" in ended.out


def test_all_parsers_dead(interpreter, gate, five):
    with _in_the_middle(interpreter, gate, five) as (run, pids):
        for number in (1, 2):
            os.kill(pids[f"parser{number}"], signal.SIGKILL)
        ended = run.finish()
    assert ended.status == 5
    assert ended.err.count(b"killed by SIGKILL") == 2
    assert json.loads(ended.out)["suggestions"] == []


def test_events_of_the_living_have_line_numbers_while_they_are_known(interpreter, command, gate, five):
    with _in_the_middle(interpreter, gate, five, form="events") as (run, pids):
        os.kill(pids["parser2"], signal.SIGKILL)  # blocks 0, 1, 2 and 4 are there, 3 is lost
        gate.open()
        ended = run.finish()
    assert ended.status == 5
    assert b"parser 2 killed by SIGKILL" in ended.err
    complete = done([command, "-f", "events", five]).out.splitlines()
    lines = ended.out.splitlines()
    events = [json.loads(line) for line in lines]
    known = [event["line"] is not None for event in events]
    assert known == sorted(known, reverse=True)
    assert lines[: sum(known)] == complete[: sum(known)]
    assert 0 < sum(known) < len(lines) < len(complete)
    without = [{**json.loads(line), "line": None} for line in complete[len(complete) - (len(lines) - sum(known)) :]]
    assert events[sum(known) :] == without


def test_log_cut_short_during_the_run(interpreter, gate, stage, five):
    log = stage / "cut.log"
    log.write_bytes(five.read_bytes())
    with _in_the_middle(interpreter, gate, log) as (run, _):
        os.truncate(log, (4 << 20) + (100 << 10))  # the last block, of parser 1; the tail of the one before it is there
        gate.open()
        ended = run.finish()
    log.unlink()
    assert ended.status == 5
    assert b"INCOMPLETE: parser 1 killed by SIGBUS (the log was cut short while it was read); 1 of its 3 blocks" in ended.err
    assert b"parser 2" not in ended.err
    assert json.loads(ended.out)["summary"]["complete"] is False


def test_log_that_grows_during_the_run_is_read_as_it_was(interpreter, gate, stage, five, whole):
    log = stage / "grows.log"
    log.write_bytes(five.read_bytes())
    with _in_the_middle(interpreter, gate, log) as (run, _):
        with log.open("ab") as file:
            file.write(b"\n" * 100_000)
        gate.open()
        ended = run.finish()
    log.unlink()
    assert (ended.status, ended.err) == (0, b"")
    assert json.loads(ended.out)["summary"]["lines"] == whole["lines"]


def test_parser_out_of_memory(interpreter, gate, five):
    with _in_the_middle(interpreter, gate, five) as (run, pids):
        pid = pids["parser1"]
        taken = int(status(pid)["VmData"].split()[0]) << 10
        # As the same user: root may lack the right to (SYS_RESOURCE) in a container.
        same = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]
        subprocess.run([*same, "prlimit", f"--pid={pid}", f"--data={taken}"], check=True)
        gate.open()
        ended = run.finish()
    assert ended.status == 5
    assert b"INCOMPLETE: parser 1 out of memory; " in ended.err
    assert json.loads(ended.out)["summary"]["lines"] > 0


def test_parser_stopped_for_good_is_late(interpreter, gate, five, whole):
    with _in_the_middle(interpreter, gate, five, change=IMPATIENT) as (run, pids):
        os.kill(pids["parser2"], signal.SIGSTOP)
        gate.open()
        begun = time.monotonic()
        ended = run.finish()
        assert time.monotonic() - begun < 10
    assert ended.status == 5
    assert b"INCOMPLETE: parser 2 sent nothing whole for 1 seconds; 1 of its 2 blocks were not read" in ended.err
    assert 0 < json.loads(ended.out)["summary"]["lines"] < whole["lines"]


def test_stopping_everybody_makes_nobody_late(interpreter, gate, five, whole):
    # What ^Z and fg do to a run, and a machine that is overloaded.
    with _in_the_middle(interpreter, gate, five, change=IMPATIENT.replace("1.0", "2.0")) as (run, pids):
        for pid in pids.values():
            os.kill(pid, signal.SIGSTOP)
        time.sleep(3.5)
        gate.open()
        for pid in pids.values():
            os.kill(pid, signal.SIGCONT)
        ended = run.finish()
    assert (ended.status, ended.err) == (0, b"")
    assert json.loads(ended.out)["summary"]["events"] == whole["events"]


def test_reader_that_takes_its_time_makes_nobody_late(interpreter, command, two):
    with running([*driver(interpreter, IMPATIENT), "-j", "2", "-f", "events", two]) as run:
        assert run.popen.stdout
        first = run.popen.stdout.read(1 << 16)
        time.sleep(2.5)
        ended = run.finish()
    assert (ended.status, ended.err) == (0, b"")
    assert first + ended.out == done([command, "-j", "1", "-f", "events", two]).out


STOP_BEFORE_THE_FILTER = """
import os, prctl, signal, syslogparse.run as run
class Stops(run.LoadFilter):
    def take(self):
        if prctl.get_name() == "sp-parser2":
            os.kill(os.getpid(), SIGNAL)
        super().take()
run.LoadFilter = Stops
"""


@pytest.mark.parametrize(
    ("number", "said"),
    [("signal.SIGSTOP", b"it was not confined in time"), ("signal.SIGKILL", b"it ended before it was confined")],
)
def test_parser_that_never_gets_ready(interpreter, five, number, said):
    change = f"{IMPATIENT}\n{STOP_BEFORE_THE_FILTER.replace('SIGNAL', number)}"
    ended = done([*driver(interpreter, change), "-j", "2", "-f", "json", five])
    assert ended.status == 4
    assert ended.out == b""
    assert b"parser 2: " + said in ended.err


def test_analyst_killed_by_somebody_else(interpreter, gate, five):
    with _in_the_middle(interpreter, gate, five) as (run, pids):
        os.kill(pids["analyst"], signal.SIGTERM)
        ended = run.finish()
    assert ended.status == 5
    assert ended.out == b""
    assert b"the analyst killed by SIGTERM; the results are not complete" in ended.err


@pytest.fixture
def cores_wanted():
    """Cores as large as they may be, for this test alone."""
    soft, hard = resource.getrlimit(resource.RLIMIT_CORE)
    resource.setrlimit(resource.RLIMIT_CORE, (hard, hard))
    yield
    resource.setrlimit(resource.RLIMIT_CORE, (soft, hard))


@pytest.mark.usefixtures("cores_wanted")
def test_dead_parser_leaves_no_core(interpreter, gate, five, tmp_path):
    tmp_path.chmod(0o777)
    control = subprocess.Popen(["sleep", "60"], cwd=tmp_path)
    control.send_signal(signal.SIGSEGV)
    control.wait()
    before = set(tmp_path.iterdir())
    other = Gate(tmp_path / "gate", 2)
    with running([*driver(interpreter, other.change), "-j", "2", "-f", "json", five], cwd=tmp_path) as run:
        other.wait(2, 3)
        os.kill(run.role("parser1"), signal.SIGSEGV)
        other.open()
        assert run.finish().status == 5
    assert set(tmp_path.iterdir()) == before


def test_no_zombie_while_the_run_goes_on(interpreter, gate, five):
    with _in_the_middle(interpreter, gate, five) as (run, pids):
        os.kill(pids["parser1"], signal.SIGKILL)
        until(lambda: pids["parser1"] not in {process.pid for process in run.processes()}, "the reaping of parser 1", 2)
        gate.open()
        assert run.finish().status == 5
