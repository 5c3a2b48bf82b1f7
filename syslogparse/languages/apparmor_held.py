"""Statements of an AppArmor profile as rules in force (apparmor.d(5)). Strict: what is not surely understood is nothing."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import NamedTuple

from syslogparse.languages.apparmor_scan import FileStatement, RuleStatement, unquoted
from syslogparse.rules.apparmor_glob import Glob, NotUnderstood, Variables
from syslogparse.rules.apparmor_inforce import ANYTHING, Condition, Globs, Held, Options, Words

_PERMS = re.compile(rb"[rwalkm]*(?:[ipcuPCU]{0,3}x)?[rwalkm]*")
_PERMS_FIRST = re.compile(rb"[rwalkm]{1,6}(?:[ipcuPCU]{0,3}x)?|[ipcuPCU]{1,3}x")
_CONDITION = re.compile(rb'([a-z_]{2,12})\s*(=|\sin\s)\s*(\([^()]*\)|"[^"]*"|(?:\{[^\s{}]*\}|[^\s,"(){}])+)')
_PEER = re.compile(rb"peer\s*=\s*\(([^()]*)\)")
_LIST = re.compile(rb'"[^"]*"|(?:\{[^\s{}]*\}|[^\s,"{}])+')
_ARROW = b"->"
_PROTOCOLS = {b"tcp": b"stream", b"udp": b"dgram"}
_SOCKET_TYPES = frozenset(b"stream dgram seqpacket rdm raw packet".split())


class Manner(NamedTuple):
    """What stands before a rule."""

    deny: bool = False
    owner: bool = False
    priority: int = 0


class Context(NamedTuple):
    """Where a statement stands."""

    variables: Variables
    source: str = ""

    def globs(self, words: Sequence[bytes], *, path: bool = False) -> Globs:
        """The words as globs. Raises NotUnderstood."""
        return Globs(tuple(Glob(unquoted(word), self.variables, path=path) for word in words))


def of_file(statement: FileStatement, context: Context) -> Held:
    """A file rule. Raises NotUnderstood."""
    letters = _letters(statement.perms)
    manner, rest = _manner(statement.before.split())
    if set(rest) - {b"file"}:
        raise NotUnderstood
    said = (("path", context.globs([statement.path], path=True)),)
    return Held("file", letters, said, manner.deny, manner.owner, manner.priority, context.source)


@lru_cache(maxsize=512)
def _letters(perms: bytes) -> frozenset[str]:
    if not perms or not _PERMS.fullmatch(perms):
        raise NotUnderstood
    letters = {letter for letter in perms.decode("ascii") if letter in "rwalkm"}
    if "w" in letters:
        letters.add("a")
    return frozenset(letters | {"x"} if perms.lower().find(b"x") >= 0 else letters)


def _manner(words: Sequence[bytes]) -> tuple[Manner, list[bytes]]:
    manner = Manner()
    for at, word in enumerate(words):
        if word == b"deny":
            manner = manner._replace(deny=True)
        elif word == b"owner":
            manner = manner._replace(owner=True)
        elif word.startswith(b"priority=") and word[9:].lstrip(b"-").isdigit() and len(word) < 16:
            manner = manner._replace(priority=int(word[9:]))
        elif word in (b"other", b"prompt", b"kill", b"access", b"complain"):
            raise NotUnderstood
        elif word not in (b"allow", b"audit", b"quiet"):
            return manner, list(words[at:])
    return manner, []


def of_rule(statement: RuleStatement, context: Context) -> list[Held]:
    """The rules in force that a statement stands for; none for one that neither grants nor forbids. Raises NotUnderstood."""
    manner, words = _manner(statement.words)
    if not words:
        raise NotUnderstood
    reader = _READERS.get(words[0])
    found = reader(words[1:], context) if reader else _perms_first(words, context)
    return [one._replace(deny=manner.deny, owner=manner.owner, priority=manner.priority, source=context.source) for one in found]


def _perms_first(words: list[bytes], context: Context) -> list[Held]:
    """``rw /path``."""
    if len(words) not in (2, 4) or not _PERMS_FIRST.fullmatch(words[0]) or (len(words) == 4 and words[2] != _ARROW):
        raise NotUnderstood
    return [Held("file", _letters(words[0]), (("path", context.globs([words[1]], path=True)),))]


def _file(words: list[bytes], context: Context) -> list[Held]:
    return _perms_first(words, context) if words else [Held("file", None)]


def _everything(words: list[bytes], context: Context) -> list[Held]:
    del context
    if words:
        raise NotUnderstood
    return [Held(ANYTHING, None)]


def _nothing(words: list[bytes], context: Context) -> list[Held]:
    del words, context
    return []


def _capability(words: list[bytes], context: Context) -> list[Held]:
    del context
    return [Held("capability", frozenset(word.decode("ascii", "replace") for word in words) if words else None)]


class _Said(NamedTuple):
    """What a rule says behind its keyword. bare: words that are no conditions."""

    access: frozenset[str] | None
    bare: list[bytes]
    conditions: list[tuple[str, bytes, list[bytes]]]


def _said(words: list[bytes], accesses: frozenset[bytes]) -> _Said:
    """Accesses, conditions, and the rest. A condition of the other end is named ``peer.NAME``."""
    text = b" ".join(words)
    conditions = []
    if found := _PEER.search(text):
        inside = list(_CONDITION.finditer(found[1]))
        conditions = [(f"peer.{one[1].decode('ascii')}", one[2].strip(), _values(one[3])) for one in inside]
        if _CONDITION.sub(b"", found[1]).strip(b" ,"):
            raise NotUnderstood
        text = text[: found.start()] + text[found.end() :]
    conditions += [(one[1].decode("ascii"), one[2].strip(), _values(one[3])) for one in _CONDITION.finditer(text)]
    bare = _LIST.findall(_CONDITION.sub(b" ", text).replace(b"(", b" ").replace(b")", b" "))
    access = [_ALIASES.get(word, word) for word in bare if word in accesses]
    named = frozenset(each for word in access for each in word.decode("ascii").split())
    return _Said(named or None, [word for word in bare if word not in accesses], conditions)


def _values(text: bytes) -> list[bytes]:
    return [unquoted(word) for word in _LIST.findall(text.strip(b"()"))]


_ALIASES = {b"rw": b"send receive read write", b"r": b"receive read", b"w": b"send write"}


def _conditions(said: _Said, context: Context, fields: frozenset[str]) -> tuple[tuple[str, Condition], ...]:
    out: list[tuple[str, Condition]] = []
    for field, how, values in said.conditions:
        if field not in fields or not values:
            raise NotUnderstood
        if field == "options":
            out.append((field, Options(frozenset(values), several=how == b"in")))
        elif how != b"=":
            raise NotUnderstood
        else:
            out.append((field, context.globs(values)))
    return tuple(out)


def _of(kind: str, accesses: str, fields: str) -> Callable[[list[bytes], Context], list[Held]]:
    """A reader of rules that are accesses and conditions alone."""
    known, named = frozenset(accesses.encode().split()), frozenset(fields.split())

    def read(words: list[bytes], context: Context) -> list[Held]:
        said = _said(words, known)
        if said.bare:
            raise NotUnderstood
        return [Held(kind, said.access, _conditions(said, context, named))]

    return read


_SOCKET_ACCESS = "create bind listen accept connect shutdown getattr setattr getopt setopt send receive rw r w"


def _network(words: list[bytes], context: Context) -> list[Held]:
    said = _said(words, frozenset(_SOCKET_ACCESS.encode().split()))
    conditions = list(_conditions(said, context, frozenset({"ip", "port", "peer.ip", "peer.port"})))
    families = [word for word in said.bare if word not in _SOCKET_TYPES and word not in _PROTOCOLS]
    types = [_PROTOCOLS.get(word, word) for word in said.bare if word in _SOCKET_TYPES or word in _PROTOCOLS]
    if len(families) > 1 or len(types) > 1 or not all(word.isalnum() for word in families):
        raise NotUnderstood
    conditions += [("family", Words(frozenset(families)))] if families else []
    conditions += [("type", Words(frozenset(types)))] if types else []
    held = [Held("network", said.access, tuple(conditions))]
    if families in ([b"unix"], []) and not said.conditions:
        held.append(Held("unix", said.access, tuple(one for one in conditions if one[0] == "type")))
    return held


def _mount(kind: str) -> Callable[[list[bytes], Context], list[Held]]:
    def read(words: list[bytes], context: Context) -> list[Held]:
        said = _said(words, frozenset())
        conditions = list(_conditions(said, context, frozenset({"fstype", "options"})))
        before, arrow, after = said.bare, False, []
        if _ARROW in said.bare:
            at = said.bare.index(_ARROW)
            before, arrow, after = said.bare[:at], True, said.bare[at + 1 :]
        if kind != "mount" and not arrow:
            before, after = [], before
        if len(before) > 1 or len(after) > 1:
            raise NotUnderstood
        conditions += [("source", context.globs(before))] if before else []
        conditions += [("target", context.globs(after))] if after else []
        kinds = ("mount", "remount") if kind == "mount" else (kind,)
        return [Held(one, None, tuple(conditions)) for one in kinds]

    return read


def _pivot_root(words: list[bytes], context: Context) -> list[Held]:
    said = _said(words, frozenset())
    conditions = list(_conditions(said, context, frozenset({"oldroot"})))
    if len(said.bare) > 1:
        raise NotUnderstood
    return [Held("pivot_root", None, (*conditions, *([("target", context.globs(said.bare))] if said.bare else [])))]


def _message_queue(words: list[bytes], context: Context) -> list[Held]:
    said = _said(words, frozenset(b"create open delete read write getattr setattr rw r w".split()))
    conditions = list(_conditions(said, context, frozenset({"type"})))
    if len(said.bare) > 1:
        raise NotUnderstood
    return [Held("mqueue", said.access, (*conditions, *([("name", context.globs(said.bare))] if said.bare else [])))]


def _to(kind: str, access: frozenset[str] | None) -> Callable[[list[bytes], Context], list[Held]]:
    """A reader of ``[path] -> target``."""

    def read(words: list[bytes], context: Context) -> list[Held]:
        plain = [word for word in words if word not in (b"subset", b"safe", b"unsafe")]
        if plain in ([], [b"/**"]):
            return [Held(kind, access)]
        if plain[0] == _ARROW and len(plain) == 2 and kind == "change_profile":
            return [Held(kind, access, (("target", context.globs(plain[1:])),))]
        if len(plain) != 3 or plain[1] != _ARROW or kind != "link":
            raise NotUnderstood
        path, target = (context.globs([word], path=True) for word in (plain[0], plain[2]))
        return [Held(kind, access, (("path", path), ("target", target)))]

    return read


_READERS: dict[bytes, Callable[[list[bytes], Context], list[Held]]] = {
    b"all": _everything,
    b"file": _file,
    b"capability": _capability,
    b"network": _network,
    b"unix": _of("unix", _SOCKET_ACCESS, "type addr label peer.addr peer.label"),
    b"dbus": _of("dbus", "send receive bind eavesdrop rw r w read write", "bus path name interface member peer.name peer.label"),
    b"signal": _of("signal", "send receive rw r w read write", "set peer"),
    b"ptrace": _of("ptrace", "read trace readby tracedby", "peer"),
    b"io_uring": _of("io_uring", "sqpoll override_creds", "label"),
    b"userns": _of("userns", "create", ""),
    b"mount": _mount("mount"),
    b"remount": _mount("remount"),
    b"umount": _mount("umount"),
    b"unmount": _mount("umount"),
    b"pivot_root": _pivot_root,
    b"mqueue": _message_queue,
    b"change_profile": _to("change_profile", None),
    b"link": _to("link", None),
    b"set": _nothing,
    b"abi": _nothing,
}
