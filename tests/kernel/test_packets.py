"""Packets that iptables and ip6tables rules of the running kernel log: the events are what the test sent."""

from __future__ import annotations

import itertools
import os
import socket
import struct
from collections.abc import Callable
from contextlib import suppress
from typing import TypeAlias

import pytest

from tests.kernel import packets
from tests.kernel.conftest import MACS, Network
from tests.kernel.kmsg import Fields, Ring, sent
from tests.kernel.netns import Namespace

pytestmark = pytest.mark.root

Act: TypeAlias = Callable[[], object]

USER, GROUP = 4321, 1234


@pytest.fixture
def logged(network: Network, ring: Ring, token: str, require_tool) -> Callable[..., list[Fields]]:
    """A function that puts a LOG rule into a namespace, lets the client act, and gives the events that the kernel wrote.

    rule: [-t TABLE] CHAIN, what it matches, and LOG's own options behind. tool: iptables or ip6tables.
    """
    rules = itertools.count()

    def observe(where: Namespace, rule: str, act: Act, *, tool: str = "iptables", count: int = 1) -> list[Fields]:
        require_tool(tool)
        prefix = f"{token}.{next(rules)}: "
        matches, *options = rule.split(" --log-")
        words = matches.split()
        table, words = (words[:2], words[2:]) if words[0] == "-t" else ([], words)
        full = [*words, "-j", "LOG", "--log-prefix", prefix, *(f"--log-{option}" for option in options)]
        where.run(tool, "-w", *table, "-A", *full)
        try:
            network.client.inside(act)
            return sent(ring, prefix, count)
        finally:
            where.run(tool, "-w", *table, "-D", *full)

    return observe


def mac(source: str, target: str) -> Fields:
    return {"mac_src": MACS[source], "mac_dst": MACS[target]}


def connect(family: int, address: str, port: int, source: int) -> Callable[[], None]:
    """Try to open a connection as the user that the events are to name."""

    def act() -> None:
        os.setgid(GROUP)
        os.setuid(USER)
        with socket.socket(family, socket.SOCK_STREAM) as client, suppress(ConnectionRefusedError):
            client.bind(("", source))
            client.settimeout(5)
            client.connect((address, port))

    return act


def datagram(family: int, address: str, port: int, source: int, data: bytes) -> Callable[[], None]:
    def act() -> None:
        with socket.socket(family, socket.SOCK_DGRAM) as client:
            client.bind(("", source))
            client.settimeout(5)
            client.connect((address, port))
            client.send(data)
            with suppress(ConnectionRefusedError):
                client.recv(1)

    return act


SYN_LENGTH = 60
"""20 bytes of IP, 20 of TCP, 20 of options: segment size, SACK, time stamps, window scale."""


def test_connection_to_a_closed_port_as_sent(logged, network: Network):
    act = connect(socket.AF_INET, network.SERVER, 4001, 40001)
    assert logged(network.client, "OUTPUT -p tcp --log-uid --log-tcp-sequence --log-tcp-options", act) == [
        {
            "out": "c0",
            "src": network.CLIENT,
            "dst": network.SERVER,
            "length": SYN_LENGTH,
            "ttl": 64,
            "proto": "tcp",
            "spt": 40001,
            "dpt": 4001,
            "tcp_flags": ["SYN"],
            "uid": USER,
            "gid": GROUP,
        }
    ]


def test_connection_to_a_closed_port_as_forwarded(logged, network: Network):
    act = connect(socket.AF_INET, network.SERVER, 4002, 40002)
    there, back = logged(network.router, "FORWARD -p tcp --log-ip-options --log-tcp-sequence", act, count=2)
    assert there == {
        "in": "r0",
        "out": "r1",
        **mac("c0", "r0"),
        "src": network.CLIENT,
        "dst": network.SERVER,
        "length": SYN_LENGTH,
        "ttl": 63,
        "proto": "tcp",
        "spt": 40002,
        "dpt": 4002,
        "tcp_flags": ["SYN"],
    }
    assert back == {
        "in": "r1",
        "out": "r0",
        **mac("s0", "r1"),
        "src": network.SERVER,
        "dst": network.CLIENT,
        "length": 40,
        "ttl": 63,
        "proto": "tcp",
        "spt": 4002,
        "dpt": 40002,
        "tcp_flags": ["ACK", "RST"],
    }


def test_connection_as_it_arrives(logged, network: Network):
    act = connect(socket.AF_INET, network.SERVER, 4003, 40003)
    assert logged(network.server, "INPUT -p tcp", act) == [
        {
            "in": "s0",
            **mac("r1", "s0"),
            "src": network.CLIENT,
            "dst": network.SERVER,
            "length": SYN_LENGTH,
            "ttl": 63,
            "proto": "tcp",
            "spt": 40003,
            "dpt": 4003,
            "tcp_flags": ["SYN"],
        }
    ]


