"""Packets that nft rules of the running kernel log, in every family that logs: the events are what the test sent."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

import pytest

from tests.kernel import packets
from tests.kernel.conftest import MACS, Network, held
from tests.kernel.kmsg import Fields, Ring, sent
from tests.kernel.netns import Namespace

pytestmark = pytest.mark.root


@contextmanager
def ruled(where: Namespace, family: str, chain: str, rule: str) -> Iterator[None]:
    """A table with one chain and one rule in a namespace."""
    where.run("nft", "-f", "-", text=f"table {family} sp {{\nchain c {{\n{chain};\n{rule}\n}}\n}}\n")
    try:
        yield
    finally:
        where.run("nft", "delete", "table", family, "sp")


def spoken(family: int, address: str, port: int) -> Callable[[], None]:
    def act() -> None:
        with socket.socket(family, socket.SOCK_DGRAM) as client:
            client.bind(("", 40000 + port))
            client.sendto(b"hello", (address, port))

    return act


FORWARD = "type filter hook forward priority 0"
OUTPUT = "type filter hook output priority 0"


@pytest.mark.parametrize("family", ["ip", "inet"])
def test_forwarded(network: Network, ring: Ring, token: str, require_tool, family: str):
    require_tool("nft")
    rule = f'meta l4proto udp meta mark set 0x7b log prefix "{token}: " level info flags all'
    with ruled(network.router, family, FORWARD, rule):
        network.client.inside(spoken(socket.AF_INET, network.SERVER, 501))
        fields = sent(ring, f"{token}: ", 1)
    assert fields == [
        {
            "in": "r0",
            "out": "r1",
            "mac_src": MACS["c0"],
            "mac_dst": MACS["r0"],
            "src": network.CLIENT,
            "dst": network.SERVER,
            "length": 33,
            "ttl": 63,
            "proto": "udp",
            "spt": 40501,
            "dpt": 501,
            "mark": "0x7b",
        }
    ]


@pytest.mark.parametrize("family", ["ip6", "inet"])
def test_forwarded_ipv6(network: Network, ring: Ring, token: str, require_tool, family: str):
    require_tool("nft")
    with ruled(network.router, family, FORWARD, f'udp dport 502 log prefix "{token}: "'):
        network.client.inside(spoken(socket.AF_INET6, network.SERVER6, 502))
        fields = sent(ring, f"{token}: ", 1)
    assert fields == [
        {
            "in": "r0",
            "out": "r1",
            "mac_src": MACS["c0"],
            "mac_dst": MACS["r0"],
            "src": network.CLIENT6,
            "dst": network.SERVER6,
            "length": 53,
            "ttl": 63,
            "proto": "udp",
            "spt": 40502,
            "dpt": 502,
        }
    ]


def test_who_sent_it(network: Network, ring: Ring, token: str, require_tool):
    require_tool("nft")

    def act() -> None:
        os.setgid(1234)
        os.setuid(4321)
        spoken(socket.AF_INET, network.SERVER, 503)()

    with ruled(network.client, "inet", OUTPUT, f'udp dport 503 log prefix "{token}: " flags skuid flags ip options'):
        network.client.inside(act)
        (fields,) = sent(ring, f"{token}: ", 1)
    assert (fields["uid"], fields["gid"], fields["out"], fields.get("in")) == (4321, 1234, "c0", None)


def test_at_the_card(network: Network, ring: Ring, token: str, require_tool):
    require_tool("nft")
    chain = 'type filter hook ingress device "s0" priority 0'
    with ruled(network.server, "netdev", chain, f'udp dport 504 log prefix "{token}: "'):
        network.client.inside(spoken(socket.AF_INET, network.SERVER, 504))
        (fields,) = sent(ring, f"{token}: ", 1)
    assert (fields["in"], fields["src"], fields["dst"], fields["dpt"]) == ("s0", network.CLIENT, network.SERVER, 504)


LONGEST = 127


def test_a_prefix_that_looks_like_the_fields(network: Network, ring: Ring, token: str, require_tool):
    require_tool("nft")
    prefix = f"{token} IN=eth9 OUT=eth8 SRC=6.6.6.6 DST=9.9.9.9 PROTO=TCP SPT=1 DPT=2 "
    with ruled(network.client, "ip", OUTPUT, f'udp dport 505 log prefix "{prefix}"'):
        network.client.inside(spoken(socket.AF_INET, network.SERVER, 505))
        (fields,) = sent(ring, prefix, 1)
    assert (fields["out"], fields["src"], fields["dst"], fields["proto"], fields["dpt"]) == (
        "c0",
        network.CLIENT,
        network.SERVER,
        "udp",
        505,
    )
    assert "in" not in fields


def test_the_longest_prefix(network: Network, ring: Ring, token: str, require_tool):
    require_tool("nft")
    prefix = token.ljust(LONGEST, "x")
    with ruled(network.client, "ip", OUTPUT, f'udp dport 506 log prefix "{prefix}"'):
        network.client.inside(spoken(socket.AF_INET, network.SERVER, 506))
        (fields,) = sent(ring, prefix, 1)
    assert (fields["out"], fields["dpt"]) == ("c0", 506)


@contextmanager
def bridged() -> Iterator[tuple[Namespace, Namespace, Namespace]]:
    """left l0 -- (b0 bridge b1) -- e0 right, in one network."""
    with ExitStack() as stack:
        left, bridge, right = (stack.enter_context(held()) for _ in range(3))
        bridge.run("ip", "link", "add", "br0", "type", "bridge", "forward_delay", "0")
        for end, card, port, address, mac in (
            (left, "l0", "b0", "10.82.0.1", "02:00:00:00:01:01"),
            (right, "e0", "b1", "10.82.0.2", "02:00:00:00:01:02"),
        ):
            peer = ("peer", "name", port, "netns", str(bridge.holder))
            end.run("ip", "link", "add", card, "address", mac, "type", "veth", *peer)
            end.run("ip", "address", "add", f"{address}/24", "dev", card)
            end.run("ip", "link", "set", card, "up")
            bridge.run("ip", "link", "set", port, "master", "br0", "up")
        bridge.run("ip", "link", "set", "br0", "up")
        for end, neighbour, mac, card in (
            (left, "10.82.0.2", "02:00:00:00:01:02", "l0"),
            (right, "10.82.0.1", "02:00:00:00:01:01", "e0"),
        ):
            end.run("ip", "neighbour", "replace", neighbour, "lladdr", mac, "dev", card)
        yield left, bridge, right


def from_left() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.bind(("10.82.0.1", 40507))
        for _ in range(3):
            client.sendto(b"hello", ("10.82.0.2", 507))


PACKET: Fields = {
    "mac_src": "02:00:00:00:01:01",
    "mac_dst": "02:00:00:00:01:02",
    "src": "10.82.0.1",
    "dst": "10.82.0.2",
    "length": 33,
    "ttl": 64,
    "proto": "udp",
    "spt": 40507,
    "dpt": 507,
}


def test_on_a_bridge(network: Network, ring: Ring, token: str, require_tool):
    require_tool("nft")
    rule = f'ip protocol udp log prefix "{token}: "'
    with bridged() as (left, bridge, _), ruled(bridge, "bridge", FORWARD, rule):
        left.inside(from_left)
        fields = sent(ring, f"{token}: ", 1)
    assert fields == [{"in": "b0", "out": "b1", **PACKET}]


def test_on_a_bridge_that_asks_iptables(network: Network, ring: Ring, token: str, require_tool, missing):
    require_tool("iptables")
    with bridged() as (left, bridge, _):
        try:
            bridge.switch("bridge/bridge-nf-call-iptables", "1")
        except AssertionError:
            missing("br_netfilter")
        bridge.run("iptables", "-w", "-A", "FORWARD", "-p", "udp", "-j", "LOG", "--log-prefix", f"{token}: ")
        left.inside(from_left)
        fields = sent(ring, f"{token}: ", 1)
    assert fields == [{"in": "br0", "out": "br0", "physin": "b0", "physout": "b1", **PACKET}]


def test_arp_is_no_packet_of_the_internet_protocol(network: Network, ring: Ring, token: str, require_tool):
    require_tool("nft")
    rule = f'log prefix "{token}: "'
    with ruled(network.client, "arp", "type filter hook output priority 0", rule):
        network.client.run("ip", "neighbour", "flush", "dev", "c0")
        network.client.inside(lambda: packets.send(packets.ip(17, packets.udp(40508, 508))))
        (fields,) = sent(ring, f"{token}: ", 1)
    assert fields["out"] == "c0"
    assert not {"in", "src", "dst", "spt", "dpt", "icmp_type", "ttl", "length", "tcp_flags"} & fields.keys()
