"""Whoever is killed when, and by which signal: the run ends at once with the right status, and nothing of it is left."""

import os
import random
import signal
import subprocess
import time

import pytest

from tests.e2e.harness import as_user, done, driver, fill, leftovers, running, status, until

pytestmark = pytest.mark.root

ENDING = ["SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT"]


def _end_of(run, act):
    """What the run ends with after ``act``, and how long that took."""
    begun = time.monotonic()
    act()
    ended = run.finish(5)
    run.gone(2)
    return ended, time.monotonic() - begun


@pytest.mark.parametrize("whom", ["supervisor", "group"])
@pytest.mark.parametrize("name", ENDING)
def test_signal_at_work(command, dense, name, whom):
    number = signal.Signals[name]
    with running([command, "-j", "2", "-f", "events", dense]) as run:
        run.roles(2)
        ended, seconds = _end_of(run, lambda: (os.kill if whom == "supervisor" else os.killpg)(run.pid, number))
    assert ended.status == 128 + number
    assert ended.err == b""
    assert seconds < 2


@pytest.mark.parametrize("name", ENDING)
def test_signal_in_reduced_mode(command, dense, name):
    number = signal.Signals[name]
    with running(as_user(command, "-j", "2", "-f", "events", dense)) as run:
        run.roles(2)
        ended, _ = _end_of(run, lambda: os.killpg(run.pid, number))
    assert (ended.status, ended.err) == (128 + number, b"")


@pytest.mark.parametrize("mode", ["full", "reduced"])
@pytest.mark.parametrize("role", ["supervisor", "analyst"])
def test_everybody_else_goes_with_supervisor_or_analyst(command, dense, role, mode):
    arguments = [command, "-j", "3", "-f", "events", dense]
    with running(arguments if mode == "full" else as_user(*arguments)) as run:
        pids = run.roles(3)
        os.kill(pids[role], signal.SIGKILL)
        begun = time.monotonic()
        run.popen.wait(5)
        run.gone(2)
        assert time.monotonic() - begun < 2
        assert run.popen.returncode == (-signal.SIGKILL if role == "supervisor" else 5)


def test_stopped_processes_end_too(command, dense):
    with running([command, "-j", "2", "-f", "events", dense]) as run:
        pids = run.roles(2)
        for role in ("analyst", "parser1", "parser2"):
            os.kill(pids[role], signal.SIGSTOP)
        ended, _ = _end_of(run, lambda: os.kill(run.pid, signal.SIGTERM))
    assert ended.status == 143


def test_signals_that_were_ignored_stay_ignored(command, five):
    # nohup, and a background job of a shell script.
    ignore = "trap '' HUP INT QUIT; exec \"$@\""
    with running(["sh", "-c", ignore, "sh", command, "-f", "events", five]) as run:
        run.roles(1)
        for name in ("SIGHUP", "SIGINT", "SIGQUIT"):
            os.killpg(run.pid, signal.Signals[name])
        ended = run.finish()
    assert (ended.status, ended.err) == (0, b"")


def test_signals_that_were_blocked_are_no_trap(command, small):
    blocked = {signal.SIGINT, signal.SIGTERM, signal.SIGCHLD}
    ended = done([command, "-f", "json", small], preexec_fn=lambda: signal.pthread_sigmask(signal.SIG_BLOCK, blocked))
    assert ended.status == 0


def test_ignored_sigchld_is_no_trap(command, small):
    ended = done([command, "-f", "json", small], preexec_fn=lambda: signal.signal(signal.SIGCHLD, signal.SIG_IGN))
    assert (ended.status, ended.err) == (0, b"")


@pytest.mark.parametrize("name", ENDING)
def test_signal_while_waiting_for_standard_input(command, name):
    number = signal.Signals[name]
    with running([command, "-"], stdin=subprocess.PIPE) as run:
        assert run.popen.stdin
        run.popen.stdin.write(b"one line\n")

        def waits() -> bool:
            with open(f"/proc/{run.pid}/wchan", encoding="ascii") as wchan:
                return "pipe" in wchan.read()

        until(waits, "the read of standard input")
        ended, seconds = _end_of(run, lambda: os.kill(run.pid, number))
    assert (ended.status, ended.out, ended.err) == (128 + number, b"", b"")
    assert seconds < 1


