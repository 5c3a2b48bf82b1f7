"""Step 1 without root: a user namespace of one's own, in which the jail can be entered. The sandbox is then called reduced.

Only for a process without root: for root it would hand every capability back. The user's id is mapped to nobody and nothing
else is mapped; setgroups is denied, as the kernel demands before a group can be mapped (user_namespaces(7)).
"""

from __future__ import annotations

import os

from syslogparse.sandbox.identity import NOBODY
from syslogparse.sandbox.libc import CLONE_NEWUSER, unshare
from syslogparse.sandbox.step import Step


class EnterUserNamespace(Step):
    """unshare(CLONE_NEWUSER), then the two maps."""

    name = "user namespace"
    what = "without root: enter a user namespace in which the caller is nobody, and setgroups is denied"
    why = "in the place of root's rights: only there may a user enter a chroot; everything it grants is given up again"
    hint = (
        "run it with sudo, or let users make user namespaces (sysctl kernel.unprivileged_userns_clone, "
        "user.max_user_namespaces, kernel.apparmor_restrict_unprivileged_userns)"
    )

    def __init__(self) -> None:
        self._user, self._group = os.geteuid(), os.getegid()

    def take(self) -> None:
        """Enter it. Raises OSError."""
        unshare(CLONE_NEWUSER)
        _write("/proc/self/setgroups", "deny")
        _write("/proc/self/gid_map", f"{NOBODY} {self._group} 1")
        _write("/proc/self/uid_map", f"{NOBODY} {self._user} 1")

    def check(self) -> None:
        """The caller is nobody there."""
        self.expect("the user ids", os.getresuid(), (NOBODY, NOBODY, NOBODY))
        self.expect("the group ids", os.getresgid(), (NOBODY, NOBODY, NOBODY))


def _write(path: str, text: str) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
    try:
        os.write(descriptor, text.encode("ascii"))
    finally:
        os.close(descriptor)
