"""Step 0: start from known ground. Uses nothing but the interpreter's own modules, since it decides whether to trust the rest."""

from __future__ import annotations

import errno
import os
import signal
import stat
import sys
from collections.abc import Collection, Iterable, Iterator, Mapping
from types import FrameType

from syslogparse.sandbox.descriptors import is_open
from syslogparse.sandbox.libc import clearenv
from syslogparse.sandbox.step import Step

KEPT_VARIABLES = ("TERM", "NO_COLOR", "FORCE_COLOR", "COLUMNS", "LINES", "TZ", "SSH_CONNECTION", "SSH_CLIENT")
"""What the environment may say: how to print, in which time zone stamps without one are, and where the administrator sits."""

_LOADER_VARIABLES = ("LD_", "GLIBC_", "MALLOC_", "PYTHON")
"""Prefixes of variables that make the dynamic loader, the C library or Python load or do something else."""

_NOT_THERE = (errno.ENOENT, errno.ENOTDIR, errno.ELOOP)
_END_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)


def end_on_signals() -> None:
    """Until the supervisor takes over: a signal ends the program at once with 128 + its number, without a traceback."""

    def end(number: int, _frame: FrameType | None) -> None:
        os._exit(128 + number)

    for number in _END_SIGNALS:
        if signal.getsignal(number) is not signal.SIG_IGN:  # nohup
            signal.signal(number, end)


def relaunch_isolated(arguments: list[str]) -> None:
    """Start again as ``python -IB`` with a clean environment, unless this is such a start already. Raises OSError.

    The installed launcher is isolated from the first instruction on. This is for the other ways to start: a script that pip
    made, and a sudo that passes LD_PRELOAD on. A library that was preloaded has run by then; from here on it has not. HOME is set
    because Python's site module would otherwise ask NSS for root's, which may load foreign code.
    """
    foreign = any(name.startswith(_LOADER_VARIABLES) for name in os.environ)
    if sys.flags.isolated and sys.flags.dont_write_bytecode and not foreign:
        return
    os.execve(  # noqa: S606 - no shell: the very interpreter that runs already
        sys.executable, [sys.executable, "-IB", "-m", "syslogparse", *arguments], {**kept_environment(), "HOME": "/"}
    )


def kept_environment() -> dict[str, str]:
    """The few variables that are looked at, as they are now."""
    return {name: os.environ[name] for name in KEPT_VARIABLES if name in os.environ}


class StandardDescriptors(Step):
    """Descriptors 0, 1 and 2 exist."""

    name = "standard descriptors"
    what = "open /dev/null in the place of a closed descriptor 0, 1 or 2"
    why = "first: otherwise a log opened later would take the number, and results be written to it"
    hint = "there must be a /dev/null"

    def take(self) -> None:
        """Fill the gaps. Raises OSError."""
        for wanted in range(3):
            if not is_open(wanted):
                opened = os.open("/dev/null", os.O_RDWR)
                if opened != wanted:
                    os.dup2(opened, wanted)
                    os.close(opened)

    def check(self) -> None:
        """All three are open."""
        self.expect("the list of open standard descriptors", [number for number in range(3) if is_open(number)], [0, 1, 2])


class CleanEnvironment(Step):
    """No environment variable is left."""

    name = "environment"
    what = "note the few variables that say how to print and where the administrator sits, and clear the environment"
    why = "before anything is read: whoever calls sudo may have set them, and libraries look at more of them than one knows"

    def take(self) -> None:
        """Clear Python's view of it and the C library's, in which a library may have set more."""
        os.environ.clear()
        clearenv()

    def check(self) -> None:
        """Nothing is left."""
        self.expect("the environment", dict(os.environ), {})


class TrustedTree(Step):
    """What runs as root can be changed by root alone."""

    name = "program files"
    what = "as root: every file and directory that the program is loaded from belongs to root and is writable by root alone"
    why = "before root's rights are used: who can change the program could as well be root"
    hint = "install it with 'make install' and run /usr/bin/syslogparse"

    def __init__(self, *, root: bool) -> None:
        self._root = root

    def take(self) -> None:
        """Nothing to do: it is a check."""

    def check(self) -> None:
        """Look at the interpreter, the path, and all that was loaded so far. Raises SandboxError."""
        if not self._root:
            return
        for path in writable_by_others(_program_files()):
            raise self.fail(f"{path} can be changed by somebody else than root")


def writable_by_others(paths: Iterable[str], owners: Collection[int] = (0,)) -> Iterator[str]:
    """Those of the paths, and of the directories above them, that somebody else than root can change.

    owners: the user ids that may own them; others than root's where the program runs as that user.

    Every directory that the way to a path leads through counts, on both sides of each link. One with the sticky bit keeps others
    from replacing root's entries in it (inode(7)), so it may be writable, unless it is the path itself or the place of one that
    is not there (pythonXY.zip), which anybody could then make.
    """
    seen: set[tuple[str, bool]] = set()
    for start in paths:
        waiting = [(os.path.abspath(start), True)]
        while waiting:
            path, is_leaf = waiting.pop()
            if (path, is_leaf) in seen:
                continue
            seen.add((path, is_leaf))
            status = _status(path)
            if status is not None and _is_writable_by_others(path, status, owners, is_leaf=is_leaf):
                yield path
            waiting.append((os.path.dirname(path), is_leaf and status is None))
            if status is not None and stat.S_ISLNK(status.st_mode):
                target = os.path.join(os.path.realpath(os.path.dirname(path)), os.readlink(path))
                waiting += [(os.path.normpath(target), is_leaf), (os.path.realpath(path), is_leaf)]


def _status(path: str) -> os.stat_result | None:
    try:
        return os.lstat(path)
    except OSError as error:
        if error.errno in _NOT_THERE:
            return None
        raise


def _is_writable_by_others(path: str, status: os.stat_result, owners: Collection[int], *, is_leaf: bool) -> bool:
    if status.st_uid not in owners:
        return True
    if stat.S_ISLNK(status.st_mode):  # its mode says nothing: whoever can write the directory can replace it
        return False
    shared = status.st_mode & stat.S_IWOTH or (status.st_mode & stat.S_IWGRP and (status.st_gid != 0 or _has_access_list(path)))
    sticky = stat.S_ISDIR(status.st_mode) and status.st_mode & stat.S_ISVTX and not is_leaf
    return bool(shared and not sticky)


def _has_access_list(path: str) -> bool:
    """Whether the group's bits of the mode stand for more than the group (acl(5): they are the mask of the list)."""
    try:
        return bool(os.getxattr(path, "system.posix_acl_access"))
    except OSError as error:
        if error.errno in (errno.ENODATA, errno.EOPNOTSUPP, *_NOT_THERE):
            return False
        raise


def _program_files() -> Iterator[str]:
    yield sys.executable
    yield from (entry for entry in sys.path if entry)
    for module in tuple(sys.modules.values()):
        spec = getattr(module, "__spec__", None)
        for file in (getattr(module, "__file__", None), getattr(spec, "cached", None)):
            if isinstance(file, str) and os.path.isabs(file):
                yield file


def color_wanted(environment: Mapping[str, str], *, terminal: bool) -> bool:
    """NO_COLOR (no-color.org) wins, then FORCE_COLOR, then whether it is a terminal that is not dumb."""
    if environment.get("NO_COLOR"):
        return False
    return bool(environment.get("FORCE_COLOR")) or (terminal and environment.get("TERM") != "dumb")
