"""What stands below the Internet Protocol in a logged packet: interfaces, link-layer addresses, whole frames.

ebtables (net/bridge/netfilter/ebt_log.c) has words of its own for what the other loggers say. They are translated here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from syslogparse.evidence.model import Fields, Undecodable

_INTERFACES = ((b"IN", "in"), (b"OUT", "out"), (b"PHYSIN", "physin"), (b"PHYSOUT", "physout"))
# Colons were allowed until Linux 4.12.
_INTERFACE = re.compile(rb"[!-.0-~]{1,15}")

OCTETS: Final = 6 * 3 - 1
"""Characters of six octets in hexadecimal with their colons."""
_BOTH: Final = 12 * 3 - 1
_HARDWARE = re.compile(rb"(?:[0-9a-fA-F]{2}:)*[0-9a-fA-F]{2}")

_FRAME = re.compile(rb" MAC source = ([0-9a-fA-F:]{17}) MAC dest = ([0-9a-fA-F:]{17}) proto = 0x[0-9a-fA-F]{4}(?: |\Z)")
_FRAME_ARP: Final = b" ARP HTYPE="
_FRAME_WORDS = {b"proto": b"PROTO", b"Header": b"PROTO"}


def take_interfaces(found: Fields, logged: Mapping[bytes, bytes]) -> None:
    """Add the names of interfaces. logged: texts by name. Raises Undecodable."""
    for raw, name in _INTERFACES:
        if value := logged.get(raw):
            found[name] = _interface(value)


def take_hardware(found: Fields, logged: Mapping[bytes, bytes]) -> None:
    """Add the link-layer addresses. Those that are none are left out: people who show their logs mask them.

    MAC= is the frame's header as it is: the receiver's address, the sender's, the type and what follows.
    """
    pair = _octets(logged.get(b"MAC", b""))
    if len(pair) == _BOTH:
        found["mac_dst"], found["mac_src"] = pair[:OCTETS], pair[OCTETS + 1 :]
        return
    for raw, name in ((b"MACDST", "mac_dst"), (b"MACSRC", "mac_src")):
        octets = _octets(logged.get(raw, b""))
        if len(octets) == OCTETS:
            found[name] = octets


def frame(text: bytes) -> dict[bytes, bytes] | None:
    """What ebtables logged, under the names that the other loggers use; None for a line of theirs.

    An ARP packet's addresses are left out: they are what it speaks of, not where it goes.
    """
    header = _FRAME.search(text)
    if header is None:
        return None
    logged = _named(text[: header.start()])
    logged[b"MACSRC"], logged[b"MACDST"] = header.groups()
    above, _, _ = text[header.end() - 1 :].partition(_FRAME_ARP)
    for name, value in _named(above).items():
        logged.setdefault(_FRAME_WORDS.get(name, name), value)
    return logged


def _named(text: bytes) -> dict[bytes, bytes]:
    named: dict[bytes, bytes] = {}
    for token in text.split(b" "):
        name, equals, value = token.partition(b"=")
        if equals:
            named.setdefault(name, value.rstrip(b","))
    return named


def _octets(text: bytes) -> bytes:
    """The first twelve octets of a logged link-layer header, in lower case; empty where it is none."""
    return text[:_BOTH].lower() if _HARDWARE.fullmatch(text) else b""


def _interface(name: bytes) -> bytes:
    """A name that dev_valid_name (net/core/dev.c) takes, in printable ASCII. Raises Undecodable."""
    if _INTERFACE.fullmatch(name) is None or name in (b".", b".."):
        raise Undecodable("invalid interface name")
    return name
