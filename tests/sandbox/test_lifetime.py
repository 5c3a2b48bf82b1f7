import os
import signal
import time

import prctl
import pytest

from syslogparse.sandbox.lifetime import HANDLED, DieWithParent, hold_signals, leave_signals_to_supervisor
from syslogparse.sandbox.step import carry_out
from tests.sandbox.children import in_child
from tests.sandbox.host import proc_status, wait_until


def _set(field: str) -> set[int]:
    mask = int(proc_status(os.getpid())[field], 16)
    return {number for number in range(1, 65) if mask >> number - 1 & 1}


def test_a_child_dies_with_its_parent():
    def act() -> list[bool]:
        read, write = os.pipe()
        prctl.set_child_subreaper(1)
        parent = os.fork()
        if parent == 0:
            here = os.getpid()
            child = os.fork()
            if child == 0:
                carry_out(DieWithParent(here))
                os.write(write, b"%d" % os.getpid())
            signal.pause()
        child = int(os.read(read, 20))
        os.kill(parent, signal.SIGKILL)
        os.waitpid(parent, 0)
        wait_until(lambda: os.waitpid(child, os.WNOHANG)[0] == child)
        return [True]

    assert in_child(act).value == [True]


def test_without_it_a_child_lives_on():
    def act() -> bool:
        read, write = os.pipe()
        prctl.set_child_subreaper(1)
        parent = os.fork()
        if parent == 0:
            child = os.fork()
            if child == 0:
                signal.pause()
            os.write(write, b"%d" % child)
            os._exit(0)
        child = int(os.read(read, 20))
        os.waitpid(parent, 0)
        time.sleep(0.1)
        lives = os.waitpid(child, os.WNOHANG)[0] == 0
        os.kill(child, signal.SIGKILL)
        return lives

    assert in_child(act).value is True


def test_a_parent_that_is_dead_already_is_noticed():
    ended = in_child(lambda: carry_out(DieWithParent(1 << 22)))
    assert (ended.raised, ended.step) == ("SandboxError", "dies with its parent")
    assert "the parent is " in ended.told
    assert ended.hint


def test_a_step_that_was_not_taken_is_noticed():
    ended = in_child(lambda: DieWithParent(os.getppid()).check())
    assert "the parent-death signal is 0, not " in ended.told


@pytest.mark.root
def test_a_change_of_ids_undoes_it_and_that_is_noticed():
    def act() -> None:
        step = DieWithParent(os.getppid())
        carry_out(step)
        os.setresuid(65534, 65534, 65534)
        step.check()

    assert "the parent-death signal is 0, not " in in_child(act).told


def test_what_ends_the_program_is_held():
    def act() -> list[int]:
        for number in HANDLED:
            signal.signal(number, signal.SIG_DFL)
        hold_signals()
        return sorted(_set("SigBlk"))

    assert in_child(act).value == sorted({*HANDLED, signal.SIGCHLD})


@pytest.mark.parametrize("ignored", [signal.SIGHUP, signal.SIGINT, signal.SIGQUIT])
def test_what_the_caller_ignored_stays_ignored(ignored):
    def act() -> int | None:
        signal.signal(ignored, signal.SIG_IGN)
        hold_signals()
        os.kill(os.getpid(), ignored)
        caught = signal.sigtimedwait({*HANDLED, signal.SIGCHLD}, 0.05)
        return caught and caught.si_signo

    assert in_child(act).value is None


@pytest.mark.parametrize("number", HANDLED)
def test_what_was_not_ignored_is_found(number):
    def act() -> int | None:
        signal.signal(number, signal.SIG_DFL)
        hold_signals()
        os.kill(os.getpid(), number)
        caught = signal.sigtimedwait({*HANDLED, signal.SIGCHLD}, 1)
        return caught and caught.si_signo

    assert in_child(act).value == number


def test_a_caller_that_ignored_sigchld_takes_no_child_away():
    def act() -> int:
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)
        hold_signals()
        child = os.fork()
        if child == 0:
            os._exit(3)
        return os.waitpid(child, 0)[1]

    assert in_child(act).value == 3 << 8


def test_a_confined_child_has_no_handler_and_nothing_blocked():
    def act() -> list[object]:
        for number in (*HANDLED, signal.SIGPIPE, signal.SIGCHLD):
            signal.signal(number, lambda *_: None)
        hold_signals()
        leave_signals_to_supervisor()
        ignored, caught = (_set(field) & {*HANDLED, signal.SIGPIPE, signal.SIGCHLD} for field in ("SigIgn", "SigCgt"))
        return [sorted(ignored), sorted(caught), sorted(_set("SigBlk"))]

    assert in_child(act).value == [sorted([signal.SIGINT, signal.SIGQUIT, signal.SIGHUP, signal.SIGPIPE]), [], []]


@pytest.mark.root
@pytest.mark.parametrize("ignored", ["HUP", "CHLD", "INT"])
def test_the_program_works_for_a_caller_that_ignores_a_signal(zygote, logs, ignored):
    ended = zygote.run("program", logs=[logs.small], jobs=1, format="rules", ignore=f"SIG{ignored}")
    assert (ended.code, ended.err) == (0, b"")
    assert b"iptables" in ended.out
