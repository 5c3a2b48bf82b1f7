"""The format rules, taken apart as whoever pastes from it does."""

from __future__ import annotations

import re

_REMOVE = re.compile(r"# risk (?:high|critical), remove the mark(?:s of ([\d,]+) lines)? only")
_NEEDED = re.compile(r"# (?:create chain|insert rule) inet filter ")
"""Lines of nft that the rules of a chain need."""


def opened(rules: str) -> str:
    """The rules after somebody removed the mark of each one that says so, and of the child profile that it enters."""
    found, left, block = [], 0, False
    for line in rules.split("\n"):
        words = line.lstrip()
        before, left, block = left, max(left - 1, 0), block or _is_child(words)
        marked = before > 0 or block or _NEEDED.match(words)
        if said := _REMOVE.match(words):
            left = int((said[1] or "1").replace(",", ""))
        found.append(line.replace("# ", "", 1) if marked else line)
        block = block and words != "# }"
    return "\n".join(found)


def _is_child(words: str) -> bool:
    return words.startswith(("# profile ", "# hat ")) and words.endswith("{")


def section(rules: str, language: str) -> str:
    """What stands under the heading of one language; empty where there is no such heading."""
    parts = re.split(r"(?m)^# ==== (\w+) ====$", rules)
    return dict(zip(parts[1::2], parts[2::2], strict=True)).get(language, "")


def profiles(part: str) -> dict[str, str]:
    """The rules of each AppArmor profile of the section, those of its children in their blocks with it."""
    found: dict[str, str] = {}
    for group in re.split(r"(?m)^# profile ", part)[1:]:
        name, _, lines = group.partition("\n")
        parents = [parent for parent in found if name.startswith(f"{parent}//")]
        key = max(parents, key=len) if parents and re.search(r"(?m)^  (?:profile |hat |\^).*\{$", lines) else name
        found[key] = found.get(key, "") + lines
    return found
