"""Messages of D-Bus by which a confined program has somebody else do what it must not do itself: a table of ours.

Most services run unconfined, many as root. Whoever may ask one of them to start a program, or to set the environment that
programs are started with, is confined no more. The names are those of the services' own interface documentation
(org.freedesktop.systemd1(5), org.freedesktop.login1(5), the specifications of polkit, Secret Service, UDisks and others).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from syslogparse.rules.apparmor_model import DbusRule
from syslogparse.rules.model import RISKS, Risk
from syslogparse.rules.paths import Danger

_PROPERTIES = b"org.freedesktop.DBus.Properties"
_ABOUT = re.compile(rb"org\.freedesktop\.DBus\.(?:Introspectable|Peer|ObjectManager)")


class _Call(NamedTuple):
    """Members of the interfaces of a service. Either those that are dangerous, or (``but``) all but those that are not.

    service: the interface, or what it begins with, in whole words. root: how the service's object paths begin, for what is sent
    without an interface, or to set a property.
    """

    service: bytes
    members: re.Pattern[bytes]
    but: bool
    danger: Danger
    root: bytes


def _call(service: str, members: str, risk: Risk, because: str, *, root: str = "", but: bool = False) -> _Call:
    """members: regular expression of the whole member."""
    where = (root or "/" + service.replace(".", "/")).encode()
    return _Call(service.encode(), re.compile(members.encode()), but, Danger(risk, because), where)


def _all_but(service: str, members: str, risk: Risk, because: str, *, root: str = "") -> _Call:
    return _call(service, members, risk, because, root=root, but=True)


_ASKS = "(?:Get|List|Lookup|Find|Can|Is|Enumerate|Search|Describe)[A-Za-z0-9]*"
_TELLS = "(?:[A-Za-z0-9]+(?:Added|Removed|Changed|New|Finished)|PrepareFor[A-Za-z]+|Changed|Reloading)"
_PROGRAMS = "programs that others run, unconfined"
_SYSTEM = "settings of the system"
_CALLS = (
    _all_but("org.freedesktop.systemd1", f"{_ASKS}|{_TELLS}|LoadUnit|Subscribe|Unsubscribe", "critical", _PROGRAMS),
    _call("org.freedesktop.DBus", "UpdateActivationEnvironment|SetEnvironment", "critical", _PROGRAMS),
    _call("org.freedesktop.DBus", "StartServiceByName|ReloadConfig", "high", _PROGRAMS),
    _call("org.freedesktop.DBus", "BecomeMonitor", "high", "what others say on the bus"),
    _call("org.freedesktop.login1", "CreateSession.*|SetUserLinger|TakeControl|TakeDevice", "critical", "sessions of others"),
    _call(
        "org.freedesktop.login1",
        "PowerOff.*|Reboot.*|Halt.*|Suspend.*|Hibernate.*|HybridSleep.*|Sleep|ScheduleShutdown|SetReboot.*|SetWallMessage|"
        "Kill.*|Terminate.*|Terminate|AttachDevice|FlushDevices|ReleaseSession",
        "high",
        "the machine's being up, and sessions of others",
    ),
    _call(
        "org.freedesktop.PolicyKit1",
        "RegisterAuthenticationAgent.*|AuthenticationAgentResponse.*|RevokeTemporary.*|BeginAuthentication",
        "critical",
        "who may become root",
    ),
    _all_but("org.freedesktop.machine1", f"{_ASKS}|{_TELLS}", "critical", _PROGRAMS),
    _all_but("org.freedesktop.portable1", f"{_ASKS}|{_TELLS}", "critical", _PROGRAMS),
    _all_but("org.freedesktop.import1", f"{_ASKS}|{_TELLS}", "critical", _PROGRAMS),
    _all_but("org.freedesktop.home1", f"{_ASKS}|{_TELLS}", "critical", "who may log in"),
    _all_but("org.freedesktop.sysupdate1", f"{_ASKS}|{_TELLS}", "critical", "software of the system"),
    _call("org.freedesktop.Accounts", "CreateUser|DeleteUser|CacheUser|UncacheUser|Set.*", "critical", "who may log in"),
    _call("org.freedesktop.hostname1", "Set.*", "high", _SYSTEM),
    _call("org.freedesktop.locale1", "Set.*", "high", _SYSTEM),
    _call("org.freedesktop.timedate1", "Set.*", "high", _SYSTEM),
    _call("org.freedesktop.timesync1", "Set.*", "high", _SYSTEM),
    _call("org.freedesktop.resolve1", "Set.*|Revert.*|RegisterService", "high", "where names lead"),
    _call("org.freedesktop.network1", "Set.*|Revert.*|Reload|Reconfigure.*", "high", "the network's settings"),
    _call(
        "org.freedesktop.NetworkManager",
        "Add.*|Update.*|Delete.*|Activate.*|Deactivate.*|Disconnect|Save.*|Reload.*|LoadConnections|Set.*|GetSecrets|Reapply",
        "high",
        "the network's settings and passwords",
    ),
    _all_but("org.fedoraproject.FirewallD1", f"{_ASKS}|{_TELLS}|get.*|query.*|list.*", "critical", "the packet filter"),
    _call(
        "org.freedesktop.UDisks2",
        "Mount|Unmount|Format|Open[A-Za-z]*|Restore.*|Create.*|Delete.*|Update.*|Add.*|Remove.*|LoopSetup|Unlock|Lock|"
        "ChangePassphrase|Resize|Repair|TakeOwnership|Set.*|Stop|Start|Eject|PowerOff|SecurityErase.*|MDRaidCreate",
        "critical",
        "whole disks",
    ),
    _call(
        "org.freedesktop.PackageKit",
        "Install.*|Remove.*|Update.*|Upgrade.*|Repo.*|Refresh.*|Repair.*",
        "critical",
        "software of the system",
    ),
    _all_but("org.debian.apt", f"{_ASKS}|{_TELLS}", "critical", "software of the system"),
    _call("org.freedesktop.fwupd", "Install|Update.*|Set.*|Modify.*|Unlock|Activate", "critical", "the machine's firmware"),
    _all_but("org.freedesktop.Flatpak", f"{_ASKS}|{_TELLS}", "critical", _PROGRAMS),
    _call("org.freedesktop.portal.Flatpak", "Spawn.*", "high", _PROGRAMS),
    _all_but("org.libvirt", f"{_ASKS}|{_TELLS}", "critical", "machines that run as root"),
    _call(
        "org.freedesktop.Secret",
        "GetSecrets?|SearchItems|OpenSession|Unlock|CreateItem|CreateCollection|SetSecret|Delete|ChangeLock|ReadAlias|SetAlias",
        "critical",
        "a user's passwords",
        root="/org/freedesktop/secrets",
    ),
    _all_but("org.gnome.keyring", _TELLS, "critical", "a user's passwords"),
    _call(
        "org.kde.KWallet",
        "read.*|write.*|entry.*|open.*|map.*|password.*|remove.*|rename.*",
        "critical",
        "a user's passwords",
        root="/modules/kwalletd",
    ),
    _call("org.gnome.Shell", "Eval|InstallRemoteExtension|EnableExtension|ShowMonitorLabels2?", "critical", _PROGRAMS),
    _call("org.gnome.Shell.Screenshot", "Screenshot.*|PickColor", "high", "what is on the screen"),
    _all_but("org.gnome.Mutter.RemoteDesktop", _TELLS, "critical", "the screen, the keyboard and the mouse"),
    _all_but("org.gnome.Mutter.ScreenCast", _TELLS, "high", "what is on the screen"),
    _call("org.kde.PlasmaShell", "evaluateScript", "critical", _PROGRAMS, root="/PlasmaShell"),
    _call("org.gnome.Terminal", "CreateInstance|Exec", "critical", _PROGRAMS),
    _call("ca.desrt.dconf.Writer", "Change|Init|Write.*", "high", "settings of the desktop, commands among them"),
)
_ASKING = Danger("low")
_OF_SERVICE = {one.service: [each for each in _CALLS if each.service == one.service] for one in _CALLS}
_WORDS = max(service.count(b".") for service in _OF_SERVICE) + 1


def sending(rule: DbusRule) -> Danger:
    """What sending the message lets a program do. What a rule leaves unsaid stands for anything."""
    return max((one.danger for one in _spoken_to(rule)), key=lambda one: RISKS.index(one.risk), default=_ASKING)


def is_guarded(name: bytes) -> bool:
    """Whether a name of the bus is that of a service of the table."""
    return any(one.danger.risk == "critical" for one in _calls_of(name))


def _calls_of(interface: bytes) -> Iterator[_Call]:
    words = interface.split(b".", _WORDS)
    for length in range(1, min(len(words), _WORDS) + 1):
        yield from _OF_SERVICE.get(b".".join(words[:length]), ())


def _spoken_to(rule: DbusRule) -> Iterator[_Call]:
    if rule.interface == _PROPERTIES:
        reached = _CALLS if rule.member in (b"", b"Set") else ()
        yield from (one for one in reached if _reaches(one, rule))
    elif not _ABOUT.fullmatch(rule.interface):
        calls = _calls_of(rule.interface) if rule.interface else (one for one in _CALLS if _reaches(one, rule))
        yield from (one for one in calls if not rule.member or bool(one.members.fullmatch(rule.member)) is not one.but)


def _reaches(call: _Call, rule: DbusRule) -> bool:
    """Whether the rule's objects are, or may be, those of the service."""
    path = rule.path or b"".join(part for part in rule.path_pattern[:1] if isinstance(part, bytes))
    return not path or path.startswith(call.root)
