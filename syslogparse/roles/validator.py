"""The validator: reads lines of rules from the analyst, and writes those that are in the grammar of their language to files.

It believes nothing that the analyst says. What it thinks of all of it together is one byte to the supervisor: so either every
file holds nothing but rules and comments of its language, or none gets a name.

A frame from the analyst is one byte, the number of a file, four bytes of length (big-endian), and a line without its line feed.
After the last line stands a frame with the number ``END`` and no line. A stream that ends otherwise is refused.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple, NoReturn

from syslogparse.languages.document import Document
from syslogparse.languages.render import Language
from syslogparse.report.escape import is_plain
from syslogparse.roles.deaths import BROKEN

HEADER = struct.Struct("!BI")
END = 0xFF
MAX_LINE = 64 << 10
"""Bytes of a line."""
MAX_FILE = 256 << 20
"""Bytes of a file; 100,000 keys make less than half of it."""
_PIECE = 64 << 10

GOOD = 0x40
"""Plus a bit for each file that holds something, from the lowest. No other verdict lets the supervisor do anything."""
FILES = 0x3F
FAILED = 0x80
"""Plus the number of the error (errno) that writing ended with."""
REFUSED = 0x21
READY = b"."
"""To the analyst; anything else in its place is a message for the user."""


class Refused(Exception):
    """What came is not what an honest analyst sends."""


class Ends(NamedTuple):
    """A validator's descriptors. ready: to the analyst, lines: from it, verdict: to the supervisor."""

    lines: int
    ready: int
    verdict: int
    files: tuple[int, ...]


def ends(files: int) -> Ends:
    """The numbers that they have in a run with so many files."""
    return Ends(3, 4, 5, tuple(range(6, 6 + files)))


def announce_failure(ready: int, problem: str) -> NoReturn:
    """Tell the analyst that this process could not be confined."""
    os.write(ready, problem.encode("utf-8", "replace")[:4096])
    os._exit(BROKEN)


def main(own: Ends, languages: Sequence[Language]) -> NoReturn:
    """Say that this process is confined; check and write what comes; say the verdict, and end. Never returns, never raises.

    languages[i] is the one of the file with the number i.
    """
    said = REFUSED
    try:
        os.write(own.ready, READY)
        said = GOOD | take(_reader(own.lines), own.files, languages)
    except OSError as error:
        said = FAILED | min(error.errno or 0, 0x7F)
    finally:
        os.write(own.verdict, bytes([said]))
        os._exit(0)


def frames(documents: Iterable[tuple[int, Iterable[str]]]) -> Iterator[bytes]:
    """The analyst's side: what to send for the lines of each file, the end mark included."""
    for number, lines in documents:
        for line in lines:
            text = line.encode("utf-8", "backslashreplace")
            yield HEADER.pack(number, len(text)) + text
    yield HEADER.pack(END, 0)


def take(read: Callable[[int], bytes], files: Sequence[int], languages: Sequence[Language]) -> int:
    """Check and write everything up to the end mark. The files that hold something, as bits.

    read: gives so many bytes. Raises Refused, OSError.
    """
    written = 0
    desks = [_Desk(file, Document(language)) for file, language in zip(files, languages, strict=True)]
    while True:
        number, length = HEADER.unpack(read(HEADER.size))
        if (number, length) == (END, 0):
            break
        if number >= len(desks) or length > MAX_LINE:
            raise Refused
        desks[number].line(read(length))
    for bit, desk in enumerate(desks):
        if desk.finish():
            written |= 1 << bit
    return written


class _Desk:
    """One file in the making."""

    def __init__(self, descriptor: int, document: Document) -> None:
        self._descriptor = descriptor
        self._document = document
        self._buffer = bytearray()
        self._size = 0

    def line(self, text: bytes) -> None:
        """Raises Refused, OSError."""
        try:
            line = text.decode("utf-8")
        except UnicodeDecodeError:
            raise Refused from None
        # A line feed, or anything that does not read as what it is, is not plain.
        if not is_plain(line) or not self._document.takes(line):
            raise Refused
        self._size += len(text) + 1
        if self._size > MAX_FILE:
            raise Refused
        self._buffer += text
        self._buffer += b"\n"
        if len(self._buffer) >= _PIECE:
            self._flush()

    def finish(self) -> bool:
        """Write the rest. Whether there was anything at all. Raises Refused, OSError."""
        if not self._document.whole():
            raise Refused
        self._flush()
        return self._size > 0

    def _flush(self) -> None:
        view = memoryview(self._buffer)
        while view:
            view = view[os.write(self._descriptor, view) :]
        view.release()
        self._buffer.clear()


def _reader(pipe: int) -> Callable[[int], bytes]:
    """Reads exactly so many bytes of the pipe, which it empties in large pieces. Raises Refused where it ends."""
    held = bytearray()

    def read(length: int) -> bytes:
        while len(held) < length:
            piece = os.read(pipe, _PIECE)
            if not piece:
                raise Refused
            held.extend(piece)
        found = bytes(held[:length])
        del held[:length]
        return found

    return read