@pytest.mark.parametrize("module", ["argparse", "msgspec", "syslogparse.roles.parser"])
def test_signal_during_the_imports(interpreter, small, module):
    change = (
        "import builtins, os, signal\nload = builtins.__import__\ndef slow(name, *more, **named):\n"
        f"    if name == {module!r}:\n        os.kill(os.getpid(), signal.SIGINT)\n"
        "    return load(name, *more, **named)\nbuiltins.__import__ = slow"
    )
    ended = done([*driver(interpreter, change), small])
    assert (ended.status, ended.out, ended.err) == (130, b"", b"")


SLOW_JAIL = """
import os, tempfile, time
make = tempfile.mkdtemp
def slow(*more, **named):
    path = make(*more, **named)
    os.write(2, b"made")
    time.sleep(0.3)
    return path
tempfile.mkdtemp = slow
"""


@pytest.mark.parametrize("whom", ["supervisor", "group"])
@pytest.mark.parametrize("name", ENDING)
def test_signal_while_the_jails_are_made(interpreter, small, name, whom):
    number = signal.Signals[name]
    with running([*driver(interpreter, SLOW_JAIL), small]) as run:
        assert run.popen.stderr
        assert run.popen.stderr.read(4) + run.popen.stderr.read(4) == b"made" * 2  # the supervisor's and the analyst's
        ended, _ = _end_of(run, lambda: (os.kill if whom == "supervisor" else os.killpg)(run.pid, number))
    assert (ended.status, ended.out, ended.err) == (128 + number, b"", b"")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signal_at_any_moment(command, small, number):
    for moment in range(10):
        with running([command, "-f", "json", small]) as run:
            time.sleep(moment * 0.03)
            ended, seconds = _end_of(run, lambda run=run: os.killpg(run.pid, number))
        # Before its own first instruction the interpreter ends as it likes; what comes too late finds it done.
        early = ended.status == -number or b"KeyboardInterrupt" in ended.err
        assert ended.status in {128 + number, 0} or (early and moment < 5), (moment, ended)
        assert seconds < 2


def test_kill_at_any_moment_leaves_nothing(command, small):
    # But for the empty directory of a jail, if it is killed in the microseconds in which that has a name.
    chance = random.Random(2014)
    ends = set()
    before = leftovers()
    for _ in range(50):
        with running([command, "-j", "2", "-f", "json", small]) as run:
            time.sleep(chance.uniform(0, 0.35))
            victims = [process.pid for process in run.processes()]
            if victims:
                victim = chance.choice(victims)
                try:
                    os.kill(victim, signal.SIGKILL)
                except ProcessLookupError:
                    continue
            ended = run.finish(5)
            run.gone(2)
            ends.add(ended.status)
    assert ends <= {0, 4, 5, -signal.SIGKILL}
    assert -signal.SIGKILL in ends
    left = leftovers() - before
    assert len(left) <= 1
    for jail in left:
        os.rmdir(jail)


def test_supervisor_reports_a_dead_analyst_on_a_full_terminal(command, dense):
    # Its filter lets the supervisor wait for nothing but signals: a message that cannot be written is dropped.
    full, stderr = os.pipe()
    os.set_blocking(stderr, False)
    fill(stderr)
    with running([command, "-j", "1", "-f", "events", dense], stderr=stderr) as run:
        pids = run.roles(1)
        os.kill(pids["analyst"], signal.SIGKILL)
        assert run.popen.wait(5) == 5
        run.gone()
    os.close(full)
    os.close(stderr)


def test_children_have_no_handler_of_python(command, dense):
    with running([command, "-j", "1", "-f", "events", dense]) as run:
        pids = run.roles(1)
        caught = {int(status(pids[role])["SigCgt"], 16) & (1 << signal.SIGINT - 1) for role in ("analyst", "parser1")}
    assert caught == {0}
