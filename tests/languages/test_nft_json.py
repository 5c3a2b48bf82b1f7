"""nft's JSON, read back from the real tool and from what it does not print."""

from __future__ import annotations

import json
import time
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syslogparse.languages.nft_json import read
from syslogparse.languages.policy_words import Unreadable
from syslogparse.rules.firewall_inforce import Base, Rule, in_force
from syslogparse.rules.inforce_match import Bits, Names, Numbers
from syslogparse.rules.model import FirewallRule

FOUR, TCP = Numbers("family", ((4, 4),)), Numbers("protocol", ((6, 6),))
TABLE = {"table": {"family": "inet", "name": "t"}}
CHAIN = {"chain": {"family": "inet", "table": "t", "name": "c", "type": "filter", "hook": "input", "prio": 0, "policy": "drop"}}
OTHER = {"chain": {"family": "inet", "table": "t", "name": "other"}}
PORT = {"payload": {"protocol": "tcp", "field": "dport"}}


def rule(*expr, chain="c"):
    return {"rule": {"family": "inet", "table": "t", "chain": chain, "handle": 1, "expr": list(expr)}}


def document(*entries):
    return json.dumps({"nftables": [{"metainfo": {"version": "1.0.6"}}, *entries]}).encode()


def rules_of(*expr, more=()):
    return list(read(document(TABLE, CHAIN, OTHER, *more, rule(*expr))).chains["inet t c"])


def match(left, right, op="=="):
    return {"match": {"op": op, "left": left, "right": right}}


def jump(target):
    return {"jump": {"target": target}}


@pytest.mark.parametrize(
    ("expr", "found"),
    [
        ([{"accept": None}], [Rule("accept")]),
        ([{"drop": None}], [Rule("drop")]),
        ([{"reject": {"type": "icmpx", "expr": "admin-prohibited"}}], [Rule("drop")]),
        ([{"return": None}], [Rule("return")]),
        ([{"queue": {"num": 1}}], [Rule("unknown")]),
        ([jump("other")], [Rule("jump", target="inet t other")]),
        ([{"goto": {"target": "other"}}], [Rule("goto", target="inet t other")]),
        ([match(PORT, 22), {"counter": {"packets": 0, "bytes": 0}}, {"accept": None}],
         [Rule("accept", (TCP, Numbers("port", ((22, 22),))))]),
        ([match(PORT, 22), {"log": {"prefix": "x"}}, {"limit": {"rate": 3, "per": "second"}}, {"drop": None}],
         [Rule("log", (TCP, Numbers("port", ((22, 22),)))), Rule("drop", (TCP, Numbers("port", ((22, 22),))), ("limit",))]),
        ([match({"meta": {"key": "mark"}}, 1), {"drop": None}], [Rule("drop", (), ("match",))]),
        ([{"match": None}, {"drop": None}], [Rule("drop", (), ("match",))]),
        ([{"set": {"op": "add", "elem": 1, "set": "@s"}}, {"drop": None}], [Rule("drop", (), ("set",))]),
        ([{"set": {"op": "add", "elem": 1, "set": "@s"}}], []),
        ([{"counter": None}, {"mangle": {"key": {"meta": {"key": "mark"}}, "value": 1}}], []),
        ([{"unheard": 1}], [Rule("unknown", (), ("unheard",))]),
        (["x"], [Rule("unknown", (), ("a statement",))]),
        ([{"xt": {"type": "match", "name": "comment"}}, {"accept": None}], [Rule("accept")]),
        ([{"xt": {"type": "match", "name": "multiport"}}, {"accept": None}], [Rule("accept", (), ("xt",))]),
        ([{"xt": {"type": "target", "name": "LOG"}}], [Rule("log")]),
        ([{"xt": {"type": "target", "name": "REJECT"}}], [Rule("drop")]),
        ([{"xt": {"type": "target", "name": "TPROXY"}}], [Rule("unknown", (), ("xt",))]),
        ([{"xt": None}, {"accept": None}], [Rule("accept", (), ("xt",))]),
        ([{"accept": None}, {"drop": None}], [Rule("accept")]),
    ],
)  # fmt: skip
def test_a_rule(expr, found):
    assert rules_of(*expr) == found


