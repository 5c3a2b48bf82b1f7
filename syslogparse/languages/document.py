"""Whether a file holds nothing but rules and comments of its language: line by line, with what a single line cannot tell.

That are two things. A block of AppArmor's that is opened is closed again. And the shell functions ahead of firewall commands
stand there whole, in their order and once, or not at all: each of their lines alone is a piece of a program.
"""

from __future__ import annotations

from collections.abc import Sequence

from syslogparse.languages import iptables, ufw
from syslogparse.languages.render import Language, check

DEEPEST = 8
"""Blocks within each other; AppArmor itself takes one in a profile."""
_INDENT = 2 * (DEEPEST + 1)
_HEADS: dict[Language, Sequence[str]] = {"iptables": iptables.HEAD, "ufw": ufw.HEAD}


class Document:
    """The lines of one file, told one by one."""

    def __init__(self, language: Language) -> None:
        self._language = language
        head = _HEADS.get(language, ())
        first = next((number for number, line in enumerate(head) if not _is_comment(line)), len(head))
        self._head = head[first:]
        self._pieces = frozenset(line for line in self._head if not _is_comment(line))
        self._in_head = 0
        self._depth = 0

    def takes(self, line: str) -> bool:
        """Whether ``line``, without its line feed, may follow what stands before. After a refusal the file is none."""
        if 0 < self._in_head < len(self._head) or line in self._pieces:
            return self._takes_piece(line)
        bare = line.lstrip(" ")
        if len(line) - len(bare) > _INDENT:
            return False
        return not bare or self._takes_bracket(bare) or (bare != "}" and check(self._language, bare))

    def whole(self) -> bool:
        """Whether the file may end here."""
        return self._depth == 0 and self._in_head in (0, len(self._head))

    def _takes_piece(self, line: str) -> bool:
        expected = self._head[self._in_head] if self._in_head < len(self._head) else None
        self._in_head += 1
        return line == expected

    def _takes_bracket(self, bare: str) -> bool:
        if self._language != "apparmor":
            return False
        if bare == "}" and self._depth > 0:
            self._depth -= 1
            return True
        if self._depth < DEEPEST and opens_block(bare):
            self._depth += 1
            return True
        return False


def opens_block(line: str) -> bool:
    """Whether ``line`` is the head of a profile's block; its name is a value, as it stands in a rule."""
    name = line.removeprefix("profile ").removesuffix(" {")
    return line == f"profile {name} {{" and check("apparmor", f"change_profile -> {name},")


def _is_comment(line: str) -> bool:
    return line == "#" or line.startswith("# ")
