"""Only the tag position says who speaks."""

import re
import time
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syslogparse.evidence.envelope import KERNEL_LINE, Envelope, first, is_left_cut, split, without_uptime
from syslogparse.evidence.model import Undecodable
from syslogparse.evidence.speaker import USER

PACKET = b"IN=eth0 OUT= SRC=192.0.2.1 DST=192.0.2.2 LEN=40 PROTO=TCP SPT=1 DPT=22 "


@pytest.mark.parametrize(
    ("front", "stamp", "host", "facility"),
    [
        (b"Nov 22 06:20:23 vmrig kernel: ", b"Nov 22 06:20:23", b"vmrig", None),
        (b"Nov  2 06:20:23 vmrig kernel: ", b"Nov  2 06:20:23", b"vmrig", None),
        (b"Nov 2 06:20:23 vmrig kernel: ", b"Nov 2 06:20:23", b"vmrig", None),
        (b"Nov 02 06:20:23 vmrig kernel: ", b"Nov 02 06:20:23", b"vmrig", None),
        (b"Nov 22 06:20:23.857164 vmrig kernel: ", b"Nov 22 06:20:23.857164", b"vmrig", None),
        (b"Nov 22 06:20:23 kernel: ", b"Nov 22 06:20:23", b"", None),
        (b"Nov 22 06:20:23 2001:db8::1 kernel: ", b"Nov 22 06:20:23", b"2001:db8::1", None),
        (b"<6>Nov 22 06:20:23 vmrig kernel: ", b"Nov 22 06:20:23", b"vmrig", 0),
        (b"<14>Nov 22 06:20:23 vmrig kernel: ", b"Nov 22 06:20:23", b"vmrig", 1),
        (b"2026-11-22T06:20:12.588510+00:00 vmrig kernel: ", b"2026-11-22T06:20:12.588510+00:00", b"vmrig", None),
        (b"2026-11-22T06:20:24+0000 vmrig kernel: ", b"2026-11-22T06:20:24+0000", b"vmrig", None),
        (b"2026-11-22T06:20:24Z vmrig kernel: ", b"2026-11-22T06:20:24Z", b"vmrig", None),
        (b"2026-11-22T06:20:24 vmrig kernel: ", b"2026-11-22T06:20:24", b"vmrig", None),
        (b"2026-11-22 06:20:24+08:00 vmrig kernel: ", b"2026-11-22 06:20:24+08:00", b"vmrig", None),
        (b"<6>1 2026-11-22T06:20:24.5Z gw kernel - - - ", b"2026-11-22T06:20:24.5Z", b"gw", 0),
        (b'<14>1 - - kernel - ID47 [a@1 b="c\\]\\"d"][e@2] ', b"", b"", 1),
        (b"<6>1 2026-11-22T06:20:24Z gw kernel - - - \xef\xbb\xbf", b"2026-11-22T06:20:24Z", b"gw", 0),
        (b"[   16.237012] ", b"[   16.237012]", b"", None),
        (b"<4>[   16.237012] ", b"[   16.237012]", b"", 0),
        (b"[   16.237012][  T123] ", b"[   16.237012][  T123]", b"", None),
        (b"[   16.237012] [    C0] ", b"[   16.237012] [    C0]", b"", None),
        # The template of a log daemon that puts a blank behind the tag where the message begins with one.
        (b"Nov 22 06:20:23 vmrig kernel:   ", b"Nov 22 06:20:23", b"vmrig", None),
        # The kernel's own word for no host name.
        (b"Nov 22 06:20:23 (none) kernel: ", b"Nov 22 06:20:23", b"(none)", None),
        # busybox' klogd: user space can have no other facility from the C library.
        (b"Nov 22 06:20:23 vmrig user.warn kernel: ", b"Nov 22 06:20:23", b"vmrig", 1),
        (b"Nov 22 06:20:23 user.info kernel: ", b"Nov 22 06:20:23", b"", 1),
        (b"Sun Nov 22 06:20:23 2026 kern.debug  kernel:         ", b"Sun Nov 22 06:20:23 2026", b"", 0),
    ],
)
def test_the_kernel_speaks(front: bytes, stamp: bytes, host: bytes, facility: int | None):
    assert split(front + PACKET) == Envelope(stamp, host, "kernel", PACKET, facility)
    assert split(front + PACKET + b"\r") == Envelope(stamp, host, "kernel", PACKET, facility)


