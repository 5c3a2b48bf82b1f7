"""A small file that the user named, copied into memory while root. Its bytes are not looked at here."""

from __future__ import annotations

import mmap
import os
import stat

_PIECE = 64 << 10
"""Read in small pieces into a map: once a large block was freed, malloc(3) takes large ones from the heap, in parsers too."""


class Refused(Exception):
    """Why the file is not read, in words for the user."""


def copy_regular(name: str, limit: int) -> memoryview:
    """The bytes of a regular file, as many as it had when it was opened. Raises Refused.

    limit: bytes at most. Nothing here can block: the path is opened with O_PATH first, which touches no FIFO and no device.
    """
    try:
        path = os.open(name, os.O_PATH | os.O_CLOEXEC)
        try:
            if not stat.S_ISREG(os.fstat(path).st_mode):
                raise Refused("is no regular file")
            descriptor = os.open(f"/proc/self/fd/{path}", os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
        finally:
            os.close(path)
        try:
            return _copy(descriptor, limit)
        finally:
            os.close(descriptor)
    except OSError as error:
        raise Refused((error.strerror or str(error)).lower()) from error
    except ValueError as error:  # a name with a NUL byte
        raise Refused(str(error)) from error


def _copy(descriptor: int, limit: int) -> memoryview:
    size = os.fstat(descriptor).st_size
    if size > limit:
        raise Refused(f"is larger than {limit >> 20} MiB")
    if size == 0:  # mmap(2) refuses a length of 0
        return memoryview(b"")
    # Private: a map is shared by default, and a parser that was taken over could write what the analyst reads later.
    memory = memoryview(mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS))
    length = 0
    while length < size and (read := os.readv(descriptor, [memory[length : length + _PIECE]])):
        length += read
    return memory[:length].toreadonly()
