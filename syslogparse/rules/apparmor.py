"""AppArmor denials and complain-mode allowances to rules of their profile.

Sources: security/apparmor/ of the kernel (file.c, capability.c, net.c, audit.c) for what is logged, apparmor.d(5) for what a
rule can say. Each kind of record has one reader; file records of a path are merged into one rule per path.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from msgspec.structs import replace

from syslogparse.evidence.model import AppArmorKey, Evidence
from syslogparse.rules.capabilities import CAPABILITY_RISK
from syslogparse.rules.merge import Draft, Refused, merge_evidence, weakest
from syslogparse.rules.model import (
    Advice,
    AppArmorRule,
    CapabilityRule,
    Confidence,
    FileRule,
    NetworkRule,
    Risk,
    Rule,
    Suggestion,
)
from syslogparse.rules.paths import danger_of

FAMILIES = frozenset(
    "inet ax25 ipx appletalk netrom bridge atmpvc x25 inet6 rose netbeui security key netlink packet ash econet atmsvc rds sna "
    "irda pppox wanpipe llc ib mpls can tipc bluetooth iucv rxrpc isdn phonet ieee802154 caif alg nfc vsock kcm qipcrtr smc "
    "xdp mctp".split()
)
"""Socket families that a network rule may name (apparmor.d(5)); unix sockets have rules of their own."""
SOCK_TYPES = frozenset("stream dgram seqpacket rdm raw packet".split())

_FILE_OPERATIONS = frozenset(
    "open create mknod mkdir rmdir unlink truncate rename_src rename_dest link symlink chmod chown getattr setattr exec "
    "file_perm file_lock file_mmap file_mprotect file_inherit file_receive inode_permission inode_create inode_mkdir inode_mknod "
    "inode_unlink inode_rmdir inode_getattr inode_setattr".split()
)
_OTHER_OPERATIONS = (
    "unix", "dbus", "signal", "ptrace", "mount", "umount", "remount", "pivotroot", "change_profile", "change_hat",
    "change_onexec", "stack_onexec", "stack", "userns_create", "io_uring", "uring_override", "uring_sqpoll", "mqueue",
    "posix_mqueue", "sysv_mqueue", "setrlimit", "profile_load", "profile_replace", "profile_remove", "module",
)  # fmt: skip
_DBUS = "dbus"
_VERDICTS = {
    "AUDIT": "allowed, and logged on request of the profile",
    "STATUS": "a message about AppArmor itself",
    "HINT": "a hint, not a denial",
    "ERROR": "an error inside AppArmor",
    "KILLED": "the profile kills for this access on purpose",
}
_FRUITLESS_INFO = (
    (b"Failed name lookup", "path that AppArmor could not name (disconnected or deleted)"),
    (b"label not found", "the profile to change to is not loaded"),
    (b"profile not found", "the profile to change to is not loaded"),
    (b"profile transition not found", "the profile to change to is not loaded"),
    (b"no new privs", "no_new_privs forbids it, whatever the profile says"),
    (b"ptrace prevents transition", "a tracer forbids it, whatever the profile says"),
)
_PERMS = "rwalkm"
_KERNEL_LETTERS = {"c": "w", "d": "w"} | {letter: letter for letter in _PERMS}
_NULL_CHILD = b"//null-"
_MAX_PATH = 4096
_MAX_PROFILE = 4096


class _Access(NamedTuple):
    """One validated file record. execute: the x of an exec record."""

    profile: bytes
    path: bytes
    owner: bool
    letters: frozenset[str]
    execute: bool
    item: Evidence


class _Owner(NamedTuple):
    """The profile a rule goes to. child: the record came from a complain-mode child without a profile of its own."""

    profile: bytes
    child: bool


def advise(evidence: Iterable[Evidence]) -> Advice:
    """Suggestions for AppArmor evidence, each with the profile that it belongs to."""
    draft = Draft()
    files: dict[tuple[bytes, bytes], list[_Access]] = {}
    for item in evidence:
        try:
            found = _read(item)
        except Refused as refusal:
            draft.refuse(refusal.reason, item)
            continue
        if isinstance(found, _Access):
            files.setdefault((found.profile, found.path), []).append(found)
        else:
            draft.add(found)
    for accesses in files.values():
        for suggestion in _file_suggestions(accesses):
            draft.add(suggestion)
    return draft.advice(natural_order)


def natural_order(rule: Rule) -> tuple[object, ...]:
    """The sorting key of an AppArmor rule: capabilities, then networks, then files by path."""
    if isinstance(rule, CapabilityRule):
        return (0, rule.name)
    if isinstance(rule, NetworkRule):
        return (1, rule.family, rule.sock_type)
    if isinstance(rule, FileRule):
        return (2, rule.path, rule.owner, rule.perms, rule.execute)
    return ()


def _read(item: Evidence) -> _Access | Suggestion:
    key = _key(item)
    _check_verdict(key.verdict)
    where = _profile(key)
    for start, reason in _FRUITLESS_INFO:
        if key.info.startswith(start):
            raise Refused(reason)
    operation = key.operation.decode("ascii", "replace")
    if operation == "capable" or key.class_ == b"cap":
        return _suggestion(_capability(key), where, item)
    # Records of older kernels have no class; that of an inherited socket names a file operation and no path.
    if key.class_ == b"net" or (key.family and not key.name and not key.class_):
        return _suggestion(_network(key), where, item)
    if operation in _FILE_OPERATIONS and key.class_ in (b"", b"file"):
        return _access(key, where, item)
    raise Refused(_no_rule_for(operation, key.class_.decode("ascii", "replace")))


def _check_verdict(word: bytes) -> None:
    if word in (b"DENIED", b"ALLOWED"):
        return
    raise Refused(_VERDICTS.get(word.decode("ascii", "replace"), "no verdict that AppArmor knows"))


def _profile(key: AppArmorKey) -> _Owner:
    """The profile's name with its namespace (``:ns://name``) and hat (``name//hat``), without complain-mode children."""
    name, null, _ = key.profile.partition(_NULL_CHILD)
    if not name or len(key.profile) + len(key.namespace) > _MAX_PROFILE or b"\0" in name + key.namespace:
        raise Refused("no profile name that a rule can be put under")
    if name == b"unconfined" or b"//&" in name:
        raise Refused("unconfined, or a stack of profiles: no single profile to put a rule in")
    namespace = b"" if key.namespace == b"root" else key.namespace.removeprefix(b"root//")
    return _Owner(b":" + namespace + b"://" + name if namespace else name, bool(null))


