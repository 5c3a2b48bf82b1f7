"""Why a rule is there, fit for the comment that the rule itself carries."""

from __future__ import annotations

import re

LONGEST = 127
"""Characters. nft takes 128 bytes at most (NFTNL_UDATA_COMMENT_MAXLEN), and some of its releases count the end of the string."""

_COUNT = re.compile(r"(?<![\w.:/-])[0-9][0-9,]* (?=[a-z])")
_UNSAFE = re.compile(r"[^A-Za-z0-9 .,:/_-]")
_LOOSE = re.compile(r" ([,.:])")


def steady(why: str) -> str:
    """``why`` without counts of things, of which the next log has more: so a rule that is pasted again has the comment it had."""
    return _COUNT.sub("", why)


def tamed(why: str, longest: int = LONGEST) -> str:
    """``why`` on one line of plain characters, none of which means anything inside a quoted string of a shell, nft or ufw.

    What is longer than ``longest`` characters ends in three dots. A semicolon becomes a comma, any other character that is not
    plain a blank; blanks never stand in a row or ahead of a comma, a full stop or a colon.
    """
    words = _LOOSE.sub(r"\1", " ".join(_UNSAFE.sub(" ", why.replace(";", ",")).split()))
    return words if len(words) <= longest else f"{words[: longest - 3].rstrip()}..."
