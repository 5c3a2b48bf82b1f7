"""The strict grammar of the ufw commands that are suggested (ufw(8)).

It shares nothing with what renders them: known words only, each once and in order, each value of its type.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from syslogparse.languages.firewall_words import are_ports, is_interface, is_port_or_range, version_of
from syslogparse.languages.ufw import HEAD

_HEAD = frozenset(HEAD)
_KNOWN = frozenset("tcp udp ah esp gre igmp ipv6".split())
_FOUR_ONLY = frozenset({"igmp", "ipv6"})
_COMMENT_BYTES = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.,:/- ")
_LONGEST_COMMENT = 127
_RESERVED = frozenset(
    "in out on from to port proto app comment log log-all delete insert prepend allow deny reject limit route any all".split()
)


def check(line: str) -> bool:
    """Whether ``line`` is one command of those that are suggested, pasted or taken back with, a comment, or one of ``HEAD``.

    Strict: known words only, each once and in order, each value of its type, single blanks, no quotes but a comment's.
    """
    if line == "#" or line.startswith("# "):
        return line.isprintable()
    if line in _HEAD:
        return True
    bare, mark, comment = line.partition(" comment ")
    if mark and not _is_comment(comment):
        return False
    words = _Words(bare.split(" "))
    once = words.take("once")
    if not words.take("ufw"):
        return False
    route = words.take("route")
    delete = words.take("delete")
    prepend = not delete and words.take("prepend")
    deny = words.take("deny")
    if not (deny or words.take("allow")) or (deny and not (prepend or delete)) or (prepend and not deny):
        return False
    return not (delete and (mark or once)) and _is_match(words, route=route)


class _Words:
    """The words of a line, from the front."""

    def __init__(self, words: list[str]) -> None:
        self._rest: Iterator[str] = iter(words)
        self._next = next(self._rest, None)

    def take(self, word: str) -> bool:
        """Take the next word if it is this one."""
        if self._next != word:
            return False
        self._next = next(self._rest, None)
        return True

    def value(self, test: Callable[[str], bool]) -> str | None:
        """Take the next word, whatever it is; None where there is none or it does not pass."""
        word, self._next = self._next, next(self._rest, None)
        return word if word is not None and test(word) else None

    @property
    def over(self) -> bool:
        return self._next is None


def _is_match(words: _Words, *, route: bool) -> bool:
    ways = [way for way in ("in", "out") if words.take(way) and words.take("on") and words.value(_is_face)]
    if len(ways) != 1 + route:
        return False
    source = words.value(_is_source) if words.take("from") else "any"
    target = words.value(_is_target) if words.take("to") else "any"
    port = words.value(_is_port) if words.take("port") else ""
    if source is None or target is None or port is None or not words.take("proto"):
        return False
    proto = words.value(_KNOWN.__contains__)
    versions = {6 if ":" in address else 4 for address in (source, target) if address != "any"}
    if not words.over or proto is None or len(versions) != 1 or (proto in _FOUR_ONLY and versions != {4}):
        return False
    anywhere = source in ("0.0.0.0/0", "::/0")
    return (proto in ("tcp", "udp") or not port) and not (anywhere and target != "any")


def _is_comment(text: str) -> bool:
    if len(text) > 2 and text[0] == text[-1] == "'":
        text = text[1:-1]
    elif " " in text:
        return False
    return 0 < len(text) <= _LONGEST_COMMENT and _COMMENT_BYTES.issuperset(text)


def _is_face(word: str) -> bool:
    return is_interface(word) and word.lower() not in _RESERVED


def _is_source(word: str) -> bool:
    return word in ("0.0.0.0/0", "::/0") or version_of(word) is not None


def _is_target(word: str) -> bool:
    return word == "any" or version_of(word) is not None


def _is_port(word: str) -> bool:
    return are_ports(word.split(","), ":", least=1) if "," in word else is_port_or_range(word, ":", least=1)
