"""A rule as a line of its language."""

from __future__ import annotations

from typing import Literal, TypeAlias

from syslogparse.languages import apparmor, iptables, seccomp
from syslogparse.rules.model import FirewallRule, Rule, SyscallRule

Language: TypeAlias = Literal["iptables", "apparmor", "seccomp"]


def language(rule: Rule) -> Language:
    """The language that ``rule`` is written in."""
    if isinstance(rule, FirewallRule):
        return "iptables"
    return "seccomp" if isinstance(rule, SyscallRule) else "apparmor"


def render(rule: Rule) -> str:
    """``rule`` as one line of printable ASCII that may be pasted."""
    if isinstance(rule, FirewallRule):
        return iptables.render(rule)
    return seccomp.render(rule) if isinstance(rule, SyscallRule) else apparmor.render(rule)


def undo(rule: Rule) -> str:
    """The line that takes ``render(rule)`` back: a command, or a comment where the language has none."""
    if isinstance(rule, FirewallRule):
        return iptables.undo(rule)
    return seccomp.undo(rule) if isinstance(rule, SyscallRule) else apparmor.undo(rule)


def check(language: Language, line: str) -> bool:
    """Whether ``line`` is one rule or comment of ``language``, by that language's own strict grammar."""
    if language == "iptables":
        return iptables.check(line)
    return apparmor.check(line) if language == "apparmor" else seccomp.check(line)
