"""Descriptors: a role holds those that its work needs, and no other."""

from __future__ import annotations

import errno
import fcntl
import os
from collections.abc import Iterable, Sequence

from syslogparse.sandbox.libc import close_from
from syslogparse.sandbox.step import Step

_LOOKED_AT = 8192
"""Numbers that are read back: above all that a run with 1024 parsers has open."""


class KeepDescriptors(Step):
    """close_range(2) around the role's own descriptors."""

    name = "descriptors"
    what = (
        "close every descriptor but the role's own (parser: its pipe; analyst: 1, 2, its pipes; supervisor: 2, the start signal; "
        "with --output the unnamed files for validator and supervisor, and their directory for the supervisor)"
    )
    why = "what is not open cannot be misused, and a pipe whose writers are all known ends when they do"

    def __init__(self, keep: Iterable[int]) -> None:
        self._keep = sorted(set(keep))

    def take(self) -> None:
        """Close the gaps. A number that is not open is what is wanted, and no error."""
        low = 0
        for kept in self._keep:
            if low < kept:  # closerange(0, 0) closes everything: CPython passes its end on as -1
                os.closerange(low, kept)
            low = kept + 1
        try:
            close_from(low)
        except OSError:  # before Linux 5.9
            os.closerange(low, os.sysconf("SC_OPEN_MAX"))

    def check(self) -> None:
        """Ask the kernel for each number; a listing in /proc is out of reach in the jail."""
        self.expect("the list of open descriptors", [number for number in range(_LOOKED_AT) if is_open(number)], self._keep)


def above_all() -> int:
    """A number above every descriptor that is open, and above every one that was while the first free number was lower still.

    The kernel gives out the lowest free number, so one that was opened and closed before is either taken again or not below
    the next that is given out. Raises OSError.
    """
    following = fcntl.fcntl(2, fcntl.F_DUPFD_CLOEXEC, 0)
    os.close(following)
    return 1 + max(number for number in range(_LOOKED_AT) if number == following or is_open(number))


def move(descriptors: Sequence[int], first: int) -> list[int]:
    """Give the descriptors the numbers from ``first`` on, whatever these were before. Raises OSError.

    The old numbers stay open; KeepDescriptors closes them.
    """
    above = max(*descriptors, first + len(descriptors)) + 1
    aside = [fcntl.fcntl(descriptor, fcntl.F_DUPFD_CLOEXEC, above) for descriptor in descriptors]
    return [os.dup2(descriptor, number, inheritable=False) for number, descriptor in enumerate(aside, start=first)]


def is_open(descriptor: int) -> bool:
    """Only EBADF says no: another error (a security module's, over the path) is about a descriptor that is there."""
    try:
        fcntl.fcntl(descriptor, fcntl.F_GETFD)
    except OSError as error:
        return error.errno != errno.EBADF
    return True
