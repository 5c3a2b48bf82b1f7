"""Who lives how long: a child dies with its parent, and signals mean what each role needs them to mean."""

from __future__ import annotations

import os
import signal

import prctl

from syslogparse.sandbox.step import Step

HANDLED = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)
"""Signals that end the whole program; the supervisor alone answers them."""


class DieWithParent(Step):
    """PR_SET_PDEATHSIG SIGKILL (prctl(2))."""

    name = "dies with its parent"
    what = "ask the kernel for SIGKILL when the parent dies"
    why = "after the change of ids, which clears it; then the parent is compared, since it may have died before"

    def __init__(self, parent: int) -> None:
        self._parent = parent

    def take(self) -> None:
        """Set the signal. Raises OSError."""
        prctl.set_pdeathsig(signal.SIGKILL)

    def check(self) -> None:
        """Read it back; the parent is still the one that forked this process."""
        self.expect("the parent-death signal", prctl.get_pdeathsig(), signal.SIGKILL)
        self.expect("the parent", os.getppid(), self._parent)


def hold_signals() -> None:
    """Block what ends the program and SIGCHLD, so that none is lost between the forks and the wait for them.

    What the caller had ignored (nohup) is left out: the kernel keeps a blocked signal even then, and the supervisor would
    find it. SIGCHLD gets its default back: where it was ignored, children are gone before anybody has asked how they ended.
    """
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    ending = {number for number in HANDLED if signal.getsignal(number) is not signal.SIG_IGN}
    signal.pthread_sigmask(signal.SIG_BLOCK, {*ending, signal.SIGCHLD})


def leave_signals_to_supervisor() -> None:
    """In a confined child: ignore the keyboard's signals (the supervisor decides), and take no handler of Python along.

    A handler would need rt_sigreturn, and Python's for SIGINT writes a traceback through calls that the filter forbids.
    """
    for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGHUP, signal.SIGPIPE):
        signal.signal(number, signal.SIG_IGN)
    for number in (signal.SIGTERM, signal.SIGCHLD):
        signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
