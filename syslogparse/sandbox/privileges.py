"""Two marks of the process itself: it cannot be looked into (dumpable 0), and no exec gives it rights (no_new_privs)."""

from __future__ import annotations

import errno

import prctl

from syslogparse.sandbox.libc import unset_no_new_privs
from syslogparse.sandbox.step import Step


class NotDumpable(Step):
    """PR_SET_DUMPABLE 0 (prctl(2))."""

    name = "dumpable"
    what = "set dumpable to 0"
    why = "after the change of ids, which may reset it: other daemons run as nobody too, and could otherwise trace this process"

    def take(self) -> None:
        """Clear the mark. Raises OSError."""
        prctl.set_dumpable(0)

    def check(self) -> None:
        """Read it back."""
        self.expect("dumpable", prctl.get_dumpable(), 0)


class NoNewPrivileges(Step):
    """PR_SET_NO_NEW_PRIVS 1 (prctl(2)); it cannot be unset."""

    name = "no_new_privs"
    what = "set no_new_privs"
    why = "loading a filter needs it where SYS_ADMIN is gone; libseccomp is told not to set it, so this step cannot fail unseen"

    def take(self) -> None:
        """Set the mark. Raises OSError."""
        prctl.set_no_new_privs(1)

    def check(self) -> None:
        """Read it back."""
        self.expect("no_new_privs", prctl.get_no_new_privs(), 1)

    def resist(self) -> None:
        """Try to unset it."""
        self.refused("unsetting no_new_privs", unset_no_new_privs, (errno.EINVAL,))
