"""Never lock the administrator out: what no rule that drops packets may shut out.

A rule that names sources loses those that are protected. A rule for any source is refused where it would take a connection of
somebody protected: the port that an administrator comes by, or everything of a protocol. What was sent to everybody on the link
is nobody's connection, and TCP flags that no connection has are no connection's, so rules for these may be for any source. The
one exception is --never-block, which the user means as it stands, and which alone counts for a rule with an interface that this
machine has not: no such rule shuts anybody out of here.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, NamedTuple

from msgspec.structs import replace

from syslogparse.evidence.model import Evidence
from syslogparse.rules.model import FirewallRule, Ports, Suggestion, TcpFlags
from syslogparse.rules.network import Addresses, Bounds, Family, Interfaces, Network, bounds

LOOPBACK = "a block would cut this machine off from itself"
OWN = "a block would shut out an address of this machine"
GATEWAY = "a block would shut out a gateway of this machine"
RESOLVER = "a block would shut out a DNS server of this machine"
ADMIN = "a block would shut out the other end of an administrator's connection"
NEVER = "a block would shut out addresses that --never-block names"
ADMIN_PORT = "a block from anywhere would close the port that an administrator's connection uses"
EVERYTHING = "a block of everything from anywhere would shut out hosts that this machine needs"
"""The reasons, as they are counted under not_suggested."""

SSH = 22
FIRST_EPHEMERAL = 32768
"""From here on up Linux gives ports to its own connections (ip_local_port_range, ip(7)): what comes to them may be an answer."""

_NAME_PORTS = ((53, 53), (853, 853))
_LINK_GROUPS = Addresses(("224.0.0.0/4", "255.255.255.255", "ff00::/8"))
_ORDINARY: tuple[frozenset[str], ...] = tuple(
    frozenset(flags.split()) for flags in ("SYN", "SYN ACK", "ACK", "PSH ACK", "FIN ACK", "FIN PSH ACK", "RST", "RST ACK")
)
"""The flags of segments that connections have (RFC 9293); URG, ECE and CWR can be beside them."""

Peer = Literal["source", "destination"]


def peer_of(rule: FirewallRule) -> Peer:
    """Which end of the packets that ``rule`` matches is the other machine."""
    return "destination" if rule.chain == "OUTPUT" else "source"


def peers_of(rule: FirewallRule) -> tuple[str, ...]:
    """The other machines that ``rule`` names; none for any."""
    if peer_of(rule) == "source":
        return rule.sources
    return () if rule.dst is None else (rule.dst,)


def is_group(address: str | None) -> bool:
    """Whether ``address`` is one that every host of a link, or of a group, listens to."""
    return address is not None and address in _LINK_GROUPS


def matches_connections(flags: TcpFlags | None) -> bool:
    """Whether a rule with ``flags`` matches any segment that a TCP connection has."""
    if flags is None:
        return True
    mask, wanted = frozenset(flags.mask), frozenset(flags.set)
    return any(wanted <= ordinary | {"URG", "ECE", "CWR"} and ordinary & mask <= wanted for ordinary in _ORDINARY)


def opens_connections_only(flags: TcpFlags | None) -> bool:
    """Whether a rule with ``flags`` matches the first segment of a connection and none of a later one."""
    return flags is not None and {"SYN", "ACK"} <= set(flags.mask) and "SYN" in flags.set and "ACK" not in flags.set


class _Protected(NamedTuple):
    """Addresses that are protected: with the reason, and all together. resolvers, admin_ports: as in Network."""

    named: tuple[tuple[str, Addresses], ...]
    all: Addresses
    resolvers: Addresses
    admin_ports: frozenset[int]


def _protected(network: Network) -> _Protected:
    texts = {
        NEVER: network.never_block,
        ADMIN: network.admins,
        GATEWAY: network.gateways,
        RESOLVER: network.resolvers,
        OWN: network.own,
    }
    return _Protected(
        tuple((reason, Addresses(some)) for reason, some in texts.items() if some),
        Addresses(one for some in texts.values() for one in some),
        Addresses(network.resolvers),
        frozenset((*network.admin_ports, *((SSH,) if network.admins else ()))),
    )


class Guard:
    """What must not be shut out, ready to be asked."""

    def __init__(self, network: Network) -> None:
        self._never = Addresses(network.never_block)
        self._interfaces = Interfaces(network.interfaces)
        self._here = _protected(network)
        self._elsewhere = _protected(Network(never_block=network.never_block))

    def _for(self, rule: FirewallRule) -> _Protected:
        faces = rule.in_iface, rule.out_iface, rule.physdev_in, rule.physdev_out
        return self._here if self._interfaces.include(*faces) else self._elsewhere

    def protected(self, rule: FirewallRule) -> Addresses:
        """All addresses that no rule with the interfaces of ``rule`` may shut out."""
        return self._for(rule).all

    def keep(self, suggestion: Suggestion, refuse: Callable[[str, Evidence], None]) -> Suggestion | None:
        """The suggestion without the addresses that are protected; None when it was refused, which is counted."""
        rule = suggestion.rule
        if suggestion.intent not in ("block", "quiet") or not isinstance(rule, FirewallRule):
            return suggestion
        peers, protected = peers_of(rule), self._for(rule)
        reasons = [reason for peer in peers if (reason := _why_not(bounds(peer), protected))]
        if len(reasons) < len(peers):
            reason = self._interface(rule)
        else:
            reason = reasons[0] if reasons else self._interface(rule) or self._from_anywhere(suggestion)
        if reason:
            refuse(reason, suggestion.evidence)
            return None
        if not reasons:
            return suggestion
        left = tuple(peer for peer in peers if not _why_not(bounds(peer), protected))
        return replace(suggestion, rule=replace(rule, sources=left))

    def may_be_from_anywhere(self, family: Family) -> bool:
        """Whether a rule may be for any peer of ``family``: --never-block cannot be kept otherwise."""
        return not self._never.spans[family]

    def service_from_anywhere(self, rule: FirewallRule, ports: Ports) -> bool:
        """Whether these ports of a rule like ``rule`` may be closed for any peer: no answer, administrator or name is lost.

        The port of SSH is not, whether an administrator is known or not: the next one comes from somewhere else.
        """
        if not self.may_be_from_anywhere(rule.family):
            return False
        if ports[1] >= FIRST_EPHEMERAL and not opens_connections_only(rule.flags):
            return False
        if rule.chain == "INPUT":
            return not any(_meet(ports, port) for port in (*self._for(rule).admin_ports, SSH))
        return rule.chain != "OUTPUT" or not any(_meet(ports, low) for low, _ in _NAME_PORTS)

    def _interface(self, rule: FirewallRule) -> str:
        return LOOPBACK if "lo" in (rule.in_iface, rule.out_iface) else ""

    def _from_anywhere(self, suggestion: Suggestion) -> str:
        """Why there can be no such rule for any peer; empty where there can."""
        rule = suggestion.rule
        assert isinstance(rule, FirewallRule)  # noqa: S101 - keep has looked
        if not self.may_be_from_anywhere(rule.family):
            return NEVER
        if suggestion.intent == "quiet" or is_group(rule.dst) or not matches_connections(rule.flags):
            return ""
        protected = self._for(rule)
        if (
            rule.chain == "INPUT"
            and rule.proto == "tcp"
            and any(_meet(one, port) for one in rule.ports or (_ALL,) for port in protected.admin_ports)
        ):
            return ADMIN_PORT
        if not rule.ports and rule.icmp_type is None and protected.all.spans[rule.family]:
            return EVERYTHING
        if (
            rule.chain == "OUTPUT"
            and protected.resolvers.spans[rule.family]
            and any(_meet(one, low) for one in rule.ports for low, _ in _NAME_PORTS)
        ):
            return RESOLVER
        return ""


def _why_not(peer: Bounds, protected: _Protected) -> str:
    if not protected.all.overlaps(peer):
        return ""
    return next(reason for reason, addresses in protected.named if addresses.overlaps(peer))


_ALL: Ports = (0, 65535)


def _meet(ports: Ports, port: int) -> bool:
    return ports[0] <= port <= ports[1]
