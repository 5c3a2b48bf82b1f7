"""What the judges decide about single packets; how decisions become advice is for test_firewall."""

import pytest

from syslogparse.rules import traffic
from syslogparse.rules.judges import IPV6_NEEDS
from syslogparse.rules.model import FirewallRule, TcpFlags
from syslogparse.rules.network import Network
from tests.rules.make import packet, reasons, suggest, suggestions

SIX = {"src": b"2001:db8::2", "dst": b"2001:db8::1"}
UDP = {"proto": b"udp", "flags": b""}
ICMP = {"proto": b"icmp", "dpt": b"", "flags": b""}
ICMP6 = {"proto": b"icmpv6", "dpt": b"", "flags": b"", **SIX}
OUT = {"in_": b"", "out": b"eth0", "src": b"192.0.2.1", "dst": b"192.0.2.2"}
WAN = Network(wan=("eth0",))


@pytest.mark.parametrize(("prefix", "reason"), [(b"[UFW ALLOW]", "accepted already"), (b"[UFW AUDIT]", "logged for audit only")])
def test_accepted_packets_need_no_rule(prefix, reason):
    item = packet(prefix=prefix)
    assert reasons(item) == {reason: 1}
    assert reasons(item, intent="allow") == {reason: 1}
    assert suggest(item, intent="block").rule.target == "DROP"


@pytest.mark.parametrize("flags", [b"ACK SYN", b"RST", b"ACK RST", b"ACK FIN", b"ACK", b"ACK PSH", b"ECE ACK"])
@pytest.mark.parametrize("intent", ["auto", "allow", "block"])
def test_replies_and_leftovers_are_for_connection_tracking(flags, intent):
    (reason,) = reasons(packet(flags=flags), intent=intent)
    assert reason in traffic.ALWAYS


@pytest.mark.parametrize(
    ("flags", "match"),
    [
        (b"", TcpFlags(("ACK", "RST", "SYN"), ())),
        (b"FIN", TcpFlags(("ACK", "RST", "SYN"), ())),
        (b"URG PSH FIN", TcpFlags(("ACK", "RST", "SYN"), ())),
        (b"SYN FIN", TcpFlags(("SYN", "FIN"), ("SYN", "FIN"))),
        (b"SYN RST", TcpFlags(("RST", "SYN"), ("RST", "SYN"))),
        (b"URG ACK PSH RST SYN FIN", TcpFlags(("SYN", "FIN"), ("SYN", "FIN"))),
    ],
)
def test_impossible_flags_are_dropped_whoever_sends_them(flags, match):
    item = packet(flags=flags)
    one = suggest(item)
    assert one.rule == FirewallRule(4, "INPUT", "DROP", "tcp", in_iface="eth0", flags=match)
    assert (one.intent, one.risk, one.confidence) == ("block", "low", "high")
    assert suggest(item, intent="block").rule == one.rule
    assert reasons(item, intent="allow") == {"impossible TCP flags are never let in": 1}


@pytest.mark.parametrize("intent", ["auto", "allow", "block"])
def test_the_machine_never_shuts_itself_out(intent):
    item = packet(**OUT, flags=b"FIN")
    assert reasons(item, intent=intent) == {"impossible TCP flags that this machine sent itself": 1}


@pytest.mark.parametrize("flags", [b"SYN", b"CWR ECE SYN", b"SYN PSH"])
def test_connection_attempts_are_no_scans(flags):
    assert suggest(packet(flags=flags)).intent == "allow"


@pytest.mark.parametrize(
    ("fields", "dst"),
    [
        ({**UDP, "dst": b"224.0.0.251", "dpt": b"5353"}, "224.0.0.251"),
        ({**UDP, "src": b"0.0.0.0", "dst": b"255.255.255.255", "dpt": b"67"}, "255.255.255.255"),
        ({**UDP, "dst": b"192.0.2.255", "dpt": b"137"}, "192.0.2.255"),
        ({"proto": b"igmp", "dpt": b"", "flags": b"", "dst": b"224.0.0.1"}, "224.0.0.1"),
        ({**ICMP, "dst": b"224.0.0.2", "icmp_type": b"10", "icmp_code": b"0"}, "224.0.0.2"),
    ],
)
def test_noise_for_everybody_is_dropped_quietly(fields, dst):
    one = suggest(packet(**fields))
    assert (one.intent, one.risk, one.rule.target) == ("quiet", "low", "DROP")
    assert (one.rule.sources, one.rule.dst) == ((), dst)


def test_noise_is_riskier_to_drop_where_the_log_knows_less():
    def risk(**fields):
        return suggest(packet(**({**UDP, "dst": b"224.0.0.251", "dpt": b"5353"} | fields))).risk

    assert risk() == "low"
    assert risk(dpt=b"5004") == "medium"
    assert risk(prefix=b"seen") == "medium"
    assert risk(prefix=b"seen", dpt=b"5004") == "high"
    assert risk(proto=b"igmp", dpt=b"") == "low"
    assert risk(prefix=b"seen", proto=b"igmp", dpt=b"") == "high"
    assert risk(proto=b"ospf", dpt=b"") == "high"
    assert risk(prefix=b"seen", proto=b"ospf", dpt=b"") == "critical"
    assert risk(**OUT | {"dst": b"224.0.0.251"}) == "medium"


