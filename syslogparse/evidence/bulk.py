"""Many firewall lines at once: one pattern over a whole block, for the shape that nearly all lines of a busy log have.

It only groups. A line is taken here when everything that its key, host and time depend on stands in the pattern's groups, and
the rest of it is what the careful way (``decode``) would take too; all other lines are handed back by their number. What a
group means is found out by the careful way, on one line of its kind. The tests hold both ways equal on every line.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Final
from zlib import crc32

import msgspec

from syslogparse.evidence import identity, netfilter
from syslogparse.evidence.envelope import KERNEL_LINE
from syslogparse.evidence.model import NetfilterKey, Undecodable
from syslogparse.evidence.services import ANSWERING, asked_port

_PORT = rb"(?:[1-5]\d{4}|[1-9]\d{0,3}|6[0-4]\d{3}|65[0-4]\d\d|655[0-2]\d|6553[0-5]|0)"
# [^ ] is several times as fast as a class that leaves out LF too; it is bounded, so that matching stays linear.
# A match that ran over a line's end is noticed afterwards: it makes one row of two lines. Stamps and hosts are only cut out here,
# and checked when they are new. What is longer than the bounds goes the careful way.
_LINE = (
    rb"([^ ]{3} .. [^ ]{8}|\d{4}-[^ ]{1,40}+) ([^ ]{1,255}+) kernel: "
    rb"(?:\[ {0,12}\d{1,12}+\.\d{1,9}+\] )?(?! |\[ {0,12}[TC\d])"
    rb"([^=]{0,256}+(?<=IN)=[^S]{0,160}+(?:S[IO][^S]{0,40}+){0,8}(?<= ))SRC=([^ ]{1,45}+) DST=([^ ]{1,45}+) LEN=\d{1,5}+ "
    rb"TOS=[^ ]{1,8}+ PREC=[^ ]{1,8}+ TTL=(?:1?\d?\d|2[0-4]\d|25[0-5]) "
    rb"(?:ID=[^ ]{1,8}+ (?:[CDM][EF] ){0,3}PROTO=TCP|ID=([^ ]{1,8}+ )(?:[CDM][EF] ){0,3}PROTO=UDP) "
    rb"SPT=(" + _PORT + rb") DPT=(\d{1,5}+) "
    rb"(?(6)LEN=\d{1,5}+|WINDOW=[^ ]{1,8}+ RES=[^ ]{1,8}+ ([^=]{1,40}+)=\d{1,5}+(?: OPT \([0-9A-F]{0,80}\))?) {0,3}+"
)
_OCTET = rb"(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)"
_IPV4 = _OCTET + rb"(?:\." + _OCTET + rb"){3}"
_CANONICAL: Final = re.compile(_IPV4 + rb" " + _IPV4 + rb" " + _PORT)
_STAMP_AND_HOST: Final = re.compile(KERNEL_LINE)
_ROWS: Final = re.compile(rb"(?:" + _LINE + rb"|[^\n]*+)\n")
_REST: Final = b"SRC=192.0.2.1 DST=192.0.2.2 LEN=0 TOS=0x00 PREC=0x00 TTL=1 ID=0 PROTO=%b SPT=1 DPT=1 %b"
_CACHE: Final = 8192
_STAMPS: Final = 2 * _CACHE
_HALF: Final = identity.SIZE // 2
# A row holds: stamp, host, all from the prefix to SRC=, source, destination, the IP ID with the blank behind it (of UDP only),
# source port, destination port, and the TCP flags with the name of the field behind them (of TCP only).


class Group(msgspec.Struct, frozen=True):
    """Lines of one key and host. first, last: block and line in it, with their stamps. identities: lines by attempt."""

    host: bytes
    key: NetfilterKey
    count: int
    first: tuple[int, int]
    first_stamp: bytes
    last: tuple[int, int]
    last_stamp: bytes
    identities: identity.Identities


class _Tally:
    __slots__ = ("block", "count", "first", "first_stamp", "key", "last", "moments", "stamp", "tries")

    def __init__(self, key: NetfilterKey, first: tuple[int, int], stamp: bytes) -> None:
        self.key = key
        self.count = 0
        self.first = first
        self.first_stamp = stamp
        self.block, self.last = first
        self.stamp = stamp
        self.tries: list[bytes] = []
        self.moments: list[bytes] = []


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
    """Counts the rows of the blocks of one log. What it remembers beyond that is bounded.

    time_of: microseconds since the epoch of a stamp, to tell attempts apart; without it none are told apart.
    """

    def __init__(self, time_of: Callable[[bytes], int | None] | None = None) -> None:
        self._time_of = time_of
        self._tallies: dict[tuple[bytes, ...], _Tally | None] = {}
        self._tried = 0
        self._moments: dict[bytes, bytes | None] = {}
        self._keys: dict[tuple[bytes, bytes], NetfilterKey | None] = {}

    def __len__(self) -> int:
        """Keys that are remembered; ten lines, of which little is remembered, count as one."""
        return len(self._tallies) + self._tried // 10

    def count(self, rows: list[tuple[bytes, ...]], block: int, first_line: int = 0) -> list[int]:
        """Count the rows of a block. The numbers of the lines, from 0, that are for the careful way.

        first_line: what to add to the lines' numbers in the positions of groups.
        """
        tallies, moments = self._tallies, self._moments
        careful: list[int] = []
        for line, (stamp, host, head, src, dst, ident, spt, dpt, flags) in enumerate(rows, first_line):
            if (moment := moments.get(stamp) or self._moment(stamp)) is None:
                careful.append(line - first_line)
                continue
            # Only UDP comes without flags; asking the set first spares nearly all of it the call.
            row = host, head, src, dst, dpt, flags, asked_port(spt, dpt) if not flags and spt in ANSWERING else b""
            try:
                tally = tallies[row]
            except KeyError:
                key = self._key(row)
                tally = tallies[row] = None if key is None else _Tally(key, (block, line), stamp)
            if tally is None:
                careful.append(line - first_line)
                continue
            tally.count += 1
            tally.block = block
            tally.last = line
            tally.stamp = stamp
            # What netfilter.attempt says, and when.
            tally.tries.append(ident + spt)
            tally.moments.append(moment)
        self._tried += len(rows) - len(careful)
        return careful

    def drain(self) -> Iterator[Group]:
        """What was counted since the last time."""
        tallies, self._tallies, self._tried = self._tallies, {}, 0
        for row, tally in tallies.items():
            if tally is not None:
                last = tally.block, tally.last
                same = {} if self._time_of is None else _identities(tally)
                yield Group(row[0], tally.key, tally.count, tally.first, tally.first_stamp, last, tally.stamp, same)

    def _moment(self, stamp: bytes) -> bytes | None:
        """The slice of time that the stamp is in, as identities hold it. None where it is no stamp."""
        moments = self._moments
        if len(moments) >= _STAMPS:
            moments.clear()
        if stamp[19:20] == b"." and stamp[20:26].isdigit():
            # Nearly every line has another fraction. Slices are whole seconds long.
            second = stamp[:19] + stamp[26:]
            moment = moments.get(second)
            if moment is None:
                moment = moments[second] = self._read(second)
            return moment
        moment = moments[stamp] = self._read(stamp)
        return moment

    def _read(self, stamp: bytes) -> bytes | None:
        if _STAMP_AND_HOST.fullmatch(stamp + b" host kernel: ") is None:
            return None
        return identity.time_slice(self._time_of(stamp) if self._time_of else None).to_bytes(_HALF, "big")

    def _key(self, row: tuple[bytes, ...]) -> NetfilterKey | None:
        host, head, src, dst, port, flags, spt = row
        kind = head, flags
        try:
            pattern = self._keys[kind]
        except KeyError:
            if len(self._keys) >= _CACHE:
                self._keys.clear()
            pattern = self._keys[kind] = _pattern(head, flags)
        if pattern is None or _CANONICAL.fullmatch(b"%b %b %b" % (src, dst, port)) is None:
            return None
        if _STAMP_AND_HOST.fullmatch(b"Jan  1 00:00:00 " + host + b" kernel: ") is None:
            return None
        return pattern._replace(src=src, dst=dst, dpt=port, spt=spt)


def _identities(tally: _Tally) -> identity.Identities:
    key = tally.key
    flow = identity.flow(key.src, key.dst, key.proto, key.dpt)
    # Each as identity.of_packet makes it, in a third of the time.
    every = [
        crc32(attempt, flow).to_bytes(_HALF, "big") + moment for attempt, moment in zip(tally.tries, tally.moments, strict=True)
    ]
    found = dict(Counter(every))
    if len(found) > identity.MAX_KEPT:
        identity.trim(found)
    return found


def _pattern(head: bytes, flags: bytes) -> NetfilterKey | None:
    """The key of lines with these groups, but for addresses and port; None where the careful way has to look at each."""
    if not flags:
        proto, tail = b"UDP", b"LEN=0"
    elif flags.endswith(b"URGP"):
        proto, tail = b"TCP", b"WINDOW=0 RES=0x00 %b=0" % flags
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
