"""The network that the machine stands in, as far as firewall rules have to know it."""

from __future__ import annotations

import msgspec


class Network(msgspec.Struct, frozen=True):
    """Addresses and interfaces that decide what may be suggested. All is canonical text: addresses, or networks ``A/N``.

    own: the machine's addresses. gateways, resolvers: what it cannot do without. admins: the other ends of its administrators'
    connections. never_block, trusted: networks that the user named. wan: interfaces that the user said strangers come by.
    scan_hosts, scan_ports: from how many distinct hosts or ports on a source counts as a scanner.
    """

    own: tuple[str, ...] = ()
    gateways: tuple[str, ...] = ()
    resolvers: tuple[str, ...] = ()
    admins: tuple[str, ...] = ()
    never_block: tuple[str, ...] = ()
    trusted: tuple[str, ...] = ()
    wan: tuple[str, ...] = ()
    scan_hosts: int = 10
    scan_ports: int = 10
