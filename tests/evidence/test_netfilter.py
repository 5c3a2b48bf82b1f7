"""Logged packets: the rig's own lines, their mutations, and what a hostile prefix or packet could try."""

import contextlib
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syslogparse.evidence import netfilter
from syslogparse.evidence.model import Fields, Undecodable

SYN = (
    b"[UFW BLOCK] IN=v0 OUT= MAC=76:9a:e2:a8:d1:68:a6:82:ae:26:18:c7:08:00 SRC=192.0.2.2 DST=192.0.2.1 LEN=40 TOS=0x00 PREC=0x00 "
    b"TTL=64 ID=17758 DF PROTO=TCP SPT=40000 DPT=80 WINDOW=1024 RES=0x00 SYN URGP=0 "
)
OPTIONS = (
    b"full:IN=v0 OUT= MAC=76:9a:e2:a8:d1:68:a6:82:ae:26:18:c7:86:dd SRC=2001:0db8:0000:0000:0000:0000:0000:0002 "
    b"DST=2001:0db8:0000:0000:0000:0000:0000:0001 LEN=80 TC=0 HOPLIMIT=64 FLOWLBL=932591 PROTO=TCP SPT=36064 DPT=22 "
    b"SEQ=3232962393 ACK=0 WINDOW=64800 RES=0x00 SYN URGP=0 OPT (020405A00402080A84953F84) UID=1000 GID=100 MARK=0x2a "
)
UNREACHABLE = (
    b"OUT=trick IN= IN= OUT=v0 SRC=192.0.2.1 DST=192.0.2.2 LEN=112 TOS=0x00 PREC=0xC0 TTL=64 ID=16765 PROTO=ICMP TYPE=3 CODE=3 "
    b"[SRC=192.0.2.2 DST=198.51.100.7 LEN=84 TOS=0x00 PREC=0x00 TTL=63 ID=55594 DF PROTO=ICMP TYPE=8 CODE=0 ID=227 SEQ=1 ] "
)
TOO_BIG = (
    b"a prefix which is much longer than the twenty nine of iptables, up to 127 characters: IN=v0 OUT= "
    b"MAC=76:9a:e2:a8:d1:68:a6:82:ae:26:18:c7:08:00 SRC=192.0.2.2 DST=192.0.2.1 LEN=61 TOS=0x00 PREC=0x00 TTL=64 ID=25413 DF "
    b"PROTO=ICMP TYPE=3 CODE=4 [SRC=192.0.2.1 DST=192.0.2.2 LEN=33 TOS=0x00 PREC=0x00 TTL=64 ID=1 PROTO=UDP SPT=53 DPT=40001 "
    b"LEN=13 ] MTU=1400 MARK=0x1 "
)
DECODED_MAC = (
    b"IN-drop IN=v0 OUT= MACSRC=a6:82:ae:26:18:c7 MACDST=76:9a:e2:a8:d1:68 MACPROTO=0800 SRC=192.0.2.2 DST=192.0.2.1 LEN=22 "
    b"TOS=0x00 PREC=0x00 TTL=64 ID=27298 DF PROTO=UDP INCOMPLETE [2 bytes] "
)
FRAGMENT = (
    b"IN=v0 OUT= MAC=76:9a:e2:a8:d1:68:a6:82:ae:26:18:c7:86:dd SRC=2001:0db8:0000:0000:0000:0000:0000:0002 "
    b"DST=2001:0db8:0000:0000:0000:0000:0000:0001 LEN=1160 TC=0 HOPLIMIT=64 FLOWLBL=82003 OPT ( FRAG:2896 ID:74832177 ) "
    b"PROTO=UDP "
)
ARP = (
    b"bridge: IN=v0 OUT= ARP HTYPE=1 PTYPE=0x0800 OPCODE=2 MACSRC=a6:82:ae:26:18:c7 IPSRC=192.0.2.2 MACDST=76:9a:e2:a8:d1:68 "
    b"IPDST=192.0.2.1"
)
LINES = [SYN, OPTIONS, UNREACHABLE, TOO_BIG, DECODED_MAC, FRAGMENT, ARP]


ORDINARY = [
    *{"IN": b"v0", "OUT": b"", "SRC": b"192.0.2.2", "DST": b"192.0.2.1", "LEN": b"40", "TTL": b"64"}.items(),
    *{"PROTO": b"TCP", "SPT": b"40000", "DPT": b"80", "TYPE": b"", "CODE": b"", "UID": b"", "GID": b"", "MARK": b""}.items(),
]


