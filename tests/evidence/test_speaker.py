"""What each speaker may say."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syslogparse.evidence.model import MAX_REPEAT, Undecodable
from syslogparse.evidence.speaker import Envelope, auditd, facility, kernel, relayed, unwrap

RECORD = b'type=AVC msg=audit(1279968846.035:77): apparmor="DENIED" pid=1'
STAMP, HOST = b"Nov 22 06:20:23", b"gw"


def refused(tag: bytes, message: bytes) -> str:
    with pytest.raises(Undecodable) as caught:
        relayed(STAMP, HOST, tag, message, None)
    return caught.value.reason


@pytest.mark.parametrize(("digits", "number"), [(b"", None), (b"0", 0), (b"7", 0), (b"8", 1), (b"191", 23)])
def test_facilities(digits: bytes, number: int | None):
    assert facility(digits) == number


def test_no_priority():
    with pytest.raises(Undecodable):
        facility(b"192")


@pytest.mark.parametrize("text", [b" [12.345] IN=eth0 OUT= ] ", b"x", b"", b"x]"])
def test_a_repeated_message(text: bytes):
    repeated = b"message repeated 3 times: [" + text + b"]"
    assert unwrap(repeated) == (text.removeprefix(b" "), 3)
    assert kernel(STAMP, HOST, repeated, 0) == Envelope(STAMP, HOST, "kernel", text.removeprefix(b" "), 0, 3)


def test_a_message_that_only_speaks_of_repetition():
    for message in (b"", b"x message repeated 3 times: [ x]", b"Message repeated 3 times: [ x]"):
        assert unwrap(message) == (message, 1)


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        (b"message repeated 3 times: [ IN=eth0", "not a complete record"),
        (b"message repeated 3 times: [ IN=eth0] ", "not a complete record"),
        (b"message repeated 3 times: IN=eth0]", "not a complete record"),
        (b"message repeated x times: [ IN=eth0]", "not a complete record"),
        (b"message repeated 99999999999 times: [ IN=eth0]", "not a complete record"),
        (b"message repeated -3 times: [ IN=eth0]", "not a complete record"),
        (b"message repeated 3 times: [ message repeated 3 times: [ x]]", "not a complete record"),
        (b"message repeated 3 times: [ " + b"x" * 799 + b"]", "not a complete record"),
        (b"message repeated 0 times: [ IN=eth0]", "invalid number"),
        (b"message repeated %d times: [ IN=eth0]" % (MAX_REPEAT + 1), "invalid number"),
    ],
)
def test_a_broken_repetition(message: bytes, reason: str):
    with pytest.raises(Undecodable) as caught:
        unwrap(message)
    assert caught.value.reason == reason


def test_what_rsyslog_did_not_cut():
    assert unwrap(b"message repeated 3 times: [ " + b"x" * 798 + b"]") == (b"x" * 798, 3)


@pytest.mark.parametrize("tag", [b"audispd", b"audisp-syslog", b"auditd"])
def test_dispatchers(tag: bytes):
    stamp = b"audit(1279968846.035:77)"
    assert relayed(STAMP, HOST, tag, RECORD, 3) == Envelope(stamp, HOST, "relay", RECORD, 3)
    assert relayed(STAMP, HOST, tag, b"node=n " + RECORD, None) == Envelope(stamp, b"n", "relay", RECORD, None)
    for separator in (b"\x1d", b"#035", b" #035"):
        enriched = RECORD + separator + b'UID="root" ARCH=x86_64'
        assert relayed(STAMP, HOST, tag, enriched, None).message == RECORD
    quoted = b'type=AVC msg=audit(1.0:7): comm="a#035UID=b" pid=1'
    assert relayed(STAMP, HOST, tag, quoted + b'#035UID="root"', None).message == quoted
    for message in (b"x " + RECORD, b"AVC apparmor=", b"type=AVC", b"IN=eth0 OUT= ", b"", b"kernel: " + RECORD):
        assert refused(tag, message) == "not said by the kernel"


def test_journald_s_audit_records():
    for message in (b'AVC apparmor="DENIED" pid=1', b"SECCOMP auid=1", b"UNKNOWN[1326] auid=1", b"USER_LOGIN pid=1 msg='x'"):
        assert relayed(STAMP, HOST, b"audit", message, None) == Envelope(STAMP, HOST, "relay", message, None)
    for message in (b"AVC [UFW BLOCK] IN=eth0 OUT=", b"IN=eth0 OUT= ", b"avc apparmor=", b"AVC", b"", RECORD, b"kernel: x"):
        assert refused(b"audit", message) == "not said by the kernel"


@pytest.mark.parametrize("tag", [b"dbus", b"dbus-daemon", b"dbus-broker", b"dbus-broker-launch"])
def test_buses(tag: bytes):
    for blanks in (b" ", b"  "):
        message = b'apparmor="DENIED"' + blanks + b'operation="dbus_method_call" bus="system"'
        assert relayed(STAMP, HOST, tag, message, None) == Envelope(STAMP, HOST, "dbus", message, None)
    for message in (
        b'apparmor="DENIED" operation="open"',
        b'apparmor="DENIED" name="x" operation="dbus_bind"',
        b'apparmor="DENIED',
        b'[system] apparmor="DENIED" operation="dbus_bind"',
        RECORD,
        b"IN=eth0 OUT= ",
    ):
        assert refused(tag, message) == "not said by the kernel"


@pytest.mark.parametrize("tag", [b"", b"kernel", b"sshd", b"rsyslogd", b"systemd-journald", b"Audit"])
def test_all_others_may_say_nothing(tag: bytes):
    for message in (RECORD, b'AVC apparmor="DENIED"', b'apparmor="DENIED" operation="dbus_bind"'):
        assert refused(tag, message) == "not said by the kernel"


def test_auditd_s_own_format():
    assert auditd(RECORD + b'\x1dUID="root"') == Envelope(b"audit(1279968846.035:77)", b"", "audit", RECORD, None)
    with pytest.raises(Undecodable):
        auditd(b"type=AVC msg=audit(1279968846.035:77)")


@given(st.binary(max_size=200))
def test_any_bytes(message: bytes):
    for tag in (b"audit", b"audispd", b"dbus"):
        for front in (b"", b"AVC ", b"message repeated 2 times: [ ", b"type=AVC msg=audit("):
            try:
                said = relayed(STAMP, HOST, tag, front + message, None)
            except Undecodable:
                continue
            assert said.speaker in {"relay", "dbus"}
