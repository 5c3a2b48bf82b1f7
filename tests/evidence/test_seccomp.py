"""Seccomp records: the rig's own lines."""

import contextlib
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syslogparse.evidence import audit, seccomp
from syslogparse.evidence.model import Undecodable
from syslogparse.sandbox.libseccomp import syscall_name

HEAD = b"audit: type=1326 audit(1795328409.222:20): "
KILLED = HEAD + (
    b"auid=4294967295 uid=0 gid=0 ses=4294967295 subj=unconfined pid=185 comm=706F206B65 exe=2F6F70742F7269672F706F206B65 "
    b"sig=31 arch=c000003e syscall=110 compat=0 ip=0x43bad9 code=0x80000000"
)


def name_of(arch: str, number: int) -> str | None:
    return {("x86_64", 110): "getppid", ("x86", 64): "getppid", ("x32", 0x40000000 + 110): "getppid"}.get((arch, number))


def decoded(body: bytes) -> dict[str, object]:
    return dict(seccomp.decode(HEAD + body, name_of))


def test_a_kill():
    fields = seccomp.decode(KILLED, name_of)
    assert fields == {
        "auid": 4294967295,
        "uid": 0,
        "gid": 0,
        "ses": 4294967295,
        "subj": b"unconfined",
        "pid": 185,
        "comm": b"po ke",
        "exe": b"/opt/rig/po ke",
        "sig": 31,
        "arch": b"x86_64",
        "syscall": 110,
        "syscall_name": b"getppid",
        "compat": 0,
        "code": b"0x80000000",
        "action": b"kill_process",
    }
    assert seccomp.key(fields)._asdict() == {
        "exe": b"/opt/rig/po ke",
        "comm": b"po ke",
        "subj": b"unconfined",
        "arch": b"x86_64",
        "syscall": b"110",
        "name": b"getppid",
        "action": b"kill_process",
        "sig": b"31",
    }


def test_a_context_can_hold_anything():
    body = (
        b'auid=1 uid=0 gid=0 ses=1 subj=a pid=9 comm="x" exe="/bin/sh" sig=0 arch=40000003 syscall=64 b '
        b'pid=340 comm="poke" exe="/opt/rig/poke" '
        b"sig=9 arch=c000003e syscall=110 compat=0 ip=0x43bad9 code=0x0"
    )
    fields = decoded(body)
    assert fields["subj"] == b'a pid=9 comm="x" exe="/bin/sh" sig=0 arch=40000003 syscall=64 b'
    assert (fields["pid"], fields["exe"], fields["syscall"], fields["arch"]) == (340, b"/opt/rig/poke", 110, b"x86_64")


def test_fields_may_be_missing():
    assert decoded(b"pid=1 exe=(null) syscall=2") == {"pid": 1, "syscall": 2}
    assert decoded(b"sig=0") == {"sig": 0}
    assert seccomp.key(seccomp.decode(HEAD + b"pid=1", name_of)).sig == b"0"


LOGGED = b'pid=340 comm="poke" exe="/opt/rig/poke" sig=9 arch=c000003e syscall=110 compat=0 ip=0x43bad9 code=0x7ffc0000'


@pytest.mark.parametrize(
    ("written", "subj"),
    [
        (b"unconfined", b"unconfined"),
        (b"/usr/bin/man (enforce)", b"/usr/bin/man (enforce)"),
        (b"firefox//browser (complain)", b"firefox//browser (complain)"),
        (b"system_u:system_r:spc_t:s0:c284,c594", b"system_u:system_r:spc_t:s0:c284,c594"),
        (b"=unconfined", b"unconfined"),
        (b"=a//null-/bin/sleep (complain)", b"a//null-/bin/sleep (complain)"),
        (b"?", b"?"),
        (b"", None),
        (b"(null)", None),
        (b"a pid=1", b"a pid=1"),
        (b'a pid=1 comm="b"', b'a pid=1 comm="b"'),
        (b"a code=0x0AUID=b UID=c", b"a code=0x0AUID=b UID=c"),
        (b"a syscall=read", b"a syscall=read"),
    ],
)
def test_contexts(written: bytes, subj: bytes | None):
    fields = decoded(b"auid=1 uid=0 gid=0 ses=1 subj=%b %b" % (written, LOGGED))
    assert fields.pop("subj", None) == subj
    assert fields == {**decoded(LOGGED), "auid": 1, "uid": 0, "gid": 0, "ses": 1}


