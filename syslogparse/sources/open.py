"""Logs are opened here, while root, and mapped; not one of their bytes is looked at.

A named path is followed wherever it leads, since whoever is root chose it. A path that the program chose itself (the default
logs, rotated siblings) is not followed through a link that somebody else than root may have put there.
"""

from __future__ import annotations

import errno
import fcntl
import mmap
import os
import stat
import sys
import time
from collections.abc import Callable, Iterable
from functools import partial
from typing import NamedTuple, TypeAlias

from syslogparse.sources.trust import UNTRUSTED, Grades, grades, machine_id, shared, syslog_user

DEFAULT_LOGS = ("/var/log/syslog", "/var/log/messages", "/var/log/kern.log", "/var/log/ufw.log", "/var/log/audit/audit.log")
STDIN = "-"
STDIN_LIMIT = 1 << 30
"""Bytes of standard input that are taken; it has to fit into memory."""
SIZE_LIMIT = 1 << 40
"""Bytes of a log: the plan of its blocks is made while root, and has to stay small (100 MB for so much)."""
_CHUNK = 1 << 20
_SEALS = fcntl.F_SEAL_SEAL | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_WRITE


class Log(NamedTuple):
    """One opened log. data: its mapped bytes, None when it is empty. newest: its time stamp, microseconds since the epoch."""

    name: str
    data: mmap.mmap | None
    size: int
    grades: Grades
    newest: int


_FORBIDDEN_ROOT = "AppArmor or another security module may allow logs in /var/log only; try: syslogparse - < LOG"
_FORBIDDEN_USER = "logs are for root: use sudo, or join the group that may read them"


class Candidate(NamedTuple):
    """A path to open. named: the user named it, so a link is followed wherever it leads.

    in_chosen: the program chose the directory too, in one that was named or is its own.
    """

    name: str
    named: bool
    in_chosen: bool = False


class Unreadable(NamedTuple):
    """An input that could not be opened, and why, in words for the user."""

    name: str
    problem: str


_Judge: TypeAlias = Callable[[str, os.stat_result, os.stat_result], Grades]
"""``grades``, for a path and the status of the file and of its directory."""


class _Refused(Exception):
    """Why a path is not read."""


def open_logs(candidates: Iterable[Candidate]) -> tuple[list[Log], list[Unreadable]]:
    """Open and map each log; what fails is returned beside what does not.

    Nothing here can block: a path is opened with O_PATH, which touches no FIFO and no device, and only a regular file is
    opened for reading. (Standard input is waited for.)
    """
    logs: list[Log] = []
    problems: list[Unreadable] = []
    judge = partial(grades, syslog=syslog_user(), machine=machine_id())
    for candidate in candidates:
        name = candidate.name
        try:
            logs.append(_standard_input() if name == STDIN else _open(candidate, judge))
        except _Refused as refusal:
            problems.append(Unreadable(name, str(refusal)))
        except OSError as error:
            problems.append(Unreadable(name, (error.strerror or str(error)).lower()))
        except ValueError as error:  # a name with a NUL byte
            problems.append(Unreadable(name, str(error)))
    return logs, problems


def _open(candidate: Candidate, judge: _Judge) -> Log:
    path = _reach(candidate)
    try:
        _refuse_irregular(os.fstat(path).st_mode)
        descriptor = _reopen(path)
    finally:
        os.close(path)
    return _take(candidate.name, descriptor, judge)


def _reach(candidate: Candidate) -> int:
    """The file, not opened for anything yet (O_PATH). Raises OSError, _Refused."""
    if candidate.named:
        return os.open(candidate.name, os.O_PATH | os.O_CLOEXEC)
    folder, name = os.path.split(candidate.name)
    directory = _unplanted(folder) if candidate.in_chosen else os.open(folder or ".", os.O_PATH | os.O_CLOEXEC)
    try:
        return _unplanted(name, directory)
    finally:
        os.close(directory)


def _unplanted(name: str, directory: int | None = None) -> int:
    """What the program chose in a directory; through a link only where nobody but root can have made it."""
    path = os.open(name, os.O_PATH | os.O_CLOEXEC | os.O_NOFOLLOW, dir_fd=directory)
    try:
        if not stat.S_ISLNK(os.fstat(path).st_mode):
            return os.dup(path)
        _refuse_planted_link(os.stat(os.path.dirname(name) or ".") if directory is None else os.fstat(directory))
        return os.open(name, os.O_PATH | os.O_CLOEXEC, dir_fd=directory)
    finally:
        os.close(path)


def _refuse_planted_link(directory: os.stat_result) -> None:
    if directory.st_uid != 0 or shared(directory):
        raise _Refused("is a symbolic link in a directory that others can write; name the file itself to read it")