def test_auditd_speaks():
    record = b'type=AVC msg=audit(1279968846.035:77): apparmor="DENIED" pid=1'
    assert split(record) == Envelope(b"audit(1279968846.035:77)", b"", "audit", record, None)
    assert split(b"node=gw " + record) == Envelope(b"audit(1279968846.035:77)", b"gw", "audit", record, None)
    assert split(record + b'\x1dUID="root" pid=2') == Envelope(b"audit(1279968846.035:77)", b"", "audit", record, None)
    interpreted = b"type=SECCOMP msg=audit(11/22/26 06:20:08.930:11) : auid=unset uid=root"
    assert split(interpreted) == Envelope(b"audit(11/22/26 06:20:08.930:11)", b"", "audit", interpreted, None)


NOT_THE_KERNEL = [
    b"Nov 22 06:20:23 vmrig kernel[123]: ",
    b"Nov 22 06:20:23 vmrig kernel [123]: ",
    b"Nov 22 06:20:23 vmrig kernel ",
    b"Nov 22 06:20:23 vmrig Kernel: ",
    b"Nov 22 06:20:23 vmrig mykernel: ",
    b"Nov 22 06:20:23 vmrig my-kernel: ",
    b"Nov 22 06:20:23 vmrig kernel-: ",
    b"Nov 22 06:20:23 vmrig sshd[1]: kernel: ",
    b"Nov 22 06:20:23 vmrig sshd: kernel: ",
    b"Nov 22 06:20:23 sshd: kernel: ",
    b"Nov 22 06:20:23 sshd[1]: kernel: ",
    b"Nov 22 06:20:23 sshd[1] kernel: ",
    b"Nov 22 06:20:23 vmrig sshd[1]: Invalid user Nov 22 06:20:23 vmrig kernel: ",
    b"Nov 22 06:20:23 vmrig sshd[1]: Invalid user \nNov 22 06:20:23 vmrig kernel: ",
    b"Nov 22 06:20:23 vmrig sshd[1]: [   16.237012] ",
    b"Nov 22 06:20:23 vmrig audit[258]: AVC ",
    b"Nov 22 06:20:23 vmrig audit: ",
    b"Nov 22 06:20:23 vmrig audispd: ",
    b"Nov 22 06:20:23 vmrig dbus-daemon[1]: ",
    b"Nov 22 06:20:23 vmrig kernel:: ",
    b"Nov 22 06:20:23 vmrig kernel-1234: ",
    b"Nov 22 06:20:23 vmrig (kernel): ",
    b"Nov 22 06:20:23 vmrig [kernel]: ",
    b"Nov 22 06:20:23 vmrig evil kernel: ",
    b"Nov 22 06:20:23 evil kernel kernel: ",
    b"Nov 22 06:20:23 sshd:bob kernel: ",
    b"Nov 22 06:20:23 vmrig local0.notice kernel: ",
    b"Nov 22 06:20:23 auth.notice kernel: ",
    b"Nov 22 06:20:23 vmrig user.warn kernel[1]: ",
    b"Nov 22 06:20:23 vmrig (some) kernel: ",
    b"Nov 22 06:20:23 vmrig  kernel: ",
    b"2026-11-22T06:20:23Z daemon.err kernel: ",
    b"Nov 22 06:20:23 vmrig -- MARK -- kernel: ",
    b"Nov 22 06:20:23 vmrig last message repeated 2 times kernel: ",
    b"/var/log/auth.log:Nov 22 06:20:23 vmrig sshd[1]: kernel: ",
    b"Nov 22 06:20:23 [   16.237012] kernel: ",
    b"2026-11-22T06:20:12.588510+00:00 vmrig user: 2026-11-22T06:20:12.588510+00:00 vmrig kernel: ",
    b"<6>1 2026-11-22T06:20:24.5Z gw sshd - - - kernel: ",
    b"<6>1 2026-11-22T06:20:24.5Z gw kernel 123 - - ",
    b"<6>1 2026-11-22T06:20:24.5Z gw kernel: - - - ",
    b"<6>1 2026-11-22T06:20:24.5Z gw mykernel - - - ",
]