def packet(**changes: bytes) -> bytes:
    """An ordinary line with some values changed; an empty one leaves the field out."""
    fields = dict(ORDINARY) | changes
    return b"".join(b"%b=%b " % (name.encode(), value) for name, value in fields.items() if value or name in {"IN", "OUT"})


def reason(message: bytes) -> str:
    with pytest.raises(Undecodable) as caught:
        netfilter.decode(message)
    return caught.value.reason


def test_a_tcp_packet():
    fields = netfilter.decode(b"[   22.219056] " + SYN)
    assert fields == {
        "prefix": b"[UFW BLOCK]",
        "in": b"v0",
        "mac_dst": b"76:9a:e2:a8:d1:68",
        "mac_src": b"a6:82:ae:26:18:c7",
        "src": b"192.0.2.2",
        "dst": b"192.0.2.1",
        "length": 40,
        "ttl": 64,
        "proto": b"tcp",
        "spt": 40000,
        "dpt": 80,
        "tcp_flags": [b"SYN"],
    }
    assert netfilter.key(fields)._asdict() == {
        "prefix": b"[UFW BLOCK]",
        "in_": b"v0",
        "out": b"",
        "physin": b"",
        "physout": b"",
        "src": b"192.0.2.2",
        "dst": b"192.0.2.1",
        "proto": b"tcp",
        "dpt": b"80",
        "icmp_type": b"",
        "icmp_code": b"",
        "flags": b"SYN",
        "spt": b"",
    }


def test_ipv6_with_everything():
    fields = netfilter.decode(OPTIONS)
    assert (fields["prefix"], fields["src"], fields["dst"]) == (b"full:", b"2001:db8::2", b"2001:db8::1")
    assert (fields["uid"], fields["gid"], fields["mark"], fields["ttl"]) == (1000, 100, b"0x2a", 64)


def test_the_inner_packet_sets_nothing():
    fields = netfilter.decode(UNREACHABLE)
    assert (fields["prefix"], fields["out"], fields["src"], fields["dst"]) == (
        b"OUT=trick IN=",
        b"v0",
        b"192.0.2.1",
        b"192.0.2.2",
    )
    assert (fields["icmp_type"], fields["icmp_code"], fields["length"], fields["ttl"]) == (3, 3, 112, 64)
    assert "in" not in fields
    fields = netfilter.decode(TOO_BIG)
    assert {"spt", "dpt"}.isdisjoint(fields)
    assert (fields["dst"], fields["proto"], fields["mark"]) == (b"192.0.2.1", b"icmp", b"0x1")


def test_a_decoded_link_layer_header():
    fields = netfilter.decode(DECODED_MAC)
    assert (fields["prefix"], fields["mac_src"], fields["mac_dst"]) == (b"IN-drop", b"a6:82:ae:26:18:c7", b"76:9a:e2:a8:d1:68")
    assert fields["proto"] == b"udp"
    assert "dpt" not in fields


def test_a_later_fragment_has_no_ports():
    fields = netfilter.decode(FRAGMENT)
    assert fields["proto"] == b"udp"
    assert {"spt", "dpt"}.isdisjoint(fields)


def test_arp():
    assert netfilter.decode(ARP) == {
        "prefix": b"bridge:",
        "in": b"v0",
        "mac_src": b"a6:82:ae:26:18:c7",
        "mac_dst": b"76:9a:e2:a8:d1:68",
    }


def test_bridges_of_both_ages():
    new = netfilter.decode(packet().replace(b"OUT= ", b"OUT=br0 PHYSIN=eth0 PHYSOUT=eth1 "))
    old = netfilter.decode(packet().replace(b"OUT= ", b"PHYSIN=eth0 OUT=br0 PHYSOUT=eth1 "))
    assert new == old
    assert (new["in"], new["out"], new["physin"], new["physout"]) == (b"v0", b"br0", b"eth0", b"eth1")


