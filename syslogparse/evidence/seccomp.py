"""Seccomp audit records (audit_seccomp in kernel/auditsc.c): type 1326, and type 1701 before Linux 3.15.

The kernel writes ``auid uid gid ses [subj] pid comm [exe] [reason] sig [arch] syscall compat ip [code]`` in this order; what is
in brackets some kernels leave out. comm and exe are quoted or hexadecimal, subj is neither.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from itertools import pairwise
from typing import Final, TypeAlias

from syslogparse.evidence import audit, seccomp_names
from syslogparse.evidence.model import Fields, SeccompKey, Undecodable

SyscallName: TypeAlias = Callable[[str, int], str | None]
"""libseccomp's name of a system call, from its name of the architecture and the number; None where it knows none."""

TYPES = frozenset({b"1326", b"SECCOMP", b"UNKNOWN[1326]"})
"""Record types that are seccomp's alone. The last is from an auditd that does not know the type."""
ABEND_TYPES = frozenset({b"1701", b"ANOM_ABEND", b"UNKNOWN[1701]"})
"""Processes that ended abnormally. Before Linux 3.15 seccomp logged under it too, and said so: ``reason="seccomp"``."""

ARCHITECTURES = seccomp_names.ARCHITECTURES

_REASON: Final = b"seccomp"
_NUMBERS = {name.encode(): name for name in ("pid", "uid", "gid", "auid", "ses", "sig", "syscall", "compat")}
_ENCODED = {name.encode(): name for name in ("exe", "comm")}
_BARE = {name.encode(): name for name in ("arch", "code")}

# What the kernel writes behind a security context, which is over where the last of these begins.
_TASK = re.compile(
    rb' pid=-?\d{1,10}+ comm=(?:"[^"]{0,64}+"|[0-9A-Fa-f]{2,128}+|\(null\))'
    rb'(?: exe=(?:"[^"]{0,8192}+"|[0-9A-Fa-f]{2,16384}+|\(null\)))?'
    rb'(?: reason="[a-z ]{1,32}+")? (?:sig|arch|syscall)='
)
# auditd's enrichment stands behind 0x1d; logs and relays lose that byte or write it out.
_ENRICHMENT = re.compile(
    rb"( (?:code=0x|ip=0x|sig=|syscall=-?|compat=)[0-9a-f]{1,16}+)"
    rb"(?:[\x1d ]|#035|\^\]|\\035|\\x1d|\\u001d|<0x1d>)?(?:ARCH|SYSCALL|AUID|UID|GID)="
)
_PLACES = {
    name: place for place, name in enumerate(b"auid uid gid ses subj pid comm exe reason sig arch syscall compat ip code".split())
}
_NAMED = re.compile(rb"(?:^| )(auid|uid|gid|ses|subj|pid|comm|exe|reason|sig|arch|syscall|compat|ip|code)=")
_NEW_FIELD = re.compile(rb" [A-Za-z][A-Za-z0-9_-]{0,31}=")
_CALL_BY_NAME = re.compile(rb"(?:^| )syscall=[a-z_]{3}")


def is_record(record: audit.Record) -> bool:
    """Whether seccomp wrote the record: told by its type, or by the reason that an abnormal end is said to have."""
    if record.type in TYPES:
        return True
    body = record.body
    # Nobody's text stands behind the last sig=, so a call that is named there was named by the kernel.
    if record.type not in ABEND_TYPES or body.find(_REASON) < 0 or body.rfind(b" sig=") > body.rfind(b" syscall="):
        return False
    try:
        return _read(record).get("reason") == _REASON
    except Undecodable:
        return True


def decode(message: bytes, syscall_name: SyscallName) -> Fields:
    """The fields of a seccomp record as DESIGN 6 names them, text as bytes. Raises Undecodable.

    ``message`` is the payload of an envelope. Of a field that stands twice the first counts.
    """
    record = audit.read(message)
    if record is None or not is_record(record):
        raise Undecodable("not a complete record")
    return fields(record, syscall_name)


def fields(record: audit.Record, syscall_name: SyscallName) -> Fields:
    """As ``decode``, for a record whose header is read already."""
    found = _read(record)
    found.pop("reason", None)
    _resolve(found, syscall_name)
    said = {name: value for name, value in found.items() if value != b""}
    if not said:
        raise Undecodable("not a complete record")
    return said


def is_whole(record: audit.Record, found: Fields) -> bool:
    """Whether a record behind which nothing stands is surely whole; False where more may have been to come.

    found: its fields. The code is the last of them; the first kernels with seccomp wrote none, and their end is never sure.
    """
    code, body = found.get("code"), record.body
    if not isinstance(code, bytes):
        return False
    if _enriched(body, _task(body)):
        return True
    shorn = body.rstrip(b" ")
    return shorn.endswith(b" code=" + code) and (len(shorn) < len(body) or seccomp_names.is_complete_code(code))


def _read(record: audit.Record) -> Fields:
    """The fields that are there: numbers as such, code, arch and the name of a system call as logged. Raises Undecodable."""
    body = record.body
    begin = _task(body)
    if enriched := _enriched(body, begin):
        body = body[: enriched.end(1)]
    if record.interpreted or _CALL_BY_NAME.search(body, max(body.rfind(b" sig="), 0)):
        return _interpreted(body)
    context, rest = _context(body, begin)
    found: Fields = {"subj": context} if context else {}
    for name, quoted, bare, stray in audit.fields(rest):
        if stray:
            raise Undecodable("not a complete record")
        _take(found, name, quoted, bare)
    return found


