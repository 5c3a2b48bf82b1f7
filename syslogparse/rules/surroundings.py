"""Where this machine stands, ready to be asked about packets: who is trusted, and which way is out."""

from __future__ import annotations

from syslogparse.rules.network import Addresses, Bounds, Interfaces, Network
from syslogparse.rules.packet import Address, Packet


class Surroundings:
    """What ``Network`` says, with the questions that judging a packet asks. Raises ValueError for text that is no network."""

    def __init__(self, network: Network) -> None:
        self._trusted = Addresses(network.trusted)
        self._own = Addresses(network.own)
        self._needed = Addresses((*network.gateways, *network.resolvers, *network.admins))
        self._wan = frozenset(network.wan)
        self._interfaces = Interfaces(network.interfaces)
        self.scan_hosts = network.scan_hosts
        self.scan_ports = network.scan_ports

    def trusts(self, address: Address) -> bool:
        """Whether the user said so. A private address alone is no reason to."""
        return self._trusted.spans[address.family].overlaps(address.value, address.value)

    def trusts_all(self, addresses: Bounds) -> bool:
        """Whether every one of them is trusted."""
        spans = self._trusted.spans[addresses.family]
        return any(low <= addresses.low and addresses.high <= high for low, high in zip(spans.lows, spans.highs, strict=True))

    def is_from_itself(self, packet: Packet) -> bool:
        """Whether its source is an address of this machine, which logged it."""
        return _meets(self._own, packet.src) and self._logged(packet)

    def is_from_needed(self, packet: Packet) -> bool:
        """Whether it comes from a gateway, a resolver, or where an administrator sits, of this machine, which logged it."""
        return _meets(self._needed, packet.src) and self._logged(packet)

    def is_to_itself(self, packet: Packet) -> bool:
        """Whether its destination is an address of this machine, which logged it."""
        return _meets(self._own, packet.dst) and self._logged(packet)

    def _logged(self, packet: Packet) -> bool:
        return self._interfaces.include(packet.in_iface, packet.out_iface, packet.physdev_in, packet.physdev_out)

    def from_wan(self, packet: Packet) -> bool:
        """Whether it came in by an interface, or the bridge port, that strangers come by."""
        return packet.in_iface in self._wan or packet.physdev_in in self._wan

    def is_outward(self, packet: Packet) -> bool:
        """Whether it goes from this machine, or from one behind it, to others.

        Of forwarded packets that is known by the interfaces the user named, else, where they are routed and not bridged, from
        a private source to a global destination.
        """
        if packet.chain != "FORWARD":
            return packet.chain == "OUTPUT"
        if self.from_wan(packet):
            return False
        if packet.out_iface in self._wan or packet.physdev_out in self._wan:
            return True
        bridged = packet.in_iface == packet.out_iface or packet.physdev_in is not None or packet.physdev_out is not None
        return not bridged and packet.src.scope == "private" and packet.dst.scope == "global"


def _meets(addresses: Addresses, address: Address) -> bool:
    return addresses.spans[address.family].overlaps(address.value, address.value)
