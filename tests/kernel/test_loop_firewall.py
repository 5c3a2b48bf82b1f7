"""From packets that a firewall refused and logged to rules that let in, or shut out, these and no others.

Each machine that is to be protected has the firewall of an administrator, in iptables or as /etc/nftables.conf: it lets one port
in, and logs and drops the rest. The rules are run as they were printed, with sh or nft -f.
"""

from __future__ import annotations

import re
import select
import socket
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.gold.printed import opened
from tests.kernel import loop
from tests.kernel.conftest import Network
from tests.kernel.kmsg import Ring
from tests.kernel.netns import Namespace

pytestmark = pytest.mark.root

WELCOME = 7000
"""The port that the administrator lets everybody in by."""
WANTED, NEXT = 5001, 5002
NEIGHBOUR, NEIGHBOUR6 = "10.81.1.3", "fd81:1::3"
"""Another host beside the client."""
PATIENCE = 0.6
"""Seconds for an answer from the next room. A SYN is sent again after one."""

FAMILIES = {4: socket.AF_INET, 6: socket.AF_INET6}
LANGUAGES = ["iptables", "nftables"]

_COMMANDS = """
{tool} -A {chain} -i lo -j ACCEPT
{tool} -A {chain} -p {icmp} -j ACCEPT
{tool} -A {chain} -p tcp ! --syn -j ACCEPT
{tool} -A {chain} -p tcp --dport 7000 -j ACCEPT
{tool} -A {chain} -j LOG --log-prefix "{prefix}"
{tool} -A {chain} -j DROP
"""
_REFUSE = """
        iifname "lo" accept
        meta l4proto {{ icmp, icmpv6 }} accept
        tcp flags & (syn | ack) == ack accept
        tcp flags & (syn | ack) == (syn | ack) accept
        tcp flags & rst == rst accept
        tcp dport 7000 accept
        log prefix "{prefix}"
"""
_TABLE = """
table inet filter {{
    chain input {{
        type filter hook input priority filter; policy {input}
    }}
    chain forward {{
        type filter hook forward priority filter; policy {forward}
    }}
    chain output {{
        type filter hook output priority filter; policy accept;
    }}
}}
"""


class Machine:
    """A machine with a firewall, and the kernel's log of what that refused."""

    def __init__(self, where: Namespace, language: str, chain: str, ring: Ring, prefix: str) -> None:
        self.where = where
        self.language = language
        self.chain = chain
        self.ring = ring
        self.prefix = prefix
        where.run("sh", "-e", text=self._policy()) if language == "iptables" else where.run("nft", "-f", "-", text=self._policy())

    def _policy(self) -> str:
        if self.language == "iptables":
            tools = {"iptables": "icmp", "ip6tables": "ipv6-icmp"}
            each = [_COMMANDS.format(tool=tool, chain=self.chain, icmp=icmp, prefix=self.prefix) for tool, icmp in tools.items()]
            return "".join(each)
        refuse = "drop;" + _REFUSE.format(prefix=self.prefix)
        both = {name: refuse if name.upper() == self.chain else "accept;" for name in ("input", "forward")}
        return _TABLE.format(**both)

    def clear(self) -> None:
        self.where.run("nft", "flush", "ruleset")

    def policy(self) -> str:
        """The rules in force, without counters."""
        return self.where.run("nft", "-s", "list", "ruleset")

    def lines(self, count: int) -> list[bytes]:
        found = self.ring.lines(lambda message: message.startswith(self.prefix.encode()), count)
        assert len(found) == count, found
        return found

    def is_silent(self) -> bool:
        return not self.ring.lines(lambda message: message.startswith(self.prefix.encode()), seconds=PATIENCE)

    def apply(self, rules: str) -> None:
        """Run the rules as they were printed."""
        if self.language == "iptables":
            assert self.where.run("sh", text=rules) == ""
        else:
            self.where.run("nft", "-f", "-", text=rules)

    def take_back(self, rules: str) -> None:
        """What the rules say of themselves that it takes them back."""
        if self.language == "iptables":
            head = rules.split("\n\n#")[1]
            self.where.run("sh", text=f"#{head}\nsyslogparse_undo\n")
            return
        for said in re.findall(r"(?m)^# To take back what drops: (nft .*)$", rules):
            self.where.run("sh", "-c", said)
        for chain in ("input", "forward", "output"):
            listed = self.where.run("nft", "-a", "list", "chain", "inet", "filter", chain)
            for own, handle in re.findall(r"jump (syslogparse\w+) # handle (\d+)", listed):
                self.where.run("nft", "delete", "rule", "inet", "filter", chain, "handle", handle)
                self.where.run("nft", "delete", "chain", "inet", "filter", own)


@pytest.fixture(scope="module")
def neighbourhood(network: Network) -> Network:
    """The network, with a second host where the client is."""
    network.client.run("ip", "address", "add", f"{NEIGHBOUR}/24", "dev", "c0")
    network.client.run("ip", "address", "add", f"{NEIGHBOUR6}/64", "dev", "c0", "nodad")
    return network


@pytest.fixture
def machine(neighbourhood: Network, ring: Ring, token: str, require_tool) -> Iterator[Callable[..., Machine]]:
    """A function that gives one machine its firewall; it is gone afterwards."""
    for tool in ("iptables", "ip6tables", "nft", "ipset"):
        require_tool(tool)
    made: list[Machine] = []

    def make(where: Namespace, language: str, chain: str = "INPUT") -> Machine:
        made.append(Machine(where, language, chain, ring, f"{token} BLOCK: "))
        return made[-1]

    yield make
    for each in made:
        each.clear()


