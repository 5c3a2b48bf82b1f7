"""Narrow firewall suggestions for tests, and a matcher that knows nothing of how few rules are made of them."""

from ipaddress import ip_address, ip_network
from typing import Any

from hypothesis import strategies as st
from msgspec.structs import replace

from syslogparse.rules.condense import condense
from syslogparse.rules.merge import weakest
from syslogparse.rules.model import FirewallRule, Suggestion, TcpFlags
from syslogparse.rules.network import Network
from tests.rules.make import packet

NOWHERE = Network()
NEW = TcpFlags(("FIN", "SYN", "RST", "ACK"), ("SYN",))
NULL = TcpFlags(("SYN", "RST", "ACK"), ())


def rule(src="203.0.113.9", dst="192.0.2.1", port=23, **fields) -> FirewallRule:
    given = {
        "family": 6 if ":" in (src or dst or "") else 4,
        "chain": "INPUT",
        "target": "DROP",
        "proto": "tcp",
        "in_iface": "eth0",
        "sources": (src,) if src else (),
        "dst": dst,
        "ports": () if port is None else ((port, port),),
    }
    return FirewallRule(**(given | fields))


def narrow(src="203.0.113.9", dst="192.0.2.1", port=23, **fields) -> Any:
    """A suggestion with a rule as ``rule`` makes it; the suggestion's own fields too."""
    own = {name: fields.pop(name) for name in ("intent", "risk", "confidence", "why") if name in fields}
    count, prefix = fields.pop("count", 1), fields.pop("prefix", b"DROP")
    item = packet(prefix=prefix, src=(src or "192.0.2.77").encode(), dst=(dst or "192.0.2.1").encode(), dpt=b"%d" % (port or 0))
    item = replace(
        item, count=count, attempts=count, grades={"kern": count}, places=((0, int(ip_address(src or "0.0.0.1")) % 997 + 1),)
    )
    given: dict[str, Any] = {"intent": "block", "risk": "low", "confidence": "high", "why": "It is bad."}
    return Suggestion(rule=rule(src, dst, port, **fields), evidence=item, trust=weakest(item), **(given | own))


def few(*suggestions, network=NOWHERE, closable=lambda _: True) -> tuple[list[Any], dict[str, int]]:
    """What comes out, and what was refused by reason."""
    refused: dict[str, int] = {}

    def refuse(reason, item):
        refused[reason] = refused.get(reason, 0) + item.count

    return condense(suggestions, network, refuse, closable), refused


def few_rules(*suggestions, **named) -> list[FirewallRule]:
    made, refused = few(*suggestions, **named)
    assert refused == {}
    return [one.rule for one in made]


_WIDE = {4: "0.0.0.0/0", 6: "::/0"}


def holds(outer: str | None, inner: str | None, family: int) -> bool:
    """Whether all addresses of inner are in outer; None is any."""
    inside: Any = ip_network(inner or _WIDE[family])
    return inside.subnet_of(ip_network(outer or _WIDE[family]))


def covers(wide: FirewallRule, tight: FirewallRule) -> bool:
    """Whether every packet that tight matches is matched by wide."""
    for field in ("family", "chain", "target", "proto", "in_iface", "out_iface", "physdev_in", "physdev_out"):
        if getattr(wide, field) != getattr(tight, field):
            return False
    if (wide.icmp_type, wide.icmp_code, wide.flags) != (tight.icmp_type, tight.icmp_code, tight.flags):
        return False
    sources = all(any(holds(one, other, wide.family) for one in wide.sources or (None,)) for other in tight.sources or (None,))
    ports = all(
        any(low <= first and last <= high for low, high in wide.ports or ((0, 65535),))
        for first, last in tight.ports or ((0, 65535),)
    )
    return sources and ports and holds(wide.dst, tight.dst, wide.family)


_four = st.sampled_from(["203.0.113.", "198.51.100."]).flatmap(lambda net: st.integers(0, 15).map(lambda last: f"{net}{last}"))
_far = st.integers(1, 223).flatmap(lambda first: st.integers(0, 3).map(lambda last: f"{first}.7.7.{last}"))
_six = st.integers(0, 9).map(lambda last: f"2001:db8::{last:x}")
ports = st.sampled_from([22, 23, 80, 135, 136, 137, 445, 1433, 32768, 40000, 65535]) | st.integers(0, 65535)
_flags = st.sampled_from([None, None, None, NEW, NULL])


@st.composite
def narrow_suggestions(draw, intents=("block", "quiet", "allow", "alert")):
    six = draw(st.integers(0, 4)) == 0
    intent = draw(st.sampled_from(intents))
    proto = draw(st.sampled_from(["tcp", "tcp", "tcp", "udp", "icmpv6" if six else "icmp", "gre"]))
    src, dst = (
        draw(_six if six else _four | _far),
        draw(st.sampled_from(["2001:db8:1::1", "ff02::fb"] if six else ["192.0.2.1", "192.0.2.2"])),
    )
    fields = {"proto": proto, "intent": intent, "risk": draw(st.sampled_from(["low", "low", "medium", "high"]))}
    fields["target"] = "DROP" if intent in ("block", "quiet") else "ACCEPT"
    port = draw(ports) if proto in ("tcp", "udp") else None
    if proto.startswith("icmp"):
        fields["icmp_type"] = draw(st.sampled_from([8, 13]))
    if proto == "tcp":
        fields["flags"] = draw(_flags)
    chain = draw(st.sampled_from(["INPUT", "INPUT", "FORWARD", "OUTPUT"]))
    if chain != "INPUT":
        fields |= {"chain": chain, "out_iface": "eth1", "in_iface": "eth0" if chain == "FORWARD" else None}
    fields["physdev_in"] = draw(st.sampled_from([None, None, "p1"])) if chain == "FORWARD" else None
    if intent == "quiet":
        dst = "ff02::fb" if six else f"224.0.0.{draw(st.integers(1, 5))}"
    shape = draw(st.sampled_from(["narrow", "narrow", "narrow", "whole", "anybody"])) if intent == "block" else "narrow"
    if shape == "whole":
        port = None
        src, dst = (src, None) if chain != "OUTPUT" else (None, dst)
    if shape == "anybody" or (intent == "quiet" and draw(st.booleans())):
        src = None
        fields["family"] = 6 if six else 4
    fields["family"] = 6 if six else 4
    return narrow(src, dst, port, **fields)
