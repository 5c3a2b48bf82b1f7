"""Source ports that tell an answer from a question: UDP services that send from the port that they are asked on."""

from __future__ import annotations

from typing import Final

_NUMBERS = (
    *(7, 13, 17, 19, 37, 53, 67, 69, 80, 88, 111, 123, 137, 161, 177, 389, 427, 443, 464, 500, 520, 623, 853),
    *(1194, 1434, 1645, 1646, 1701, 1812, 1813, 1900, 2049, 3283, 3389, 3478, 3479, 3480, 3481, 3544, 3702, 4500),
    *(5060, 5061, 5093, 5349, 5350, 5351, 5353, 5355, 5683, 5684, 7000, 7001, 7003, 8443, 9987, 10001, 11211),
    *(17185, 19132, 19302, 19305, 19307, 19308, 19309, 25565, 27015, 27960, 37810, 41641, 51820),
)
ANSWERING: Final = frozenset(b"%d" % number for number in _NUMBERS)
"""Ports in decimal text (IANA service names and port numbers; the WireGuard, Tailscale and game defaults are the projects' own).

The set is closed and small, so that whoever chooses the source ports of forged packets cannot multiply keys with them. TCP is
not in it: there the flags tell.
"""
FIRST_CLIENT_PORT: Final = 1024
"""Where the ports begin that systems take for the asking side (RFC 6056, 3.2 names 1024 to 65535)."""


def asked_port(spt: bytes, dpt: bytes) -> bytes:
    """The source port of a UDP packet where it tells that this is an answer, else nothing. Both in decimal without zeros before.

    From a service to itself (NTP, IKE, mDNS) a packet can be either, so it tells nothing.
    """
    if spt not in ANSWERING or spt == dpt:
        return b""
    return spt if len(dpt) > 4 or (len(dpt) == 4 and dpt >= b"1024") else b""
