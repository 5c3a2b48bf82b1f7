"""Rules for mounts, umounts and changes of the root directory (security/apparmor/mount.c)."""

from __future__ import annotations

from syslogparse.evidence.model import AppArmorKey
from syslogparse.rules.apparmor_ipc import name
from syslogparse.rules.apparmor_model import AppArmorRule, MountRule, PivotRootRule
from syslogparse.rules.apparmor_target import OPTIONS
from syslogparse.rules.merge import Refused

_PROPAGATION = frozenset("remount unbindable shared private slave runbindable rshared rprivate rslave".split())
_BINDS = frozenset({"bind", "rbind", "move"})


def mount(key: AppArmorKey) -> AppArmorRule:
    """A mount as it was tried, or an umount.

    A bind mount has no type, and a change of what is mounted has neither type nor source.
    """
    target = _place(key.name)
    options = tuple(sorted({word.strip() for word in key.flags.decode("ascii", "replace").split(",") if word.strip()}))
    if not OPTIONS.issuperset(options):
        raise Refused("mount option that a rule cannot name")
    if key.operation == b"umount":
        return MountRule(True, name(key.fstype), options, b"", target)
    changes = bool(_PROPAGATION.intersection(options))
    kind = b"" if changes or _BINDS.intersection(options) else name(key.fstype)
    return MountRule(False, kind, options, b"" if changes else name(key.source), target)


def pivot_root(key: AppArmorKey) -> AppArmorRule:
    """A change of the root directory."""
    return PivotRootRule(_place(key.name), _place(key.source) if key.source else b"")


def _place(path: bytes) -> bytes:
    if not path.startswith(b"/"):
        raise Refused("mount point that is no path")
    return name(path)
