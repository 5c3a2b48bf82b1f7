"""Reads what ``nft -j list ruleset`` prints (libnftables-json(5)).

Of all tables the filtering chains of the hooks input, forward and output count, those of table bridge for what a bridge passes
on; what is dormant does not. A statement or a match that is not known makes a rule one that may or may not match. What
iptables-nft wrote shows here as ``xt`` without its values: iptables-save tells more of it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Any, Literal

import msgspec

from syslogparse.languages.nft_keys import Json, Key, NamedSets, conditions, elements, fields, key, only, plain
from syslogparse.languages.policy_words import Unknown, Unreadable
from syslogparse.rules.firewall_inforce import LIMIT, Base, Hook, Listing, Rule, Verdict
from syslogparse.rules.inforce_match import Condition, Numbers

_HOOKS: dict[str, Hook] = {"input": "INPUT", "forward": "FORWARD", "output": "OUTPUT"}
_FAMILIES: dict[str, tuple[int, ...]] = {"ip": (4,), "ip6": (6,), "inet": (4, 6), "bridge": (4, 6)}
_MOST_ENTRIES = 1 << 18
"""Rules that maps may be written out as, all together: one for each element and each rule that asks the map."""


class _Table(msgspec.Struct):
    family: str
    name: str
    flags: Any = None


class _Chain(msgspec.Struct):
    family: str
    table: str
    name: str
    type: str | None = None
    hook: str | None = None
    prio: int = 0
    policy: Literal["accept", "drop"] = "accept"


class _Rule(msgspec.Struct):
    family: str
    table: str
    chain: str
    expr: list[Any] = []


class _Set(msgspec.Struct):
    family: str
    table: str
    name: str
    flags: Any = None
    elem: list[Any] = []


class _Entry(msgspec.Struct):
    table: _Table | None = None
    chain: _Chain | None = None
    rule: _Rule | None = None
    set: _Set | None = None
    map: _Set | None = None
    element: _Set | None = None


class _Document(msgspec.Struct):
    nftables: list[_Entry]


_DECODER = msgspec.json.Decoder(_Document)


def read(text: bytes) -> Listing:
    """The packet filter in ``text``. Raises Unreadable."""
    try:
        document = _DECODER.decode(text)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        raise Unreadable("this is not what nft -j list ruleset prints") from None
    if not any(entry.table for entry in document.nftables):
        raise Unreadable("it has no table")
    return _Reader(document.nftables).listing()


def _has(flags: Json, word: str) -> bool:
    return flags == word or (isinstance(flags, list) and word in flags)


class _Reader:
    """Takes the entries of a document, sets first."""

    def __init__(self, entries: Sequence[_Entry]) -> None:
        self._entries = entries
        self._sets: dict[tuple[str, str], NamedSets] = {}
        self._expanded = 0
        self._translates = any(entry.rule and _translates(entry.rule) for entry in entries)
        tables = [entry.table for entry in entries if entry.table]
        self._asleep = {(table.family, table.name) for table in tables if _has(table.flags, "dormant")}

    def listing(self) -> Listing:
        """All of it. Raises Unreadable."""
        chains: dict[str, list[Rule]] = {}
        bases: list[Base] = []
        for entry in self._entries:
            if (chain := entry.chain) and self._counts(chain.family, chain.table):
                chains[f"{chain.family} {chain.table} {chain.name}"] = []
                bases += _base(chain)
            for found in (entry.set, entry.map, entry.element):
                if found:
                    self._keep(found)
        for entry in self._entries:
            if (rule := entry.rule) and self._counts(rule.family, rule.table):
                name = f"{rule.family} {rule.table} {rule.chain}"
                if name not in chains:
                    raise Unreadable("a rule of a chain that is not listed")
                chains[name] += self._rules(rule)
        return Listing(chains, bases)

    def _counts(self, family: str, table: str) -> bool:
        return family in _FAMILIES and (family, table) not in self._asleep

    def _keep(self, found: _Set) -> None:
        named = self._sets.setdefault((found.family, found.table), NamedSets())
        # What packets put into a set is another thing a moment later.
        if not _has(found.flags, "dynamic"):
            named[found.name] = [*named.get(found.name, ()), *found.elem]

    def _rules(self, rule: _Rule) -> Iterator[Rule]:
        """One rule as rules of one verdict each, none where it decides nothing. Raises Unreadable."""
        named = self._sets.get((rule.family, rule.table)) or NamedSets()
        maker = _RuleMaker(f"{rule.family} {rule.table}", named, translates=self._translates)
        for statement in rule.expr:
            for made in maker.statement(statement):
                self._expanded += 1
                if self._expanded > _MOST_ENTRIES:
                    raise Unreadable(f"its rules and maps are more than {_MOST_ENTRIES} rules")
                yield made
            if maker.done:
                return
        if maker.strange:
            yield maker.rule("unknown")


_TRANSLATED = ({"ct": {"key": "status"}}, "dnat")
_TRANSLATIONS = frozenset({"dnat", "redirect", "xt"})


def _translates(rule: _Rule) -> bool:
    """Whether it may change where packets go. Where no rule does, no packet has the status dnat."""
    return any(isinstance(statement, dict) and not _TRANSLATIONS.isdisjoint(statement) for statement in rule.expr)


def _base(chain: _Chain) -> Iterator[Base]:
    hook = _HOOKS.get(chain.hook or "")
    if hook and chain.type in ("filter", "route"):
        name = f"{chain.family} {chain.table} {chain.name}"
        yield Base(name, hook, _FAMILIES[chain.family], chain.policy, chain.prio, chain.family == "bridge")


class _RuleMaker:
    """Takes a rule statement by statement. done: a verdict was the last. strange: a statement was not known."""

    def __init__(self, table: str, sets: NamedSets, *, translates: bool) -> None:
        self._table, self._sets, self._translates = table, sets, translates
        self._conditions: list[Condition] = []
        self._unknown: list[str] = []
        self.done = self.strange = False

    def rule(self, verdict: Verdict, *more: Condition, target: str = "", unknown: tuple[str, ...] = ()) -> Rule:
        """A rule with the matches so far."""
        return Rule(verdict, (*self._conditions, *more), (*self._unknown, *unknown), target)

    def statement(self, statement: Json) -> Iterator[Rule]:
        """Take one; the rules that it makes, if any."""
        try:
            name, body = only(statement)
        except Unknown:
            name, body = "a statement", None
        if name == "match":
            self._match(body)
        elif name in _VERDICTS or name in ("jump", "goto"):
            self.done = True
            yield self._verdict(name, body)
        elif name == "log":
            yield self.rule("log")
        elif name == "vmap":
            yield from self._map(body)
        elif name == "xt":
            yield from self._xt(body)
        elif name not in _WORTH_NOTHING:
            self._unknown.append(name)
            self.strange |= name not in _MATCHES

    def _match(self, body: Json) -> None:
        try:
            said = fields(body)
            if (said.get("left"), said.get("right")) == _TRANSLATED and said.get("op") in ("==", "in") and not self._translates:
                self._conditions.append(Numbers("protocol", ()))
                return
            self._conditions += conditions(key(said.get("left")), said.get("op"), said.get("right"), self._sets)
        except Unknown:
            self._unknown.append("match")

    def _verdict(self, name: str, body: Json, *more: Condition, unknown: tuple[str, ...] = ()) -> Rule:
        if name in _VERDICTS:
            return self.rule(_VERDICTS[name], *more, unknown=unknown)
        target = body.get("target") if isinstance(body, dict) else None
        if not isinstance(target, str):
            raise Unreadable("a jump that leads nowhere")
        return self.rule("jump" if name == "jump" else "goto", *more, target=f"{self._table} {target}", unknown=unknown)

    def _map(self, body: Json) -> Iterator[Rule]:
        """A verdict for each value. The values of a map do not overlap, so their order does not matter but for the rest, *."""
        pairs: list[Json] = []
        left: Key | None = None
        try:
            said = fields(body)
            pairs = list(elements(said.get("data"), self._sets))
            left = key(said.get("key"))
        except Unknown:
            self.strange |= not pairs
        pairs.sort(key=lambda pair: isinstance(pair, list) and bool(pair) and plain(pair[0]) == "*")
        for pair in pairs:
            yield from self._entry(left, pair)

    def _entry(self, left: Key | None, pair: Json) -> Iterator[Rule]:
        if not isinstance(pair, list) or len(pair) != 2 or not isinstance(pair[1], dict) or len(pair[1]) != 1:
            self.strange = True
            return
        name, body = only(pair[1])
        more, unknown = self._value(left, pair[0])
        if name in _VERDICTS or name in ("jump", "goto"):
            yield self._verdict(name, body, *more, unknown=unknown)
        elif name != "continue":
            self.strange = True

    def _value(self, left: Key | None, value: Json) -> tuple[tuple[Condition, ...], tuple[str, ...]]:
        if left is not None:
            with suppress(Unknown):
                return (left.implied if plain(value) == "*" else conditions(left, "==", value, self._sets)), ()
        return (), ("vmap",)

    def _xt(self, body: Json) -> Iterator[Rule]:
        """What iptables-nft could not say in nft's own words: the name of a match or a target, without its values."""
        said = fields(body) if isinstance(body, dict) else {}
        kind, name = said.get("type"), said.get("name")
        if kind == "target" and name in ("LOG", "NFLOG"):
            yield self.rule("log")
        elif kind == "target" and name == "REJECT":
            self.done = True
            yield self.rule("drop")
        elif kind != "match":
            self._unknown.append("xt")
            self.strange = True
        elif name != "comment":
            self._unknown.append("xt")


_VERDICTS: dict[str, Verdict] = {
    "accept": "accept", "drop": "drop", "reject": "drop", "return": "return", "queue": "unknown", "dnat": "unknown",
    "snat": "unknown", "masquerade": "unknown", "redirect": "unknown", "tproxy": "unknown", "synproxy": "unknown",
    "fwd": "unknown",
}  # fmt: skip
_WORTH_NOTHING = frozenset(
    ["counter", "comment", "mangle", "notrack", "flow", "dup", "ct helper", "ct timeout", "ct expectation", "secmark", "continue"]
)
_MATCHES = frozenset([LIMIT, "set", "map", "delete", "meter", "ct count", "quota", "last"])
"""Statements that may end a rule, and decide nothing where it holds no verdict."""