def test_a_map_is_a_rule_for_each_value():
    states = [["invalid", {"drop": None}], ["new", {"continue": None}], [{"elem": {"val": "established"}}, jump("other")]]
    vmap = {"vmap": {"key": {"ct": {"key": "state"}}, "data": {"set": states}}}
    assert rules_of(vmap) == [Rule("drop", (Bits("state", 8),)), Rule("jump", (Bits("state", 2),), target="inet t other")]


def test_the_rest_of_a_map_comes_last():
    ports = [["*", {"drop": None}], [{"range": [1, 9]}, {"accept": None}]]
    found = rules_of({"vmap": {"key": PORT, "data": {"set": ports}}})
    assert found == [Rule("accept", (TCP, Numbers("port", ((1, 9),)))), Rule("drop", (TCP,))]


def test_named_sets_and_maps():
    named = {"set": {"family": "inet", "table": "t", "name": "s", "type": "inet_service", "elem": [22, {"range": [80, 90]}]}}
    later = {"element": {"family": "inet", "table": "t", "name": "s", "elem": [99]}}
    ports = {"map": {"family": "inet", "table": "t", "name": "m", "map": "verdict", "elem": [[22, {"drop": None}]]}}
    assert rules_of(match(PORT, "@s"), {"drop": None}, more=[later, named]) == [
        Rule("drop", (TCP, Numbers("port", ((22, 22), (80, 90), (99, 99)))))
    ]
    assert rules_of({"vmap": {"key": PORT, "data": "@m"}}, more=[ports]) == [Rule("drop", (TCP, Numbers("port", ((22, 22),))))]
    other = {"set": {**named["set"], "table": "elsewhere"}}
    assert rules_of(match(PORT, "@s"), {"drop": None}, more=[other]) == [Rule("drop", (), ("match",))]


def test_what_packets_put_into_a_set_is_not_known():
    dynamic = {"set": {"family": "inet", "table": "t", "name": "s", "flags": ["dynamic", "timeout"], "elem": [22]}}
    assert rules_of(match(PORT, "@s"), {"drop": None}, more=[dynamic]) == [Rule("drop", (), ("match",))]


def test_a_map_that_is_not_known_may_do_anything_that_it_says():
    joined = {"vmap": {"key": {"concat": [PORT, PORT]}, "data": {"set": [[{"concat": [1, 2]}, {"drop": None}]]}}}
    assert rules_of(joined) == [Rule("drop", (), ("vmap",))]
    assert rules_of({"vmap": {"key": PORT, "data": "@gone"}}) == [Rule("unknown")]
    assert rules_of({"vmap": {"key": PORT, "data": {"set": [[1, {"unheard": 1}], 2]}}}) == [Rule("unknown")]


def test_chains_that_the_kernel_calls():
    def chain(family, hook, kind="filter", **more):
        return {"chain": {"family": family, "table": "t", "name": f"{kind}{hook}", "type": kind, "hook": hook, **more}}

    tables = [{"table": {"family": family, "name": "t"}} for family in ("ip", "ip6", "inet", "bridge", "arp", "netdev")]
    chains = [
        chain("ip", "input", prio=-5, policy="drop"),
        chain("ip6", "output", prio=1),
        chain("inet", "forward"),
        chain("bridge", "forward", prio=-200),
        chain("arp", "input"),
        chain("netdev", "ingress"),
        chain("inet", "input", "nat"),
        chain("inet", "prerouting"),
    ]
    assert set(read(document(*tables, *chains)).bases) == {
        Base("ip t filterinput", "INPUT", (4,), "drop", -5),
        Base("ip6 t filteroutput", "OUTPUT", (6,), "accept", 1),
        Base("inet t filterforward", "FORWARD", (4, 6)),
        Base("bridge t filterforward", "FORWARD", (4, 6), "accept", -200, bridge=True),
    }