@pytest.fixture
def advice(command: Path, tmp_path: Path) -> Callable[..., str]:
    """A function that gives the rules for what a machine logged, every mark removed."""

    def ask(machine: Machine, lines: list[bytes], *options: str) -> str:
        asked = ("-f", "rules", "--firewall", machine.language, *options)
        return opened(loop.run(command, lines, *asked, folder=tmp_path, enter=machine.where.enter))

    return ask


class Talk:
    """What the hosts of one family are called, and whether one gets through."""

    def __init__(self, network: Network, family: int) -> None:
        six = family == 6
        self.network = network
        self.family = FAMILIES[family]
        self.client = network.CLIENT6 if six else network.CLIENT
        self.neighbour = NEIGHBOUR6 if six else NEIGHBOUR
        self.server = network.SERVER6 if six else network.SERVER
        self.near = "fd81:1::/64" if six else "10.81.1.0/24"

    def passes(self, source: str, *ports: int) -> list[int]:
        """The ports by which the server gets a packet, which it then answers: nobody listens there."""
        return list(self.network.client.inside(partial(self._answered, source, ports)))

    def _answered(self, source: str, ports: Sequence[int]) -> list[int]:
        """All are tried at once: who is dropped has to be waited for."""
        tries = {socket.socket(self.family, socket.SOCK_STREAM | socket.SOCK_NONBLOCK): port for port in ports}
        for each, port in tries.items():
            each.bind((source, 0))
            each.connect_ex((self.server, port))
        until, open_ = time.monotonic() + PATIENCE, dict(tries)
        while open_ and (left := until - time.monotonic()) > 0:
            for each in select.select([], open_, [], left)[1]:
                del open_[each]
        return [port for each, port in tries.items() if each not in open_]


@pytest.mark.parametrize("family", [4, 6])
@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("chain", ["INPUT", "FORWARD"])
def test_what_was_refused_is_let_in_and_nothing_beside_it(neighbourhood, machine, advice, language: str, family: int, chain: str):
    talk = Talk(neighbourhood, family)
    guarded = machine(neighbourhood.server if chain == "INPUT" else neighbourhood.router, language, chain)
    before = guarded.policy()
    assert not talk.passes(talk.client, WANTED, WANTED, WANTED)
    rules = advice(guarded, guarded.lines(3), "--intent", "allow", "--trusted-net", talk.near)

    guarded.apply(rules)
    assert talk.passes(talk.client, WANTED)
    assert guarded.is_silent()
    assert talk.passes(talk.client, WANTED, NEXT) == [WANTED]
    assert not talk.passes(talk.neighbour, WANTED)
    guarded.lines(2)
    assert talk.passes(talk.neighbour, WELCOME)

    guarded.take_back(rules)
    assert not talk.passes(talk.client, WANTED)
    assert guarded.policy() == before


@pytest.mark.parametrize("family", [4, 6])
@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("chain", ["INPUT", "FORWARD"])
def test_who_scans_is_shut_out_and_nobody_else(neighbourhood, machine, advice, language: str, family: int, chain: str):
    talk = Talk(neighbourhood, family)
    guarded = machine(neighbourhood.server if chain == "INPUT" else neighbourhood.router, language, chain)
    before = guarded.policy()
    ports = range(6000, 6012)
    assert talk.passes(talk.client, *ports, WELCOME) == [WELCOME]
    rules = advice(guarded, guarded.lines(len(ports)), "--intent", "block")

    guarded.apply(rules)
    assert not talk.passes(talk.client, WELCOME, *ports)
    assert guarded.is_silent()
    assert talk.passes(talk.neighbour, WELCOME, ports[0]) == [WELCOME]
    guarded.lines(1)

    guarded.take_back(rules)
    assert talk.passes(talk.client, WELCOME)
    assert guarded.policy() == before


def says(family: int, to: str, port: int) -> Callable[[], None]:
    """One datagram, to a host or to everybody."""

    def act() -> None:
        with socket.socket(FAMILIES[family], socket.SOCK_DGRAM) as client:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
            if family == 6:
                client.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_IF, socket.if_nametoindex("c0"))
            else:
                client.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton(Network.CLIENT))
            client.bind(("", port))
            client.sendto(b"hello", (to, port))

    return act


NOISE: list[Any] = [
    (4, "224.0.0.251", 5353, Network.NEAR),
    (4, "10.81.1.255", 137, Network.NEAR),
    (6, "ff02::fb", 5353, Network.NEAR6),
]


@pytest.mark.parametrize(("family", "group", "port", "host"), NOISE, ids=["mdns", "netbios", "mdns6"])
@pytest.mark.parametrize("language", LANGUAGES)
def test_noise_is_no_longer_logged_and_what_is_meant_for_the_machine_still_is(
    neighbourhood, machine, advice, language: str, family: int, group: str, port: int, host: str
):
    router = neighbourhood.router
    joined = [] if group.endswith("255") else [group + ("/128" if family == 6 else "/32"), "dev", "r0"]
    if joined:  # as a program does that listens there
        router.run("ip", "address", "add", *joined, "autojoin")
    try:
        guarded = machine(router, language)
        before = guarded.policy()
        for _ in range(3):
            neighbourhood.client.inside(says(family, group, port))
        rules = advice(guarded, guarded.lines(3))

        guarded.apply(rules)
        neighbourhood.client.inside(says(family, group, port))
        assert guarded.is_silent()
        neighbourhood.client.inside(says(family, host, port))
        guarded.lines(1)

        guarded.take_back(rules)
        assert guarded.policy() == before
        neighbourhood.client.inside(says(family, group, port))
        guarded.lines(1)
    finally:
        if joined:
            router.run("ip", "address", "del", *joined)
