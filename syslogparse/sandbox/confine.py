"""The confinement: one sequence, top to bottom, for every process that comes near a log.

Each step is carried out and read back in its turn; when all stand, every way back is tried and must be refused. Any failure
is a SandboxError: the program ends with exit status 4, and not one byte of a log has been parsed.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Literal, TypeAlias

from syslogparse.sandbox.canary import Canary
from syslogparse.sandbox.capabilities import KeepFour, KeepNone
from syslogparse.sandbox.descriptors import KeepDescriptors
from syslogparse.sandbox.identity import BecomeNobody, BecomeNobodyGroup, BecomeNobodyWithRootsFiles, LeaveGroups
from syslogparse.sandbox.jail import EnterJail
from syslogparse.sandbox.launch import CleanEnvironment, StandardDescriptors, TrustedTree
from syslogparse.sandbox.lifetime import DieWithParent
from syslogparse.sandbox.limits import NoMoreProcesses, SharedLimits
from syslogparse.sandbox.privileges import NoNewPrivileges, NotDumpable
from syslogparse.sandbox.seccomp import LoadFilter
from syslogparse.sandbox.step import Step, carry_out, hold_against
from syslogparse.sandbox.userns import EnterUserNamespace

Mode: TypeAlias = Literal["full", "reduced"]
"""full: started as root. reduced: in a user namespace, where the groups of the user cannot be left (setgroups is denied)."""


def sequence(mode: Mode, *, roots_files: bool = False) -> tuple[Step, ...]:
    """Step 4 as a list, in the one order in which it works.

    roots_files: the supervisor's with --output, which has to make names in a directory of root's. Without root it is the
    user's own, and the user is nobody in the namespace: nothing is different there.
    """
    jail = (EnterJail(),)
    groups = (LeaveGroups(),) if mode == "full" else ()
    ids = (BecomeNobodyGroup(), BecomeNobodyWithRootsFiles() if roots_files and mode == "full" else BecomeNobody())
    rights = (KeepNone(),)
    # The place of the AppArmor child profile: after the change of ids, before no_new_privs refuses it.
    marks = (NotDumpable(), NoNewPrivileges())
    limits = (SharedLimits(),)
    return (*jail, *groups, *ids, *rights, *marks, *limits)


def confine(mode: Mode, *, roots_files: bool = False) -> None:
    """Confine this process for good. Raises SandboxError."""
    steps = sequence(mode, roots_files=roots_files)
    for step in steps:
        carry_out(step)
    verify(steps)


def verify(steps: Sequence[Step]) -> None:
    """Read every step back once more, now that all are taken, and try each way back. Raises SandboxError."""
    for step in steps:
        hold_against(step)
    sys.audit("syslogparse.confined")


EXPLAINED: tuple[tuple[str, type[Step]], ...] = (
    ("0", StandardDescriptors),
    ("0", CleanEnvironment),
    ("0", TrustedTree),
    ("1", EnterUserNamespace),
    ("2", KeepFour),
    ("4", KeepDescriptors),
    ("4", EnterJail),
    ("4", LeaveGroups),
    ("4", BecomeNobodyGroup),
    ("4", BecomeNobody),
    ("4", BecomeNobodyWithRootsFiles),
    ("4", KeepNone),
    ("4", NotDumpable),
    ("4", NoNewPrivileges),
    ("4", SharedLimits),
    ("5", DieWithParent),
    ("5", Canary),
    ("6", NoMoreProcesses),
    ("6", LoadFilter),
)
"""For --explain-sandbox: every step of a run, in its order, by the number of its stage (docs/PRIVSEP.md)."""
