"""What a record is worth does not hang on its envelope alone: who put its text there, and whether it is one line."""

from datetime import UTC

import pytest

from syslogparse.evidence.decode import MAX_LINE, Decoder
from syslogparse.evidence.journal import Entry, from_fields
from syslogparse.evidence.model import Undecodable
from syslogparse.evidence.stamp import Clock

PACKET = b"IN=eth0 OUT= SRC=203.0.113.9 DST=192.0.2.1 LEN=40 TOS=0x00 PREC=0x00 TTL=64 ID=1 PROTO=TCP SPT=1 DPT=22 "
BODY = b'apparmor="DENIED" operation="open" profile="p" name="/f" denied_mask="r"'
DENIED = b"audit: type=1400 audit(1795327650.218:46): " + BODY
HEAD = b"msg=audit(1795327650.218:46): "
BUS = b'apparmor="DENIED" operation="dbus_method_call" bus="system" member="x" mask="send" name="org.x" label="p"'


def decoder() -> Decoder:
    return Decoder(Clock(UTC, 1_795_400_000 * 10**6), "kernel", "kern", lambda _arch, _number: None)


def entry(message: bytes) -> Entry:
    return from_fields(1, {b"_TRANSPORT": b"kernel", b"MESSAGE": message})


# Linux writes the name of the file that a crash happened in, and whoever gave it that name may have put line feeds into it.
CRASH = b"a[911]: segfault at 0 ip 0000000000401132 sp 00007ffe87774ea0 error 6 in x\n%b \ny[1132,400000+1000] likely on CPU 1"


@pytest.mark.parametrize("text", [PACKET, b"[UFW BLOCK] " + PACKET, DENIED])
def test_a_message_of_the_kernel_has_one_line(text):
    with pytest.raises(Undecodable, match="not said by the kernel" if PACKET in text else "not a complete record"):
        decoder().entry(entry(CRASH % text))
    if PACKET in text:
        with pytest.raises(Undecodable, match="not said by the kernel"):
            decoder().entry(entry(text + b"\n"))
        escaped = (CRASH % text).replace(b"\n", b"\\x0a")
        with pytest.raises(Undecodable, match="not said by the kernel"):
            decoder().event(b"6,1,2,-;" + escaped.replace(b"a[911]: ", b""))
    assert decoder().entry(entry(CRASH % b"harmless")) is None


def test_a_message_is_as_long_as_a_line_may_be():
    for text in (b"x" * MAX_LINE + PACKET, DENIED + b" x" * MAX_LINE):
        with pytest.raises(Undecodable, match="line too long"):
            decoder().entry(entry(text))
    assert decoder().entry(entry(b"x" * (MAX_LINE + 1))) is None


def grade(line: bytes) -> str:
    found = decoder().event(line)
    assert found is not None
    return found.grade


def test_records_without_quotes_are_worth_little():
    """A name with blanks in it can look like the fields behind it, and older ausearch prints the line feeds that it decodes."""
    assert grade(b"type=AVC " + HEAD + BODY) == "kernel"
    interpreted = b"type=AVC msg=audit(11/22/26 06:20:08.930:11) : " + BODY.replace(b'"', b"")
    assert grade(interpreted) == "syslog"


def test_what_a_program_tells_audit_is_not_the_kernels():
    """Root in a container without a user namespace may do so too (CAP_AUDIT_WRITE), in whatever words it likes."""
    said = b"pid=1 uid=81 auid=4294967295 ses=4294967295 msg='" + BUS + b' exe="/usr/bin/dbus-daemon"\''
    assert grade(b"type=USER_AVC " + HEAD + said) == "syslog"
    assert grade(b"type=1107 " + HEAD + said) == "syslog"
