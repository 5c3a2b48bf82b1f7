"""A rule as a line of its language. A firewall rule has three; which of them is the caller's choice."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal, TypeAlias

from syslogparse.languages import (
    apparmor,
    iptables,
    iptables_grammar,
    nftables,
    nftables_grammar,
    seccomp,
    ufw,
    ufw_grammar,
)
from syslogparse.rules.model import FirewallRule, Rule, SyscallRule

Firewall: TypeAlias = Literal["iptables", "nftables", "ufw"]
FIREWALLS: tuple[Firewall, ...] = ("iptables", "nftables", "ufw")
Language: TypeAlias = Firewall | Literal["apparmor", "seccomp"]


def language(rule: Rule, firewall: Firewall = "iptables") -> Language:
    """The language that ``rule`` is written in. firewall: the one for firewall rules."""
    if isinstance(rule, FirewallRule):
        return firewall
    return "seccomp" if isinstance(rule, SyscallRule) else "apparmor"


def render(rule: Rule, firewall: Firewall = "iptables") -> str:
    """``rule`` as text that may be pasted by itself; a comment where the language cannot say it.

    Printable ASCII, and line feeds where a firewall rule needs several commands.
    """
    return "\n".join(lines(rule, firewall))


def lines(rule: Rule, firewall: Firewall = "iptables") -> tuple[str, ...]:
    """The lines of ``render``, at least one, each of which passes ``check``."""
    if isinstance(rule, FirewallRule):
        return _LINES[firewall](rule)
    return (seccomp.render(rule) if isinstance(rule, SyscallRule) else apparmor.render(rule),)


def main(rule: Rule, firewall: Firewall = "iptables") -> str:
    """``rule`` as the one line that says it best to a person; what stands in a set, or is too long a list, is only named."""
    return _MAIN[firewall](rule) if isinstance(rule, FirewallRule) else lines(rule)[0]


def undo(rule: Rule, firewall: Firewall = "iptables") -> str:
    """What takes ``render(rule)`` back, sets too: commands on a line each, or a comment where the language has none."""
    if isinstance(rule, FirewallRule):
        return "\n".join(_UNDO[firewall](rule))
    return seccomp.undo(rule) if isinstance(rule, SyscallRule) else apparmor.undo(rule)


def together(rules: Sequence[Rule]) -> tuple[str, ...]:
    """The rules of one program or profile as one line, in each form that its language has for that; often there is none."""
    calls = [rule for rule in rules if isinstance(rule, SyscallRule)]
    if not calls:
        return ()
    return (seccomp.allow_list(calls), seccomp.oci(calls), *([seccomp.unit(calls)] if len(calls) > 1 else []))


def beside(rules: Sequence[Rule]) -> tuple[str, ...]:
    """What the rules of one program or profile need beside them, each with the words when; often there is nothing."""
    line = seccomp.architectures(rule for rule in rules if isinstance(rule, SyscallRule))
    return (f"where the unit limits architectures, also: {line}",) if line else ()


def note(language: Language) -> str:
    """What has to be known before any rule of the language is used; empty where nothing has."""
    return seccomp.NOTE if language == "seccomp" else ""


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
            open_ones = [rule for rule in opened if isinstance(rule, FirewallRule)]
            self._live = nftables.live_chains(open_ones)
            self.head = nftables.head(firewall, open_ones)

    def needs(self, rule: Rule) -> str:
        """Which comments of the head ``rule`` needs as what they are, in words; empty where it needs none."""
        if self._language != "nftables" or not isinstance(rule, FirewallRule):
            return ""
        return nftables.needs(rule, self._table, self._live)

    def lines(self, rule: Rule, why: str) -> tuple[str, ...]:
        """The rule; ``why`` becomes its comment where the language has comments that stay with rules."""
        if not isinstance(rule, FirewallRule):
            return lines(rule)
        if self._language == "nftables":
            return nftables.filed(rule, self._table, why)
        return ufw.pasted(rule, why) if self._language == "ufw" else iptables.pasted(rule, why)


_LINES: dict[Firewall, Callable[[FirewallRule], tuple[str, ...]]] = {
    "iptables": iptables.lines,
    "nftables": nftables.lines,
    "ufw": ufw.lines,
}
_MAIN: dict[Firewall, Callable[[FirewallRule], str]] = {"iptables": iptables.main, "nftables": nftables.main, "ufw": ufw.main}
_UNDO: dict[Firewall, Callable[[FirewallRule], tuple[str, ...]]] = {
    "iptables": iptables.undo,
    "nftables": nftables.undo,
    "ufw": ufw.undo,
}
_CHECK: dict[Language, Callable[[str], bool]] = {
    "iptables": iptables_grammar.check,
    "nftables": nftables_grammar.check,
    "ufw": ufw_grammar.check,
    "apparmor": apparmor.check,
    "seccomp": seccomp.check,
}
