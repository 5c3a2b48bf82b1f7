"""The Journal Export Format: what ``journalctl -o export`` writes (https://systemd.io/JOURNAL_EXPORT_FORMATS).

A record is lines ``NAME=value`` up to an empty line. A value that is no plain text stands behind ``NAME``, a line end and its
length in eight bytes; whatever such a value holds, and be it a perfect record, is payload. So the stream can only be read
from its beginning, one byte after the other, and where it is broken nothing behind the break can be believed.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from syslogparse.evidence.journal import FIELDS, REALTIME, Entry, from_fields, microseconds
from syslogparse.evidence.model import Reason

MAX_FIELD: Final = 1 << 20
"""Bytes of one field that is looked at; others may be of any length."""
MAX_RECORD: Final = 4 << 20
"""Bytes of the fields of one record that are looked at."""

_NAME = re.compile(rb"[A-Z_][A-Z0-9_]{0,63}")
_LOOKED_AT: Final = FIELDS | {REALTIME}
_LENGTH: Final = 8
_LF: Final = 0x0A
_USUAL: Final = 1 << 14
"""Bytes of a usual record at most."""
_BEGINNINGS = (b"__CURSOR=", b"__REALTIME_TIMESTAMP=")


class Exported(NamedTuple):
    """A record of an export. line: where it starts, counted by LF from 0. What is wrong with it is the entry's damage."""

    line: int
    entry: Entry


def is_export(head: bytes) -> bool:
    """Whether a file that begins so is an export: journalctl puts the cursor, others the time in front."""
    return head.startswith(_BEGINNINGS)


class ExportReader:
    """Reads an export block by block, whatever the blocks' borders are. Linear; keeps one field that is looked at."""

    def __init__(self) -> None:
        self._rest = bytearray()
        self._scanned = 0
        self._skip = 0
        self._skipping_line = False
        self._expect_end = False
        self._broken = False
        self._line = 0
        self._unended_line = False
        self._done: list[Exported] = []
        self._start = 0
        self._size = 0
        self._fields: dict[bytes, bytes] = {}
        self._damage: Reason | None = None
        self._started = False

    @property
    def line(self) -> int:
        """Where the first record starts that has not been given yet, counted by LF from 0."""
        return self._start if self._started else self._line

    @property
    def end(self) -> int:
        """The number of lines so far; one without LF at the end counts."""
        return self._line + self._rest.count(b"\n") + self._unended_line

    def feed(self, block: bytes) -> list[Exported]:
        """The records that end in this block."""
        rest = self._rest
        rest += block
        if block:
            self._unended_line = not block.endswith(b"\n")
        at = 0
        while (after := self._step(at)) > at:
            self._line += rest.count(b"\n", at, after)
            at = after
        self._scanned -= min(self._scanned, at)
        del rest[:at]
        return self._give()

    def finish(self) -> list[Exported]:
        """What the end of the stream leaves: a record without the empty line behind it, or one that is cut off."""
        if self._rest or self._skip or self._skipping_line or self._expect_end:
            self._start_record()
            self._blame("line cut off at the end of the file")
        self._end_record()
        return self._give()

    def _give(self) -> list[Exported]:
        done, self._done = self._done, []
        return done

    def _step(self, at: int) -> int:
        """Take what stands at this place; the place behind it, or the same where more has to come first."""
        rest = self._rest
        if self._skip:
            taken = min(self._skip, len(rest) - at)
            self._skip -= taken
            return at + taken
        if self._expect_end:
            return self._end_of_binary(at)
        if not self._started and not self._broken and not self._skipping_line and (after := self._plain(at)):
            return after
        end = rest.find(b"\n", max(at, self._scanned))
        if end < 0:
            return self._unended(at)
        if self._skipping_line:
            self._skipping_line = False
            return end + 1
        return self._whole_line(at, end)

    def _plain(self, at: int) -> int:
        """Take the usual record at once, one that is lines of text only; the place behind it, 0 where it is another."""
        end = self._rest.find(b"\n\n", at, at + _USUAL)
        if end <= at:
            return 0
        fields: dict[bytes, bytes] = {}
        for line in bytes(self._rest[at:end]).split(b"\n"):
            name, equals, value = line.partition(b"=")
            if not equals or name in fields:
                return 0
            if name in _LOOKED_AT:
                fields[name] = value
        self._done.append(Exported(self._line, from_fields(microseconds(fields.get(REALTIME, b"")), fields)))
        return end + 2

    def _unended(self, at: int) -> int:
        """A line whose end has not come yet."""
        rest = self._rest
        self._scanned = len(rest)
        if not self._skipping_line:
            if len(rest) - at <= MAX_FIELD:
                return at
            self._skipping_line = True
            self._start_record()
            name, equals, _ = bytes(rest[at : at + 128]).partition(b"=")
            if not equals or name in _LOOKED_AT:
                self._blame("line too long")
        return len(rest)

    def _whole_line(self, at: int, end: int) -> int:
        if at == end:
            self._end_record()
            return end + 1
        name, equals, value = bytes(self._rest[at:end]).partition(b"=")
        self._start_record()
        if equals:
            self._take(name, value)
            return end + 1
        if self._broken or _NAME.fullmatch(name) is None:
            self._break()
            return end + 1
        return self._binary(at, end + 1, name)

    def _binary(self, at: int, begin: int, name: bytes) -> int:
        """A value with its length in front; waits for the whole of one that is looked at."""
        rest = self._rest
        value = begin + _LENGTH
        if len(rest) < value:
            return at
        length = int.from_bytes(rest[begin:value], "little")
        if name in _LOOKED_AT and length <= MAX_FIELD:
            if len(rest) < value + length:
                return at
            self._take(name, bytes(rest[value : value + length]))
            self._expect_end = True
            return value + length
        if name in _LOOKED_AT:
            self._blame("line too long")
        self._skip, self._expect_end = length, True
        return value

    def _end_of_binary(self, at: int) -> int:
        if at < len(self._rest):
            self._expect_end = False
            if self._rest[at] != _LF:
                self._break()
            return at + 1
        return at

    def _take(self, name: bytes, value: bytes) -> None:
        if name not in _LOOKED_AT:
            return
        self._size += len(value)
        if name in self._fields:
            self._blame("contradictory fields")
            if name == b"_TRANSPORT":
                self._fields[name] = b""
        elif len(value) > MAX_FIELD or self._size > MAX_RECORD:
            self._blame("line too long")
        else:
            self._fields[name] = value

    def _break(self) -> None:
        self._broken = True
        self._blame("not a complete record")

    def _blame(self, reason: Reason) -> None:
        self._damage = self._damage or reason

    def _start_record(self) -> None:
        if not self._started:
            self._started, self._start = True, self._line

    def _new_record(self) -> None:
        self._started = False
        self._size = 0
        self._fields = {}
        self._damage = "not a complete record" if self._broken else None

    def _end_record(self) -> None:
        if self._started:
            realtime = microseconds(self._fields.get(REALTIME, b""))
            self._done.append(Exported(self._start, from_fields(realtime, self._fields, self._damage)))
        self._new_record()
