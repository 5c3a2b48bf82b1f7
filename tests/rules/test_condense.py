import gzip
import time
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from syslogparse.evidence.model import Evidence, Key
from syslogparse.rules import firewall
from syslogparse.rules.condense import MANY_GROUPS, condense, guarded
from syslogparse.rules.exposure import service_words
from syslogparse.rules.guard import ADMIN, Guard, is_group, matches_connections, peers_of
from syslogparse.rules.merge import merge_evidence
from syslogparse.rules.model import RISKS, Suggestion
from syslogparse.rules.network import Network, bounds
from syslogparse.rules.ports import places
from syslogparse.rules.wanted import Wanted
from tests.rules.make import events_of
from tests.rules.narrow import covers, few, few_rules, narrow, narrow_suggestions, rule

SOME = st.lists(narrow_suggestions(), max_size=40)
NETWORKS = st.sampled_from(
    [
        Network(),
        Network(own=("192.0.2.1",), gateways=("203.0.113.1",), resolvers=("203.0.113.2", "2001:db8::1"), admins=("203.0.113.3",)),
        Network(never_block=("203.0.113.4/30", "2001:db8::8/125"), admins=("7.7.7.1",), admin_ports=(2222,)),
        Network(never_block=("198.51.100.0/24",), scan_ports=2, scan_hosts=2),
        Network(never_block=("198.51.100.1",), gateways=("203.0.113.1",), admins=("203.0.113.3",), interfaces=("eth0", "p1")),
    ]
)


@given(SOME, NETWORKS, st.randoms())
def test_the_order_does_not_matter(parts, network, random):
    shuffled = random.sample(parts, len(parts))
    assert few(*shuffled, network=network) == few(*parts, network=network)


@given(SOME, NETWORKS)
def test_all_that_is_not_refused_is_covered_and_counted_once(parts, network):
    made, refused = few(*parts, network=network)
    assert sum(one.evidence.count for one in made) + sum(refused.values()) == len(parts)
    kept: list[Any] = guarded(parts, Guard(network), lambda *_: None)
    for part in kept:
        over = [one for one in made if one.intent == part.intent and covers(one.rule, part.rule)]
        assert over, part
        assert any(RISKS.index(one.risk) >= RISKS.index(part.risk) for one in over)


@given(SOME, NETWORKS)
def test_nobody_who_is_protected_is_covered(parts, network):
    guard = Guard(network)
    for one in few(*parts, network=network)[0]:
        if one.intent not in ("block", "quiet"):
            continue
        for peer in peers_of(one.rule):
            assert not guard.protected(one.rule).overlaps(bounds(peer))
        if not peers_of(one.rule):
            assert guard.may_be_from_anywhere(one.rule.family)
            closed = one.rule.ports or ((0, 65535),)
            assert (
                one.intent == "quiet"
                or one.rule.chain != "INPUT"
                or is_group(one.rule.dst)
                or not matches_connections(one.rule.flags)
                or one.rule.proto != "tcp"
                or not network.admins
                or not any(low <= 22 <= high for low, high in closed)
            )


@given(SOME, NETWORKS)
def test_every_rule_keeps_the_contract(parts, network):
    for one in few(*parts, network=network)[0]:
        assert places(one.rule.ports) <= 15
        assert all(high + 1 < low for (_, high), (low, _) in pairwise(one.rule.ports))
        ranges = [bounds(source) for source in one.rule.sources]
        assert {found.family for found in ranges} <= {one.rule.family}
        assert all(before.high < after.low for before, after in pairwise(ranges))
        assert one.why.endswith(".")
        assert one.why.isascii()


@given(SOME)
def test_what_opens_opens_no_more_than_what_came(parts):
    narrow_ones = [part for part in parts if part.intent in ("allow", "alert")]
    for one in few(*narrow_ones)[0]:
        ends = {(s, d) for part in narrow_ones if covers(one.rule, part.rule) for s in part.rule.sources for d in [part.rule.dst]}
        ports = {part.rule.ports for part in narrow_ones if covers(one.rule, part.rule)}
        assert sum(bounds(source).high - bounds(source).low + 1 for source in one.rule.sources) == len({s for s, _ in ends})
        assert sum(high - low + 1 for low, high in one.rule.ports) == len(ports - {()})


