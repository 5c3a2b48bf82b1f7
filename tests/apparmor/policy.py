"""Reads an AppArmor profile as apparmor.d(5) describes it: as far as the shipped one goes, and failing at anything else."""

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import NamedTuple

_ASSIGNMENT = re.compile(r"(?P<name>@\{\w+\})\s*\+?=\s*(?P<values>.*)")
_VARIABLE = re.compile(r"@\{\w+\}")
_FILE = re.compile(r"(?P<deny>deny )?(?P<owner>owner )?(?P<pattern>[/@]\S*) (?P<permissions>[a-zA-Z]+),")
_OTHER = re.compile(r"(?P<kind>[a-z_]+)\b(?P<rest>.*),")
_BRACES = re.compile(r"\{([^{}]*)\}")


class FileRule(NamedTuple):
    """One line about files. pattern: as it is written."""

    pattern: str
    permissions: frozenset[str]
    deny: bool
    paths: tuple[str, ...]
    """What the pattern stands for, with its variables and braces expanded; wildcards are left."""

    def covers(self, path: str) -> bool:
        """Does it speak of this path? A directory's ends in a slash."""
        return bool(_either(self.paths).fullmatch(path))


class Profile(NamedTuple):
    """The rules of a profile. others: those that are not about files, as (keyword, rest of the line)."""

    head: str
    files: tuple[FileRule, ...]
    others: tuple[tuple[str, str], ...]

    def refused(self, path: str) -> bool:
        """Is there a deny rule for it?"""
        return any(rule.deny and rule.covers(path) for rule in self.files)

    def permissions(self, path: str) -> frozenset[str]:
        """What is allowed on the path, whoever owns it."""
        if self.refused(path):
            return frozenset()
        return frozenset().union(*(rule.permissions for rule in self.files if rule.covers(path)))


def read_profile(preprocessed: str) -> Profile:
    """From the output of apparmor_parser --preprocess: one profile without children."""
    lines = [line.strip() for line in preprocessed.splitlines()]
    lines = [line for line in lines if line and not line.startswith("#") and not line.startswith("abi ")]
    (start,) = (number for number, line in enumerate(lines) if line.endswith("{"))
    assert lines[-1] == "}", lines[-1]
    variables = _variables(lines[:start])
    files: list[FileRule] = []
    others: list[tuple[str, str]] = []
    for line in lines[start + 1 : -1]:
        if match := _FILE.fullmatch(line):
            paths = tuple(_expand(match["pattern"], variables))
            files.append(FileRule(match["pattern"], frozenset(match["permissions"]), bool(match["deny"]), paths))
        elif match := _OTHER.fullmatch(line):
            others.append((match["kind"], match["rest"].strip()))
        else:
            raise AssertionError(f"not understood: {line}")
    return Profile(lines[start].removesuffix("{").strip(), tuple(files), tuple(others))


def _variables(lines: Sequence[str]) -> dict[str, list[str]]:
    variables: dict[str, list[str]] = {}
    for line in lines:
        match = _ASSIGNMENT.fullmatch(line)
        assert match, line
        variables.setdefault(match["name"], []).extend(match["values"].replace('"', "").split())
    return variables


def _expand(pattern: str, variables: Mapping[str, Sequence[str]]) -> Iterator[str]:
    """Every path that the variables and the braces stand for; two slashes in a row are one."""
    if name := _VARIABLE.search(pattern):
        for value in variables[name[0]]:
            yield from _expand(pattern.replace(name[0], value, 1), variables)
    elif group := _BRACES.search(pattern):
        for value in group[1].split(","):
            yield from _expand(pattern[: group.start()] + value + pattern[group.end() :], variables)
    else:
        yield re.sub("//+", "/", pattern)


@cache
def _either(patterns: tuple[str, ...]) -> re.Pattern[str]:
    return re.compile("|".join(glob(pattern).pattern for pattern in patterns), re.DOTALL)


def glob(pattern: str) -> re.Pattern[str]:
    """A pattern without braces as a regular expression.

    ``*`` and ``?`` do not cross a slash, ``**`` does; a star that is a whole path element stands for at least one character.
    """
    made = ""
    at = 0
    for token in re.findall(r"\*\*|\*|\?|\[[^]/]+\]|[^*?\[]", pattern):
        before, at = pattern[:at], at + len(token)
        if token in {"*", "**"}:
            element = before.endswith("/") and pattern[at : at + 1] in {"", "/"}
            made += ("[^/]" if element else "") + ("[^/]*" if token == "*" else ".*")
        else:
            made += "[^/]" if token == "?" else token if len(token) > 1 else re.escape(token)
    assert at == len(pattern), pattern
    return re.compile(made, re.DOTALL)