@pytest.mark.parametrize(
    ("prefix", "kept"),
    [
        (b"", b""),
        (b"glued", b"glued"),
        (b"DROP: ", b"DROP:"),
        (b" x  ", b"x"),
        (b"IN=eth9 OUT= SRC=9.9.9.9 DST=9.9.9.9 PROTO=UDP DPT=9 ", b"IN=eth9 OUT= SRC=9.9.9.9 DST=9.9.9.9 PROTO=UDP DPT=9"),
        (b"IN=eth9 OUT=", b"IN=eth9 OUT="),
        (b"IN=", b"IN="),
        (b"OUT=a IN=b ", b"OUT=a IN=b"),
        (b"[SRC=1.1.1.1 ", b"[SRC=1.1.1.1"),
        (b"a] [b ", b"a] [b"),
        (b"PROTO=UDP PHYS", b"PROTO=UDP PHYS"),
        (b"\xff\x00\x1b[31m ", b"\xff\x00\x1b[31m"),
    ],
)
def test_a_prefix_sets_no_field(prefix: bytes, kept: bytes):
    plain = netfilter.decode(SYN.removeprefix(b"[UFW BLOCK] "))
    fields = netfilter.decode(prefix + SYN.removeprefix(b"[UFW BLOCK] "))
    assert fields.pop("prefix", b"") == kept
    assert fields == plain


PROTOCOLS = (
    "TCP=tcp UDP=udp UDPLITE=udplite ICMP=icmp ICMPv6=icmpv6 ESP=esp AH=ah 2=igmp 6=tcp 47=gre 132=sctp 33=dccp 253=253 0=0"
)


@pytest.mark.parametrize(("proto", "name"), [pair.encode().split(b"=") for pair in PROTOCOLS.split()])
def test_protocols(proto: bytes, name: bytes):
    assert netfilter.decode(packet(PROTO=proto))["proto"] == name


def test_a_packet_whose_first_field_is_broken_does_not_pass_in_silence():
    whole = b"IN=v0 OUT= SRC=192.0.2.1 DST=192.0.2.2 PROTO=UDP SPT=1 DPT=2"
    for line in (whole, whole[1:], b"X" + whole[1:], b"DROP OUT=v1 SRC=192.0.2.1 DST=192.0.2.2"):
        assert netfilter.is_interesting(line), line
    assert not netfilter.is_interesting(b"SRC=192.0.2.1 DST=192.0.2.2 of a message of somebody")
    # So it is of a message as of its line, whatever stands first in it.
    for message in (b"OUT= BLOCK] IN=v0 [UFW SRC=192.0.2.1 DST=192.0.2.2", b"DST=192.0.2.2 I]N=v0 OUT= SRC=192.0.2.1 TTL=1"):
        assert netfilter.is_interesting(message) == netfilter.is_interesting(b"gw kernel: " + message), message
    assert netfilter.decode(b"DROP " + whole[6:])["prefix"] == b"DROP"


@pytest.mark.parametrize(
    ("line", "why"),
    [
        (packet(SRC=b"192.0.2.256"), "invalid address"),
        (packet(DST=b"gw.example"), "invalid address"),
        (packet(SRC=b"192.0.2.2/0"), "invalid address"),
        (packet(SRC=b"fe80::1%v0", DST=b"fe80::2"), "invalid address"),
        (packet(SRC=b"2001:db8::1"), "contradictory fields"),
        (packet(SPT=b"65536"), "invalid port"),
        (packet(DPT=b"-1"), "invalid port"),
        (packet(DPT=b"80,443"), "invalid port"),
        (packet(DPT=b"8_0"), "invalid port"),
        (packet(DPT=b"0x50"), "invalid port"),
        (packet(DPT=b"9" * 5000), "invalid port"),
        (packet(TTL=b"256"), "invalid number"),
        (packet(LEN=b"x"), "invalid number"),
        (packet(UID=b"4294967296"), "invalid number"),
        (packet(PROTO=b"256"), "invalid number"),
        (packet(PROTO=b"ALL"), "invalid number"),
        (packet(PROTO=b"-6"), "invalid number"),
        (packet(PROTO=b"ICMP", TYPE=b"256", CODE=b"0"), "invalid number"),
        (packet(IN=b"a/b"), "invalid interface name"),
        (packet(IN=b"."), "invalid interface name"),
        (packet(OUT=b".."), "invalid interface name"),
        (packet(IN=b"sixteen-letters-"), "invalid interface name"),
        (packet(IN=b"e\xc3\xa9"), "invalid interface name"),
        (packet(OUT=b"e\x1b"), "invalid interface name"),
        (packet(OUT=b"e\x00"), "invalid interface name"),
        (b"IN=v0 SRC=192.0.2.2", "not a complete record"),
        (b"OUT=v0 SRC=192.0.2.2", "not a complete record"),
        (b"IN=v0 X=1 OUT= SRC=192.0.2.2", "not a complete record"),
        (b"N=v0 OUT= SRC=192.0.2.1 DST=192.0.2.2 PROTO=UDP SPT=1 DPT=2", "not a complete record"),
        (b"DROP: XX=v0 OUT=v1 SRC=192.0.2.1 DST=192.0.2.2 PROTO=UDP SPT=1 DPT=2", "not a complete record"),
        (b"IN=v0 OUT= ", "not a complete record"),
        (b"IN=v0 OUT= SRC=192.0.2.2 LEN=40 ", "not a complete record"),
        (b"IN=v0 OUT= MAC=xx:xx ", "not a complete record"),
        (b"IN=" + b"v" * 100 + b" OUT= SRC=192.0.2.2", "not a complete record"),
        (b"x" * 300 + packet(), "not a complete record"),
        (b"", "not a complete record"),
    ],
)
def test_broken(line: bytes, why: str):
    assert reason(line) == why


