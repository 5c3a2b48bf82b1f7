import pytest
from hypothesis import given
from hypothesis import strategies as st

from syslogparse.rules.firewall import IPV6_NEEDS
from syslogparse.rules.model import FirewallRule
from tests.rules.make import NETFILTER, evidence, likely, packet, reasons, suggest, suggestions

SIX = {"src": b"2001:db8::2", "dst": b"2001:db8::1"}
ICMP = {"proto": b"icmp", "dpt": b"", "flags": b""}
ICMP6 = {"proto": b"icmpv6", "dpt": b"", "flags": b"", **SIX}


def test_a_blocked_connection_is_let_in_as_narrowly_as_it_was_seen():
    one = suggest(packet())
    assert one.rule == FirewallRule(
        4, "INPUT", "ACCEPT", "tcp", in_iface="eth0", sources=("192.0.2.2",), dst="192.0.2.1", ports=((22, 22),)
    )
    assert (one.intent, one.risk, one.confidence, one.trust) == ("allow", "critical", "medium", "kern")
    assert one.why == "The packet filter refused it: inbound from a global address, SSH port."


@pytest.mark.parametrize(
    ("fields", "risk"),
    [
        ({"src": b"10.1.1.1", "dst": b"10.1.1.2", "dpt": b"8080"}, "medium"),
        ({"src": b"10.1.1.1", "dst": b"10.1.1.2"}, "high"),
        ({"dpt": b"8080"}, "high"),
        ({"dpt": b"8080", "prefix": b"seen"}, "critical"),
        ({"in_": b"lo", "src": b"127.0.0.1", "dst": b"127.0.0.1", "dpt": b"8080"}, "low"),
        ({"in_": b"", "out": b"eth0", "dpt": b"443"}, "medium"),
        ({**ICMP, "icmp_type": b"8"}, "medium"),
        ({**ICMP, "icmp_type": b"5"}, "high"),
    ],
)
def test_the_risk_of_letting_in(fields, risk):
    one = suggest(packet(**fields))
    assert (one.rule.target, one.risk) == ("ACCEPT", risk)


def test_packets_that_were_only_logged_have_low_confidence():
    assert suggest(packet(prefix=b"")).confidence == "low"
    assert suggest(packet(prefix=b""), intent="allow").confidence == "high"


def test_equal_rules_from_several_prefixes_are_one_suggestion():
    one = suggest(packet(), packet(prefix=b"DROP"), packet(prefix=b"seen"))
    assert one.evidence.count == 3
    assert one.confidence == "medium"


@pytest.mark.parametrize(("prefix", "reason"), [(b"[UFW ALLOW]", "accepted already"), (b"[UFW AUDIT]", "logged for audit only")])
def test_accepted_packets_need_no_rule(prefix, reason):
    item = packet(prefix=prefix)
    assert reasons(item) == {reason: 1}
    assert reasons(item, intent="allow") == {reason: 1}
    assert suggest(item, intent="block").rule.target == "DROP"


@pytest.mark.parametrize("flags", [b"ACK SYN", b"RST", b"ACK RST", b"ACK FIN", b"ACK", b"ACK PSH", b"ECE ACK"])
@pytest.mark.parametrize("intent", ["auto", "allow", "block"])
def test_replies_and_leftovers_are_for_connection_tracking(flags, intent):
    assert reasons(packet(flags=flags), intent=intent) == {"reply to a connection, or a leftover of one": 1}


@pytest.mark.parametrize(
    "flags", [b"", b"FIN", b"URG PSH FIN", b"SYN FIN", b"SYN RST", b"URG ACK PSH RST SYN FIN", b"CWR", b"PSH"]
)
def test_impossible_flags_shut_out_their_source(flags):
    item = packet(flags=flags)
    one = suggest(item)
    assert one.rule == FirewallRule(4, "INPUT", "DROP", "tcp", in_iface="eth0", sources=("192.0.2.2",))
    assert (one.intent, one.risk) == ("block", "high")
    assert suggest(item, intent="block").rule == one.rule
    assert reasons(item, intent="allow") == {"impossible TCP flags are never let in": 1}


@pytest.mark.parametrize("intent", ["auto", "allow", "block"])
def test_the_machine_never_shuts_itself_out(intent):
    item = packet(in_=b"", out=b"eth0", flags=b"FIN")
    assert reasons(item, intent=intent) == {"impossible TCP flags that this machine sent itself": 1}
    assert suggest(packet(in_=b"lo", src=b"127.0.0.1", dst=b"127.0.0.1", flags=b"FIN")).risk == "critical"


def test_many_ports_scanned_with_impossible_flags_are_one_rule():
    one = suggest(*(packet(flags=b"FIN", dpt=b"%d" % port) for port in range(1, 200)))
    assert one.evidence.count == 199


@pytest.mark.parametrize("flags", [b"SYN", b"CWR ECE SYN", b"SYN PSH"])
def test_connection_attempts_are_no_scans(flags):
    assert suggest(packet(flags=flags)).intent == "allow"


def test_who_also_sends_impossible_flags_is_let_in_at_critical_risk_only():
    advice = suggestions(packet(dpt=b"8080", src=b"10.0.0.9"), packet(flags=b"FIN", src=b"10.0.0.9"))
    allow = next(one for one in advice if one.intent == "allow")
    assert allow.risk == "critical"
    assert "impossible TCP flags" in allow.why


