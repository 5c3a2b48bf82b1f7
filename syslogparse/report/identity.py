"""The names of suggestions: the same for the same rule in every run and in each firewall language."""

from __future__ import annotations

from _blake2 import blake2s  # hashlib loads OpenSSL, and with it whatever its configuration names

from syslogparse.languages import render as languages
from syslogparse.report import sections
from syslogparse.rules.model import Suggestion, SyscallRule

LENGTH = 16
"""Hexadecimal digits of a name."""
SHORT = 6
"""So many are printed for people; they tell a thousand suggestions apart."""


def identity(kind: str, owner: bytes | None, rule: str) -> str:
    """A short name of a suggestion that does not change from run to run: a hash of what is suggested for whom."""
    parts = (kind, (owner or b"").decode("utf-8", "surrogateescape"), rule)
    digest = blake2s(digest_size=LENGTH // 2)
    for part in parts:
        raw = part.encode("utf-8", "surrogatepass")
        digest.update(b"%d:%b" % (len(raw), raw))
    return digest.hexdigest()


def of(suggestion: Suggestion) -> str:
    """The identity of a suggestion; that of a firewall rule is the same in each of its languages."""
    rule = suggestion.rule
    text = languages.render(rule)
    subject = f"{rule.arch} {text}" if isinstance(rule, SyscallRule) else text
    return identity(languages.language(rule), sections.owner(suggestion), subject)


def short(names: list[str]) -> int:
    """How many digits of these names tell them apart."""
    for length in range(SHORT, LENGTH):
        if len({name[:length] for name in names}) == len(set(names)):
            return length
    return LENGTH
