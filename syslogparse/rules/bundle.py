"""Several suggestions as one with a rule that does all that theirs do: what becomes of risk, confidence, reason and evidence."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from typing import TypeAlias, TypeVar

from syslogparse.rules.merge import CONFIDENCES, highest, merge_evidence, weakest
from syslogparse.rules.model import Confidence, FirewallRule, Ports, Risk, Suggestion
from syslogparse.rules.ports import multiports

_T = TypeVar("_T")
Key: TypeAlias = tuple[object, ...]
"""What parts have in common. Keys of one kind can be compared with each other."""


def rule_of(suggestion: Suggestion) -> FirewallRule:
    """The firewall rule that ``suggestion`` holds, as all do that are condensed."""
    assert isinstance(suggestion.rule, FirewallRule)  # noqa: S101 - the caller's promise
    return suggestion.rule


def split(parts: Iterable[Suggestion], key: Callable[[Suggestion], Key]) -> list[list[Suggestion]]:
    """The parts with equal keys together, in the order of the keys."""
    found: defaultdict[Key, list[Suggestion]] = defaultdict(list)
    for part in parts:
        found[key(part)].append(part)
    return [found[one] for one in sorted(found)]


def by_ports(parts: Sequence[_T], ports_of: Callable[[_T], Ports | None]) -> list[tuple[tuple[Ports, ...], list[_T]]]:
    """Few multiport matches that hold the ports of ``parts``, each with those that it covers; ``()`` for those without ports."""
    given = [(ports, part) for part in parts if (ports := ports_of(part)) is not None]
    matches = multiports(ports for ports, _ in given)
    firsts = [match[0][0] for match in matches]
    dealt: list[list[_T]] = [[] for _ in matches]
    for ports, part in given:
        dealt[bisect_right(firsts, ports[0]) - 1].append(part)
    others = [part for part in parts if ports_of(part) is None]
    return [*zip(matches, dealt, strict=True), *([((), others)] if others else [])]


def first_ports(suggestion: Suggestion) -> Ports | None:
    """The one range of ports that a narrow suggestion has, None for any."""
    return next(iter(rule_of(suggestion).ports), None)


def bundle(parts: Sequence[Suggestion], rule: FirewallRule, why: str, risk: Risk = "low") -> Suggestion:
    """``parts`` with ``rule`` in the place of theirs, which it covers; one part whose rule it is stays as it is.

    The risk is the highest of theirs, and ``risk`` at least. The confidence is that of most parts, so that neither a few packets
    that somebody forged raise it nor a few doubtful ones spoil it.
    """
    if len(parts) == 1 and parts[0].rule == rule:
        return parts[0]
    evidence = merge_evidence([part.evidence for part in parts])
    return Suggestion(
        rule=rule,
        intent=parts[0].intent,
        risk=highest({risk, *(part.risk for part in parts)}),
        confidence=usual_confidence(parts),
        why=why,
        evidence=evidence,
        trust=weakest(evidence),
    )


def usual_confidence(parts: Sequence[Suggestion]) -> Confidence:
    """The confidence that most of ``parts`` have, the lower one of two that as many have."""
    found = Counter(part.confidence for part in parts)
    return min(found, key=lambda one: (-found[one], CONFIDENCES.index(one)))


def usual_why(parts: Sequence[Suggestion]) -> str:
    """The reason that most of ``parts`` give, without its full stop."""
    found = Counter(part.why for part in parts)
    return min(found, key=lambda one: (-found[one], one)).removesuffix(".")


def number(count: int, one: str, many: str = "") -> str:
    """``count`` things in words: ``1 port``, ``7 ports``."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"
