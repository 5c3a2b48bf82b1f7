"""The analyst's side of --output: lines of rules to the validator, which alone can write to the files."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterable
from typing import NamedTuple, TypeAlias

from syslogparse.report.model import Report
from syslogparse.roles.deaths import describe
from syslogparse.roles.gather import speaks
from syslogparse.roles.output import ReaderGone, tell, write_all
from syslogparse.roles.validator import READY, frames

_PIECE = 64 << 10
_LONGEST_PROBLEM = 4096


Documents: TypeAlias = Callable[[Report], Iterable[tuple[int, Iterable[str]]]]
"""What is to be written: the number of each file, and its lines."""


class Receiver(NamedTuple):
    """The validator as the analyst knows it. ready: where it says that it is confined. lines: what it reads from."""

    pid: int
    ready: int
    lines: int


def problem(receiver: Receiver) -> str:
    """Why the validator is not confined, in words for the user; empty if it is. Waits for its word."""
    if not speaks(receiver.ready):
        return "it was not confined in time (is it stopped?)"
    said = os.read(receiver.ready, _LONGEST_PROBLEM)
    if said == READY:
        return ""
    return said.decode("utf-8", "backslashreplace") or "it ended before it was confined"


def deliver(receiver: Receiver, documents: Iterable[tuple[int, Iterable[str]]]) -> None:
    """Send the lines of each file, and wait for the validator's end: it dies with this process.

    That it died before is no error here, and only told: the supervisor, which hears nothing from it then, draws the consequence.
    """
    held = bytearray()
    with contextlib.suppress(ReaderGone):
        for frame in frames(documents):
            held += frame
            if len(held) >= _PIECE:
                write_all(receiver.lines, bytes(held))
                held.clear()
        write_all(receiver.lines, bytes(held))
    status = os.waitpid(receiver.pid, 0)[1]
    if status:
        tell(f"the validator {describe(status)}")
