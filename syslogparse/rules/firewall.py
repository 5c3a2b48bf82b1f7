"""Logged packets to packet-filter rules.

A packet is validated field by field, judged, and given the narrowest rule that settles it. A rule that opens something names
every field that the kernel always logs for such packets (net/netfilter/nf_log_syslog.c); a packet without them yields none.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from ipaddress import IPv6Address
from typing import Literal, NamedTuple

from msgspec.structs import replace

from syslogparse.evidence.model import Evidence, NetfilterKey
from syslogparse.rules.exposure import (
    NO_HOST,
    SENSITIVE_PORTS,
    STEERING_ICMP,
    Scope,
    closing_risk,
    opening_risk,
    words_for,
)
from syslogparse.rules.merge import AskedIntent, Draft, Refused, moved, weakest
from syslogparse.rules.model import Advice, Confidence, FirewallRule, Intent, Risk, Rule, Suggestion
from syslogparse.rules.packet import Packet, read_packet
from syslogparse.rules.verdict import verdict
from syslogparse.rules.wanted import USUAL, Wanted

IPV6_NEEDS = frozenset({130, 131, 132, 133, 134, 135, 136, 137, 143})
"""ICMPv6 types without which IPv6 stops working on a link: neighbour discovery (RFC 4861, 4890) and listeners (RFC 3810)."""

_PATH_TYPES: dict[int, frozenset[int]] = {4: frozenset({3, 11, 12}), 6: frozenset({1, 2, 3, 4})}
_DISCOVERY_PORTS = frozenset({67, 137, 138, 1900, 5353, 5355, 17500})
_NOISE = "Broadcast or multicast, sent to everybody on the link; dropping it ends the noise."
_CHAINS = ("INPUT", "OUTPUT", "FORWARD")


class Decision(NamedTuple):
    """What to do about a packet: the rule, and the words and grades that go with it."""

    rule: FirewallRule
    intent: Intent
    risk: Risk
    confidence: Confidence
    why: str


def advise(evidence: Iterable[Evidence], wanted: Wanted = USUAL) -> Advice:
    """Suggestions for netfilter evidence. A source that sends forged packets is no longer suggested lightly."""
    draft, intent = Draft(), wanted.intent
    packets: list[tuple[Packet, Evidence]] = []
    for item in evidence:
        try:
            packets.append((_packet_of(item), item))
        except Refused as refusal:
            draft.refuse(refusal.reason, item)
    forgers = {packet.src for packet, _ in packets if packet.chain != "OUTPUT" and _bad_flags(packet)}
    for packet, item in packets:
        try:
            draft.add(_suggestion(_decide(packet, intent, packet.src in forgers), item))
        except Refused as refusal:
            draft.refuse(refusal.reason, item)
    return draft.advice(natural_order)


def natural_order(rule: Rule) -> tuple[object, ...]:
    """The sorting key of a firewall rule: chain, family, target, then addresses and ports by their value."""
    if not isinstance(rule, FirewallRule):
        return ()
    numbers = tuple(-1 if one is None else one for one in (rule.icmp_type, rule.icmp_code))
    faces = tuple(one or "" for one in (rule.in_iface, rule.out_iface, rule.physdev_in, rule.physdev_out))
    ends = (tuple(map(_by_value, rule.sources)), _by_value(rule.dst))
    return (_CHAINS.index(rule.chain), rule.family, rule.target, rule.proto, rule.ports, numbers, ends, faces)


def _by_value(address: str | None) -> tuple[int, ...]:
    if address is None:
        return ()
    host, _, length = address.partition("/")
    value = (int(IPv6Address(host)),) if ":" in host else tuple(map(int, host.split(".")))
    return (*value, int(length or 128))


def _packet_of(item: Evidence) -> Packet:
    if not isinstance(item.key, NetfilterKey):
        raise Refused("evidence that contradicts itself")
    return read_packet(item.key)


def _suggestion(decision: Decision, item: Evidence) -> Suggestion:
    return Suggestion(
        rule=decision.rule,
        intent=decision.intent,
        risk=decision.risk,
        confidence=decision.confidence,
        why=decision.why,
        evidence=item,
        trust=weakest(item),
    )


def _decide(packet: Packet, intent: AskedIntent, forger: bool) -> Decision:
    """The first of the judges that has something to say decides."""
    said = verdict(packet.prefix)
    if intent != "block" and said == "accepted":
        raise Refused("accepted already")
    if intent != "block" and said == "audited":
        raise Refused("logged for audit only")
    for judge in _JUDGES:
        decision = judge(packet, intent)
        if decision is not None:
            return decision
    if intent == "block":
        return _block(packet)
    return _allow(packet, said != "refused", intent, forger)


def _judge_needed(packet: Packet, intent: AskedIntent) -> Decision | None:
    if packet.proto == "icmpv6" and packet.icmp_type in IPV6_NEEDS and intent != "allow":
        raise Refused("ICMPv6 message that IPv6 cannot do without")
    return None


def _judge_flags(packet: Packet, intent: AskedIntent) -> Decision | None:
    """TCP flags: impossible ones are blocked, those of a connection under way are left to connection tracking."""
    if packet.proto != "tcp":
        return None
    if _bad_flags(packet):
        if packet.chain == "OUTPUT":
            raise Refused("impossible TCP flags that this machine sent itself")
        if intent == "allow":
            raise Refused("impossible TCP flags are never let in")
        why = "TCP flags that no connection has (none, FIN alone, FIN PSH URG, SYN with FIN or RST): a scan or a forgery."
        return _shut(packet, _from_source(packet), why)
    if packet.flags & {"ACK", "RST"}:
        raise Refused("reply to a connection, or a leftover of one")
    return None


def _judge_source(packet: Packet, intent: AskedIntent) -> Decision | None:
    """Source addresses that cannot be: nobody answers to them, so letting them in helps nobody."""
    if packet.chain == "OUTPUT" or not _impossible_source(packet):
        return None
    if packet.dst.scope in ("broadcast", "multicast") and packet.src.scope == "unspecified":
        return None
    if intent == "allow":
        raise Refused("an impossible source address is never let in")
    return _shut(packet, _from_source(packet), "The source address cannot belong to a host on this interface: it is forged.")


def _judge_many(packet: Packet, intent: AskedIntent) -> Decision | None:
    """Broadcast and multicast: noise for everybody on the link, to be dropped without a log line."""
    guessed = _directed_broadcast(packet)
    if intent != "auto" or not (guessed or packet.dst.scope in ("broadcast", "multicast")):
        return None
    only_logged = verdict(packet.prefix) != "refused"
    rule = replace(_rule(packet, "DROP"), sources=())
    confidence: Confidence = "low" if guessed or only_logged else "medium"
    risk: Risk = "medium" if only_logged or packet.chain != "INPUT" else "low"
    return Decision(rule, "quiet", risk, confidence, _NOISE)


_JUDGES: tuple[Callable[[Packet, AskedIntent], Decision | None], ...] = (
    _judge_needed,
    _judge_flags,
    _judge_source,
    _judge_many,
)


def _bad_flags(packet: Packet) -> bool:
    """Flags that RFC 9293 gives no meaning: none of SYN, ACK and RST, or SYN together with FIN or RST."""
    if packet.proto != "tcp":
        return False
    flags = packet.flags
    return not flags & {"SYN", "ACK", "RST"} or ("SYN" in flags and bool(flags & {"FIN", "RST"}))


def _impossible_source(packet: Packet) -> bool:
    return packet.src.scope in NO_HOST or (packet.src.scope == "loopback" and packet.in_iface != "lo")


def _directed_broadcast(packet: Packet) -> bool:
    """Discovery datagrams to x.y.z.255 from a host in x.y.z: most likely the broadcast address of their network."""
    last = packet.family == 4 and packet.dst.value & 255 == 255 and packet.src.value >> 8 == packet.dst.value >> 8
    return last and packet.proto == "udp" and packet.dport in _DISCOVERY_PORTS


def _allow(packet: Packet, only_logged: bool, intent: AskedIntent, forger: bool) -> Decision:
    peer = _peer(packet)
    risk = opening_risk(
        peer,
        outbound=packet.chain == "OUTPUT",
        sensitive=packet.dport in SENSITIVE_PORTS,
        harmless=packet.icmp_type is not None and packet.icmp_type not in STEERING_ICMP[packet.family],
        only_logged=only_logged,
    )
    said = "The log does not say whether it passed" if only_logged else "The packet filter refused it"
    why = f"{said}: {_traffic(packet)}."
    if forger:
        risk = "critical"
        why = f"{why[:-1]}; the same source also sent packets with impossible TCP flags."
    confidence: Confidence = "high" if intent == "allow" else "low" if only_logged else "medium"
    return Decision(_rule(packet, "ACCEPT"), "allow", risk, confidence, why)


def _block(packet: Packet) -> Decision:
    return Decision(_rule(packet, "DROP"), "block", _shut_risk(packet), "high", f"Blocking was asked for: {_traffic(packet)}.")


def _shut(packet: Packet, rule: FirewallRule, why: str) -> Decision:
    """Block on evidence: sources are easily forged, so shutting out a whole host is for a person to decide, two steps up."""
    whole_host = packet.src.scope not in NO_HOST
    return Decision(rule, "block", moved(_shut_risk(packet), 2 * int(whole_host)), "high", why)


def _shut_risk(packet: Packet) -> Risk:
    path_message = packet.icmp_type is not None and packet.icmp_type in _PATH_TYPES[packet.family]
    loopback = "lo" in (packet.in_iface, packet.out_iface)
    return closing_risk(_peer(packet), outbound=packet.chain == "OUTPUT", loopback=loopback, path_message=path_message)


def _peer(packet: Packet) -> Scope:
    return packet.dst.scope if packet.chain == "OUTPUT" else packet.src.scope


def _traffic(packet: Packet) -> str:
    way = {"INPUT": "inbound from", "OUTPUT": "outbound to", "FORWARD": "forwarded from"}[packet.chain]
    service = SENSITIVE_PORTS.get(packet.dport) if packet.dport is not None else None
    return f"{way} {words_for(_peer(packet))}" + (f", {service} port" if service else "")


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
    """A rule against everything of the protocol that comes from the packet's source over the same interface."""
    return replace(_rule(packet, "DROP"), dst=None, ports=(), icmp_type=None, icmp_code=None)
