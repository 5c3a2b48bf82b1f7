"""From a log line to an event: the one way in for whoever scans logs."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from syslogparse.evidence import apparmor, audit, envelope, identity, journal, netfilter, seccomp
from syslogparse.evidence.envelope import Envelope, split, without_uptime
from syslogparse.evidence.loss import AUDIT_LITERAL
from syslogparse.evidence.model import Event, Fields, Grade, Key, Kind, Undecodable
from syslogparse.evidence.stamp import Clock

MAX_LINE: Final = 65536
"""Bytes of the longest line that is decoded; syslog daemons cut at 8 KiB, auditd at 8970 bytes."""

_APPARMOR_FIELD: Final = b"apparmor="
LITERALS: tuple[bytes, ...] = (*netfilter.LITERALS, _APPARMOR_FIELD)
"""Every line of interest holds one of these, or one of ``AUDIT_LITERALS``."""
AUDIT: Final = b"audit"
AUDIT_LITERALS: tuple[bytes, ...] = (b"type=150", b"[150", b"type=APPARMOR", b"1326", b"SECCOMP", b"seccomp", AUDIT_LITERAL)
"""What the other lines of interest hold, which all hold AUDIT too: AppArmor's records had no apparmor= before Linux 2.6.36."""

_PACKET: Final = b" OUT="
_WORDS = b"DENIED ALLOWED AUDIT STATUS HINT ERROR KILLED".split()
_APPARMOR = (b'apparmor="', *(b"apparmor=" + word for word in _WORDS))
_AUDITED = (
    *(b"type=1326", b"type=SECCOMP", b"UNKNOWN[1326]", b"SECCOMP auid=", b"type=APPARMOR msg="),
    *(b'reason="seccomp"', b"reason=seccomp", b"type=150", b"type=APPARMOR_", b"type=UNKNOWN[150"),
)

# A prefix without an equals sign cannot hold an IN= of its own.
_USUAL = re.compile(envelope.KERNEL_LINE + rb"([^=]{0,%d})" % netfilter.MAX_PREFIX + netfilter.USUAL)
_AUDIT = (b"audit: ", b"type=", b"audit(", b"msg=audit(")
_FORGEABLE = ("relay", "dbus", "packets")
_JSON = (b"{", b"data: {", b"\x1e{")
_NEXT_JSON: Final = b"\n{"
_ENRICHED = b"\x1d"
"""Behind it stand auditd's own words, so that the kernel's last field before it cannot have been cut."""
_PROSE: Final = b"APPARMOR"
"""Records of 2006 that say in English what was refused; libapparmor does not read them either."""
_USER: Final = 1
"""Facility of user space (RFC 5424, table 1)."""
_NAME_CACHE: Final = 4096


def interesting(line: bytes) -> bool:
    """Whether the line would have to be an event, or undecoded, if the kernel said it."""
    return (
        (line.startswith(_JSON) and any(line.find(literal) >= 0 for literal in journal.JSON_LITERALS))
        or any(line.find(literal) >= 0 for literal in _APPARMOR)
        or netfilter.is_interesting(line)
        or (line.find(AUDIT) >= 0 and _is_audited(line))
    )


def _is_audited(text: bytes) -> bool:
    return any(text.find(literal) >= 0 for literal in _AUDITED)


