"""The packet filter that is in force, and what it says about a rule that is about to be suggested.

The packets that a suggestion is about go through the listed chains as one box (``inforce_match``), and every rule is asked how
much of the box it matches. Where that is "some", or cannot be known, both ways are followed: the answer is a set of outcomes that
holds all those that any packet can have, and perhaps more. A rule counts as settled only where a single outcome is left.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Literal, NamedTuple, TypeAlias

import msgspec

from syslogparse.rules.inforce_match import (
    ALL,
    NONE,
    RANGES,
    SOME,
    Box,
    Condition,
    Numbers,
    cuts,
)
from syslogparse.rules.inforce_packets import followers, openers, shut_out
from syslogparse.rules.model import FirewallRule

Verdict: TypeAlias = Literal["accept", "drop", "return", "jump", "goto", "log", "unknown"]
Hook: TypeAlias = Literal["INPUT", "OUTPUT", "FORWARD"]

LIMIT = "limit"
"""The one word of Rule.unknown that makes no rule more explicit: a bound on how often it matches."""
DEEPEST = 64
"""Chains that call each other; nf_tables allows 16 (NFT_JUMP_STACK_SIZE)."""
_MOST_ANSWERS = 1 << 16

_ACCEPT, _DROP, _REFUSE, _FALL, _UNKNOWN, _LOG = (1 << bit for bit in range(6))


class Rule(msgspec.Struct, frozen=True):
    """One rule of a chain. target: the chain that a jump or goto leads to. verdict drop: a rejection, too.

    unknown: words for those of its matches that a listing cannot answer (a set, a mark, a rate).
    """

    verdict: Verdict
    conditions: tuple[Condition, ...] = ()
    unknown: tuple[str, ...] = ()
    target: str = ""

    def cover(self, box: Box) -> int:
        """How much of the box the rule matches: NONE, SOME or ALL."""
        least = ALL
        for condition in self.conditions:
            found = condition.cover(box)
            if found == NONE:
                return NONE
            least = min(least, found)
        return min(least, SOME) if self.unknown else least


class Base(msgspec.Struct, frozen=True):
    """A chain that the kernel itself calls. families: 4, 6 or both; bridge: for frames that a bridge passes on."""

    chain: str
    hook: Hook
    families: tuple[int, ...]
    policy: Literal["accept", "drop"] = "accept"
    priority: int = 0
    bridge: bool = False


class Listing(NamedTuple):
    """What a reader makes of a file: rules by chain, and the chains that the kernel calls. Names are unique in a listing."""

    chains: Mapping[str, Sequence[Rule]]
    bases: Sequence[Base]


class _Chain(msgspec.Struct, frozen=True):
    """A chain made ready. tail: the place behind its last rule that may let something in, or lead to one that does.

    narrow: places of rules by the one class of addresses or ports that they match; wide: the places of all others.
    """

    rules: tuple[Rule, ...]
    opens: bool
    tail: int
    narrow: dict[tuple[str, int], list[int]]
    wide: list[int]


class FirewallInForce(msgspec.Struct, frozen=True):
    """The policy that the user gave with --existing; empty when none was given: it settles nothing and forbids nothing.

    Made by ``in_force``.
    """

    bases: tuple[Base, ...] = ()
    chains: dict[str, _Chain] = {}
    edges: dict[str, list[int]] = {}
    answers: dict[tuple[object, ...], int] = {}

    def settles(self, rule: FirewallRule, *, silently: bool = False) -> bool:
        """Whether the policy does already what ``rule`` would do, for all packets that it matches.

        silently: it has to do so without a log line, which is the whole point of a rule of the intent ``quiet``.
        """
        own, bridges = self._bases(rule), self._bases(rule, bridge=True)
        if rule.target == "DROP":
            return all(self._drops([*bridges, *own], box, silently=silently) for box in shut_out(rule))
        return bool(own) and all(
            self._outcome(base, box) & ~_LOG == _ACCEPT for box in (*openers(rule), *followers(rule)) for base in (*bridges, *own)
        )

    def forbids(self, rule: FirewallRule) -> bool:
        """Whether an explicit rule refuses packets that ``rule`` (ACCEPT) would let in, unless one ahead of it accepts all.

        A rule that may match counts. Explicit is what names more than a default does: no default policy, no rule without
        a match, and not the last words of a chain that tell protocols, states, or the interface of INPUT or OUTPUT apart.
        """
        bases = [*self._bases(rule), *self._bases(rule, bridge=True)]
        return any(self._outcome(base, box) & _REFUSE for box in openers(rule) for base in bases)

    def _bases(self, rule: FirewallRule, *, bridge: bool = False) -> list[Base]:
        if bridge and rule.physdev_in is None and rule.physdev_out is None:
            return []
        return [base for base in self.bases if (base.hook, base.bridge) == (rule.chain, bridge) and rule.family in base.families]

    def _drops(self, bases: Sequence[Base], box: Box, *, silently: bool) -> bool:
        logged = False
        for base in bases:
            outcome = self._outcome(base, box)
            logged |= bool(outcome & _LOG)
            if not outcome & ~(_LOG | _DROP | _REFUSE):
                return not (silently and logged)
        return False

    def _outcome(self, base: Base, box: Box) -> int:
        """Every outcome that a packet of the box can have in a chain of the kernel's, as bits.

        Boxes between the same edges have the same answer: the log's many addresses are few to the policy.
        """
        if base.bridge:
            box = box._replace(in_iface=box.physdev_in, out_iface="" if base.hook == "INPUT" else box.physdev_out)
        places = {field: _between(edges, *getattr(box, field)) for field, edges in self.edges.items()}
        key = (base.chain, base.bridge, *places.values(), *box[RANGES:])
        known = self.answers.get(key)
        if known is None:
            if len(self.answers) >= _MOST_ANSWERS:
                self.answers.clear()
            found = _Walk(self.chains, places, box).chain(base.chain, aimed=False)
            policy = _ACCEPT if base.policy == "accept" else _DROP
            known = self.answers[key] = (found & ~_FALL) | (policy if found & _FALL else 0)
        return known


def _between(edges: Sequence[int], low: int, high: int) -> tuple[int, int]:
    """The classes, cut by the edges, that the numbers from ``low`` to ``high`` begin and end in."""
    first = bisect_right(edges, low)
    return (first, first) if low == high else (first, bisect_right(edges, high))


class _Walk:
    """One box on its way through the chains; every chain is walked once."""

    def __init__(self, chains: Mapping[str, _Chain], places: Mapping[str, tuple[int, int]], box: Box) -> None:
        self._chains, self._places, self._box = chains, places, box
        self._known: dict[tuple[str, bool], int] = {}

    def chain(self, name: str, *, aimed: bool) -> int:
        """The outcomes of a chain. aimed: what led here was explicit."""
        known = self._known.get((name, aimed))
        if known is None:
            known = self._known[name, aimed] = self._walk(self._chains[name], aimed=aimed)
        return known

    def _walk(self, chain: _Chain, *, aimed: bool) -> int:
        found = 0
        for place in self._candidates(chain):
            rule = chain.rules[place]
            cover = rule.cover(self._box)
            if cover == NONE:
                continue
            outcome = self._verdict(chain, place, aimed=aimed)
            found |= outcome & ~_FALL
            if rule.verdict in ("goto", "return"):
                found |= outcome & _FALL
                ends = True
            else:
                ends = not outcome & _FALL
            if ends and cover == ALL:
                return found
        return found | _FALL

    def _verdict(self, chain: _Chain, place: int, *, aimed: bool) -> int:
        """What the rule does with a packet that it matches; _FALL where it goes on: to the next rule, or out of the chain."""
        rule = chain.rules[place]
        if rule.verdict in ("jump", "goto"):
            target = self._chains[rule.target]
            default = self._is_bare(rule) or (self._is_coarse(rule) and (target.opens or place >= chain.tail))
            return self.chain(rule.target, aimed=aimed or not default)
        if rule.verdict == "drop":
            default = self._is_bare(rule) or (self._is_coarse(rule) and place >= chain.tail)
            return _REFUSE if aimed or not default else _DROP
        return {"accept": _ACCEPT, "return": _FALL, "log": _LOG | _FALL}.get(rule.verdict, _UNKNOWN)

    def _candidates(self, chain: _Chain) -> Iterable[int]:
        """Places of the rules that can match the box, in order."""
        if not chain.narrow:
            return chain.wide
        more: list[int] = []
        for field in _NARROW:
            first, last = self._places.get(field, (0, 0))
            if first != last:
                return range(len(chain.rules))
            more += chain.narrow.get((field, first), ())
        return sorted([*chain.wide, *more]) if more else chain.wide

    @staticmethod
    def _is_bare(rule: Rule) -> bool:
        return not rule.conditions and set(rule.unknown) <= {LIMIT}

    def _is_coarse(self, rule: Rule) -> bool:
        """Whether it tells no more apart than a default would: protocols, states, and the one interface that the hook has."""
        own = {"out_iface": self._box.in_iface == "", "in_iface": self._box.out_iface == ""}
        told = (one.field for one in rule.conditions)
        return set(rule.unknown) <= {LIMIT} and all(field in _COARSE or own.get(field, False) for field in told)


_COARSE = frozenset({"family", "protocol", "state"})
_NARROW = ("source", "destination", "port")


def in_force(listings: Sequence[Listing]) -> FirewallInForce:
    """The policy that all the listings are together. Raises ValueError: a chain is missing, calls itself, or leads too deep."""
    chains: dict[str, Sequence[Rule]] = {}
    bases: list[Base] = []
    for number, listing in enumerate(listings):
        for name, rules in listing.chains.items():
            chains[f"{number} {name}"] = [_moved(rule, number) for rule in rules]
        bases += [msgspec.structs.replace(base, chain=f"{number} {base.chain}") for base in listing.bases]
    edges = _edges(chains.values())
    ready: dict[str, _Chain] = {}
    for name in _callees_first(chains):
        ready[name] = _made_ready(tuple(chains[name]), ready, edges)
    bases.sort(key=lambda base: base.priority)
    return FirewallInForce(tuple(bases), ready, edges, {})


def check(listing: Listing) -> None:
    """Raises ValueError, as ``in_force`` would for the listing alone."""
    _callees_first(listing.chains)


def _moved(rule: Rule, number: int) -> Rule:
    return msgspec.structs.replace(rule, target=f"{number} {rule.target}") if rule.target else rule


def _edges(chains: Iterable[Iterable[Rule]]) -> dict[str, list[int]]:
    found: dict[str, set[int]] = {}
    # A set that many rules name is looked at once.
    every = (one for rules in chains for rule in rules for one in rule.conditions if isinstance(one, Numbers))
    once = {(one.field, id(one.spans)): one for one in every}
    for field, number in cuts(once.values()):
        found.setdefault(field, set()).add(number)
    return {field: sorted(numbers) for field, numbers in found.items()}


def _callees_first(chains: Mapping[str, Sequence[Rule]]) -> list[str]:
    """All chains, each behind those that it calls."""
    depths: dict[str, int] = {}
    order: list[str] = []
    for start in chains:
        way: list[tuple[str, Iterator[str]]] = [] if start in depths else [(start, _calls(chains, start))]
        inside = {start}
        while way:
            name, calls = way[-1]
            ahead = next((one for one in calls if one not in depths), None)
            if ahead is None:
                way.pop()
                inside.discard(name)
                order.append(name)
                depths[name] = 1 + max((depths[one] for one in _calls(chains, name)), default=0)
            elif ahead in inside:
                raise ValueError("a chain that jumps to itself")
            else:
                way.append((ahead, _calls(chains, ahead)))
                inside.add(ahead)
    if max(depths.values(), default=0) > DEEPEST:
        raise ValueError(f"chains nested more than {DEEPEST} deep")
    return order


def _calls(chains: Mapping[str, Sequence[Rule]], name: str) -> Iterator[str]:
    for rule in chains[name]:
        if rule.target:
            if rule.target not in chains:
                raise ValueError("a jump to a chain that is not there")
            yield rule.target


def _made_ready(rules: tuple[Rule, ...], ready: Mapping[str, _Chain], edges: Mapping[str, Sequence[int]]) -> _Chain:
    tail, narrow, wide = 0, {}, []  # type: int, dict[tuple[str, int], list[int]], list[int]
    for place, rule in enumerate(rules):
        if rule.verdict in ("accept", "unknown") or (rule.target and ready[rule.target].opens):
            tail = place + 1
        key = next(_single_places(rule, edges), None)
        if key is None:
            wide.append(place)
        else:
            narrow.setdefault(key, []).append(place)
    return _Chain(rules, tail > 0, tail, narrow, wide)


def _single_places(rule: Rule, edges: Mapping[str, Sequence[int]]) -> Iterator[tuple[str, int]]:
    """The fields of which the rule matches no more than one class, with that class."""
    for one in rule.conditions:
        if isinstance(one, Numbers) and one.field in _NARROW and not one.inverted and len(one.spans) == 1:
            first, last = _between(edges[one.field], *one.spans[0])
            if first == last:
                yield one.field, first
