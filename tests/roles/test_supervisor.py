import os
import signal
import time

import prctl
import pytest

from syslogparse.roles import supervisor
from syslogparse.sandbox.lifetime import HANDLED, hold_signals


def supervise(stage, analyst, *, outside=None, **more):
    """supervisor.main over an analyst (a function of its end of the start pipe), in a process of its own."""

    def act():
        prctl.set_child_subreaper(1)
        hold_signals()
        read, write = os.pipe()
        child = os.fork()
        if child == 0:
            os.close(write)
            signal.pthread_sigmask(signal.SIG_SETMASK, ())
            analyst(read)
            os._exit(98)
        os.close(read)
        if outside:
            outside(child)
        supervisor.main(child, write, **more)

    return stage.run(act)


def ends(status):
    return lambda _start: os._exit(status)


@pytest.mark.parametrize("status", [0, 1, 3, 4, 5])
def test_the_analysts_status_is_the_programs(stage, status):
    assert supervise(stage, ends(status)) == (status, b"", b"")


@pytest.mark.parametrize("status", [2, 70, 255])
def test_no_other_status_is_believed(stage, status):
    done = supervise(stage, ends(status))
    words = f"syslogparse: the analyst ended early with status {status}; the results are not complete\n"
    assert done == (5, b"", words.encode())


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSYS])
def test_a_killed_analyst(stage, number):
    done = supervise(stage, lambda _: os.kill(os.getpid(), number))
    assert done.status == 5
    assert done.err.startswith(f"syslogparse: the analyst killed by {number.name} (".encode())


def test_the_start_signal_comes_once(stage):
    def analyst(start):
        os._exit(3 if os.read(start, 9) == b"s" else 0)

    assert supervise(stage, analyst).status == 3


def test_an_analyst_that_is_gone_before_the_start(stage):
    def late(_child):
        signal.signal(signal.SIGPIPE, signal.SIG_IGN)
        time.sleep(0.1)

    done = supervise(stage, ends(4), outside=late)
    assert done == (4, b"", b"")


@pytest.mark.parametrize("number", HANDLED, ids=lambda number: number.name)
def test_a_signal_ends_the_run(stage, number):
    def analyst(start):
        os.read(start, 1)
        prctl.set_pdeathsig(signal.SIGKILL)
        os.kill(os.getppid(), number)
        time.sleep(10)

    before = time.monotonic()
    assert supervise(stage, analyst) == (128 + number, b"", b"")
    assert time.monotonic() - before < 5


def test_it_waits_for_every_process_of_the_run(stage):
    """A parser that outlives the analyst is waited for, and its own end says nothing."""

    def analyst(_start):
        if os.fork() == 0:
            time.sleep(0.2)
            os.write(1, b"late")
            os._exit(5)
        os._exit(0)

    assert supervise(stage, analyst) == (0, b"late", b"")


@pytest.mark.parametrize("status", [0, 3, 5])
def test_what_is_left_to_do_is_done_when_nobody_else_is_there(stage, status):
    def conclude(given):
        with pytest.raises(ChildProcessError):
            os.waitpid(-1, os.WNOHANG)
        os.write(1, b"concluded %d" % given)
        return given + 1

    def analyst(_start):
        if os.fork() == 0:
            time.sleep(0.2)
            os._exit(0)
        os._exit(status)

    assert supervise(stage, analyst, conclude=conclude) == (status + 1, b"concluded %d" % status, b"")


def test_nothing_is_left_to_do_after_a_signal(stage):
    def analyst(start):
        os.read(start, 1)
        prctl.set_pdeathsig(signal.SIGKILL)
        os.kill(os.getppid(), signal.SIGTERM)
        time.sleep(10)

    assert supervise(stage, analyst, conclude=lambda _: os.write(1, b"concluded")) == (143, b"", b"")
