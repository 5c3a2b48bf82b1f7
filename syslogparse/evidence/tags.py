"""Lines that a syslog daemon or journalctl(1) wrote, in every shape: stamp, host, facility, tag.

Only tags that mean something here are recognised: the kernel's, those of the relays, and of the daemons that tell of losses.
Of all other lines no more is found out than that somebody has stamped them.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from syslogparse.evidence import months
from syslogparse.evidence.speaker import FACILITIES, RELAYS, facility

CLOCK: Final = rb"\d\d:\d\d:\d\d(?:[.,]\d{1,9})?(?:Z|[+-]\d\d(?::?\d\d)?)?"
_LEVELS = rb"(?:emerg|alert|crit|err(?:or)?|warn(?:ing)?|notice|info|debug|panic|none)"
COLUMN: Final = rb"(?:" + b"|".join(sorted(FACILITIES)) + rb")\." + _LEVELS
"""The column ``facility.level`` of busybox' syslogd and logread."""
# A host never ends in a colon: `sshd: kernel: ...` in a log without host names is sshd speaking. Nor is it such a column.
# A colon stands in addresses alone.
HOST: Final = (
    rb"(?!(?=[a-z0-9]{3,8}+\.)" + COLUMN + rb" )(?:[A-Za-z0-9_.@/%+~-]{1,255}+"
    rb"|(?:[A-Za-z0-9_.-]{1,64}+[@/])?[0-9A-Fa-f:.]{2,45}(?<!:)(?:%[A-Za-z0-9_.-]{1,15})?|\(none\))(?= )"
)
"""A name or an address, syslog-ng's ``source@host`` and ``host/relay`` too; ``(none)`` is what the kernel calls a host that
nobody has named."""

_WORD = rb"[^\x00-\x20\x7f\"'()*,/:;<=>?\[\\\]{|}]{1,24}"
MONTH: Final = rb"(" + _WORD + rb")"
_DAY = rb"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)"
_ZONE = rb"(?:[A-Z]{1,5}|[+-]\d\d(?::?\d\d)?)"
_CALENDAR = (
    rb"(?:" + _DAY + rb" )?" + MONTH + rb" {1,2}\d{1,2}(?: \d{4})? " + CLOCK + rb"(?: \d{4})?(?= |\Z)"
    rb"|\d{4} " + MONTH + rb" {1,2}\d{1,2} " + CLOCK
)
_ISO = (
    rb"\d{4}-\d\d-\d\d[T ]" + CLOCK + rb"(?: [+-]\d\d:?\d\d)?"
    # journalctl -o short-full
    rb"|" + _DAY + rb" \d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d{1,9})? " + _ZONE
)
_EPOCH = rb"\d{9,11}\.\d{6}"
_STAMP = rb"(?:<(\d{1,3})>)?(" + _ISO + rb"|" + _EPOCH + rb"|" + _CALENDAR + rb")(?= |\Z)"

LOSERS: Final = frozenset((b"rsyslogd", b"systemd-journald", b"systemd-journal", b"journal", b"syslogd", b"syslog-ng"))
"""Tags of daemons that tell when they lost messages."""
_NAMES = rb"|".join(re.escape(name) for name in sorted({b"kernel", *RELAYS, *LOSERS}, key=len, reverse=True))
RELAY: Final = (
    rb"(" + b"|".join(re.escape(name) for name in sorted(RELAYS, key=len, reverse=True)) + rb")(?:\[\d{1,10}\])?:(?!:) *+"
)
TAG: Final = rb"(?:(rsyslogd)-\d{4}|(" + _NAMES + rb"))(?:\[(\d{1,10})\])?:(?!:) *+"

_STAMPED = re.compile(_STAMP)
# Where there is a column it may be padded.
_TAGGED = re.compile(rb"(?: (" + HOST + rb"))??(?: (" + COLUMN + rb")(?: (" + HOST + rb"))?? {0,16})? " + TAG)
_NEW = re.compile(
    rb"(?:<(\d{1,3})>)?1 (-|\d{4}-\d\d-\d\dT" + CLOCK + rb") ([!-~]{1,255}+) ([!-~]{1,48}+) ([!-~]{1,128}+) ([!-~]{1,32}+) "
    rb'(?:-|(?:\[[^ =\]"]{1,32}+(?: [^ =\]"]{1,32}+="(?:[^"\\\]]|\\.)*")*\])+)(?: (?:\xef\xbb\xbf)?|\Z)',
    re.DOTALL,
)
_NO_PROCESS = b"-"

# A named tuple's own constructor costs three times as much.
_new = tuple.__new__


class Tagged(NamedTuple):
    """Parts of a line that one of the known tags stands in.

    stamp: as logged. host: empty where there is none. tag: empty where it is none of the known ones. process: the number
    behind the tag, empty where there is none. message: right of the tag. facility: of the priority, or of the column of that
    name; None where there is neither. column: whether it was the column.
    """

    stamp: bytes
    host: bytes
    tag: bytes
    process: bytes
    message: bytes
    facility: int | None
    column: bool


def read(line: bytes) -> Tagged | None:
    """The parts of a line with a stamp, or of RFC 5424; None where it begins with neither. Raises Undecodable."""
    if found := _NEW.match(line):
        return _rfc5424(line, found)
    stamped = _STAMPED.match(line)
    if stamped is None:
        return None
    pri, stamp, month, other_month = stamped.groups(b"")
    if (month or other_month) and months.number(month or other_month) is None:
        return None
    number = facility(pri)
    found = _TAGGED.match(line, stamped.end())
    if found is None:
        return Tagged(stamp, b"", b"", b"", line[stamped.end() + 1 :], number, False)
    host, column, other_host, numbered, tag, process = found.groups(b"")
    if column:
        number = FACILITIES[column[: column.index(b".")]]
    return _new(Tagged, (stamp, host or other_host, tag or numbered, process, line[found.end() :], number, bool(column)))


def _rfc5424(line: bytes, found: re.Match[bytes]) -> Tagged:
    pri, stamp, host, name, process = found.group(1, 2, 3, 4, 5)
    return Tagged(
        b"" if stamp == b"-" else stamp,
        b"" if host == b"-" else host,
        name,
        b"" if process == _NO_PROCESS else process,
        line[found.end() :],
        facility(pri or b""),
        False,
    )
