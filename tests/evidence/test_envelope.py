"""Only the tag position says who speaks."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syslogparse.evidence.envelope import Envelope, split, without_uptime
from syslogparse.evidence.model import Undecodable

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
    b"Nov 22 06:20:23 [   16.237012] kernel: ",
    b"2026-11-22T06:20:12.588510+00:00 vmrig user: 2026-11-22T06:20:12.588510+00:00 vmrig kernel: ",
    b"<6>1 2026-11-22T06:20:24.5Z gw sshd - - - kernel: ",
    b"<6>1 2026-11-22T06:20:24.5Z gw kernel 123 - - ",
    b"<6>1 2026-11-22T06:20:24.5Z gw kernel: - - - ",
    b"<6>1 2026-11-22T06:20:24.5Z gw mykernel - - - ",
]

NO_ENVELOPE = [
    b"",
    b"kernel: ",
    b"vmrig kernel: ",
    b" Nov 22 06:20:23 vmrig kernel: ",
    b"x Nov 22 06:20:23 vmrig kernel: ",
    b"ignored.log:Nov 22 06:20:23 vmrig kernel: ",
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
    b"type=AVC msg=audit(11/22/26 06:20:08.930:11) : ",
    b"type=avc msg=audit(1279968846.035:77): ",
]


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


@given(st.binary(max_size=300))
def test_any_bytes(line: bytes):
    for front in (b"", b"Nov 22 06:20:23 ", b"<6>1 - - kernel - - ", b"type=AVC msg=", b"[   1.5] ", b"node="):
        try:
            said = split(front + line)
        except Undecodable:
            continue
        assert (front + line).removesuffix(b"\r").find(said.message) >= 0
