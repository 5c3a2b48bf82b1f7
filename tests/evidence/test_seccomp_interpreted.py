"""Seccomp records as ausearch -i prints them: words for numbers, and nothing in quotes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syslogparse.evidence import audit, seccomp
from syslogparse.evidence.model import Undecodable

HEAD = b"audit: type=1326 audit(1795328409.222:20): "


def name_of(arch: str, number: int) -> str | None:
    return {("x86_64", 110): "getppid"}.get((arch, number))


INTERPRETED = b"type=SECCOMP msg=audit(11/22/26 06:20:08.930:11) : "
SPOKEN = (
    b"auid=unset uid=root gid=wheel ses=unset subj=/usr/bin/man (enforce) pid=179 comm=po ke exe=/opt/rig/po ke sig=SIGSYS "
    b"arch=x86_64 syscall=getppid compat=0 ip=0x43bad9 code=trap "
)


def test_interpreted():
    fields = seccomp.decode(INTERPRETED + SPOKEN, name_of)
    assert fields == {
        "auid": 4294967295,
        "uid": 0,
        "ses": 4294967295,
        "subj": b"/usr/bin/man (enforce)",
        "pid": 179,
        "comm": b"po ke",
        "exe": b"/opt/rig/po ke",
        "sig": 31,
        "arch": b"x86_64",
        "syscall_name": b"getppid",
        "compat": 0,
        "code": b"trap",
        "action": b"trap",
    }
    # The stamp of a record does not say whether it was interpreted; a call by its name does.
    assert seccomp.decode(HEAD + SPOKEN, name_of) == fields


def test_interpreted_numbers():
    spoken = SPOKEN.replace(b"=getppid", b"=unknown-syscall(110)").replace(b"=wheel", b"=unknown(7)")
    fields = seccomp.decode(INTERPRETED + spoken.replace(b"=trap", b"=unknown-seccomp-code(0x50001)"), name_of)
    assert (fields["syscall"], fields["syscall_name"], fields["gid"]) == (110, b"getppid", 7)
    assert (fields["code"], fields["action"]) == (b"unknown-seccomp-code(0x50001)", b"errno")
    old = seccomp.decode(INTERPRETED + SPOKEN.replace(b"=SIGSYS", b"=Bad system call"), name_of)
    assert old["sig"] == 31


def test_a_field_that_is_new():
    fields = seccomp.decode(INTERPRETED + SPOKEN, name_of)
    for new in (b"new=value", b"new-er=a b c", b"New2=x other=y"):
        assert seccomp.decode(INTERPRETED + SPOKEN + new, name_of) == fields
        assert seccomp.decode(INTERPRETED + SPOKEN.replace(b" compat=", b" %b compat=" % new), name_of) == fields
    # Behind a text that anybody chooses it is that text.
    assert seccomp.decode(INTERPRETED + SPOKEN.replace(b" sig=", b" new=1 sig="), name_of)["exe"] == b"/opt/rig/po ke new=1"


def test_interpreted_abnormal_end():
    head = b"type=ANOM_ABEND msg=audit(11/22/26 06:20:08.930:11) : auid=unset uid=root gid=root ses=unset pid=180 "
    fields = seccomp.decode(head + b"comm=x reason=seccomp sig=SIGSYS syscall=read compat=0 ip=0x0 ", name_of)
    assert (fields["syscall_name"], fields["sig"], fields["comm"]) == (b"read", 31, b"x")
    for crash in (b"comm=x exe=/x sig=SIGSEGV res=yes ", b"comm= reason=seccomp exe=/x sig=SIGSEGV res=yes "):
        record = audit.read(head + crash)
        assert record is not None
        assert not seccomp.is_record(record)


@pytest.mark.parametrize(
    "place",
    [
        (b"comm=po ke", b"comm=x pid=1"),
        (b"comm=po ke", b"comm=x exe=/bin/sh"),
        (b"exe=/opt/rig/po ke", b"exe=/x sig=SIG0"),
        (b"exe=/opt/rig/po ke", b"exe=/x subj=root"),
        (b"exe=/opt/rig/po ke", b"exe=/x code=allow"),
        (b"subj=/usr/bin/man", b"subj=x uid=root"),
        (b"subj=/usr/bin/man", b"subj=x pid=1 comm=y exe=/z"),
    ],
)
def test_interpreted_text_that_looks_like_a_field(place: tuple[bytes, bytes]):
    for head in (INTERPRETED, HEAD):
        with pytest.raises(Undecodable) as caught:
            seccomp.decode(head + SPOKEN.replace(*place), name_of)
        assert caught.value.reason == "contradictory fields"


@pytest.mark.parametrize(
    ("code", "whole"), [(b"log ", True), (b"log", True), (b"kill", False), (b"kill ", True), (b"tra", False)]
)
def test_the_end_of_an_interpreted_record(code: bytes, whole: bool):
    record = audit.read(INTERPRETED + SPOKEN.replace(b"code=trap ", b"code=" + code))
    assert record is not None
    try:
        assert seccomp.is_whole(record, seccomp.fields(record, name_of)) is whole
    except Undecodable:
        assert not whole


@pytest.mark.parametrize("body", [b"", b" ", b"word", b"\x00[IN= OUT=v0 ARP", b"comm= ", b"uid=chronos "])
def test_nothing_that_is_told(body: bytes):
    with pytest.raises(Undecodable) as caught:
        seccomp.decode(INTERPRETED + body, name_of)
    assert caught.value.reason == "not a complete record"


@given(st.binary(max_size=80))
def test_noise(noise: bytes):
    try:
        fields = seccomp.decode(INTERPRETED + noise, name_of)
    except Undecodable:
        return
    assert fields


@given(st.binary(max_size=40), st.integers(0, len(SPOKEN)), st.integers(0, len(SPOKEN)))
def test_interpreted_mutated(noise: bytes, start: int, end: int):
    try:
        fields = seccomp.decode(INTERPRETED + SPOKEN[:start] + noise + SPOKEN[end:], name_of)
    except Undecodable:
        return
    seccomp.key(fields)
    assert all((isinstance(value, bytes) and value) or isinstance(value, int) for value in fields.values())
