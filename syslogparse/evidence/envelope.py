"""Who says a log line: its stamp, host and speaker, told from its tag position alone.

Text right of the tag is payload, whatever it looks like. Shapes: RFC 3164 and the ISO 8601 variant that rsyslog and
journalctl write, RFC 5424, the kernel's ring buffer as dmesg(1) prints it, and auditd's records (audit.log).
"""

from __future__ import annotations

import re
from typing import Literal, NamedTuple, TypeAlias

from syslogparse.evidence.model import Undecodable

Speaker: TypeAlias = Literal["kernel", "audit"]

KERN = 0
"""Facility of the kernel's own messages (RFC 5424, table 1)."""

_MAX_PRI = 191
_MONTH = rb"(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)"
_CLOCK = rb"\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:?\d\d)?"
_STAMP = rb"(?:" + _MONTH + rb" {1,2}\d{1,2} " + _CLOCK + rb"|\d{4}-\d\d-\d\d[T ]" + _CLOCK + rb")"
# A host never ends in a colon: `sshd: kernel: ...` in a log without host names is sshd speaking.
_HOST = rb"[A-Za-z0-9_.:@/%+~-]{1,255}+(?<!:)"
_PRI = rb"(?:<(\d{1,3})>)?"
_UPTIME = rb"\[ {0,12}\d{1,12}\.\d{1,9}\](?: ?\[ {0,12}[TC]\d{1,12}\])?"

_KERNEL = rb"(" + _STAMP + rb") (?:(" + _HOST + rb") )??kernel: ?+"
KERNEL_LINE = _KERNEL + rb"(?:" + _UPTIME + rb" ?+)?"
"""Pattern of what stands before the kernel's own text in a line without priority. Groups: stamp, host."""
_CLASSIC = re.compile(_PRI + _KERNEL)
_STAMPED = re.compile(_PRI + _STAMP + rb"(?: |\Z)")
_RING = re.compile(_PRI + rb"(" + _UPTIME + rb") ?+")
_NEW = re.compile(
    rb"<(\d{1,3})>1 (-|\d{4}-\d\d-\d\dT" + _CLOCK + rb") ([!-~]{1,255}+) ([!-~]{1,48}+) ([!-~]{1,128}+) ([!-~]{1,32}+) "
    rb'(?:-|(?:\[[^ =\]"]{1,32}+(?: [^ =\]"]{1,32}+="(?:[^"\\\]]|\\.)*")*\])+)(?: (?:\xef\xbb\xbf)?|\Z)',
    re.DOTALL,
)
_AUDITD = re.compile(
    rb"(?:node=([!-~]{1,255}+) )?(?=type=[A-Z0-9_]{1,64}+(?:\[\d{1,10}\])? msg=(audit\(\d{1,12}\.\d{1,9}:\d{1,20}\)):)"
)
_PRINTK = re.compile(_UPTIME + rb" ?+")

_ENRICHED = b"\x1d"
_FIRST_OF_AUDITD = (b"type=", b"node=")


# A named tuple's own constructor costs three times as much.
_new = tuple.__new__


class Envelope(NamedTuple):
    """A line taken apart.

    stamp: as logged, for ``stamp.Clock.read``; an audit record's is ``audit(SECONDS.MILLIS:SERIAL)``, the ring buffer's
    ``[SECONDS]`` since boot. host: empty where the line names none. message: what stands right of the tag; of an audit
    record all from ``type=`` to the enrichment. facility: from the priority, None where the line has none.
    """

    stamp: bytes
    host: bytes
    speaker: Speaker
    message: bytes
    facility: int | None


def split(line: bytes) -> Envelope:
    """Take a log line without its LF apart.

    Raises Undecodable where it has no envelope, or where somebody other than the kernel or auditd says it.
    """
    if line.endswith(b"\r"):
        line = line[:-1]
    if found := _CLASSIC.match(line):
        pri, stamp, host = found.groups(b"")
        return _new(Envelope, (stamp, host, "kernel", line[found.end() :], _facility(pri) if pri else None))
    if line.startswith(_FIRST_OF_AUDITD):
        return _auditd(line)
    if found := _RING.match(line):
        pri, stamp = found.groups(b"")
        return _new(Envelope, (stamp, b"", "kernel", line[found.end() :], _facility(pri) if pri else None))
    if found := _NEW.match(line):
        return _rfc5424(line, found)
    raise Undecodable("not said by the kernel" if _STAMPED.match(line) else "no log envelope")


def without_uptime(message: bytes) -> bytes:
    """A kernel message without the ``[SECONDS]`` since boot that printk.time=1 puts in front of it."""
    if message.startswith(b"[") and (found := _PRINTK.match(message)):
        return message[found.end() :]
    return message


def _facility(pri: bytes) -> int:
    value = int(pri)
    if value > _MAX_PRI:
        raise Undecodable("no log envelope")
    return value >> 3


def _auditd(line: bytes) -> Envelope:
    found = _AUDITD.match(line)
    if found is None:
        raise Undecodable("no log envelope")
    node, stamp = found.groups(b"")
    message, _, _ = line[found.end() :].partition(_ENRICHED)
    return Envelope(stamp, node, "audit", message, None)


def _rfc5424(line: bytes, found: re.Match[bytes]) -> Envelope:
    pri, stamp, host, name, process = found.group(1, 2, 3, 4, 5)
    facility = _facility(pri)
    if name != b"kernel" or process != b"-":
        raise Undecodable("not said by the kernel")
    return Envelope(b"" if stamp == b"-" else stamp, b"" if host == b"-" else host, "kernel", line[found.end() :], facility)