def _no_rule_for(operation: str, class_: str) -> str:
    for name in (class_, operation):
        if name in _OTHER_OPERATIONS:
            return f"no rule for {name} operations yet"
        if name.startswith(_DBUS):
            return f"no rule for {_DBUS} operations yet"
    return "no rule for another operation yet"


def _capability(key: AppArmorKey) -> CapabilityRule:
    name = key.capability.decode("ascii", "replace")
    if name not in CAPABILITY_RISK:
        raise Refused("capability that is none")
    return CapabilityRule(name)


def _network(key: AppArmorKey) -> NetworkRule:
    family, sock_type = key.family.decode("ascii", "replace"), key.sock_type.decode("ascii", "replace")
    if family == "unix":
        raise Refused("no rule for unix operations yet")
    if family not in FAMILIES or sock_type not in SOCK_TYPES:
        raise Refused("socket family or type that a rule cannot hold")
    return NetworkRule(family, sock_type)


def _access(key: AppArmorKey, where: _Owner, item: Evidence) -> _Access:
    if not key.name:
        raise Refused("no path")
    _check_path(key.name)
    letters, execute = _mask(key)
    # Who owns a program says nothing about who runs it: AppArmor's own tools ask no owner for executions either.
    owner = key.owner == b"1" and not execute
    return _Access(where.profile, key.name, owner, letters, execute, item)


def _check_path(path: bytes) -> None:
    """A path as the kernel names it (d_path): absolute and without empty, ``.`` or ``..`` parts."""
    if path[:1] != b"/":
        raise Refused("path that does not start at the root")
    if len(path) > _MAX_PATH or b"\0" in path:
        raise Refused("path that no file can have")
    parts = path[1:].split(b"/")
    if b"" in parts[:-1] or b"." in parts or b".." in parts:
        raise Refused("path that the kernel does not write so")


