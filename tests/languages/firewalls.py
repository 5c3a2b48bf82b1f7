"""Firewall rules for the tests of the languages: one of each shape, and a strategy for any."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import IPv4Network, IPv6Network, collapse_addresses
from typing import Any, Literal

from hypothesis import strategies as st

from syslogparse.rules.model import FirewallRule, TcpFlags
from syslogparse.rules.packet import PROTOCOLS

FLAGS = ("FIN", "SYN", "RST", "PSH", "ACK", "URG")
NULL = TcpFlags(FLAGS, ())
SYN_FIN = TcpFlags(("FIN", "SYN"), ("FIN", "SYN"))
FIN_ALONE = TcpFlags(("FIN", "ACK"), ("FIN",))
FOUR = ("10.0.0.1", "192.0.2.0/25", "198.51.100.7")
SIX = ("2001:db8::1", "2001:db8:1::/48", "::")
PORTS = ((22, 22), (80, 90), (443, 443))

RICH = [
    FirewallRule(4, "INPUT", "DROP", "tcp", in_iface="eth0", sources=FOUR, ports=PORTS),
    FirewallRule(4, "INPUT", "DROP", "tcp", in_iface="eth0", sources=FOUR, dst="203.0.113.0/24", ports=((0, 65535),)),
    FirewallRule(6, "INPUT", "DROP", "udp", in_iface="eth0", sources=SIX[:2], ports=((53, 53),)),
    FirewallRule(6, "INPUT", "ACCEPT", "tcp", in_iface="eth0", sources=SIX[:2], dst="2001:db8::9", ports=PORTS),
    FirewallRule(4, "INPUT", "ACCEPT", "tcp", in_iface="eth0", sources=("192.0.2.0/31",), ports=((1, 2),)),
    FirewallRule(4, "INPUT", "DROP", "tcp", in_iface="eth0", flags=NULL),
    FirewallRule(4, "INPUT", "DROP", "tcp", in_iface="eth0", sources=("192.0.2.1",), ports=((1, 1), (3, 3)), flags=SYN_FIN),
    FirewallRule(6, "FORWARD", "DROP", "tcp", "eth0", "eth1", sources=SIX, flags=FIN_ALONE),
    FirewallRule(4, "FORWARD", "DROP", "tcp", "br0", "br0", "e1", "e2", sources=FOUR, ports=PORTS),
    FirewallRule(4, "FORWARD", "ACCEPT", "udp", "br0", "br0", "e1", "e2", sources=FOUR, dst="10.0.0.2", ports=PORTS),
    FirewallRule(
        4, "OUTPUT", "ACCEPT", "udp", out_iface="eth0", dst="192.0.2.0/24", ports=tuple((n, n) for n in range(1, 30, 2))
    ),
    FirewallRule(6, "OUTPUT", "DROP", "icmpv6", out_iface="eth0", sources=SIX[:2], icmp_type=128, icmp_code=0),
    FirewallRule(4, "INPUT", "DROP", "icmp", in_iface="eth0", sources=FOUR, icmp_type=8),
    FirewallRule(4, "INPUT", "DROP", "gre", in_iface="eth0", sources=FOUR),
]
"""Several sources, networks, ports, ranges and flags, in each family, chain and target."""

MANY = FirewallRule(
    4, "INPUT", "DROP", "tcp", in_iface="eth0", ports=((22, 22),), sources=tuple(f"10.{n >> 8}.{n & 255}.1" for n in range(300))
)
MANY_SIX = FirewallRule(
    6,
    "FORWARD",
    "ACCEPT",
    "udp",
    "eth0",
    "eth1",
    ports=((53, 53),),
    sources=tuple(f"2001:db8:0:{n:x}::/64" for n in range(1, 300)),
)

HOSTILE = [
    "$(id)",
    "a b",
    'a"b',
    "a'b",
    "a;id",
    "`id`",
    "-j",
    "a\nb",
    "a*",
    "",
    "x" * 16,
    "a{b",
    "a#b",
    "a\\b",
    "a|b",
    "a\u202eb",
]
"""Names of interfaces that no maker of rules lets through."""


def _networks(family: int) -> st.SearchStrategy[tuple[str, ...]]:
    kind: Any = IPv4Network if family == 4 else IPv6Network
    bits = 32 if family == 4 else 128

    def network(value: int, length: int) -> Any:
        return kind((value >> (bits - length) << (bits - length), length))

    def collapsed(some: Sequence[Any]) -> tuple[str, ...]:
        found = sorted(collapse_addresses(some))
        return tuple(str(one.network_address) if one.prefixlen == bits else str(one) for one in found if one.prefixlen)

    some = st.builds(network, st.integers(0, 2**bits - 1), st.integers(1, bits) | st.just(bits))
    return st.lists(some, max_size=6).map(collapsed)


@st.composite
def port_lists(draw: st.DrawFn) -> tuple[tuple[int, int], ...]:
    """Rising ranges that are apart from each other and take fifteen places at most."""
    ends = sorted(draw(st.sets(st.integers(0, 65535), min_size=1, max_size=15)))
    found, places, index = [], 0, 0
    while index < len(ends) and places < 14:
        wide = index + 1 < len(ends) and draw(st.booleans())
        found.append((ends[index], ends[index + wide]))
        places, index = places + 1 + wide, index + 1 + wide
    return tuple(found)


flag_matches = st.builds(
    lambda mask, wanted: TcpFlags(tuple(mask), tuple(flag for flag in mask if flag in wanted)),
    st.sets(st.sampled_from(FLAGS), min_size=1).map(sorted),
    st.sets(st.sampled_from(FLAGS)),
)
names = st.sampled_from(["eth0", "v-a.b@7", "a+b", "_x", "0a", "fwd", "proto"])


@st.composite
def rules(draw: st.DrawFn) -> FirewallRule:
    """Any rule that the model allows."""
    families: tuple[Literal[4, 6], ...] = (4, 6)
    chains: tuple[Literal["INPUT", "OUTPUT", "FORWARD"], ...] = ("INPUT", "OUTPUT", "FORWARD")
    family, chain = draw(st.sampled_from(families)), draw(st.sampled_from(chains))
    others = [name for name in PROTOCOLS if name not in ("icmp", "icmpv6", "igmp") and (family, name) != (6, "ah")]
    proto = draw(st.sampled_from(["tcp", "udp", "icmp" if family == 4 else "icmpv6", *others, "253"]))
    kind = draw(st.none() | st.integers(0, 254)) if proto.startswith("icmp") else None
    bridged = chain != "OUTPUT" and draw(st.booleans())
    sources = draw(_networks(family))
    return FirewallRule(
        family=family,
        chain=chain,
        target=draw(st.sampled_from(["ACCEPT", "DROP"])),
        proto=proto,
        in_iface=draw(names) if chain != "OUTPUT" else None,
        out_iface=draw(names) if chain != "INPUT" else None,
        physdev_in=draw(names) if bridged else None,
        physdev_out=draw(st.none() | names) if bridged and chain == "FORWARD" else None,
        sources=sources,
        dst=draw(st.none() | _networks(family).map(lambda some: some[0] if some else None)),
        ports=draw(port_lists()) if proto in ("tcp", "udp") and draw(st.booleans()) else (),
        icmp_type=kind,
        icmp_code=draw(st.none() | st.integers(0, 255)) if kind is not None else None,
        flags=draw(st.none() | flag_matches) if proto == "tcp" else None,
    )
