"""What is to be done about one packet: the judges, in the order in which they are asked, and what each decides.

A judge decides, or refuses (there is no rule, and why), or leaves the packet to the next one. What they suggest is as narrow as
what was seen.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, NamedTuple

from msgspec.structs import replace

from syslogparse.rules import noise, traffic
from syslogparse.rules.exposure import SENSITIVE_PORTS, service_words, words_for
from syslogparse.rules.guard import FIRST_EPHEMERAL
from syslogparse.rules.icmp import is_defined
from syslogparse.rules.merge import Refused, highest, moved
from syslogparse.rules.model import Confidence, FirewallRule, Intent, Risk
from syslogparse.rules.packet import Packet
from syslogparse.rules.risk import ADMIN_PORTS, closing_risk
from syslogparse.rules.scanners import Scan
from syslogparse.rules.situation import Situation
from syslogparse.rules.verdict import is_limited, verdict

IPV6_NEEDS = frozenset({130, 131, 132, 133, 134, 135, 136, 137, 143})
"""ICMPv6 types without which IPv6 stops working on a link: neighbour discovery (RFC 4861, 4890) and listeners (RFC 3810)."""

FORGEABLE = "The source address can be forged, as anybody's in a single packet of this protocol."


class Decision(NamedTuple):
    """What to do about a packet: the rule, and the words and grades that go with it.

    refused: the log says that the packet filter refused it. stranger: it came from a global address. Risk and confidence of
    what opens are weighed later, when all packets that the rule would let in are together.
    """

    rule: FirewallRule
    intent: Intent
    risk: Risk
    confidence: Confidence
    why: str
    refused: bool = False
    stranger: bool = False


def decide(packet: Packet, seen: Situation) -> Decision:
    """The first of the judges that has something to say decides. Raises Refused."""
    for judge in _JUDGES:
        decision = judge(packet, seen)
        if decision is not None:
            return decision
    return _block(packet) if seen.intent == "block" else _allow(packet)


def _judge_verdict(packet: Packet, seen: Situation) -> Decision | None:
    if seen.intent != "block":
        said = verdict(packet.prefix)
        if said == "accepted":
            raise Refused("accepted already")
        if said == "audited":
            raise Refused("logged for audit only")
    if packet.proto == "icmpv6" and packet.icmp_type in IPV6_NEEDS and seen.intent != "allow":
        raise Refused("ICMPv6 message that IPv6 cannot do without")
    return None


def _judge_flags(packet: Packet, seen: Situation) -> Decision | None:
    """Flags that no connection has are dropped as such: no source is shut out, so none can be forged."""
    flags = traffic.bad_flags(packet)
    if flags is None:
        return None
    if packet.chain == "OUTPUT":
        raise Refused("impossible TCP flags that this machine sent itself")
    if seen.intent == "allow":
        raise Refused("impossible TCP flags are never let in")
    rule = replace(_from_source(packet), sources=(), flags=flags)
    why = "TCP flags that no connection has (none of SYN, ACK and RST, or SYN with FIN or RST): a scan or a forgery."
    return Decision(rule, "block", closing_risk(rule), "high", why)


def _judge_many(packet: Packet, seen: Situation) -> Decision | None:
    """Broadcast and multicast: noise for everybody on the link, to be dropped without a log line."""
    if seen.intent != "auto" or not noise.is_for_many(packet) or "lo" in (packet.in_iface, packet.out_iface):
        return None
    if traffic.is_impossible(packet) and packet.src.value:
        return None
    rule = _rule(packet, "DROP")
    if seen.any_source:
        rule = replace(rule, sources=())
    refused, known = verdict(packet.prefix) == "refused", noise.is_known(packet)
    steps = int(not refused) + int(not known) + int(packet.chain != "INPUT")
    if noise.is_topology(packet):
        steps += int(not refused) if packet.proto == "igmp" else 2
    sure = refused and known and not noise.is_directed_broadcast(packet)
    kind = (
        "discovery or routing that is sent to everybody on the link" if known else "sent to a group or to everybody on the link"
    )
    why = f"Broadcast or multicast: {kind}; dropping it before it is logged ends the noise."
    return Decision(rule, "quiet", moved("low", steps), "medium" if sure else "low", why)


def _judge_source(packet: Packet, seen: Situation) -> Decision | None:
    """Source addresses that cannot be: nobody answers to them, so letting them in helps nobody."""
    near = seen.near
    inbound = packet.chain != "OUTPUT" and packet.in_iface != "lo"
    if not inbound or (noise.is_for_many(packet) and not packet.src.value):
        return None
    if near.is_from_itself(packet):
        raise Refused("an address of this machine as the source of a packet from outside")
    if not traffic.is_bogon(packet, near):
        return None
    if not traffic.is_impossible(packet) and traffic.leftover(packet, seen.flows, outward=False) in traffic.FROM_ANYBODY:
        return None
    if seen.intent == "allow":
        raise Refused("an impossible source address is never let in")
    why = "The source address cannot belong to a host on this interface: it is forged."
    return Decision(_from_source(packet), "block", "low", "high", why)


def _judge_leftover(packet: Packet, seen: Situation) -> Decision | None:
    outward = seen.near.is_outward(packet)
    reason = traffic.leftover(packet, seen.flows, outward=outward)
    if reason is None or (seen.intent != "auto" and reason not in traffic.ALWAYS):
        return None
    scanner = packet.src.text in seen.scanners and not outward
    if seen.intent == "auto" and scanner and (reason == traffic.IDENT or packet.flags == {"ACK"}):
        return None
    raise Refused(reason)


def _judge_outward(packet: Packet, seen: Situation) -> Decision | None:
    """What this machine, or one behind it, begins: for a person to look at, whatever port it goes to."""
    if seen.intent != "auto" or not seen.near.is_outward(packet) or packet.out_iface == "lo":
        return None
    return _open(packet, "alert")


def _judge_probe(packet: Packet, seen: Situation) -> Decision | None:
    """Scanners, and ports on which strangers knock. The port comes first: one rule for it stands for many of sources."""
    if seen.intent != "auto" or packet.in_iface == "lo" or packet.chain == "OUTPUT":
        return None
    scan = seen.scanners.get(packet.src.text)
    if seen.near.trusts(packet.src):
        if scan:
            raise Refused("a scan from an address that is trusted; a person should look at that host")
        return None
    asks = packet.src.scope == "global" and "ACK" not in packet.flags
    knocked = asks and not is_limited(packet.prefix) and seen.services.is_knocked(packet)
    if knocked and packet.dport is not None:
        return _block_service(packet)
    if scan:
        return _block_scanner(packet, seen, scan)
    if knocked:
        raise Refused("strangers from many networks send it, to no port: one decision for all of them, and no rule for each")
    return None


def _judge_limited(packet: Packet, seen: Situation) -> Decision | None:
    if seen.intent == "auto" and is_limited(packet.prefix):
        raise Refused("refused for coming too often; the service itself is let in")
    return None


_JUDGES: tuple[Callable[[Packet, Situation], Decision | None], ...] = (
    _judge_verdict,
    _judge_flags,
    _judge_many,
    _judge_source,
    _judge_leftover,
    _judge_outward,
    _judge_probe,
    _judge_limited,
)


def _block_service(packet: Packet) -> Decision:
    """Where the log says refused, dropping changes nothing but the log; where it does not, the service may be a wanted one."""
    refused = verdict(packet.prefix) == "refused"
    rule = _rule(packet, "DROP")
    if packet.proto == "tcp" and packet.dport is not None and packet.dport >= FIRST_EPHEMERAL:
        rule = replace(rule, flags=traffic.NEW_ONLY)
    steps = int(not refused) + int(not refused and packet.dport not in SENSITIVE_PORTS) + 2 * int(packet.dport in ADMIN_PORTS)
    confidence: Confidence = "high" if refused else "medium" if packet.dport in SENSITIVE_PORTS else "low"
    said = "which the packet filter refuses" if refused else "and the log does not say whether it is refused"
    why = f"Strangers from ten or more networks knock on this port{service_words(packet.dport)}, {said}."
    return Decision(rule, "block", moved(closing_risk(rule), steps), confidence, why, refused)


def _block_scanner(packet: Packet, seen: Situation, scan: Scan) -> Decision:
    """Everything of one protocol from one source. Risky, since who forges a scan shuts out somebody else."""
    if packet.proto not in ("tcp", "udp", "icmp", "icmpv6"):
        raise Refused("a scan over the IP protocols, of which no single one wants a rule")
    rule = _from_source(packet)
    connected = packet.proto == "tcp" and scan == "tcp"
    why = _scan_in_words(seen, scan)
    if seen.is_inside(packet):
        why += " Strangers from many networks ask it too, by the interface that it sends by: if it is yours, look at it first."
        return Decision(rule, "block", highest(("high", closing_risk(rule))), "low", why)
    if connected:
        return Decision(rule, "block", moved(closing_risk(rule), 1), "medium", f"{why} {FORGEABLE}")
    return Decision(rule, "block", highest(("high", closing_risk(rule))), "medium", f"{why} {FORGEABLE}")


def _scan_in_words(seen: Situation, scan: Scan) -> str:
    near = seen.near
    if scan == "protocols":
        return f"A scan: this source tried {near.scan_ports} IP protocols, or more, the ports of TCP and UDP counted with them."
    return f"A scan: this source tried {near.scan_hosts} hosts or {near.scan_ports} ports, or more."


def _block(packet: Packet) -> Decision:
    rule = _rule(packet, "DROP")
    why = f"Blocking was asked for: {_traffic(packet)}."
    forgeable = "" if packet.proto == "tcp" or packet.chain == "OUTPUT" else f" {FORGEABLE}"
    return Decision(rule, "block", closing_risk(rule), "high", why + forgeable)


def _allow(packet: Packet) -> Decision:
    if packet.icmp_type is not None and not is_defined(packet.family, packet.icmp_type, packet.icmp_code):
        raise Refused("ICMP type or code that is not defined: nobody needs it let in")
    return _open(packet, "allow")


def _open(packet: Packet, intent: Literal["allow", "alert"]) -> Decision:
    refused, stranger = verdict(packet.prefix) == "refused", packet.chain != "OUTPUT" and packet.src.scope == "global"
    return Decision(_rule(packet, "ACCEPT"), intent, "high", "low", _traffic(packet), refused, stranger)


def _traffic(packet: Packet) -> str:
    way = {"INPUT": "inbound from", "OUTPUT": "outbound to", "FORWARD": "forwarded from"}[packet.chain]
    peer = packet.dst if packet.chain == "OUTPUT" else packet.src
    return f"{way} {words_for(peer.scope)}" + service_words(packet.dport)


def _rule(packet: Packet, target: Literal["ACCEPT", "DROP"]) -> FirewallRule:
    """The narrowest rule for ``packet``."""
    return FirewallRule(
        family=packet.family,
        chain=packet.chain,
        target=target,
        proto=packet.proto,
        in_iface=packet.in_iface,
        out_iface=packet.out_iface,
        physdev_in=packet.physdev_in,
        physdev_out=packet.physdev_out,
        sources=(packet.src.text,),
        dst=packet.dst.text,
        ports=() if packet.dport is None else ((packet.dport, packet.dport),),
        icmp_type=packet.icmp_type,
        icmp_code=packet.icmp_code,
    )


def _from_source(packet: Packet) -> FirewallRule:
    """A rule against what comes from the packet's source over the same interface: its protocol, and of ICMP its type."""
    return replace(_rule(packet, "DROP"), dst=None, ports=())
