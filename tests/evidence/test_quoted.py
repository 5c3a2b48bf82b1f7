"""A text that a user or a device put into one of the kernel's messages is no packet, however well it is made."""

from datetime import UTC

import pytest

from syslogparse.evidence.decode import Decoder
from syslogparse.evidence.journal import from_fields
from syslogparse.evidence.model import Undecodable
from syslogparse.evidence.stamp import Clock

TEXT = b"IN=eth0 OUT= SRC=203.0.113.9 DST=192.0.2.1 LEN=40 TOS=0x00 PREC=0x00 TTL=64 ID=1 PROTO=TCP SPT=1 DPT=22 RES=0x00 SYN"
TEXTS = [TEXT + end for end in (b" URGP=0 ", b" URGP=0", b" MARK=0x1", b" URGP=0 OPT (02", b" [", b" [SRC=1.2.3.4 ", b"")]
FORGED = [
    # As Linux 6.18 and 6.1 wrote them for a user without rights, but for the text.
    b"a[911]: segfault at 0 ip 000056288b055132 sp 00007ffe8777 error 6 in %b[1132,5628000+1000] likely on CPU 1 (core 1)",
    b"a[911]: segfault at 0 ip 0000000000401132 sp 00007ffe87774ea0 error 6 in foo %b[401000+1000]",
    b"IN=eth0 OUT= SR[911]: segfault at 0 ip 000056288b055132 sp 00007ffe87774ea0 error 6 in %b[1132,56288b055000+1000]",
    b"traps: a b[911] general protection fault ip:401000 sp:7ffc error:0 in %b[400000+1000]",
    b"traps: a[911] trap invalid opcode ip:401000 sp:7ffc error:0 in %b[400000+1000]",
    b"a[911]: unhandled level 2 translation fault (11) at 0x00000000, esr 0x92000006, in %b[400000+1000]",
    b"overlayfs: failed to resolve '%b': -2",
    b'overlayfs: unrecognized mount option "%b" or missing value',
    # The others after the kernel's formats.
    b"binfmt_misc: register: failed to install interpreter file %b",
    b"CIFS: Attempting to mount //%b/x",
    b"tipc: Enabling of bearer <udp:%b> rejected, illegal name",
    b"uvcvideo 1-1:1.0: Found UVC 1.00 device %b (046d:0825)",
    b"scsi 6:0:0:0: Direct-Access     %b 1.00 PQ: 0 ANSI: 6",
    b"ata1.00: ATA-8: %b, 1.0, max UDMA/133",
    b"thunderbolt 0-1: Vendor %b",
    b"UDF-fs: INFO Mounting volume '%b', timestamp 2013/08/08 21:12 (1000)",
    b"process '/tmp/%b' started with executable stack",
    b"usb 1-1: Product: %b",
    b"usb 12-1: Manufacturer: %b",
    b"input: %b as /devices/virtual/misc/uhid/0005:1.1/input/input9",
]


def decoder() -> Decoder:
    return Decoder(Clock(UTC, 1_795_400_000 * 10**6), "kernel", "kern", lambda _arch, _number: None)


@pytest.mark.parametrize("form", FORGED)
@pytest.mark.parametrize("text", TEXTS)
def test_a_quoted_text_is_no_packet(form, text):
    message = form % text
    with pytest.raises(Undecodable):
        decoder().event(b"Nov 22 06:20:16 gw kernel: [   12.345678] " + message)
    with pytest.raises(Undecodable):
        decoder().event(b"[   12.345678] " + message)
    with pytest.raises(Undecodable):
        decoder().entry(from_fields(1, {b"_TRANSPORT": b"kernel", b"MESSAGE": message}))


@pytest.mark.parametrize(
    "prefix",
    [
        b"",
        b"[UFW BLOCK] ",
        b"DROP in ",
        b"[1] drop in: ",
        b"fw[2]drop ",
        b"in the way: ",
        b"process ",
        b"scsi-net ",
        b"don't ",
        b"a/b(c): ",
    ],
)
@pytest.mark.parametrize("more", [b"", b" OPT (020405B40402080A)", b" MARK=0x1", b" NEW=1", b" newword"])
def test_a_rules_own_prefix_is_believed(prefix, more):
    found = decoder().event(b"Nov 22 06:20:16 gw kernel: [   12.345678] " + prefix + TEXT + b" URGP=0" + more)
    assert found is not None
    assert found.fields["dpt"] == 22


def test_names_of_interfaces_may_hold_anything():
    for name in (b"a'b", b'"', b"[x]", b"(1)"):
        found = decoder().event(b"Nov 22 06:20:16 gw kernel: " + TEXT.replace(b"eth0", name) + b" URGP=0 NEW=1")
        assert found is not None
        assert found.fields["in"] == name
