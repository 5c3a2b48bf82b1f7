"""What packets a suggestion is about."""

from __future__ import annotations

import pytest

from syslogparse.rules.inforce_match import ADDRESS_TYPES, ANY_FLAGS, ANY_TYPE, STATES, TCP_FLAGS
from syslogparse.rules.inforce_packets import followers, openers, shut_out
from syslogparse.rules.model import FirewallRule, TcpFlags

RULE = FirewallRule(4, "INPUT", "ACCEPT", "tcp", "eth0", sources=("192.0.2.0/24",), dst="198.51.100.1", ports=((22, 23),))


def _has(flags, *names):
    return bool(flags >> sum(TCP_FLAGS[name] for name in names) & 1)


def test_an_opening_packet_of_tcp_has_syn_and_no_ack():
    (box,) = openers(RULE)
    assert box.state == STATES["NEW"]
    assert _has(box.flags, "SYN")
    assert _has(box.flags, "SYN", "ECE", "CWR")
    assert not _has(box.flags, "SYN", "ACK")
    assert not _has(box.flags, "SYN", "FIN")
    assert not _has(box.flags)


def test_a_following_packet_of_tcp_has_ack():
    (box,) = followers(RULE)
    assert box.state == STATES["ESTABLISHED"]
    assert _has(box.flags, "ACK")
    assert _has(box.flags, "FIN", "ACK")
    assert not _has(box.flags, "SYN", "ACK")
    assert not _has(box.flags)


def test_what_is_shut_out_is_new_with_valid_flags_or_invalid_with_any():
    new, invalid = shut_out(RULE)
    assert new.state == STATES["NEW"]
    assert _has(new.flags, "ACK")
    assert not _has(new.flags, "FIN", "PSH", "URG")
    assert invalid.state == STATES["INVALID"]
    assert invalid.flags == ANY_FLAGS


def test_flags_of_the_rule_leave_the_packets_that_have_them():
    xmas = FirewallRule(4, "INPUT", "DROP", "tcp", "eth0", dst="198.51.100.1", flags=TcpFlags(("FIN", "SYN", "ACK"), ("FIN",)))
    (box,) = shut_out(xmas)
    assert box.state == STATES["INVALID"]
    assert _has(box.flags, "FIN", "URG")
    assert not _has(box.flags, "FIN", "ACK")


def test_addresses_and_ports_are_ranges():
    (box,) = openers(RULE)
    assert box.source == (0xC0000200, 0xC00002FF)
    assert box.destination == (0xC6336401, 0xC6336401)
    assert box.port == (22, 23)
    assert box.source_port == (0, 65535)
    assert (box.in_iface, box.out_iface) == ("eth0", "")


def test_each_source_and_range_of_ports_is_a_box_of_its_own_up_to_a_bound():
    def many(count):
        sources = tuple(f"10.0.{number >> 8}.{number & 255}" for number in range(0, 2 * count, 2))
        return FirewallRule(4, "INPUT", "ACCEPT", "udp", "eth0", sources=sources, dst="10.1.1.1", ports=((1, 1), (3, 3)))

    assert len(openers(many(2048))) == 4096
    (box,) = openers(many(2049))
    assert box.source == (0x0A000000, 0x0A001000)
    assert box.port == (1, 3)


@pytest.mark.parametrize(
    ("family", "proto", "kind", "state"),
    [
        (4, "icmp", 8, "NEW"),
        (4, "icmp", 0, "INVALID"),
        (4, "icmp", 3, "INVALID"),
        (6, "icmpv6", 128, "NEW"),
        (6, "icmpv6", 135, "UNTRACKED"),
        (6, "icmpv6", 1, "INVALID"),
        (4, "igmp", None, "NEW"),
        (4, "47", None, "NEW"),
    ],
)
def test_the_state_of_a_first_packet(family, proto, kind, state):
    rule = FirewallRule(family, "INPUT", "ACCEPT", proto, "eth0", icmp_type=kind)
    assert {box.state for box in openers(rule)} == {STATES[state]}
    assert bool(followers(rule)) == (state == "NEW")


def test_a_packet_that_came_by_no_bridge_has_no_bridge_port():
    assert openers(RULE)[0].physdev_in == ""
    bridged = FirewallRule(4, "FORWARD", "ACCEPT", "tcp", "br0", "br0", physdev_in="veth0")
    assert (openers(bridged)[0].physdev_in, openers(bridged)[0].physdev_out) == ("veth0", None)


@pytest.mark.parametrize(
    ("family", "chain", "dst", "kinds"),
    [
        (4, "INPUT", "192.0.2.1", {"LOCAL"}),
        (4, "INPUT", "192.0.2.255", {"LOCAL", "BROADCAST"}),
        (4, "INPUT", "192.0.2.0/25", {"LOCAL"}),
        (4, "INPUT", "255.255.255.255", {"BROADCAST"}),
        (4, "INPUT", "224.0.0.251", {"MULTICAST"}),
        (4, "INPUT", None, {"LOCAL", "BROADCAST", "MULTICAST"}),
        (6, "INPUT", "ff02::1", {"MULTICAST"}),
        (6, "INPUT", "2001:db8::ff", {"LOCAL"}),
        (4, "FORWARD", "192.0.2.1", {"UNICAST"}),
        (4, "OUTPUT", "192.0.2.1", {"UNICAST"}),
    ],
)
def test_what_the_routing_table_calls_the_destination(family, chain, dst, kinds):
    rule = FirewallRule(family, chain, "DROP", "udp", "eth0", "eth1", dst=dst)
    boxes = shut_out(rule)
    assert {box.destination_type for box in boxes} == {ADDRESS_TYPES[kind] for kind in kinds}


@pytest.mark.parametrize(
    ("chain", "face", "source", "kind"),
    [
        ("INPUT", "eth0", "192.0.2.1", ADDRESS_TYPES["UNICAST"]),
        ("INPUT", "lo", "192.0.2.1", ADDRESS_TYPES["LOCAL"]),
        ("OUTPUT", "eth0", "192.0.2.1", ADDRESS_TYPES["LOCAL"]),
        ("INPUT", "eth0", "127.0.0.1", ANY_TYPE),
        ("INPUT", "eth0", "0.0.0.0", ANY_TYPE),
        ("INPUT", "eth0", "240.0.0.1", ANY_TYPE),
    ],
)
def test_what_the_routing_table_calls_the_source(chain, face, source, kind):
    assert openers(FirewallRule(4, chain, "ACCEPT", "udp", face, sources=(source,), dst="192.0.2.9"))[0].source_type == kind


def test_only_protocols_with_states_have_packets_of_no_connection():
    udp = FirewallRule(4, "INPUT", "DROP", "udp", "eth0", dst="192.0.2.9")
    assert [box.state for box in shut_out(udp)] == [STATES["NEW"]]
