"""Logged packets to packet-filter rules.

Every packet is validated field by field, and judged by itself and by what all packets together tell; each verdict is a narrow
rule. What the policy in force settles or forbids is left out, and few rules are made of what remains. A rule that opens something
names every field that the kernel always logs for such packets (net/netfilter/nf_log_syslog.c); a packet without them yields none.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple, TypeAlias

from syslogparse.evidence.model import GRADES, Evidence, Grade, NetfilterKey
from syslogparse.rules.condense import condense, guarded
from syslogparse.rules.firewall_inforce import FirewallInForce
from syslogparse.rules.guard import Guard
from syslogparse.rules.judges import Decision, decide
from syslogparse.rules.merge import Draft, Refused, highest, merge_evidence, merge_suggestions, strongest, weakest
from syslogparse.rules.model import Advice, Confidence, FirewallRule, Intent, Rule, Suggestion
from syslogparse.rules.network import bounds
from syslogparse.rules.packet import Packet, read_packet
from syslogparse.rules.risk import opening_risk
from syslogparse.rules.situation import Situation, situation_of
from syslogparse.rules.transit import PASSED, Transit
from syslogparse.rules.wanted import USUAL, Wanted

ENOUGH_ATTEMPTS = 3
"""Distinct attempts that were refused, from which on a packet is no stray."""

MOST_WEAK = 30
"""Allows of low confidence at most: whoever sends packets decides how many there could be."""

_CHAINS = ("INPUT", "OUTPUT", "FORWARD")
_Refuse: TypeAlias = Callable[[str, Evidence], None]
_Judged: TypeAlias = list[tuple[Decision, Evidence]]


def advise(evidence: Iterable[Evidence], wanted: Wanted = USUAL) -> Advice:
    """Suggestions for netfilter evidence. Linear in it, but for sorting."""
    draft = Draft()
    packets = list(_packets_of(evidence, draft.refuse))
    views = _views(packets, wanted)
    judged = [(same, _view_of(views, same).seen) for same in _judged(packets, views, draft.refuse)]
    narrow = [_suggestion(same, seen) for same, seen in judged if not _is_lost_in_a_crowd(same, seen, draft.refuse)]
    left = _left_by(wanted.firewall, narrow, draft.refuse)
    if wanted.exact:
        few = guarded(left, Guard(wanted.network), draft.refuse)
    else:
        few = condense(left, wanted.network, draft.refuse, views[-1].seen.services.may_close)
    for one in few if wanted.intent == "allow" else _foremost(few, draft.refuse):
        draft.add(one)
    return draft.advice(natural_order)


def _foremost(suggestions: Iterable[Suggestion], refuse: _Refuse) -> Iterator[Suggestion]:
    """All that says something firm, and of the weak allows those that are hardest to forge and have the most attempts.

    Findings are all kept: whoever makes many connections shall not hide one of them.
    """
    weak: list[Suggestion] = []
    for one in suggestions:
        if one.confidence == "low" and one.intent == "allow":
            weak.append(one)
        else:
            yield one
    weak.sort(key=lambda one: (GRADES.index(one.trust), -one.evidence.attempts, -one.evidence.count, natural_order(one.rule)))
    yield from weak[:MOST_WEAK]
    for one in weak[MOST_WEAK:]:
        refuse("little speaks for it, and more of the same was asked for than is shown", one.evidence)


class _View(NamedTuple):
    """What the evidence of a grade, and of stronger ones, tells: lines that anybody can write change nothing in it."""

    grade: Grade
    seen: Situation
    transit: Transit


def _views(packets: Sequence[tuple[Packet, Evidence]], wanted: Wanted) -> list[_View]:
    """One view for each grade that there is, the strongest first; one that is empty where there are no packets."""
    grades = sorted({strongest(item) for _, item in packets}, key=GRADES.index) or [GRADES[-1]]
    views = []
    for grade in grades:
        mine = [(packet, item) for packet, item in packets if GRADES.index(strongest(item)) <= GRADES.index(grade)]
        seen = situation_of([packet for packet, _ in mine], wanted)
        views.append(_View(grade, seen, Transit(mine, seen.near)))
    return views


def _view_of(views: Sequence[_View], same: _Judged) -> _View:
    best = min((strongest(item) for _, item in same), key=GRADES.index)
    return next(view for view in views if view.grade == best)


def natural_order(rule: Rule) -> tuple[object, ...]:
    """The sorting key of a firewall rule: chain, family, target, then ports, addresses, interfaces and flags."""
    if not isinstance(rule, FirewallRule):
        return ()
    numbers = tuple(-1 if one is None else one for one in (rule.icmp_type, rule.icmp_code))
    faces = tuple(one or "" for one in (rule.in_iface, rule.out_iface, rule.physdev_in, rule.physdev_out))
    ends = (tuple(map(_by_value, rule.sources)), () if rule.dst is None else _by_value(rule.dst))
    flags = (rule.flags.mask, rule.flags.set) if rule.flags else ()
    return (_CHAINS.index(rule.chain), rule.family, rule.target, rule.proto, rule.ports, numbers, ends, faces, flags)


def _by_value(address: str) -> tuple[int, int]:
    _, low, high = bounds(address)
    return low, high - low


def _packets_of(evidence: Iterable[Evidence], refuse: _Refuse) -> Iterator[tuple[Packet, Evidence]]:
    for item in evidence:
        if not isinstance(item.key, NetfilterKey):
            refuse("evidence that contradicts itself", item)
            continue
        try:
            yield read_packet(item.key), item
        except Refused as refusal:
            refuse(refusal.reason, item)


def _judged(packets: Sequence[tuple[Packet, Evidence]], views: Sequence[_View], refuse: _Refuse) -> Iterable[_Judged]:
    """The decisions with an equal rule and intent together: several keys can tell of the same attempts."""
    groups: dict[tuple[FirewallRule, Intent], _Judged] = {}
    by_grade = {view.grade: view for view in views}
    for packet, item in packets:
        view = by_grade[strongest(item)]
        try:
            decision = decide(packet, view.seen)
        except Refused as refusal:
            refuse(refusal.reason, item)
            continue
        if decision.intent != "quiet" and view.transit.passed(packet, item):
            refuse(PASSED, item)
        else:
            groups.setdefault((decision.rule, decision.intent), []).append((decision, item))
    return groups.values()


def _is_lost_in_a_crowd(same: _Judged, seen: Situation, refuse: _Refuse) -> bool:
    """Whether a stranger's few attempts are among those of many strangers at the same port, and so wait for no rule."""
    lead = same[0][0]
    if seen.intent != "auto" or lead.intent != "allow" or not lead.stranger or not seen.services.is_crowded(lead.rule):
        return False
    if _is_firm(same) or _is_trusted(lead.rule, seen):
        return False
    for _, item in same:
        refuse("a few attempts among those of a hundred strangers or more at the same port, as forged sources make", item)
    return True