NO_ENVELOPE = [
    b"",
    b"vmrig kernel: ",
    b" Nov 22 06:20:23 vmrig kernel: ",
    b"x Nov 22 06:20:23 vmrig kernel: ",
    b"sshd:Nov 22 06:20:23 vmrig kernel: ",
    b"root:Nov 22 06:20:23 vmrig kernel: ",
    b"kern.log: Nov 22 06:20:23 vmrig kernel: ",
    b"a b.log:Nov 22 06:20:23 vmrig kernel: ",
    b"http://x.example/Nov 22 06:20:23 vmrig kernel: ",
    b"kern.log:sshd.log:Nov 22 06:20:23 vmrig kernel: ",
    b"kern.log:x",
    b"192.0.2.1:Nov 22 06:20:23 vmrig kernel: ",
    b"bob@example.org:Nov 22 06:20:23 vmrig kernel: ",
    b"x.example/?q=1:Nov 22 06:20:23 vmrig kernel: ",
    b"\xef\xbb\xbfNov 22 06:20:23 vmrig kernel: ",
    b"-- MARK --",
    b"Nom 22 06:20:23 vmrig kernel: ",
    b"\x00Nov 22 06:20:23 vmrig kernel: ",
    b"<192>Nov 22 06:20:23 vmrig kernel: ",
    b"<-1>Nov 22 06:20:23 vmrig kernel: ",
    b"<6>kernel: ",
    b"<6>2 2026-11-22T06:20:24.5Z gw kernel - - - ",
    b'<6>1 2026-11-22T06:20:24.5Z gw kernel - - [a b="c] ',
    b" [   16.237012] ",
    b"[16] ",
    b"[abc.def] ",
    b"type=AVC ",
    b" type=AVC msg=audit(1279968846.035:77): ",
    b"node=a b type=AVC msg=audit(1279968846.035:77): ",
    b"type=AVC msg=audit(11/22/26 06:20:08.930:11): ",
    b"type=AVC msg=audit(x) : ",
    b"type=avc msg=audit(1279968846.035:77): ",
]


# Shapes that other modules take apart, each once, to see that they are asked.
OTHER_SHAPES = [
    (b"nov. 22 06:20:23 vmrig kernel: ", "kernel", b"nov. 22 06:20:23", b"vmrig"),
    (b"Sun 2026-11-22 06:20:23 UTC vmrig kernel: ", "kernel", b"Sun 2026-11-22 06:20:23 UTC", b"vmrig"),
    (b"Nov 22 06:20:23 vmrig kern.warn kernel: ", "kernel", b"Nov 22 06:20:23", b"vmrig"),
    (b"Nov 22 06:20:23 kern.warn kernel: ", "kernel", b"Nov 22 06:20:23", b""),
    (b"[Sun Nov 22 06:20:23 2026] ", "kernel", b"Sun Nov 22 06:20:23 2026", b""),
    (b"4,1234,5678901,-;", "kernel", b"", b""),
    (b"101 4 tap101i0-IN 22/Nov/2026:06:20:23 +0100 policy DROP: ", "packets", b"22/Nov/2026:06:20:23 +0100", b""),
]


@pytest.mark.parametrize(("front", "speaker", "stamp", "host"), OTHER_SHAPES)
def test_other_shapes(front: bytes, speaker: str, stamp: bytes, host: bytes):
    said = split(front + PACKET)
    assert (said.speaker, said.stamp, said.host) == (speaker, stamp, host)
    assert said.message.endswith(PACKET)


def test_relays():
    record = b'type=AVC msg=audit(1279968846.035:77): apparmor="DENIED" pid=1'
    said = split(b"Nov 22 06:20:23 vmrig audispd: node=gw " + record)
    assert said == Envelope(b"audit(1279968846.035:77)", b"gw", "relay", record, None)
    said = split(b'Nov 22 06:20:23 vmrig audit[257]: AVC apparmor="DENIED" pid=1')
    assert said == Envelope(b"Nov 22 06:20:23", b"vmrig", "relay", b'AVC apparmor="DENIED" pid=1', None)
    bus = b'apparmor="DENIED" operation="dbus_bind"  bus="session"'
    assert split(b"<5>Nov 22 06:20:23 vmrig dbus-daemon[3217]: " + bus) == Envelope(b"Nov 22 06:20:23", b"vmrig", "dbus", bus, 0)
    assert split(b"<37>1 2026-11-22T06:20:23Z vmrig dbus 3 - - " + bus).speaker == "dbus"


