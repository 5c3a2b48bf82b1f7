"""The values of iptables' matches, as numbers and sets (iptables(8), iptables-extensions(8)).

Everything raises ``Unknown`` for a value whose meaning a listing does not give: a host name, a mask with holes.
"""

from __future__ import annotations

from ipaddress import ip_address, ip_network
from typing import Literal

from syslogparse.languages.policy_words import ICMP_TYPES, ICMPV6_TYPES, PROTOCOL_NUMBERS, Unknown
from syslogparse.rules import inforce_match
from syslogparse.rules.inforce_match import (
    ADDRESS_TYPES,
    ANY_TYPE,
    STATES,
    TCP_FLAGS,
    NameField,
    Names,
    NumberField,
    Span,
    headers,
)

_MOST_BITS = {"ALL": sum(TCP_FLAGS[name] for name in ("FIN", "SYN", "RST", "PSH", "ACK", "URG")), "NONE": 0}


def number(text: str, most: int) -> int:
    """A decimal number."""
    if not (text.isascii() and text.isdecimal()) or len(text) > 5 or int(text) > most:
        raise Unknown
    return int(text)


def addresses(text: str) -> tuple[tuple[Span, ...], Literal[4, 6]]:
    """Addresses and networks with commas between them, and their family."""
    found = [_network(one) for one in text.split(",")]
    return inforce_match.spans(span for span, _ in found), found[0][1]


def _network(text: str) -> tuple[Span, Literal[4, 6]]:
    address, _, mask = text.partition("/")
    if "." in mask:
        text = f"{address}/{_length(mask)}"
    try:
        network = ip_network(text, strict=False)
    except ValueError:
        raise Unknown from None
    if "%" in text:  # the zone of an address is no part of a rule
        raise Unknown
    return (int(network.network_address), int(network.broadcast_address)), network.version


def _length(mask: str) -> int:
    """The length of a prefix; ipaddress would read a mask that begins with zeros as its opposite."""
    try:
        ones = f"{int(ip_address(mask)):032b}"
    except ValueError:
        raise Unknown from None
    if "01" in ones:
        raise Unknown
    return ones.count("1")


def span(text: str) -> tuple[Span, Literal[4, 6]]:
    """A range of addresses, and their family."""
    first, _, last = text.partition("-")
    try:
        low, high = ip_address(first), ip_address(last or first)
    except ValueError:
        raise Unknown from None
    if low.version != high.version or int(low) > int(high):
        raise Unknown
    return (int(low), int(high)), low.version


def protocol(text: str) -> int:
    """The number of a protocol; 0 for all of them."""
    if text == "all":
        return 0
    return PROTOCOL_NUMBERS[text] if text in PROTOCOL_NUMBERS else number(text, 255)


def ports(text: str) -> tuple[Span, ...]:
    """Ports and ranges with commas between them."""
    found = []
    for one in text.split(","):
        low, colon, high = one.partition(":")
        first = number(low, 65535) if low or not colon else 0
        last = number(high, 65535) if high else 65535 if colon else first
        if first > last:
            raise Unknown
        found.append((first, last))
    return inforce_match.spans(found)


def interface(field: NameField, text: str, *, inverted: bool) -> Names:
    """The name of an interface, with + for all that begin so."""
    if text in ("", "!"):
        raise Unknown
    return inforce_match.names(field, (text,), inverted=inverted)


def icmp(text: str, version: Literal[4, 6]) -> list[tuple[NumberField, int]]:
    """What the type of an ICMP message and its code have to be; nothing for any."""
    known = ICMP_TYPES if version == 4 else ICMPV6_TYPES
    kind, slash, code = text.partition("/")
    if text == "any" or (kind == "255" and version == 4):
        return []
    found: list[tuple[NumberField, int]] = [("icmp_type", known[kind] if kind in known else number(kind, 255))]
    return [*found, ("icmp_code", number(code, 255))] if slash else found


def states(text: str) -> int:
    """Bits of STATES."""
    words = text.split(",")
    if not all(word in STATES for word in words):
        raise Unknown
    return sum(STATES[word] for word in set(words))


def types(text: str) -> int:
    """Bits of ADDRESS_TYPES."""
    words = set(text.split(","))
    if not all(word in ADDRESS_TYPES for word in words):
        raise Unknown
    return sum(ADDRESS_TYPES[word] for word in words)


def packet_type(text: str) -> int:
    """Bits of ADDRESS_TYPES for what the link says of a packet (pkttype).

    A host drops what came by a broadcast of the link for a single address (RFC 1122, 3.3.6), so both say the same.
    """
    everybody = {"broadcast": ADDRESS_TYPES["BROADCAST"], "multicast": ADDRESS_TYPES["MULTICAST"]}
    if text in everybody:
        return everybody[text]
    if text not in ("unicast", "host"):
        raise Unknown
    return ANY_TYPE & ~sum(everybody.values())


def flags(mask: str, wanted: str) -> int:
    """A set of TCP headers, see TCP_FLAGS."""
    return headers(_bits(mask), _bits(wanted))


def _bits(text: str) -> int:
    if text in _MOST_BITS:
        return _MOST_BITS[text]
    words = set(text.split(","))
    if not all(word in TCP_FLAGS for word in words):
        raise Unknown
    return sum(TCP_FLAGS[word] for word in words)
