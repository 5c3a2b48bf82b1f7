"""AppArmor audit records.

Who writes them: the kernel (security/apparmor/audit.c, file.c, net.c, af_unix.c, capability.c, ipc.c, mount.c, resource.c,
policy_unpack.c; security/lsm_audit.c), and for what passes over D-Bus the bus's daemon (bus/apparmor.c of dbus), to the log
or as a USER_AVC audit record (audit_log_user_avc_message(3)).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import cast

from syslogparse.evidence import apparmor_interpreted, audit
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

USER_TYPES = frozenset({b"1107", b"USER_AVC"})
"""Audit record types that carry what a bus's daemon says; SELinux's user-space guards use them too."""

_BUS = b""
"""The record type of what a bus's daemon says to the log: there is no audit record around it."""

_WORDS = frozenset(_VERDICTS.values())

_ENCODED = (
    "profile name target comm peer label namespace ns srcname name2 info fstype options exe execpath tcontext path trans "
    "peer_label peer_profile"
)
_PLAIN = (
    "apparmor operation class requested_mask denied_mask requested denied mask capname family sock_type protocol signal flags "
    "laddr lport faddr fport netif saddr src daddr dest addr peer_addr rlimit value offset attribute task magic_token "
    "bus interface member method error_name peer_pid peer_info"
)
_WHOLE = "pid parent fsuid ouid capability error"

_TEXTS = {name.encode(): name for name in f"{_ENCODED} {_PLAIN}".split()}
_NUMBERS = {name.encode(): name for name in _WHOLE.split()}
_HEXADECIMAL = frozenset(_ENCODED.split())
"""Text that the kernel encodes where it is not plain; a socket's address too, but that may be the word ``none``."""
_SOCKETS = frozenset({"addr", "peer_addr"})


_LAST_FIELDS: dict[Value, tuple[str, ...]] = {
    b"capable": ("capname",),
    b"signal": ("peer",),
    b"ptrace": ("peer", "target"),
    b"setrlimit": ("peer",),
    b"uring_override": ("tcontext",),
    b"uring_sqpoll": ("denied",),
    b"userns_create": ("denied",),
    b"mount": ("comm",),
    b"umount": ("comm",),
    b"pivotroot": ("comm",),
}
"""By operation, fields behind each of which nothing stands that a rule is made from; ptrace had a target before Linux 4.13."""

_MARK = b'apparmor="'
_INTERPRETED_MARK = b"apparmor="

_OPERATION_OF_BUS = b"dbus_"
# What the kernel writes around a message from user space (kernel/audit.c, audit_log_common_recv_msg).
_USER_MESSAGE = re.compile(
    rb"(?:user )?pid=\d{1,10} uid=[^ =']{1,64} auid=[^ =']{1,64} ses=[^ =']{1,20}(?: subj=[^=']{1,512})? msg='"
)
# What libaudit adds to it; the kernel's own addr= is a socket's.
_OF_LIBAUDIT = re.compile(rb" (?:sauid|hostname)=")


def verdict_type(kind: bytes) -> bytes:
    """The record type without the wrapping of an auditd that does not know its name (``UNKNOWN[1503]``)."""
    return kind[8:-1] if kind.startswith(b"UNKNOWN[") else kind


def is_record(record: audit.Record) -> bool:
    """Whether AppArmor wrote the record. SELinux's AVC has no apparmor= field, and its own fields are never quoted so."""
    kind, body = verdict_type(record.type), record.body
    if body.startswith(_MARK):
        return kind in TYPES or kind == _BUS
    if kind in USER_TYPES:
        return body.find(b"msg='" + _INTERPRETED_MARK) >= 0
    return kind in _VERDICTS or (kind in TYPES and body.find(_INTERPRETED_MARK if record.interpreted else _MARK) >= 0)


def of_bus(message: bytes) -> audit.Record:
    """What a bus's daemon says to the log (``dbus-daemon[1692]: apparmor="DENIED" operation="dbus_signal" ...``)."""
    return audit.Record(_BUS, b"", message)


def decode(message: bytes) -> Fields:
    """The fields of an AppArmor record as DESIGN 6 names them, text as bytes. Raises Undecodable.

    ``message`` is the payload of an envelope. Of a field that stands twice the first counts.
    """
    record = audit.read(message)
    if record is None or not is_record(record):
        raise Undecodable("not a complete record")
    return fields(record)


def fields(record: audit.Record) -> Fields:
    """As ``decode``, for a record whose header is read already.

    A bus's daemon may speak of its bus alone: what else it says is refused as not said by the kernel.
    """
    kind, body = record.type, record.body
    if kind in TYPES and body.startswith(_MARK) and not record.interpreted:
        found = _taken(body)
    elif kind == _BUS or kind in USER_TYPES:
        return _of_bus(record)
    elif record.interpreted:
        found = _interpreted(body)
    else:
        found = _of_named_type(verdict_type(kind), body)
    if found.get("apparmor") not in _WORDS:
        raise Undecodable("not a complete record")
    return found


def _of_named_type(kind: bytes, body: bytes) -> Fields:
    """The fields of a record whose type says the verdict, or stood in auditd's wrapping."""
    verdict = _VERDICTS.get(kind)
    if verdict is None and not (kind in TYPES and body.startswith(_MARK)):
        raise Undecodable("not a complete record")
    found = _taken(body)
    if not found:
        raise Undecodable("not a complete record")
    if verdict is not None:
        found.setdefault("apparmor", verdict)
    return found


def _taken(body: bytes) -> Fields:
    found: Fields = {}
    for name, quoted, bare, stray in audit.fields(body):
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
    return found


