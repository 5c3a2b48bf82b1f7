"""Keys and values of nft's JSON."""

from __future__ import annotations

import pytest

from syslogparse.languages.nft_keys import Key, NamedSets, conditions, key
from syslogparse.languages.policy_words import Unknown
from syslogparse.rules.inforce_match import ANY_FLAGS, ANY_STATE, ANY_TYPE, STATES, TCP_FLAGS, Bits, Names, Numbers, headers

SADDR = {"payload": {"protocol": "ip", "field": "saddr"}}
DPORT = {"payload": {"protocol": "tcp", "field": "dport"}}
FLAGS = {"payload": {"protocol": "tcp", "field": "flags"}}
STATE = {"ct": {"key": "state"}}
IN = {"meta": {"key": "iifname"}}
FOUR, TCP = Numbers("family", ((4, 4),)), Numbers("protocol", ((6, 6),))
SYN, ACK, FIN = (TCP_FLAGS[name] for name in ("SYN", "ACK", "FIN"))
HOST = (0x0A000001, 0x0A000001)


def said(left, right, op="==", sets=None):
    return conditions(key(left), op, right, sets or NamedSets())


@pytest.mark.parametrize(
    ("left", "op", "right", "found"),
    [
        (SADDR, "==", "10.0.0.1", (FOUR, Numbers("source", (HOST,)))),
        (SADDR, "!=", {"prefix": {"addr": "10.0.0.0", "len": 8}},
         (FOUR, Numbers("source", ((0x0A000000, 0x0AFFFFFF),), inverted=True))),
        (SADDR, "==", {"set": ["10.0.0.1", {"range": ["10.0.0.2", "10.0.0.9"]}]},
         (FOUR, Numbers("source", ((0x0A000001, 0x0A000009),)))),
        (SADDR, "==", {"set": [{"elem": {"val": "10.0.0.1", "timeout": 60, "expires": 59}}]}, (FOUR, Numbers("source", (HOST,)))),
        (SADDR, "==", {"set": "10.0.0.1"}, (FOUR, Numbers("source", (HOST,)))),
        (SADDR, "==", {"set": ["*"]}, (FOUR, Numbers("source", ((0, 2**32 - 1),)))),
        ({"payload": {"protocol": "ip6", "field": "daddr"}}, "==", "::1",
         (Numbers("family", ((6, 6),)), Numbers("destination", ((1, 1),)))),
        ({"payload": {"protocol": "ip", "field": "protocol"}}, "==", "icmp", (FOUR, Numbers("protocol", ((1, 1),)))),
        (DPORT, "==", 22, (TCP, Numbers("port", ((22, 22),)))),
        (DPORT, "==", {"range": [1, 9]}, (TCP, Numbers("port", ((1, 9),)))),
        (DPORT, ">=", 1024, (TCP, Numbers("port", ((1024, 65535),)))),
        (DPORT, "<", 0, (TCP, Numbers("port", ()))),
        (DPORT, ">", 1, (TCP, Numbers("port", ((2, 65535),)))),
        (DPORT, "<=", 1, (TCP, Numbers("port", ((0, 1),)))),
        ({"payload": {"protocol": "th", "field": "sport"}}, "==", 53, (Numbers("source_port", ((53, 53),)),)),
        ({"meta": {"key": "l4proto"}}, "==", {"set": ["tcp", "udp"]}, (Numbers("protocol", ((6, 6), (17, 17))),)),
        ({"meta": {"key": "nfproto"}}, "==", "ipv4", (FOUR,)),
        ({"meta": {"key": "protocol"}}, "==", "ip6", (Numbers("family", ((6, 6),)),)),
        ({"meta": {"key": "protocol"}}, "==", "arp", (Numbers("family", ((0, 0),)),)),
        ({"payload": {"protocol": "icmp", "field": "type"}}, "==", "echo-request",
         (FOUR, Numbers("protocol", ((1, 1),)), Numbers("icmp_type", ((8, 8),)))),
        ({"payload": {"protocol": "icmpv6", "field": "code"}}, "==", 4,
         (Numbers("family", ((6, 6),)), Numbers("protocol", ((58, 58),)), Numbers("icmp_code", ((4, 4),)))),
        (IN, "==", "eth0", (Names("in_iface", frozenset({"eth0"})),)),
        (IN, "!=", {"set": ["lo", "wlan*"]}, (Names("in_iface", frozenset({"lo"}), ("wlan",), inverted=True),)),
        ({"meta": {"key": "oif"}}, "==", "lo", (Names("out_iface", frozenset({"lo"})),)),
        (STATE, "in", ["established", "related"], (Bits("state", 6),)),
        (STATE, "in", "new", (Bits("state", 1),)),
        (STATE, "==", {"set": ["new", "invalid"]}, (Bits("state", 9),)),
        (STATE, "in", {"|": ["established", "related"]}, (Bits("state", 6),)),
        (STATE, "!=", "new", (Bits("state", ANY_STATE & ~STATES["NEW"]),)),
        (FLAGS, "in", "syn", (TCP, Bits("flags", ANY_FLAGS & ~headers(SYN, 0)))),
        (FLAGS, "!", ["fin", "syn"], (TCP, Bits("flags", headers(SYN | FIN, 0)))),
        (FLAGS, "==", 0, (TCP, Bits("flags", 1))),
        ({"&": [FLAGS, ["syn", "ack"]]}, "==", "syn", (TCP, Bits("flags", headers(SYN | ACK, SYN)))),
        ({"&": [FLAGS, {"|": [{"|": ["syn", "ack"]}, "fin"]}]}, "!=", {"|": ["syn", "ack"]},
         (TCP, Bits("flags", ANY_FLAGS & ~headers(SYN | ACK | FIN, SYN | ACK)))),
        ({"fib": {"result": "type", "flags": ["daddr"]}}, "==", "local", (Bits("destination_type", 4),)),
        ({"fib": {"result": "type", "flags": "saddr"}}, "!=", {"set": ["local"]}, (Bits("source_type", ANY_TYPE & ~4),)),
        ({"meta": {"key": "pkttype"}}, "==", {"set": ["broadcast", "multicast"]}, (Bits("destination_type", 8 | 32),)),
    ],
)  # fmt: skip
def test_a_comparison(left, op, right, found):
    assert said(left, right, op) == found