@pytest.mark.parametrize(
    "name", [b"eth0", b"br-0a1b2c", b"wg0.100", b"ppp+", b"veth@if3", b"eth0:1", b"$(reboot)", b"a=b", b"[x", b"fifteen-letters"]
)
def test_names_that_the_kernel_takes(name: bytes):
    assert netfilter.decode(packet(IN=name))["in"] == name
    assert netfilter.decode(packet(OUT=name))["out"] == name


def test_names_that_look_like_fields():
    assert netfilter.decode(packet(IN=b"SRC=9.9.9.9"))["src"] == b"192.0.2.2"
    fields = netfilter.decode(packet(IN=b"IN=v1"))
    assert (fields["prefix"], fields["in"]) == (b"IN=", b"v1")


def test_the_first_of_two_counts():
    fields = netfilter.decode(packet() + b"SRC=9.9.9.9 DPT=9 PROTO=UDP LEN=9 ")
    assert (fields["src"], fields["dpt"], fields["proto"], fields["length"]) == (b"192.0.2.2", 80, b"tcp", 40)


def test_every_field_is_optional():
    whole = packet(IN=b"v0", OUT=b"v1", UID=b"1", GID=b"2", MARK=b"0x3")
    for token in whole.split():
        if not token.startswith((b"IN=", b"OUT=")):
            netfilter.decode(whole.replace(token + b" ", b""))
    assert netfilter.decode(packet() + b"NEW=1 newer OLD ")["dpt"] == 80


def test_flags_as_logged_and_in_the_header():
    line = SYN.replace(b" SYN ", b" SYN ACK FIN ")
    fields = netfilter.decode(line)
    assert fields["tcp_flags"] == [b"SYN", b"ACK", b"FIN"]
    assert netfilter.key(fields).flags == b"ACK SYN FIN"
    assert "tcp_flags" not in netfilter.decode(SYN.replace(b" SYN ", b" "))
    assert "tcp_flags" not in netfilter.decode(packet(PROTO=b"UDP") + b"SYN ")


def test_icmp_in_the_key():
    key = netfilter.key(netfilter.decode(packet(PROTO=b"ICMP", SPT=b"", DPT=b"", TYPE=b"8", CODE=b"0")))
    assert (key.icmp_type, key.icmp_code, key.dpt) == (b"8", b"0", b"")


SMALL = st.integers(0, 70000).map(lambda number: b"%d" % number)
NAMES = st.sampled_from([b"", b"v0", b"br0", b"a=b", b"IN=x", b"."])
ADDRESSES = st.sampled_from([b"192.0.2.1", b"2001:0db8:0000:0000:0000:0000:0000:0002", b"1.2.3.4.5", b":", b"0.0.0.0"])
TAILS = [
    b"PROTO=TCP SPT=%b DPT=%b WINDOW=1 RES=0x00 ACK SYN URGP=0 ",
    b"PROTO=TCP SPT=%b DPT=%b SEQ=1 ACK=2 WINDOW=1 RES=0x00 URGP=0 OPT (02) ",
    b"PROTO=UDP SPT=%b DPT=%b LEN=8 ",
    b"PROTO=UDPLITE SPT=%b DPT=%b LEN=8 ",
    b"PROTO=ICMP TYPE=%b CODE=%b ID=1 SEQ=2 ",
    b"PROTO=ICMPv6 TYPE=%b CODE=%b ",
    b"PROTO=TCP TYPE=%b CODE=%b ",
    b"PROTO=ICMP SPT=%b DPT=%b LEN=1 ",
    b"PROTO=TCP SPT=%b DPT=%b LEN=8 ",
    b"PROTO=UDP SPT=%b DPT=%b WINDOW=1 RES=0x00 SYN URGP=0 ",
]


