"""File rules: all that was asked of a path, in one rule for everybody and one for the owner of the file with what that leaves.

Sources: security/apparmor/file.c of the kernel for masks and owners, apparmor.d(5) for what a rule can say.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple, TypeAlias

from syslogparse.evidence.model import AppArmorKey, Evidence
from syslogparse.rules import patterns
from syslogparse.rules.apparmor_model import FileRule, LinkRule, Part
from syslogparse.rules.apparmor_profile import Home
from syslogparse.rules.merge import Refused
from syslogparse.rules.model import RISKS
from syslogparse.rules.paths import Danger, danger_of

_PERMS = "rwalkm"
_KERNEL_LETTERS = {"c": "w", "d": "w"} | {letter: letter for letter in _PERMS}
_MAX_PATH = 4096
_SAFEST_FIRST = ("Px", "Cx", "ix")
_OWNED_BY_USERS = (b"/home/", b"/root/", b"/tmp/", b"/var/tmp/", b"/dev/shm/", b"/run/user/")
_OF_INIT = b"/proc/1/"
_OF_A_PROCESS = tuple(b"/proc/%d" % digit for digit in range(1, 10))


class Access(NamedTuple):
    """One file record, validated. execute: how a program that was run is to be run, else empty. target: of a hard link.

    instead: the profile has a rule for the run, in the place of which the new one would have to stand.
    """

    home: Home
    path: bytes
    owner: bool
    letters: frozenset[str]
    execute: str
    target: bytes
    item: Evidence
    instead: bool = False


class Finding(NamedTuple):
    """A rule for a path with the records behind it."""

    rule: FileRule | LinkRule
    danger: Danger
    accesses: Sequence[Access]
    alternatives: tuple[FileRule | LinkRule, ...] = ()


_INSTEAD = "the rule that changes the profile at this run, in the place of which this one would have to stand"

_Parts: TypeAlias = tuple[Part, ...]
_Groups: TypeAlias = dict[tuple[bytes, _Parts], list[Access]]


def access(key: AppArmorKey, home: Home, transition: str, item: Evidence, *, exact: bool) -> Access:
    """The record as an access to a path. Raises Refused. transition: how a program that it ran is to be run."""
    if not key.name:
        raise Refused("no path")
    check_path(key.name)
    letters, execute = _mask(key)
    # Who owns a program says nothing about who runs it: AppArmor's own tools ask no owner for executions either.
    owner = not execute and _is_owners(key, exact=exact)
    target = key.target if "l" in letters and key.target.startswith(b"/") and b"\0" not in key.target else b""
    return Access(home, key.name, owner, letters, transition if execute else "", target, item)


def _is_owners(key: AppArmorKey, *, exact: bool) -> bool:
    """A run as root makes everything its own: what the system has anyway is then no matter of ownership."""
    if key.owner == b"root" and not exact:
        return key.name.startswith(_OWNED_BY_USERS + _OF_A_PROCESS)
    return key.owner in (b"1", b"root")


def access_rule(one: Access) -> FileRule:
    """The rule for nothing but that access."""
    return FileRule(one.path, _written(one.letters), one.owner, one.execute)


def check_path(path: bytes) -> None:
    """A path as the kernel names it (d_path): absolute and without empty, ``.`` or ``..`` parts. Raises Refused."""
    if path[:1] != b"/":
        raise Refused("path that does not start at the root")
    if len(path) > _MAX_PATH or b"\0" in path:
        raise Refused("path that no file can have")
    parts = path[1:].split(b"/")
    if b"" in parts[:-1] or b"." in parts or b".." in parts:
        raise Refused("path that the kernel does not write so")


def _mask(key: AppArmorKey) -> tuple[frozenset[str], bool]:
    """Permissions that the mask asks for, and whether it is an execution.

    ``c`` and ``d`` (create, delete) are written ``w`` in a profile; ``w`` includes ``a``. An ``x`` outside exec records is
    the kernel's own condition for hard links.
    """
    asked = set(key.mask.decode("ascii", "replace"))
    execute = "x" in asked and key.operation == b"exec"
    asked.discard("x")
    if not asked <= _KERNEL_LETTERS.keys():
        raise Refused("mask that is none")
    if not asked and not execute:
        raise Refused("no permission is named that was denied")
    return frozenset(_KERNEL_LETTERS[letter] for letter in asked), execute


def findings(accesses: Iterable[Access], *, exact: bool) -> Iterable[Finding]:
    """The rules for all ``accesses``; they may be of many profiles."""
    accesses = list(accesses)
    groups: _Groups = {}
    # What is written and run is dangerous together, so all that is said of a program stands under its own path.
    literal = {(one.home.profile, one.path) for one in accesses if one.execute or "l" in one.letters}
    for one in accesses:
        if one.target and not exact:
            yield _pair(one)
            if not (left := one.letters - {"l"}):
                continue
            one = one._replace(letters=left, target=b"")  # noqa: PLW2901 - the rest of the same record
        as_it_is = exact or (one.home.profile, one.path) in literal
        parts = () if as_it_is else patterns.pattern(one.path, one.letters, owner=one.owner)
        groups.setdefault((one.home.profile, parts or (one.path,)), []).append(one)
    if not exact:
        groups = _directories(_with_init(groups))
    for (_, parts), group in groups.items():
        yield from _of_path(parts, group)


def _with_init(groups: _Groups) -> _Groups:
    """What is asked of process 1, and by the same rule as of others, is in the rule for any process."""
    out = dict(groups)
    for (profile, parts), group in groups.items():
        if group[0].path.startswith(_OF_INIT) and len(parts) == 1 and not any(one.execute or "l" in one.letters for one in group):
            others = (profile, patterns.of_any_process(group[0].path))
            if others in out:
                out[others] = [*out[others], *out.pop((profile, parts))]
    return out


def _directories(groups: _Groups) -> _Groups:
    """Many files of one directory, all read by the same in the same way, become one group."""
    alike: dict[tuple[bytes, _Parts, frozenset[str], bool], list[tuple[bytes, _Parts]]] = {}
    for (profile, parts), group in groups.items():
        letters = _granted(group)
        if any(one.execute or one.owner != group[0].owner or patterns.is_sensitive(one.path) for one in group):
            continue
        if letters <= {"r", "m", "k"} and (where := patterns.directory(parts)):
            alike.setdefault((profile, where, letters, group[0].owner), []).append((profile, parts))
    out = dict(groups)
    for (profile, where, _, _), members in alike.items():
        if len(members) >= patterns.DIRECTORY:
            merged = [one for member in members for one in out.pop(member)]
            out.setdefault((profile, where), []).extend(merged)
    return out


def _pair(one: Access) -> Finding:
    rule = LinkRule(one.path, one.target, one.owner)
    return Finding(rule, danger_of(FileRule(one.path, "l")), [one], (FileRule(one.path, "l", one.owner),))


def _of_path(parts: _Parts, accesses: Sequence[Access]) -> Iterable[Finding]:
    everybody = [one for one in accesses if not one.owner]
    common = _granted(everybody)
    covered = common | {"a"} if "w" in common else common
    own = [one for one in accesses if one.owner and not one.letters <= covered]
    everybody += [one for one in accesses if one.owner and one.letters <= covered]
    runs = _transition(everybody)
    if everybody:
        yield _finding(parts, everybody, FileRule(b"", _written(common), execute=runs), common)
    if own:
        left = _granted(own) - covered
        all_ = FileRule(b"", _written(common | left), execute=runs)
        yield _finding(parts, own, all_, left, owner=True)


def _granted(accesses: Iterable[Access]) -> frozenset[str]:
    letters = {letter for one in accesses for letter in one.letters}
    if "w" in letters:
        letters.discard("a")
    return frozenset(letters)


def _finding(
    parts: _Parts, accesses: Sequence[Access], all_: FileRule, letters: frozenset[str], *, owner: bool = False
) -> Finding:
    """The rule that grants ``letters``; its risk is that of ``all_``, which a process gets from this rule and others."""
    execute = _transition(accesses)
    exact = len(parts) == 1 and isinstance(parts[0], bytes)
    path = accesses[0].path if exact else b""
    rule = _rule(path, letters, owner, execute)
    if not exact:
        rule = FileRule(b"", rule.perms, owner, pattern=parts)
    others: tuple[FileRule | LinkRule, ...] = ()
    if execute:
        nested = all(one.home.program for one in accesses)
        others = tuple(
            _rule(path, letters, owner, way) for way in _SAFEST_FIRST if way != execute and not (nested and way == "Cx")
        )
    elif letters == {"l"} and len(targets := {one.target for one in accesses}) == 1 and (target := targets.pop()):
        others = (LinkRule(path, target, owner),)
    dangers = [danger_of(FileRule(one, all_.perms, owner, all_.execute)) for one in {one.path for one in accesses}]
    danger = max(sorted(dangers), key=lambda one: RISKS.index(one.risk))
    if any(one.instead for one in accesses):
        danger = Danger(max(danger.risk, "high", key=RISKS.index), danger.because or _INSTEAD)
    return Finding(rule, danger, accesses, others)


def _transition(accesses: Sequence[Access]) -> str:
    return min((one.execute for one in accesses if one.execute), key=_SAFEST_FIRST.index, default="")


def _rule(path: bytes, letters: frozenset[str], owner: bool, execute: str) -> FileRule:
    """The rule for a path. Run under the same profile (ix), a program is also read and mapped."""
    if execute == "ix":
        letters |= {"r", "m"}
    return FileRule(path, _written(letters), owner, execute)


def _written(letters: frozenset[str]) -> str:
    return "".join(letter for letter in _PERMS if letter in letters)