def test_a_dormant_table_does_nothing():
    asleep = {"table": {**TABLE["table"], "flags": ["dormant"]}}
    assert read(document(asleep, CHAIN, rule({"accept": None}))).bases == []


def test_no_packet_was_translated_where_no_rule_translates():
    status = match({"ct": {"key": "status"}}, "dnat", "in")
    assert rules_of(status, {"accept": None}) == [Rule("accept", (Numbers("protocol", ()),))]
    for translation in ({"dnat": {"addr": "10.0.0.1"}}, {"redirect": {"port": 80}}, {"xt": {"type": "target", "name": "DNAT"}}):
        assert rules_of(status, {"accept": None}, more=[rule(translation, chain="other")]) == [Rule("accept", (), ("match",))]
    assert rules_of(match({"ct": {"key": "status"}}, "dnat", "!="), {"accept": None}) == [Rule("accept", (), ("match",))]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (b"", "not what nft"),
        (b"{}", "not what nft"),
        (b'{"nftables": 1}', "not what nft"),
        (b'{"nftables": [{"rule": {"family": 1}}]}', "not what nft"),
        (b'{"nftables": [' + b"[" * 100_000, "not what nft"),
        (b'{"nftables": []}', "no table"),
        (b'{"nftables": ["\xff"]}', "not what nft"),
        (document(TABLE, rule({"accept": None})), "not listed"),
        (document(TABLE, CHAIN, rule({"jump": None})), "leads nowhere"),
    ],
)
def test_what_is_not_believed(text, words):
    with pytest.raises(Unreadable, match=words):
        read(text)


def test_maps_that_would_be_too_many_rules():
    ports = {"map": {"family": "inet", "table": "t", "name": "m", "elem": [[port, {"drop": None}] for port in range(60_000)]}}
    vmap = rule({"vmap": {"key": PORT, "data": "@m"}})
    with pytest.raises(Unreadable, match="more than 262144 rules"):
        read(document(TABLE, CHAIN, ports, *[vmap] * 20))


def test_a_set_that_many_rules_name_takes_seconds():
    elements = [f"10.{n >> 16}.{n >> 8 & 255}.{n & 255}" for n in range(0, 60_000, 2)]
    named = {"set": {"family": "inet", "table": "t", "name": "s", "type": "ipv4_addr", "elem": elements}}
    many = [
        rule(match({"payload": {"protocol": "ip", "field": "saddr"}}, "@s"), match(PORT, n), {"drop": None}) for n in range(5000)
    ]
    began = time.process_time()
    force = in_force([read(document(TABLE, CHAIN, named, *many))])
    wanted = FirewallRule(4, "INPUT", "ACCEPT", "tcp", "eth0", sources=("10.0.0.2",), ports=((7, 7),))
    assert force.forbids(wanted)
    assert not force.forbids(FirewallRule(4, "INPUT", "ACCEPT", "tcp", "eth0", sources=("10.0.0.3",), ports=((7, 7),)))
    assert time.process_time() - began < 15


_scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False)
_strings = st.sampled_from(["@s", "*", "10.0.0.1", "syn", "new", "eth*", ""])
_keys = st.sampled_from(
    "match op left right payload meta ct key vmap data set | & range prefix addr len elem val xt type jump target protocol field"
    " fib flags".split(" ")
)
_json = st.recursive(
    _scalars | _strings, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_keys, inner, max_size=3), max_leaves=12
)


@given(st.lists(_json, max_size=4))
def test_any_statements_are_read_or_refused(statements):
    try:
        in_force([read(document(TABLE, CHAIN, OTHER, rule(*statements)))])
    except (Unreadable, ValueError):
        return