def test_audit_records_under_the_stamps_of_dmesg():
    # `audit: ` is a part of what the kernel writes there, not the tag of a daemon.
    record = b'audit: type=1400 audit(1279968846.035:77): apparmor="DENIED" pid=1'
    stamp = b"2026-11-22T06:20:16,123456+00:00"
    for front, said in (
        (stamp + b" ", stamp),
        (b"[Sun Nov 22 06:20:23 2026] ", b"Sun Nov 22 06:20:23 2026"),
        (b"[   16.237012] ", b"[   16.237012]"),
        (b"4,1234,5678901,-;", b""),
    ):
        assert split(front + record) == Envelope(said, b"", "kernel", record, 0 if front.startswith(b"4") else None)
    for other in (b"2026-11-22T06:20:16.123456+00:00 ", b"Nov 22 06:20:16 ", stamp + b" gw "):
        with pytest.raises(Undecodable):
            split(other + record)


@pytest.mark.parametrize(
    "name",
    [
        b"/var/log/syslog:",
        b"kern.log:",
        b"kern.log.1:",
        b"kern.log:12:",
        b"./a:",
        b"12:",
        b"syslog:",
        b"messages-20261122:",
        b"ipv6_tcp_connect_scan:",
    ],
)
def test_a_file_name_in_front(name: bytes):
    for line in (
        b"Nov 22 06:20:23 vmrig kernel: " + PACKET,
        b"[   16.237012] " + PACKET,
        b'type=AVC msg=audit(1279968846.035:77): apparmor="DENIED" pid=1',
        b"<6>1 2026-11-22T06:20:24.5Z gw kernel - - - " + PACKET,
    ):
        assert split(name + line) == split(line)


def test_a_hole_of_null_bytes_in_front():
    line = b"Nov 22 06:20:23 vmrig kernel: " + PACKET
    assert split(b"\x00" * 4096 + line) == split(line)
    with pytest.raises(Undecodable):
        split(b"\x00" * 4096 + b"x" + line)
    with pytest.raises(Undecodable):
        split(b"\x00" * 4096)


def test_a_byte_order_mark_at_the_start_of_a_file():
    line = b"Nov 22 06:20:23 vmrig kernel: " + PACKET
    assert first(b"\xef\xbb\xbf" + line) == line
    assert first(line) == line


def test_the_beginning_of_a_line_is_gone():
    whole = b"Nov 22 06:20:23 vmrig kernel: [UFW BLOCK] " + PACKET
    assert not is_left_cut(whole)
    for at in range(1, len(whole) - len(PACKET)):
        assert is_left_cut(whole[at:]) or whole[at:].startswith((b"22 06:", b"kernel: ")), whole[at:]
    assert is_left_cut(b'DENIED" operation="open" profile="/usr/bin/x" pid=1')
    assert not is_left_cut(b"Nov 22 06:20:23 vmrig sshd[1]: " + PACKET)
    assert not is_left_cut(b"words and no fields")


def test_the_fast_pattern_agrees():
    line = re.compile(KERNEL_LINE)
    for front in (
        b"Nov 22 06:20:23 user.notice kernel: ",
        b"Nov 22 06:20:23 kern.warn kernel: ",
        b"Nov 22 06:20:23 a:b: kernel: ",
    ):
        assert line.match(front) is None, front
    assert line.match(b"Nov 22 06:20:23 mail.example.info kernel: ")
    assert line.match(b"Nov 22 06:20:23 www.info kernel: ")


@pytest.mark.parametrize("front", NOT_THE_KERNEL)
def test_somebody_else_speaks(front: bytes):
    with pytest.raises(Undecodable) as caught:
        split(front + PACKET)
    assert caught.value.reason == "not said by the kernel"


@pytest.mark.parametrize("front", NO_ENVELOPE)
def test_nobody_speaks(front: bytes):
    with pytest.raises(Undecodable) as caught:
        split(front + PACKET)
    assert caught.value.reason == "no log envelope"


@pytest.mark.parametrize("host", [b"a b", b"h\x1b[31m", b"h\x00", b"h\xff", b"[h]", b"h" * 256, b"h:"])
def test_a_host_is_a_name_or_an_address(host: bytes):
    with pytest.raises(Undecodable):
        split(b"Nov 22 06:20:23 " + host + b" kernel: " + PACKET)


def test_only_the_first_uptime_is_peeled():
    assert without_uptime(b"[   12.345678] [   13.345678] IN=") == b"[   13.345678] IN="
    assert without_uptime(b"[UFW BLOCK] IN=") == b"[UFW BLOCK] IN="
    assert without_uptime(b"IN=") == b"IN="
    assert without_uptime(b"  [   12.345678]  DROP IN=") == b"DROP IN="
    assert without_uptime(b"  DROP IN=") == b"  DROP IN="


