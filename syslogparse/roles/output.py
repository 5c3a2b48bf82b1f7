"""Bytes to a descriptor of the user's, whatever it is: a terminal, a file, a full non-blocking pipe, a pipe nobody reads."""

from __future__ import annotations

import os
import select


class ReaderGone(Exception):
    """Whoever read the results has enough (``| head``)."""


def write_all(descriptor: int, data: bytes) -> None:
    """Write everything. Raises ReaderGone for a closed pipe, OSError for a full disk and the like."""
    view = memoryview(data)
    while view:
        try:
            view = view[os.write(descriptor, view) :]
        except BlockingIOError:
            poller = select.poll()
            poller.register(descriptor, select.POLLOUT)
            poller.poll()
        except BrokenPipeError:
            raise ReaderGone from None


def tell(text: str) -> None:
    """A line for the user on stderr; not being able to print it is no reason to stop."""
    tell_raw(f"syslogparse: {text}\n")


def tell_raw(text: str) -> None:
    """The same, exactly as it stands."""
    try:
        write_all(2, text.encode("utf-8", "backslashreplace"))
    except (ReaderGone, OSError):
        return
