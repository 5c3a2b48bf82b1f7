"""The kernel's ring buffer: all that dmesg(1) prints of it, /dev/kmsg's records, and journalctl(1) with monotonic stamps.

None of these lines has a tag, so that the form of the stamp alone says that it is the kernel's. Where other programs write
lines that begin in the same way, what follows tells them apart.
"""

from __future__ import annotations

import re
from binascii import unhexlify
from typing import Final

from syslogparse.evidence import months
from syslogparse.evidence.model import Undecodable
from syslogparse.evidence.speaker import FACILITIES, KERN, Envelope, kernel, relayed
from syslogparse.evidence.tags import HOST, MONTH

UPTIME: Final = rb"\[ {0,12}\d{1,12}\.\d{1,9}\](?: ?\[ {0,12}[TC]\d{1,12}\])?"
"""Seconds since boot, and the caller: a thread or a processor (CONFIG_PRINTK_CALLER)."""

_PRI = rb"(?:<(\d{1,3})>)?"
_DAYTIME = rb"\d\d:\d\d:\d\d"
_CALLER = rb"(?: ?\[ {0,12}[TC]\d{1,12}\])?"
# The point of these is as the locale says.
_DELTA = rb" <[ +-]{0,12}\d{1,12}[.,]\d{6}[ *]?>"
_UPTIME = re.compile(_PRI + rb"(" + UPTIME + rb") ?+")
_DECODED = re.compile(rb"([a-z0-7]{3,8}) {0,5}:(emerg|alert|crit|err|warn|notice|info|debug) {0,4}: ")
_READABLE = re.compile(
    rb"\[([^\x00-\x20\[\]]{1,24} " + MONTH + rb" {1,2}\d{1,2} " + _DAYTIME + rb" \d{4})(?:" + _DELTA + rb")?\]" + _CALLER + rb" "
)
_ISO = re.compile(rb"(\d{4}-\d\d-\d\dT" + _DAYTIME + rb",\d{6}[+-]\d\d:\d\d)(?:" + _DELTA + rb")?" + _CALLER + rb" ")
_RELATIVE = re.compile(
    rb"(\[(?:" + MONTH + rb"[ \d]\d \d\d:\d\d| {0,12}\+\d{1,12}[.,]\d{6}|<[ +-]{0,12}\d{1,12}[.,]\d{6}>"
    rb"| {0,12}\d{1,12}\.\d{6}(?:" + _DELTA + rb"| {14,20}))\]" + _CALLER + rb") "
)
_BEGINNINGS = (b"[", *(b"%d" % digit for digit in range(10)))
"""How the lines begin that dmesg -x has not put facility and level before."""
_KMSG = re.compile(rb"(\d{1,4}),\d{1,20},\d{1,20},[-cf+](?:,[^,;\x00-\x20]{1,64}){0,4};")
_KMSG_ESCAPED = re.compile(rb"\\x([0-9a-f]{2})")

# A process's own tag, or in a journal with monotonic stamps the kernel's. @rule[2] is no process: OpenWrt's fw4 puts the place
# of a rule without name into its prefix.
_CLAIM = re.compile(
    rb"(?:(" + HOST + rb") )??(?:(?!@)([A-Za-z0-9_.()@/+-]{1,64}+)\[\d{1,10}\]|(kernel(?!::)|audit(?=: [A-Z]))): ?"
)
# `DROP: IN=` is a rule's prefix, `sshd: Invalid user` and `gw sshd: ` are tags; `denied by: IN=` could be either.
_TAGS = re.compile(rb"(?!audit: type=)(?:[^ ]{1,255}+ [^ :\[\]]{1,64}+: |[^ ]{1,64}+(?<=:) (?!IN=))")
_HTTPD = re.compile(rb"\[(?:[a-z0-9_]{1,32}:)?(?:emerg|alert|crit|error|warn|notice|info|debug|trace\d)\] ")
"""httpd(8)'s error log has the stamps of dmesg -T."""
_X_SERVER = re.compile(rb"\((?:II|EE|WW|NI|DB|--|\*\*|==|\+\+|!!|\?\?)\) ")


def uptime(line: bytes) -> re.Match[bytes] | None:
    """What stands in front of a line with the usual seconds since boot. Groups: priority, stamp."""
    return _UPTIME.match(line)


def said(stamp: bytes, message: bytes, facility: int | None) -> Envelope:
    """The envelope of what stands behind a stamp of the ring buffer. Raises Undecodable where it is somebody else's."""
    found = None if message.startswith(b"[") else _CLAIM.match(message)
    if found is None:
        if message.startswith(b"(") and _X_SERVER.match(message):
            raise Undecodable("not said by the kernel")
        return kernel(stamp, b"", message, facility)
    host, process, name = found.groups(b"")
    rest = message[found.end() :]
    if name == b"kernel":
        return kernel(stamp, host, rest, facility)
    if name and not host:
        return kernel(stamp, b"", message, facility)
    return relayed(stamp, host, name or process, rest, facility)


def split(line: bytes) -> Envelope | None:
    """The envelope of a line in one of the less usual forms, None where it has none of them. Raises Undecodable."""
    number = None
    if not line.startswith(_BEGINNINGS):
        found = _DECODED.match(line)
        if found is None:
            return None
        number = FACILITIES.get(found[1])
        line = line[found.end() :]
        if number is None or (number != KERN and not _stamp(line)):
            return None
        if number != KERN:
            # Only programs write to /dev/kmsg under another facility (kernel/printk/printk.c: devkmsg_write).
            raise Undecodable("not said by the kernel")
    if stamped := _stamp(line):
        stamp, message, others = stamped
        if number is None and others is not None and others.match(message):
            raise Undecodable("not said by the kernel")
        return said(stamp, message, number)
    return _kmsg(line) if number is None else None


def _stamp(line: bytes) -> tuple[bytes, bytes, re.Pattern[bytes] | None] | None:
    """Stamp, message, and what the message looks like where another program wrote the stamp."""
    if found := _UPTIME.match(line):
        return found[2], line[found.end() :], None
    for pattern, others in ((_READABLE, _HTTPD), (_RELATIVE, None)):
        if (found := pattern.match(line)) and (found[2] is None or months.number(found[2]) is not None):
            return found[1], line[found.end() :], others
    if found := _ISO.match(line):
        # Syslog daemons can write the same stamp, with host and tag behind it.
        return found[1], line[found.end() :], _TAGS
    return None


def _kmsg(line: bytes) -> Envelope | None:
    """A record of /dev/kmsg (Documentation/ABI/testing/dev-kmsg), which writes bytes that are not printable as hexadecimal."""
    found = _KMSG.match(line)
    if found is None:
        return None
    if int(found[1]) >> 3 != KERN:
        raise Undecodable("not said by the kernel")
    text = line[found.end() :]
    if text.find(b"\\x") >= 0:
        text = _KMSG_ESCAPED.sub(lambda escaped: unhexlify(escaped[1]), text)
    return said(b"", text, KERN)
