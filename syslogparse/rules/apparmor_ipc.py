"""Rules for what passes between processes: signals, ptrace, D-Bus, unix sockets, message queues, io_uring, namespaces.

Sources: security/apparmor/{ipc.c,task.c,af_unix.c,net.c,lsm.c} of the kernel and bus/apparmor.c of dbus for what is logged.
What a record says beside its own class is not used: the tools of AppArmor leave it out, and its parser would refuse it.
"""

from __future__ import annotations

import re

from syslogparse.evidence.model import AppArmorKey
from syslogparse.rules.apparmor_model import (
    AppArmorRule,
    DbusRule,
    IoUringRule,
    MessageQueueRule,
    PtraceRule,
    SignalRule,
    UnixRule,
    UserNamespaceRule,
)
from syslogparse.rules.merge import Refused

SOCK_TYPES = frozenset("stream dgram seqpacket rdm raw packet".split())
SOCKET_ACCESS = frozenset("create bind listen accept connect shutdown getattr setattr getopt setopt send receive".split())
WITHOUT_PEER = frozenset("create bind listen shutdown getattr setattr getopt setopt".split())
"""Accesses that a rule must not name a peer with."""

_SIGNALS = frozenset(
    "hup int quit ill trap abrt bus fpe kill usr1 segv usr2 pipe alrm term stkflt chld cont stop stp ttin ttou urg xcpu xfsz "
    "vtalrm prof winch io pwr sys emt exists".split()
)
_REALTIME = re.compile(r"rtmin\+(?:[0-9]|[12][0-9]|3[0-2])")
_QUEUE_ACCESS = frozenset("create open delete read write getattr setattr".split())
_MAX_NAME = 4096


def words(text: bytes, known: frozenset[str]) -> tuple[str, ...]:
    """The words of a mask, sorted, each once. Raises Refused when there is none or one that is not ``known``."""
    found = set(text.decode("ascii", "replace").split())
    if not found:
        raise Refused("no permission is named that was denied")
    if not found <= known:
        raise Refused("mask that is none")
    return tuple(sorted(found))


def name(text: bytes) -> bytes:
    """``text``, when a rule can name it; a zero byte ends what AppArmor compares."""
    if b"\0" in text or len(text) > _MAX_NAME:
        raise Refused("name that a rule cannot hold")
    return text


def peer(key: AppArmorKey) -> bytes:
    """The profile at the other end."""
    if not key.peer:
        raise Refused("no peer is named")
    return name(key.peer)


def signal(key: AppArmorKey) -> AppArmorRule:
    """A signal that was sent or received."""
    what = key.signal.decode("ascii", "replace")
    if what not in _SIGNALS and not _REALTIME.fullmatch(what):
        raise Refused("signal that a rule cannot name")
    return SignalRule(words(key.mask, frozenset({"send", "receive"})), (what,), peer(key))


def ptrace(key: AppArmorKey) -> AppArmorRule:
    """Tracing or reading of another process, from either end."""
    return PtraceRule(words(key.mask, frozenset({"read", "trace", "readby", "tracedby"})), peer(key))


def dbus(key: AppArmorKey) -> AppArmorRule:
    """A message, a name or all of a bus."""
    access = words(key.mask, frozenset({"send", "receive", "bind", "eavesdrop"}))
    bus = name(key.bus)
    if access == ("eavesdrop",):
        return DbusRule(access, bus)
    if access == ("bind",):
        if not key.name:
            raise Refused("no name is given")
        return DbusRule(access, bus, name=name(key.name))
    if {"bind", "eavesdrop"} & set(access):
        raise Refused("mask that is none")
    if key.path and not key.path.startswith(b"/"):
        raise Refused("object path that is none")
    return DbusRule(access, bus, name(key.path), b"", name(key.interface), name(key.member), name(key.peer))


def unix(key: AppArmorKey) -> AppArmorRule:
    """A unix socket. One that is a file has no abstract address, and file rules of its own."""
    access = words(key.mask, SOCKET_ACCESS)
    sock_type = key.sock_type.decode("ascii", "replace")
    if sock_type not in SOCK_TYPES:
        raise Refused("socket family or type that a rule cannot hold")
    remote = b"" if WITHOUT_PEER & set(access) else _abstract(key.remote)
    return UnixRule(access, sock_type, _abstract(key.local), remote)


def _abstract(address: bytes) -> bytes:
    return name(address) if address.startswith(b"@") and len(address) > 1 else b""


def message_queue(key: AppArmorKey) -> AppArmorRule:
    """A POSIX or a System V message queue."""
    kind = "posix" if key.class_ == b"posix_mqueue" else "sysv"
    fits = key.name.startswith(b"/") if kind == "posix" else key.name.isdigit() and len(key.name) < 20
    if not fits:
        raise Refused("message queue without a name of its kind")
    return MessageQueueRule(words(key.mask, _QUEUE_ACCESS), kind, name(key.name))


def io_uring(key: AppArmorKey) -> AppArmorRule:
    """Use of io_uring beyond what everybody may do."""
    access = words(key.mask, frozenset({"sqpoll", "override_creds"}))
    return IoUringRule(access, peer(key) if key.peer else b"")


def user_namespace(key: AppArmorKey) -> AppArmorRule:
    """The making of a user namespace."""
    if b"userns_create" not in (key.mask, key.requested):
        raise Refused("mask that is none")
    return UserNamespaceRule()
