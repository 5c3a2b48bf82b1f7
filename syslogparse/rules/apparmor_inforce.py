"""AppArmor policy that is in force already: what it grants, and what it forbids by name (``deny``).

A rule in force is looked at as what it says: a kind, the accesses, and conditions that have to hold. Where a suggestion does
not say what a condition asks for, the condition does not hold: nothing is taken for granted or forbidden that is not surely so.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Literal, NamedTuple, Protocol, TypeAlias, cast

from syslogparse.rules.apparmor_glob import Glob
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

ANYTHING = "all"
"""The kind of a rule that grants all kinds (``all,``)."""

Verdict: TypeAlias = Literal["covered", "denied", ""]
"""Covered: all of it is granted. Denied: some of it is forbidden by name. Empty: neither."""


class Condition(Protocol):
    """What a rule asks of a value."""

    def accepts(self, value: bytes) -> bool:
        """Whether the condition holds for ``value``."""


class Words(NamedTuple):
    """One of several words."""

    words: frozenset[bytes]

    def accepts(self, value: bytes) -> bool:
        """Whether ``value`` is one of them."""
        return value in self.words


class Globs(NamedTuple):
    """One of several globs."""

    globs: tuple[Glob, ...]

    def accepts(self, value: bytes) -> bool:
        """Whether one of them matches ``value``."""
        return any(glob.matches(value) for glob in self.globs)


_NO_FLAGS = frozenset(b"rw w suid dev exec async nomand atime diratime loud noacl norelatime noiversion nostrictatime".split())


class Options(NamedTuple):
    """Mount options. several: any of the words; otherwise these and no others. Words that only take a flag away do not count."""

    words: frozenset[bytes]
    several: bool

    def accepts(self, value: bytes) -> bool:
        """Whether the options of ``value``, comma separated, are such."""
        asked, ours = frozenset(value.split(b",")) - _NO_FLAGS - {b""}, self.words - _NO_FLAGS
        return asked <= ours if self.several else asked == ours


class Held(NamedTuple):
    """A rule in force. access: None for every access. said: field and condition. source: the file that it stands in."""

    kind: str
    access: frozenset[str] | None
    said: tuple[tuple[str, Condition], ...] = ()
    deny: bool = False
    owner: bool = False
    priority: int = 0
    source: str = ""


class Asked(NamedTuple):
    """A suggestion in the same terms. said: a value for each field that it says. own: whether the file is the process's own."""

    kind: str
    access: frozenset[str]
    said: dict[str, bytes]
    own: bool = False


_MOST_DIRECTORIES = 16


class Later(NamedTuple):
    """A file rule that is read when it is asked for. prefixes: with one of them all begins that it can match."""

    prefixes: tuple[bytes, ...]
    read: Callable[[], Held | None]


class Rules:
    """Rules in force, found by what they are about: file rules by the directories that their paths begin with."""

    def __init__(self, held: Iterable[Held], later: Iterable[Later] = ()) -> None:
        self._of_kind: dict[str, list[Held]] = {}
        self._of_files: dict[bytes, list[Held]] = {}
        self._later: dict[bytes, list[Later]] = {}
        for one in held:
            if one.kind == "file" and one.said and isinstance(one.said[0][1], Globs):
                for where in {_directory(prefix) for glob in one.said[0][1].globs for prefix in glob.prefixes}:
                    self._of_files.setdefault(where, []).append(one)
            else:
                self._of_kind.setdefault(one.kind, []).append(one)
        for unread in later:
            for prefix in unread.prefixes:
                self._later.setdefault(_directory(prefix), []).append(unread)

    def about(self, asked: Asked) -> list[Held]:
        """The rules that speak of what is asked for."""
        found = [*self._of_kind.get(asked.kind, ()), *self._of_kind.get(ANYTHING, ())]
        if asked.kind == "file":
            for where in _directories(asked.said["path"]):
                if where in self._later:
                    read = [one.read() for one in self._later.pop(where)]
                    self._of_files.setdefault(where, []).extend(one for one in read if one is not None)
                found += self._of_files.get(where, ())
        return [one for one in found if _holds(one, asked)]


def _directory(prefix: bytes) -> bytes:
    *names, _ = prefix.split(b"/", _MOST_DIRECTORIES + 1)
    return b"/".join(names[:_MOST_DIRECTORIES])


