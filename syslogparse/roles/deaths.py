"""How a process ended, in words."""

from __future__ import annotations

import os
import signal

OUT_OF_MEMORY = 71
"""Exit status of a parser that ran into its memory limit."""
BROKEN = 70
"""Exit status of a role whose code failed (sysexits.h: EX_SOFTWARE)."""

_SIGNALS = {number.value: number.name for number in signal.Signals}
_HINTS = {
    signal.SIGSYS: "made a system call that its filter forbids",
    signal.SIGBUS: "the log was cut short while it was read",
    signal.SIGKILL: "killed from outside, or for lack of memory",
    signal.SIGSEGV: "crashed",
}


def describe(status: int) -> str:
    """A wait status (wait(2)) as a phrase that fits behind a process's name."""
    if os.WIFSIGNALED(status):
        number = os.WTERMSIG(status)
        hint = _HINTS.get(signal.Signals(number)) if number in _SIGNALS else None
        return f"killed by {_SIGNALS.get(number, f'signal {number}')}" + (f" ({hint})" if hint else "")
    code = os.waitstatus_to_exitcode(status)
    if code == OUT_OF_MEMORY:
        return "out of memory"
    return f"ended early with status {code}"