def _interpreted(body: bytes) -> Fields:
    return {
        _TEXTS.get(name) or _NUMBERS[name]: audit.number(text) if name in _NUMBERS else text
        for name, text in apparmor_interpreted.fields(body)
    }


def _of_bus(record: audit.Record) -> Fields:
    body = record.body
    if record.type != _BUS:
        envelope = _USER_MESSAGE.match(body)
        if envelope is None:
            raise Undecodable("not a complete record")
        body = body[envelope.end() :]
    if not body.startswith(_INTERPRETED_MARK if record.interpreted else _MARK):
        raise Undecodable("not said by the kernel")
    if said := _OF_LIBAUDIT.search(body):
        body = body[: said.start()]
    elif record.type != _BUS and body.find(b"'") >= 0:
        body = body[: body.rfind(b"'")]
    found = _interpreted(body) if record.interpreted else _taken(body)
    operation = found.get("operation")
    if not isinstance(operation, bytes) or not operation.startswith(_OPERATION_OF_BUS):
        raise Undecodable("not said by the kernel")
    if found.get("apparmor") not in _WORDS:
        raise Undecodable("not a complete record")
    return found


def _bare(word: str, bare: bytes) -> bytes:
    """Text that stands without quotes. A question mark is libaudit's word for what it does not know."""
    if bare == b"?":
        return b""
    if word in _HEXADECIMAL or (word in _SOCKETS and bare != b"none"):
        return audit.unhex(bare)
    return b"" if bare == audit.NULL else bare


def is_whole(record: audit.Record, found: Fields) -> bool:
    """Whether a record behind which nothing stands is surely whole; False where more may have been to come.

    found: its fields. Only a quoted value can be told to be whole.
    """
    if record.type == _BUS or record.type in USER_TYPES:
        return _is_whole_of_bus(record, found)
    if record.interpreted or "comm" not in found or not record.body.endswith(b'"'):
        return False
    if found["apparmor"] == b"STATUS":
        return True
    if "family" in found:
        socket_of_its_own = found["family"] != b"unix" or found.get("operation") == b"create"
        return ("denied_mask" in found or "denied" in found) and (socket_of_its_own or "peer" in found)
    return not found.keys().isdisjoint(_LAST_FIELDS.get(found.get("operation", b""), ("target",)))


def _is_whole_of_bus(record: audit.Record, found: Fields) -> bool:
    if record.type != _BUS:
        return record.body.endswith(b"'") and not record.interpreted
    last = ("label", "profile") if found["operation"] == b"dbus_bind" else ("peer_label", "peer_profile")
    return record.body.endswith(b'"') and not found.keys().isdisjoint(last)


def key(fields: Fields) -> AppArmorKey:
    """What a rule can say about the record.

    The masks of kernels before 2.6.36 name owner and others apart (``r::w``); their letters are kept, and who is meant goes to
    the owner. A bus's daemon calls the profile a label. Of the addresses of a socket the message's own (saddr, daddr) count
    more than those that the socket is bound or connected to (laddr, faddr).
    """
    get = cast("Callable[[str, bytes], bytes]", fields.get)
    denied = get("denied_mask", b"") or get("denied", b"") or get("mask", b"")
    asked = get("requested_mask", b"") or get("requested", b"")
    operation = get("operation", b"")
    capability = get("capname", b"")
    if not capability and operation == b"capable":
        capability = get("name", b"")
    return tuple.__new__(
        AppArmorKey,
        (
            get("apparmor", b""),
            get("namespace", b""),
            get("profile", b"") or get("label", b""),
            operation,
            get("class", b""),
            get("name", b""),
            get("target", b"") or get("name2", b""),
            denied.replace(b":", b""),
            _owner(fields, denied),
            capability,
            get("family", b""),
            get("sock_type", b""),
            get("protocol", b""),
            get("peer", b"") or get("peer_label", b"") or get("peer_profile", b"") or get("tcontext", b""),
            get("signal", b""),
            get("info", b""),
            b"" if asked == denied else asked.replace(b":", b""),
            *(_ends(get) if "family" in fields else _NO_ENDS),
            *((get("bus", b""), get("path", b""), get("interface", b"")) if "bus" in fields else _NO_BUS),
            get("member", b"") or get("method", b""),
            get("flags", b""),
            get("fstype", b""),
            get("srcname", b""),
        ),
    )


_NO_ENDS = (b"", b"", b"", b"")
_NO_BUS = (b"", b"", b"")


def _ends(get: Callable[[str, bytes], bytes]) -> tuple[bytes, bytes, bytes, bytes]:
    """Address and port of both ends of a socket; ``none`` is the kernel's word for an address that there is not."""
    if get("family", b"") == b"unix":
        local, remote = get("addr", b""), get("peer_addr", b"")
        return b"" if local == b"none" else local, b"", b"" if remote == b"none" else remote, b""
    local, remote = get("src", b"") or get("lport", b""), get("dest", b"") or get("fport", b"")
    return (
        get("saddr", b"") or get("laddr", b""),
        b"" if local == b"0" else local,
        get("daddr", b"") or get("faddr", b""),
        b"" if remote == b"0" else remote,
    )


def _owner(fields: Fields, mask: bytes) -> bytes:
    """Whose file it is: see AppArmorKey."""
    fsuid, ouid = fields.get("fsuid"), fields.get("ouid")
    own, apart, others = mask.partition(b"::")
    if apart and own:
        return b"0" if others else b"root" if fsuid == ouid == 0 else b"1"
    if fsuid is None or ouid is None:
        return b""
    return b"0" if fsuid != ouid else b"root" if fsuid == 0 else b"1"
