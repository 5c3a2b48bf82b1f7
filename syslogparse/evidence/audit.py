"""Linux audit records: their header, and the name=value fields behind it (kernel/audit.c).

The kernel writes text it does not trust in one of two ways (audit_log_untrustedstring): in double quotes where every
byte is printable, not blank and no double quote, else as hexadecimal digits without quotes. Nothing inside quotes is a
field, and a quote can stand nowhere else.
"""

from __future__ import annotations

import re
from binascii import unhexlify
from typing import NamedTuple

from syslogparse.evidence.envelope import without_uptime
from syslogparse.evidence.model import Undecodable

_STAMP = rb"(audit\(\d{1,12}\.\d{1,9}:\d{1,20}\)): *+"
_TYPE = rb"type=([A-Z0-9_]{1,64}+(?:\[\d{1,10}\])?) "
_HEADER = re.compile(rb"(?:audit: )?(?:" + _TYPE + rb"(?:msg=)?" + _STAMP + rb"|" + _STAMP + _TYPE + rb" *+)")
# A date as the local time prints it in any language: all that is sure is that it holds no parenthesis.
_INTERPRETED = re.compile(_TYPE + rb"msg=(audit\([^()\x00-\x1f\x7f]{1,64}:\d{1,20}\)) : *+")
_DISPATCHED = re.compile(rb"msg=" + _STAMP + rb"(?:" + _TYPE + rb" *+)?")
_RELAYED = re.compile(rb"([A-Z][A-Z0-9_]{1,63}+(?:\[\d{1,10}\])?) ++")
_NODE = re.compile(rb"node=[!-~]{1,255}+ ")
_FIELD = re.compile(
    # Where a log lost the separator of auditd's enrichment, its upper-case names stick to the last value: ouid=0FSUID="root".
    rb' *+(?:([A-Za-z0-9_]++)=(?:"([^"]*+)"|(-?[0-9]++(?=[A-Z]++=)|[^ "]*+))|(")|[^ "]++)'
)
_NUMBER = re.compile(rb"-?\d{1,10}")

_MAX_NUMBER = 2**32 - 1
_MAX_DIGITS = 10
NULL = b"(null)"
"""What the kernel prints for text that is not there."""

_new = tuple.__new__


class Record(NamedTuple):
    """An audit record.

    type: name or number as logged. stamp: ``audit(SECONDS.MILLIS:SERIAL)``, in interpreted records
    ``audit(DATE TIME.MILLIS:SERIAL)``; empty where a relay left it out. body: its fields. interpreted: ausearch(8) -i has
    taken the quotes off and put names in the place of numbers.
    """

    type: bytes
    stamp: bytes
    body: bytes
    interpreted: bool = False


def read(message: bytes) -> Record | None:
    """The record that a message of the kernel or of auditd is; None where it is none.

    auditd writes ``type=AVC msg=audit(...): ...``, printk ``audit: type=1400 audit(...): ...``, kernels before 3.14 left
    ``audit: `` out, and those before 2.6.29 put the type behind the stamp. ausearch(8) -i writes
    ``type=AVC msg=audit(11/22/26 06:20:08.930:11) : ...``. audispd(8) of old passed records on without their type: such a one
    is taken for an AVC.
    """
    found = _HEADER.match(without_uptime(message))
    if found is None:
        return _dispatched(message) or _interpreted(message)
    kind, stamp, old_stamp, old_kind = found.groups()
    return _new(Record, (kind or old_kind, stamp or old_stamp, found.string[found.end() :], False))


def read_relayed(message: bytes) -> Record | None:
    """The record that a daemon passed on as text; None where it is none.

    systemd-journald leaves ``type=`` and the stamp out (``AVC apparmor="DENIED" ...``), audispd(8) sends records whole,
    ``node=HOST`` in front or not.
    """
    if found := _RELAYED.match(message):
        return Record(found[1], b"", message[found.end() :])
    if found := _NODE.match(message):
        message = message[found.end() :]
    return read(message) if message.startswith(b"type=") else None


def _dispatched(message: bytes) -> Record | None:
    found = _DISPATCHED.match(message)
    return None if found is None else Record(found[2] or b"AVC", found[1], message[found.end() :])


def _interpreted(message: bytes) -> Record | None:
    found = _INTERPRETED.match(message)
    return None if found is None else Record(found[1], found[2], message[found.end() :], True)


def fields(body: bytes) -> list[tuple[bytes, bytes, bytes, bytes]]:
    """Name, quoted value, bare value and stray quote of each token, in the order of the log.

    One of the values at least is empty. A quote that belongs to no field stands alone: the record is broken there. All are
    empty for a word that is no field.
    """
    found: list[tuple[bytes, bytes, bytes, bytes]] = _FIELD.findall(body.rstrip(b" "))
    return found


def unhex(bare: bytes) -> bytes:
    """Text from the hexadecimal digits that the kernel writes without quotes. Empty for ``(null)``. Raises Undecodable."""
    if bare == NULL:
        return b""
    try:
        return unhexlify(bare)
    except ValueError:
        raise Undecodable("invalid hexadecimal value") from None


def number(raw: bytes) -> int:
    """A decimal number of at most 32 bits, negative ones included. Raises Undecodable."""
    if raw.isdigit() and len(raw) < _MAX_DIGITS:
        return int(raw)
    if _NUMBER.fullmatch(raw) is None or abs(int(raw)) > _MAX_NUMBER:
        raise Undecodable("invalid number")
    return int(raw)


def is_user_space(kind: bytes) -> bool:
    """Whether records of this type carry what a program said (include/uapi/linux/audit.h: 1100-1199 and 2100-2999)."""
    if kind.isdigit():
        return 1100 <= int(kind) <= 1199 or 2100 <= int(kind) <= 2999
    return kind.startswith(b"USER")
