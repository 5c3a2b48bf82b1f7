from ipaddress import IPv4Address, IPv6Address, ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syslogparse.rules.merge import Refused
from syslogparse.rules.packet import read_packet
from tests.rules.make import NETFILTER, netfilter_keys, packet, reasons


def read(**fields):
    return read_packet(NETFILTER._replace(**fields))


def why_refused(**fields):
    with pytest.raises(Refused) as caught:
        read(**fields)
    return caught.value.reason


@pytest.mark.parametrize(
    ("in_", "out", "chain"),
    [(b"eth0", b"", "INPUT"), (b"", b"eth0", "OUTPUT"), (b"eth0", b"eth1", "FORWARD"), (b"br0", b"br0", "FORWARD")],
)
def test_the_chain_comes_from_the_interfaces(in_, out, chain):
    assert read(in_=in_, out=out).chain == chain


@pytest.mark.parametrize("name", [b"eth+", b"-j", b"!eth0", b"a b", b"a/b", b"x" * 16, b"\xff", b"a\n", b"e;id", b"$x", b"a:1"])
def test_interface_names_that_mean_something_to_a_program_are_refused(name):
    assert why_refused(in_=name) == "interface name that a rule cannot hold"
    assert why_refused(physin=name) == "interface name that a rule cannot hold"


@pytest.mark.parametrize("name", [b"lo", b"eth0", b"eth0.100", b"veth@if3", b"br-3f", b"wg_1", b"a+b", b"x" * 15])
def test_interface_names_of_real_life(name):
    assert read(in_=name).in_iface == name.decode()


def test_bridge_ports_go_where_the_kernel_takes_them():
    ports = {"physin": b"eth1", "physout": b"eth2"}
    assert read(in_=b"br0", out=b"br0", **ports)[6:8] == ("eth1", "eth2")
    assert read(in_=b"br0", out=b"", **ports)[6:8] == ("eth1", None)
    assert read(in_=b"", out=b"br0", **ports)[6:8] == (None, None)


@given(st.ip_addresses())
def test_addresses_are_those_of_ipaddress(address):
    other = b"192.0.2.1" if address.version == 4 else b"2001:db8::1"
    found = read(src=str(address).encode(), dst=other, flags=b"SYN").src
    assert (found.text, found.value, found.family) == (str(address), int(address), address.version)


@given(st.text("0123456789abcdef:.%/ -x", max_size=20) | st.from_regex(r"(\d{1,4}\.){3}\d{1,4}", fullmatch=True))
def test_what_ipaddress_refuses_is_no_address(text):
    try:
        ip_address(text)
        good = "%" not in text
    except ValueError:
        good = False
    try:
        read(src=text.encode(), dst=text.encode())
        taken = True
    except Refused:
        taken = False
    assert taken == good


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"src": b""}, "no source or no destination address"),
        ({"dst": b"2001:db8::1"}, "source and destination of different families"),
        ({"in_": b""}, "no interface"),
        ({"proto": b"arp"}, "ARP is not for this packet filter"),
        ({"proto": b""}, "no protocol"),
        ({"proto": b"0"}, "protocol that a rule cannot hold"),
        ({"proto": b"256"}, "protocol that a rule cannot hold"),
        ({"proto": b"all"}, "protocol that a rule cannot hold"),
        ({"proto": b"icmpv6"}, "protocol that does not go with the address family"),
        ({"dpt": b""}, "no destination port"),
        ({"dpt": b"65536"}, "port that is none"),
        ({"dpt": b"022"}, "port that is none"),
        ({"dpt": b"-1"}, "port that is none"),
        ({"dpt": "٢٢".encode()}, "port that is none"),
        ({"proto": b"icmp"}, "no ICMP type"),
        ({"proto": b"icmp", "icmp_type": b"256"}, "ICMP type or code that is none"),
        ({"proto": b"icmp", "icmp_type": b"8", "icmp_code": b"x"}, "ICMP type or code that is none"),
        ({"proto": b"icmp", "icmp_type": b"255"}, "ICMP type 255 would match every type"),
        ({"flags": b"SYN EVIL"}, "TCP flags that are none"),
    ],
)
def test_refusals(fields, reason):
    assert why_refused(**fields) == reason
    assert reasons(packet(**fields)) == {reason: 1}


def test_protocols_by_name_and_number():
    assert read(proto=b"gre", dpt=b"").proto == "gre"
    assert read(proto=b"47", dpt=b"").proto == "gre"
    assert read(proto=b"253", dpt=b"").proto == "253"
    assert read(proto=b"4", dpt=b"").proto == "ipip"
    assert read(proto=b"gre", dpt=b"22").dport is None


def test_the_port_that_answers_is_only_believed_where_it_can_be_one():
    answer = {"proto": b"udp", "dpt": b"40000", "flags": b""}
    assert read(**answer, spt=b"53").asked == 53
    for fields in ({"spt": b"54"}, {"spt": b"x"}, {"dpt": b"53"}, {"proto": b"tcp"}):
        assert read(**({"spt": b"53"} | answer | fields)).asked is None


def test_icmpv6_type_255_is_a_type_like_others():
    six = {"src": b"2001:db8::1", "dst": b"2001:db8::2"}
    assert read(proto=b"icmpv6", icmp_type=b"255", **six).icmp_type == 255


@given(netfilter_keys)
def test_any_key_is_a_packet_or_refused(key):
    try:
        found = read_packet(key)
    except Refused:
        return
    assert found.src.family == found.dst.family == found.family
    for end in (found.src, found.dst):
        assert str(IPv4Address(end.text) if end.family == 4 else IPv6Address(end.text)) == end.text
