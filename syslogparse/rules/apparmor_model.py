"""Rules of an AppArmor profile as typed objects (apparmor.d(5)).

Bytes come from a log and are written by the language so that they mean themselves; text is from closed tables of ours.
Empty is what a rule does not say, which is any.
"""

from __future__ import annotations

from typing import TypeAlias

import msgspec


class Glob(msgspec.Struct, frozen=True):
    """A part of a path or name that stands for more than itself. text: one of ``patterns.GLOBS``."""

    text: str


Part: TypeAlias = bytes | Glob


class FileRule(msgspec.Struct, frozen=True, tag="file"):
    """File access. path: the very bytes, unescaped. perms: letters of apparmor.d(5), in the order r w a l k m.

    execute: the transition (ix, Px, Cx, ...) or empty for none. target: the profile that it leads to, where it is not the one
    that the transition finds itself. pattern: what the rule matches, where that is not the path alone.
    """

    path: bytes
    perms: str
    owner: bool = False
    execute: str = ""
    target: bytes = b""
    pattern: tuple[Part, ...] = ()


class LinkRule(msgspec.Struct, frozen=True, tag="link"):
    """A hard link from path to target whose permissions are a subset of the target's."""

    path: bytes
    target: bytes
    owner: bool = False


class CapabilityRule(msgspec.Struct, frozen=True, tag="capability"):
    """Capability. name: lower case, without CAP_ (capabilities(7))."""

    name: str


class NetworkRule(msgspec.Struct, frozen=True, tag="network"):
    """Socket access. family, sock_type: apparmor.d(5)'s words. access: sorted. The rest as the kernel writes it."""

    family: str
    sock_type: str
    access: tuple[str, ...] = ()
    ip: str = ""
    port: str = ""
    peer_ip: str = ""
    peer_port: str = ""


class UnixRule(msgspec.Struct, frozen=True, tag="unix"):
    """Access to a unix socket that is no file. addr, peer_addr: abstract addresses with their @.

    addr_pattern, peer_pattern: what the rule matches in their place; they are empty then.
    """

    access: tuple[str, ...]
    sock_type: str
    addr: bytes = b""
    peer_addr: bytes = b""
    addr_pattern: tuple[Part, ...] = ()
    peer_pattern: tuple[Part, ...] = ()


class DbusRule(msgspec.Struct, frozen=True, tag="dbus"):
    """Access over D-Bus: send and receive name a message, bind a name, eavesdrop a bus alone.

    path_pattern: what the rule matches in the place of a path, which is empty then.
    """

    access: tuple[str, ...]
    bus: bytes = b""
    path: bytes = b""
    name: bytes = b""
    interface: bytes = b""
    member: bytes = b""
    label: bytes = b""
    path_pattern: tuple[Part, ...] = ()


class SignalRule(msgspec.Struct, frozen=True, tag="signal"):
    """Signals to or from peers. access, signals: sorted. peer: a profile's name."""

    access: tuple[str, ...]
    signals: tuple[str, ...]
    peer: bytes


class PtraceRule(msgspec.Struct, frozen=True, tag="ptrace"):
    """Tracing and reading of other processes. access: sorted. peer: a profile's name."""

    access: tuple[str, ...]
    peer: bytes


class MountRule(msgspec.Struct, frozen=True, tag="mount"):
    """A mount, or an umount. options: sorted. source: a device, a directory or any word; an umount has none."""

    umount: bool
    fstype: bytes
    options: tuple[str, ...]
    source: bytes
    target: bytes


class PivotRootRule(msgspec.Struct, frozen=True, tag="pivot_root"):
    """A change of the root directory: the new root, and where the old one is put."""

    new: bytes
    old: bytes


class MessageQueueRule(msgspec.Struct, frozen=True, tag="mqueue"):
    """Access to a message queue. kind: posix or sysv. name: a path, or a number for sysv."""

    access: tuple[str, ...]
    kind: str
    name: bytes


class IoUringRule(msgspec.Struct, frozen=True, tag="io_uring"):
    """Use of io_uring. access: sqpoll or override_creds. label: a profile's name."""

    access: tuple[str, ...]
    label: bytes = b""


class UserNamespaceRule(msgspec.Struct, frozen=True, tag="userns"):
    """Making of user namespaces."""


class ChangeProfileRule(msgspec.Struct, frozen=True, tag="change_profile"):
    """A change to another profile that the program asks for itself."""

    target: bytes


class IncludeRule(msgspec.Struct, frozen=True, tag="include"):
    """All rules of an abstraction. name: the file below apparmor.d, ``abstractions/NAME``."""

    name: str


AppArmorRule: TypeAlias = (
    FileRule
    | LinkRule
    | CapabilityRule
    | NetworkRule
    | UnixRule
    | DbusRule
    | SignalRule
    | PtraceRule
    | MountRule
    | PivotRootRule
    | MessageQueueRule
    | IoUringRule
    | UserNamespaceRule
    | ChangeProfileRule
    | IncludeRule
)