def test_one_suggestion_stays_as_it_is():
    one = narrow(risk="medium", why="It is bad.")
    assert few(one) == ([one], {})


def test_allows_of_one_source_and_destination_are_merged_over_ports():
    allow: dict[str, Any] = {"intent": "allow", "target": "ACCEPT", "risk": "high"}
    made, _ = few(*(narrow(port=port, **allow) for port in (80, 81, 443)), narrow(port=8080, **(allow | {"risk": "critical"})))
    assert [(one.rule.ports, one.risk) for one in made] == [(((8080, 8080),), "critical"), (((80, 81), (443, 443)), "high")]
    assert made[1].why == "It is bad; 3 ports of the same destination."
    said = [narrow(port=port, why=f"Refused: inbound{service_words(port)}; it scans.", **allow) for port in (21, 23, 80)]
    assert few(*said)[0][0].why == (
        "Refused: inbound; it scans; 3 ports of the same destination, among them those of FTP, Telnet."
    )
    wide = [narrow(port=port, why=f"Refused{service_words(port)}.", **allow) for port in range(512, 515)]
    many = [narrow(port=port, why=f"Refused{service_words(port)}.", **allow) for port in (21, 22, 23, 69, 111, 135, 137, 138)]
    assert few(*wide)[0][0].why == "Refused; 3 ports of the same destination, among them those of rexec, rlogin, rsh or syslog."
    assert few(*many)[0][0].why.endswith("FTP, SSH, Telnet, TFTP, portmapper, Windows RPC and 2 more.")
    assert few(said[0])[0] == [said[0]]
    others = [narrow(src="203.0.113.10", port=80, **allow), narrow(dst="192.0.2.2", port=80, **allow), narrow(port=80, **allow)]
    assert len(few_rules(*others)) == 3


def test_alerts_of_one_destination_and_port_are_one_finding():
    def alert(src, port=443):
        return narrow(src, "198.51.100.7", port, chain="OUTPUT", in_iface=None, out_iface="eth0", intent="alert", target="ACCEPT")

    made, _ = few(alert("192.0.2.2"), alert("192.0.2.3"), alert("192.0.2.9"), alert("192.0.2.2", 25))
    assert [(one.rule.sources, one.rule.ports) for one in made] == [
        (("192.0.2.2",), ((25, 25),)),
        (("192.0.2.2/31", "192.0.2.9"), ((443, 443),)),
    ]
    assert made[1].why == "It is bad; 3 sources."


def _noise(group, port=5353, src=None, **fields):
    return narrow(src, group, port, proto="udp", intent="quiet", **fields)


def test_noise_is_merged_by_group_and_port():
    made, _ = few(_noise("224.0.0.251"), _noise("224.0.0.251", 5355), _noise("239.255.255.250", 1900))
    assert [(one.rule.dst, one.rule.ports) for one in made] == [
        ("224.0.0.251", ((5353, 5353), (5355, 5355))),
        ("239.255.255.250", ((1900, 1900),)),
    ]
    assert made[0].why == "It is bad; 1 destination and 2 ports."


def test_noise_to_many_groups_is_quieted_for_all_of_them():
    groups = [f"224.0.0.{number}" for number in range(1, MANY_GROUPS + 1)]
    found = few_rules(*map(_noise, groups), _noise("192.0.2.255", 137))
    assert [(one.dst, one.ports) for one in found] == [("192.0.2.255", ((137, 137),)), ("224.0.0.0/4", ((5353, 5353),))]


def test_noise_is_quieted_by_source_where_somebody_must_never_be_blocked():
    parts = [_noise("224.0.0.251", src=f"192.0.2.{last}") for last in (8, 9, 20)]
    assert [one.sources for one in few_rules(*parts)] == [()]
    made, refused = few(*parts, _noise("224.0.0.251"), network=Network(never_block=("192.0.2.16/28",)))
    assert [one.rule.sources for one in made] == [("192.0.2.8/31",)]
    assert refused == {"a block would shut out addresses that --never-block names": 2}


