"""Log text made fit for a terminal, a comment or a report.

Whoever can write to a log chooses this text. Unescaped, control characters drive the terminal (ECMA-48), bidirectional
controls and invisible characters make a rule read as another one (Unicode TR 36, CVE-2021-42574), and a line break
ends a comment, so that the rest of the text is a rule.
"""

from __future__ import annotations

import re
import unicodedata

_LONE_MARKS = 4
"""Combining marks in a row that are printed as they are; more of them climb over the lines above (no script needs more)."""

_INVISIBLE = (
    "\u034f"  # combining grapheme joiner
    "\u115f-\u1160\u3164\uffa0"  # Hangul fillers
    "\u17b4-\u17b5"  # Khmer inherent vowels
    "\u180b-\u180f"  # Mongolian variation selectors
    "\u2800"  # Braille blank
    "\ufe00-\ufe0f\U000e0100-\U000e01ef"  # variation selectors
    "\ufffc"  # object replacement
)
"""Printable by their category, and yet nothing is seen: Default_Ignorable_Code_Point of Unicode, and blanks that are no blank."""

_invisible = re.compile(f"[{_INVISIBLE}]").search

_FIRST_BYTE, _LAST_BYTE = 0xDC80, 0xDCFF
"""Surrogate escapes (PEP 383)."""

_LAST_BMP = 0xFFFF

ELLIPSIS = "…"


def _escape(character: str) -> str:
    r"""Give one character as an escape: a byte as \xNN, a code point as \uNNNN or \UNNNNNNNN, the backslash doubled."""
    code = ord(character)
    if character == "\\":
        return "\\\\"
    if _FIRST_BYTE <= code <= _LAST_BYTE:
        return f"\\x{code - 0xDC00:02x}"
    if character.isascii():
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code <= _LAST_BMP else f"\\U{code:08x}"


def _visible(character: str) -> bool:
    return character.isprintable() and not _invisible(character)


def _pieces(text: str, backslash: bool) -> list[str]:
    """``text`` character by character, each as it is or as its escape."""
    out = []
    marks = _LONE_MARKS
    for character in text:
        if character == "\\":
            out.append("\\\\" if backslash else character)
            marks = _LONE_MARKS
        elif not _visible(character):
            out.append(_escape(character))
            marks = _LONE_MARKS
        elif unicodedata.category(character) in {"Mn", "Me"}:
            out.append(_escape(character) if marks >= _LONE_MARKS else character)
            marks += 1
        else:
            out.append(character)
            marks = 0
    return out


def _text(text: bytes | str) -> str:
    return text if isinstance(text, str) else text.decode("utf-8", "surrogateescape")


def printable(text: bytes | str, limit: int | None = None) -> str:
    r"""Give ``text`` with everything escaped that is not plainly visible.

    Escaped are control characters, bidirectional and other format controls, blanks that are not U+0020, line and paragraph
    separators, invisible, private-use and unassigned code points, combining marks without a base and piles of them,
    bytes that are not UTF-8 (``\xNN``; in text as surrogate escapes) and the backslash. The result never contains
    any of these, nor a line break.

    limit: longest result in characters; what is longer ends in an ellipsis, never in half an escape.
    """
    text = _text(text)
    if limit is not None:
        text = text[: limit + 1]
    if text.isprintable() and text.isascii() and "\\" not in text:
        pieces = text if limit is not None and len(text) > limit else [text]
    else:
        pieces = _pieces(text, backslash=True)
    if limit is None:
        return "".join(pieces)
    return _bounded(pieces, limit)


def _bounded(pieces: list[str] | str, limit: int) -> str:
    """The pieces joined, or as many as fit with an ellipsis."""
    whole = "".join(pieces)
    if len(whole) <= limit:
        return whole
    kept, room = [], limit - len(ELLIPSIS)
    for piece in pieces:
        room -= len(piece)
        if room < 0:
            break
        kept.append(piece)
    return "".join(kept) + ELLIPSIS[:limit]


def is_plain(text: str) -> bool:
    """Whether ``text`` may be printed as it is: one line that reads as what it is. Backslashes are allowed.

    For rendered rules, where a backslash belongs to the language and doubling it would change the rule.
    """
    if text.isascii():
        return text.isprintable()
    return "".join(_pieces(text, backslash=False)) == text


def plain(text: str) -> str:
    """A rendered rule for the eye: as it is where :func:`is_plain`, otherwise with the rest escaped."""
    return text if text.isascii() and text.isprintable() else "".join(_pieces(text, backslash=False))
