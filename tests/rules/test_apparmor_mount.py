import pytest

from syslogparse.rules.apparmor_model import MountRule, PivotRootRule
from syslogparse.rules.apparmor_mount import mount, pivot_root
from syslogparse.rules.merge import Refused
from tests.rules.make import APPARMOR

MOUNT = APPARMOR._replace(operation=b"mount", name=b"/m/", flags=b"rw, nosuid", fstype=b"ext4", source=b"/dev/sda")


def rule(umount=False, fstype=b"", options=(), source=b"", target=b"/m/"):
    return MountRule(umount, fstype, options, source, target)


def test_mounts():
    assert mount(MOUNT) == rule(fstype=b"ext4", options=("nosuid", "rw"), source=b"/dev/sda")
    assert mount(MOUNT._replace(flags=b"rw, rbind")) == rule(options=("rbind", "rw"), source=b"/dev/sda")
    assert mount(MOUNT._replace(flags=b"rw, rprivate")) == rule(options=("rprivate", "rw"))
    assert mount(MOUNT._replace(flags=b"", source=b"", fstype=b"")) == rule()
    assert mount(MOUNT._replace(operation=b"umount", flags=b"", fstype=b"")) == rule(umount=True)


def test_roots():
    assert pivot_root(MOUNT) == PivotRootRule(b"/m/", b"/dev/sda")
    assert pivot_root(MOUNT._replace(source=b"")) == PivotRootRule(b"/m/", b"")


@pytest.mark.parametrize(
    "fields", [{"name": b""}, {"name": b"m"}, {"flags": b"rw, fly"}, {"flags": b"rw) /x, /** rw"}, {"source": b"\0"}]
)
def test_refusals(fields):
    with pytest.raises(Refused):
        mount(MOUNT._replace(**fields))