def _mask(key: AppArmorKey) -> tuple[frozenset[str], bool]:
    """Permissions that the mask asks for, and whether it is an execution.

    ``c`` and ``d`` (create, delete) are written ``w`` in a profile; ``w`` includes ``a``. Old kernels put ``::`` between the
    owner's part and the others'. An ``x`` outside exec records is the kernel's own condition for hard links.
    """
    asked = set(key.mask.decode("ascii", "replace").replace("::", ""))
    execute = "x" in asked and key.operation == b"exec"
    asked.discard("x")
    if not asked <= _KERNEL_LETTERS.keys():
        raise Refused("mask that is none")
    letters = {_KERNEL_LETTERS[letter] for letter in asked}
    if not letters and not execute:
        raise Refused("no permission asked for")
    return frozenset(letters), execute


def _file_suggestions(accesses: Sequence[_Access]) -> Iterable[Suggestion]:
    """Rules for one path of one profile: one for everybody, and one for the owner with what that leaves."""
    everybody = [one for one in accesses if not one.owner]
    common = _granted(everybody)
    covered = common | {"a"} if "w" in common else common
    own = [one for one in accesses if one.owner and not _granted([one]) <= covered]
    everybody += [one for one in accesses if one.owner and _granted([one]) <= covered]
    if everybody:
        yield _file_suggestion(everybody, common, common, owner=False)
    if own:
        left = _granted(own) - covered
        yield _file_suggestion(own, left, common | left, owner=True)


def _granted(accesses: Iterable[_Access]) -> frozenset[str]:
    """The letters of a rule for all of ``accesses``. Run under the same profile (ix), a program is also read and mapped."""
    letters = {letter for one in accesses for letter in one.letters}
    if any(one.execute for one in accesses):
        letters |= {"x", "r", "m"}
    if "w" in letters:
        letters.discard("a")
    return frozenset(letters)


def _file_suggestion(accesses: Sequence[_Access], letters: frozenset[str], all_: frozenset[str], *, owner: bool) -> Suggestion:
    """The rule that grants ``letters``; its risk is that of ``all_``, which a process gets from this rule and others."""
    first = accesses[0]
    rule = _file_rule(first.path, letters, owner=owner)
    asked = frozenset(letter for one in accesses for letter in one.letters)
    others = tuple(replace(_file_rule(first.path, letters & asked, owner=owner), execute=way) for way in ("Px", "Cx"))
    danger = danger_of(_file_rule(first.path, all_, owner=owner))
    items = [one.item for one in accesses]
    item = merge_evidence(items)
    complain = all(_key(one).verdict == b"ALLOWED" for one in items)
    child = any(_NULL_CHILD in _key(one).profile for one in items)
    return Suggestion(
        rule=rule,
        intent="allow",
        risk=danger.risk,
        confidence="medium" if complain else "high",
        why=_why(complain, child, danger.because),
        evidence=item,
        trust=weakest(item),
        profile=first.profile,
        alternatives=others if rule.execute else (),
    )


def _file_rule(path: bytes, letters: frozenset[str], *, owner: bool) -> FileRule:
    perms = "".join(letter for letter in _PERMS if letter in letters)
    return FileRule(path, perms, owner, "ix" if "x" in letters else "")


def _suggestion(rule: AppArmorRule, where: _Owner, item: Evidence) -> Suggestion:
    complain = _key(item).verdict == b"ALLOWED"
    confidence: Confidence = "medium" if complain else "high"
    risk, because = _risk(rule)
    return Suggestion(
        rule=rule,
        intent="allow",
        risk=risk,
        confidence=confidence,
        why=_why(complain, where.child, because),
        evidence=item,
        trust=weakest(item),
        profile=where.profile,
    )


def _key(item: Evidence) -> AppArmorKey:
    if not isinstance(item.key, AppArmorKey):
        raise Refused("evidence that contradicts itself")
    return item.key


def _risk(rule: AppArmorRule) -> tuple[Risk, str]:
    if isinstance(rule, CapabilityRule):
        risk = CAPABILITY_RISK[rule.name]
        return risk, "the confinement itself" if risk == "critical" else ""
    if isinstance(rule, NetworkRule):
        if rule.family == "packet" or rule.sock_type in ("raw", "packet"):
            return "high", "packets of any content"
        return "medium", ""
    danger = danger_of(rule)
    return danger.risk, danger.because


def _why(complain: bool, child: bool, because: str) -> str:
    parts = ["Complain mode let it pass, enforce mode would deny it" if complain else "The profile denied it"]
    if because:
        parts.append(f"at stake: {because}")
    if child:
        parts.append("seen in a complain-mode child (//null-), which shares this profile once its program is run with ix")
    return "; ".join(parts) + "."