def test_a_context_where_the_order_is_not_the_kernels():
    assert decoded(b"subj=/usr/bin/man (enforce) syscall=110") == {"subj": b"/usr/bin/man (enforce)", "syscall": 110}
    assert decoded(b"syscall=110 subj=/usr/bin/man (enforce)") == {"subj": b"/usr/bin/man (enforce)", "syscall": 110}
    assert decoded(b'comm="a" pid=2 subj==b c exe="/d"') == {"subj": b"b c", "comm": b"a", "exe": b"/d", "pid": 2}


@pytest.mark.parametrize(
    "quoted", [b"/a subj=evil", b"/a pid=1 comm=AA sig=9", b"/a code=0x0", b"/a sig=0 syscall=read", b"/a reason=x"]
)
def test_nothing_inside_quotes_is_a_field(quoted: bytes):
    body = b'auid=1 uid=0 gid=0 ses=1 subj=unconfined pid=3 comm="poke" exe="%b" sig=0 arch=c000003e syscall=110 code=0x7ffc0000'
    assert decoded(body % quoted) == {**decoded(body % b"/a"), "exe": quoted}


def test_of_equal_fields_the_first_counts():
    again = b' pid=1 uid=0 comm="init" exe="/sbin/init" syscall=59 arch=40000003 code=0x0 sig=31 auid=0'
    body = b"auid=7 uid=7 gid=7 ses=7 " + LOGGED
    assert decoded(body + again) == decoded(body)


@pytest.mark.parametrize("separator", [b"", b"\x1d", b" ", b"#035", b"^]", b"\\x1d", b"\\u001d"])
def test_what_auditd_adds_is_no_field(separator: bytes):
    added = separator + b'ARCH=x86_64 SYSCALL=getppid AUID="unset" UID="root" GID="ro pid=1'
    assert decoded(LOGGED + added) == decoded(LOGGED)
    record = audit.Record(b"SECCOMP", b"", LOGGED + added)
    assert seccomp.is_whole(record, seccomp.fields(record, name_of))


OLD = b"type=1701 audit(1351424567.591:30): auid=4294967295 uid=1000 gid=1000 ses=4294967295 "


def test_an_abnormal_end_because_of_seccomp():
    first = seccomp.decode(OLD + b'pid=2265 comm="chrome" reason="seccomp" sig=31 syscall=20 ip=0xbbc416', name_of)
    assert first == {
        "auid": 4294967295,
        "uid": 1000,
        "gid": 1000,
        "ses": 4294967295,
        "pid": 2265,
        "comm": b"chrome",
        "sig": 31,
        "syscall": 20,
    }
    later = b'subj=a b pid=2 comm="x" exe="/usr/bin/x" reason="seccomp" sig=0 syscall=2 compat=0 ip=0x0 code=0x50002'
    assert seccomp.decode(OLD + later, name_of) == {
        **first,
        "subj": b"a b",
        "pid": 2,
        "comm": b"x",
        "exe": b"/usr/bin/x",
        "sig": 0,
        "syscall": 2,
        "compat": 0,
        "code": b"0x50002",
        "action": b"errno",
    }


@pytest.mark.parametrize(
    "body",
    [
        b'subj=unconfined pid=180 comm="poke" exe="/opt/rig/poke" sig=31 res=1',
        b'pid=180 comm="poke" reason="memory violation" sig=11',
        b'pid=180 comm="poke" exe="/tmp/seccomp" reason="memory violation" sig=11',
        b'subj=a reason="seccomp" syscall=1 pid=180 comm="poke" exe="/opt/rig/poke" sig=31 res=1',
        b'pid=180 comm="poke" exe="/tmp/ reason=seccomp syscall=1" sig=31 res=1',
    ],
)
def test_another_abnormal_end(body: bytes):
    record = audit.read(OLD + body)
    assert record is not None
    assert not seccomp.is_record(record)


@pytest.mark.parametrize(
    ("kind", "is_one"),
    [(b"1326", True), (b"SECCOMP", True), (b"UNKNOWN[1326]", True), (b"1701", False), (b"1300", False), (b"USER_AVC", False)],
)
def test_record_types(kind: bytes, is_one: bool):
    assert seccomp.is_record(audit.Record(kind, b"", LOGGED)) is is_one


