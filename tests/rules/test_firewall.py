import time
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syslogparse.evidence.model import Evidence, NetfilterKey
from syslogparse.rules.firewall import MOST_WEAK, advise, natural_order
from syslogparse.rules.firewall_inforce import FirewallInForce
from syslogparse.rules.guard import GATEWAY
from syslogparse.rules.judges import IPV6_NEEDS
from syslogparse.rules.model import RISKS, FirewallRule, TcpFlags
from syslogparse.rules.network import Network
from syslogparse.rules.verdict import verdict
from syslogparse.rules.wanted import Wanted
from tests.rules.make import NETFILTER, evidence, likely, packet, suggest, suggestions

ICMP = {"proto": b"icmp", "dpt": b"", "flags": b""}
NEAR = {"src": b"10.1.1.1", "dst": b"10.1.1.2", "dpt": b"8080"}
OUT = {"in_": b"", "out": b"eth0", "src": b"192.0.2.1", "dst": b"192.0.2.2"}
TRUSTED = Network(trusted=("192.0.2.0/24", "10.0.0.0/8"))


def test_a_blocked_connection_is_let_in_as_narrowly_as_it_was_seen():
    one = suggest(packet(3))
    assert one.rule == FirewallRule(
        4, "INPUT", "ACCEPT", "tcp", in_iface="eth0", sources=("192.0.2.2",), dst="192.0.2.1", ports=((22, 22),)
    )
    assert (one.intent, one.risk, one.confidence, one.trust) == ("allow", "critical", "medium", "kern")
    assert one.why == "The packet filter refused it: inbound from a global address, SSH port."


@pytest.mark.parametrize(
    ("fields", "risk"),
    [
        (NEAR, "medium"),
        (NEAR | {"dpt": b"22"}, "critical"),
        ({"dpt": b"8080"}, "high"),
        ({"dpt": b"8080", "prefix": b"seen"}, "critical"),
        ({"in_": b"lo", "src": b"127.0.0.1", "dst": b"127.0.0.1", "dpt": b"8080"}, "low"),
        ({**ICMP, "icmp_type": b"8"}, "medium"),
        ({**ICMP, "icmp_type": b"5"}, "critical"),
        ({**ICMP, **NEAR, "dpt": b"", "icmp_type": b"5"}, "high"),
    ],
)
def test_the_risk_of_letting_in(fields, risk):
    one = suggest(packet(3, **fields))
    assert (one.rule.target, one.risk) == ("ACCEPT", risk)


def test_exact_gives_a_rule_for_each_thing_that_was_seen():
    items = [packet(3, dpt=b"%d" % port, **{key: NEAR[key] for key in ("src", "dst")}) for port in range(8080, 8085)]
    noise = [packet(src=b"10.1.1.%d" % n, dst=b"224.0.0.251", proto=b"udp", dpt=b"5353", flags=b"") for n in range(1, 4)]
    exact = advise([*items, *noise], Wanted(exact=True)).suggestions
    rules = [one.rule for one in exact if isinstance(one.rule, FirewallRule)]
    assert len(rules) == 8
    assert all(len(rule.sources) == 1 and len(rule.ports) == 1 and rule.dst for rule in rules)
    assert len(advise([*items, *noise]).suggestions) == 2


def test_exact_locks_nobody_out():
    strangers = [packet(prefix=b"DROP", src=b"%d.1.1.1" % n, dpt=b"445") for n in range(20, 40)]
    wanted = Wanted(exact=True, network=Network(gateways=("20.1.1.1",)))
    advice = advise(strangers, wanted)
    assert len(advice.suggestions) == 19
    assert advice.not_suggested == {GATEWAY: 1}


def test_who_is_trusted_is_let_in_at_less_risk_and_more_confidence():
    def grades(network, times=3, **fields):
        one = suggest(packet(times, **fields), network=network)
        return one.risk, one.confidence

    assert grades(Network()) == ("critical", "medium")
    assert grades(TRUSTED) == ("high", "high")
    assert grades(TRUSTED, **NEAR) == ("low", "high")
    assert grades(TRUSTED, 2, **NEAR) == ("high", "low")
    assert grades(Network(trusted=("192.0.2.0/32",))) == ("critical", "medium")


@pytest.mark.parametrize(("times", "prefix"), [(2, b"[UFW BLOCK]"), (99, b""), (99, b"seen")])
def test_without_three_refused_attempts_it_is_a_comment_of_low_confidence(times, prefix):
    one = suggest(packet(times, prefix=prefix, **NEAR))
    assert (one.intent, one.risk, one.confidence) == ("allow", "high", "low")


def test_only_attempts_that_were_refused_count():
    one = suggest(packet(2, **NEAR), packet(9, prefix=b"seen", **NEAR))
    assert (one.risk, one.confidence) == ("high", "low")
    one = suggest(packet(2, **NEAR), packet(1, prefix=b"DROP", **NEAR))
    assert (one.risk, one.confidence) == ("medium", "medium")


