"""What a log itself says was lost before it was written: rate limits, full queues, repetitions that were counted only.

Believed, like everything, by the tag position alone: the kernel for its own rate limits and audit backlog, rsyslogd(8),
systemd-journald(8) and auditd(8) for theirs. Only losses that packets, AppArmor or seccomp records may be among count.
"""

from __future__ import annotations

import re
from typing import Final, Literal, NamedTuple, TypeAlias

from syslogparse.evidence import tags
from syslogparse.evidence.envelope import split, without_uptime
from syslogparse.evidence.model import Undecodable

LossKind: TypeAlias = Literal[
    "kernel messages suppressed",
    "kernel messages missed by the journal",
    "audit records lost in total",
    "audit records lost",
    "messages suppressed by the journal",
    "messages lost by the log daemon",
    "messages repeated",
]
"""A closed set. ``audit records lost in total`` is a running total since boot, so that two lines of it must not be added up."""

LITERALS: Final[tuple[bytes, ...]] = (b"uppressed", b" lost", b"repeated ", b"kernel messages")
AUDIT_LITERAL: Final = b"audit_lost"
"""Every line that ``read`` knows holds one of these, and few others do: a line costs more than a search. What holds none comes
with one that does: the kernel's ``backlog limit exceeded`` with ``audit_lost=`` in the line before (kernel/audit.c:
audit_log_lost), rsyslogd's ``begin to drop messages`` with the number of those that were lost in the end."""

MAX_COUNT: Final = 2**63 - 1
_LONGEST: Final = 4096
"""Bytes of the longest line that is looked at; all of these are short."""


class Loss(NamedTuple):
    """kind: what was lost. count: how much of it as logged (MAX_COUNT at most), 0 where the line does not say."""

    kind: LossKind
    count: int  # type: ignore[assignment]  # hides tuple.count, which nobody needs here


# Who limits what concerns us: printk as a whole and the network's shared limit (lib/ratelimit.c, net/core/utils.c), audit
# (kauditd_printk_skb, audit_printk_skb, audit_log_start ...), AppArmor, seccomp and the packet loggers. A driver's own limit
# (`ath9k_isr: 5 callbacks suppressed`) holds back that driver's messages alone.
_OURS = (
    rb"(?:_{0,3}ratelimit|printk_ratelimit|printk|net_ratelimit"
    rb"|(?:k?auditd?_|seccomp|aa_|apparmor|nf_log|nft_log|log_tg|ipt_log|ip6t_log|ebt_log|dump_ipv|dump_packet)[a-z0-9_]{0,64})"
)
_Known: TypeAlias = tuple[tuple[LossKind, re.Pattern[bytes]], ...]
_KERNEL: Final[_Known] = (
    (
        "kernel messages suppressed",
        re.compile(
            rb"(?:type )?" + _OURS + rb": (\d{1,20}) (?:callbacks|messages|output lines) suppressed(?: due to ratelimiting)?\.?"
        ),
    ),
    ("audit records lost in total", re.compile(rb"audit: audit_lost=(\d{1,20})(?: .{0,128})?")),
)
_INPUT = rb"(?:imjournal|imkmsg|imklog|imuxsock)(?:\[.{0,256}\])?(?: from <.{0,256}>)?: "
_OF_TAG: Final[dict[bytes, _Known]] = {
    b"systemd-journald": (
        ("messages suppressed by the journal", re.compile(rb"Suppressed (\d{1,20}) messages from .{1,512}")),
        ("kernel messages missed by the journal", re.compile(rb"Missed (\d{1,20}) kernel messages\.?")),
    ),
    b"rsyslogd": (
        ("messages lost by the log daemon", re.compile(_INPUT + rb"(\d{1,20}) messages lost due to rate-limiting(?: .{0,512})?")),
        ("messages lost by the log daemon", re.compile(rb"imuxsock lost (\d{1,20}) messages from pid \d{1,10}(?: .{0,512})?")),
    ),
    b"auditd": (("audit records lost", re.compile(rb"dispatch err(?:or)? \(pipe full\) event lost")),),
}
_SAME = {b"systemd-journal": b"systemd-journald", b"journal": b"systemd-journald"}
_REPEATED = re.compile(rb"(?:" + tags.HOST + rb" )?last message repeated (\d{1,20}) times?")


def read(line: bytes) -> Loss | None:
    """The loss that a line (without its LF) tells of, None for all other lines."""
    if len(line) > _LONGEST or not any(line.find(literal) >= 0 for literal in (*LITERALS, AUDIT_LITERAL)):
        return None
    line = line.rstrip(b"\r ")
    try:
        said = split(line)
    except Undecodable:
        return _of_daemon(line)
    return _first(_KERNEL, without_uptime(said.message)) if said.speaker == "kernel" else None


def stamp(line: bytes) -> bytes:
    """The stamp of a line that ``read`` knows, as logged; empty where it has none."""
    try:
        return split(line).stamp
    except Undecodable:
        pass
    try:
        tagged = tags.read(line)
    except Undecodable:
        return b""
    return tagged.stamp if tagged else b""


def _of_daemon(line: bytes) -> Loss | None:
    try:
        tagged = tags.read(line)
    except Undecodable:
        return None
    if tagged is None:
        return None
    if not tagged.tag and (found := _REPEATED.fullmatch(tagged.message)):
        return Loss("messages repeated", _number(found[1]))
    return _first(_OF_TAG.get(_SAME.get(tagged.tag, tagged.tag), ()), tagged.message)


def _first(kinds: _Known, message: bytes) -> Loss | None:
    for kind, pattern in kinds:
        if found := pattern.fullmatch(message):
            return Loss(kind, _number(found[1]) if pattern.groups else 0)
    return None


def _number(digits: bytes) -> int:
    return min(int(digits), MAX_COUNT)
