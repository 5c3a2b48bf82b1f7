"""Why a rule is there, fit for the comment that the rule itself carries."""

from __future__ import annotations

import re

LONGEST = 127
"""Characters. nft takes 128 bytes at most (NFTNL_UDATA_COMMENT_MAXLEN), and some of its releases count the end of the string."""

_UNSAFE = re.compile(r"[^A-Za-z0-9 .,:/_-]")


def tamed(why: str) -> str:
    """``why`` on one line of plain characters, none of which means anything inside a quoted string of a shell, nft or ufw.

    What is too long ends in three dots. A character that is not plain becomes a blank, and blanks never stand in a row.
    """
    words = " ".join(_UNSAFE.sub(" ", why).split())
    return words if len(words) <= LONGEST else f"{words[: LONGEST - 3].rstrip()}..."
