"""Evidence to advice, each kind by its own module."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from msgspec.structs import replace

from syslogparse.evidence.model import KINDS, Evidence, Kind
from syslogparse.rules import apparmor, firewall, seccomp
from syslogparse.rules.model import RISKS, Advice, Risk, Suggestion
from syslogparse.rules.wanted import USUAL, Wanted


def advise(evidence: Iterable[Evidence], wanted: Wanted = USUAL) -> Advice:
    """All suggestions for ``evidence``, by kind, then risk (low first), then the natural order of the rules.

    What the keys hold is validated again; what does not validate is counted as not suggested. Nothing is raised for any
    content of a key.
    """
    by_kind: dict[Kind, list[Evidence]] = {kind: [] for kind in KINDS}
    for item in evidence:
        by_kind[item.kind].append(item)
    suggestions: list[Suggestion] = []
    not_suggested: dict[str, int] = {}
    for kind in KINDS:
        part = _advise_kind(kind, by_kind[kind], wanted)
        if wanted.in_doubt and kind != "seccomp":
            part = _held_back(part)
        suggestions.extend(part.suggestions)
        for reason, lines in part.not_suggested.items():
            not_suggested[reason] = not_suggested.get(reason, 0) + lines
    return Advice(tuple(suggestions), dict(sorted(not_suggested.items())))


def _advise_kind(kind: Kind, evidence: Sequence[Evidence], wanted: Wanted) -> Advice:
    if kind == "netfilter":
        return firewall.advise(evidence, wanted)
    if kind == "apparmor":
        return apparmor.advise(evidence, wanted.apparmor, wanted.profiles)
    return seccomp.advise(evidence)


def _held_back(advice: Advice) -> Advice:
    """What opens anything is of risk high at least: nobody knows whether the policy that could not be read forbids it."""
    doubtful: tuple[Risk, ...] = ("low", "medium")
    opens = ("allow", "alert")
    held = [replace(one, risk="high") if one.intent in opens and one.risk in doubtful else one for one in advice.suggestions]
    held.sort(key=lambda one: RISKS.index(one.risk))
    return Advice(tuple(held), advice.not_suggested)
