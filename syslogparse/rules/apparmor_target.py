"""Which AppArmor the rules are for: what its parser does not know is written in an older, wider way, or not at all."""

from __future__ import annotations

from typing import NamedTuple, TypeAlias

from syslogparse.rules.apparmor_model import (
    AppArmorRule,
    IoUringRule,
    MessageQueueRule,
    MountRule,
    NetworkRule,
    UserNamespaceRule,
)
from syslogparse.rules.merge import Refused

Version: TypeAlias = tuple[int, int]

LATEST: Version = (9999, 0)
"""Newer than any: nothing is written in an older way."""

_FOUR: Version = (4, 0)

# Of parser/mount.cc of AppArmor 3.0, what the kernel writes for flags (audit_mnt_flags of security/apparmor/mount.c) included.
_OPTIONS = frozenset(
    "ro r read-only rw w suid nosuid dev nodev exec noexec sync async remount mand nomand dirsync atime noatime diratime "
    "nodiratime bind B move M rbind R verbose silent loud acl noacl unbindable private slave shared runbindable rprivate rslave "
    "rshared make-unbindable make-private make-slave make-shared make-runbindable make-rprivate make-rslave make-rshared "
    "relatime norelatime iversion noiversion strictatime user nouser".split()
)
_NEWER_OPTIONS = frozenset("symfollow nosymfollow lazytime nolazytime nostrictatime".split())
OPTIONS = _OPTIONS | _NEWER_OPTIONS
"""What options= may name."""


class Choices(NamedTuple):
    """What the user chose. exact: nothing is generalised. target: the version of the AppArmor that will load the rules."""

    exact: bool = False
    target: Version = LATEST


USUAL = Choices()
"""What is chosen where nobody chooses."""


class Fitted(NamedTuple):
    """A rule that the target knows. note: what had to give way, a part of a sentence; empty when nothing."""

    rule: AppArmorRule
    note: str = ""


def fitted(rule: AppArmorRule, target: Version) -> Fitted:
    """``rule`` as AppArmor ``target`` can load it. Raises Refused where it has no words for it."""
    if target >= _FOUR:
        return Fitted(rule)
    older = f"AppArmor {target[0]}.{target[1]}"
    if isinstance(rule, NetworkRule) and (rule.access or rule.ip or rule.port or rule.peer_ip or rule.peer_port):
        plain = NetworkRule(rule.family, rule.sock_type)
        return Fitted(plain, f"{older} cannot say more of a socket than family and type: wider than what was denied")
    if isinstance(rule, MountRule) and _NEWER_OPTIONS & set(rule.options):
        wider = MountRule(rule.umount, rule.fstype, (), rule.source, rule.target)
        return Fitted(wider, f"{older} does not know one of the options: any will do")
    for kind, word in ((MessageQueueRule, "mqueue"), (IoUringRule, "io_uring"), (UserNamespaceRule, "userns")):
        if isinstance(rule, kind):
            raise Refused(f"the parser that the rules are for is too old for {word} rules, AppArmor 4.0 is wanted")
    return Fitted(rule)
