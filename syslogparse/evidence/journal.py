"""Entries of systemd's journal: who says them, and what as a line of a log would.

journald alone writes the fields whose names begin with an underscore (systemd.journal-fields(7)), so ``_TRANSPORT`` decides
who speaks: the kernel's ring buffer (src/journal/journald-kmsg.c), the audit socket (journald-audit.c), or some program.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from typing import Final, NamedTuple, TypeAlias

import msgspec

from syslogparse.evidence.model import LAST_TIME, Reason, Undecodable
from syslogparse.evidence.speaker import BUSES, Envelope, relayed

REALTIME: Final = b"__REALTIME_TIMESTAMP"
FIELDS: Final = frozenset(
    b"MESSAGE _TRANSPORT _HOSTNAME SYSLOG_IDENTIFIER SYSLOG_FACILITY "
    b"_AUDIT_ID _AUDIT_TYPE _AUDIT_TYPE_NAME _SOURCE_REALTIME_TIMESTAMP".split()
)
"""The fields that an entry is made from."""

JSON_LITERALS: Final = (
    b" OUT=",
    b'apparmor=\\"',
    b'operation=\\"',
    b"type=1326",
    b"type=SECCOMP",
    b'reason=\\"seccomp',
    b'"1326"',
    b'"SECCOMP ',
    b"<audit-1326>",
    b'"MESSAGE":[',
    b'"MESSAGE": [',
    b'"MESSAGE":null',
    b'"MESSAGE": null',
)
"""Every line of JSON that is of interest holds one of these: what ``decode.LITERALS`` are behind JSON's escapes, audit's type
1326 where ``type=`` is left out, and messages that journalctl writes as numbers (not UTF-8) or leaves out (too large)."""

MAX_JSON: Final = 1 << 20
"""Bytes of a line of JSON."""

_MAX_FACILITY: Final = 127
_PROGRAMS: Final = frozenset({b"syslog", b"journal", b"stdout"})
_DECIMAL = re.compile(rb"\d{1,20}")
_HOST = re.compile(rb"[!-~]{1,255}")
_AUDIT_TYPE = re.compile(rb"[1-9]\d{0,9}")
_AUDIT_NAME = re.compile(rb"[A-Z][A-Z0-9_]{1,63}")
_OLD_AUDIT_NAME = re.compile(rb"<audit-([1-9]\d{0,9})>")


class Entry(NamedTuple):
    """A journal entry. Text is as logged, empty where the entry has none of it.

    realtime: microseconds since the epoch when journald got it; source_realtime: when the kernel's audit made it.
    transport: ``_TRANSPORT``, empty too where it is given twice. damage: why the entry is not whole, None where it is.
    """

    realtime: int | None
    host: bytes
    transport: bytes
    identifier: bytes
    facility: int | None
    message: bytes
    audit_type: bytes
    audit_type_name: bytes
    audit_id: bytes
    source_realtime: int | None
    damage: Reason | None = None


def from_fields(realtime: int | None, fields: dict[bytes, bytes], damage: Reason | None = None) -> Entry:
    """The entry that these fields are, each given once. Names other than ``FIELDS`` are not looked at."""
    get = fields.get
    facility = None
    if raw := get(b"SYSLOG_FACILITY"):
        facility = _number(raw, _MAX_FACILITY)
        if facility is None:
            damage = damage or "invalid number"
    source = get(b"_SOURCE_REALTIME_TIMESTAMP", b"")
    return Entry(
        realtime if realtime is not None and 0 <= realtime <= LAST_TIME else None,
        get(b"_HOSTNAME", b""),
        get(b"_TRANSPORT", b""),
        get(b"SYSLOG_IDENTIFIER", b""),
        facility,
        get(b"MESSAGE", b""),
        get(b"_AUDIT_TYPE", b""),
        get(b"_AUDIT_TYPE_NAME", b""),
        get(b"_AUDIT_ID", b""),
        _number(source, LAST_TIME),
        damage,
    )


def microseconds(raw: bytes) -> int | None:
    """The moment that journald's decimal digits name; None where they name none."""
    return _number(raw, LAST_TIME)


def may_be_the_kernels(entry: Entry) -> bool:
    """Whether the kernel's ring buffer, its audit, or somebody unknown (a damaged entry) says it."""
    return entry.transport in {b"kernel", b"audit"} or (not entry.transport and entry.damage is not None)


def envelope_of(entry: Entry) -> Envelope:
    """The entry as a line of a log would say it.

    The kernel's stamp is ``SECONDS.MICROS`` since the epoch. An audit record becomes ``type=1400 msg=audit(...): ...`` with
    the stamp and serial that the kernel gave it, as the ring buffer and auditd have it too. Raises Undecodable.
    """
    if entry.damage is not None and may_be_the_kernels(entry):
        raise Undecodable(entry.damage)
    if entry.transport == b"kernel":
        # A program that writes to /dev/kmsg gets another facility, whatever it asks for (printk.c, devkmsg_write).
        if entry.facility or entry.identifier not in {b"kernel", b""}:
            raise Undecodable("not said by the kernel")
        return Envelope(_stamp(entry), _host(entry), "kernel", entry.message, entry.facility)
    if entry.transport == b"audit":
        return _audit(entry)
    if entry.identifier in BUSES and entry.transport in _PROGRAMS and entry.damage is None:
        return relayed(_stamp(entry), _host(entry), entry.identifier, entry.message, entry.facility)
    raise Undecodable("not said by the kernel")