def test_blanks_around_the_uptime_are_no_part_of_the_prefix():
    for front in (b"kernel:  [   12.345678] ", b"kernel: [   12.345678]  ", b"kernel:[   12.345678]", b"kernel:   "):
        line = b"Nov 22 06:20:23 vmrig " + front + b"DROP: " + PACKET
        assert without_uptime(split(line).message) == b"DROP: " + PACKET
        fast = re.match(KERNEL_LINE, line)
        assert fast is not None
        assert line[fast.end() :] == b"DROP: " + PACKET


@given(st.binary(max_size=300))
def test_any_bytes(line: bytes):
    for front in (b"", b"Nov 22 06:20:23 ", b"<6>1 - - kernel - - ", b"type=AVC msg=", b"[   1.5] ", b"node="):
        try:
            said = split(front + line)
        except Undecodable:
            continue
        assert (front + line).removesuffix(b"\r").find(said.message) >= 0


# 64 KiB is the longest line that is taken apart.
HOSTILE = [
    b"Nov 22 06:20:23 " + b"a" * 60000,
    b"Nov 22 06:20:23 " + b"1:" * 30000,
    b"Nov 22 06:20:23 " + b"a@" * 30000 + b"1:2",
    b"Nov 22 06:20:23 " + b"kern.warn " * 6000,
    b"Nov 22 06:20:23 h " * 3000,
    b"<6>1 - - kernel - - " + b'[a b="' * 9000,
    b"<6>1 - - kernel - - " + b'[a b="c"]' * 6000,
    b'Nov 22 06:20:23 h audit: AVC a="' + b"#035A=" * 10000,
    b"Nov 22 06:20:23 h audit: AVC a=" + b'"#035A' * 10000,
    b"[" + b" " * 60000,
    b"[" * 60000,
    b"\x00" * 60000,
    b"a." * 30000 + b":",
    b"1" * 60000,
    b"4,1,1,-" + b",a" * 30000,
    b"4,1,1,-;" + b"\\x5c" * 15000,
    b"Nov 22 06:20:23 h kernel: " + b"message repeated 1 times: [ " * 2000,
    b"Nov 22 06:20:23 h " + b"A " * 30000 + b"IN=",
    b"type=AVC msg=audit(" + b"1" * 60000,
    b"A=b " * 15000,
    b' a="' * 15000,
]


@pytest.mark.parametrize("line", HOSTILE, ids=[str(number) for number in range(len(HOSTILE))])
def test_time_is_linear(line: bytes):
    begun = time.process_time()
    for _ in range(5):
        for call in (split, is_left_cut):
            try:
                call(line)
            except Undecodable:
                continue
    # Anything quadratic takes seconds for one.
    assert time.process_time() - begun < 1


@pytest.mark.corpora
def test_every_captured_line_has_an_envelope(corpora: Path):
    speakers: Counter[str] = Counter()
    refused = []
    for file in sorted((corpora / "captured").glob("*.log")):
        for line in file.read_bytes().splitlines() if "json" not in file.name else ():
            try:
                speakers[split(line).speaker] += 1
            except Undecodable:
                refused.append(line)
    assert speakers["kernel"] > 2500
    assert speakers["audit"] > 350
    assert speakers["relay"] > 80
    # ausearch's separators, a forgery that the rig put there, and the kernel's word on a program that fell over.
    assert [line for line in refused if line != b"----" and b" myapp: " not in line and b"segfault" not in line] == []


@pytest.mark.parametrize("front", [b"audit: ", b""])
def test_a_record_as_the_ring_buffer_has_it_without_stamp_and_tag(front):
    record = b"type=1326 audit(1611996299.149:466250): auid=1 uid=0"
    assert split(front + record) == Envelope(b"", b"", "relay", record, None)
    for other in (b"x" + front + record, b" " + front + record, b"gw: " + front + record, front + record[1:]):
        with pytest.raises(Undecodable):
            split(other)


def test_the_kernels_tag_without_a_stamp_is_worth_little():
    assert split(b"kernel: [   12.5] " + PACKET) == Envelope(b"", b"", "kernel", b"[   12.5] " + PACKET, USER)
    for other in (b"kernel:: ", b"kernel[1]: ", b"Kernel: ", b" kernel: ", b"gw kernel: ", b"kernel:"):
        with pytest.raises(Undecodable):
            split(other + PACKET)
