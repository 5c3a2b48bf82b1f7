"""AppArmor audit records (security/apparmor/audit.c, file.c, net.c, capability.c, ipc.c, mount.c; security/lsm_audit.c)."""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

from syslogparse.evidence import audit
from syslogparse.evidence.model import AppArmorKey, Fields, Undecodable, Value

_VERDICTS = {
    b"1501": b"AUDIT",
    b"1502": b"ALLOWED",
    b"1503": b"DENIED",
    b"1504": b"HINT",
    b"1505": b"STATUS",
    b"1506": b"ERROR",
    b"1507": b"KILLED",
    b"APPARMOR_AUDIT": b"AUDIT",
    b"APPARMOR_ALLOWED": b"ALLOWED",
    b"APPARMOR_DENIED": b"DENIED",
    b"APPARMOR_HINT": b"HINT",
    b"APPARMOR_STATUS": b"STATUS",
    b"APPARMOR_ERROR": b"ERROR",
    b"APPARMOR_KILL": b"KILLED",
}
"""The record types that say the verdict themselves: kernels before 2.6.36 (include/linux/audit.h of AppArmor 2.3)."""

TYPES = frozenset({b"1400", b"AVC", b"1500", b"APPARMOR", *_VERDICTS})
"""Audit record types that AppArmor logs under; AVC is SELinux's too."""


_ENCODED = "profile name target comm peer label namespace srcname name2 info fstype options exe tcontext path"
_PLAIN = (
    "apparmor operation class requested_mask denied_mask requested denied capname family sock_type protocol signal flags "
    "laddr lport faddr fport saddr src daddr dest addr peer_addr rlimit value"
)
_WHOLE = "pid parent fsuid ouid capability error"

_TEXTS = {name.encode(): name for name in f"{_ENCODED} {_PLAIN}".split()}
_NUMBERS = {name.encode(): name for name in _WHOLE.split()}
_HEXADECIMAL = frozenset(_ENCODED.split())
"""Text that the kernel encodes where it is not plain; a socket's address too, but that may be the word ``none``."""
_SOCKETS = frozenset({"addr", "peer_addr"})


_LAST_FIELD: dict[Value, str] = {
    b"capable": "capname",
    b"signal": "peer",
    b"ptrace": "peer",
    b"userns_create": "denied",
    b"mount": "comm",
    b"umount": "comm",
}
"""By operation, a field behind which nothing stands that a rule is made from."""

_MARK = b'apparmor="'


def verdict_type(kind: bytes) -> bytes:
    """The record type without the wrapping of an auditd that does not know its name (``UNKNOWN[1503]``)."""
    return kind[8:-1] if kind.startswith(b"UNKNOWN[") else kind


def is_record(record: audit.Record) -> bool:
    """Whether AppArmor wrote the record. SELinux's AVC has no apparmor= field, and its own fields are never quoted so."""
    kind = verdict_type(record.type)
    return kind in TYPES and (record.body.startswith(_MARK) or kind in _VERDICTS or record.body.find(_MARK) >= 0)


def decode(message: bytes) -> Fields:
    """The fields of an AppArmor record as DESIGN 6 names them, text as bytes. Raises Undecodable.

    ``message`` is the payload of an envelope. Of a field that stands twice the first counts.
    """
    record = audit.read(message)
    if record is None or not is_record(record):
        raise Undecodable("not a complete record")
    return fields(record)


def fields(record: audit.Record) -> Fields:
    """As ``decode``, for a record whose header is read already."""
    found: Fields = {}
    for name, quoted, bare, stray in audit.fields(record.body):
        if quoted:
            if (word := _TEXTS.get(name)) is not None and word not in found:
                found[word] = quoted
        elif bare:
            if (word := _NUMBERS.get(name)) is not None:
                if word not in found:
                    found[word] = audit.number(bare)
            elif (word := _TEXTS.get(name)) is not None and word not in found and (text := _bare(word, bare)):
                found[word] = text
        elif stray:
            raise Undecodable("not a complete record")
    if "apparmor" not in found:
        verdict = _VERDICTS.get(verdict_type(record.type))
        if verdict is None or not found:
            raise Undecodable("not a complete record")
        found["apparmor"] = verdict
    return found


def _bare(word: str, bare: bytes) -> bytes:
    """Text that stands without quotes."""
    if word in _HEXADECIMAL or (word in _SOCKETS and bare != b"none"):
        return audit.unhex(bare)
    return b"" if bare == audit.NULL else bare


def is_whole(record: audit.Record, found: Fields) -> bool:
    """Whether a record behind which nothing stands is surely whole; False where more may have been to come.

    found: its fields. Only a quoted value can be told to be whole.
    """
    if "comm" not in found or not record.body.endswith(b'"'):
        return False
    if found["apparmor"] == b"STATUS":
        return True
    if "family" in found:
        socket_of_its_own = found["family"] != b"unix" or found.get("operation") == b"create"
        return ("denied_mask" in found or "denied" in found) and (socket_of_its_own or "peer" in found)
    return _LAST_FIELD.get(found.get("operation", b""), "target") in found


def key(fields: Fields) -> AppArmorKey:
    """What a rule can say about the record.

    The masks of kernels before 2.6.36 name owner and others apart (``r::``); only their letters are kept.
    """
    get = cast("Callable[[str, bytes], bytes]", fields.get)
    mask = get("denied_mask", b"") or get("denied", b"") or get("requested_mask", b"") or get("requested", b"")
    operation = get("operation", b"")
    capability = get("capname", b"")
    if not capability and operation == b"capable":
        capability = get("name", b"")
    fsuid, ouid = fields.get("fsuid"), fields.get("ouid")
    return tuple.__new__(
        AppArmorKey,
        (
            get("apparmor", b""),
            get("namespace", b""),
            get("profile", b""),
            operation,
            get("class", b""),
            get("name", b""),
            get("target", b"") or get("name2", b""),
            mask.replace(b":", b""),
            b"" if fsuid is None or ouid is None else b"1" if fsuid == ouid else b"0",
            capability,
            get("family", b""),
            get("sock_type", b""),
            get("protocol", b""),
            get("peer", b""),
            get("signal", b""),
            get("info", b""),
        ),
    )
