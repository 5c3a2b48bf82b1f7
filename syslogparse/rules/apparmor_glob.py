"""AppArmor's file globs (AARE, apparmor.d(5)): whether one matches a path, in time that grows with the path times the glob.

What apparmor_parser makes of a glob (parser/parser_regex.c) is a regular expression; matching those by backtracking can take
for ever on a path that somebody chose for it. Here the whole set of places that the glob may have come to is carried along.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple, TypeAlias

MAX_DEPTH = 12
MAX_PIECES = 4096
"""Of one glob, its variables expanded."""

_SLASH = 0x2F
_OCTAL = re.compile(rb"[0-3][0-7]{2}")
_LITERAL = re.compile(rb"[^\\*?\[\]{},@]*")
_ALTERNATIVES = re.compile(rb"\{([^\\*?\[\]{}@]*)\}")
_MOST_PREFIXES = 16
_PLAIN = re.compile(rb"[^\\*?\[\]{},@]+")
_STARS = re.compile(rb"\*+")
_CLASS = re.compile(rb"\[(\^?)((?:\\.|[^\]\\])*)\]", re.DOTALL)
_VARIABLE = re.compile(rb"@\{([A-Za-z_][A-Za-z0-9_]*)\}")
_NO_SLASH = frozenset(range(1, 256)) - {_SLASH}
_ESCAPABLE = frozenset(rb'?*[]{}"!,\^$@ #()-~=&+.')

Variables: TypeAlias = Mapping[bytes, Sequence[bytes]]
_Ranges: TypeAlias = list[tuple[int, int]]


class NotUnderstood(Exception):
    """A glob that this module has no meaning for."""


class Star(NamedTuple):
    """Any number of bytes. deep: slashes too."""

    deep: bool


class Either(NamedTuple):
    """One of several."""

    ways: tuple[tuple[Piece, ...], ...]


Class: TypeAlias = frozenset[int]
Piece: TypeAlias = bytes | Class | Star | Either


class Glob:
    """One glob, read when it is first compared with something. prefixes: all that it matches begins with one of them."""

    __slots__ = ("_pieces", "_text", "_variables", "prefixes")

    def __init__(self, text: bytes, variables: Variables, *, path: bool = True) -> None:
        """Raises NotUnderstood. path: slashes in a row are one, as in file rules."""
        self._text = _one_slash(text) if path and b"//" in text else text
        self._variables = variables
        self._pieces: tuple[Piece, ...] | None = None
        self.prefixes = prefixes(self._text, variables)
        if self._text.count(b"{") != self._text.count(b"}") or b"\\" in text or b"[" in text:
            self._read()
        elif b"@" in text and not all(variables.get(name) for name in _VARIABLE.findall(text)):
            raise NotUnderstood

    def matches(self, text: bytes) -> bool:
        """Whether the glob matches all of ``text``."""
        if not text.startswith(self.prefixes):
            return False
        try:
            pieces = self._pieces or self._read()
        except NotUnderstood:
            return False
        if pieces and isinstance(pieces[-1], bytes) and not text.endswith(pieces[-1]):
            return False
        return any(low <= len(text) <= high for low, high in _through(pieces, text, [(0, 0)]))

    def _read(self) -> tuple[Piece, ...]:
        self._pieces = _Reader(self._variables).read(self._text)
        return self._pieces


def _one_slash(text: bytes) -> bytes:
    return re.sub(rb"//+", b"/", text)


class _Reader:
    """Reads one glob."""

    def __init__(self, variables: Variables) -> None:
        self._variables = variables
        self._room = MAX_PIECES

    def read(self, text: bytes) -> tuple[Piece, ...]:
        pieces, end = self._sequence(text, 0, b"", 0, 0)
        if end != len(text):
            raise NotUnderstood
        return pieces

    def _sequence(self, text: bytes, start: int, stop: bytes, after: int, depth: int) -> tuple[tuple[Piece, ...], int]:
        """The pieces up to one of the bytes of ``stop``, and where that stands. after: what follows the text; 0 for nothing."""
        if depth > MAX_DEPTH:
            raise NotUnderstood
        pieces: list[Piece] = []
        here = start
        while here < len(text) and text[here : here + 1] not in stop.split(b" "):
            piece, here = self._piece(text, here, after, depth)
            self._room -= 1
            if self._room < 0:
                raise NotUnderstood
            pieces += piece
        return _joined(pieces), here

    def _piece(self, text: bytes, here: int, after: int, depth: int) -> tuple[list[Piece], int]:
        if found := _PLAIN.match(text, here):
            return [found[0]], found.end()
        letter = text[here : here + 1]
        if letter == b"\\":
            return _escaped(text, here + 1)
        if found := _STARS.match(text, here):
            return _star(text, here, found.end(), after), found.end()
        if letter == b"?":
            return [_NO_SLASH], here + 1
        if letter == b"[" and (found := _CLASS.match(text, here)):
            return [_class(found[2], negated=bool(found[1]))], found.end()
        if letter == b"{":
            return self._either(text, here, depth)
        if found := _VARIABLE.match(text, here):
            return self._variable(found[1], text, found.end(), after, depth)
        if letter in (b",", b"@"):
            return [letter], here + 1
        raise NotUnderstood

    def _either(self, text: bytes, here: int, depth: int) -> tuple[list[Piece], int]:
        ways = []
        while text[here : here + 1] in (b"{", b","):
            way, here = self._sequence(text, here + 1, b", }", ord(","), depth + 1)
            ways.append(way)
        if text[here : here + 1] != b"}" or len(ways) < 2:
            raise NotUnderstood
        return [Either(tuple(ways))], here + 1

    def _variable(self, name: bytes, text: bytes, end: int, after: int, depth: int) -> tuple[list[Piece], int]:
        following = text[end] if end < len(text) else after
        ways = []
        for value in self._variables.get(name, ()):
            cut = value.rstrip(b"/") if following == _SLASH else value
            ways.append(self._sequence(_one_slash(cut), 0, b"", following, depth + 1)[0])
        if not ways:
            raise NotUnderstood
        return (list(ways[0]) if len(ways) == 1 else [Either(tuple(ways))]), end


def _escaped(text: bytes, here: int) -> tuple[list[Piece], int]:
    if found := _OCTAL.match(text, here):
        return [bytes([int(found[0], 8)])], found.end()
    if here < len(text) and text[here] in _ESCAPABLE:
        return [text[here : here + 1]], here + 1
    raise NotUnderstood


def _star(text: bytes, start: int, end: int, after: int) -> list[Piece]:
    """Behind a slash, with a slash or nothing to follow, stars stand for one byte at least, as names in directories do."""
    following = text[end] if end < len(text) else after
    named = start > 0 and text[start - 1] == _SLASH and following in (0, _SLASH)
    star = Star(end - start > 1)
    return [_NO_SLASH, star] if named else [star]


def _class(inside: bytes, *, negated: bool) -> Class:
    plain = re.sub(rb"\\(.)", rb"\1", inside, flags=re.DOTALL) if b"\\" in inside else inside
    if not plain or (b"\\" in inside and b"-" in inside):
        raise NotUnderstood
    members: set[int] = set()
    here = 0
    while here < len(plain):
        if plain[here + 1 : here + 2] == b"-" and here + 2 < len(plain):
            members.update(range(plain[here], plain[here + 2] + 1))
            here += 3
        else:
            members.add(plain[here])
            here += 1
    return frozenset(range(1, 256)) - members if negated else frozenset(members)


def _joined(pieces: list[Piece]) -> tuple[Piece, ...]:
    out: list[Piece] = []
    for piece in pieces:
        if isinstance(piece, bytes) and out and isinstance(out[-1], bytes):
            joined = out[-1] + piece
            out[-1] = joined.replace(b"//", b"/")
        else:
            out.append(piece)
    return tuple(out)


def prefixes(text: bytes, variables: Variables, depth: int = 0) -> tuple[bytes, ...]:
    """What all begins with that the glob matches, as far as that is cheap to say."""
    found = _LITERAL.match(text)
    literal = found[0] if found else b""
    if not literal and depth < MAX_DEPTH and (found := _VARIABLE.match(text)):
        slash = text[found.end() : found.end() + 1] == b"/"
        values = variables.get(found[1], ())
        return tuple({one for value in values for one in _of_value(value, variables, depth + 1, slash=slash)}) or (b"",)
    if found := _ALTERNATIVES.match(text, len(literal)):
        ends = found[1].split(b",")
        if len(ends) > _MOST_PREFIXES:
            return (literal,)
        behind = _LITERAL.match(text, found.end())
        return tuple({_one_slash(literal + end + (behind[0] if behind else b"")) for end in ends})
    return (literal,)


def _of_value(value: bytes, variables: Variables, depth: int, *, slash: bool) -> tuple[bytes, ...]:
    found = prefixes(value, variables, depth)
    if slash and found == (value,):
        return (value.rstrip(b"/") + b"/",)
    return found if slash else tuple(prefix.rstrip(b"/") for prefix in found)


def _through(pieces: Sequence[Piece], text: bytes, ranges: _Ranges) -> _Ranges:
    """Where in ``text`` one can be behind the pieces, from the places of ``ranges`` (both ends included) on."""
    for piece in pieces:
        if not ranges:
            break
        if isinstance(piece, bytes):
            ranges = _behind(piece, text, ranges)
        elif isinstance(piece, Star):
            ranges = _widened(piece, text, ranges)
        elif isinstance(piece, Either):
            ranges = _merged([one for way in piece.ways for one in _through(way, text, ranges)])
        else:
            ranges = _merged([(at + 1, at + 1) for at in _places(ranges, len(text)) if text[at] in piece])
    return ranges


def _places(ranges: _Ranges, end: int) -> Sequence[int]:
    return [at for low, high in ranges for at in range(low, min(high + 1, end))]


def _behind(literal: bytes, text: bytes, ranges: _Ranges) -> _Ranges:
    out = []
    for low, high in ranges:
        at = text.find(literal, low, high + len(literal))
        while at >= 0:
            out.append((at + len(literal), at + len(literal)))
            at = text.find(literal, at + 1, high + len(literal))
    return out


def _widened(star: Star, text: bytes, ranges: _Ranges) -> _Ranges:
    if star.deep:
        return [(min(low for low, _ in ranges), len(text))]
    out = []
    for low, high in ranges:
        slash = text.find(b"/", high)
        out.append((low, len(text) if slash < 0 else slash))
    return _merged(out)


def _merged(ranges: _Ranges) -> _Ranges:
    """The same places in ranges that lie apart, in order."""
    out: _Ranges = []
    for low, high in sorted(ranges):
        if out and low <= out[-1][1] + 1:
            out[-1] = (out[-1][0], max(out[-1][1], high))
        else:
            out.append((low, high))
    return out
