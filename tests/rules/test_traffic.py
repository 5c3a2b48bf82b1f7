import pytest

from syslogparse.rules import traffic
from syslogparse.rules.network import Network
from syslogparse.rules.packet import read_packet
from syslogparse.rules.surroundings import Surroundings
from tests.rules.make import NETFILTER

HERE = Surroundings(Network())
WAN = Surroundings(Network(wan=("eth0",), gateways=("10.0.0.254",)))
UDP = {"proto": b"udp", "flags": b""}
ICMP = {"proto": b"icmp", "dpt": b"", "flags": b"", "icmp_code": b"0"}
OUT = {"in_": b"", "out": b"eth0", "src": b"192.0.2.1", "dst": b"192.0.2.2"}


def read(**fields):
    return read_packet(NETFILTER._replace(**fields))


def leftover(*before, **fields):
    packet = read(**fields)
    return traffic.leftover(packet, traffic.flows_of(map(read_packet, before), HERE), outward=HERE.is_outward(packet))


@pytest.mark.parametrize(
    ("flags", "reason"),
    [
        (b"SYN", None),
        (b"CWR ECE SYN", None),
        (b"ACK SYN", traffic.ANSWERED),
        (b"RST", traffic.ANSWERED),
        (b"ACK RST", traffic.ANSWERED),
        (b"ACK", traffic.UNDER_WAY),
        (b"ACK FIN", traffic.UNDER_WAY),
        (b"ACK PSH", traffic.UNDER_WAY),
        (b"ECE ACK", traffic.UNDER_WAY),
    ],
)
def test_what_tcp_flags_say(flags, reason):
    assert leftover(flags=flags) == reason
    assert traffic.bad_flags(read(flags=flags)) is None


@pytest.mark.parametrize(
    "flags", [b"", b"FIN", b"URG PSH FIN", b"CWR", b"PSH", b"SYN FIN", b"SYN RST", b"URG ACK PSH RST SYN FIN"]
)
def test_flags_that_no_connection_has_match_their_own_rule(flags):
    found = traffic.bad_flags(read(flags=flags))
    assert found is not None
    assert set(flags.decode().split()) & set(found.mask) == set(found.set)


@pytest.mark.parametrize(
    "flags", [b"SYN", b"ACK SYN", b"ACK", b"ACK PSH", b"ACK FIN", b"ACK PSH FIN", b"RST", b"ACK RST", b"URG ACK PSH"]
)
def test_the_rules_for_bad_flags_match_no_connection(flags):
    for bad in (b"", b"SYN FIN", b"SYN RST"):
        found = traffic.bad_flags(read(flags=bad))
        assert found is not None
        assert set(flags.decode().split()) & set(found.mask) != set(found.set)


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({**UDP, "dpt": b"40000", "spt": b"53"}, traffic.UDP_ANSWER),
        ({**UDP, "dpt": b"40000"}, None),
        ({**UDP, "dpt": b"40000", "spt": b"54"}, None),
        ({**UDP, "dpt": b"53", "spt": b"123"}, None),
        ({**UDP, "dpt": b"68"}, traffic.DHCP_ANSWER),
        ({**UDP, "dpt": b"67"}, None),
        ({**UDP, "dpt": b"33440"}, traffic.TRACEROUTE),
        ({**UDP, "dpt": b"33440", **OUT}, None),
        ({"dpt": b"113"}, traffic.IDENT),
        ({"dpt": b"113", **OUT}, None),
        ({**ICMP, "icmp_type": b"0"}, traffic.ICMP_ANSWER),
        ({**ICMP, "icmp_type": b"8"}, None),
        ({**ICMP, "icmp_type": b"3"}, traffic.ICMP_ERROR),
        ({**ICMP, "icmp_type": b"11"}, traffic.ICMP_ERROR),
        ({**ICMP, "proto": b"icmpv6", "src": b"::5", "dst": b"::6", "icmp_type": b"2"}, traffic.ICMP_ERROR),
        ({**ICMP, "proto": b"icmpv6", "src": b"::5", "dst": b"::6", "icmp_type": b"128"}, None),
        ({"proto": b"gre", "dpt": b""}, None),
    ],
)
def test_what_is_left_over(fields, reason):
    assert leftover(**fields) == reason


def test_the_other_direction():
    asked = NETFILTER._replace(**UDP, **OUT)._replace(dpt=b"7777")
    assert leftover(asked, **UDP, dpt=b"40000") == traffic.OTHER_DIRECTION
    assert leftover(asked, **UDP, dpt=b"7777") == traffic.OTHER_DIRECTION
    assert leftover(asked, **UDP, dpt=b"161") is None
    assert leftover(asked, **UDP, dpt=b"40000", src=b"192.0.2.3") is None
    assert leftover(asked, dpt=b"40000") is None
    assert leftover(asked._replace(proto=b"gre", dpt=b""), proto=b"gre", dpt=b"") == traffic.OTHER_DIRECTION


def test_an_answer_of_this_machine_is_no_question_of_it():
    answer = NETFILTER._replace(**UDP, **OUT)._replace(dpt=b"40000", spt=b"53")
    assert leftover(answer, **UDP, dpt=b"50000") is None


@pytest.mark.parametrize(
    ("fields", "here", "wan"),
    [
        ({"src": b"10.0.0.1"}, False, True),
        ({"src": b"10.0.0.254"}, False, False),
        ({"src": b"169.254.0.1"}, False, True),
        ({"src": b"8.8.8.8"}, False, False),
        ({"src": b"127.0.0.1"}, True, True),
        ({"src": b"127.0.0.1", "in_": b"lo"}, False, False),
        ({"src": b"224.0.0.1"}, True, True),
        ({"src": b"0.0.0.0"}, True, True),
        ({"src": b"10.0.0.1", "in_": b"eth1"}, False, False),
        ({"src": b"10.0.0.1", "in_": b"br0", "physin": b"eth0"}, False, True),
        ({"src": b"10.0.0.1", "in_": b"", "out": b"eth0"}, False, False),
        ({"src": b"fe80::1", "dst": b"2001:db8::1"}, False, False),
        ({"src": b"fc00::1", "dst": b"2001:db8::1"}, False, True),
    ],
)
def test_sources_that_cannot_be(fields, here, wan):
    assert traffic.is_bogon(read(**fields), HERE) == here
    assert traffic.is_bogon(read(**fields), WAN) == wan
