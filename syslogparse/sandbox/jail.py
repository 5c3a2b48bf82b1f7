"""The jail: a root directory that is empty, that nobody can create in, and that is gone from the file system already."""

from __future__ import annotations

import errno
import os
import tempfile

from syslogparse.sandbox.step import Step

_PLACES = ("/run", "/tmp", "/var/tmp", "/dev/shm")  # noqa: S108 - the directory is private (mkdtemp) and removed at once
_GONE = (errno.ENOENT, errno.EACCES, errno.EPERM)


class EnterJail(Step):
    """chroot(2) into a directory that was removed before it became the root."""

    name = "chroot"
    what = "make a directory, open it, remove it, and make it the root and the working directory"
    why = "first, while SYS_CHROOT is held: a removed directory is empty, takes no entry even from root, and needs no cleaning up"
    hint = "needs SYS_CHROOT and a place to make a directory in: one of " + ", ".join(_PLACES)

    def __init__(self) -> None:
        self._inside: tuple[int, int] | None = None

    def take(self) -> None:
        """Enter the jail. Raises OSError."""
        descriptor = _removed_directory()
        try:
            status = os.fstat(descriptor)
            os.fchmod(descriptor, 0o555)  # nobody may look: an empty list is a better proof than a refusal
            os.fchdir(descriptor)
            os.chroot(".")
        finally:
            os.close(descriptor)
        self._inside = status.st_dev, status.st_ino

    def check(self) -> None:
        """The root and the working directory are the removed one; it is empty and stays so."""
        for path in ("/", ".", ".."):
            status = os.stat(path)
            self.expect(f"the directory {path}", (status.st_dev, status.st_ino), self._inside)
        self.expect("the number of the root's names", os.stat("/").st_nlink, 0)
        self.expect("the root's list of entries", os.listdir("/"), [])
        self.refused("making a directory in the jail", lambda: os.mkdir("/x", 0o700), _GONE)

    def resist(self) -> None:
        """Try to leave by a second chroot, and to open files of the system."""
        self.refused("a second chroot", lambda: os.chroot("."))
        for path in ("/etc/passwd", "/proc/self/status", "../../../../etc/passwd", "/dev/null"):
            self.refused(f"opening {path}", lambda path=path: os.open(path, os.O_RDONLY | os.O_CLOEXEC), (errno.ENOENT,))  # type: ignore[misc]
        self.refused("creating a file", lambda: os.open("/x", os.O_CREAT | os.O_WRONLY | os.O_CLOEXEC, 0o600), _GONE)


def _removed_directory() -> int:
    """A descriptor of a directory that has no name any more. Raises OSError when no place takes one."""
    problem: OSError | None = None
    for place in _PLACES:
        try:
            path = tempfile.mkdtemp(prefix="syslogparse-", dir=place)
        except OSError as error:
            problem = error
            continue
        try:
            return os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC | os.O_NOFOLLOW)
        finally:
            os.rmdir(path)
    raise problem or OSError(errno.ENOENT, os.strerror(errno.ENOENT))
