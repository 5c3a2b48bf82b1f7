"""Logged system calls to additions for the filter that is in force.

A seccomp record (audit type 1326, kernel/auditsc.c audit_seccomp) names a call that the filter in force did not simply allow.
The rule adds that one call; which filter it is, and what else it allows, the log does not say.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from collections.abc import Set as AbstractSet

from syslogparse.evidence.model import Evidence, Key, SeccompKey
from syslogparse.rules import syscall_risk
from syslogparse.rules.merge import CONFIDENCES, Draft, Refused, merge_evidence, weakest
from syslogparse.rules.model import Advice, Confidence, Rule, Suggestion, SyscallRule

ARCHITECTURES = frozenset(
    "x86 x86_64 x32 arm aarch64 loongarch64 m68k mips mipsel mips64 mipsel64 mips64n32 mipsel64n32 parisc parisc64 ppc ppc64 "
    "ppc64le riscv64 s390 s390x sh sheb".split()
)
"""libseccomp's names (seccomp_arch_resolve_name(3))."""

_NAME = re.compile(r"[a-z_][a-z0-9_]{0,39}")
_MAX_EXE = 4096
_SIGKILL = b"9"
_SIGNALS = frozenset({b"0", b"31", b"12"})
"""None, and SIGSYS: 31, on MIPS 12."""


_UNSAID: dict[bytes, str] = {
    b"allow": "accepted already",
    b"trace": "left to a tracing process to decide",
    b"user_notif": "left to a supervising process to decide",
}
_CONFIDENCE: dict[bytes, Confidence] = {
    b"kill_process": "high",
    b"kill_thread": "high",
    b"trap": "medium",
    b"errno": "medium",
    b"log": "medium",
}
CANARY = (b"sp-canary", b"getppid")
"""comm and system call of the children that syslogparse sends ahead under each filter (sandbox/canary.py)."""
_SAID: dict[bytes, str] = {
    b"kill_process": "killed the process",
    b"kill_thread": "killed the thread",
    b"trap": "sent SIGSYS",
    b"errno": "answered with an error",
    b"log": "let it pass and logged it",
}
"""What became of a call, the gravest first."""


def advise(evidence: Iterable[Evidence]) -> Advice:
    """Suggestions for seccomp evidence: one rule per program, architecture and call."""
    draft = Draft()
    found: dict[SyscallRule, list[Evidence]] = {}
    for item in evidence:
        try:
            found.setdefault(_rule(item.key), []).append(item)
        except Refused as refusal:
            draft.refuse(refusal.reason, item)
    for rule, items in found.items():
        draft.add(_suggestion(rule, items))
    return draft.advice(natural_order)


def natural_order(rule: Rule) -> tuple[object, ...]:
    """The sorting key of a system-call rule: program, architecture, name."""
    return (rule.exe, rule.arch, rule.name) if isinstance(rule, SyscallRule) else ()


def _suggestion(rule: SyscallRule, items: Sequence[Evidence]) -> Suggestion:
    actions = {item.key.action for item in items if isinstance(item.key, SeccompKey)}
    evidence = merge_evidence(items)
    return Suggestion(
        rule=rule,
        intent="allow",
        risk=syscall_risk.risk(rule.name)[0],
        confidence=max((_CONFIDENCE[action] for action in actions), key=CONFIDENCES.index),
        why=_why(rule, actions),
        evidence=evidence,
        trust=weakest(evidence),
    )


def _why(rule: SyscallRule, actions: AbstractSet[bytes]) -> str:
    said = [words for action, words in _SAID.items() if action in actions]
    what = " or ".join(part for part in (", ".join(said[:-1]), said[-1]) if part)
    _, because = syscall_risk.risk(rule.name)
    why = f"At this call ({rule.arch}) the filter in force {what}; the rule is an addition to that filter"
    if because:
        why += f": a call that {because}"
    if b"trap" in actions:
        why += ". A program may handle SIGSYS itself, and then needs no rule"
    if option := syscall_risk.judged_by(rule.name):
        why += f". A filter can judge it by its arguments, as {option} of a unit does; then its name alone settles nothing"
    return why + "."


def _rule(key: Key) -> SyscallRule:
    """The rule for ``key``. Raises Refused: strict mode, a call without a known name, or no filter decided alone."""
    if not isinstance(key, SeccompKey):
        raise Refused("evidence that contradicts itself")
    if (key.comm, key.name) == CANARY and key.action == b"kill_process":
        raise Refused("a canary of syslogparse, killed to show that its filter bites")
    if key.sig == _SIGKILL:
        raise Refused("strict mode (SIGKILL) takes no additions")
    if key.sig not in _SIGNALS:
        raise Refused("signal that seccomp does not send")
    if key.action in _UNSAID:
        raise Refused(_UNSAID[key.action])
    if key.action not in _CONFIDENCE:
        raise Refused("action that seccomp does not have")
    if not key.name:
        raise Refused("system call without a known name")
    return _checked(key)


def _checked(key: SeccompKey) -> SyscallRule:
    name, arch = key.name.decode("ascii", "replace"), key.arch.decode("ascii", "replace")
    if not _NAME.fullmatch(name):
        raise Refused("system call name that is none")
    if arch not in ARCHITECTURES:
        raise Refused("architecture that is none")
    if not key.exe or len(key.exe) > _MAX_EXE or b"\0" in key.exe:
        raise Refused("no program name")
    return SyscallRule(key.exe, arch, name)
