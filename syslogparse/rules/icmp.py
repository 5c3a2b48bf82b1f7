"""The types and codes that ICMP has: nobody needs any others let in (IANA, ICMP Parameters and ICMPv6 Parameters)."""

from __future__ import annotations

from collections.abc import Collection
from typing import Literal

_ANY = range(256)
_ONE = range(1)

_CODES: dict[int, dict[int, Collection[int]]] = {
    4: {
        **dict.fromkeys((0, 4, 6, 8, 10, *range(13, 19), 41, 42), _ONE),
        3: range(16),
        5: range(4),
        9: (0, 16),
        11: range(2),
        12: range(3),
        30: range(2),
        40: range(6),
        43: range(5),
        **dict.fromkeys((253, 254), _ANY),
    },
    6: {
        **dict.fromkeys((2, *range(128, 138), *range(141, 150), *range(151, 154), 156, 159, 160), _ONE),
        1: range(9),
        3: range(2),
        4: range(11),
        138: (0, 1, 255),
        139: range(3),
        140: range(3),
        161: range(5),
        # Experiments, and mobility, RPL and 6LoWPAN, which give a meaning to nearly all of their codes.
        **dict.fromkeys((100, 101, 150, 154, 155, 157, 158, 200, 201), _ANY),
    },
}
"""Codes by family and type; of a type without codes of its own, the one that it is sent with."""


def is_defined(family: Literal[4, 6], kind: int, code: int | None) -> bool:
    """Whether ICMP of ``family`` has the type ``kind``, with ``code`` where one is given."""
    codes = _CODES[family].get(kind)
    return codes is not None and (code is None or code in codes)