def _refuse_irregular(mode: int) -> None:
    kinds = {
        stat.S_IFDIR: "is a directory without system journals; name the logs in it",
        stat.S_IFIFO: "is a FIFO; to read it, make it standard input: syslogparse - < FIFO",
        stat.S_IFCHR: "is a character device, not a log",
        stat.S_IFBLK: "is a block device, not a log",
        stat.S_IFSOCK: "is a socket, not a log",
    }
    if not stat.S_ISREG(mode):
        raise _Refused(kinds.get(stat.S_IFMT(mode), "is no regular file"))


def _reopen(path: int) -> int:
    """For reading, the very file that was looked at. Raises OSError, _Refused."""
    try:
        return os.open(f"/proc/self/fd/{path}", os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
    except FileNotFoundError as error:
        raise _Refused("cannot be opened without /proc; mount it") from error
    except PermissionError as error:
        hint = _FORBIDDEN_ROOT if os.geteuid() == 0 else _FORBIDDEN_USER
        raise _Refused(f"permission denied ({hint})") from error


def _take(name: str, descriptor: int, judge: _Judge) -> Log:
    status = os.fstat(descriptor)
    if status.st_size > SIZE_LIMIT:
        os.close(descriptor)
        raise _Refused(f"is larger than {SIZE_LIMIT >> 40} TiB")
    try:
        trusted = _grades_of(descriptor, status, judge)
    except OSError:  # renamed or unlinked in the meantime, or seen through another mount
        trusted = UNTRUSTED
    return Log(name, map_and_close(descriptor, status.st_size), status.st_size, trusted, status.st_mtime_ns // 1000)


def _grades_of(descriptor: int, status: os.stat_result, judge: _Judge) -> Grades:
    """The directory that is judged is the one that holds this very file now: a path alone can be made to lead elsewhere."""
    real = os.readlink(f"/proc/self/fd/{descriptor}")
    parent = os.open(os.path.dirname(real) or "/", os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        inside = os.stat(os.path.basename(real), dir_fd=parent, follow_symlinks=False)
        if not os.path.samestat(inside, status):
            return UNTRUSTED
        return judge(real, status, os.fstat(parent))
    finally:
        os.close(parent)


def map_and_close(descriptor: int, size: int) -> mmap.mmap | None:
    """Map the bytes read-only and close every descriptor of the file. Raises OSError.

    CPython before 3.13 keeps a duplicate of the descriptor in the map: it is found by comparing the table of descriptors.
    """
    try:
        if size == 0:  # mmap(2) refuses a length of 0
            return None
        if sys.version_info >= (3, 13):
            return mmap.mmap(descriptor, size, flags=mmap.MAP_PRIVATE, prot=mmap.PROT_READ, trackfd=False)
        before = _open_descriptors()
        mapped = mmap.mmap(descriptor, size, flags=mmap.MAP_PRIVATE, prot=mmap.PROT_READ)
        for hidden in _open_descriptors() - before:
            os.close(hidden)
        return mapped
    finally:
        os.close(descriptor)


def _open_descriptors() -> set[int]:
    """This process's descriptors, that of the listing itself excepted (it is closed again)."""
    with os.scandir("/proc/self/fd") as entries:
        numbers = {int(entry.name) for entry in entries}
    return {number for number in numbers if _is_open(number)}


def _is_open(descriptor: int) -> bool:
    try:
        os.fstat(descriptor)
    except OSError:
        return False
    return True


def _standard_input() -> Log:
    """Copy standard input, unparsed, into a sealed memory file: what is parsed later cannot change any more."""
    copy = os.memfd_create("syslogparse-stdin", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    try:
        size = _copy(0, copy)
        fcntl.fcntl(copy, fcntl.F_ADD_SEALS, _SEALS)
    except BaseException:
        os.close(copy)
        raise
    return Log(STDIN, map_and_close(copy, size), size, UNTRUSTED, time.time_ns() // 1000)


def _copy(source: int, target: int) -> int:
    size = 0
    while chunk := _read(source):
        size += len(chunk)
        if size > STDIN_LIMIT:
            raise _Refused(f"standard input is longer than {STDIN_LIMIT >> 30} GiB; put it into a file and name that")
        view = memoryview(chunk)
        while view:
            view = view[os.write(target, view) :]
    return size


def _read(source: int) -> bytes:
    while True:
        try:
            return os.read(source, _CHUNK)
        except BlockingIOError:  # whoever shares this descriptor made it non-blocking
            _wait_readable(source)
        except OSError as error:
            if error.errno == errno.EISDIR:
                raise _Refused("standard input is a directory") from error
            raise


def _wait_readable(source: int) -> None:
    import select  # noqa: PLC0415 - rare, and before confinement

    select.select([source], [], [])