def literals_of(text: bytes) -> tuple[bytes, ...]:
    """What every line of interest of this text (whole lines) holds one of."""
    literals = LITERALS if text.find(AUDIT) < 0 else LITERALS + AUDIT_LITERALS
    has_json = text.startswith(_JSON) or (text.find(b"{") >= 0 and text.find(_NEXT_JSON) >= 0)
    return literals + journal.JSON_LITERALS if has_json else literals


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
        if line.startswith(_JSON):
            return self._json(line)
        try:
            return self._said(split(line), terminated or line.endswith(b"\r") or line.find(_ENRICHED) >= 0)
        except Undecodable:
            if interesting(line):
                raise
            return None

    def entry(self, entry: journal.Entry, forgeable: bool = False) -> Event | None:
        """As ``event``, for an entry of the journal. forgeable: anybody may have written it, whatever the log is worth."""
        try:
            said = journal.envelope_of(entry)
            return self._said(said._replace(facility=_USER) if forgeable else said)
        except Undecodable:
            if (entry.damage and journal.may_be_the_kernels(entry)) or interesting(entry.message):
                raise
            return None

    def _json(self, line: bytes) -> Event | None:
        if not interesting(line) and line.find(_APPARMOR_FIELD) < 0:
            return None
        return self.entry(journal.from_json(line), forgeable=True)

    def _said(self, said: Envelope, whole: bool = True) -> Event | None:
        """whole: nothing can be missing at its end."""
        if len(said.message) > MAX_LINE:
            raise Undecodable("line too long")
        message = without_uptime(said.message)
        if said.speaker == "dbus":
            record: audit.Record | None = apparmor.of_bus(message)
        elif said.speaker == "relay":
            record = audit.read_relayed(message)
        else:
            record = audit.read(message) if message.startswith(_AUDIT) else None
        if record is not None and said.speaker != "packets":
            return self._record(said, record, whole)
        if said.speaker in ("kernel", "packets"):
            return self._packet(said, message, whole)
        if interesting(message):
            raise Undecodable("not a complete record")
        return None

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
        time = self._clock.read(stamp)
        attempt = _identity_of_packet(usual.string[usual.end(3) :], fields, time)
        return Event("netfilter", time, host or b"", self._kernel_grade, fields, 1, attempt)

    def _packet(self, said: Envelope, message: bytes, whole: bool) -> Event | None:
        begin = netfilter.start(message)
        if begin < 0:
            if interesting(message):
                raise Undecodable("not a complete record")
            return None
        if message.find(b"\n") >= 0:
            # The kernel's own text has one line. What a user can put into its other messages, the name of a program that
            # crashes, may have more.
            raise Undecodable("not said by the kernel")
        if not whole:
            _refuse_cut(lambda: netfilter.is_whole(message[begin:], netfilter.fields(message, begin)))
        fields = netfilter.fields(message, begin)
        time = self._clock.read(said.stamp)
        return self._made("netfilter", said, time, fields, _identity_of_packet(message[begin:], fields, time))

    def _record(self, said: Envelope, record: audit.Record, whole: bool) -> Event | None:
        if seccomp.is_record(record):
            if not whole:
                _refuse_cut(lambda: seccomp.is_whole(record, seccomp.fields(record, self._name)))
            return self._audited("seccomp", said, record, seccomp.fields(record, self._name))
        if apparmor.is_record(record):
            if not whole:
                _refuse_cut(lambda: apparmor.is_whole(record, apparmor.fields(record)))
            return self._audited("apparmor", said, record, apparmor.fields(record))
        speaks_of_it = interesting(record.body) or _is_audited(record.body)
        if record.type == _PROSE or (speaks_of_it and record.type in apparmor.TYPES):
            raise Undecodable("not a complete record")
        if speaks_of_it and audit.is_user_space(record.type):
            raise Undecodable("not said by the kernel")
        return None

    def _audited(self, kind: Kind, said: Envelope, record: audit.Record, fields: Fields) -> Event:
        time = self._clock.read(record.stamp or said.stamp)
        if record.interpreted or audit.is_user_space(record.type):
            # Without quotes a value can look like fields; and what a program tells audit, the kernel only passes on.
            said = said._replace(speaker="relay")
        same = b""
        if record.stamp and time is not None:
            same = identity.of_record(time, record.stamp[record.stamp.rfind(b":") + 1 : -1])
        return self._made(kind, said, time, fields, same)

    def _made(self, kind: Kind, said: Envelope, time: int | None, fields: Fields, same: bytes) -> Event:
        grade = self._audit_grade if said.speaker == "audit" else self._kernel_grade
        if said.facility or said.speaker in _FORGEABLE:
            grade = "syslog"
        return Event(kind, time, said.host, grade, fields, said.repeat, same)

    def _name(self, arch: str, number: int) -> str | None:
        # Bytes as the cache's key: an attacker can choose integers whose hashes collide.
        known, at = self._names, b"%b %d" % (arch.encode("ascii"), number)
        if at not in known:
            if len(known) >= _NAME_CACHE:
                known.clear()
            known[at] = self._syscall_name(arch, number)
        return known[at]


def _identity_of_packet(text: bytes, fields: Fields, time: int | None) -> bytes:
    """text: the kernel's own, from IN= on."""
    return identity.of_packet(netfilter.flow(fields), netfilter.attempt(text, fields), identity.time_slice(time))


_KEYS: dict[Kind, Callable[[Fields], Key]] = {"netfilter": netfilter.key, "apparmor": apparmor.key, "seccomp": seccomp.key}


def _refuse_cut(is_whole: Callable[[], bool]) -> None:
    try:
        whole = is_whole()
    except Undecodable:
        whole = False
    if not whole:
        raise Undecodable("line cut off at the end of the file")