@given(_json, _json, st.sampled_from(["==", "!=", "in", "<", ">=", "!", None]))
def test_any_comparison_is_read(left, right, op):
    (found,) = rules_of(match(left, right, op), {"drop": None})
    assert found.verdict == "drop"


RULESET = """
table inet filter {
  set bad { type ipv4_addr; flags interval, timeout; elements = { 192.0.2.0/24 timeout 1h, 198.51.100.7-198.51.100.9 } }
  map ports { type inet_service : verdict; elements = { 22 : accept, 23 : drop } }
  chain input {
    type filter hook input priority filter; policy drop;
    ct state vmap { established : accept, related : accept, invalid : drop }
    iifname "lo" accept
    iifname { "eth1", "wlan*" } tcp dport 8080 accept
    ip saddr @bad drop
    tcp flags & (fin|syn) == fin|syn drop
    ip6 saddr fe80::/10 udp sport 547 udp dport 546 accept
    tcp dport vmap @ports
    tcp dport { 80, 443, 1000-2000 } ct state new limit rate 3/minute accept
    meta l4proto { tcp, udp } th dport 53 accept
    icmp type { echo-request, destination-unreachable } accept
    icmpv6 type { nd-neighbor-solicit, echo-request } accept
    fib daddr type broadcast drop
    ip saddr 10.0.0.0/8 jump inside
    limit rate 3/second log prefix "end "
    reject with icmpx admin-prohibited
  }
  chain inside {
    tcp dport 25 goto more
    udp dport != 123 return
    accept
  }
  chain more {
    tcp flags syn / fin,syn,rst,ack accept
    ct state established accept
  }
}
"""


@pytest.mark.root
def test_what_nft_prints_of_a_whole_ruleset(in_own_namespace):
    printed = in_own_namespace("sh", "-c", "nft -f - && nft -j list ruleset", text=RULESET).stdout
    force = in_force([read(printed.encode())])

    def says(source, port=None, proto="tcp", face="eth0", target="ACCEPT", **more):
        family: Literal[4, 6] = 6 if ":" in source else 4
        ports = () if port is None else ((port, port),)
        here = "2001:db8::1" if family == 6 else "203.0.113.1"
        wanted = FirewallRule(family, "INPUT", target, proto, face, sources=(source,), dst=here, ports=ports, **more)
        return force.settles(wanted), force.forbids(wanted)

    settled, forbidden, neither = (True, False), (False, True), (False, False)
    assert says("198.51.100.1", 22) == settled
    assert says("198.51.100.1", 23) == forbidden
    assert says("198.51.100.1", 99) == neither
    assert says("198.51.100.8", 22) == forbidden
    assert says("192.0.2.77", 99) == forbidden
    assert says("198.51.100.1", 443) == neither
    assert says("198.51.100.1", 53, "udp") == settled
    assert says("198.51.100.1", 8080) == neither
    assert says("198.51.100.1", 8080, face="wlan7") == settled
    assert says("198.51.100.1", 9, face="lo") == settled
    assert says("198.51.100.1", None, "icmp", icmp_type=8, icmp_code=0) == settled
    assert says("198.51.100.1", None, "icmp", icmp_type=13) == neither
    assert says("2001:db8::2", None, "icmpv6", icmp_type=135) == settled
    assert says("2001:db8::2", None, "icmpv6", icmp_type=133) == neither
    assert says("10.1.2.3", 25) == settled
    assert says("10.1.2.3", 123, "udp") == settled
    assert says("10.1.2.3", 124, "udp") == neither
    assert says("fe80::2", 546, "udp") == neither
    assert says("192.0.2.77", 99, target="DROP")[0]
    assert says("198.51.100.1", 99, target="DROP")[0]
    assert not says("198.51.100.1", 22, target="DROP")[0]
    wide = Names("in_iface", frozenset({"eth1"}), ("wlan",))
    assert any(wide in rule.conditions for rule in read(printed.encode()).chains["inet filter input"])