@pytest.mark.parametrize(
    ("fields", "rule"),
    [
        (
            {"dst": b"224.0.0.251", "proto": b"udp", "dpt": b"5353"},
            FirewallRule(4, "INPUT", "DROP", "udp", in_iface="eth0", dst="224.0.0.251", ports=((5353, 5353),)),
        ),
        (
            {"src": b"0.0.0.0", "dst": b"255.255.255.255", "proto": b"udp", "dpt": b"67"},
            FirewallRule(4, "INPUT", "DROP", "udp", in_iface="eth0", dst="255.255.255.255", ports=((67, 67),)),
        ),
        (
            {"dst": b"192.0.2.255", "proto": b"udp", "dpt": b"137"},
            FirewallRule(4, "INPUT", "DROP", "udp", in_iface="eth0", dst="192.0.2.255", ports=((137, 137),)),
        ),
        (
            {**ICMP6, "dst": b"ff02::1", "icmp_type": b"128", "icmp_code": b"0"},
            FirewallRule(6, "INPUT", "DROP", "icmpv6", in_iface="eth0", dst="ff02::1", icmp_type=128, icmp_code=0),
        ),
    ],
)
def test_noise_for_everybody_is_dropped_quietly(fields, rule):
    one = suggest(packet(**fields))
    assert one.rule == rule
    assert (one.intent, one.risk) == ("quiet", "low")


def test_noise_from_many_hosts_is_one_rule():
    one = suggest(*(packet(src=b"10.0.0.%d" % n, dst=b"224.0.0.251", proto=b"udp", dpt=b"5353") for n in range(50)))
    assert one.evidence.count == 50


def test_an_address_that_only_ends_in_255_is_no_broadcast():
    assert suggest(packet(dst=b"198.51.100.255", proto=b"udp", dpt=b"137")).intent == "allow"
    assert suggest(packet(dst=b"192.0.2.255", proto=b"udp", dpt=b"9999")).intent == "allow"


@pytest.mark.parametrize("kind", sorted(IPV6_NEEDS))
@pytest.mark.parametrize("dst", [b"ff02::1", b"2001:db8::1"])
def test_what_ipv6_needs_is_never_dropped(kind, dst):
    item = packet(**{**ICMP6, "dst": dst, "icmp_type": b"%d" % kind, "icmp_code": b"0"})
    for intent in ("auto", "block"):
        assert reasons(item, intent=intent) == {"ICMPv6 message that IPv6 cannot do without": 1}
    assert suggest(item, intent="allow").rule.target == "ACCEPT"


def test_type_133_to_137_of_icmp_for_ipv4_is_not_neighbour_discovery():
    assert suggest(packet(**ICMP, icmp_type=b"135")).rule.icmp_type == 135


@pytest.mark.parametrize("src", [b"127.0.0.1", b"224.0.0.1", b"255.255.255.255", b"0.0.0.0", b"240.0.0.1"])
def test_sources_that_cannot_be_are_blocked(src):
    one = suggest(packet(src=src))
    assert (one.intent, one.rule.target, one.rule.src) == ("block", "DROP", src.decode())
    assert reasons(packet(src=src), intent="allow") == {"an impossible source address is never let in": 1}


def test_blocking_can_be_asked_for():
    one = suggest(packet(), intent="block")
    assert one.rule == FirewallRule(
        4, "INPUT", "DROP", "tcp", in_iface="eth0", sources=("192.0.2.2",), dst="192.0.2.1", ports=((22, 22),)
    )
    assert (one.intent, one.risk, one.confidence) == ("block", "low", "high")


def test_dropping_what_connections_need_is_risky():
    assert suggest(packet(**ICMP, icmp_type=b"3", icmp_code=b"4"), intent="block").risk == "high"
    assert suggest(packet(in_=b"lo", src=b"127.0.0.1", dst=b"127.0.0.1"), intent="block").risk == "high"
    assert suggest(packet(in_=b"", out=b"eth0"), intent="block").risk == "medium"
    assert suggest(packet(src=b"10.0.0.1"), intent="block").risk == "medium"


def test_trust_is_that_of_the_weakest_line():
    key = NETFILTER
    assert suggest(evidence(key, grade="kernel"), evidence(key, grade="syslog")).trust == "syslog"
    assert suggest(evidence(key, grade="kernel")).trust == "kernel"


def test_the_natural_order_of_addresses_is_by_value():
    items = [packet(src=src, dpt=b"8080") for src in (b"10.0.0.10", b"10.0.0.9", b"9.0.0.1", b"100.0.0.1")]
    assert [one.rule.sources[0] for one in suggestions(*items)] == ["10.0.0.9", "10.0.0.10", "9.0.0.1", "100.0.0.1"]


@given(st.lists(likely, max_size=10), st.sampled_from(["auto", "allow", "block"]))
def test_what_opens_names_everything_and_what_was_asked_is_done(items, intent):
    for one in suggestions(*items, intent=intent):
        rule = one.rule
        assert isinstance(rule, FirewallRule)
        if rule.target == "ACCEPT":
            assert one.intent == "allow"
            assert rule.sources
            assert rule.dst is not None
            assert rule.proto not in ("tcp", "udp") or rule.ports
            assert rule.proto not in ("icmp", "icmpv6") or rule.icmp_type is not None
            assert intent != "block"
        else:
            assert one.intent in ("block", "quiet")
            assert intent != "allow"
            assert rule.icmp_type not in IPV6_NEEDS or rule.family == 4
        assert (rule.in_iface is None) == (rule.chain == "OUTPUT")
        assert (rule.out_iface is None) == (rule.chain == "INPUT")