@st.composite
def usual_lines(draw: st.DrawFn) -> bytes:
    bridge = draw(
        st.sampled_from(
            [b"OUT=%b ", b"PHYSIN=p0 OUT=%b ", b"OUT=%b PHYSIN=p0 ", b"OUT=%b PHYSOUT=p1 ", b"PHYSIN=p0 OUT=%b PHYSIN=p2 "]
        )
    )
    middle = draw(st.sampled_from([b"TOS=0x00 PREC=0x00 TTL=%b ID=1 DF ", b"TC=0 HOPLIMIT=%b FLOWLBL=1 "])) % draw(SMALL)
    end = draw(st.sampled_from([b"", b"UID=%b GID=9 ", b"MARK=0x1 ", b"UID=%b GID=9 MARK=0xffffffff ", b"\r"]))
    mac = draw(st.sampled_from([b"", b"MAC= ", b"MAC=76:9a:e2:a8:d1:68:a6:82:ae:26:18:c7:08:00 "]))
    line = b"IN=%b " % draw(NAMES) + bridge % draw(NAMES) + mac
    line += b"SRC=%b DST=%b LEN=%b " % (draw(ADDRESSES), draw(ADDRESSES), draw(SMALL)) + middle
    line += draw(st.sampled_from(TAILS)) % (draw(SMALL), draw(SMALL))
    return line + (end % draw(SMALL) if b"%" in end else end)


def outcome(decode: object) -> object:
    try:
        return decode()  # type: ignore[operator]
    except Undecodable as error:
        return error.reason


@given(usual_lines())
def test_the_short_way_finds_what_the_general_way_finds(line: bytes):
    def general() -> Fields:
        found: Fields = {}
        netfilter._take_any(found, line.removesuffix(b"\r"))
        return found

    def short() -> Fields | None:
        found: Fields = {}
        usual = netfilter._USUAL.match(line)
        return found if usual is not None and netfilter.take_usual(found, usual.groups()) else None

    found = outcome(short)
    if found is not None and not isinstance(found, str):
        assert found == outcome(general)
    elif found is not None:
        assert isinstance(outcome(general), str)


@given(st.sampled_from(LINES), st.binary(max_size=60), st.integers(0, 400), st.integers(0, 400))
def test_mutated(line: bytes, noise: bytes, start: int, end: int):
    try:
        fields = netfilter.decode(line[:start] + noise + line[end:])
    except Undecodable:
        return
    netfilter.key(fields)
    assert all(value or isinstance(value, int) for value in fields.values())


@given(
    st.lists(
        st.sampled_from(
            [b"IN=", b" OUT=", b"IN=a OUT=b ", b"SRC=", b"PHYS", b" ", b"[", b"]", b"=", b"\0", b"1.2.3.4 ", b"PROTO=TCP "]
        )
    )
)
def test_pieces(pieces: list[bytes]):
    with contextlib.suppress(Undecodable):
        netfilter.key(netfilter.decode(b"".join(pieces)))


@pytest.mark.parametrize(
    "piece",
    [
        b"IN=",
        b" OUT=",
        b"IN= OUT=",
        b"IN=a b OUT=",
        b"[",
        b" [",
        b"]",
        b"=",
        b"a",
        b" ",
        b"MAC=00:",
        b" PHYSIN=",
        b"IN=x PHYSIN=",
    ],
)
def test_linear(piece: bytes):
    before = time.process_time()
    for line in (piece * (65536 // len(piece)), b"IN=v0 OUT= " + piece * (65536 // len(piece)), piece * 20000 + SYN):
        with contextlib.suppress(Undecodable):
            netfilter.decode(line)
    assert time.process_time() - before < 1
