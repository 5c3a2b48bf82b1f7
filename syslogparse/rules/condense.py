"""Narrow firewall suggestions to few ones that cover them, and that an administrator would read.

Each narrow suggestion goes into one of those that come out, so counts are neither lost nor doubled. Suggestions are merged among
their like only: the same intent, chain, family, protocol, interfaces, bridge ports, ICMP type and TCP flags. What comes out
depends on the set of what comes in, not on its order.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TypeAlias

from msgspec.structs import replace

from syslogparse.evidence.model import Evidence
from syslogparse.rules.blocks import Closable, blocks
from syslogparse.rules.bundle import Key, bundle, by_ports, first_ports, number, rule_of, split, usual_why
from syslogparse.rules.exposure import SENSITIVE_PORTS, service_words
from syslogparse.rules.guard import Guard
from syslogparse.rules.model import Ports, Suggestion
from syslogparse.rules.network import Addresses, Network, bounds
from syslogparse.rules.ports import count, united
from syslogparse.rules.prefixes import exact, may_be_united

Refuse: TypeAlias = Callable[[str, Evidence], None]
"""Takes a reason and the evidence that yields no rule."""

MANY_GROUPS = 3
"""From so many multicast groups on, noise to the same ports is quieted for all groups."""

MOST_NAMES = 6
"""Services that a sentence names."""

_ALL_GROUPS = {4: "224.0.0.0/4", 6: "ff00::/8"}
_GROUPS = Addresses(_ALL_GROUPS.values())


def condense(
    suggestions: Iterable[Suggestion], network: Network, refuse: Refuse, closable: Closable = lambda _: True
) -> list[Suggestion]:
    """Few suggestions for the narrow ones of one run.

    suggestions: firewall rules with one source or any, one destination or any, and one range of ports at most. refuse: takes
    what would shut out somebody who is protected (``guard``). closable: whether the port of a rule for any source may be
    closed; not so that of a service which the packet filter was seen to let somebody in to.
    """
    guard = Guard(network)
    kept = guarded(suggestions, guard, refuse)
    narrow: list[Suggestion] = []
    few: list[Suggestion] = []
    for one in kept:
        (narrow if _is_narrow(one) else few).append(one)
    for parts in split(narrow, _like):
        intent = parts[0].intent
        if intent == "block":
            few += blocks(parts, guard, network, closable)
        elif intent == "quiet":
            few += _quiets(parts, guard)
        else:
            few += _allows(parts) if intent == "allow" else _alerts(parts)
    return few


def guarded(suggestions: Iterable[Suggestion], guard: Guard, refuse: Refuse) -> list[Suggestion]:
    """The suggestions, each as narrow as it came, without what would shut out somebody who is protected."""
    return [kept for one in suggestions if (kept := guard.keep(one, refuse)) is not None]


def _is_narrow(suggestion: Suggestion) -> bool:
    rule = rule_of(suggestion)
    return len(rule.sources) <= 1 and len(rule.ports) <= 1 and all(map(may_be_united, rule.sources))


def _like(suggestion: Suggestion) -> Key:
    """What suggestions that may be merged have in common."""
    rule = rule_of(suggestion)
    faces = tuple(one or "" for one in (rule.in_iface, rule.out_iface, rule.physdev_in, rule.physdev_out))
    kinds = tuple(-1 if one is None else one for one in (rule.icmp_type, rule.icmp_code))
    flags = (rule.flags.mask, rule.flags.set) if rule.flags else ()
    return (suggestion.intent, rule.chain, rule.family, rule.target, rule.proto, faces, kinds, flags)


def _allows(parts: Sequence[Suggestion]) -> list[Suggestion]:
    """One rule for the ports that one source may reach at one destination, where nothing else tells the suggestions apart."""

    def key(one: Suggestion) -> Key:
        rule = rule_of(one)
        return (rule.sources, rule.dst or "", one.risk, one.confidence, one.trust)

    merged: list[Suggestion] = []
    for same in split(parts, key):
        for ports, some in by_ports(same, first_ports):
            bare = [replace(one, why=one.why.replace(service_words(_port(one)), "")) for one in some]
            why = f"{usual_why(bare)}; {number(count(ports), 'port')} of the same destination{_services_among(ports)}."
            merged.append(bundle(some, replace(rule_of(some[0]), ports=ports), why))
    return merged


def _port(suggestion: Suggestion) -> int | None:
    ports = first_ports(suggestion)
    return None if ports is None else ports[0]


def _services_among(ports: Sequence[Ports]) -> str:
    """The services behind sensitive ports, by name."""
    names = [name for port, name in SENSITIVE_PORTS.items() if any(low <= port <= high for low, high in ports)]
    known = list(dict.fromkeys(names))
    more = f" and {len(known) - MOST_NAMES} more" if len(known) > MOST_NAMES else ""
    return f", among them those of {', '.join(known[:MOST_NAMES])}{more}" if known else ""


def _alerts(parts: Sequence[Suggestion]) -> list[Suggestion]:
    """One finding for each destination and port, whoever of ours connects to it."""

    def key(one: Suggestion) -> Key:
        rule = rule_of(one)
        return (rule.dst or "", rule.ports)

    merged: list[Suggestion] = []
    for same in split(parts, key):
        sources = _exact_sources(same)
        why = f"{usual_why(same)}; {number(len({rule_of(one).sources for one in same}), 'source')}."
        merged.append(bundle(same, replace(rule_of(same[0]), sources=sources), why))
    return merged


def _quiets(parts: Sequence[Suggestion], guard: Guard) -> list[Suggestion]:
    """Noise by group and port, from whoever sends it; from those that were seen, where --never-block names anybody."""
    anybody = guard.may_be_from_anywhere(rule_of(parts[0]).family)
    groups = {dst for one in parts if (dst := rule_of(one).dst) is not None and dst in _GROUPS}
    whole = _ALL_GROUPS[rule_of(parts[0]).family] if len(groups) >= MANY_GROUPS else None

    def destination(one: Suggestion) -> str | None:
        dst = rule_of(one).dst
        return whole if whole and dst in groups else dst

    merged: list[Suggestion] = []
    for same in split(parts, lambda one: (destination(one) or "",)):
        for ports, some in by_ports(same, first_ports):
            sources = () if anybody else _exact_sources(some)
            rule = replace(rule_of(some[0]), sources=sources, dst=destination(some[0]), ports=ports)
            merged.append(bundle(some, rule, _quiet_why(some)))
    return merged


def _quiet_why(parts: Sequence[Suggestion]) -> str:
    rules = [rule_of(one) for one in parts]
    ports = count(united(one for rule in rules for one in rule.ports))
    destinations = len({rule.dst for rule in rules})
    said = [number(destinations, "destination"), *([number(ports, "port")] if ports else [])]
    return f"{usual_why(parts)}; {' and '.join(said)}."


def _exact_sources(parts: Sequence[Suggestion]) -> tuple[str, ...]:
    """The sources of all of ``parts`` and no others; none where one is for any."""
    rules = [rule_of(one) for one in parts]
    if any(not rule.sources for rule in rules):
        return ()
    found = [bounds(source) for rule in rules for source in rule.sources]
    return tuple(exact(rules[0].family, ((one.low, one.high) for one in found)))
