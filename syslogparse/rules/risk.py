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

_NEAR: dict[Scope, Risk] = {"loopback": "low", "link-local": "low", "private": "medium"}
_SENSITIVE = sorted(SENSITIVE_PORTS)
_CACHED = 16384


def opening_risk(rule: FirewallRule, *, trusted: Callable[[Bounds], bool], logged_only: bool) -> Risk:
    """The risk of letting packets through, by this table.

    The other side is the machine itself or link-local: low; private: medium; any other host or network: high; anybody: critical.
    One step up: a port of SENSITIVE_PORTS or ICMP that steers, and inbound; the log does not say that packets were refused.
    One step down: ICMP of one type that does not steer; outbound, as the rule names one host that this machine asks; all of
    the other side is trusted. trusted: whether all of an address or network is.
    """
    outbound = rule.chain == "OUTPUT"
    peers = [bounds_of(peer) for peer in _peers(rule, outbound)]
    base = highest(_NEAR.get(_scope(peer), "high") for peer in peers) if peers else "critical"
    anybody = any(peer.low == 0 and peer.high + 1 in (1 << 32, 1 << 128) for peer in peers)
    steps = int(logged_only) - int(outbound) - int(bool(peers) and all(map(trusted, peers)))
    if rule.proto in ("icmp", "icmpv6"):
        steering = rule.icmp_type is None or rule.icmp_type in STEERING_ICMP[rule.family]
        steps += int(steering and not outbound) - int(not steering)
    elif rule.proto in ("tcp", "udp"):
        steps += int(_is_sensitive(rule) and not outbound)
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
    near = any(_scope(bounds_of(peer)) in ("private", "link-local") for peer in _peers(rule, outbound))
    return "medium" if outbound or near else "low"


def _peers(rule: FirewallRule, outbound: bool) -> tuple[str, ...]:
    if outbound:
        return () if rule.dst is None else (rule.dst,)
    return rule.sources


@lru_cache(_CACHED)
def bounds_of(text: str) -> Bounds:
    """As ``bounds``; it remembers."""
    return bounds(text)


@lru_cache(_CACHED)
def _scope(peer: Bounds) -> Scope:
    low, high = scope_of(peer.family, peer.low), scope_of(peer.family, peer.high)
    return low if low == high else "global"


def _is_sensitive(rule: FirewallRule) -> bool:
    return not rule.ports or any(bisect_left(_SENSITIVE, low) < bisect_right(_SENSITIVE, high) for low, high in rule.ports)
