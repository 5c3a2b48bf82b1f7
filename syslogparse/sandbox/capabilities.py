"""Capabilities: four are kept while logs are opened and the jail is entered, none after that (capabilities(7)).

The masks are set through python-prctl and then read back with capget(2) and PR_CAPBSET_READ, not from /proc: after the
chroot there is none, and a descriptor of /proc/self that was opened before a fork shows the parent.
"""

from __future__ import annotations

from typing import ClassVar, NamedTuple

import prctl

from syslogparse.sandbox.libc import CapMasks, ambient, bounding, capget, capset
from syslogparse.sandbox.step import Step

KEPT: dict[str, int] = {"dac_read_search": 2, "setgid": 6, "setuid": 7, "sys_chroot": 18}
"""What is kept until the confinement is over, by python-prctl's name and linux/capability.h's number."""

REQUIRED = ("setgid", "setuid", "sys_chroot")
"""Without these the jail cannot be entered or left behind; a container may withhold the fourth."""

_ALL_BITS = range(64)


class Everything(NamedTuple):
    """All five capability sets of this thread as 64-bit masks."""

    effective: int
    permitted: int
    inheritable: int
    ambient: int
    bounding: int


NOTHING = Everything(0, 0, 0, 0, 0)


def last_capability() -> int:
    """The highest capability that the kernel knows (cap_last_cap), found without /proc."""
    for capability in _ALL_BITS:
        try:
            bounding(capability)
        except OSError:
            return capability - 1
    return _ALL_BITS[-1]


def read_back() -> Everything:
    """All sets of this thread, as the kernel has them. Raises OSError."""
    known = range(last_capability() + 1)
    held = capget()
    return Everything(
        held.effective,
        held.permitted,
        held.inheritable,
        sum(1 << capability for capability in known if ambient(capability)),
        sum(1 << capability for capability in known if bounding(capability)),
    )


class KeepFour(Step):
    """Step 2: give up every capability but those that opening logs and entering the jail need."""

    name = "capabilities"
    what = "empty the bounding, inheritable and ambient sets; keep only SETUID, SETGID, SYS_CHROOT and DAC_READ_SEARCH"
    why = "first of all, while SETPCAP is still held: from here on no exec and no mistake can bring a capability back"
    hint = "start it as root; in a container add SETUID, SETGID, SYS_CHROOT and SETPCAP (and DAC_READ_SEARCH to read all logs)"

    def __init__(self) -> None:
        held = capget().permitted
        self.kept = tuple(name for name, number in KEPT.items() if held >> number & 1)

    def take(self) -> None:
        """Reduce all five sets. Raises OSError, SandboxError where a required capability is not held."""
        missing = [name.upper() for name in REQUIRED if name not in self.kept]
        if missing:
            raise self.fail(f"not held: {', '.join(missing)}")
        for capability in range(last_capability() + 1):  # the kernel's list: python-prctl's own may be longer or shorter
            if bounding(capability):
                prctl.capbset_drop(capability)
        prctl.cap_inheritable.limit()  # takes the ambient set along
        prctl.cap_effective.limit(*self.kept)  # before permitted: the other order is EPERM
        prctl.cap_permitted.limit(*self.kept)
        capset(CapMasks(self._mask(), self._mask(), 0))  # the bits that the library has no name for

    def check(self) -> None:
        """Compare all five sets, bit by bit, with what they must be."""
        self.expect("the capability masks", read_back(), Everything(self._mask(), self._mask(), 0, 0, 0))

    def _mask(self) -> int:
        return sum(1 << KEPT[name] for name in self.kept)


class KeepNone(Step):
    """Step 4: no capability is left."""

    name = "no capability"
    what = "clear the permitted and effective sets"
    why = "after the change of ids, which did it already where the process was root; in a user namespace nobody else does it"

    raised: ClassVar[CapMasks] = CapMasks(1 << KEPT["setuid"], 1 << KEPT["setuid"], 0)

    def take(self) -> None:
        """Clear what is left. Raises OSError."""
        capset(CapMasks(0, 0, 0))

    def check(self) -> None:
        """Compare all five sets with empty ones."""
        self.expect("the capability masks", read_back(), NOTHING)

    def resist(self) -> None:
        """Try to take SETUID back."""
        self.refused("regaining a capability", lambda: capset(self.raised))
