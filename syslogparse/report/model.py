"""What a report is made from: the advice, and a summary of how it came about."""

from __future__ import annotations

from typing import Literal

import msgspec

from syslogparse.evidence.model import Grade, Kind, Reason
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
    unreadable: names of inputs that could not be read.
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


class Report(msgspec.Struct, frozen=True):
    """All that the formats text, rules and json print. firewall: the language of firewall rules."""

    summary: Summary
    advice: Advice
    firewall: Firewall = "iptables"
