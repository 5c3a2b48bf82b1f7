"""The supervisor: waits. It passes on signals and the exit status, and touches no byte that came from a log."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Callable
from typing import NoReturn

from syslogparse import exits
from syslogparse.roles.deaths import describe
from syslogparse.sandbox.lifetime import HANDLED

_STATUSES = {exits.DONE, exits.NEW, exits.UNREADABLE, exits.NO_SANDBOX, exits.LOST}


_GRACE = 2.0
"""Seconds that are given to other children once the analyst is gone: parsers die with it, but whoever started this process may
have left it children of its own, and a parser may hang in a disk that does not answer."""


def as_it_is(status: int) -> int:
    """Nothing is left to do."""
    return status


def main(analyst: int, start: int, conclude: Callable[[int], int] = as_it_is) -> NoReturn:
    """Give the start signal, then wait until every child is gone or a signal ends the run. Never returns, never raises.

    analyst: its process id. start: the pipe that the analyst waits on; its end tells it that this process is gone.
    conclude: what is left to do when the run has ended by itself; takes and gives an exit status.
    """
    status = exits.LOST
    try:
        with contextlib.suppress(BrokenPipeError):  # the analyst has failed already: its exit status says how
            os.write(start, b"s")
        status = _wait(analyst, conclude)
    finally:
        os._exit(status)


def _wait(analyst: int, conclude: Callable[[int], int]) -> int:
    verdict: int | None = None
    while True:
        awaited = {*HANDLED, signal.SIGCHLD}
        arrived = signal.sigwaitinfo(awaited) if verdict is None else signal.sigtimedwait(awaited, _GRACE)
        if arrived is None:
            return exits.LOST if verdict is None else conclude(verdict)
        if arrived.si_signo != signal.SIGCHLD:
            return exits.SIGNALLED + arrived.si_signo  # the children die with their parent
        try:
            while True:
                child, status = os.waitpid(-1, os.WNOHANG)
                if child == 0:
                    break
                if child == analyst:
                    verdict = _verdict(status)
        except ChildProcessError:
            return exits.LOST if verdict is None else conclude(verdict)


def _verdict(status: int) -> int:
    code = os.waitstatus_to_exitcode(status)
    if code in _STATUSES:
        return code
    with contextlib.suppress(OSError):  # not output.tell: waiting for a full stderr takes a call that this role may not make
        os.write(2, f"syslogparse: the analyst {describe(status)}; the results are not complete\n".encode())
    return exits.LOST
