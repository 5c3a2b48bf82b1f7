"""The kernel's ring buffer in the forms that dmesg and journalctl print."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syslogparse.evidence import ring
from syslogparse.evidence.model import Undecodable
from syslogparse.evidence.speaker import Envelope

TEXTS = [
    b"IN=eth0 OUT= SRC=192.0.2.1 ",
    b"[UFW BLOCK] IN=eth0 OUT= ",
    b"audit: type=1400 audit(1.0:7): x",
    b"DROP: IN=eth0 OUT= ",
]
ISO = b"2026-11-22T06:20:23,123456+00:00"


def whole(line: bytes) -> Envelope | None:
    """As ``envelope`` asks: the usual stamp first."""
    if found := ring.uptime(line):
        return ring.said(found[2], line[found.end() :], None)
    return ring.split(line)


@pytest.mark.parametrize(
    ("front", "stamp", "facility"),
    [
        (b"[   12.345678] ", b"[   12.345678]", None),
        (b"[   12.345678] [  T123] ", b"[   12.345678] [  T123]", None),
        (b"[   12.345678][    C1] ", b"[   12.345678][    C1]", None),
        (b"kern  :warn  : [   12.345678] ", b"[   12.345678]", 0),
        (b"kern  :warn  : [   12.345678] [  T123] ", b"[   12.345678] [  T123]", 0),
        (b"kern  :notice: [Sun Nov 22 06:20:23 2026] ", b"Sun Nov 22 06:20:23 2026", 0),
        (b"kern  :err   : " + ISO + b" ", ISO, 0),
        (b"[Sun Nov 22 06:20:23 2026] ", b"Sun Nov 22 06:20:23 2026", None),
        (b"[Sun Nov  2 06:20:23 2026] [    T1] ", b"Sun Nov  2 06:20:23 2026", None),
        ("[So Mär 22 06:20:23 2026] ".encode(), "So Mär 22 06:20:23 2026".encode(), None),
        ("[日 11月 22 06:20:23 2026] ".encode(), "日 11月 22 06:20:23 2026".encode(), None),
        (b"[Sun Nov 22 06:20:23 2026 <    0.000012>] ", b"Sun Nov 22 06:20:23 2026", None),
        (b"[   12.345678 <    0.000012>] ", b"[   12.345678 <    0.000012>]", None),
        (b"[<    0.000012>] ", b"[<    0.000012>]", None),
        (b"[Nov22 06:20] ", b"[Nov22 06:20]", None),
        (b"[Nov 2 06:20] ", b"[Nov 2 06:20]", None),
        (b"[  +0.000123] ", b"[  +0.000123]", None),
        (ISO + b" ", ISO, None),
        (b"4,1234,5678901,-;", b"", 0),
        (b"4,1234,5678901,-,caller=T123;", b"", 0),
    ],
)
@pytest.mark.parametrize("text", TEXTS)
def test_dmesg(front: bytes, stamp: bytes, facility: int | None, text: bytes):
    assert whole(front + text) == Envelope(stamp, b"", "kernel", text, facility)


@pytest.mark.parametrize(
    "stamp",
    [
        b"[    5.123456]",
        b"[    5.123456 <    0.000123 >]",
        b"[    5.123456 <    0.000123*>]",
        b"[    5.123456" + b" " * 16 + b"]",
    ],
)
@pytest.mark.parametrize("text", TEXTS)
def test_monotonic_journals(stamp: bytes, text: bytes):
    assert whole(stamp + b" gw kernel: " + text) == Envelope(stamp, b"gw", "kernel", text, None)
    assert whole(stamp + b" kernel: " + text) == Envelope(stamp, b"", "kernel", text, None)
    relayed = whole(stamp + b' gw audit[257]: AVC apparmor="DENIED"')
    assert relayed == Envelope(stamp, b"gw", "relay", b'AVC apparmor="DENIED"', None)


def test_repetitions_are_unwrapped():
    said = whole(b"[    5.123456] gw kernel: message repeated 3 times: [ IN=eth0 OUT= ]")
    assert said == Envelope(b"[    5.123456]", b"gw", "kernel", b"IN=eth0 OUT= ", None, 3)


def test_a_prefix_like_host_and_tag_stays_a_prefix():
    for text in (b"iptables denied: IN=eth0 OUT= ", b"nft: ssh IN=eth0 OUT= ", b"FW[1] DROP IN=eth0 OUT= "):
        assert whole(b"[   12.345678] " + text) == Envelope(b"[   12.345678]", b"", "kernel", text, None)


@pytest.mark.parametrize(
    "line",
    [
        b"[    5.123456] gw sshd[1]: Invalid user ",
        b"[    5.123456] sshd[1]: Invalid user ",
        b"[    5.123456] gw kernel[1]: ",
        b"[    5.123456] systemd[1]: Started ",
        b"[    5.123456] gw audit[1]: ",
        b"[    5.123456] gw dbus-daemon[1]: ",
        b"[    5.123456] (II) Module ",
        b"[    5.123456 <    0.000123 >] gw sshd[1]: ",
        b"[Sun Nov 22 06:20:23 2026] [error] [client 192.0.2.1] File does not exist: ",
        b"[Sun Nov 22 06:20:23 2026] [core:error] [pid 1] ",
        b"[Sun Nov 22 06:20:23 2026] gw sshd[1]: ",
        ISO + b" gw sshd[1]: ",
        ISO + b" sshd[1]: ",
        ISO + b" gw app: ",
        ISO + b" gw app: x ",
        ISO + b" sshd: Invalid user ",
        ISO + b" gw: x y ",
        ISO + b" denied by: ",
        b"user  :warn  : [   12.345678] ",
        b"daemon:info  : [   12.345678] systemd[1]: ",
        b"12,1234,5678901,-;",
        b"30,1234,5678901,-;systemd[1]: ",
        b"4,1234,5678901,-;systemd[1]: ",
    ],
)
def test_somebody_else(line: bytes):
    with pytest.raises(Undecodable) as caught:
        whole(line + TEXTS[0])
    assert caught.value.reason == "not said by the kernel"


def test_a_decimal_comma():
    # dmesg -d, -e and -H print the time since the last message as the locale says.
    for front in (b"[  +1,261094] ", b"[   12.345678 <    0,000016>] ", b"[<    0,000016>] "):
        said = whole(front + TEXTS[0])
        assert said is not None, front
        assert (said.speaker, said.message) == ("kernel", TEXTS[0])
        point = whole(front.replace(b",", b".") + TEXTS[0])
        assert point is not None
        assert point.message == said.message


def test_the_prefix_of_a_rule_without_a_name():
    # OpenWrt's fw4 calls a section of its configuration that has no name @TYPE[NUMBER].
    for prefix in (b"@rule[2]: ", b"@redirect[0]: ", b"@nat[12]: "):
        for front in (b"[   12.345678] ", b"<4>[   12.345678] ", b"[Sun Nov 22 06:20:23 2026] ", b"4,1234,5678901,-;"):
            said = whole(front + prefix + TEXTS[0])
            assert said is not None
            assert (said.speaker, said.message) == ("kernel", prefix + TEXTS[0])


@pytest.mark.parametrize(
    "front",
    [
        b"",
        b"x",
        b"[12] ",
        b"[12.x] ",
        b"[Nom22 06:20] ",
        b"[Xyz Nom 22 06:20:23 2026] ",
        b"[22/Nov/2026:06:20:23 +0000] ",
        b"2026-11-22T06:20:23,123+00:00 ",
        b"2026-11-22 06:20:23,123456+00:00 ",
        b"2026-11-22T06:20:23.123456+00:00 ",
        b"2026-11-22T06:20:23,123456 ",
        b"2026-11-22T06:20:23,123456+0000 ",
        b"2026-11-22T06:20:23,123456Z ",
        b"4,1234,-;",
        b"4,1,1,-,",
        b"kern  :warn  : ",
        b"kern  :warn  : x",
        b"kernel:warn  : [   12.345678] ",
        b" continued ",
        b"kern  :warn  : 4,1,1,-;",
        b"[   12.345678",
    ],
)
def test_not_the_ring_buffer(front: bytes):
    assert whole(front + TEXTS[0]) is None


def test_escapes_of_dev_kmsg():
    line = rb'4,1,1,-;audit: type=1400 audit(1.0:7): name="/a\x5cb" comm="\xc3\xa4\x"'
    said = whole(line)
    assert said is not None
    assert said.message == 'audit: type=1400 audit(1.0:7): name="/a\\b" comm="ä\\x"'.encode()


@given(st.binary(max_size=200))
def test_any_bytes(text: bytes):
    for front in (b"", b"[", b"[   12.345678] ", b"[Sun ", b"kern  :warn  : ", b"4,1,1,-;", ISO):
        try:
            said = whole(front + text)
        except Undecodable:
            continue
        assert said is None or said.speaker in {"kernel", "relay", "dbus"}
