"""What all kinds of rules share: refusing evidence, merging equal suggestions, and ordered scales of risk and trust.

Merging is associative and commutative, so the advice does not depend on the order or the cut of the evidence.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from heapq import nsmallest
from typing import Literal, TypeAlias

from syslogparse.evidence import identity
from syslogparse.evidence.model import GRADES, Evidence, Grade
from syslogparse.rules.model import RISKS, Advice, Confidence, Risk, Rule, Suggestion

AskedIntent: TypeAlias = Literal["auto", "allow", "block"]
"""What --intent may ask for."""

CONFIDENCES: tuple[Confidence, ...] = ("low", "medium", "high")


class Refused(Exception):
    """This evidence yields no rule. ``reason`` is a sentence of ours and holds no text from a log."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Draft:
    """Collects suggestions and refusals of one kind until they become advice."""

    def __init__(self) -> None:
        self._groups: dict[tuple[object, ...], list[Suggestion]] = {}
        self._not_suggested: dict[str, int] = {}

    def add(self, suggestion: Suggestion) -> None:
        """Keep a suggestion; one with an equal rule, intent and profile is merged with it later."""
        same = (suggestion.rule, suggestion.intent, suggestion.profile)
        self._groups.setdefault(same, []).append(suggestion)

    def refuse(self, reason: str, evidence: Evidence) -> None:
        """Count the log lines of ``evidence`` under ``reason``."""
        self._not_suggested[reason] = self._not_suggested.get(reason, 0) + evidence.count

    def advice(self, order: Callable[[Rule], tuple[object, ...]]) -> Advice:
        """All of it, lowest risk first, then by profile and the natural order of the rules."""
        merged = [merge_suggestions(group) for group in self._groups.values()]
        merged.sort(key=lambda one: (RISKS.index(one.risk), one.profile or b"", order(one.rule), one.intent))
        return Advice(tuple(merged), dict(sorted(self._not_suggested.items())))


def merge_evidence(items: Sequence[Evidence]) -> Evidence:
    """One piece of evidence for several: sums, spans and unions; the least key stands for all. ``items`` is not empty."""
    if len(items) == 1:
        return items[0]
    grades: dict[Grade, int] = {}
    known: identity.Identities = {}
    hosts: set[bytes] = set()
    places: set[tuple[int, int]] = set()
    for item in items:
        for grade, lines in item.grades.items():
            grades[grade] = grades.get(grade, 0) + lines
        if item.identities:
            identity.add(known, item.identities)
        hosts.update(item.hosts)
        places.update(item.places)
    identity.trim(known)
    named = sum(item.named for item in items)
    most = max(item.most_places for item in items)
    count = sum(item.count for item in items)
    attempts = sum(item.attempts for item in items)
    if items[0].kind == "netfilter":  # rules with different prefixes may have logged the same packet
        attempts = max(count - named + identity.attempts(named, known), 1)
    return Evidence(
        kind=items[0].kind,
        key=min(item.key for item in items),
        count=count,
        attempts=attempts,
        first=min((item.first for item in items if item.first is not None), default=None),
        last=max((item.last for item in items if item.last is not None), default=None),
        hosts=tuple(sorted(hosts)),
        grades={grade: grades[grade] for grade in GRADES if grade in grades},
        places=tuple(nsmallest(most, places)),
        named=named,
        identities=dict(sorted(known.items())),
        most_places=most,
    )


def merge_suggestions(group: Sequence[Suggestion]) -> Suggestion:
    """One suggestion for several with an equal rule: the highest risk, the best confidence and that one's reason."""
    if len(group) == 1:
        return group[0]
    lead = min(group, key=lambda one: (-CONFIDENCES.index(one.confidence), -RISKS.index(one.risk), one.why))
    evidence = merge_evidence([one.evidence for one in group])
    return Suggestion(
        rule=lead.rule,
        intent=lead.intent,
        risk=highest(one.risk for one in group),
        confidence=lead.confidence,
        why=lead.why,
        evidence=evidence,
        trust=weakest(evidence),
        profile=lead.profile,
        alternatives=lead.alternatives,
        local=lead.local,
    )


def weakest(evidence: Evidence) -> Grade:
    """The grade that is easiest to forge among the lines of ``evidence``."""
    return max((grade for grade, lines in evidence.grades.items() if lines), key=GRADES.index, default=GRADES[-1])


def strongest(evidence: Evidence) -> Grade:
    """The grade that is hardest to forge among the lines of ``evidence``."""
    return next((grade for grade in GRADES if evidence.grades.get(grade)), GRADES[-1])


def highest(risks: Iterable[Risk]) -> Risk:
    """The gravest of ``risks``; low when there is none."""
    return max(risks, key=RISKS.index, default=RISKS[0])


def moved(risk: Risk, steps: int) -> Risk:
    """``risk`` moved by ``steps`` on its scale, negative ones downwards; it stays on the scale."""
    return RISKS[max(0, min(len(RISKS) - 1, RISKS.index(risk) + steps))]


def decimal(text: bytes, most: int) -> int | None:
    """The number that ``text`` writes in plain decimal without leading zeros, None when it is none from 0 to ``most``."""
    if not 0 < len(text) <= len(str(most)) or not text.isdigit() or (text[:1] == b"0" and text != b"0"):
        return None
    number = int(text)
    return number if number <= most else None
