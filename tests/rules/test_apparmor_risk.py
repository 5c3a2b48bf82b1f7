from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syslogparse.rules.apparmor_ipc import SOCKET_ACCESS
from syslogparse.rules.apparmor_model import (
    AppArmorRule,
    CapabilityRule,
    ChangeProfileRule,
    DbusRule,
    FileRule,
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
from syslogparse.rules.apparmor_risk import risk_of
from syslogparse.rules.model import RISKS


@pytest.mark.parametrize(
    ("rule", "risk"),
    [
        (CapabilityRule("sys_admin"), "critical"),
        (CapabilityRule("wake_alarm"), "low"),
        (NetworkRule("inet", "stream"), "medium"),
        (NetworkRule("inet", "raw"), "high"),
        (NetworkRule("netlink", "raw"), "medium"),
        (NetworkRule("can", "raw"), "high"),
        (LinkRule(b"/usr/bin/x", b"/tmp/x"), "critical"),
        (PtraceRule(("trace",), b"x"), "critical"),
        (PtraceRule(("readby",), b"x"), "low"),
        (SignalRule(("send",), ("kill",), b"x"), "medium"),
        (SignalRule(("receive",), ("kill",), b"x"), "low"),
        (DbusRule(("eavesdrop",)), "high"),
        (UnixRule(("send",), "stream"), "medium"),
        (MountRule(umount=False, fstype=b"", options=(), source=b"", target=b"/"), "critical"),
        (PivotRootRule(b"/", b""), "critical"),
        (MessageQueueRule(("open",), "posix", b"/q"), "medium"),
        (IoUringRule(("override_creds",)), "critical"),
        (UserNamespaceRule(), "high"),
        (ChangeProfileRule(b"unconfined"), "critical"),
        (ChangeProfileRule(b"x"), "high"),
    ],
)
def test_risks(rule, risk):
    assert risk_of(rule).risk == risk


WORDS: dict[str, tuple[tuple[str, ...], Callable[[Any], AppArmorRule]]] = {
    "ptrace": (("read", "readby", "trace", "tracedby"), lambda access: PtraceRule(access, b"x")),
    "dbus": (("send", "receive"), DbusRule),
    "signal": (("send", "receive"), lambda access: SignalRule(access, ("hup",), b"x")),
    "unix": (tuple(sorted(SOCKET_ACCESS)), lambda access: UnixRule(access, "stream")),
    "network": (tuple(sorted(SOCKET_ACCESS)), lambda access: NetworkRule("inet", "stream", access)),
    "mqueue": (("create", "open", "read", "write"), lambda access: MessageQueueRule(access, "posix", b"/q")),
    "io_uring": (("override_creds", "sqpoll"), IoUringRule),
    "file": (("r", "w", "a", "l", "k", "m"), lambda access: FileRule(b"/srv/x", "".join(access))),
    "home": (("r", "w", "a", "l", "k", "m"), lambda access: FileRule(b"/home/u/.ssh/x", "".join(access))),
    "run": (("r", "w", "a", "l", "k", "m"), lambda access: FileRule(b"/usr/bin/sudo", "".join(access), execute="Cx")),
}


@given(st.sampled_from(sorted(WORDS)), st.data())
def test_severity_never_falls_when_a_permission_grows(kind, data):
    words, make = WORDS[kind]
    some = data.draw(st.sets(st.sampled_from(words), min_size=1))
    more = some | data.draw(st.sets(st.sampled_from(words)))
    less, grown = (RISKS.index(risk_of(make(tuple(sorted(each)))).risk) for each in (some, more))
    assert less <= grown
