"""Where files go that a run leaves behind: a directory that was looked at, and files in it that have no name yet.

Everything is opened while it still can be. An unnamed file (O_TMPFILE, open(2)) vanishes with the last process that has it
open, so whatever ends a run leaves nothing behind; it gets its name in one step when it is whole (linkat(2)).
"""

from __future__ import annotations

import errno
import fcntl
import os
import stat
from collections.abc import Sequence
from typing import NamedTuple

from syslogparse.sandbox.launch import writable_by_others

MODE = 0o600
"""Of the files. What a log said of the machine's denials is no more public than the log."""
_SHARED = "name a directory that only you can write, below directories that only you can write"
_NO_TMPFILE = (errno.EOPNOTSUPP, errno.EISDIR, errno.ENOENT, errno.EINVAL)
"""What kernels answer to O_TMPFILE where the file system, or the kernel, does not know it (open(2), BUGS)."""


class OutboxRefused(Exception):
    """The directory cannot be used. problem: what is wrong, hint: what the user can do about it."""

    def __init__(self, problem: str, hint: str) -> None:
        super().__init__(problem)
        self.problem = problem
        self.hint = hint


class Outbox(NamedTuple):
    """Descriptors and names. names[i] is what files[i] will be called in the directory.

    itself: a directory with one entry for each descriptor of this process (proc(5), /proc/PID/fd): through it an unnamed file
    can be linked without a capability. replace: files of these names may be there already.
    """

    directory: int
    itself: int
    names: tuple[str, ...]
    files: tuple[int, ...]
    replace: bool


def aside(name: str) -> str:
    """What a file is called for a moment before it replaces the one of its name. Only a kill in that moment leaves it behind."""
    return f".{name}.new"


def open_directory(path: str) -> int:
    """The directory, looked at and locked against a second run. Raises OutboxRefused.

    It has to be called before a user namespace is entered, in which the owners of files cannot be told apart any more.
    """
    place = path.rstrip("/") or path[:1]  # with a slash behind it, O_NOFOLLOW would follow a link
    try:
        directory = os.open(place, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except (OSError, ValueError) as error:
        raise _unusable(place, error) from error
    try:
        _refuse_shared(place, os.fstat(directory))
        fcntl.flock(directory, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(directory)
        raise OutboxRefused("another run is writing there", "wait until it is done") from error
    except OSError as error:
        os.close(directory)
        raise OutboxRefused(f"it cannot be locked: {error.strerror}", "name a directory on a local disk") from error
    except OutboxRefused:
        os.close(directory)
        raise
    return directory


def _unusable(place: str, error: OSError | ValueError) -> OutboxRefused:
    if isinstance(error, OSError) and error.errno in {errno.ENOTDIR, errno.ELOOP}:
        link = os.path.islink(place)
        return OutboxRefused("is a symbolic link" if link else "is no directory", "name the directory itself")
    hint = "make it first: mkdir -m 700 DIR"
    return OutboxRefused((error.strerror or str(error)).lower() if isinstance(error, OSError) else str(error), hint)


def _refuse_shared(place: str, status: os.stat_result) -> None:
    """Whoever else can write here, or rename what is on the way, could put rules of his own in the place of ours."""
    caller = os.geteuid()
    if status.st_uid != caller:
        raise OutboxRefused("belongs to somebody else", _SHARED)
    if status.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise OutboxRefused("others can write in it", "chmod go-w DIR, or " + _SHARED)
    for found in writable_by_others([place], (0, caller)):
        raise OutboxRefused(f"{found} can be changed by somebody else", _SHARED)
    # Now that nobody else can change where the name leads to: it may have led elsewhere when the directory was opened.
    if not os.path.samestat(os.lstat(place), status):
        raise OutboxRefused("it was moved while it was looked at", _SHARED)


def open_files(directory: int, names: Sequence[str], *, replace: bool) -> Outbox:
    """An unnamed file for each name, and what is needed to name it. Raises OutboxRefused, and leaves nothing open then."""
    opened: list[int] = []
    try:
        for name in names:
            _remove_remains(directory, name)
            _refuse_taken(directory, name, replace=replace)
        opened.extend(_unnamed(directory) for _ in names)
        opened.append(_itself())
    except BaseException:
        for descriptor in opened:
            os.close(descriptor)
        raise
    return Outbox(directory, opened[-1], tuple(names), tuple(opened[:-1]), replace)


def _remove_remains(directory: int, name: str) -> None:
    """A run that was killed between two steps has left it; the lock says that it is no run of now."""
    try:
        if stat.S_ISREG(os.stat(aside(name), dir_fd=directory, follow_symlinks=False).st_mode):
            os.unlink(aside(name), dir_fd=directory)
            return
    except FileNotFoundError:
        return
    except OSError as error:
        raise OutboxRefused(f"{aside(name)} of an earlier run cannot be removed: {error.strerror}", "remove it") from error
    raise OutboxRefused(f"{aside(name)} is in the way, and no regular file", "remove it")


def _refuse_taken(directory: int, name: str, *, replace: bool) -> None:
    try:
        status = os.stat(name, dir_fd=directory, follow_symlinks=False)
    except FileNotFoundError:
        return
    except OSError as error:
        raise OutboxRefused(f"{name}: {error.strerror}", "look at the directory") from error
    if not stat.S_ISREG(status.st_mode):
        raise OutboxRefused(f"{name} is there, and no regular file", "remove it")
    if not replace:
        raise OutboxRefused(f"{name} is there already", "--force replaces it")


def _unnamed(directory: int) -> int:
    try:
        return os.open(".", os.O_TMPFILE | os.O_WRONLY | os.O_CLOEXEC, MODE, dir_fd=directory)
    except OSError as error:
        if error.errno in _NO_TMPFILE:
            hint = "name a directory on another one (ext4, xfs, btrfs and tmpfs can)"
            raise OutboxRefused("its file system cannot make files without a name (O_TMPFILE)", hint) from error
        hint = "name a directory that you can write, on a file system with room"
        raise OutboxRefused(f"no file can be made in it: {error.strerror}", hint) from error


def _itself() -> int:
    try:
        return os.open("/proc/self/fd", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as error:
        raise OutboxRefused(f"/proc/self/fd: {error.strerror}", "mount /proc") from error