def _directories(path: bytes) -> list[bytes]:
    found, at = [b""], path.find(b"/", 1)
    while at > 0 and len(found) < _MOST_DIRECTORIES:
        found.append(path[:at])
        at = path.find(b"/", at + 1)
    return found


def _holds(held: Held, asked: Asked) -> bool:
    if held.owner and not asked.own:
        return False
    if held.access is not None and not held.access & asked.access:
        return False
    for field, condition in held.said:
        value = asked.said.get(field)
        if not value or not condition.accepts(value):
            return False
    return True


def judged(found: Sequence[Held], asked: Asked) -> Verdict:
    """What the rules that speak of it say to all of what is asked for. Of equal priority, deny wins."""
    grants: dict[str, int] = {}
    denies: dict[str, int] = {}
    for one in found:
        into = denies if one.deny else grants
        for word in asked.access if one.access is None else one.access & asked.access:
            into[word] = max(one.priority, into.get(word, one.priority))
    if any(priority >= grants.get(word, priority) for word, priority in denies.items()):
        return "denied"
    return "covered" if grants.keys() >= asked.access else ""


class Profile(NamedTuple):
    """A profile in force. local: the file for the site's own rules that it includes, below apparmor.d; empty for none.

    unread: how many of its statements nobody understood; they grant and forbid nothing here.
    """

    rules: Rules
    local: str = ""
    unread: int = 0


class Policy(Protocol):
    """Where profiles come from. It reads them when they are asked for."""

    def profile(self, name: bytes) -> Profile | None:
        """The profile of that full name; None where there is none."""

    def attaches(self, program: bytes) -> bool:
        """Whether a profile is for that program."""

    def abstractions(self) -> Rules:
        """The rules of all abstractions, each with its abstraction as source."""

    def joined(self, texts: Sequence[bytes]) -> Policy:
        """This policy and profiles of other texts, which count more."""


_MOST_OFFERED = 2


_SECRETS = (
    FileRule(b"/etc/shadow", "r"),
    FileRule(b"/srv/data/a", "r"),
    FileRule(b"/root/.ssh/id_rsa", "r", owner=True),
    FileRule(b"/root/.bashrc", "w", owner=True),
)
"""An abstraction that grants one of them is wider than what anybody would take in for another path."""


class ProfilesInForce:
    """All profiles that are in force, as far as they are known."""

    def __init__(self, policy: Policy | None = None) -> None:
        self._policy = policy
        self._wide: frozenset[str] | None = None

    def joined(self, texts: Sequence[bytes]) -> ProfilesInForce:
        """These profiles and those of ``texts``, which count more."""
        return ProfilesInForce(self._policy.joined(texts)) if self._policy and texts else self

    def verdict(self, profile: bytes, rule: AppArmorRule, *, own: bool = False) -> Verdict:
        """What the profile says to ``rule``, which names one path, not a pattern. own: see Asked."""
        found = self._profile(profile)
        if found is None:
            return ""
        asked = asked_for(rule, own=own)
        return judged(found.rules.about(asked), asked)

    def knows(self, profile: bytes) -> bool:
        """Whether there is such a profile."""
        return self._profile(profile) is not None

    def attaches(self, program: bytes) -> bool:
        """Whether a profile is for that program, so that Px finds it."""
        return self._policy is not None and self._policy.attaches(program)

    def local(self, profile: bytes) -> str:
        """See Profile.local."""
        found = self._profile(profile)
        return found.local if found else ""

    def unread(self, profile: bytes) -> int:
        """See Profile.unread."""
        found = self._profile(profile)
        return found.unread if found else 0

    def offers(self, rules: Sequence[AppArmorRule]) -> tuple[str, ...]:
        """A few abstractions each of which grants all ``rules``; none that grants secrets beside."""
        if self._policy is None:
            return ()
        fitting: frozenset[str] | None = None
        for rule in rules:
            granting = self._granting(rule)
            fitting = granting if fitting is None else fitting & granting
            if not fitting:
                return ()
        if fitting and self._wide is None:
            self._wide = frozenset(source for secret in _SECRETS for source in self._granting(secret))
        fitting = (fitting or frozenset()) - (self._wide or frozenset())
        return tuple(sorted(fitting, key=lambda source: (len(source), source))[:_MOST_OFFERED])

    def _granting(self, rule: AppArmorRule) -> frozenset[str]:
        """The abstractions that grant ``rule``."""
        asked = asked_for(rule, own=isinstance(rule, FileRule) and rule.owner)
        of_source: dict[str, list[Held]] = {}
        for one in self._policy.abstractions().about(asked) if self._policy else ():
            of_source.setdefault(one.source, []).append(one)
        return frozenset(source for source, held in of_source.items() if judged(held, asked) == "covered")

    def _profile(self, name: bytes) -> Profile | None:
        return self._policy.profile(name) if self._policy else None