def test_datagram_and_the_icmp_error_with_the_inner_packet(logged, network: Network):
    act = datagram(socket.AF_INET, network.SERVER, 4004, 40004, b"x" * 33)
    packet = {"src": network.CLIENT, "dst": network.SERVER, "proto": "udp", "spt": 40004, "dpt": 4004, "length": 20 + 8 + 33}
    assert logged(network.client, "OUTPUT -p udp", act) == [{"out": "c0", "ttl": 64, **packet}]
    error = {"src": network.SERVER, "dst": network.CLIENT, "proto": "icmp", "icmp_type": 3, "icmp_code": 3, "length": 20 + 8 + 61}
    assert logged(network.client, "INPUT -p icmp", act) == [{"in": "c0", **mac("r0", "c0"), "ttl": 63, **error}]


def test_echo_and_its_answer(logged, network: Network):
    def act() -> None:
        packets.send(packets.ip(1, packets.icmp(8, 0, struct.pack(">HH", 77, 1) + b"x" * 20)))

    there, back = logged(network.router, "FORWARD -p icmp", act, count=2)
    both = {"proto": "icmp", "icmp_code": 0, "ttl": 63, "length": 48}
    ends = {"src": network.CLIENT, "dst": network.SERVER}
    assert there == {"in": "r0", "out": "r1", **mac("c0", "r0"), **ends, "icmp_type": 8, **both}
    ends = {"src": network.SERVER, "dst": network.CLIENT}
    assert back == {"in": "r1", "out": "r0", **mac("s0", "r1"), **ends, "icmp_type": 0, **both}


def test_time_exceeded_on_the_way(logged, network: Network):
    def act() -> None:
        packets.send(packets.ip(17, packets.udp(40005, 4005, b"abc"), ttl=1))

    assert logged(network.client, "INPUT -p icmp", act) == [
        {
            "in": "c0",
            **mac("r0", "c0"),
            "src": network.NEAR,
            "dst": network.CLIENT,
            "length": 20 + 8 + 31,
            "ttl": 64,
            "proto": "icmp",
            "icmp_type": 11,
            "icmp_code": 0,
        }
    ]


@pytest.mark.parametrize(
    ("flags", "names"),
    [
        (0, []),
        (packets.FIN, ["FIN"]),
        (packets.FIN | packets.PSH | packets.URG, ["URG", "PSH", "FIN"]),
        (0xFF, ["CWR", "ECE", "URG", "ACK", "PSH", "RST", "SYN", "FIN"]),
        (packets.SYN | packets.ACK, ["ACK", "SYN"]),
    ],
)
def test_flags(logged, network: Network, flags: int, names: list[str]):
    def act() -> None:
        packets.send(packets.ip(6, packets.tcp(40006, 4006, flags)))

    fields = logged(network.client, "OUTPUT -p tcp --log-tcp-sequence --log-tcp-options", act)[0]
    assert fields.pop("tcp_flags", []) == names
    assert fields == {
        "out": "c0",
        "src": network.CLIENT,
        "dst": network.SERVER,
        "length": 40,
        "ttl": 64,
        "proto": "tcp",
        "spt": 40006,
        "dpt": 4006,
    }


def test_options_of_ip_and_tcp(logged, network: Network):
    route = b"\x07\x0b\x04" + bytes(8) + b"\0"

    def act() -> None:
        segment = packets.tcp(40007, 4007, packets.SYN, options=b"\x02\x04\x05\xb4")
        packets.send(packets.ip(6, segment, options=route))

    assert logged(network.client, "OUTPUT -p tcp --log-ip-options --log-tcp-options --log-uid", act) == [
        {
            "out": "c0",
            "src": network.CLIENT,
            "dst": network.SERVER,
            "length": 20 + 12 + 24,
            "ttl": 64,
            "proto": "tcp",
            "spt": 40007,
            "dpt": 4007,
            "tcp_flags": ["SYN"],
            "uid": 0,
            "gid": 0,
        }
    ]


@pytest.mark.parametrize(
    ("number", "payload", "known"),
    [
        (2, b"\x16\0\0\0\xe0\0\0\xfb", {"proto": "igmp"}),
        (47, bytes(8), {"proto": "gre"}),
        (50, bytes(16), {"proto": "esp"}),
        (51, bytes(24), {"proto": "ah"}),
        (132, struct.pack(">HHII", 40008, 4008, 0, 0), {"proto": "sctp"}),
        (136, packets.udp(40008, 4008), {"proto": "udplite", "spt": 40008, "dpt": 4008}),
        (253, bytes(8), {"proto": "253"}),
    ],
)
def test_other_protocols(logged, network: Network, number: int, payload: bytes, known: Fields):
    fields = logged(network.client, f"OUTPUT -p {number}", lambda: packets.send(packets.ip(number, payload)))[0]
    packet = {"out": "c0", "src": network.CLIENT, "dst": network.SERVER, "length": 20 + len(payload), "ttl": 64}
    assert fields == {**packet, **known}


