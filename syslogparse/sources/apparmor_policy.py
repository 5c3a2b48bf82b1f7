"""The installed AppArmor policy, copied into memory while root. Not one of its bytes is looked at here."""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Iterator

DIRECTORY = "/etc/apparmor.d"
MOST_FILES = 4096
FILE_LIMIT = 1 << 20
TOTAL_LIMIT = 16 << 20
"""Bytes of all files together. Debian's and Ubuntu's policy with all extra profiles is 1 MB."""

_WITH_SUBDIRECTORIES = ("abstractions", "tunables", "local")
_DEPTH = 3
_PIECE = 64 << 10
"""In small pieces: after a large block was freed, malloc(3) takes large ones from the heap, in the parsers too."""
# What package managers and editors leave behind, and apparmor_parser(8) passes over.
_LEFT_BEHIND = (".dpkg-new", ".dpkg-old", ".dpkg-dist", ".dpkg-bak", ".dpkg-remove", ".pacsave", ".pacnew", ".rpmnew", ".rpmsave")
_LEFT_BEHIND_TOO = (".orig", ".rej", ".swp", "~")


def installed_policy(directory: str = DIRECTORY) -> dict[str, bytes]:
    """The files of the policy by their path below ``directory``: profiles, abstractions, tunables and local additions.

    What cannot be read is left out, as is what is no regular file or larger than a policy is; a missing directory is empty.
    """
    found: dict[str, bytes] = {}
    left = TOTAL_LIMIT
    for path in _files(directory, "", 0):
        if len(found) >= MOST_FILES or left <= 0:
            break
        with contextlib.suppress(OSError):
            text = _copy(f"{directory}/{path}", min(left, FILE_LIMIT))
            if text is not None:
                found[path] = text
                left -= len(text)
    return found


def _files(directory: str, below: str, depth: int) -> Iterator[str]:
    """Paths of files, sorted; those of a directory behind its own."""
    try:
        with os.scandir(f"{directory}/{below}") as entries:
            names = sorted((entry.name, entry.is_dir()) for entry in entries if not _is_left_behind(entry.name))
    except OSError:
        return
    yield from (below + name for name, is_directory in names if not is_directory)
    for name, is_directory in names:
        if is_directory and depth < _DEPTH and (depth or name in _WITH_SUBDIRECTORIES):
            yield from _files(directory, f"{below}{name}/", depth + 1)


def _is_left_behind(name: str) -> bool:
    return name.startswith(".") or name.endswith(_LEFT_BEHIND + _LEFT_BEHIND_TOO) or name == "README"


def _copy(path: str, limit: int) -> bytes | None:
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode) or status.st_size > limit:
            return None
        pieces = []
        while limit > 0 and (piece := os.read(descriptor, min(_PIECE, limit))):
            pieces.append(piece)
            limit -= len(piece)
        return b"".join(pieces)
    finally:
        os.close(descriptor)
