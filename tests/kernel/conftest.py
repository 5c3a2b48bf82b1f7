"""What the tests against the running kernel share: its ring buffer, and a small network of their own.

Client, router and server are three namespaces in a row. Nothing of them has a name outside, and all of it is gone when the
processes that hold them are, whatever ends the tests.
"""

from __future__ import annotations

import fcntl
import os
import secrets
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import NoReturn

import pytest

from tests.kernel.kmsg import Ring
from tests.kernel.netns import Namespace

ALL_NAMESPACES = "/proc/sys/net/netfilter/nf_log_all_netns"
"""Whether the kernel logs packets of other namespaces than the first (Documentation/networking/netfilter-sysctl.rst)."""


class Network:
    """client c0 -- r0 router r1 -- s0 server. The MAC addresses end in what the card is called: 02:00:00:00:00:c0 and so on."""

    CLIENT = "10.81.1.2"
    NEAR = "10.81.1.1"
    FAR = "10.81.2.1"
    SERVER = "10.81.2.2"
    CLIENT6 = "fd81:1::2"
    NEAR6 = "fd81:1::1"
    FAR6 = "fd81:2::1"
    SERVER6 = "fd81:2::2"

    def __init__(self, client: Namespace, router: Namespace, server: Namespace) -> None:
        self.client = client
        self.router = router
        self.server = server


MACS = {"c0": "02:00:00:00:00:c0", "r0": "02:00:00:00:00:a0", "r1": "02:00:00:00:00:a1", "s0": "02:00:00:00:00:b0"}


@pytest.fixture(scope="session")
def missing(must_work: bool) -> Callable[[str], NoReturn]:
    """A function that says what this machine lacks: a reason to skip, or a failure."""

    def say(what: str) -> NoReturn:
        if must_work:
            pytest.fail(f"missing: {what}", pytrace=False)
        pytest.skip(f"missing: {what}")

    return say


@pytest.fixture
def ring(missing: Callable[[str], NoReturn]) -> Iterator[Ring]:
    """The ring buffer from here on."""
    try:
        opened = Ring()
    except OSError as error:
        missing(f"the kernel's ring buffer ({error})")
    yield opened
    opened.close()


@pytest.fixture
def token() -> str:
    """A word that nobody else's kernel message holds."""
    return "sp" + secrets.token_hex(4)


@contextmanager
def switched(path: str, value: str = "1") -> Iterator[None]:
    """A switch of the kernel on, and as it was before afterwards. Two test runs at once take turns. Raises OSError."""
    # Each write opens anew: the kernel takes a number at the beginning of the file only.
    with open(path, encoding="ascii") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        before = file.read()
        try:
            _write(path, f"{value}\n")
            yield
        finally:
            _write(path, before)


def _write(path: str, text: str) -> None:
    with open(path, "w", encoding="ascii") as file:
        file.write(text)


def _joined(stack: ExitStack) -> Network:
    network = Network(*[stack.enter_context(held()) for _ in range(3)])
    for left, right, here, there in (
        ("c0", "r0", network.client, network.router),
        ("r1", "s0", network.router, network.server),
    ):
        peer = ("peer", "name", right, "address", MACS[right], "netns", str(there.holder))
        here.run("ip", "link", "add", left, "address", MACS[left], "type", "veth", *peer)
    for where, card, address, address6 in (
        (network.client, "c0", Network.CLIENT, Network.CLIENT6),
        (network.router, "r0", Network.NEAR, Network.NEAR6),
        (network.router, "r1", Network.FAR, Network.FAR6),
        (network.server, "s0", Network.SERVER, Network.SERVER6),
    ):
        where.run("ip", "address", "add", f"{address}/24", "dev", card)
        where.run("ip", "address", "add", f"{address6}/64", "dev", card, "nodad")
        where.run("ip", "link", "set", card, "up")
    for where, gateway, gateway6 in (
        (network.client, Network.NEAR, Network.NEAR6),
        (network.server, Network.FAR, Network.FAR6),
    ):
        where.run("ip", "route", "add", "default", "via", gateway)
        where.run("ip", "-6", "route", "add", "default", "via", gateway6)
    network.router.switch("ipv4/ip_forward", "1")
    network.router.switch("ipv6/conf/all/forwarding", "1")
    for where in (network.client, network.router, network.server):
        # The kernel answers with an ICMP error to one address once a second only.
        where.switch("ipv4/icmp_ratelimit", "0")
        where.switch("ipv6/icmp/ratelimit", "0")
    network.client.inside(_wait_until_it_carries)
    return network


def _wait_until_it_carries() -> None:
    """New cards lose their first packets, and a packet sent again would be logged again."""
    for family, address in ((socket.AF_INET, Network.SERVER), (socket.AF_INET6, Network.SERVER6)):
        for _ in range(50):
            with socket.socket(family, socket.SOCK_STREAM) as probe:
                probe.settimeout(0.2)
                try:
                    probe.connect((address, 9))
                except ConnectionRefusedError:
                    break
                except OSError:
                    time.sleep(0.05)
        else:
            raise TimeoutError(f"no way from the client to {address}")


@contextmanager
def held() -> Iterator[Namespace]:
    namespace = Namespace()
    try:
        yield namespace
    finally:
        namespace.close()


@pytest.fixture(scope="module")
def network(missing: Callable[[str], NoReturn], require_tool) -> Iterator[Network]:
    """The three namespaces, joined and with the kernel logging in them."""
    require_tool("ip")
    with ExitStack() as stack:
        if not os.path.exists(ALL_NAMESPACES):
            missing("netfilter's logging in other network namespaces (nf_log_all_netns)")
        try:
            stack.enter_context(switched(ALL_NAMESPACES))
            joined = _joined(stack)
        except OSError as error:
            missing(f"network namespaces that log ({error})")
        yield joined
