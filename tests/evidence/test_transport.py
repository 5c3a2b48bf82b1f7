"""Protocols by every name that loggers use, and numbers at their limits."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syslogparse.evidence import transport
from syslogparse.evidence.model import Fields, Undecodable
from syslogparse.rules import packet

NAMES = (
    "TCP=tcp tcp=tcp UDP=udp UDPLITE=udplite UDP-Lite=udplite ICMP=icmp ICMPv6=icmpv6 ICMPV6=icmpv6 IPv6-ICMP=icmpv6 ESP=esp "
    "AH=ah SCTP=sctp DCCP=dccp GRE=gre IGMP=igmp ARP=arp 2=igmp 4=ipencap 6=tcp 8=egp 9=igp 41=ipv6 47=gre 58=icmpv6 89=ospf "
    "103=pim 112=vrrp 132=sctp 33=dccp 136=udplite 253=253 0=0 44=44 94=94 255=255"
)


@pytest.mark.parametrize(("logged", "name"), [pair.encode().split(b"=") for pair in NAMES.split()])
def test_one_name(logged: bytes, name: bytes):
    assert transport.protocol(logged) == name


@pytest.mark.parametrize("logged", [b"256", b"ALL", b"-1", b"6.0", b"0x6", b"\xb2", b"", b"9" * 5000])
def test_no_protocol(logged: bytes):
    with pytest.raises(Undecodable, match="invalid number"):
        transport.protocol(logged)


def test_rules_know_every_name():
    known = packet.PROTOCOLS | {alias: packet.PROTOCOLS[name] for alias, name in packet._ALIASES.items()}
    assert {number.decode(): known[name.decode()] for number, name in transport.PROTOCOLS.items()} == {
        number.decode(): int(number) for number in transport.PROTOCOLS
    }


def test_every_name_is_the_only_one_of_its_number():
    assert len(set(transport.PROTOCOLS.values())) == len(transport.PROTOCOLS)
    assert set(transport.NAMES.values()) == {*transport.PROTOCOLS.values(), b"arp"}


@given(st.integers(0, 2**33))
def test_numbers(value: int):
    text = b"%d" % value
    if value <= transport.MAX_ID:
        assert transport.number(text, transport.MAX_ID, "invalid number") == value
    else:
        with pytest.raises(Undecodable, match="invalid number"):
            transport.number(text, transport.MAX_ID, "invalid number")


@given(st.binary(max_size=12))
def test_what_is_no_number(text: bytes):
    if text.isdigit():
        return
    with pytest.raises(Undecodable, match="invalid port"):
        transport.number(text, 65535, "invalid port")


@given(st.permutations(transport.FLAGS).flatmap(lambda flags: st.integers(0, 9).map(lambda count: flags[:count])))
def test_flags_in_the_order_of_the_header(flags: list[bytes]):
    in_rules = [flag for flag in flags if flag != b"AE"]
    assert transport.in_header_order(flags).split() == sorted(in_rules, key=transport.FLAGS.index)
    assert transport.in_header_order(None) == b""


def test_the_accurate_ecn_flag_is_logged_but_stands_in_no_rule():
    found: Fields = {}
    transport.take(found, {b"PROTO": b"TCP", b"WINDOW": b"1"}, b"RES=0x00 AE CWR ECE SYN URGP=0".split())
    assert found["tcp_flags"] == [b"AE", b"CWR", b"ECE", b"SYN"]
    assert transport.in_header_order([b"AE"]) == b""
    assert transport.in_header_order([b"AE", b"CWR", b"SYN"]) == b"CWR SYN"


def test_too_many_flags():
    assert transport.few([b"SYN"] * 9) == [b"SYN"] * 9
    with pytest.raises(Undecodable, match="contradictory fields"):
        transport.few([b"SYN"] * 10)


def test_ports_and_types_only_where_they_belong():
    logged = {b"SPT": b"1", b"DPT": b"2", b"TYPE": b"3", b"CODE": b"4"}

    def taken(**more: bytes) -> dict[str, object]:
        found: dict[str, object] = {}
        transport.take(found, logged | {name.encode(): value for name, value in more.items()}, [b"SYN"])  # type: ignore[arg-type]
        return found

    assert taken(PROTO=b"TCP") == {"proto": b"tcp", "tcp_flags": [b"SYN"], "spt": 1, "dpt": 2}
    assert taken(PROTO=b"SCTP") == {"proto": b"sctp", "spt": 1, "dpt": 2}
    assert taken(PROTO=b"1") == {"proto": b"icmp", "icmp_type": 3, "icmp_code": 4}
    assert taken() == {"spt": 1, "dpt": 2}


def test_a_number_with_zeros_in_front():
    assert [transport.protocol(number) for number in (b"001", b"06", b"0200")] == [b"icmp", b"tcp", b"200"]
