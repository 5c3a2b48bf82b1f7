"""A rule as a line of its language. A firewall rule has three; which of them is the caller's choice."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal, TypeAlias

from syslogparse.languages import apparmor, iptables, nftables, seccomp, ufw
from syslogparse.rules.model import FirewallRule, Rule, SyscallRule

Firewall: TypeAlias = Literal["iptables", "nftables", "ufw"]
Language: TypeAlias = Firewall | Literal["apparmor", "seccomp"]


def language(rule: Rule, firewall: Firewall = "iptables") -> Language:
    """The language that ``rule`` is written in. firewall: the one for firewall rules."""
    if isinstance(rule, FirewallRule):
        return firewall
    return "seccomp" if isinstance(rule, SyscallRule) else "apparmor"


def render(rule: Rule, firewall: Firewall = "iptables") -> str:
    """``rule`` as one line of printable ASCII that may be pasted; a comment where the language cannot say it."""
    if isinstance(rule, FirewallRule):
        return _RENDER[firewall](rule)
    return seccomp.render(rule) if isinstance(rule, SyscallRule) else apparmor.render(rule)


def undo(rule: Rule, firewall: Firewall = "iptables") -> str:
    """The line that takes ``render(rule)`` back: a command, or a comment where the language has none."""
    if isinstance(rule, FirewallRule):
        return _UNDO[firewall](rule)
    return seccomp.undo(rule) if isinstance(rule, SyscallRule) else apparmor.undo(rule)


def together(rules: Sequence[Rule]) -> tuple[str, ...]:
    """The rules of one program or profile as one line, in each form that its language has for that; often there is none."""
    calls = [rule for rule in rules if isinstance(rule, SyscallRule)]
    return (seccomp.allow_list(calls), seccomp.oci(calls)) if calls else ()


def block(profile: bytes) -> str:
    """The head of the block of an AppArmor profile inside another; rules and ``}`` follow."""
    return f"profile {apparmor.value(profile)} {{"


def check(language: Language, line: str) -> bool:
    """Whether ``line`` is one rule or comment of ``language``, by that language's own strict grammar."""
    return _CHECK[language](line)


class Script:
    """The rules of one language as they stand together in what is pasted.

    rules: all of them, opened: those that stand open, without the mark of a comment.
    """

    def __init__(self, language: Language, rules: Sequence[Rule], opened: Sequence[Rule]) -> None:
        firewall = [rule for rule in rules if isinstance(rule, FirewallRule)]
        self._language = language
        self._table = nftables.name(firewall) if language == "nftables" else ""
        self.head: Sequence[str] = {"iptables": iptables.HEAD, "ufw": ufw.HEAD, "seccomp": seccomp.HEAD}.get(language, ())
        """Lines that stand before the rules."""
        if language == "nftables":
            self.head = nftables.head(firewall, [rule for rule in opened if isinstance(rule, FirewallRule)])

    def line(self, rule: Rule, why: str) -> str:
        """The rule; ``why`` becomes its comment where the language has comments that stay with rules."""
        if not isinstance(rule, FirewallRule):
            return render(rule)
        if self._language == "nftables":
            return nftables.line(rule, self._table, why)
        return ufw.render(rule, why) if self._language == "ufw" else iptables.pasted(rule)


_RENDER: dict[Firewall, Callable[[FirewallRule], str]] = {
    "iptables": iptables.render,
    "nftables": nftables.render,
    "ufw": ufw.render,
}
_UNDO: dict[Firewall, Callable[[FirewallRule], str]] = {"iptables": iptables.undo, "nftables": nftables.undo, "ufw": ufw.undo}
_CHECK: dict[Language, Callable[[str], bool]] = {
    "iptables": iptables.check,
    "nftables": nftables.check,
    "ufw": ufw.check,
    "apparmor": apparmor.check,
    "seccomp": seccomp.check,
}