def test_noise_from_those_that_are_seen_where_somebody_is_never_to_be_blocked():
    one = suggest(packet(**UDP, dst=b"224.0.0.251", dpt=b"5353"), network=Network(never_block=("198.51.100.1",)))
    assert one.rule.sources == ("192.0.2.2",)


def test_an_address_that_only_ends_in_255_is_no_broadcast():
    assert suggest(packet(**UDP, dst=b"198.51.100.255", dpt=b"137")).intent == "allow"
    assert suggest(packet(**UDP, dst=b"192.0.2.255", dpt=b"9999")).intent == "allow"


@pytest.mark.parametrize("kind", sorted(IPV6_NEEDS))
@pytest.mark.parametrize("dst", [b"ff02::1", b"2001:db8::1"])
def test_what_ipv6_needs_is_never_dropped(kind, dst):
    item = packet(**{**ICMP6, "dst": dst, "icmp_type": b"%d" % kind, "icmp_code": b"0"})
    for intent in ("auto", "block"):
        assert reasons(item, intent=intent) == {"ICMPv6 message that IPv6 cannot do without": 1}
    assert suggest(item, intent="allow").rule.target == "ACCEPT"


def test_type_133_to_137_of_icmp_for_ipv4_is_not_neighbour_discovery():
    undefined = "ICMP type or code that is not defined: nobody needs it let in"
    assert reasons(packet(**ICMP, icmp_type=b"135")) == {undefined: 1}


@pytest.mark.parametrize("src", [b"127.0.0.1", b"224.0.0.1", b"255.255.255.255", b"0.0.0.0", b"240.0.0.1"])
def test_sources_that_cannot_be_are_blocked(src):
    one = suggest(packet(src=src))
    assert (one.intent, one.rule.target, one.rule.sources) == ("block", "DROP", (src.decode(),))
    assert one.rule.dst is None
    assert reasons(packet(src=src), intent="allow") == {"an impossible source address is never let in": 1}


def test_private_sources_are_forged_where_strangers_come_by():
    item = packet(src=b"10.1.1.1")
    assert suggest(item).intent == "allow"
    one = suggest(item, network=WAN)
    assert (one.intent, one.rule.sources) == ("block", ("10.1.1.1",))
    assert suggest(item, network=Network(wan=("eth0",), gateways=("10.1.1.1",))).intent == "allow"
    bridged = packet(src=b"10.1.1.1", in_=b"br0", out=b"br0", physin=b"eth0", physout=b"eth1")
    assert suggest(bridged, network=WAN).rule.physdev_in == "eth0"


def test_what_this_machine_begins_is_for_a_person_to_see():
    one = suggest(packet(**OUT, dpt=b"443"))
    assert (one.intent, one.rule.target, one.risk, one.rule.dst) == ("alert", "ACCEPT", "high", "192.0.2.2")
    assert suggest(packet(**OUT, dpt=b"443"), intent="allow").intent == "allow"
    assert suggest(packet(in_=b"", out=b"lo", src=b"127.0.0.1", dst=b"127.0.0.1")).intent == "allow"


def test_a_service_that_strangers_knock_on_is_blocked_by_port():
    def one(prefix, port):
        return suggest(*(packet(src=b"%d.1.1.1" % n, prefix=prefix, dpt=port) for n in range(20, 40)))

    rule = one(b"DROP", b"445").rule
    assert (rule.target, rule.ports, rule.sources) == ("DROP", ((445, 445),), ())
    assert one(b"DROP", b"445").risk == "low"
    assert one(b"seen", b"445").risk in ("medium", "high")
    assert one(b"DROP", b"22").risk in ("high", "critical")


def test_high_ports_are_closed_to_new_connections_only():
    one = suggest(*(packet(src=b"%d.1.1.1" % n, dpt=b"40000") for n in range(20, 40)))
    assert one.rule.flags == traffic.NEW_ONLY


def test_a_private_host_at_a_port_that_strangers_knock_on_is_not_one_of_them():
    items = [packet(src=b"%d.1.1.1" % n, dpt=b"445") for n in range(20, 40)]
    found = suggestions(*items, packet(3, src=b"10.0.0.5", dpt=b"445"))
    assert {one.rule.sources for one in found if one.intent == "allow"} == {("10.0.0.5",)}


def test_blocking_can_be_asked_for():
    one = suggest(packet(), intent="block")
    assert one.rule.target == "DROP"
    assert (one.intent, one.confidence) == ("block", "high")


def test_dropping_what_connections_need_is_risky():
    assert suggest(packet(**ICMP, icmp_type=b"3", icmp_code=b"4"), intent="block").risk == "high"
    assert reasons(packet(**ICMP, icmp_type=b"3", icmp_code=b"4")) == {traffic.ICMP_ERROR: 1}


def test_what_can_be_forged_is_said_of_blocks_that_were_asked_for():
    assert "forged" in suggest(packet(**UDP), intent="block").why
    assert "forged" not in suggest(packet(), intent="block").why