def test_letting_in_can_be_asked_for():
    one = suggest(packet(**NEAR), intent="allow")
    assert (one.risk, one.confidence) == ("medium", "high")
    assert suggest(packet(prefix=b"", **NEAR), intent="allow").confidence == "high"


def test_equal_rules_from_several_prefixes_are_one_suggestion():
    one = suggest(packet(), packet(prefix=b"DROP"), packet(prefix=b"seen"))
    assert one.evidence.count == 3


def test_many_ports_scanned_with_impossible_flags_are_one_rule():
    one = suggest(*(packet(flags=b"FIN", dpt=b"%d" % port) for port in range(1, 200)))
    assert one.evidence.count == 199


def test_noise_from_many_hosts_is_one_rule():
    noise = {"dst": b"224.0.0.251", "proto": b"udp", "dpt": b"5353", "flags": b""}
    one = suggest(*(packet(src=b"10.0.0.%d" % n, **noise) for n in range(50)))
    assert one.evidence.count == 50


def test_who_also_sends_impossible_flags_is_let_in_at_critical_risk_only():
    advice = suggestions(packet(3, dpt=b"8080", src=b"10.0.0.9"), packet(flags=b"FIN", src=b"10.0.0.9"))
    allow = next(one for one in advice if one.intent == "allow")
    assert (allow.risk, allow.confidence) == ("critical", "low")
    assert "impossible TCP flags" in allow.why


def test_a_scanner_is_let_in_only_when_it_is_asked_for_and_at_critical_risk():
    items = [packet(3, dpt=b"%d" % port, src=b"10.0.0.9") for port in range(8000, 8020)]
    assert {one.intent for one in suggestions(*items)} == {"block"}
    assert {(one.risk, one.confidence) for one in suggestions(*items, intent="allow")} == {("critical", "low")}


def test_what_this_machine_begins_is_an_alert_whatever_the_port():
    for port in (b"53", b"443", b"25", b"4444"):
        one = suggest(packet(3, **OUT, dpt=port))
        assert (one.intent, one.risk, one.confidence) == ("alert", "high", "medium")


class Policy:
    """A policy in force that answers the same to everything."""

    bases = ("there is one",)

    def __init__(self, *, settled=False, forbidden=False):
        self.settled, self.forbidden, self.silent = settled, forbidden, []

    def settles(self, rule, *, silently=False):
        self.silent.append(silently)
        return self.settled

    def forbids(self, rule):
        assert rule.target == "ACCEPT"
        return self.forbidden


def under(policy, *items):
    return advise(items, Wanted(firewall=cast("FirewallInForce", policy)))


def test_what_is_in_force_is_not_suggested_again_and_what_is_forbidden_never():
    noise = packet(dst=b"224.0.0.251", proto=b"udp", dpt=b"5353", flags=b"")
    bad = packet(flags=b"FIN")
    assert under(Policy(settled=True), packet()).suggestions == ()
    assert under(Policy(settled=True), packet()).not_suggested == {"settled by the policy in force": 1}
    forbidding = Policy(forbidden=True)
    assert under(forbidding, packet()).not_suggested == {"a rule of the policy in force refuses it explicitly": 1}
    assert len(under(forbidding, bad, noise).suggestions) == 2
    policy = Policy()
    under(policy, bad, noise)
    assert policy.silent == [False, True]


def test_trust_is_that_of_the_weakest_line():
    assert suggest(evidence(NETFILTER, grade="kernel"), evidence(NETFILTER, grade="syslog")).trust == "syslog"
    assert suggest(evidence(NETFILTER, grade="kernel")).trust == "kernel"


def test_the_natural_order_of_addresses_is_by_value():
    items = [packet(src=src, dpt=b"8080") for src in (b"10.0.0.10", b"10.0.0.9", b"9.0.0.1", b"100.0.0.1")]
    found = sorted((one.rule for one in suggestions(*items)), key=natural_order)
    assert [rule.sources[0] for rule in found] == ["9.0.0.1", "10.0.0.9", "10.0.0.10", "100.0.0.1"]


def test_the_natural_order_takes_any_rule():
    rules = [
        FirewallRule(4, "INPUT", "DROP", "tcp"),
        FirewallRule(4, "INPUT", "DROP", "tcp", dst="192.0.2.1", ports=((1, 2),)),
        FirewallRule(4, "INPUT", "DROP", "tcp", sources=("192.0.2.0/24", "198.51.100.1")),
        FirewallRule(4, "INPUT", "DROP", "tcp", flags=TcpFlags(("SYN",), ())),
    ]
    assert sorted(rules, key=natural_order) == sorted([rules[2], rules[3], rules[0], rules[1]], key=natural_order)


networks = st.builds(
    Network,
    own=st.sampled_from([(), ("192.0.2.1", "2001:db8::1")]),
    gateways=st.sampled_from([(), ("192.0.2.2",)]),
    never_block=st.sampled_from([(), ("10.0.0.0/8",)]),
    trusted=st.sampled_from([(), ("10.0.0.0/8",), ("0.0.0.0/0", "::/0")]),
    wan=st.sampled_from([(), ("eth0",), ("eth2",)]),
    scan_hosts=st.integers(1, 5),
    scan_ports=st.integers(1, 5),
)