@pytest.mark.parametrize(
    ("end", "whole"),
    [
        (b"code=0x7ffc0000", True),
        (b"code=0x7ffc000", False),
        (b"code=0x80000000", True),
        (b"code=0x8000000", False),
        (b"code=0x0", True),
        (b"code=0x00000000", True),
        (b"code=0x5", False),
        (b"code=0x50000", True),
        (b"code=0x50001", True),
        (b"code=0x3000", False),
        (b"code=0x30000", True),
        (b"code=0x7f", False),
        (b"code=0x12345678", True),
        (b"code=0x", False),
        (b"code=", False),
        (b"ip=0x43bad9", False),
        (b"syscall=110", False),
    ],
)
def test_the_end_of_a_record(end: bytes, whole: bool):
    record = audit.read(HEAD + LOGGED[: LOGGED.index(b"code=")] + end)
    assert record is not None
    try:
        assert seccomp.is_whole(record, seccomp.fields(record, name_of)) is whole
    except Undecodable:
        assert not whole


def test_every_cut_of_a_record_is_seen():
    for code in (b"0x7ffc0000", b"0x80000000", b"0x7fc00000", b"0x50000", b"0x30000", b"0x0"):
        body = LOGGED.replace(b"0x7ffc0000", code)
        for end in range(len(body)):
            record = audit.Record(b"1326", b"", body[:end])
            try:
                assert not seccomp.is_whole(record, seccomp.fields(record, name_of)), body[:end]
            except Undecodable:
                continue


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "not a complete record"),
        (b"word", "not a complete record"),
        (b"c comm= PRO SYNTO= DST=", "not a complete record"),
        (b'comm="" exe="" subj=', "not a complete record"),
        (b"arch=28", "not a complete record"),
        (b'exe="/bin/', "not a complete record"),
        (b"syscall=x", "invalid number"),
        (b"syscall=no-call sig=0", "invalid number"),
        (b"uid=invalid syscall=1", "invalid number"),
        (b"arch=pdp11 syscall=1", "invalid hexadecimal value"),
        (b"code=maybe", "invalid hexadecimal value"),
        (b"exe=/bin/sh", "invalid hexadecimal value"),
    ],
)
def test_broken(body: bytes, reason: str):
    with pytest.raises(Undecodable) as caught:
        decoded(body)
    assert caught.value.reason == reason


def test_hostile_bodies_take_linear_time():
    def seconds(piece: bytes, size: int) -> float:
        body = HEAD + piece * (size // len(piece))
        best = 9.0
        for _ in range(3):
            begun = time.perf_counter()
            with contextlib.suppress(Undecodable):
                decoded(body)
            best = min(best, time.perf_counter() - begun)
        return best

    for piece in (
        b" pid=1 comm=AA sig=",
        b' pid=1 comm="',
        b' pid=1 comm=AA exe="',
        b" subj=",
        b" code=0x0",
        b" code=0x0UID=",
        b" sig=0 syscall=abc",
        b'"',
        b" pid=",
    ):
        assert seconds(piece, 400_000) < 12 * max(seconds(piece, 100_000), 0.001), piece


CAPTURED = ("seccomp-6.12.log", "audit-ENRICHED-6.12.log", "audit-RAW-6.12.log", "ausearch-i-6.12.log", "rsyslog-kern-6.12.log")


@pytest.mark.corpora
@pytest.mark.parametrize("name", CAPTURED)
def test_captured(name: str, corpora: Path):
    kinds = set()
    for line in (corpora / "captured" / name).read_bytes().splitlines():
        at = max(line.find(b"audit: type="), 0)
        if (record := audit.read(line[at:])) is None or record.type not in seccomp.TYPES | seccomp.ABEND_TYPES:
            continue
        kinds.add(record.type)
        assert seccomp.is_record(record) is (record.type in seccomp.TYPES)
        if record.type in seccomp.TYPES:
            fields = seccomp.fields(record, syscall_name)
            assert fields["syscall_name"] == b"getppid"
            assert fields["comm"] in (b"poke", b"po ke", b"poke-enf")
            assert fields["exe"] == b"/opt/rig/" + fields["comm"]
            assert {"pid", "sig", "arch", "code", "action", "subj", "auid", "ses", "compat"} <= fields.keys()
    assert kinds & seccomp.TYPES


@given(st.binary(max_size=80), st.integers(0, len(KILLED)), st.integers(0, len(KILLED)))
def test_mutated(noise: bytes, start: int, end: int):
    try:
        fields = seccomp.decode(KILLED[:start] + noise + KILLED[end:], name_of)
    except Undecodable:
        return
    seccomp.key(fields)
    assert all((isinstance(value, bytes) and value) or isinstance(value, int) for value in fields.values())