NOTHING_IN_FORCE = ProfilesInForce()
"""No profile is known."""


def asked_for(rule: AppArmorRule, *, own: bool = False) -> Asked:
    """``rule`` in the terms of rules in force."""
    asked = _ASKED[type(rule)](rule)
    return asked._replace(own=own) if own else asked


def _file(rule: FileRule) -> Asked:
    return Asked("file", frozenset(rule.perms) | ({"x"} if rule.execute else set()), {"path": rule.path})


def _link(rule: LinkRule) -> Asked:
    return Asked("link", frozenset("l"), {"path": rule.path, "target": rule.target})


def _capability(rule: CapabilityRule) -> Asked:
    return Asked("capability", frozenset({rule.name}), {})


def _network(rule: NetworkRule) -> Asked:
    said = {"family": rule.family, "type": rule.sock_type, "ip": rule.ip, "port": rule.port}
    said |= {"peer.ip": rule.peer_ip, "peer.port": rule.peer_port}
    return Asked("network", frozenset(rule.access or ("any",)), {field: value.encode() for field, value in said.items()})


def _unix(rule: UnixRule) -> Asked:
    said = {"type": rule.sock_type.encode(), "addr": rule.addr, "peer.addr": rule.peer_addr}
    return Asked("unix", frozenset(rule.access), said)


def _dbus(rule: DbusRule) -> Asked:
    names = ("bus", "path", "name", "interface", "member")
    return Asked("dbus", frozenset(rule.access), {name: getattr(rule, name) for name in names} | {"peer.label": rule.label})


def _signal(rule: SignalRule) -> Asked:
    return Asked("signal", frozenset(rule.access), {"set": rule.signals[0].encode(), "peer": rule.peer})


def _ptrace(rule: PtraceRule) -> Asked:
    return Asked("ptrace", frozenset(rule.access), {"peer": rule.peer})


def _mount(rule: MountRule) -> Asked:
    options = ",".join(rule.options).encode()
    kind = "umount" if rule.umount else "remount" if "remount" in rule.options else "mount"
    said = {"fstype": rule.fstype, "options": options, "source": rule.source, "target": rule.target}
    return Asked(kind, frozenset({"mount"}), said)


def _pivot_root(rule: PivotRootRule) -> Asked:
    return Asked("pivot_root", frozenset({"pivot"}), {"target": rule.new, "oldroot": rule.old})


def _message_queue(rule: MessageQueueRule) -> Asked:
    return Asked("mqueue", frozenset(rule.access), {"type": rule.kind.encode(), "name": rule.name})


def _io_uring(rule: IoUringRule) -> Asked:
    return Asked("io_uring", frozenset(rule.access), {"label": rule.label})


def _user_namespace(rule: UserNamespaceRule) -> Asked:
    del rule
    return Asked("userns", frozenset({"create"}), {})


def _change_profile(rule: ChangeProfileRule) -> Asked:
    return Asked("change_profile", frozenset({"change"}), {"target": rule.target})


def _include(rule: IncludeRule) -> Asked:
    return Asked("include", frozenset({"all"}), {"path": rule.name.encode()})


_ASKED = cast(
    "dict[type, Callable[[AppArmorRule], Asked]]",
    {
        FileRule: _file,
        LinkRule: _link,
        CapabilityRule: _capability,
        NetworkRule: _network,
        UnixRule: _unix,
        DbusRule: _dbus,
        SignalRule: _signal,
        PtraceRule: _ptrace,
        MountRule: _mount,
        PivotRootRule: _pivot_root,
        MessageQueueRule: _message_queue,
        IoUringRule: _io_uring,
        UserNamespaceRule: _user_namespace,
        ChangeProfileRule: _change_profile,
        IncludeRule: _include,
    },
)
