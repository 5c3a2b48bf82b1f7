"""Who the process is: nobody (65534, the kernel's overflow id), with no supplementary group."""

from __future__ import annotations

import os

import prctl

from syslogparse.sandbox.capabilities import KEPT
from syslogparse.sandbox.libc import CapMasks, capget, capset, fsuid, setfsuid
from syslogparse.sandbox.step import Step

NOBODY = 65534
"""linux/uidgid.h: DEFAULT_OVERFLOWUID and DEFAULT_OVERFLOWGID."""


class LeaveGroups(Step):
    """setgroups(2) with an empty list."""

    name = "groups"
    what = "drop every supplementary group"
    why = "before the change of ids, which takes the right to do it away; root's groups (adm, disk) open more than logs"

    def take(self) -> None:
        """Empty the list. Raises OSError."""
        os.setgroups([])

    def check(self) -> None:
        """No group is left."""
        self.expect("the list of groups", os.getgroups(), [])

    def resist(self) -> None:
        """Try to join group 0."""
        self.refused("joining a group", lambda: os.setgroups([0]))


class BecomeNobodyGroup(Step):
    """setresgid(2): real, effective and saved group id."""

    name = "gid"
    what = "set the real, effective and saved group id to 65534"
    why = "before the user id: who has given up root cannot change the group any more"

    def take(self) -> None:
        """Change all three. Raises OSError."""
        os.setresgid(NOBODY, NOBODY, NOBODY)

    def check(self) -> None:
        """All three read back."""
        self.expect("the group ids", os.getresgid(), (NOBODY, NOBODY, NOBODY))

    def resist(self) -> None:
        """Try to become group root."""
        self.refused("becoming group 0", lambda: os.setresgid(0, 0, 0), _REFUSALS)
        self.refused("becoming group 0 (setegid)", lambda: os.setegid(0), _REFUSALS)


class _Nobody(Step):
    """Real, effective and saved user id are nobody's, and stay so."""

    def check(self) -> None:
        """All three read back."""
        self.expect("the user ids", os.getresuid(), (NOBODY, NOBODY, NOBODY))

    def resist(self) -> None:
        """Try to become root by each call that could."""
        self.refused("becoming root", lambda: os.setresuid(0, 0, 0), _REFUSALS)
        self.refused("becoming root (setuid)", lambda: os.setuid(0), _REFUSALS)
        self.refused("becoming root (seteuid)", lambda: os.seteuid(0), _REFUSALS)


class BecomeNobody(_Nobody):
    """setresuid(2): real, effective and saved user id."""

    name = "uid"
    what = "set the real, effective and saved user id to 65534"
    why = "last of the ids; with it the kernel clears the permitted and effective capabilities of a process that was root"

    def take(self) -> None:
        """Change all three. Raises OSError."""
        os.setresuid(NOBODY, NOBODY, NOBODY)


class BecomeNobodyWithRootsFiles(_Nobody):
    """setresuid(2) as above, and setfsuid(2) back to root: only what is asked of a file system is asked in root's name."""

    name = "uid, but for files"
    what = "in the place of uid for the supervisor with --output, as root: the same three ids, and the file-system id stays 0"
    why = (
        "only so can it make a name in a directory of root's; this id brings no capability, no right over another process, "
        "and does not come back once it is given up"
    )

    def take(self) -> None:
        """Change all four. Raises OSError."""
        prctl.set_keepcaps(1)  # for the moment between the two calls; the kernel clears the effective set even so
        os.setresuid(NOBODY, NOBODY, NOBODY)
        capset(CapMasks(1 << KEPT["setuid"], capget().permitted, 0))
        setfsuid(0)
        prctl.set_keepcaps(0)

    def check(self) -> None:
        """All four read back; the capabilities are kept by no mark any more."""
        super().check()
        self.expect("the file-system user id", fsuid(), 0)
        self.expect("keepcaps", prctl.get_keepcaps(), 0)


_REFUSALS = (1, 22)
"""EPERM; EINVAL in a user namespace that has no id 0 at all."""
