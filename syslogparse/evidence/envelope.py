"""Who says a log line: its stamp, host and speaker, told from its tag position alone.

Text right of the tag is payload, whatever it looks like. The usual shapes are taken here: RFC 3164 and the ISO 8601 variant
that rsyslog and journalctl write, the kernel's ring buffer as dmesg(1) prints it, and auditd's records (audit.log). The
others stand in ``tags`` (everything else with a tag), ``ring`` and ``packetlog``.
"""

from __future__ import annotations

import re

from syslogparse.evidence import packetlog, ring, tags
from syslogparse.evidence.model import Undecodable
from syslogparse.evidence.speaker import KERN, REPEATED, USER, Envelope, Speaker, auditd, facility, kernel, relayed

__all__ = ["KERN", "KERNEL_LINE", "Envelope", "Speaker", "first", "is_left_cut", "split", "without_uptime"]

_MONTH = rb"(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)"
_STAMP = rb"(?:" + _MONTH + rb" {1,2}\d{1,2} " + tags.CLOCK + rb"|\d{4}-\d\d-\d\d[T ]" + tags.CLOCK + rb")"
_PRI = rb"(?:<(\d{1,3})>)?"

_KERNEL = rb"(" + _STAMP + rb") (?:(" + tags.HOST + rb") )??kernel:(?!:) *+"
KERNEL_LINE = _KERNEL + rb"(?:" + ring.UPTIME + rb" *+)?"
"""Pattern of what stands before the kernel's own text in a line without priority. Groups: stamp, host."""
_CLASSIC = re.compile(_PRI + _KERNEL)
_RELAYED = re.compile(_PRI + rb"(" + _STAMP + rb") (?:(" + tags.HOST + rb") )??" + tags.RELAY)
_PRINTK = re.compile(rb" *+" + ring.UPTIME + rb" *+")
_SPEAK_AS_KERNEL = (KERN, USER)
"""Facilities of the column under which ``kernel`` is the kernel: busybox' klogd logs through syslog(3), where no process but
the kernel can have the first."""

_FIRST_OF_AUDITD = (b"type=", b"node=")
_FIRST_OF_AUDIT = (b"type=", b"audit: type=")
# dmesg -t and journalctl -o cat print the kernel's audit records without stamp and tag. The header begins the line, and is one
# that only the ring buffer has; who can begin a line of a log could write `kernel:` as well, so it is worth no more than that.
_BARE = re.compile(rb"(?:audit: )?(?=type=\d{4} audit\(\d{1,12}\.\d{1,9}:\d{1,20}\): )")
# Its tag without a stamp, as some tools leave it: the tag position still, but in files that anybody may have made.
_NO_STAMP = re.compile(rb"kernel:(?!:) ++")
_MARK = b"\xef\xbb\xbf"
_HOLE = b"\x00" * 8
# grep(1) puts no blank behind the name. A word alone may be the tag of a daemon that puts none there either, so that a name has
# to look like a file's: a path, an ending, an underscore, or one of the usual names of logs.
_FILE = re.compile(
    rb"(?:(?=[^: ]{0,255}[/._]|(?:syslog|messages|dmesg|debug|kern|ufw|firewall|iptables|audit|ulogd?)[:-])"
    rb"(?!\d{1,3}(?:\.\d{1,3}){3}:)[A-Za-z0-9_./+%~,-]{1,255}+:)?(?:\d{1,12}:)?(?=[^ ])"
)
_FIELDS = re.compile(rb"(?:^| )(?:[A-Z]{2,8}=[^ ]*+ ){2}|(?:^| )[a-z_]{2,16}=(?:\"[^\"]*+\"|[^ \"]++) [a-z_]{2,16}=")

# A named tuple's own constructor costs three times as much.
_new = tuple.__new__


def split(line: bytes) -> Envelope:
    """Take a log line without its LF apart.

    Raises Undecodable where it has no envelope, or where somebody other than the kernel or one of its relays says it.
    """
    if line.endswith(b"\r"):
        line = line[:-1]
    if found := _CLASSIC.match(line):
        pri, stamp, host = found.groups(b"")
        message = line[found.end() :]
        if pri or message.startswith(REPEATED):
            return kernel(stamp, host, message, facility(pri))
        return _new(Envelope, (stamp, host, "kernel", message, None, 1))
    if line.startswith(_HOLE):
        # What a daemon wrote on behind a truncated file's old end, or what a crash left of a block.
        line = line.lstrip(b"\x00")
    said = _any(line)
    if said is None and (file := _FILE.match(line)) and file.end():
        said = _any(line[file.end() :])
    if said is None:
        raise Undecodable("no log envelope")
    return said


def first(line: bytes) -> bytes:
    """The first line of a file without the byte order mark that an editor may have put there."""
    return line.removeprefix(_MARK)


def is_left_cut(line: bytes) -> bool:
    """Whether a file's first line looks like the end of a record of which the beginning is gone.

    So it is in what ``tail -c`` or a rotation in the middle of a line left: no envelope, but fields of a packet or a record.
    """
    try:
        split(line)
    except Undecodable as broken:
        return broken.reason == "no log envelope" and _FIELDS.search(line) is not None
    return False


def without_uptime(message: bytes) -> bytes:
    """A kernel message without the ``[SECONDS]`` since boot that printk.time=1 puts in front of it."""
    if message.startswith((b"[", b" ")) and (found := _PRINTK.match(message)):
        return message[found.end() :]
    return message


def _relayed(line: bytes, found: re.Match[bytes]) -> Envelope:
    pri, stamp, host, tag = found.groups(b"")
    # The kernel begins its records with the same word, and dmesg(1) can print stamps that are nearly those of a daemon.
    if tag == b"audit" and not host and (said := ring.split(line)):
        return said
    return relayed(stamp, host, tag, line[found.end() :], facility(pri))


def _any(line: bytes) -> Envelope | None:
    """The envelope of a line in any shape, None where it has none. Raises Undecodable."""
    if line.startswith(_FIRST_OF_AUDIT) and (found := _BARE.match(line)):
        return Envelope(b"", b"", "relay", line[found.end() :], None)
    if line.startswith(_FIRST_OF_AUDITD):
        return auditd(line)
    if found := _NO_STAMP.match(line):
        return kernel(b"", b"", line[found.end() :], USER)
    if found := ring.uptime(line):
        pri, stamp = found.groups(b"")
        return ring.said(stamp, line[found.end() :], facility(pri) if pri else None)
    if found := _RELAYED.match(line):
        return _relayed(line, found)
    tagged = tags.read(line)
    return (ring.split(line) or packetlog.split(line)) if tagged is None else _tagged(line, tagged)


def _tagged(line: bytes, tagged: tags.Tagged) -> Envelope:
    if not tagged.tag:
        said = ring.split(line) or packetlog.split(line)
        if said is None:
            raise Undecodable("not said by the kernel")
        return said
    if tagged.tag != b"kernel":
        return relayed(tagged.stamp, tagged.host, tagged.tag, tagged.message, tagged.facility)
    if tagged.process or (tagged.column and tagged.facility not in _SPEAK_AS_KERNEL):
        raise Undecodable("not said by the kernel")
    return kernel(tagged.stamp, tagged.host, tagged.message, tagged.facility)
