"""Internet addresses in their one canonical spelling (RFC 5952)."""

from __future__ import annotations

import re
from ipaddress import AddressValueError, IPv6Address
from typing import Final

from syslogparse.evidence.model import Undecodable

_CACHE_SIZE: Final = 8192
_known: dict[bytes, bytes] = {}
_ZERO: Final = ord("0")
_IPV6 = re.compile(rb"[0-9a-fA-F:.]{2,45}")


def canonical(text: bytes) -> bytes:
    """The address in the spelling of RFC 5952. Raises Undecodable."""
    known = _known.get(text)
    if known is None:
        known = _ipv4(text) if text.find(b":") < 0 else _ipv6(text)
        if len(_known) >= _CACHE_SIZE:
            _known.clear()
        _known[text] = known
    return known


def _ipv4(text: bytes) -> bytes:
    parts = text.split(b".")
    if len(parts) != 4:
        raise Undecodable("invalid address")
    for part in parts:
        if not part.isdigit() or len(part) > 3 or int(part) > 255 or (part[0] == _ZERO and len(part) > 1):
            raise Undecodable("invalid address")
    return text


def _ipv6(text: bytes) -> bytes:
    if _IPV6.fullmatch(text) is None:
        raise Undecodable("invalid address")
    try:
        address = IPv6Address(text.decode("ascii"))
    except AddressValueError:
        raise Undecodable("invalid address") from None
    # Python spells mapped addresses in both ways, depending on its version; RFC 5952, 5 wants the dotted one.
    if (mapped := address.ipv4_mapped) is not None:
        return b"::ffff:" + str(mapped).encode("ascii")
    return address.compressed.encode("ascii")
