"""Many firewall lines at once: one pattern over a whole block, for the shape that nearly all lines of a busy log have.

It only groups. A line is taken here when everything that its key, host and time depend on stands in the pattern's groups, and
the rest of it is what the careful way (``decode``) would take too; all other lines are handed back by their number. What a
group means is found out by the careful way, on one line of its kind. The tests hold both ways equal on every line.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

import msgspec

from syslogparse.evidence import netfilter
from syslogparse.evidence.envelope import KERNEL_LINE
from syslogparse.evidence.model import NetfilterKey, Undecodable

_PORT = rb"(?:[1-5]\d{4}|\d{1,4}|6[0-4]\d{3}|65[0-4]\d\d|655[0-2]\d|6553[0-5])"
# [^ ] is several times as fast as a class that leaves out LF too; it is bounded, so that matching stays linear.
# A match that ran over a line's end is noticed afterwards: it makes one row of two lines. Stamps and hosts are only cut out here,
# and checked when they are new. What is longer than the bounds goes the careful way.
_LINE = (
    rb"([^ ]{3} .. [^ ]{8}|\d{4}-[^ ]{1,40}+) ([^ ]{1,255}+) kernel: "
    rb"(?:\[ {0,12}\d{1,12}+\.\d{1,9}+\] )?(?!\[ {0,12}[TC\d])"
    rb"([^=]{0,256}+(?<=IN)=[^S]{0,160}+(?:S[IO][^S]{0,40}+){0,8}(?<= ))SRC=([^ ]{1,45}+) DST=([^ ]{1,45}+) LEN=\d{1,5}+ "
    rb"TOS=[^ ]{1,8}+ PREC=[^ ]{1,8}+ TTL=(?:1?\d?\d|2[0-4]\d|25[0-5]) ID=[^ ]{1,8}+ (?:[CDM][EF] ){0,3}PROTO=(TCP|UDP) "
    rb"SPT=" + _PORT + rb" DPT=(\d{1,5}+) "
    rb"(?:WINDOW=[^ ]{1,8}+ RES=[^ ]{1,8}+ ([^=]{0,40}+)=\d{1,5}+(?: OPT \([0-9A-F]{0,80}\))?|LEN=\d{1,5}+) {0,3}+"
)
_OCTET = rb"(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)"
_IPV4 = _OCTET + rb"(?:\." + _OCTET + rb"){3}"
_CANONICAL: Final = re.compile(_IPV4 + rb" " + _IPV4 + rb" (?!0\d)" + _PORT)
_STAMP_AND_HOST: Final = re.compile(KERNEL_LINE)
_ROWS: Final = re.compile(rb"(?:" + _LINE + rb"|[^\n]*+)\n")
_REST: Final = b"SRC=192.0.2.1 DST=192.0.2.2 LEN=0 TOS=0x00 PREC=0x00 TTL=1 ID=0 PROTO=%b SPT=1 DPT=1 %b"
_CACHE: Final = 8192
# A row holds: stamp, host, all from the prefix to SRC=, source, destination, protocol, destination port, and the TCP flags with
# the name of the field behind them.


class Group(msgspec.Struct, frozen=True):
    """Lines of one key and host. first, last: block and line in it, with their stamps."""

    host: bytes
    key: NetfilterKey
    count: int
    first: tuple[int, int]
    first_stamp: bytes
    last: tuple[int, int]
    last_stamp: bytes


class _Tally:
    __slots__ = ("block", "count", "first", "first_stamp", "key", "last", "stamp")

    def __init__(self, key: NetfilterKey, first: tuple[int, int], stamp: bytes) -> None:
        self.key = key
        self.count = 0
        self.first = first
        self.first_stamp = stamp
        self.block, self.last = first
        self.stamp = stamp


def is_dense(text: bytes, lines: int) -> bool:
    """Whether it is worth looking at every line: most of them look like logged packets."""
    return text.count(b" OUT=") * 2 > lines


def rows_of(text: bytes, lines: int) -> list[tuple[bytes, ...]] | None:
    """One row for each line: its stamp and Row, all empty where the pattern does not fit. None: use the careful way.

    text: whole lines, each with its LF; lines: how many. Linear: every line is matched once.
    """
    rows: list[tuple[bytes, ...]] = _ROWS.findall(text)
    return rows if len(rows) == lines else None


class Bulk:
    """Counts the rows of the blocks of one log. What it remembers beyond that is bounded."""

    def __init__(self) -> None:
        self._tallies: dict[tuple[bytes, ...], _Tally | None] = {}
        self._stamps: set[bytes] = set()
        self._keys: dict[tuple[bytes, bytes, bytes], NetfilterKey | None] = {}

    def __len__(self) -> int:
        return len(self._tallies)

    def count(self, rows: list[tuple[bytes, ...]], block: int) -> list[int]:
        """Count the rows of a block. The numbers of the lines that are for the careful way."""
        tallies, stamps = self._tallies, self._stamps
        careful: list[int] = []
        for line, fields in enumerate(rows):
            row = fields[1:]
            if fields[0] not in stamps and not self._is_stamp(fields[0]):
                careful.append(line)
                continue
            try:
                tally = tallies[row]
            except KeyError:
                key = self._key(row)
                tally = tallies[row] = None if key is None else _Tally(key, (block, line), fields[0])
            if tally is None:
                careful.append(line)
                continue
            tally.count += 1
            tally.block = block
            tally.last = line
            tally.stamp = fields[0]
        return careful

    def drain(self) -> Iterator[Group]:
        """What was counted since the last time."""
        tallies, self._tallies = self._tallies, {}
        for row, tally in tallies.items():
            if tally is not None:
                yield Group(
                    row[0], tally.key, tally.count, tally.first, tally.first_stamp, (tally.block, tally.last), tally.stamp
                )

    def _is_stamp(self, stamp: bytes) -> bool:
        if _STAMP_AND_HOST.fullmatch(stamp + b" host kernel: ") is None:
            return False
        if len(self._stamps) >= _CACHE:
            self._stamps.clear()
        self._stamps.add(stamp)
        return True

    def _key(self, row: tuple[bytes, ...]) -> NetfilterKey | None:
        host, head, src, dst, proto, port, flags = row
        kind = head, proto, flags
        try:
            pattern = self._keys[kind]
        except KeyError:
            if len(self._keys) >= _CACHE:
                self._keys.clear()
            pattern = self._keys[kind] = _pattern(head, proto, flags)
        if pattern is None or _CANONICAL.fullmatch(b"%b %b %b" % (src, dst, port)) is None:
            return None
        if _STAMP_AND_HOST.fullmatch(b"Jan  1 00:00:00 " + host + b" kernel: ") is None:
            return None
        return pattern._replace(src=src, dst=dst, dpt=port)


def _pattern(head: bytes, proto: bytes, flags: bytes) -> NetfilterKey | None:
    """The key of lines with these groups, but for addresses and port; None where the careful way has to look at each."""
    if proto == b"TCP" and flags.endswith(b"URGP"):
        tail = b"WINDOW=0 RES=0x00 %b=0" % flags
    elif proto == b"UDP" and not flags:
        tail = b"LEN=0"
    else:
        return None
    line = head + _REST % (proto, tail)
    begin = netfilter.start(line)
    if begin < 0:
        return None
    try:
        key = netfilter.key(netfilter.fields(line, begin))
    except Undecodable:
        return None
    # A bracket in the head makes what follows an inner packet, which sets no field of the line's own.
    return key if (key.src, key.dst, key.dpt) == (b"192.0.2.1", b"192.0.2.2", b"1") else None
