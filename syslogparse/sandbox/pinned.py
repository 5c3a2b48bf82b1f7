"""Paths at fixed addresses in memory that cannot be written any more.

A system-call filter sees the address of a path and not its text. Where the page is read-only and the filter allows no call
that changes memory, the address is the text: so a filter can tell which names a process may make.
"""

from __future__ import annotations

import ctypes
import mmap
from collections.abc import Iterable

from syslogparse.sandbox.libc import protect_from_writing


class PinnedPaths:
    """C strings in pages of their own. The pages are read-only once this object is made, and stay as long as it does."""

    def __init__(self, paths: Iterable[str]) -> None:
        """Raises OSError, ValueError for a path with a NUL byte."""
        encoded = {path: path.encode("utf-8", "surrogateescape") + b"\0" for path in paths}
        if any(text.count(b"\0") > 1 for text in encoded.values()):
            raise ValueError("embedded null byte")
        size = sum(map(len, encoded.values())) or 1
        size += -size % mmap.PAGESIZE
        self._pages = mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
        start = ctypes.addressof(ctypes.c_char.from_buffer(self._pages))
        self._addresses: dict[str, int] = {}
        for path, text in encoded.items():
            self._addresses[path] = start + self._pages.tell()
            self._pages.write(text)
        protect_from_writing(start, size)

    def __getitem__(self, path: str) -> int:
        """The address of one of the paths."""
        return self._addresses[path]