def test_what_is_not_alike_is_kept_apart():
    different: list[dict[str, Any]] = [
        {},
        {"proto": "udp"},
        {"in_iface": "eth1"},
        {"chain": "FORWARD", "out_iface": "eth1"},
        {"chain": "FORWARD", "out_iface": "eth1", "physdev_in": "p1"},
        {"proto": "icmp", "port": None, "icmp_type": 8},
        {"proto": "icmp", "port": None, "icmp_type": 13},
        {"src": "2001:db8::1", "dst": "2001:db8::2"},
    ]
    parts = [narrow(**({"src": f"203.0.113.{last}"} | fields)) for last in (1, 5) for fields in different]
    assert len(few_rules(*parts)) == len(different)


def test_a_rule_that_is_not_narrow_passes_through():
    wide = narrow(sources=("203.0.113.1", "203.0.113.7"))
    assert few(wide, narrow(src="198.51.100.1"))[0] == [wide, narrow(src="198.51.100.1")]
    wider = narrow(sources=("10.0.0.0/8",))
    assert few(wider)[0] == [wider]
    protected = Network(admins=("203.0.113.7",))
    assert few_rules(wide, network=protected) == [rule(src="203.0.113.1")]
    assert few(wider, network=Network(admins=("10.9.9.9",))) == ([], {ADMIN: 1})


def test_a_flood_of_narrow_suggestions_takes_seconds():
    parts = [narrow(src=f"{1 + n % 199}.{n % 251}.{n % 241}.{n % 239}", port=n * 7 % 65536) for n in range(100_000)]
    start = time.process_time()
    made, _ = few(*parts)
    assert time.process_time() - start < 20
    assert len(made) < 10


def _folded(log: bytes) -> list[Evidence]:
    same: dict[Key, list[Evidence]] = {}
    for item in events_of(log):
        if item.kind == "netfilter":
            same.setdefault(item.key, []).append(item)
    return [merge_evidence(items) for items in same.values()]


@pytest.mark.corpora
def test_the_honeynet_needs_few_blocks(corpora, monkeypatch):
    came: list[list[Suggestion]] = []

    def kept(suggestions, *more):
        came.append(list(suggestions))
        return condense(came[-1], *more)

    monkeypatch.setattr(firewall, "condense", kept)
    evidence = _folded(gzip.decompress((corpora / "netfilter/honeynet-sotm34.log.gz").read_bytes()))
    blocks: list[Any] = [one for one in firewall.advise(evidence).suggestions if one.intent == "block"]
    assert sum(one.intent == "block" for one in came[0]) > 50_000
    assert len(blocks) <= 15
    closed = {port for one in blocks for low, high in one.rule.ports for port in range(low, high + 1) if not one.rule.sources}
    assert {135, 139, 445, 1433, 1434} <= closed
    start = time.process_time()
    condense(came[0], Network(), lambda *_: None)
    assert time.process_time() - start < 8


@pytest.mark.corpora
@pytest.mark.parametrize("name", ["iptables-6.12.log", "nftables-6.12.log", "ufw-6.1.0.log"])
@pytest.mark.parametrize("intent", ["auto", "allow", "block"])
def test_the_log_of_another_machine_gives_the_same_everywhere(corpora, name, intent):
    """Whoever reads it: a machine with the very addresses of the log's, and other interfaces."""
    evidence = _folded((corpora / "captured" / name).read_bytes())
    ends = ("192.0.2.1", "192.0.2.2", "2001:db8::1", "2001:db8::2", "fe80::a482:aeff:fe26:18c7")
    here = Network(own=ends, gateways=ends, resolvers=ends, admins=ends, admin_ports=(22, 80, 443), interfaces=("lo", "eth0"))
    said = [firewall.advise(evidence, Wanted(intent, network=network)) for network in (here, Network())]
    assert said[0] == said[1]
    assert said[0].suggestions
    assert firewall.advise(evidence, Wanted(intent, network=replace(here, interfaces=()))) != said[1]


@pytest.mark.corpora
def test_a_scan_takes_one_or_two_rules(corpora):
    files = sorted(path for path in (corpora / "netfilter/psad-scans").iterdir() if path.is_file())
    assert len(files) > 20
    for path in files:
        made = firewall.advise(_folded(path.read_bytes())).suggestions
        assert len([one for one in made if one.intent in ("block", "quiet")]) <= 2, path.name