def _audit(entry: Entry) -> Envelope:
    """journald puts the type's name in front of the record; systemd 219 put ``<audit-1400>`` there."""
    name, _, body = entry.message.partition(b" ")
    old = _OLD_AUDIT_NAME.fullmatch(name)
    number = entry.audit_type or (old[1] if old else b"")
    if (old is None and name != (entry.audit_type_name or name)) or (old is not None and old[1] != number):
        raise Undecodable("contradictory fields")
    if number:
        known = _AUDIT_TYPE.fullmatch(number)
    else:
        number = name
        known = _AUDIT_NAME.fullmatch(name)
    if known is None or not body:
        raise Undecodable("not a complete record")
    if entry.source_realtime is None or _DECIMAL.fullmatch(entry.audit_id) is None:
        # Somebody took the stamp or the serial out of the export: as weak as a record that a daemon passed on as text.
        return relayed(_stamp(entry), _host(entry), b"audit", entry.message, None)
    seconds, micros = divmod(entry.source_realtime, 1_000_000)
    stamp = b"audit(%d.%03d:%b)" % (seconds, micros // 1000, entry.audit_id)
    return Envelope(stamp, _host(entry), "audit", b"type=%b msg=%b: %b" % (number, stamp, body), None)


def _stamp(entry: Entry) -> bytes:
    return b"" if entry.realtime is None else b"%d.%06d" % divmod(entry.realtime, 1_000_000)


def _host(entry: Entry) -> bytes:
    return entry.host if _HOST.fullmatch(entry.host) else b""


def _number(raw: bytes, most: int) -> int | None:
    if _DECIMAL.fullmatch(raw) is None:
        return None
    value = int(raw)
    return value if value <= most else None


_Json: TypeAlias = str | int | list[str | int | list[int] | None] | msgspec.UnsetType | None
_NAMES: Final = (REALTIME, *sorted(FIELDS))
_DECIDING: Final = (b"_TRANSPORT", b"MESSAGE", b"SYSLOG_IDENTIFIER", b"SYSLOG_FACILITY")
_QUOTED: Final = tuple(b'"%b"' % name for name in _DECIDING)
_LINE = msgspec.defstruct(
    "_LINE",
    [(f"field_{i}", _Json, msgspec.field(default=msgspec.UNSET, name=name.decode())) for i, name in enumerate(_NAMES)],
)
_DECODER = msgspec.json.Decoder(_LINE)
_ESCAPED_NAME = re.compile(rb"\\u00[3-5]")
"""What a digit, a capital or an underscore begins with where it is escaped; journalctl escapes none."""


def from_json(line: bytes) -> Entry:
    """The entry that a line of ``journalctl -o json`` is, or of json-seq or json-sse.

    Raises Undecodable where it is none. A field that is given twice, or that journalctl left out because it is too large,
    is the entry's damage.
    """
    if len(line) > MAX_JSON:
        raise Undecodable("line too long")
    text = line.strip(b"\x1e \t\r\n").removeprefix(b"data:").lstrip(b" ")
    try:
        values = msgspec.structs.astuple(_DECODER.decode(text))
        twice = _given_twice(text)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        raise Undecodable("no log envelope") from None
    fields: dict[bytes, bytes] = {}
    damage: Reason | None = "contradictory fields" if twice else None
    for name, value in zip(_NAMES, values, strict=True):
        if value is msgspec.UNSET or name in twice:
            continue
        try:
            fields[name] = _text(value)
        except Undecodable as problem:
            damage = damage or problem.reason
    return from_fields(microseconds(fields.get(REALTIME, b"")), fields, damage)


def _text(value: _Json) -> bytes:
    """A value of JSON as the journal holds it: text, bytes where they are no UTF-8, null where they are too many."""
    if isinstance(value, str):
        return value.encode("utf-8", "surrogatepass")
    if isinstance(value, int):
        return b"%d" % value
    if not isinstance(value, list):
        raise Undecodable("line too long")
    numbers = [number for number in value if isinstance(number, int)]
    if len(numbers) < len(value):
        raise Undecodable("contradictory fields")
    try:
        return bytes(numbers)
    except ValueError:
        raise Undecodable("invalid number") from None


def _given_twice(text: bytes) -> frozenset[bytes]:
    """The names, of those that decide who speaks and what, that the object holds twice.

    msgspec takes the last one without a word. journalctl writes each name once, and escapes none.
    """
    for name in _QUOTED:
        if text.count(name) > 1:
            break
    else:
        if b"\\u00" not in text or _ESCAPED_NAME.search(text) is None:
            return frozenset()
    names: list[str] = json.loads(text, object_pairs_hook=lambda pairs: [name for name, _ in pairs])
    seen = Counter(names)
    return frozenset(name for name in _DECIDING if seen[name.decode()] > 1)
