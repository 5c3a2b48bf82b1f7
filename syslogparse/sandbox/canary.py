"""The canary: before a process trusts its filter, a child of it must have died under the same one."""

from __future__ import annotations

import os
import signal

import prctl

from syslogparse.sandbox.seccomp import Channels, LoadFilter, Role
from syslogparse.sandbox.step import Step, carry_out

COMM = "sp-canary"
"""The child's name in the kernel's audit record of its death, so that nobody takes it for an attack."""


class Canary(Step):
    """A child loads the role's filter and makes a call that no role may make. It must die by SIGSYS."""

    name = "canary"
    what = "fork a child that loads the same filter and calls getppid; it must be killed by SIGSYS"
    why = "before the filter is loaded for real: a filter cannot be read back from inside, so its bite is shown"
    hint = LoadFilter.hint

    def __init__(self, role: Role, channels: Channels) -> None:
        self._role = role
        self._channels = channels
        self._status: int | None = None

    def take(self) -> None:
        """Send the canary. Raises OSError."""
        child = os.fork()
        if child == 0:
            _sing(self._role, self._channels)
        self._status = os.waitpid(child, 0)[1]

    def check(self) -> None:
        """It died as it should."""
        status = self._status
        if status is None or not os.WIFSIGNALED(status) or os.WTERMSIG(status) != signal.SIGSYS:
            raise self.fail(f"the {self._role}'s canary was not killed by SIGSYS (wait status {status})")


def _sing(role: Role, channels: Channels) -> None:
    try:
        prctl.set_name(COMM)
        carry_out(LoadFilter(role, channels))
        os.getppid()
    finally:
        os._exit(0)