def test_a_later_fragment_has_no_ports(logged, network: Network):
    def act() -> None:
        packets.send(packets.ip(17, packets.udp(40009, 4009), fragment=100))

    packet = {"out": "c0", "src": network.CLIENT, "dst": network.SERVER, "length": 28, "ttl": 64, "proto": "udp"}
    assert logged(network.client, "OUTPUT -p udp", act) == [packet]


def test_a_header_cut_short_has_no_ports(logged, network: Network):
    def act() -> None:
        packets.send(packets.ip(6, b"\x9c\x4a\x0f\xaa"))

    packet = {"out": "c0", "src": network.CLIENT, "dst": network.SERVER, "length": 24, "ttl": 64, "proto": "tcp"}
    assert logged(network.client, "-t raw OUTPUT -d 10.81.2.2", act) == [packet]


def test_mark(logged, network: Network):
    def act() -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_MARK, 0x2A5)
            client.bind(("", 40010))
            client.sendto(b"hello", (network.SERVER, 4010))

    fields = logged(network.client, "-t mangle OUTPUT -p udp --log-uid", act)[0]
    assert (fields["mark"], fields["uid"], fields["gid"], fields["dpt"]) == ("0x2a5", 0, 0, 4010)


def test_loopback(logged, network: Network):
    act = datagram(socket.AF_INET, "127.0.0.1", 4011, 40011, b"")
    fields = logged(network.client, "INPUT -i lo -p udp", act)[0]
    assert fields == {
        "in": "lo",
        "mac_dst": "00:00:00:00:00:00",
        "mac_src": "00:00:00:00:00:00",
        "src": "127.0.0.1",
        "dst": "127.0.0.1",
        "length": 28,
        "ttl": 64,
        "proto": "udp",
        "spt": 40011,
        "dpt": 4011,
    }


def test_connection_over_ipv6(logged, network: Network):
    act = connect(socket.AF_INET6, network.SERVER6, 4012, 40012)
    ports = {"spt": 40012, "dpt": 4012, "tcp_flags": ["SYN"]}
    packet = {"src": network.CLIENT6, "dst": network.SERVER6, "proto": "tcp", "length": SYN_LENGTH + 20, **ports}
    rule = "OUTPUT -p tcp --log-uid --log-tcp-sequence --log-tcp-options"
    fields = logged(network.client, rule, act, tool="ip6tables")
    assert fields == [{"out": "c0", "ttl": 64, "uid": USER, "gid": GROUP, **packet}]
    there, back = logged(network.router, "FORWARD -p tcp", act, tool="ip6tables", count=2)
    assert there == {"in": "r0", "out": "r1", **mac("c0", "r0"), "ttl": 63, **packet}
    assert (back["src"], back["dst"], back["tcp_flags"]) == (network.SERVER6, network.CLIENT6, ["ACK", "RST"])


def test_datagram_over_ipv6_and_the_error(logged, network: Network):
    act = datagram(socket.AF_INET6, network.SERVER6, 4013, 40013, b"y" * 5)
    packet = {"src": network.CLIENT6, "dst": network.SERVER6, "proto": "udp", "spt": 40013, "dpt": 4013, "length": 40 + 8 + 5}
    assert logged(network.client, "OUTPUT -p udp", act, tool="ip6tables") == [{"out": "c0", "ttl": 64, **packet}]
    ends = {"src": network.SERVER6, "dst": network.CLIENT6, "length": 40 + 8 + 53}
    error = {**ends, "proto": "icmpv6", "icmp_type": 1, "icmp_code": 4}
    rule = "INPUT -p icmpv6 --icmpv6-type destination-unreachable"
    assert logged(network.client, rule, act, tool="ip6tables") == [{"in": "c0", **mac("r0", "c0"), "ttl": 63, **error}]


def test_echo_over_ipv6(logged, network: Network):
    def act() -> None:
        with socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6) as raw:
            raw.sendto(struct.pack(">BBHHH", 128, 0, 0, 7, 1) + b"z" * 8, (network.SERVER6, 0))

    there, back = logged(network.router, "FORWARD -p icmpv6", act, tool="ip6tables", count=2)
    both = {"proto": "icmpv6", "icmp_code": 0, "ttl": 63, "length": 40 + 16}
    ends = {"src": network.CLIENT6, "dst": network.SERVER6}
    assert there == {"in": "r0", "out": "r1", **mac("c0", "r0"), **ends, "icmp_type": 128, **both}
    ends = {"src": network.SERVER6, "dst": network.CLIENT6}
    assert back == {"in": "r1", "out": "r0", **mac("s0", "r1"), **ends, "icmp_type": 129, **both}
