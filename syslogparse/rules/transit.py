"""Packets that were logged ahead of routing and went through: a line with IN and without OUT whose packet no INPUT chain sees.

A chain at the hook prerouting logs what comes in before anybody knows where it goes (nftables, iptables' raw and mangle), and the
line looks as one of INPUT does.
"""

from __future__ import annotations

from collections.abc import Iterable

from syslogparse.evidence.model import Evidence
from syslogparse.rules.packet import Packet
from syslogparse.rules.surroundings import Surroundings

PASSED = "logged ahead of routing and sent on: it never comes to INPUT, where a rule would do nothing"
"""The reason, as it is counted under not_suggested."""


class Transit:
    """What went through, ready to be asked. Of several machines in one log each is known by its name."""

    def __init__(self, packets: Iterable[tuple[Packet, Evidence]], near: Surroundings) -> None:
        self._near = near
        self._sent_on: dict[tuple[str | None, str], set[bytes]] = {}
        self._known: set[tuple[str | None, int]] = set()
        for packet, item in packets:
            if packet.chain == "FORWARD":
                self._sent_on.setdefault((packet.in_iface, packet.dst.text), set()).update(_hosts(item))
            elif packet.chain == "INPUT" and near.is_to_itself(packet):
                self._known.add((packet.in_iface, packet.family))

    def passed(self, packet: Packet, item: Evidence) -> bool:
        """Whether ``packet`` only looks as if it were for the machine that logged it.

        Its destination is one that the same machine sends packets on to that come in by the same interface; or it is none of
        this machine's addresses, of which the log tells for this interface. TCP alone, in that case: it is never broadcast.
        """
        if packet.chain != "INPUT" or self._near.is_to_itself(packet):
            return False
        machines = self._sent_on.get((packet.in_iface, packet.dst.text))
        if machines is not None and machines.issuperset(_hosts(item)):
            return True
        return packet.proto == "tcp" and (packet.in_iface, packet.family) in self._known


def _hosts(item: Evidence) -> tuple[bytes, ...]:
    return item.hosts or (b"",)
