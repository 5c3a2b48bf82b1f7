"""AppArmor denials and complain-mode allowances to rules of their profile.

Sources: security/apparmor/ of the kernel (file.c, capability.c, net.c, audit.c) for what is logged, apparmor.d(5) for what a
rule can say. Each kind of record has one reader; file records of a path are merged into one rule per path.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TypeAlias

from msgspec.structs import astuple, replace

from syslogparse.evidence.model import AppArmorKey, Evidence
from syslogparse.rules import apparmor_ipc, apparmor_mount
from syslogparse.rules.apparmor_files import Access, access, access_rule, check_path, findings
from syslogparse.rules.apparmor_inforce import NOTHING_IN_FORCE, ProfilesInForce
from syslogparse.rules.apparmor_model import (
    AppArmorRule,
    CapabilityRule,
    ChangeProfileRule,
    FileRule,
    IncludeRule,
    LinkRule,
    NetworkRule,
    SignalRule,
    UnixRule,
)
from syslogparse.rules.apparmor_net import Sockets, network
from syslogparse.rules.apparmor_profile import NULL, Home, Profiles
from syslogparse.rules.apparmor_risk import risk_of
from syslogparse.rules.apparmor_target import USUAL, Choices, fitted
from syslogparse.rules.apparmor_union import Union, generalised
from syslogparse.rules.capabilities import CAPABILITY_RISK
from syslogparse.rules.merge import Draft, Refused, merge_evidence, weakest
from syslogparse.rules.model import Advice, Risk, Rule, Suggestion
from syslogparse.rules.paths import Danger
from syslogparse.rules.patterns import is_secret

# Those of sockets too: a unix socket that is a file is reached by its path.
_FILE_OPERATIONS = frozenset(
    "open create mknod mkdir rmdir unlink truncate rename_src rename_dest link symlink symlink_create chmod chown getattr "
    "setattr xattr sysctl exec post_create bind connect listen accept sendmsg recvmsg getsockname getpeername getsockopt "
    "setsockopt socket_create sock_shutdown".split()
)
_OF_FILES = ("file_", "inode_")
_NO_RULE = {
    "change_hat": "the profile has no hat of that name, or the program must not change to it: a hat is a block to be written",
    "setrlimit": "a resource limit: set rlimit takes a value that nobody but its administrator knows",
    "stack": "a stack of profiles, which change_profile rules cannot tell from others",
    "stack_onexec": "a stack of profiles, which change_profile rules cannot tell from others",
    "profile_load": "policy of AppArmor itself: no rule of a profile lets a program change it",
    "profile_replace": "policy of AppArmor itself: no rule of a profile lets a program change it",
    "profile_remove": "policy of AppArmor itself: no rule of a profile lets a program change it",
}
_VERDICTS = {
    "AUDIT": "allowed, and logged on request of the profile",
    "STATUS": "a message about AppArmor itself",
    "HINT": "a hint, not a denial",
    "ERROR": "an error inside AppArmor",
    "KILLED": "denied, and the profile kills for it on purpose",
}
_DISCONNECTED = "path that AppArmor could not name (disconnected; flags=(attach_disconnected) would let it, at high risk)"
_NOT_LOADED = "the profile to change to is not loaded"
_FRUITLESS_INFO = (
    (b"Failed name lookup - disconnected", _DISCONNECTED),
    (b"Failed name lookup", "path that AppArmor could not name (deleted)"),
    (b"label not found", _NOT_LOADED),
    (b"profile not found", _NOT_LOADED),
    (b"profile transition not found", _NOT_LOADED),
    (b"no new privs", "no_new_privs forbids it, whatever the profile says"),
    (b"ptrace prevents transition", "a tracer forbids it, whatever the profile says"),
)
_RUN_IN_PLACE = ("no_new_privs forbids", "a tracer forbids", _NOT_LOADED)
"""What stops a change of profile at a run: a program that shares the profile would run."""
_COVERED = "covered by the profile in force (the log is older than it, or it is not loaded yet)"
_FORBIDDEN = "an explicit deny of the profile in force forbids it"
_SORTED_FIRST = (CapabilityRule, NetworkRule, FileRule, LinkRule)


def advise(evidence: Iterable[Evidence], choices: Choices = USUAL, in_force: ProfilesInForce = NOTHING_IN_FORCE) -> Advice:
    """Suggestions for AppArmor evidence, each with the profile that it belongs to.

    in_force: what is granted already is not suggested again, what is denied by name is never suggested.
    """
    return _Work(list(evidence), choices, in_force).advice()


def natural_order(rule: Rule) -> tuple[object, ...]:
    """The sorting key of an AppArmor rule: capabilities, then networks, then files by path, then the others by kind."""
    kind = type(rule)
    rank = _SORTED_FIRST.index(kind) if kind in _SORTED_FIRST else len(_SORTED_FIRST)
    if isinstance(rule, FileRule):
        path = b"".join(part if isinstance(part, bytes) else part.text.encode() for part in rule.pattern) or rule.path
        return (rank, "", path, rule.owner, rule.perms, rule.execute)
    return (rank, kind.__name__, repr(astuple(rule)))


class _Work:
    """From evidence to advice, once."""

    def __init__(self, items: Sequence[Evidence], choices: Choices, in_force: ProfilesInForce) -> None:
        self._items = items
        self._choices = choices
        self._in_force = in_force
        denials = (key for item in items if isinstance(key := item.key, AppArmorKey) and key.verdict in (b"DENIED", b"ALLOWED"))
        self._profiles = Profiles(denials, exact=choices.exact, in_force=in_force)
        self._draft = Draft()
        self._accesses: list[Access] = []
        self._sockets = Sockets()
        self._union = Union()
        self._children: dict[tuple[bytes, bytes], list[Evidence]] = {}

    def advice(self) -> Advice:
        """All of it."""
        for item in self._items:
            try:
                self._read(item)
            except Refused as refusal:
                self._draft.refuse(refusal.reason, item)
        self._add_runs()
        for found in findings(self._accesses, exact=self._choices.exact):
            homes = [one.home for one in found.accesses]
            items = [one.item for one in found.accesses]
            one = self._suggestion(found.rule, found.danger, homes, items)
            offered = self._offered(one.risk, [access_rule(each) for each in found.accesses])
            self._draft.add(replace(one, alternatives=(*found.alternatives, *offered)))
        for socket in self._sockets.merged(self._choices.target):
            one = self._suggestion(socket.rule, risk_of(socket.rule), socket.homes, socket.items, socket.note)
            offered = self._offered(one.risk, [socket.rule])
            self._draft.add(replace(one, alternatives=(*socket.narrower, *offered)))
        for joined in self._union.joined():
            one = self._suggestion(joined.rule, risk_of(joined.rule), joined.homes, joined.items)
            self._draft.add(replace(one, alternatives=self._offered(one.risk, joined.said)))
        return self._draft.advice(natural_order)

    def _read(self, item: Evidence) -> None:
        key = _key(item)
        _check_verdict(key.verdict)
        home = self._profiles.home(key)
        stopped = _fruitless(key)
        if stopped and not (self._choices.exact and key.operation == b"exec" and stopped.startswith(_RUN_IN_PLACE)):
            raise Refused(stopped)
        reader = _reader(key, exact=self._choices.exact)
        if reader is None:
            way = "ix" if stopped else self._profiles.transition(home, key.name)
            found = access(key, home, way, item, exact=self._choices.exact)
            self._settle(home, [access_rule(found)], own=key.owner in (b"1", b"root"))
            self._accesses.append(found._replace(instead=bool(stopped)))
        else:
            self._read_rule(key, reader(key), home, item)
        if home.program:
            self._children.setdefault((home.base, home.program), []).append(item)

    def _read_rule(self, key: AppArmorKey, wanted: AppArmorRule, home: Home, item: Evidence) -> None:
        narrow = wanted
        if isinstance(wanted, NetworkRule):
            narrow = network(key, exact=True)
        self._settle(home, [wanted, narrow] if narrow != wanted else [wanted])
        rule, note = fitted(wanted, self._choices.target)
        if isinstance(rule, NetworkRule) and isinstance(narrow, NetworkRule):
            self._sockets.add(rule, narrow, home, item, note)
            return
        said = rule
        if not self._choices.exact:
            rule = generalised(rule)
            if isinstance(rule, (UnixRule, SignalRule)):
                self._union.add(rule, said, home, item)
                return
        one = self._suggestion(rule, risk_of(rule), [home], [item], note)
        self._draft.add(replace(one, alternatives=self._offered(one.risk, [said])))

    def _settle(self, home: Home, rules: Sequence[AppArmorRule], *, own: bool = False) -> None:
        """Raises Refused where the policy in force has decided already. rules: the same in several forms."""
        verdicts = {self._in_force.verdict(home.profile, rule, own=own) for rule in rules}
        if "denied" in verdicts:
            raise Refused(_FORBIDDEN)
        if "covered" in verdicts:
            raise Refused(_COVERED)

    def _offered(self, risk: Risk, rules: Sequence[AppArmorRule]) -> tuple[IncludeRule, ...]:
        """Abstractions that grant the same and more; never for what is dangerous: its risk would be out of sight in them."""
        if risk not in ("low", "medium") or len(rules) > _MOST_COMPARED:
            return ()
        if any(isinstance(rule, FileRule) and (rule.execute or is_secret(rule.path)) for rule in rules):
            return ()
        return tuple(IncludeRule(name) for name in self._in_force.offers(rules))

    def _suggestion(
        self, rule: AppArmorRule, danger: Danger, homes: Sequence[Home], items: Sequence[Evidence], note: str = ""
    ) -> Suggestion:
        item = merge_evidence(items)
        complain = all(_key(one).verdict == b"ALLOWED" for one in items)
        profile, base = homes[0].profile, homes[0].base
        of_child = homes[0].program and not self._in_force.knows(profile)
        unread = self._in_force.unread(base if of_child else profile)
        said = (danger.because, note, _of_count(rule), _of_child(homes), _of_run(rule, items), _of_policy(unread))
        return Suggestion(
            rule=rule,
            intent="allow",
            risk=danger.risk,
            confidence="medium" if complain or unread else "high",
            why=_why(complain, *said),
            evidence=item,
            trust=weakest(item),
            profile=profile,
            local=self._in_force.local(base if of_child else profile),
        )

    def _add_runs(self) -> None:
        """A child profile is of no use without the rule that enters it: programs whose run the log does not show."""
        seen = {(one.home.base, one.path) for one in self._accesses if one.execute and not one.home.program}
        for (base, program), items in self._children.items():
            if (base, program) in seen:
                continue
            home = Home(base, base)
            try:
                check_path(program)
                way = self._profiles.transition(home, program)
                found = Access(home, program, False, frozenset(), way, b"", merge_evidence(items))
                self._settle(home, [access_rule(found)])
            except Refused:
                continue
            self._accesses.append(found)


_MOST_COMPARED = 32
"""Accesses of one rule that are looked for in abstractions."""


def _fruitless(key: AppArmorKey) -> str:
    """Why no rule would help, as the kernel says; empty where it does not say so."""
    return next((reason for start, reason in _FRUITLESS_INFO if key.info.startswith(start)), "")


def _check_verdict(word: bytes) -> None:
    if word in (b"DENIED", b"ALLOWED"):
        return
    raise Refused(_VERDICTS.get(word.decode("ascii", "replace"), "no verdict that AppArmor knows"))


def _reader(key: AppArmorKey, *, exact: bool) -> _Reader | None:
    """What makes a rule of the record; None for a path. Raises Refused for what has no rule."""
    operation, class_ = key.operation.decode("ascii", "replace"), key.class_.decode("ascii", "replace")
    found = _OF_CLASS.get(class_) or _OF_OPERATION.get(operation)
    if found in _OF_PEERS and NULL in key.peer and not exact:
        raise Refused("the peer is a complain-mode child, which has no name that a rule could keep")
    if found is not None:
        return found
    if operation.startswith("dbus_"):
        return apparmor_ipc.dbus
    # Records of older kernels have no class; that of an inherited socket names a file operation and no path.
    if class_ == "net" or (key.family and not key.name and not class_):
        if key.family == b"unix" and (class_ or ((key.mask or key.requested) and not exact)):
            return apparmor_ipc.unix
        return lambda socket: network(socket, exact=exact)
    if class_ in ("", "file") and (operation in _FILE_OPERATIONS or operation.startswith(_OF_FILES)):
        return None
    raise Refused(_NO_RULE.get(operation, "no rule for such an operation"))


def _capability(key: AppArmorKey) -> AppArmorRule:
    name = key.capability.decode("ascii", "replace")
    if name not in CAPABILITY_RISK:
        raise Refused("capability that is none")
    return CapabilityRule(name)


def _change_profile(key: AppArmorKey) -> AppArmorRule:
    if not key.target:
        raise Refused("no profile to change to is named")
    return ChangeProfileRule(apparmor_ipc.name(key.target))


_Reader: TypeAlias = Callable[[AppArmorKey], AppArmorRule]
_OF_CLASS: dict[str, _Reader] = {
    "cap": _capability,
    "posix_mqueue": apparmor_ipc.message_queue,
    "sysv_mqueue": apparmor_ipc.message_queue,
    "io_uring": apparmor_ipc.io_uring,
    "namespace": apparmor_ipc.user_namespace,
}
_OF_OPERATION: dict[str, _Reader] = {
    "capable": _capability,
    "signal": apparmor_ipc.signal,
    "ptrace": apparmor_ipc.ptrace,
    "mount": apparmor_mount.mount,
    "umount": apparmor_mount.mount,
    "pivotroot": apparmor_mount.pivot_root,
    "change_profile": _change_profile,
    "change_onexec": _change_profile,
    "userns_create": apparmor_ipc.user_namespace,
    "uring_override": apparmor_ipc.io_uring,
    "uring_sqpoll": apparmor_ipc.io_uring,
}

_OF_PEERS: tuple[_Reader, ...] = (apparmor_ipc.signal, apparmor_ipc.ptrace, apparmor_ipc.io_uring)


def _key(item: Evidence) -> AppArmorKey:
    if not isinstance(item.key, AppArmorKey):
        raise Refused("evidence that contradicts itself")
    return item.key


def _of_child(homes: Sequence[Home]) -> str:
    if nameless := [home for home in homes if home.nameless]:
        part = "in part " if len(nameless) < len(homes) else ""
        seen = "seen in a complain-mode child (//null-) of a program that the log does not name"
        return f"{part}{seen}: needed only where that is run with ix"
    if any(home.program for home in homes):
        return "seen in a complain-mode child (//null-) that the rule for running its program gives this profile"
    return ""


def _of_run(rule: AppArmorRule, items: Sequence[Evidence]) -> str:
    if not isinstance(rule, FileRule) or not rule.execute:
        return ""
    unseen = "" if any(_key(one).operation == b"exec" for one in items) else "the run itself is not in the log; "
    if rule.execute == "Cx":
        return f"{unseen}Cx runs it in a child profile of its own, a block inside this profile that has to be there"
    return f"{unseen}Px runs it in its own profile" if rule.execute == "Px" else f"{unseen}it shares this profile"


def _of_count(rule: AppArmorRule) -> str:
    return (
        "the kernel logs repeats of a capability once, so the count is the least that it was"
        if (isinstance(rule, CapabilityRule))
        else ""
    )


def _of_policy(unread: int) -> str:
    plural = "statement" if unread == 1 else "statements"
    return f"{unread} {plural} of the profile in force could not be read here and may settle or forbid it" if unread else ""


def _why(complain: bool, because: str, *more: str) -> str:
    parts = ["Complain mode let it pass, enforce mode would deny it" if complain else "The profile denied it"]
    if because:
        parts.append(f"at stake: {because}")
    return "; ".join([*parts, *(one for one in more if one)]) + "."
