import pytest

from syslogparse.rules import apparmor_ipc
from syslogparse.rules.apparmor_model import (
    DbusRule,
    IoUringRule,
    MessageQueueRule,
    PtraceRule,
    SignalRule,
    UnixRule,
    UserNamespaceRule,
)
from syslogparse.rules.merge import Refused
from tests.rules.make import APPARMOR

NOTHING = APPARMOR._replace(name=b"", mask=b"")


def key(**fields):
    return NOTHING._replace(**fields)


def test_signals():
    sent = key(mask=b"send", signal=b"term", peer=b"x")
    assert apparmor_ipc.signal(sent) == SignalRule(("send",), ("term",), b"x")
    both = sent._replace(mask=b"send receive", signal=b"rtmin+32")
    assert apparmor_ipc.signal(both) == SignalRule(("receive", "send"), ("rtmin+32",), b"x")
    for bad in ({"signal": b"rtmin+33"}, {"signal": b"sigterm"}, {"signal": b""}, {"peer": b""}, {"mask": b""}, {"mask": b"x"}):
        with pytest.raises(Refused):
            apparmor_ipc.signal(sent._replace(**bad))
    child = b"p//null-/bin/x"
    assert apparmor_ipc.signal(sent._replace(peer=child)) == SignalRule(("send",), ("term",), child)


def test_ptrace():
    assert apparmor_ipc.ptrace(key(mask=b"trace", peer=b"x")) == PtraceRule(("trace",), b"x")
    for bad in ({"mask": b"trace"}, {"peer": b"x"}, {"mask": b"trace", "peer": b"a\0b"}):
        with pytest.raises(Refused):
            apparmor_ipc.ptrace(key(**bad))


def test_dbus():
    message = key(mask=b"send", bus=b"system", path=b"/a", interface=b"i", member=b"m", name=b"left.out", peer=b"x")
    assert apparmor_ipc.dbus(message) == DbusRule(("send",), b"system", b"/a", b"", b"i", b"m", b"x")
    assert apparmor_ipc.dbus(message._replace(mask=b"eavesdrop")) == DbusRule(("eavesdrop",), b"system")
    assert apparmor_ipc.dbus(message._replace(mask=b"bind")) == DbusRule(("bind",), b"system", name=b"left.out")
    for bad in ({"mask": b"send bind"}, {"mask": b""}, {"path": b"a"}, {"mask": b"bind", "name": b""}):
        with pytest.raises(Refused):
            apparmor_ipc.dbus(message._replace(**bad))


def test_unix():
    socket = key(mask=b"send connect", sock_type=b"stream", remote=b"@a")
    assert apparmor_ipc.unix(socket) == UnixRule(("connect", "send"), "stream", peer_addr=b"@a")
    assert apparmor_ipc.unix(socket._replace(mask=b"bind")) == UnixRule(("bind",), "stream")
    assert apparmor_ipc.unix(socket._replace(remote=b"/run/x", local=b"@")) == UnixRule(("connect", "send"), "stream")
    for bad in ({"mask": b""}, {"mask": b"fly"}, {"sock_type": b"tube"}, {"remote": b"@a\0"}):
        with pytest.raises(Refused):
            apparmor_ipc.unix(socket._replace(**bad))


def test_message_queues():
    posix = key(class_=b"posix_mqueue", mask=b"read open", name=b"/q")
    assert apparmor_ipc.message_queue(posix) == MessageQueueRule(("open", "read"), "posix", b"/q")
    sysv = posix._replace(class_=b"sysv_mqueue", name=b"7")
    assert apparmor_ipc.message_queue(sysv) == MessageQueueRule(("open", "read"), "sysv", b"7")
    for bad in ({"name": b"q"}, {"class_": b"sysv_mqueue"}, {"mask": b"x"}, {"class_": b"sysv_mqueue", "name": b"9" * 30}):
        with pytest.raises(Refused):
            apparmor_ipc.message_queue(posix._replace(**bad))


def test_io_uring_and_namespaces():
    assert apparmor_ipc.io_uring(key(mask=b"sqpoll")) == IoUringRule(("sqpoll",))
    assert apparmor_ipc.io_uring(key(mask=b"override_creds", peer=b"x")) == IoUringRule(("override_creds",), b"x")
    assert apparmor_ipc.user_namespace(key(mask=b"userns_create")) == UserNamespaceRule()
    assert apparmor_ipc.user_namespace(key(requested=b"userns_create")) == UserNamespaceRule()
    with pytest.raises(Refused):
        apparmor_ipc.user_namespace(key(mask=b"userns_destroy"))
