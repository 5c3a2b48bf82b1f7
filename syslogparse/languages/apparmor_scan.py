"""The text of an AppArmor policy file as its statements (apparmor.d(5)): blocks, includes, variables, rules.

Tolerant: what cannot be read is left out and counted, and reading goes on behind it. Nothing is looked at twice, so the time
grows with the text alone. The text is policy of this machine, which root wrote, or a file that the user named.
"""

from __future__ import annotations

import re
from typing import NamedTuple, TypeAlias

_SPACE = re.compile(rb"(?:[\s]+|#(?!include\b)[^\n]*)*")
# Nearly all of a policy: `deny owner /path/* rw -> target,`.
_FILE = re.compile(
    rb"((?:(?:deny|allow|audit|quiet|owner|other|file|priority=-?[0-9]{1,5})[ \t]+){0,6})"
    rb'("[^"\n]*"|[/@][^\s"]*)[ \t]+([a-zA-Z]+)[ \t]*(?:->[ \t]*("[^"\n]*"|[^\s",]+)[ \t]*)?,'
)
_INCLUDE = re.compile(rb'#?include[ \t]+(if[ \t]+exists[ \t]+)?(?:<([^<>\n]+)>|"([^"\n]+)"|([^\s"<>,]+))[ \t]*,?')
_VARIABLE = re.compile(rb"@\{?([A-Za-z_][A-Za-z0-9_]*)\}?[ \t]*(\+?=)[ \t]*([^\n]*)")
_WORD = re.compile(rb'(?:"(?:[^"\\\n]|\\.)*"|\([^()]*\)|[^\s"()])+', re.DOTALL)
_VALUE = re.compile(rb'"[^"\n]*"|[^\s"#]+|#.*')
_MOST_WORDS = 100
_DEPTH = 20


class FileStatement(NamedTuple):
    """A file rule: what stands before it, its path, its permissions and where it leads, all as written."""

    before: bytes
    path: bytes
    perms: bytes
    target: bytes


class RuleStatement(NamedTuple):
    """Any other rule, as written, without its comma."""

    words: tuple[bytes, ...]


class Include(NamedTuple):
    """path: relative to the policy's directory, or absolute."""

    path: str


class Variable(NamedTuple):
    """A variable, or more values for one."""

    name: bytes
    values: tuple[bytes, ...]
    more: bool


class Block(NamedTuple):
    """What stands in braces, with the words before it."""

    words: tuple[bytes, ...]
    statements: list[Statement]


class Unread(NamedTuple):
    """Something that could not be read."""


Statement: TypeAlias = FileStatement | RuleStatement | Include | Variable | Block | Unread


def statements(text: bytes) -> list[Statement]:
    """The statements of a file, those of a block inside it. Blocks deeper than any policy are not read."""
    found: list[Statement] = []
    open_: list[list[Statement]] = [found]
    here = 0
    while True:
        here = _end_of(_SPACE, text, here)
        if here >= len(text):
            return found
        if text[here : here + 1] == b"}":
            here += 1
            if len(open_) > 1:
                open_.pop()
            else:
                found.append(Unread())
            continue
        statement, here = _statement(text, here)
        open_[-1].append(statement)
        if isinstance(statement, Block):
            open_.append(statement.statements if len(open_) < _DEPTH else [])


def _end_of(pattern: re.Pattern[bytes], text: bytes, here: int) -> int:
    found = pattern.match(text, here)
    return found.end() if found else here


def _statement(text: bytes, here: int) -> tuple[Statement, int]:
    if found := _FILE.match(text, here):
        return FileStatement(found[1], found[2], found[3], found[4] or b""), found.end()
    if found := _INCLUDE.match(text, here):
        path = found[2] or found[3] or found[4]
        return Include(path.strip().decode("utf-8", "surrogateescape")), found.end()
    if found := _VARIABLE.match(text, here):
        values = tuple(unquoted(value) for value in _VALUE.findall(found[3]) if not value.startswith(b"#"))
        return Variable(found[1], values, found[2] == b"+="), found.end()
    return _words(text, here)


def _words(text: bytes, here: int) -> tuple[Statement, int]:
    """Words up to a comma that ends a rule, or a brace that opens a block."""
    words: list[bytes] = []
    while len(words) < _MOST_WORDS:
        here = _end_of(_SPACE, text, here)
        found = _WORD.match(text, here)
        if found is None or found[0] == b"}":
            return Unread(), here if found else _next_line(text, here)
        word, here = found[0], found.end()
        if word == b"{" or (word.endswith(b"{") and word.count(b"{") > word.count(b"}")):
            return Block((*words, *([word[:-1]] if word != b"{" else [])), []), here
        if word.endswith(b","):
            return RuleStatement((*words, *([word[:-1]] if word != b"," else []))), here
        words.append(word)
    return Unread(), here


def _next_line(text: bytes, here: int) -> int:
    end = text.find(b"\n", here)
    return len(text) if end < 0 else end


def unquoted(word: bytes) -> bytes:
    """The word without its outer quotes."""
    return word[1:-1] if len(word) > 1 and word.startswith(b'"') and word.endswith(b'"') else word
