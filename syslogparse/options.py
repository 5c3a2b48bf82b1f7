"""What the user asked for, checked and typed."""

from __future__ import annotations

from typing import Literal, TypeAlias

import msgspec

from syslogparse.evidence.model import KINDS, Grade, Kind

Format: TypeAlias = Literal["text", "rules", "json", "events"]
FORMATS: tuple[Format, ...] = ("text", "rules", "json", "events")
Firewall: TypeAlias = Literal["iptables", "nftables", "ufw"]
FIREWALLS: tuple[Firewall, ...] = ("iptables", "nftables", "ufw")
FirewallIntent: TypeAlias = Literal["auto", "allow", "block"]


class Options(msgspec.Struct, frozen=True):
    """The command line. logs: as named, empty for the defaults. format: None for text on a terminal and rules elsewhere.

    jobs: None for the CPU count. trust: the least grade that is used.
    exact: nothing is generalised. apparmor: the version that the rules are for, major and minor; None for the installed one.
    max_rules: suggestions of a language that text prints. firewall: the language of firewall rules.
    existing: files with policy in force. output: the directory for rule files, force: replace those that are there.
    trusted_net, never_block: canonical networks. wan: interface names. scan_hosts, scan_ports: what makes a source a scanner.
    since, until: as written, empty for no bound. check: the baseline's file. explain: the ID of a suggestion.
    """

    logs: tuple[str, ...] = ()
    kinds: tuple[Kind, ...] = KINDS
    format: Format | None = None
    firewall: Firewall = "iptables"
    intent: FirewallIntent = "auto"
    exact: bool = False
    apparmor: tuple[int, int] | None = None
    trust: Grade = "syslog"
    rotated: bool = False
    max_rules: int = 30
    jobs: int | None = None
    existing: tuple[str, ...] = ()
    output: str | None = None
    force: bool = False
    trusted_net: tuple[str, ...] = ()
    never_block: tuple[str, ...] = ()
    wan: tuple[str, ...] = ()
    scan_hosts: int = 10
    scan_ports: int = 10
    since: str = ""
    until: str = ""
    check: str | None = None
    explain: str | None = None
    quiet: bool = False
