"""How dangerous an AppArmor rule is: a table of ours, the gravest of what the rule grants."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias, cast

from syslogparse.rules.apparmor_dbus import is_guarded, sending
from syslogparse.rules.apparmor_model import (
    AppArmorRule,
    CapabilityRule,
    ChangeProfileRule,
    DbusRule,
    FileRule,
    IncludeRule,
    IoUringRule,
    LinkRule,
    MessageQueueRule,
    MountRule,
    NetworkRule,
    PivotRootRule,
    PtraceRule,
    SignalRule,
    UnixRule,
    UserNamespaceRule,
)
from syslogparse.rules.capabilities import CAPABILITY_MEANS, CAPABILITY_RISK
from syslogparse.rules.model import RISKS
from syslogparse.rules.paths import Danger, danger_of

_PTRACE = {
    "trace": Danger("critical", "everything that another program can do"),
    "read": Danger("high", "the memory of another program"),
    "tracedby": Danger("medium"),
    "readby": Danger("low"),
}
_DBUS = {
    "eavesdrop": Danger("high", "what others say on the bus"),
    "bind": Danger("medium"),
    "send": Danger("medium"),
    "receive": Danger("low"),
}


def risk_of(rule: AppArmorRule) -> Danger:
    """The risk of granting ``rule``. It never falls when the rule grants more."""
    return _TABLE[type(rule)](rule)


def _worst(dangers: list[Danger]) -> Danger:
    return max(dangers, key=lambda one: (RISKS.index(one.risk), one.because != ""), default=Danger("low"))


def _capability(rule: CapabilityRule) -> Danger:
    return Danger(CAPABILITY_RISK[rule.name], CAPABILITY_MEANS.get(rule.name, ""))


def _network(rule: NetworkRule) -> Danger:
    # Netlink knows no other types than raw and dgram: both are messages to the kernel, which asks for capabilities itself.
    if rule.family == "packet" or (rule.sock_type in ("raw", "packet") and rule.family != "netlink"):
        return Danger("high", "packets of any content")
    return Danger("medium")


def _link(rule: LinkRule) -> Danger:
    return danger_of(FileRule(rule.path, "l"))


def _ptrace(rule: PtraceRule) -> Danger:
    return _worst([_PTRACE[word] for word in rule.access])


def _dbus(rule: DbusRule) -> Danger:
    return _worst([_DBUS[word] for word in rule.access] + ([sending(rule)] if "send" in rule.access else []) + _bound(rule))


def _bound(rule: DbusRule) -> list[Danger]:
    return [Danger("high", "a name that others trust")] if "bind" in rule.access and is_guarded(rule.name) else []


def _signal(rule: SignalRule) -> Danger:
    return Danger("medium" if "send" in rule.access else "low")


def _io_uring(rule: IoUringRule) -> Danger:
    if "override_creds" in rule.access:
        return Danger("critical", "who the program is taken for")
    return Danger("high", "a thread of the kernel")


def _change_profile(rule: ChangeProfileRule) -> Danger:
    if rule.target.removeprefix(b"&") == b"unconfined":
        return Danger("critical", "the confinement itself")
    return Danger("high", "another confinement")


def _always(danger: Danger) -> Callable[[AppArmorRule], Danger]:
    return lambda _: danger


_Judge: TypeAlias = Callable[[AppArmorRule], Danger]
_TABLE = cast(
    "dict[type, _Judge]",
    {
        FileRule: danger_of,
        LinkRule: _link,
        CapabilityRule: _capability,
        NetworkRule: _network,
        UnixRule: _always(Danger("medium")),
        DbusRule: _dbus,
        SignalRule: _signal,
        PtraceRule: _ptrace,
        MountRule: _always(Danger("critical", "what the paths of all other rules stand for")),
        PivotRootRule: _always(Danger("critical", "what the paths of all other rules stand for")),
        MessageQueueRule: _always(Danger("medium")),
        IoUringRule: _io_uring,
        UserNamespaceRule: _always(Danger("high", "all capabilities inside a namespace of its own")),
        ChangeProfileRule: _change_profile,
        IncludeRule: _always(Danger("high", "all that an abstraction grants")),
    },
)
