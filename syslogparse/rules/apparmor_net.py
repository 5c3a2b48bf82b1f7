"""Rules for sockets of all families but unix (security/apparmor/net.c, security/lsm_audit.c)."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from syslogparse.evidence.model import AppArmorKey, Evidence
from syslogparse.rules.apparmor_ipc import SOCK_TYPES, SOCKET_ACCESS, WITHOUT_PEER, words
from syslogparse.rules.apparmor_model import NetworkRule
from syslogparse.rules.apparmor_profile import Home
from syslogparse.rules.apparmor_target import Version, fitted
from syslogparse.rules.merge import Refused, decimal

FAMILIES = frozenset(
    "inet ax25 ipx appletalk netrom bridge atmpvc x25 inet6 rose netbeui security key netlink packet ash econet atmsvc rds sna "
    "irda pppox wanpipe llc ib mpls can tipc bluetooth iucv rxrpc isdn phonet ieee802154 caif alg nfc vsock kcm qipcrtr smc "
    "xdp mctp".split()
)
"""Socket families that a network rule may name (apparmor.d(5)); unix sockets have rules of their own."""


def network(key: AppArmorKey, *, exact: bool) -> NetworkRule:
    """A socket of a family and a type with its accesses; with ``exact``, of the internet's families, with both ends too.

    The accesses are those that were asked for: AppArmor checks them together.
    """
    family, sock_type = key.family.decode("ascii", "replace"), key.sock_type.decode("ascii", "replace")
    # Kernels without the class logged unix sockets among the others, and mediated them so.
    if (family not in FAMILIES and (family != "unix" or key.class_)) or sock_type not in SOCK_TYPES:
        raise Refused("socket family or type that a rule cannot hold")
    asked = key.requested or key.mask
    access = words(asked, SOCKET_ACCESS) if asked else ()
    if not exact or family not in ("inet", "inet6"):
        return NetworkRule(family, sock_type, access)
    with_peer = not WITHOUT_PEER & set(access)
    return NetworkRule(
        family,
        sock_type,
        access,
        _address(key.local),
        _port(key.local_port),
        _address(key.remote) if with_peer else "",
        _port(key.remote_port) if with_peer else "",
    )


def _address(text: bytes) -> str:
    """The address as the kernel writes it, or none: a rule for any is better than one for nonsense."""
    written = text.decode("ascii", "replace")
    try:
        ipaddress.ip_address(written)
    except ValueError:
        return ""
    return "" if "%" in written else written


def _port(text: bytes) -> str:
    return text.decode("ascii") if decimal(text, 65535) else ""


FEW = 3
"""So many distinct ends of sockets at most are offered as rules of their own."""


class Merged(NamedTuple):
    """One rule for sockets, and what it rests on. narrower: the rules that name the ends instead, where they are few."""

    rule: NetworkRule
    note: str
    homes: Sequence[Home]
    items: Sequence[Evidence]
    narrower: tuple[NetworkRule, ...]


class Sockets:
    """Socket rules of the same profile, family, type and accesses become one, whatever the addresses were."""

    def __init__(self) -> None:
        self._found: dict[tuple[bytes, NetworkRule, str], list[tuple[NetworkRule, Home, Evidence]]] = {}

    def add(self, rule: NetworkRule, narrow: NetworkRule, home: Home, item: Evidence, note: str) -> None:
        """Take a record. narrow: its rule with both ends of the socket."""
        self._found.setdefault((home.profile, rule, note), []).append((narrow, home, item))

    def merged(self, target: Version) -> Iterator[Merged]:
        """One for each rule. target: the version that the rules are for."""
        for (_, rule, note), found in self._found.items():
            ends = {_told(narrow) for narrow, _, _ in found}
            named = all(end != rule and fitted(end, target).rule == end for end in ends)
            narrower = tuple(sorted(ends, key=repr)) if named and len(ends) <= FEW else ()
            yield Merged(rule, note, [home for _, home, _ in found], [item for _, _, item in found], narrower)


def _told(rule: NetworkRule) -> NetworkRule:
    """The end of a socket that tells one use from another: the other's, or else the socket's own."""
    if rule.peer_ip or rule.peer_port:
        return NetworkRule(rule.family, rule.sock_type, rule.access, peer_ip=rule.peer_ip, peer_port=rule.peer_port)
    return rule
