"""The words that the strict grammars of the firewall languages share: interfaces, addresses, networks, numbers, ports.

For checking only: what renders a rule imports nothing from here, so that a mistake in one is caught by the other.
"""

from __future__ import annotations

from ipaddress import AddressValueError, IPv4Address, IPv4Network, IPv6Address, IPv6Network, NetmaskValueError
from itertools import pairwise

FLAGS = ("FIN", "SYN", "RST", "PSH", "ACK", "URG", "ECE", "CWR")
"""TCP flags from the lowest bit up (RFC 9293, RFC 3168)."""

PLACES = 15
"""Ports that a multiport match takes, a range for two (XT_MULTI_PORTS, linux/netfilter/xt_multiport.h)."""

HIGHEST_PORT = 65535
_LONGEST_NAME = 15
_NAME_BYTES = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.@+-")


def is_interface(name: str) -> bool:
    """Whether ``name`` is one interface's name, and no option and no pattern of names in iptables."""
    return 0 < len(name) <= _LONGEST_NAME and _NAME_BYTES.issuperset(name) and name[0] not in "-+.@" and name[-1] != "+"


def is_number(text: str, least: int, most: int) -> bool:
    """Whether ``text`` is a decimal number from least to most, without leading zeros."""
    plain = text.isascii() and text.isdecimal() and len(text) <= len(str(most)) and (text == "0" or text[0] != "0")
    return plain and least <= int(text) <= most


def version_of(text: str) -> int | None:
    """4 or 6 where ``text`` is an address, or a network with a slash, in its canonical form; None where not.

    A network is longer than nothing and shorter than an address.
    """
    if "%" in text:
        return None
    six = ":" in text
    try:
        if "/" in text:
            network = IPv6Network(text) if six else IPv4Network(text)
            same = str(network) == text and 0 < network.prefixlen < network.max_prefixlen
        else:
            same = str(IPv6Address(text) if six else IPv4Address(text)) == text
    except (AddressValueError, NetmaskValueError, ValueError):
        return None
    return (6 if six else 4) if same else None


def is_range(text: str, dash: str, least: int = 0) -> bool:
    """Whether ``text`` is two ports with ``dash`` between them, the lower first."""
    low, mark, high = text.partition(dash)
    return bool(mark) and is_number(low, least, HIGHEST_PORT) and is_number(high, least, HIGHEST_PORT) and int(low) < int(high)


def is_port_or_range(text: str, dash: str, least: int = 0) -> bool:
    """Whether ``text`` is one port or a range of them."""
    return is_number(text, least, HIGHEST_PORT) or is_range(text, dash, least)


def are_ports(parts: list[str], dash: str, least: int = 0) -> bool:
    """Whether the parts are ports and ranges, at least two, rising, apart from each other, of fifteen places at most."""
    if len(parts) < 2 or not all(is_port_or_range(part, dash, least) for part in parts):
        return False
    ends = [int(end) for part in parts for end in part.split(dash)]
    places = sum(2 if dash in part else 1 for part in parts)
    return places <= PLACES and all(one < other for one, other in pairwise(ends))


def are_flags(mask: list[str], wanted: list[str]) -> bool:
    """Whether both are TCP flags in the order of their bits, each once, the mask not empty and the wanted ones in it."""
    known = [[flag for flag in FLAGS if flag in some] == some for some in (mask, wanted)]
    return bool(mask) and all(known) and set(wanted) <= set(mask)
