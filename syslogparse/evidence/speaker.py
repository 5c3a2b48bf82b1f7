"""Who may say what under which tag: the last step from a line's parts to its envelope.

The tags are compared whole. ``kernel`` is the kernel; auditd's dispatcher and systemd-journald pass on what the kernel told
them as audit records; the D-Bus daemons decide about AppArmor's D-Bus rules themselves and log in AppArmor's words.
"""

from __future__ import annotations

import re
from typing import Final, Literal, NamedTuple, TypeAlias

from syslogparse.evidence.model import MAX_REPEAT, Undecodable

Speaker: TypeAlias = Literal["kernel", "audit", "relay", "dbus", "packets"]

_MAX_PRI = 191
_FACILITIES = (
    b"kern user mail daemon auth syslog lpr news uucp cron authpriv ftp ntp security console clock "
    b"local0 local1 local2 local3 local4 local5 local6 local7"
).split()
FACILITIES: Final = {name: number for number, name in enumerate(_FACILITIES)}
"""Number of each facility (RFC 5424, table 1) by the name that syslog daemons and dmesg(1) print."""
KERN: Final = FACILITIES[b"kern"]
USER: Final = FACILITIES[b"user"]

_DISPATCHERS = frozenset((b"audispd", b"audisp-syslog", b"auditd"))
BUSES: Final = frozenset((b"dbus", b"dbus-daemon", b"dbus-broker", b"dbus-broker-launch"))
"""Message buses, which log AppArmor's denials of bus messages themselves. Any program may call itself so."""
RELAYS: Final = frozenset((b"audit", *_DISPATCHERS, *BUSES))
"""Tags of those who may speak for the kernel, or as AppArmor."""

_RECORD = re.compile(
    rb"(?:node=([!-~]{1,255}+) )?(?=type=[A-Z0-9_]{1,64}+(?:\[\d{1,10}\])? msg="
    rb"(?:(audit\(\d{1,12}\.\d{1,9}:\d{1,20}\)):"
    # ausearch(8) -i prints the date as the locale says. All that is sure is that it holds no parenthesis.
    rb"|(audit\([^()\x00-\x1f\x7f]{1,64}:\d{1,20}\)) : ))"
)
_ENRICHED = b"\x1d"
_ESCAPED_ENRICHED = re.compile(rb" ?#035(?=[A-Z]{1,32}+=)")
_JOURNALD = re.compile(rb"[A-Z][A-Z0-9_]{1,63}+(?:\[\d{1,10}\])? [a-z_]{1,32}+=")
_BUS = re.compile(rb'apparmor="[A-Z]{1,16}" {1,2}operation="dbus_[a-z_]{1,32}"')
REPEATED: Final = b"message repeated "
"""How rsyslogd(8) begins a message that it got several times."""
_TIMES = re.compile(rb"message repeated (\d{1,10}) times: \[ ?")
_LONGEST_REPEATED = 800
"""Bytes that rsyslog keeps of a message that it repeats (tools/ratelimit.c)."""

# A named tuple's own constructor costs three times as much.
_new = tuple.__new__


class Envelope(NamedTuple):
    """A line taken apart.

    stamp: as logged, for ``stamp.Clock.read``; an audit record's is ``audit(SECONDS.MILLIS:SERIAL)``, the ring buffer's
    ``[SECONDS]`` since boot. host: empty where the line names none.
    speaker: kernel, under its own tag; audit, auditd's own file format; relay, audit records that a daemon passed on as text;
    dbus, a D-Bus daemon that speaks of AppArmor; packets, a user-space daemon that logs packets in the kernel's words
    (ulogd, Proxmox). message: what stands right of the tag; of an audit record all from ``type=`` to the enrichment, of
    journald's the record's type and fields. facility: from the priority, None where the line has none. repeat: how often the
    log daemon says that it got the message.
    """

    stamp: bytes
    host: bytes
    speaker: Speaker
    message: bytes
    facility: int | None
    repeat: int = 1


def facility(pri: bytes) -> int | None:
    """The facility of a priority's digits, None for no digits. Raises Undecodable for what is no priority."""
    if not pri:
        return None
    value = int(pri)
    if value > _MAX_PRI:
        raise Undecodable("no log envelope")
    return value >> 3


def kernel(stamp: bytes, host: bytes, message: bytes, number: int | None) -> Envelope:
    """The kernel says ``message``. Raises Undecodable for a repetition that is broken."""
    if message.startswith(REPEATED):
        message, times = unwrap(message)
        return Envelope(stamp, host, "kernel", message, number, times)
    return _new(Envelope, (stamp, host, "kernel", message, number, 1))


def unwrap(message: bytes) -> tuple[bytes, int]:
    """What stands inside ``message repeated N times: [ ... ]`` of rsyslogd(8), and N; other messages as they are, and 1.

    Raises Undecodable where the bracket does not close, where rsyslogd has cut the message, and where one stands in another.
    """
    if not message.startswith(REPEATED):
        return message, 1
    found = _TIMES.match(message)
    if found is None or not message.endswith(b"]"):
        raise Undecodable("not a complete record")
    inner = message[found.end() : -1]
    if len(message) - message.index(b"[") - 2 >= _LONGEST_REPEATED or inner.startswith(REPEATED):
        raise Undecodable("not a complete record")
    times = int(found[1])
    if not 1 <= times <= MAX_REPEAT:
        raise Undecodable("invalid number")
    return inner, times


def auditd(line: bytes) -> Envelope:
    """A record in auditd's own file format (auditd.conf(5): RAW and ENRICHED; ausearch(8) raw and -i). Raises Undecodable."""
    found = _RECORD.match(line)
    if found is None:
        raise Undecodable("no log envelope")
    node, raw, interpreted = found.groups(b"")
    message, _, _ = line[found.end() :].partition(_ENRICHED)
    return _new(Envelope, (raw or interpreted, node, "audit", message, None, 1))


def relayed(stamp: bytes, host: bytes, tag: bytes, message: bytes, number: int | None) -> Envelope:
    """What a daemon that is no kernel says under ``tag``. Raises Undecodable for whatever it has no right to say."""
    message, times = unwrap(message)
    if tag in _DISPATCHERS and (found := _RECORD.match(message)):
        record = _without_enrichment(message[found.end() :])
        return _new(Envelope, (found[2] or found[3], found[1] or host, "relay", record, number, times))
    if tag == b"audit" and _JOURNALD.match(message):
        return _new(Envelope, (stamp, host, "relay", _without_enrichment(message), number, times))
    if tag in BUSES and _BUS.match(message):
        return _new(Envelope, (stamp, host, "dbus", message, number, times))
    raise Undecodable("not said by the kernel")


def _without_enrichment(record: bytes) -> bytes:
    """A record without what auditd added to it; rsyslogd writes the separator as ``#035``."""
    record, _, _ = record.partition(_ENRICHED)
    looked, quotes = 0, 0
    for found in _ESCAPED_ENRICHED.finditer(record):
        quotes += record.count(b'"', looked, found.start())
        looked = found.start()
        # Inside double quotes the four characters are somebody's text.
        if quotes % 2 == 0:
            return record[:looked]
    return record
