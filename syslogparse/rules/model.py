"""What a suggestion is: a typed rule with its reason, its risk and the evidence behind it.

Languages render a rule and decide nothing; reports print a suggestion and add nothing.
"""

from __future__ import annotations

from typing import Literal, TypeAlias

import msgspec

from syslogparse.evidence.model import Evidence, Grade
from syslogparse.rules.apparmor_model import AppArmorRule

Intent: TypeAlias = Literal["allow", "block", "quiet", "alert"]
Risk: TypeAlias = Literal["low", "medium", "high", "critical"]
RISKS: tuple[Risk, ...] = ("low", "medium", "high", "critical")
Confidence: TypeAlias = Literal["low", "medium", "high"]


class FirewallRule(msgspec.Struct, frozen=True, tag="firewall"):
    """One packet-filter rule, in terms that iptables, nftables and ufw share.

    Interface names and addresses are validated text: whoever makes a rule has checked them. family: 4 or 6.
    src, dst: canonical address or None for any. dport: 0 to 65535. target: ACCEPT or DROP.
    """

    family: Literal[4, 6]
    chain: Literal["INPUT", "OUTPUT", "FORWARD"]
    target: Literal["ACCEPT", "DROP"]
    proto: str
    in_iface: str | None = None
    out_iface: str | None = None
    physdev_in: str | None = None
    physdev_out: str | None = None
    src: str | None = None
    dst: str | None = None
    dport: int | None = None
    icmp_type: int | None = None
    icmp_code: int | None = None


class SyscallRule(msgspec.Struct, frozen=True, tag="syscall"):
    """One system call that a filter in force would have to allow in addition. arch, name: libseccomp's words."""

    exe: bytes
    arch: str
    name: str


Rule: TypeAlias = FirewallRule | AppArmorRule | SyscallRule


class Suggestion(msgspec.Struct, frozen=True):
    """A rule, why it is suggested, and what speaks for and against it.

    why: one sentence of ours; it holds no text from a log. profile: the AppArmor profile that the rule belongs to.
    evidence: merged evidence of all keys that the rule settles. alternatives: other rules that settle the same.
    """

    rule: Rule
    intent: Intent
    risk: Risk
    confidence: Confidence
    why: str
    evidence: Evidence
    trust: Grade
    profile: bytes | None = None
    alternatives: tuple[Rule, ...] = ()


class Advice(msgspec.Struct, frozen=True):
    """All that the rules have to say: suggestions in a deterministic order, and what yields none, counted by reason.

    A reason of ``not_suggested`` is a sentence of ours; it holds no text from a log.
    """

    suggestions: tuple[Suggestion, ...]
    not_suggested: dict[str, int]
