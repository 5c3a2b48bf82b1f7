"""What the supervisor of a run with --output does at its end: gives finished files their names. It reads one byte.

By then the analyst is gone, and the end of the verdict's pipe has shown that the validator is: nobody is left who could write to
the files. So what gets a name is what was judged. Whatever is killed when, under each name stands the old file, the new one
or none, never a part: a file that has no name vanishes with the processes that had it open.
"""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Sequence
from typing import NamedTuple

from syslogparse import exits
from syslogparse.roles import validator
from syslogparse.sandbox.libc import system_call
from syslogparse.sandbox.libseccomp import native_number
from syslogparse.sandbox.outbox import Outbox, aside
from syslogparse.sandbox.pinned import PinnedPaths
from syslogparse.sandbox.seccomp import Channels

_FOLLOW = 0x400
"""linux/fcntl.h: AT_SYMLINK_FOLLOW. The entry in /proc is a link to the file without a name."""
_LINK, _RENAME, _UNLINK = (native_number(name) for name in ("linkat", "renameat2", "unlinkat"))
_errors = {number: os.strerror(number) for number in errno.errorcode}
_WITH_RESULTS = {exits.DONE, exits.NEW, exits.UNREADABLE}
"""The analyst has done all that it was to do. With any other end the rules do not rest on all of the evidence."""


class _File(NamedTuple):
    """An unnamed file, and the argument lists of the calls that deal with its names. said: for the user."""

    descriptor: int
    link: tuple[int, ...]
    link_aside: tuple[int, ...]
    rename: tuple[int, ...]
    unlink: tuple[int, ...]
    unlink_aside: tuple[int, ...]
    said: bytes


class Broker:
    """Made before the confinement; ``publish`` is what it does behind it."""

    def __init__(self, box: Outbox, verdict: int, where: str) -> None:
        """where: the directory as the user named it, fit for a message. Raises OSError."""
        self._verdict = verdict
        self._directory = box.directory
        self._replace = box.replace
        entries = [str(descriptor) for descriptor in box.files]
        self._paths = PinnedPaths([*entries, *box.names, *map(aside, box.names)])
        self._files = [self._file(box, number, where) for number in range(len(box.files))]

    def _file(self, box: Outbox, number: int, where: str) -> _File:
        name, directory, descriptor = box.names[number], box.directory, box.files[number]
        own, beside, entry = self._paths[name], self._paths[aside(name)], self._paths[str(descriptor)]
        return _File(
            descriptor,
            link=(box.itself, entry, directory, own, _FOLLOW),
            link_aside=(box.itself, entry, directory, beside, _FOLLOW),
            rename=(directory, beside, directory, own, 0),
            unlink=(directory, own, 0),
            unlink_aside=(directory, beside, 0),
            said=f"syslogparse: wrote {where}/{name}\n".encode("utf-8", "backslashreplace"),
        )

    def channels(self, start: int) -> Channels:
        """All that the filter has to let pass: the very calls that ``publish`` may make. start: the start signal's pipe."""
        links, unlinks = ("link_aside", "unlink_aside") if self._replace else ("link", "unlink")
        return Channels(
            reads=(self._verdict,),
            writes=(2, start),
            links=tuple(getattr(file, links) for file in self._files),
            renames=tuple(file.rename for file in self._files) if self._replace else (),
            unlinks=tuple(getattr(file, unlinks) for file in self._files),
            syncs=(*(file.descriptor for file in self._files), self._directory),
        )

    def publish(self, status: int) -> int:
        """Name the files if all went well. status: the analyst's exit status. The program's exit status. Raises nothing."""
        if status not in _WITH_RESULTS:
            _tell(b"no file was written, because the run did not end well")
            return status
        byte = self._judgement()
        if byte is None or not validator.GOOD <= byte <= validator.GOOD | validator.FILES:
            _tell(_why(byte))
            return exits.LOST
        files = [file for number, file in enumerate(self._files) if byte >> number & 1]
        try:
            if files:
                self._name(files)
        except OSError as error:
            _tell(_failure(error.errno or 0))
            return exits.LOST
        for file in files:
            _say(file.said)
        if not files:
            _tell(b"there is nothing to suggest, and no file was written")
        return status

    def _judgement(self) -> int | None:
        """The validator's byte, once it can say no other: the pipe, which it alone can write to, has ended behind it."""
        try:
            said = os.read(self._verdict, 2)
            ended = os.read(self._verdict, 1) == b""
        except OSError:  # EAGAIN: it lives
            return None
        return said[0] if len(said) == 1 and ended else None

    def _name(self, files: Sequence[_File]) -> None:
        for file in files:
            os.fsync(file.descriptor)
        if self._replace:
            _replace(files)
        else:
            _add(files)
        os.fsync(self._directory)


def _add(files: Sequence[_File]) -> None:
    """Give names that nothing has; where one is taken by now, none is given. Raises OSError."""
    for number, file in enumerate(files):
        try:
            system_call(_LINK, *file.link)
        except OSError:
            for named in files[:number]:
                with contextlib.suppress(OSError):
                    system_call(_UNLINK, *named.unlink)
            raise


def _replace(files: Sequence[_File]) -> None:
    """Link all of them aside, then put each in the place of the older one. Raises OSError."""
    remains: list[_File] = []
    try:
        for file in files:
            system_call(_LINK, *file.link_aside)
            remains.append(file)
        for file in files:
            system_call(_RENAME, *file.rename)
            remains.remove(file)
    except OSError:
        for file in remains:
            with contextlib.suppress(OSError):
                system_call(_UNLINK, *file.unlink_aside)
        raise


def _why(byte: int | None) -> bytes:
    if byte is None:
        return b"the validator did not end as it should; no file was written"
    if byte & validator.FAILED:
        return _failure(byte & ~validator.FAILED)
    return b"internal: a rule failed its grammar; no file was written"


def _failure(number: int) -> bytes:
    return f"the files could not be written: {_errors.get(number, 'error')}".encode("ascii", "replace")


def _tell(text: bytes) -> None:
    _say(b"syslogparse: " + text + b"\n")


def _say(text: bytes) -> None:
    # Not output.tell: waiting for a full stderr takes a call that this role may not make.
    with contextlib.suppress(OSError):
        os.write(2, text)
