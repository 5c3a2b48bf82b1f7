"""What makes two logged packets one attempt, and what keeps them apart."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syslogparse.evidence import netfilter

HEAD = b"IN=eth0 OUT= MAC=52:54:00:aa:bb:01:52:54:00:aa:bb:02:08:00 SRC=198.51.100.7 DST=203.0.113.9 "
IPV4 = HEAD + b"LEN=60 TOS=0x00 PREC=0x00 TTL=52 ID=4711 "
IPV6 = b"IN=eth0 OUT= SRC=2001:db8::2 DST=2001:db8::1 LEN=60 TC=0 HOPLIMIT=64 FLOWLBL=0 "
SYN = IPV4 + b"DF PROTO=TCP SPT=40000 DPT=22 WINDOW=64240 RES=0x00 SYN URGP=0 "
LONG = SYN.replace(b"WINDOW", b"SEQ=1000 ACK=0 WINDOW")
SEGMENT = LONG.replace(b"RES=0x00 SYN", b"RES=0x00 ACK PSH")
UDP = IPV4 + b"PROTO=UDP SPT=5353 DPT=53 LEN=40 "
ECHO = IPV4 + b"PROTO=ICMP TYPE=8 CODE=0 ID=227 SEQ=1 "
INNER = b"[SRC=203.0.113.9 DST=198.51.100.7 LEN=84 TTL=63 ID=55594 DF PROTO=ICMP TYPE=8 CODE=0 ID=1 SEQ=1 ] "
ERROR = IPV4 + b"PROTO=ICMP TYPE=3 CODE=3 " + INNER
ECHO6 = IPV6 + b"PROTO=ICMPv6 TYPE=128 CODE=0 ID=227 SEQ=1 "
FRAGMENT6 = IPV6 + b"OPT ( FRAG:1448 ID:04760c91 ) PROTO=UDP "
ESP = IPV4 + b"PROTO=ESP SPI=0xcb886522 "
ARP = b"IN=br0 OUT= ARP HTYPE=1 PTYPE=0x0800 OPCODE=1"
ALL = [SYN, LONG, SEGMENT, UDP, ECHO, ERROR, ECHO6, FRAGMENT6, ESP, ARP]


def identity(text: bytes, prefix: bytes = b"") -> tuple[int, bytes]:
    fields = netfilter.decode(prefix + text)
    return netfilter.flow(fields), netfilter.attempt(text, fields)


@pytest.mark.parametrize("text", ALL)
def test_one_packet_that_several_rules_logged(text: bytes):
    other = text.replace(b"IN=eth0 OUT=", b"IN=eth0 OUT=eth1").replace(b"TTL=52", b"TTL=51").replace(b"MAC=52:", b"MAC=53:")
    assert identity(text) == identity(other, b"[ID=9 SPT=9 PROTO=9] IN=x OUT= ID=8 SEQ=7 ")
    assert identity(text) == identity(text.rstrip() + b" UID=0 GID=0 MARK=0x1 ")


@pytest.mark.parametrize(
    ("text", "old", "new"),
    [
        (SYN, b"ID=4711", b"ID=4712"),
        (SYN, b"WINDOW=64240", b"WINDOW=1024"),
        (LONG, b"ID=4711", b"ID=4712"),
        (SEGMENT, b"SEQ=1000", b"SEQ=2448"),
        (SEGMENT, b"ACK=0", b"ACK=1"),
        (LONG.replace(b" SYN", b" ECE CWR SYN"), b" ECE CWR SYN", b" SYN"),
    ],
)
def test_sent_again(text: bytes, old: bytes, new: bytes):
    assert identity(text) == identity(text.replace(old, new))


@pytest.mark.parametrize(
    ("text", "old", "new"),
    [
        *((text, b"SRC=198.51.100.7", b"SRC=198.51.100.8") for text in (SYN, UDP, ECHO, ESP)),
        *((text, b"DST=203.0.113.9", b"DST=203.0.113.8") for text in (SYN, UDP, ECHO, ESP)),
        *((text, b"ID=4711", b"ID=4712") for text in (UDP, ECHO, ERROR, ESP)),
        *((text, b" SPT=", b" SPT=1") for text in (SYN.replace(b"40000", b"400"), LONG.replace(b"40000", b"400"), UDP)),
        (SYN, b"DPT=22", b"DPT=23"),
        (LONG, b"SEQ=1000", b"SEQ=1001"),
        (UDP, b"PROTO=UDP", b"PROTO=UDPLITE"),
        (ECHO, b"SEQ=1", b"SEQ=2"),
        (ECHO, b"ID=227", b"ID=228"),
        (ECHO, b"TYPE=8", b"TYPE=0"),
        (ECHO6, b"SEQ=1", b"SEQ=2"),
        (ECHO6, b"ID=227", b"ID=228"),
        (ECHO6, b"TYPE=128", b"TYPE=129"),
        (FRAGMENT6, b"ID:04760c91", b"ID:04760c92"),
        (ERROR, b"CODE=3", b"CODE=1"),
        (ESP, b"PROTO=ESP", b"PROTO=AH"),
    ],
)
def test_another_attempt(text: bytes, old: bytes, new: bytes):
    assert old in text
    assert identity(text) != identity(text.replace(old, new, 1))


def test_the_inner_packet_tells_nothing():
    assert identity(ERROR) == identity(ERROR.replace(b"ID=55594", b"ID=6").replace(b"ID=1 SEQ=1", b"ID=7 SEQ=7"))


def test_what_it_looks_like():
    assert [identity(text)[1] for text in ALL] == [
        b"40000",
        b"40000 1000",
        b"40000",
        b"4711 5353",
        b"4711 8 0 227 1",
        b"4711 3 3  ",
        b" 128 0 227 1",
        b"04760c91    ",
        b"4711    ",
        b"    ",
    ]


@given(st.sampled_from(ALL), st.binary(max_size=40), st.integers(0, 300), st.integers(0, 300))
def test_any_text(text: bytes, noise: bytes, begin: int, end: int):
    fields = netfilter.decode(text)
    changed = text[:begin] + noise + text[end:]
    assert len(netfilter.attempt(changed, fields)) <= len(changed) + 20
