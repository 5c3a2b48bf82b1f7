"""Seccomp records: the rig's own lines."""

import ctypes

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syslogparse.evidence import seccomp
from syslogparse.evidence.model import Undecodable

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


@pytest.mark.parametrize(
    ("code", "action"),
    [
        (b"0x80000000", b"kill_process"),
        (b"0x0", b"kill_thread"),
        (b"0x30000", b"trap"),
        (b"0x50000", b"errno"),
        (b"0x50001", b"errno"),
        (b"0x7fc00000", b"user_notif"),
        (b"0x7ff00000", b"trace"),
        (b"0x7ffc0000", b"log"),
        (b"0x7fff0000", b"allow"),
        (b"0x12340000", None),
    ],
)
def test_actions(code: bytes, action: bytes | None):
    fields = decoded(b"syscall=1 code=" + code)
    assert fields["code"] == code
    assert fields.get("action") == action


@pytest.mark.parametrize(
    ("arch", "number", "word", "name"),
    [
        (b"c000003e", b"110", b"x86_64", b"getppid"),
        (b"c000003e", b"1073741934", b"x32", b"getppid"),
        (b"40000003", b"64", b"x86", b"getppid"),
        (b"c00000b7", b"173", b"aarch64", None),
        (b"40000028", b"64", b"arm", None),
        (b"c000003e", b"-1", b"x86_64", None),
        (b"c0009026", b"1", None, None),
    ],
)
def test_architectures(arch: bytes, number: bytes, word: bytes | None, name: bytes | None):
    fields = decoded(b"arch=%b syscall=%b" % (arch, number))
    assert (fields.get("arch"), fields["syscall"], fields.get("syscall_name")) == (word, int(number), name)


def test_the_architectures_are_libseccomps():
    resolve = ctypes.CDLL("libseccomp.so.2").seccomp_arch_resolve_name
    resolve.restype = ctypes.c_uint32
    numbers = {word: resolve(word) for word in seccomp.ARCHITECTURES.values()}
    newer = {word for word, number in numbers.items() if number == 0}
    assert newer <= {b"loongarch64", b"m68k", b"sh", b"sheb"}, "not before libseccomp 2.6"
    assert {number: word for word, number in numbers.items() if number} == {
        number: word for number, word in seccomp.ARCHITECTURES.items() if word not in newer
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


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "not a complete record"),
        (b"word", "not a complete record"),
        (b'exe="/bin/', "not a complete record"),
        (b"syscall=x", "invalid number"),
        (b"arch=x86_64 syscall=1", "invalid hexadecimal value"),
        (b"code=kill", "invalid hexadecimal value"),
        (b"exe=/bin/sh", "invalid hexadecimal value"),
    ],
)
def test_broken(body: bytes, reason: str):
    with pytest.raises(Undecodable) as caught:
        decoded(body)
    assert caught.value.reason == reason


@given(st.binary(max_size=80), st.integers(0, len(KILLED)), st.integers(0, len(KILLED)))
def test_mutated(noise: bytes, start: int, end: int):
    try:
        fields = seccomp.decode(KILLED[:start] + noise + KILLED[end:], name_of)
    except Undecodable:
        return
    seccomp.key(fields)
    assert all((isinstance(value, bytes) and value) or isinstance(value, int) for value in fields.values())
