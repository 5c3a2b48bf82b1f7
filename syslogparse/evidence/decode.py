"""From a log line to an event: the one way in for whoever scans logs."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from syslogparse.evidence import apparmor, audit, envelope, netfilter, seccomp
from syslogparse.evidence.envelope import Envelope, split, without_uptime
from syslogparse.evidence.model import Event, Fields, Grade, Key, Kind, Undecodable
from syslogparse.evidence.stamp import Clock

MAX_LINE: Final = 65536
"""Bytes of the longest line that is decoded; syslog daemons cut at 8 KiB, auditd at 8970 bytes."""

_PACKET: Final = b" OUT="
_RECORDS = (b'apparmor="', b"type=1326", b"type=SECCOMP")
_OLD_RECORD: Final = b'operation="'
_OLD_TYPES = (b"type=150", b"type=APPARMOR_", b"type=UNKNOWN[150")
LITERALS: tuple[bytes, ...] = (_PACKET, *_RECORDS, _OLD_RECORD)
"""Every line of interest holds one of these. AppArmor's records had no apparmor= before Linux 2.6.36."""

# A prefix without an equals sign cannot hold an IN= of its own.
_USUAL = re.compile(envelope.KERNEL_LINE + rb"([^=]{0,%d})" % netfilter.MAX_PREFIX + netfilter.USUAL)
_AUDIT = (b"audit: ", b"type=", b"audit(")
_NAME_CACHE: Final = 4096


def interesting(line: bytes) -> bool:
    """Whether the line would have to be an event, or undecoded, if the kernel said it."""
    return (
        any(line.find(literal) >= 0 for literal in _RECORDS)
        or line.find(b"IN=", 0, max(line.rfind(_PACKET), 0)) >= 0
        or (line.find(_OLD_RECORD) >= 0 and any(line.find(kind) >= 0 for kind in _OLD_TYPES))
    )


class Decoder:
    """Decodes the lines of one log file.

    audit_grade, kernel_grade: what auditd's records and the kernel's messages in this file are worth.
    syscall_name: libseccomp's name of a system call, from its name of the architecture and the number.
    """

    def __init__(
        self,
        clock: Clock,
        audit_grade: Grade,
        kernel_grade: Grade,
        syscall_name: Callable[[str, int], str | None],
    ) -> None:
        self._clock = clock
        self._audit_grade: Grade = audit_grade
        self._kernel_grade: Grade = kernel_grade
        self._syscall_name = syscall_name
        self._names: dict[bytes, str | None] = {}

    def event(self, line: bytes, terminated: bool = True) -> Event | None:
        """The event that a line (without its LF) is; None for a line of no interest.

        terminated: False for the last line of a file that does not end in LF; more of it may have been to come.
        Raises Undecodable for a line of interest that nobody with a right to says, or that is broken.
        """
        if terminated and line.find(_PACKET) > 0 and (usual := _USUAL.match(line)) and (packet := self._usual(usual)):
            return packet
        if len(line) > MAX_LINE:
            if interesting(line):
                raise Undecodable("line too long")
            return None
        try:
            said = split(line)
        except Undecodable:
            if interesting(line):
                raise
            return None
        message = without_uptime(said.message)
        record = audit.read(message) if message.startswith(_AUDIT) else None
        if record is None:
            return self._packet(said, message, terminated or line.endswith(b"\r"))
        return self._record(said, record, terminated or line.endswith(b"\r") or _is_enriched(line, said))

    def key_of(self, event: Event) -> Key:
        """What a rule can say about the event."""
        return _KEYS[event.kind](event.fields)

    def _usual(self, usual: re.Match[bytes]) -> Event | None:
        """An ordinary logged packet: most lines of most logs, so it takes the shortest way."""
        stamp, host, prefix, *logged = usual.groups()
        fields: Fields = {}
        if prefix := prefix.strip(b" "):
            fields["prefix"] = prefix
        if not netfilter.take_usual(fields, logged):
            return None
        return Event("netfilter", self._clock.read(stamp), host or b"", self._kernel_grade, fields)

    def _packet(self, said: Envelope, message: bytes, whole: bool) -> Event | None:
        begin = netfilter.start(message)
        if begin < 0:
            if interesting(message):
                raise Undecodable("not a complete record")
            return None
        if not whole:
            _refuse_cut(lambda: netfilter.is_whole(message[begin:], netfilter.fields(message, begin)))
        return self._made("netfilter", said, said.stamp, netfilter.fields(message, begin))

    def _record(self, said: Envelope, record: audit.Record, whole: bool) -> Event | None:
        if record.type in seccomp.TYPES:
            if not whole:
                # Its last field has no mark of its end.
                raise Undecodable("line cut off at the end of the file")
            return self._made("seccomp", said, record.stamp, seccomp.fields(record, self._name))
        if apparmor.is_record(record):
            if not whole:
                _refuse_cut(lambda: apparmor.is_whole(record, apparmor.fields(record)))
            return self._made("apparmor", said, record.stamp, apparmor.fields(record))
        if interesting(record.body) and audit.is_user_space(record.type):
            raise Undecodable("not said by the kernel")
        return None

    def _made(self, kind: Kind, said: Envelope, stamp: bytes, fields: Fields) -> Event:
        grade = self._audit_grade if said.speaker == "audit" else self._kernel_grade
        if said.facility:
            grade = "syslog"
        return Event(kind, self._clock.read(stamp), said.host, grade, fields)

    def _name(self, arch: str, number: int) -> str | None:
        # Bytes as the cache's key: an attacker can choose integers whose hashes collide.
        known, at = self._names, b"%b %d" % (arch.encode("ascii"), number)
        if at not in known:
            if len(known) >= _NAME_CACHE:
                known.clear()
            known[at] = self._syscall_name(arch, number)
        return known[at]


_KEYS: dict[Kind, Callable[[Fields], Key]] = {"netfilter": netfilter.key, "apparmor": apparmor.key, "seccomp": seccomp.key}


def _is_enriched(line: bytes, said: Envelope) -> bool:
    """Whether auditd's own words stand behind the kernel's last field, so that it cannot have been cut."""
    return said.speaker == "audit" and line.find(b"\x1d") >= 0


def _refuse_cut(is_whole: Callable[[], bool]) -> None:
    try:
        whole = is_whole()
    except Undecodable:
        whole = False
    if not whole:
        raise Undecodable("line cut off at the end of the file")