@given(st.lists(likely, max_size=10), st.sampled_from(["auto", "allow", "block"]), networks)
def test_what_opens_names_everything_and_what_was_asked_is_done(items, intent, network):
    for one in suggestions(*items, intent=intent, network=network):
        rule = one.rule
        assert isinstance(rule, FirewallRule)
        if rule.target == "ACCEPT":
            assert one.intent in ("allow", "alert")
            assert rule.sources
            assert rule.dst is not None
            assert rule.proto not in ("tcp", "udp") or rule.ports
            assert rule.proto not in ("icmp", "icmpv6") or rule.icmp_type is not None
            assert intent != "block"
            assert one.intent == "allow" or (intent == "auto" and RISKS.index(one.risk) >= RISKS.index("high"))
        else:
            assert one.intent in ("block", "quiet")
            assert intent != "allow"
            assert rule.icmp_type not in IPV6_NEEDS or rule.family == 4
            assert rule.proto not in ("icmp", "icmpv6") or rule.icmp_type is not None
        assert (rule.in_iface is None) == (rule.chain == "OUTPUT")
        assert (rule.out_iface is None) == (rule.chain == "INPUT")


@given(st.lists(likely, max_size=10), networks)
def test_nothing_is_let_in_openly_without_three_refused_attempts(items, network):
    for one in suggestions(*items, network=network):
        if one.intent == "allow" and RISKS.index(one.risk) < RISKS.index("high"):
            refused = [
                item.attempts for item in items if isinstance(item.key, NetfilterKey) and verdict(item.key.prefix) == "refused"
            ]
            assert sum(refused) >= 3
            assert one.evidence.attempts >= 3


def test_a_hundred_thousand_keys_are_a_matter_of_seconds():
    def cost(count):
        items = [packet(src=b"20.%d.%d.7" % (n >> 8 & 255, n & 255), dpt=b"%d" % (n % 60000 + 1)) for n in range(count)]
        start = time.process_time()
        suggestions(*items)
        return time.process_time() - start

    assert cost(32_000) < 30 * max(cost(4_000), 0.05)


def test_what_little_speaks_for_is_bounded():
    items = [packet(1, src=b"198.51.%d.%d" % (n // 250, 1 + n % 250), dpt=b"%d" % (20000 + n)) for n in range(90)]
    advice = advise(items)
    weak = [one for one in advice.suggestions if one.confidence == "low" and one.intent == "allow"]
    assert len(weak) == MOST_WEAK
    assert advice.not_suggested["little speaks for it, and more of the same was asked for than is shown"] == 90 - MOST_WEAK
    assert len(advise(items, Wanted("allow")).suggestions) > MOST_WEAK


def advised(*items: Evidence) -> list[Any]:
    return list(advise(items).suggestions)


def test_a_line_that_anybody_can_write_hides_nothing_of_a_stronger_grade():
    scan = [evidence(NETFILTER._replace(src=b"203.0.113.7", dpt=b"%d" % port), grade="kern") for port in range(30)]
    forged = evidence(NETFILTER._replace(out=b"eth1", src=b"10.9.9.9"), grade="syslog")
    alone, beside = advise(scan), advise([*scan, forged])
    assert [one.rule for one in alone.suggestions] == [one.rule for one in beside.suggestions if one.intent == "block"]
    assert beside.not_suggested == alone.not_suggested == {}


def test_answers_are_told_by_what_is_as_hard_to_forge():
    probe = evidence(NETFILTER._replace(proto=b"udp", flags=b"", src=b"203.0.113.9", dpt=b"40000"), 3, grade="kern")
    asked = NETFILTER._replace(in_=b"", out=b"eth0", proto=b"udp", flags=b"", src=b"192.0.2.1", dst=b"203.0.113.9", dpt=b"9")
    forged, true = evidence(asked, grade="syslog"), evidence(asked, grade="kern")
    assert [one.intent for one in advised(probe, forged) if one.rule.chain == "INPUT"] == ["allow"]
    assert [one.intent for one in advised(probe, true) if one.rule.chain == "INPUT"] == []


def test_no_finding_is_hidden_by_many_others():
    decoys = [packet(2, **OUT | {"dst": b"203.0.%d.1" % n, "dpt": b"443"}) for n in range(60)]
    real = packet(**OUT | {"dst": b"198.51.100.66", "dpt": b"4444"})
    found = advised(*decoys, real)
    assert len([one for one in found if one.intent == "alert"]) == 61
    assert any(one.rule.dst == "198.51.100.66" for one in found)


def test_a_weak_allow_that_is_hard_to_forge_is_not_displaced():
    forged = [
        evidence(NETFILTER._replace(src=b"198.51.%d.%d" % (n // 250, 1 + n % 250), dpt=b"%d" % (20000 + n)), 2, grade="syslog")
        for n in range(90)
    ]
    true = evidence(NETFILTER._replace(src=b"203.0.113.5", dpt=b"9999"), grade="kern")
    assert any(one.rule.sources == ("203.0.113.5",) for one in advised(*forged, true))