def _enriched(body: bytes, begin: int) -> re.Match[bytes] | None:
    if body.find(b"UID=") < 0 and body.find(b"ARCH=") < 0 and body.find(b"SYSCALL=") < 0 and body.find(b"GID=") < 0:
        return None
    return _ENRICHMENT.search(body, begin)


def _task(body: bytes) -> int:
    """Where what the kernel writes behind a context begins, outside quotes; 0 where its order is not kept."""
    quotes, end = body.count(b'"'), len(body)
    while (at := body.rfind(b" pid=", 0, end)) > 0:
        quotes -= body.count(b'"', at, end)
        if quotes % 2 == 0 and _TASK.match(body, at):
            return at
        end = at
    return 0


def _context(body: bytes, begin: int) -> tuple[bytes, bytes]:
    """The security context, and the body without it.

    It is written bare, and a profile's name may hold blanks and whole fields: between ` subj=` and ``begin`` all is context.
    Where nothing tells its end it ends before the next field.
    """
    start = 0 if body.startswith(b"subj=") else body.find(b" subj=")
    if start < 0 or body.count(b'"', 0, start) % 2:
        return b"", body
    value = body.index(b"=", start) + 1
    end = begin
    if start >= begin:
        sign = body.find(b"=", value + 1)
        end = len(body) if sign < 0 else max(body.rfind(b" ", value, sign), value)
    return _label(body[value:end]), body[:start] + body[end:]


def _label(context: bytes) -> bytes:
    # Some kernels write the equals sign twice.
    context = _unquoted(context.strip(b" ").removeprefix(b"="))
    return b"" if context == audit.NULL else context


def _unquoted(text: bytes) -> bytes:
    return text[1:-1] if len(text) > 1 and text.startswith(b'"') and text.endswith(b'"') else text


def _take(found: Fields, name: bytes, quoted: bytes, bare: bytes) -> None:
    if (number := _NUMBERS.get(name)) is not None:
        if bare and number not in found:
            found[number] = audit.number(bare)
    elif (text := _ENCODED.get(name)) is not None:
        if text not in found:
            found[text] = quoted or (audit.unhex(bare) if bare else b"")
    elif (word := _BARE.get(name)) is not None:
        if bare and word not in found:
            found[word] = bare
    elif name == b"reason" and quoted:
        found.setdefault("reason", quoted)


def _interpreted(body: bytes) -> Fields:
    """The fields of a record as ausearch(8) -i prints it: no quotes, and words in the place of numbers.

    Anybody's text stands as bare there as the kernel's own words, so a name that stands twice, or not in the kernel's order,
    makes the record undecodable.
    """
    names = list(_NAMED.finditer(body))
    places = [_PLACES[name[1]] for name in names]
    if any(later <= earlier for earlier, later in pairwise(places)):
        raise Undecodable("contradictory fields")
    ends = [name.start() for name in names] + [len(body.rstrip(b" "))]
    found: Fields = {}
    for name, end in zip(names, ends[1:], strict=True):
        word, value = name[1].decode("ascii"), body[name.end() : end]
        if value != audit.NULL and (read := _word(word, value)) is not None:
            found[word] = read
    return found


def _word(name: str, value: bytes) -> bytes | int | None:
    """An interpreted value; None where it says nothing sure."""
    if name in ("comm", "exe", "subj", "reason"):
        return _label(value) if name == "subj" else _unquoted(value)
    if new := _NEW_FIELD.search(value):
        value = value[: new.start()]
    value = value.strip(b" ")
    if name in ("arch", "code"):
        return value
    if name == "syscall":
        return seccomp_names.syscall(value)
    if name == "sig":
        return seccomp_names.signal(value)
    if name in ("pid", "compat"):
        return audit.number(value)
    return None if name == "ip" else seccomp_names.account(value)


def _resolve(found: Fields, syscall_name: SyscallName) -> None:
    """Turn the architecture's and the action's numbers into words, and the system call's into its name."""
    code, arch, call = found.get("code"), found.pop("arch", None), found.get("syscall")
    if isinstance(code, bytes) and (action := seccomp_names.action(code)) is not None:
        found["action"] = action
    if isinstance(call, bytes):
        found["syscall_name"] = found.pop("syscall")
    if not isinstance(arch, bytes) or (word := seccomp_names.architecture(arch)) is None:
        return
    if isinstance(call, int):
        word = seccomp_names.abi(word, call)
        if call >= 0 and (name := syscall_name(word.decode("ascii"), call)):
            found["syscall_name"] = name.encode("ascii")
    found["arch"] = word


def key(fields: Fields) -> SeccompKey:
    """What a filter can say about the record."""
    return SeccompKey(
        _text(fields, "exe"),
        _text(fields, "comm"),
        _text(fields, "subj"),
        _text(fields, "arch"),
        _text(fields, "syscall"),
        _text(fields, "syscall_name"),
        _text(fields, "action"),
        _text(fields, "sig") or b"0",
    )


def _text(fields: Fields, name: str) -> bytes:
    value = fields.get(name, b"")
    return b"%d" % value if isinstance(value, int) else value if isinstance(value, bytes) else b""
