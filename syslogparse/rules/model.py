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


Ports: TypeAlias = tuple[int, int]
"""The first and the last port of a range, 0 to 65535; one port is a range of its own."""


class TcpFlags(msgspec.Struct, frozen=True):
    """TCP flags to match, upper-case names in the order of the header's bits: of those in mask, the ones in set and no other."""

    mask: tuple[str, ...]
    set: tuple[str, ...]


class FirewallRule(msgspec.Struct, frozen=True, tag="firewall"):
    """One packet-filter rule, in terms that iptables, nftables and ufw share.

    Interface names and addresses are validated text: whoever makes a rule has checked them. family: 4 or 6.
    sources: canonical addresses or networks (``192.0.2.0/24``), sorted by value, none within another; empty for any.
    dst: canonical address or network, None for any. ports: destination ports, sorted, apart from each other, each range worth
    one or two of the fifteen places of a multiport match; empty for any. target: ACCEPT or DROP.
    """

    family: Literal[4, 6]
    chain: Literal["INPUT", "OUTPUT", "FORWARD"]
    target: Literal["ACCEPT", "DROP"]
    proto: str
    in_iface: str | None = None
    out_iface: str | None = None
    physdev_in: str | None = None
    physdev_out: str | None = None
    sources: tuple[str, ...] = ()
    dst: str | None = None
    ports: tuple[Ports, ...] = ()
    icmp_type: int | None = None
    icmp_code: int | None = None
    flags: TcpFlags | None = None


class SyscallRule(msgspec.Struct, frozen=True, tag="syscall"):
    """One system call that a filter in force would have to allow in addition. arch, name: libseccomp's words."""

    exe: bytes
    arch: str
    name: str


Rule: TypeAlias = FirewallRule | AppArmorRule | SyscallRule


class Suggestion(msgspec.Struct, frozen=True):
    """A rule, why it is suggested, and what speaks for and against it.

    why: one sentence of ours; it holds no text from a log. profile: the AppArmor profile that the rule belongs to. local: the
    file below /etc/apparmor.d that the profile includes for the site's own rules; empty where it is not known to.
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
    local: str = ""


class Advice(msgspec.Struct, frozen=True):
    """All that the rules have to say: suggestions in a deterministic order, and what yields none, counted by reason.

    A reason of ``not_suggested`` is a sentence of ours; it holds no text from a log.
    """

    suggestions: tuple[Suggestion, ...]
    not_suggested: dict[str, int]
