import pytest
from hypothesis import given
from hypothesis import strategies as st

from syslogparse.rules.apparmor_dbus import is_guarded, sending
from syslogparse.rules.apparmor_model import DbusRule, Glob
from syslogparse.rules.apparmor_risk import risk_of
from syslogparse.rules.model import RISKS

SYSTEMD = b"org.freedesktop.systemd1.Manager"


def send(interface, member, path=b"/x", **fields):
    return DbusRule(("send",), b"system", path, b"", interface, member, b"unconfined", **fields)


@pytest.mark.parametrize(
    ("interface", "member", "risk"),
    [
        (SYSTEMD, b"SetEnvironment", "critical"),
        (SYSTEMD, b"StartTransientUnit", "critical"),
        (SYSTEMD, b"ReloadOrTryRestartUnit", "critical"),
        (SYSTEMD, b"WhateverComesNext", "critical"),
        (SYSTEMD, b"GetUnit", "medium"),
        (SYSTEMD, b"ListUnitsByPatterns", "medium"),
        (SYSTEMD, b"JobRemoved", "medium"),
        (SYSTEMD, b"Subscribe", "medium"),
        (b"org.freedesktop.systemd1.Unit", b"Restart", "critical"),
        (b"org.freedesktop.systemd12", b"GetUnit", "medium"),
        (b"org.freedesktop.systemdx", b"Start", "medium"),
        (b"org.freedesktop.DBus", b"UpdateActivationEnvironment", "critical"),
        (b"org.freedesktop.DBus", b"StartServiceByName", "high"),
        (b"org.freedesktop.DBus", b"AddMatch", "medium"),
        (b"org.freedesktop.DBus.Monitoring", b"BecomeMonitor", "high"),
        (b"org.freedesktop.login1.Manager", b"Reboot", "high"),
        (b"org.freedesktop.login1.Manager", b"SetUserLinger", "critical"),
        (b"org.freedesktop.login1.Manager", b"GetSession", "medium"),
        (b"org.freedesktop.login1.Manager", b"Inhibit", "medium"),
        (b"org.freedesktop.login1.Session", b"TakeDevice", "critical"),
        (b"org.freedesktop.PolicyKit1.Authority", b"CheckAuthorization", "medium"),
        (b"org.freedesktop.PolicyKit1.Authority", b"RegisterAuthenticationAgent", "critical"),
        (b"org.freedesktop.Secret.Service", b"GetSecrets", "critical"),
        (b"org.freedesktop.Accounts.User", b"SetPassword", "critical"),
        (b"org.freedesktop.Accounts.User", b"Changed", "medium"),
        (b"org.freedesktop.Accounts", b"FindUserById", "medium"),
        (b"org.freedesktop.PackageKit.Transaction", b"InstallPackages", "critical"),
        (b"org.freedesktop.UDisks2.Filesystem", b"Mount", "critical"),
        (b"org.freedesktop.Flatpak.Development", b"HostCommand", "critical"),
        (b"org.fedoraproject.FirewallD1.zone", b"addPort", "critical"),
        (b"org.fedoraproject.FirewallD1.zone", b"getPorts", "medium"),
        (b"org.gnome.Shell", b"Eval", "critical"),
        (b"org.freedesktop.Notifications", b"Notify", "medium"),
        (b"org.freedesktop.DBus.Introspectable", b"Introspect", "medium"),
    ],
)
def test_messages(interface, member, risk):
    assert risk_of(send(interface, member)).risk == risk


def test_what_is_received_is_not_done_by_others():
    assert risk_of(DbusRule(("receive",), b"system", b"/x", b"", SYSTEMD, b"SetEnvironment")).risk == "low"


def test_properties_are_read_or_set():
    properties = b"org.freedesktop.DBus.Properties"
    for path in (b"/org/freedesktop/systemd1", b"/org/freedesktop/systemd1/unit/x"):
        assert sending(send(properties, b"Set", path)).risk == "critical"
        assert sending(send(properties, b"", path)).risk == "critical"
        assert sending(send(properties, b"Get", path)).risk == "low"
        assert sending(send(properties, b"PropertiesChanged", path)).risk == "low"
    assert sending(send(properties, b"Set", b"/org/mpris/MediaPlayer2")).risk == "low"
    parts = (b"/org/freedesktop/login1/session/_", Glob("[0-9]*"))
    assert sending(send(properties, b"Set", b"", path_pattern=parts)).risk == "critical"


INTERFACES = st.sampled_from([SYSTEMD, b"org.freedesktop.login1.Manager", b"org.freedesktop.DBus.Properties", b"org.x", b"org"])
MEMBERS = st.sampled_from([b"SetEnvironment", b"Set", b"Get", b"GetUnit", b"Reboot", b"x"])
PATHS = st.sampled_from([b"/", b"/org/freedesktop/systemd1", b"/org/freedesktop/login1", b"/x"])


@given(INTERFACES, MEMBERS, PATHS, st.sets(st.sampled_from(["interface", "member", "path"])))
def test_what_is_left_unsaid_is_never_less_dangerous(interface, member, path, dropped):
    """A service's objects are below its path; messages to others of its objects are not what this is about."""
    said = {"interface": interface, "member": member, "path": path}
    if interface.startswith(b"org.freedesktop."):
        said["path"] = b"/" + b"/".join(interface.split(b".")[:3])
    whole = DbusRule(("send",), **said)
    less = DbusRule(("send",), **{field: value for field, value in said.items() if field not in dropped})
    assert RISKS.index(sending(less).risk) >= RISKS.index(sending(whole).risk)


def test_names_of_the_bus_that_others_trust():
    assert is_guarded(b"org.freedesktop.systemd1")
    assert not is_guarded(b"org.gtk.vfs.Metadata")
    assert risk_of(DbusRule(("bind",), b"system", name=b"org.freedesktop.PolicyKit1")).risk == "high"
    assert risk_of(DbusRule(("bind",), b"session", name=b"org.gtk.vfs.Metadata")).risk == "medium"
