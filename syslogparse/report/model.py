"""What a report is made from: the advice, and a summary of how it came about."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import msgspec

from syslogparse.evidence.model import Event, Grade, Kind, Reason
from syslogparse.languages.render import Firewall
from syslogparse.rules.model import Advice


class Undecoded(msgspec.Struct, frozen=True):
    """Lines of interest that are no event. first: (file, line from 1, reason), at most twenty, in the order of the log."""

    total: int = 0
    reasons: dict[Reason, int] = {}
    first: tuple[tuple[int, int, Reason], ...] = ()


class SandboxState(msgspec.Struct, frozen=True):
    """What holds while logs are parsed. mode: full (started as root) or reduced (a user namespace)."""

    mode: Literal["full", "reduced"]
    parsers: int
    uid: int
    root: str
    capabilities: str
    no_new_privs: bool
    seccomp: dict[str, int]
    """Allowed system calls by role (parser, analyst, supervisor)."""


class Summary(msgspec.Struct, frozen=True):
    """How the advice came about.

    files: names as given, log text to be escaped like any other. first, last: microseconds since the epoch over all
    events. losses: sentences of ours on why the result is incomplete; they hold no text from a log.
    unreadable: names of inputs that could not be read. since, until: the bounds that the user set, as first and last.
    policy: names of files with policy in force, as given. network: how much is known of the machine's own network: own
    addresses, gateways, resolvers and administrators' addresses.
    """

    files: tuple[str, ...]
    unreadable: tuple[str, ...]
    lines: int
    bytes: int
    events: dict[Kind, int]
    first: int | None
    last: int | None
    undecoded: Undecoded
    trust: dict[Grade, int]
    complete: bool
    losses: tuple[str, ...]
    sandbox: SandboxState
    since: int | None = None
    until: int | None = None
    policy: tuple[str, ...] = ()
    network: Mapping[str, int] = {}


class Report(msgspec.Struct, frozen=True):
    """All that the formats text, rules and json print. firewall: the language of firewall rules.

    events: by file and line (from 1) of its evidence, for a suggestion that is to be explained.
    """

    summary: Summary
    advice: Advice
    firewall: Firewall = "iptables"
    events: Mapping[tuple[int, int], Event] = {}
