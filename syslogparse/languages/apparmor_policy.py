"""AppArmor policy that is installed, or that the user named, read where it is asked for (apparmor.d(5)).

The files were read as bytes before the confinement; nothing of them is parsed before a profile is asked for, and then only the
files that can hold it. Profiles of other namespaces are none of this machine's files.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import NamedTuple

from syslogparse.languages.apparmor_held import Context, of_file, of_rule
from syslogparse.languages.apparmor_scan import (
    Block,
    FileStatement,
    Include,
    RuleStatement,
    Statement,
    Unread,
    Variable,
    statements,
    unquoted,
)
from syslogparse.rules.apparmor_glob import NotUnderstood, prefixes
from syslogparse.rules.apparmor_inforce import Asked, Held, Later, Profile, Rules

BASE = "/etc/apparmor.d/"
_ABSTRACTIONS, _LOCAL = "abstractions/", "local/"
_NOT_PROFILES = (_ABSTRACTIONS, _LOCAL, "tunables/", "abi/", "disable/", "force-complain/", "cache/")
_MOST_INCLUDES = 400
_MOST_SEARCHES = 200
"""Profiles that are searched for one by one; after that, all files are read."""

_NAME = re.compile(r"abstractions/[A-Za-z0-9][A-Za-z0-9._+-]*(?:/[A-Za-z0-9][A-Za-z0-9._+-]*)?")
_VARIABLE = re.compile(rb"@\{([A-Za-z_][A-Za-z0-9_]*)\}")


class PolicyFiles:
    """Policy files by their path below /etc/apparmor.d. named: texts of profiles that the user named; they come first."""

    def __init__(self, files: Mapping[str, bytes], named: Sequence[bytes] = ()) -> None:
        self._files = files
        self._unread = [*named, *(text for path, text in files.items() if not path.startswith(_NOT_PROFILES))]
        self._parsed: dict[str, list[Statement]] = {}
        self._profiles: dict[bytes, Profile] = {}
        self._searched: set[bytes] = set()
        self._attachments: list[Held] = []
        self._attached: Rules | None = None
        self._abstractions: Rules | None = None
        self._included_once: dict[tuple[str, int], _Included] = {}
        self.variables: dict[tuple[tuple[bytes, tuple[bytes, ...]], ...], int] = {}

    def joined(self, texts: Sequence[bytes]) -> PolicyFiles:
        """These files and profiles of other texts, which count more."""
        return PolicyFiles(self._files, texts)

    def profile(self, name: bytes) -> Profile | None:
        """The profile of that full name; None where no file has it."""
        base = name.partition(b"//")[0]
        if not base or name.startswith(b":"):
            return None
        # A name may begin with a variable in its file.
        for word in (base, base[base.rfind(b"/") + 1 :]):
            if name not in self._profiles and word:
                self._search(word)
        return self._profiles.get(name)

    def attaches(self, program: bytes) -> bool:
        """Whether a profile is for that program: by its name, or by the glob that it attaches to."""
        self._search(program[program.rfind(b"/") + 1 :])
        if self._attached is None:
            self._attached = Rules(self._attachments)
        return bool(self._attached.about(Asked("file", frozenset("x"), {"path": program})))

    def _search(self, word: bytes) -> None:
        """Read the files that hold ``word``; all of them, where many words were searched for."""
        if not self._unread or word in self._searched:
            return
        self._searched.add(word)
        everything = len(self._searched) > _MOST_SEARCHES
        chosen = [text for text in self._unread if everything or word in text]
        if chosen:
            self._unread = [] if everything else [text for text in self._unread if word not in text]
            self._attached = None
            for text in chosen:
                self._read(text)

    def abstractions(self) -> Rules:
        """The rules of all abstractions, each with its abstraction as source; what they include is its own abstraction."""
        if self._abstractions is None:
            variables = _Scope(self)
            variables.include("tunables/global")
            held: list[Held] = []
            later: list[Later] = []
            for path in sorted(self._files):
                if _NAME.fullmatch(path):
                    found = _included(self._statements(path), variables, Context(variables.values, path))
                    held += found.held
                    later += found.later
            self._abstractions = Rules(held, later)
        return self._abstractions

    def _read(self, text: bytes) -> None:
        scope = _Scope(self)
        for statement in statements(text):
            scope.take(statement)
            if isinstance(statement, Block):
                self._block(statement, scope, b"")

    def _block(self, block: Block, scope: _Scope, parent: bytes) -> None:
        name = _name(block.words, scope, hat=bool(parent))
        if not name:
            return
        if not parent:
            self._attach(block.words, scope)
        full = parent + b"//" + name if parent else name
        local = ""
        for statement in block.statements:
            if isinstance(statement, Include) and (path := relative(statement.path)).startswith(_LOCAL) and not local:
                local = path
        context = Context({**scope.values, b"profile_name": (name,)})
        held, unread = _held(block.statements, context)
        later: list[Later] = []
        for path in self._includes(block.statements):
            found = self._included(path, scope, context)
            held += found.held
            later += found.later
            unread += found.unread
        self._profiles.setdefault(full, Profile(Rules(held, later), local, unread))
        for statement in block.statements:
            if isinstance(statement, Block):
                self._block(statement, scope, full)

    def _attach(self, words: Sequence[bytes], scope: _Scope) -> None:
        places = [word for word in words[:3] if unquoted(word).startswith((b"/", b"@"))]
        with contextlib.suppress(NotUnderstood):
            where = Context(scope.values).globs(places[-1:], path=True)
            self._attachments.append(Held("file", None, (("path", where),)))

    def _includes(self, first: Sequence[Statement]) -> list[str]:
        """The files that the statements include, and those that these include, each once."""
        seen: dict[str, None] = {}
        todo = [first]
        while todo:
            for statement in todo.pop():
                if isinstance(statement, Include):
                    for path in self.included(statement.path):
                        if path not in seen and len(seen) < _MOST_INCLUDES:
                            seen[path] = None
                            todo.append(self._statements(path))
        return list(seen)

    def _included(self, path: str, scope: _Scope, context: Context) -> _Included:
        """The rules of a file as it is included. Where nothing of it depends on who includes it, it is read once for all."""
        if b"@{profile_name}" in self._files[path]:
            return _included(self._statements(path), scope, context)
        key = (path, scope.key())
        if key not in self._included_once:
            self._included_once[key] = _included(self._statements(path), scope, context)
        return self._included_once[key]

    def included(self, path: str) -> list[str]:
        """The files that an include names: one, or those of a directory."""
        path = relative(path)
        if path in self._files:
            return [path]
        inside = path.rstrip("/") + "/"
        return sorted(one for one in self._files if one.startswith(inside) and "/" not in one[len(inside) :])

    def _statements(self, path: str) -> list[Statement]:
        if path not in self._parsed:
            self._parsed[path] = statements(self._files[path])
        return self._parsed[path]

    def preamble(self, path: str) -> list[Statement]:
        """The statements of a file that variables come from."""
        return self._statements(path)


class _Scope:
    """The variables of a file."""

    def __init__(self, policy: PolicyFiles) -> None:
        self._policy = policy
        self._seen: set[str] = set()
        self._prefixes: dict[bytes, tuple[bytes, ...]] = {}
        self.values: dict[bytes, tuple[bytes, ...]] = {}

    def include(self, path: str) -> None:
        """Take the variables of what ``path`` names, and of what that includes."""
        todo = self._policy.included(path)[::-1]
        while todo:
            one = todo.pop()
            if one in self._seen or len(self._seen) >= _MOST_INCLUDES:
                continue
            self._seen.add(one)
            for statement in self._policy.preamble(one):
                if isinstance(statement, Include):
                    todo += self._policy.included(statement.path)
                else:
                    self.take(statement)

    def key(self) -> int:
        """The same number for the same variables."""
        return self._policy.variables.setdefault(tuple(sorted(self.values.items())), len(self._policy.variables))

    def prefixes(self, path: bytes) -> tuple[bytes, ...]:
        """What the paths of a file rule begin with."""
        path = unquoted(path)
        if not (found := _VARIABLE.match(path)):
            return prefixes(path, self.values)
        start = found[0] + path[found.end() : found.end() + 1].replace(b"@", b"")
        if start not in self._prefixes:
            self._prefixes[start] = prefixes(start, self.values)
        return self._prefixes[start]

    def take(self, statement: Statement) -> None:
        """Take what is a variable, or includes some."""
        if isinstance(statement, Variable):
            before = self.values.get(statement.name, ()) if statement.more else ()
            self.values[statement.name] = before + statement.values
        elif isinstance(statement, Include):
            self.include(statement.path)


def relative(path: str) -> str:
    """The path of an include below /etc/apparmor.d."""
    return path.removeprefix(BASE)


class _Included(NamedTuple):
    """The rules of a file. unread: how many statements were not understood, not counting those that are read later."""

    held: list[Held]
    later: list[Later]
    unread: int


def _included(found: Sequence[Statement], scope: _Scope, context: Context) -> _Included:
    held, unread = _held((one for one in found if not isinstance(one, FileStatement)), context)
    files = (one for one in found if isinstance(one, FileStatement))
    return _Included(held, [Later(scope.prefixes(one.path), _Once(one, context)) for one in files], unread)


class _Once:
    """Reads a file rule, once."""

    def __init__(self, statement: FileStatement, context: Context) -> None:
        self._read = partial(_file, statement, context)
        self._found: Held | None = None
        self._done = False

    def __call__(self) -> Held | None:
        if not self._done:
            self._found, self._done = self._read(), True
        return self._found


def _file(statement: FileStatement, context: Context) -> Held | None:
    with contextlib.suppress(NotUnderstood):
        return of_file(statement, context)
    return None


def _held(found: Iterable[Statement], context: Context) -> tuple[list[Held], int]:
    """The rules in force among the statements, and how many of these nobody understood."""
    held: list[Held] = []
    unread = 0
    for statement in found:
        try:
            if isinstance(statement, FileStatement):
                held.append(of_file(statement, context))
            elif isinstance(statement, RuleStatement):
                held += of_rule(statement, context)
            elif isinstance(statement, Unread) or (
                isinstance(statement, Block) and statement.words[:1] in ((b"if",), (b"else",))
            ):
                unread += 1
        except NotUnderstood:
            unread += 1
    return held, unread


_CLAUSES = (b"flags=", b"xattrs=", b"xattrs")
_KEYWORDS: dict[bytes, int] = {b"profile": 1, b"hat": 1}


def _name(words: Sequence[bytes], scope: _Scope, *, hat: bool) -> bytes:
    """The name of the profile that a block is, as the kernel logs it; empty for another block, or a name that is not plain."""
    if not words or words[0] in (b"if", b"else"):
        return b""
    at = _KEYWORDS.get(words[0], 0)
    if len(words) <= at:
        return b""
    name = unquoted(words[at])
    if hat and not at and name.startswith(b"^"):
        name = unquoted(name[1:])
    if name.startswith(_CLAUSES):
        return b""
    for found in _VARIABLE.findall(name):
        values = scope.values.get(found, ())
        if len(values) != 1:
            return b""
        name = name.replace(b"@{" + found + b"}", values[0])
    return re.sub(rb"//+", b"/", name) if b"@{" in words[at] else name