@pytest.mark.parametrize(
    ("left", "op", "right"),
    [
        (None, "==", 1),
        ([], "==", 1),
        ({}, "==", 1),
        ({"payload": None}, "==", 1),
        ({"payload": {"protocol": [], "field": {}}}, "==", 1),
        ({"payload": {"base": "th", "offset": 0, "len": 8}}, "==", 1),
        ({"payload": {"protocol": "ip", "field": "ttl"}}, "==", 1),
        ({"meta": {"key": "mark"}}, "==", 1),
        ({"meta": {"key": ["mark"]}}, "==", 1),
        ({"ct": {"key": "state", "dir": "original"}}, "==", "new"),
        ({"fib": {"result": "type", "flags": ["daddr", "iif"]}}, "==", "local"),
        ({"concat": [SADDR, DPORT]}, "==", {"set": [{"concat": ["10.0.0.1", 22]}]}),
        ({"&": [SADDR, "255.0.0.0"]}, "==", "10.0.0.0"),
        ({"&": [FLAGS]}, "==", "syn"),
        ({"&": [FLAGS, "x"]}, "==", "syn"),
        (SADDR, "==", "::1"),
        (SADDR, "==", "host"),
        (SADDR, "==", 1),
        (SADDR, "==", "@missing"),
        (SADDR, "==", {"prefix": {"addr": "10.0.0.0", "len": 33}}),
        (SADDR, "==", {"prefix": {"addr": "10.0.0.0", "len": "8"}}),
        (SADDR, "==", {"prefix": {}}),
        (SADDR, "==", {"prefix": [1]}),
        (SADDR, "==", {"range": ["10.0.0.2", "10.0.0.1"]}),
        (SADDR, "==", {"range": 1}),
        (SADDR, "==", {"other": 1}),
        (SADDR, ["=="], "10.0.0.1"),
        (SADDR, None, "10.0.0.1"),
        (DPORT, "==", "ssh"),
        (DPORT, "==", 65536),
        (DPORT, "==", True),
        (DPORT, "==", 1.5),
        (IN, "==", 3),
        (IN, "==", ""),
        (IN, ">", "eth0"),
        (STATE, "==", ["new", "established"]),
        (STATE, "in", "dnat"),
        (STATE, "in", [1]),
        (STATE, "<", "new"),
        (FLAGS, "in", "x"),
        (FLAGS, "<", "syn"),
        (FLAGS, "in", [{"a": []}]),
        ({"fib": {"result": "type", "flags": "daddr"}}, "==", "x"),
        ({"fib": {"result": "type", "flags": "daddr"}}, "<", "local"),
    ],
)
def test_what_is_not_known(left, op, right):
    with pytest.raises(Unknown):
        said(left, right, op)


def test_a_named_set_is_read_once():
    sets = NamedSets()
    sets["a"] = ["10.0.0.1"]
    first, again = (said(SADDR, "@a", sets=sets)[1] for _ in range(2))
    assert isinstance(first, Numbers)
    assert isinstance(again, Numbers)
    assert first.spans is again.spans
    assert said(SADDR, "@a", "!=", sets)[1] == Numbers("source", (HOST,), inverted=True)


def test_many_flags_joined_two_at_a_time():
    deep: object = "syn"
    for _ in range(5000):
        deep = {"|": [deep, "ack"]}
    assert key({"&": [FLAGS, deep]}) == Key("flags", (TCP,), mask=SYN | ACK)
