"""The table of risks of packet-filter rules. It asks the rule alone, so that a rule that grows is judged by what it has become.

The risk never falls when a permission grows: with more sources or ports, or with a match left out.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable
from functools import lru_cache

from syslogparse.rules.exposure import SENSITIVE_PORTS, STEERING_ICMP, Scope, scope_of
from syslogparse.rules.merge import highest, moved
from syslogparse.rules.model import FirewallRule, Risk
from syslogparse.rules.network import Bounds, bounds

PATH_ICMP: dict[int, frozenset[int]] = {4: frozenset({3, 11, 12}), 6: frozenset({1, 2, 3, 4})}
"""ICMP errors by family; without them connections hang, path MTU discovery above all (RFC 1191, RFC 8201, RFC 4890)."""

ADMIN_PORTS = frozenset({22, 2222, 3389, 5900, 5901, 5985, 5986, 10000})
"""Ports that administrators come by."""

_NEAR: dict[Scope, Risk] = {"loopback": "low", "link-local": "medium", "private": "medium"}
_ANYBODY = frozenset({"0.0.0.0/0", "::/0"})
_SENSITIVE = sorted(SENSITIVE_PORTS)
_CACHED = 1 << 15


def opening_risk(rule: FirewallRule, *, trusted: Callable[[Bounds], bool], logged_only: bool) -> Risk:
    """The risk of letting packets through, by this table.

    A port of SENSITIVE_PORTS, and inbound: critical, unless all of the other side is trusted or the machine itself.
    Else the other side is the machine itself: low; link-local or private: medium; any other host or network: high; anybody:
    critical. One step up: such a port, or ICMP that steers, and inbound; the log does not say that packets were refused. One step
    down: ICMP of one type that does not steer; outbound, as the rule names one host that this machine asks; all of the other
    side is trusted. trusted: whether all of an address or network is.
    """
    outbound = rule.chain == "OUTPUT"
    peers = _peers(rule, outbound)
    trusts = [trusted(bounds(peer)) for peer in peers]
    sensitive = not outbound and rule.proto in ("tcp", "udp") and _is_sensitive(rule)
    exposed = not peers or any(not trust and _scope(peer) != "loopback" for peer, trust in zip(peers, trusts, strict=True))
    if sensitive and exposed:
        return "critical"
    base = highest(_NEAR.get(_scope(peer), "high") for peer in peers) if peers else "critical"
    anybody = any(peer in _ANYBODY for peer in peers)
    steps = int(sensitive) + int(logged_only) - int(outbound) - int(bool(peers) and all(trusts))
    if rule.proto in ("icmp", "icmpv6"):
        steering = rule.icmp_type is None or rule.icmp_type in STEERING_ICMP[rule.family]
        steps += int(steering and not outbound) - int(not steering)
    return moved("critical" if anybody else base, steps)


def closing_risk(rule: FirewallRule) -> Risk:
    """The risk of dropping packets, by this table.

    Traffic within the machine, or ICMP errors that connections need (path MTU), or all of ICMP: high; a private or link-local
    peer, or outbound traffic: medium; anything else: low.
    """
    if "lo" in (rule.in_iface, rule.out_iface):
        return "high"
    if rule.proto in ("icmp", "icmpv6") and (rule.icmp_type is None or rule.icmp_type in PATH_ICMP[rule.family]):
        return "high"
    outbound = rule.chain == "OUTPUT"
    near = any(_scope(peer) in ("private", "link-local") for peer in _peers(rule, outbound))
    return "medium" if outbound or near else "low"


def _peers(rule: FirewallRule, outbound: bool) -> tuple[str, ...]:
    if outbound:
        return () if rule.dst is None else (rule.dst,)
    return rule.sources


@lru_cache(_CACHED)
def _scope(peer: str) -> Scope:
    family, first, last = bounds(peer)
    low = scope_of(family, first)
    return low if first == last or low == scope_of(family, last) else "global"


def _is_sensitive(rule: FirewallRule) -> bool:
    return not rule.ports or any(bisect_left(_SENSITIVE, low) < bisect_right(_SENSITIVE, high) for low, high in rule.ports)