def _is_firm(same: _Judged) -> bool:
    refused = [item for decision, item in same if decision.refused]
    return bool(refused) and merge_evidence(refused).attempts >= ENOUGH_ATTEMPTS


def _left_by(policy: FirewallInForce, suggestions: Iterable[Suggestion], refuse: _Refuse) -> Iterator[Suggestion]:
    """What the policy in force neither does already nor forbids."""
    for one in suggestions:
        rule = one.rule
        if not isinstance(rule, FirewallRule) or not policy.bases:
            yield one
        elif policy.settles(rule, silently=one.intent == "quiet"):
            refuse("settled by the policy in force", one.evidence)
        elif rule.target == "ACCEPT" and policy.forbids(rule):
            refuse("a rule of the policy in force refuses it explicitly", one.evidence)
        else:
            yield one


def _suggestion(same: _Judged, seen: Situation) -> Suggestion:
    lead = same[0][0]
    if lead.rule.target == "ACCEPT":
        return _weighed(same, seen)
    return merge_suggestions([_as_suggestion(decision, item) for decision, item in same])


def _as_suggestion(decision: Decision, item: Evidence) -> Suggestion:
    return Suggestion(
        rule=decision.rule,
        intent=decision.intent,
        risk=decision.risk,
        confidence=decision.confidence,
        why=decision.why,
        evidence=item,
        trust=weakest(item),
    )


def _weighed(same: _Judged, seen: Situation) -> Suggestion:
    """A rule that opens something, weighed by all that is known of it."""
    lead = same[0][0]
    refused = [item for decision, item in same if decision.refused]
    firm = _is_firm(same)
    risk = opening_risk(lead.rule, trusted=seen.near.trusts_all, logged_only=not refused)
    if lead.intent == "alert" or (seen.intent == "auto" and not firm):
        risk = highest(("high", risk))
    hostile = _hostile(lead.rule.sources, seen)
    if hostile:
        risk = "critical"
    evidence = merge_evidence([item for _, item in same])
    return Suggestion(
        rule=lead.rule,
        intent=lead.intent,
        risk=risk,
        confidence="low" if hostile else _confidence(lead.rule, seen, firm=firm),
        why=f"{_said(refused, seen, firm=firm)}: {lead.why}{hostile}.",
        evidence=evidence,
        trust=weakest(evidence),
    )


def _hostile(sources: Sequence[str], seen: Situation) -> str:
    if any(source in seen.scanners for source in sources):
        return "; the same source scans"
    if any(source in seen.forgers for source in sources):
        return "; the same source also sent packets with impossible TCP flags"
    return ""


def _confidence(rule: FirewallRule, seen: Situation, *, firm: bool) -> Confidence:
    if seen.intent == "allow":
        return "high"
    return ("high" if _is_trusted(rule, seen) else "medium") if firm else "low"


def _is_trusted(rule: FirewallRule, seen: Situation) -> bool:
    peers = (rule.dst,) if rule.chain == "OUTPUT" else rule.sources
    return all(peer is not None and seen.near.trusts_all(bounds(peer)) for peer in peers)


def _said(refused: Sequence[Evidence], seen: Situation, *, firm: bool) -> str:
    if not refused:
        return "The log does not say whether it passed"
    if firm or seen.intent == "allow":
        return "The packet filter refused it"
    return "The packet filter refused it, in fewer than three attempts"
