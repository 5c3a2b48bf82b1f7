"""Few rules that drop: by service where many knock on it, else by sources.

1. TCP flags that no connection has are dropped from anywhere.
2. A port that peers from KNOCKERS networks or more try, each of them few ports, is a service, the MOST_SERVICES with the most
   networks. It is closed for anybody; where Guard does not permit that, or it is served, for those that tried it.
3. Of the rest, a peer that tries many ports or hosts (Network.scan_ports, scan_hosts), or that is to be blocked whatever the
   port, is blocked whatever the port.
4. What is left is blocked by peers and ports; peers too, whatever the port, when the ports fill more than MOST_MATCHES rules.

Peers and services whose rules stand open are kept apart from those whose rules are comments (GRAVE): forged packets that look
grave cannot turn a rule against others into a comment. The peer is the source of what comes in or through, and the destination
of what this machine sends.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Sequence
from typing import NamedTuple, TypeAlias

from msgspec.structs import replace

from syslogparse.evidence.model import NetfilterKey
from syslogparse.rules.bundle import bundle, by_ports, first_ports, number, rule_of, split, usual_why
from syslogparse.rules.guard import Guard, is_group, matches_connections, peer_of
from syslogparse.rules.merge import highest, moved
from syslogparse.rules.model import RISKS, FirewallRule, Ports, Risk, Suggestion
from syslogparse.rules.network import Bounds, Network, bounds
from syslogparse.rules.ports import PLACES, count, united
from syslogparse.rules.prefixes import few
from syslogparse.rules.scanners import KNOCKERS, NETWORK_BITS
from syslogparse.rules.verdict import verdict

MOST_SERVICES = 2 * PLACES
"""Ports of one kind of traffic that are treated as services."""

MOST_MATCHES = 4
"""Rules that name the ports of the rest."""

MOST_NETWORKS = 32768
"""Addresses and networks of one rule: half of what an ipset holds (ipset(8), maxelem)."""

GRAVE = RISKS[2:]
"""Risks whose rules are printed as comments."""

Closable: TypeAlias = Callable[[FirewallRule], bool]
"""Whether the ports of a rule for any peer may be closed: nobody was seen to be let in."""


class _Part(NamedTuple):
    """A narrow suggestion and what its rule says: the peer (empty for any), the other end, the ports (None for any)."""

    suggestion: Suggestion
    peer: str
    bounds: Bounds
    near: str
    ports: Ports | None


_Parts = Sequence[_Part]
_ANYBODY = Bounds(4, 0, 0)


def blocks(suggestions: Sequence[Suggestion], guard: Guard, network: Network, closable: Closable) -> list[Suggestion]:
    """Few suggestions for ``suggestions``, which are alike (``condense``) and shut out nobody who is protected."""
    like = rule_of(suggestions[0])
    parts = [_part(one) for one in suggestions]
    several = len({part.peer for part in parts}) > 1
    if several and not matches_connections(like.flags) and guard.may_be_from_anywhere(like.family):
        rule = _with(like, (), None, ())
        return [bundle(suggestions, rule, f"{usual_why(suggestions)}; {_peers_in_words(parts, like)}.")]
    named = [part for part in parts if part.peer]
    services = _services(named, network)
    closed = {
        ports for ports in services if guard.service_from_anywhere(like, ports) and closable(_with(like, (), None, (ports,)))
    }
    made = list(_for_anybody([part for part in parts if not part.peer]))
    made += _closed([part for part in named if part.ports in closed])
    made += _narrow([part for part in named if part.ports in services - closed], guard)
    return made + _of_the_rest([part for part in named if part.ports not in services], guard, network)


def _part(suggestion: Suggestion) -> _Part:
    rule = rule_of(suggestion)
    source, dst = next(iter(rule.sources), ""), rule.dst or ""
    peer, near = (source, dst) if peer_of(rule) == "source" else (dst, source)
    return _Part(suggestion, peer, bounds(peer) if peer else _ANYBODY, near, rule.ports[0] if rule.ports else None)


def _services(parts: _Parts, network: Network) -> set[Ports]:
    """The ports that most peers try. Who tries many ports scans, and says nothing about any of them."""
    knockers: defaultdict[Ports, set[int]] = defaultdict(set)
    for some in _by_peer(parts):
        tried = {part.ports for part in some if part.ports is not None}
        if len(tried) < network.scan_ports:
            peer = some[0].bounds
            for ports in tried:
                knockers[ports].add(peer.low >> NETWORK_BITS[peer.family])
    wanted = [ports for ports, networks in knockers.items() if len(networks) >= KNOCKERS]
    return set(sorted(wanted, key=lambda ports: (-len(knockers[ports]), ports))[:MOST_SERVICES])


def _by_peer(parts: _Parts) -> Collection[list[_Part]]:
    found: dict[str, list[_Part]] = {}
    for part in parts:
        found.setdefault(part.peer, []).append(part)
    return found.values()


def _for_anybody(parts: _Parts) -> Iterator[Suggestion]:
    """Rules that were for any peer as they came: their ports are merged."""
    for same in split(_suggestions(parts), lambda one: (rule_of(one).sources, rule_of(one).dst or "")):
        for ports, some in by_ports(same, first_ports):
            why = f"{usual_why(some)}; {number(count(ports), 'port')}."
            yield bundle(some, replace(rule_of(some[0]), ports=ports), why)


def _closed(parts: _Parts) -> Iterator[Suggestion]:
    """Services that are closed for anybody. A destination is kept where it is the only one and says whose service it is."""
    risks: dict[Ports | None, Risk] = {}
    for part in parts:
        risks[part.ports] = highest((risks.get(part.ports, "low"), part.suggestion.risk))
    near = _only({part.near for part in parts})
    for grave in (False, True):
        for ports, some in _dealt([part for part in parts if (risks[part.ports] in GRAVE) is grave]):
            yield _closed_ports(some, ports, near)


def _closed_ports(parts: _Parts, ports: tuple[Ports, ...], near: str | None) -> Suggestion:
    like = rule_of(parts[0].suggestion)
    if like.chain == "INPUT" and not is_group(near):
        near = None  # this machine's own address
    refused = all(_was_refused(part.suggestion) for part in parts)
    ports_in_words = "this port" if count(ports) == 1 else f"these {count(ports)} ports"
    why = f"{_peers_in_words(parts, like)} tried {ports_in_words}: closed for anybody, it takes one rule and no list."
    if not refused:
        why = f"{why[:-1]}; not all of it was refused so far, so see first that nobody needs it."
    risk: Risk = moved("low", 2 * (like.chain == "OUTPUT") + 2 * (not refused))
    return bundle(_suggestions(parts), _with(like, (), near, ports), why, risk)


def _was_refused(suggestion: Suggestion) -> bool:
    key = suggestion.evidence.key
    return isinstance(key, NetfilterKey) and verdict(key.prefix) == "refused"


def _of_the_rest(parts: _Parts, guard: Guard, network: Network) -> list[Suggestion]:
    whole = _whole_peers(parts, network)
    narrow = [part for part in parts if part.peer not in whole]
    if len(_dealt(narrow)) > MOST_MATCHES:
        return list(_by_peers(parts, (), guard))
    return [*_by_peers([part for part in parts if part.peer in whole], (), guard), *_narrow(narrow, guard)]


def _whole_peers(parts: _Parts, network: Network) -> set[str]:
    """Peers that are blocked whatever the port: scanners, and where a part asks for it."""
    return {
        some[0].peer
        for some in _by_peer(parts)
        if any(part.ports is None and not part.near for part in some)
        or len({part.ports for part in some if part.ports}) >= network.scan_ports
        or len({part.near for part in some if part.near}) >= network.scan_hosts
    }


def _narrow(parts: _Parts, guard: Guard) -> Iterator[Suggestion]:
    for ports, some in _dealt(parts):
        yield from _by_peers(some, ports, guard)


def _by_peers(parts: _Parts, ports: tuple[Ports, ...], guard: Guard) -> Iterator[Suggestion]:
    """Rules for the peers of ``parts``, as few networks, and for ``ports``."""
    risks = _risks(parts, ports)
    for grave in (False, True):
        some = [part for part in parts if (risks[part.peer] in GRAVE) is grave]
        if some:
            yield from _networks(some, ports, guard, max((risks[part.peer] for part in some), key=RISKS.index))


def _risks(parts: _Parts, ports: tuple[Ports, ...]) -> dict[str, Risk]:
    """The risk of blocking each peer: the highest of its parts, a step up where only single ports of it were to be blocked."""
    steps = dict.fromkeys((part.peer for part in parts), 0 if ports else 1)
    steps.update((part.peer, 0) for part in parts if part.ports is None)
    found: dict[str, Risk] = {}
    for part in parts:
        risk = moved(part.suggestion.risk, steps[part.peer])
        found[part.peer] = max(found.get(part.peer, risk), risk, key=RISKS.index)
    return found


def _networks(parts: _Parts, ports: tuple[Ports, ...], guard: Guard, risk: Risk) -> Iterator[Suggestion]:
    like = rule_of(parts[0].suggestion)
    near = _only({part.near for part in parts})
    family = like.family
    networks = few(family, ((part.bounds.low, part.bounds.high) for part in parts), guard.protected(like).spans[family])
    size = MOST_NETWORKS if peer_of(like) == "source" else 1
    sheets = [tuple(networks[start : start + size]) for start in range(0, len(networks), size)]
    firsts = [bounds(sheet[0]).low for sheet in sheets]
    dealt: list[list[_Part]] = [[] for _ in sheets]
    for part in parts:
        dealt[bisect_right(firsts, part.bounds.low) - 1].append(part)
    for sheet, some in zip(sheets, dealt, strict=True):
        yield bundle(_suggestions(some), _with(like, sheet, near, ports), _why(some, sheet, ports), risk)


def _why(parts: _Parts, networks: Collection[str], ports: tuple[Ports, ...]) -> str:
    like = rule_of(parts[0].suggestion)
    said = _peers_in_words(parts, like)
    if len(networks) < len({part.peer for part in parts}):
        said += f" in {number(len(networks), 'address or network', 'addresses and networks')}"
    seen = count(united(part.ports for part in parts if part.ports is not None))
    if seen:
        said += f", {number(seen, 'port')}"
    if not ports and seen:
        said += ", shut out whatever the port"
    return f"{usual_why(_suggestions(parts))}; {said}."


def _with(like: FirewallRule, peers: tuple[str, ...], near: str | None, ports: tuple[Ports, ...]) -> FirewallRule:
    """A rule like ``like`` for other ends and ports. Of a rule for what is sent there is at most one peer."""
    if peer_of(like) == "source":
        return replace(like, sources=peers, dst=near, ports=ports)
    return replace(like, sources=() if near is None else (near,), dst=next(iter(peers), None), ports=ports)


def _dealt(parts: _Parts) -> list[tuple[tuple[Ports, ...], list[_Part]]]:
    return by_ports(parts, lambda part: part.ports)


def _only(ends: Collection[str]) -> str | None:
    """The one end that there is, None for several and for any."""
    return next(iter(ends)) or None if len(ends) == 1 else None


def _suggestions(parts: _Parts) -> list[Suggestion]:
    return [part.suggestion for part in parts]


def _peers_in_words(parts: _Parts, like: FirewallRule) -> str:
    return number(len({part.peer for part in parts}), peer_of(like))
