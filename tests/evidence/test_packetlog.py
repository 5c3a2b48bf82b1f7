"""Files that user-space daemons write packets into, and everything that only looks like them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syslogparse.evidence.packetlog import split
from syslogparse.evidence.speaker import Envelope

KERNEL = (
    b"IN=eth0 OUT= MAC=00:11:22:33:44:55:66:77:88:99:aa:bb:08:00 SRC=192.0.2.1 DST=192.0.2.2 LEN=60 TOS=0x00 PREC=0x00 TTL=64 "
    b"ID=1 DF PROTO=TCP SPT=1 DPT=2 WINDOW=1 RES=0x00 SYN URGP=0 "
)
ULOGD = (
    b"IN=eth0 OUT= MAC=00:11:22:33:44:55:66:77:88:99:aa:bb:08:00 SRC=192.0.2.1 DST=192.0.2.2 LEN=60 TOS=00 PREC=0x00 TTL=64 "
    b"ID=1 DF PROTO=TCP SPT=1 DPT=2 SEQ=1 ACK=0 WINDOW=1 SYN URGP=0 MARK=0 "
)
ULOGD_OUT = ULOGD.replace(b"IN=eth0 OUT= MAC=00:11:22:33:44:55:66:77:88:99:aa:bb:08:00 ", b"IN= OUT=eth0 MAC= ")
ULOGD_6 = (
    b"IN=eth0 OUT= MAC=00:11:22:33:44:55:66:77:88:99:aa:bb:86:dd SRC=2001:db8::1 DST=2001:db8::2 LEN=60 TC=0 HOPLIMIT=64 "
    b"FLOWLBL=0 PROTO=UDP SPT=1 DPT=2 LEN=20 "
)
STAMP = b"Nov 22 06:20:23"


@pytest.mark.parametrize("packet", [ULOGD, ULOGD_OUT, ULOGD_6])
@pytest.mark.parametrize(
    "prefix",
    [
        b"",
        b"DROP ",
        b"FW DROP ",
        b"SFW2-INext-DROP-DEFLT ",
        b"[UFW BLOCK] ",
        b"[WAN_LOCAL-4000-D]",
        b"Shorewall:net2fw:DROP: ",
        b'[WAN_LOCAL-4000-D] DESCR="Block all" ',
        b" ",
    ],
)
def test_logemu(packet: bytes, prefix: bytes):
    said = split(STAMP + b" gw " + prefix + packet)
    assert said is not None
    assert said._replace(message=said.message.lstrip(b" ")) == Envelope(
        STAMP, b"gw", "packets", prefix.lstrip(b" ") + packet, None
    )


def test_logemu_through_syslog():
    assert split(b"<4>2026-11-22T06:20:23Z gw " + ULOGD) == Envelope(b"2026-11-22T06:20:23Z", b"gw", "packets", ULOGD, 0)


def test_a_gateway_that_names_itself_twice():
    # UniFi gateways send what ulogd wrote, host included, as the text of a message of their own.
    prefix = b'[WAN_LOCAL-D-4000] DESCR="Block all" '
    line = b"<13>" + STAMP + b" gw gw " + prefix + ULOGD
    assert split(line) == Envelope(STAMP, b"gw", "packets", prefix + ULOGD, 1)
    for other in (b" gw wg ", b" gw gw gw ", b" gw gw1 ", b" gw: gw "):
        assert split(b"<13>" + STAMP + other + prefix + ULOGD) is None


@pytest.mark.parametrize("prefix", [b"Shorewall:net2fw:DROP:", b"Shorewall6:net-fw:REJECT:", b"Shorewall:logflags:DROP: "])
def test_shorewall_without_the_kernels_tag(prefix: bytes):
    # Its prefix stands where the tag stands, and nobody else's message begins so: theirs begin with their own tag.
    said = split(b"<4>" + STAMP + b" gw " + prefix + KERNEL)
    assert said == Envelope(STAMP, b"gw", "packets", prefix + KERNEL, 0)
    for front in (b"sshd: ", b"sshd[1]: ", b"", b"gw x: ", b"gw x "):
        assert split(STAMP + b" " + front + prefix + KERNEL) is None, front
    for other in (prefix + b"x " + KERNEL, prefix + b"x: " + KERNEL, prefix + KERNEL[3:], prefix[3:] + KERNEL):
        assert split(STAMP + b" gw " + other) is None, other


@pytest.mark.parametrize("packet", [ULOGD, ULOGD_OUT, ULOGD_6, KERNEL])
@pytest.mark.parametrize(
    "front",
    [
        b"gw sshd[1]: Invalid user ",
        b"gw sshd: ",
        b"gw myapp: ",
        b"gw myapp[1] ",
        b"gw kernel ",
        b"gw kernel[1]: ",
        b"gw DROP: ",
        b"gw a: b ",
        b'gw "x" ',
        b"gw one two three four five ",
        b"gw x=y ",
        b"gw [a:b] ",
        b"gw [1]: ",
        b"gw Shorewall: ",
        b"gw Shorewall:net2fw:DROP: sshd: ",
        b"sshd: ",
        b"gw: ",
        b"gw \xe2\x80\x8b ",
        b"gw (x) ",
        b"gw /bin/su ",
        b"gw x;y ",
    ],
)
def test_no_logemu(front: bytes, packet: bytes):
    assert split(STAMP + b" " + front + packet) is None


@pytest.mark.parametrize("front", [b"", b"DROP ", b"[UFW BLOCK] "])
def test_a_copied_line_of_the_kernel_is_no_logemu(front: bytes):
    assert split(STAMP + b" gw " + front + KERNEL) is None
    assert split(STAMP + b" gw " + front + KERNEL.replace(b"TOS=0x00", b"TOS=00")) is None
    assert split(front + ULOGD) is None


PROXMOX = b"101 4 tap101i0-IN 22/Nov/2026:06:20:23 +0100 "


@pytest.mark.parametrize("front", [PROXMOX, PROXMOX.replace(b"101 4 tap101i0-IN", b"0 5 PVEFW-HOST-IN")])
@pytest.mark.parametrize("prefix", [b"policy DROP: ", b"policy REJECT: ", b"DROP: ", b""])
def test_proxmox(front: bytes, prefix: bytes):
    message = prefix + b"IN=fwbr101i0 OUT=fwbr101i0 PHYSIN=tap101i0 " + KERNEL[9:]
    assert split(front + message) == Envelope(b"22/Nov/2026:06:20:23 +0100", b"", "packets", message, None)


@pytest.mark.parametrize(
    "line",
    [
        b"x " + PROXMOX + b"policy DROP: ",
        b"101 9 tap101i0-IN 22/Nov/2026:06:20:23 +0100 policy DROP: ",
        b"101 4 22/Nov/2026:06:20:23 +0100 policy DROP: ",
        b"101 4 tap101i0-IN 22/Nov/2026:06:20:23 policy DROP: ",
        b"101 4 tap101i0-IN 22/Nov/2026:06:20:23 +0100 GET /policy DROP: ",
        b"192.0.2.1 - - [22/Nov/2026:06:20:23 +0100] policy DROP: ",
        b"192.0.2.1 - - 22/Nov/2026:06:20:23 +0100 policy DROP: ",
    ],
)
def test_not_proxmox(line: bytes):
    assert split(line + KERNEL) is None


@given(st.binary(max_size=100), st.binary(max_size=100))
def test_any_bytes(one: bytes, two: bytes):
    for line in (one + b"IN=" + two, STAMP + b" gw " + one + ULOGD + two, PROXMOX + one + ULOGD):
        said = split(line)
        assert said is None or (said.speaker == "packets" and line.endswith(said.message))
