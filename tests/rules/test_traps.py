"""Nothing for the wrong reason: logs that look like one thing and are another, from the kernel's line to the advice.

Each trap says what must come out, as (intent, protocol) pairs of rules, and which reasons must be counted.
"""

from __future__ import annotations

from collections import Counter
from typing import NamedTuple

import pytest

from syslogparse.rules import traffic
from syslogparse.rules.advise import advise
from syslogparse.rules.model import RISKS, Advice, FirewallRule
from syslogparse.rules.network import Network
from syslogparse.rules.wanted import Wanted
from tests.rules.make import folded

ME, PEER, STRANGER, NEIGHBOUR = "203.0.113.9", "198.51.100.7", "192.0.2.77", "192.168.1.20"
ME6, ROUTER6 = "2001:db8::9", "fe80::1"
WAN = Network(wan=("eth0",))
CROWDED = "a few attempts among those of a hundred strangers or more at the same port, as forged sources make"
NEEDED = "ICMPv6 message that IPv6 cannot do without"


def line(rest, *, at=0, prefix="[UFW BLOCK] ", iface="IN=eth0 OUT=", src=PEER, dst=ME, ip_id=1):
    stamp = f"Nov 21 {at // 3600:02}:{at // 60 % 60:02}:{at % 60:02}"
    layer = "TC=0 HOPLIMIT=64 FLOWLBL=0" if ":" in dst else f"TOS=0x00 PREC=0x00 TTL=64 ID={ip_id} DF"
    return f"{stamp} gw kernel: {prefix}{iface} SRC={src} DST={dst} LEN=60 {layer} {rest}\n".encode()


def tcp(dpt, flags="SYN", spt=40000, **more):
    flags = f"{flags} " if flags else ""
    return line(f"PROTO=TCP SPT={spt} DPT={dpt} WINDOW=64240 RES=0x00 {flags}URGP=0 ", **more)


def udp(dpt, spt=40000, **more):
    return line(f"PROTO=UDP SPT={spt} DPT={dpt} LEN=40 ", **more)


def icmp(kind, code=0, tail="ID=1 SEQ=1 ", **more):
    name = "ICMPv6" if ":" in more.get("dst", ME) else "ICMP"
    return line(f"PROTO={name} TYPE={kind} CODE={code} {tail}", **more)


def out(**more):
    return {"iface": "IN= OUT=eth0", "src": ME, "dst": PEER} | more


def many(make, values):
    return b"".join(make(value) for value in values)


INNER = f"[SRC={ME} DST={PEER} LEN=60 TOS=0x00 PREC=0x00 TTL=1 ID=9 DF PROTO=UDP SPT=40000 DPT=33435 LEN=40 ] "


class Trap(NamedTuple):
    """A log, what must come out of it, and the reasons that must be counted, with how many lines."""

    log: bytes
    out: set[tuple[str, str]]
    reasons: dict[str, int] = {}  # noqa: RUF012 - nobody changes it
    network: Network = Network()


TRAPS = {
    "answers of a resolver to many client ports": Trap(
        many(lambda port: udp(port, 53), range(30000, 30040)), set(), {traffic.UDP_ANSWER: 40}
    ),
    "answers of a time server": Trap(many(lambda port: udp(port, 123), range(40000, 40020)), set(), {traffic.UDP_ANSWER: 20}),
    "a time server that answers to its own port": Trap(
        udp(123, 123, **out()) + udp(123, 123), {("alert", "udp")}, {traffic.OTHER_DIRECTION: 1}
    ),
    "answers of a service that nobody knows, which this machine asked": Trap(
        udp(7777, **out()) + many(lambda port: udp(port, 7777), range(40000, 40020)),
        {("alert", "udp")},
        {traffic.OTHER_DIRECTION: 20},
    ),
    "answers of a service that nobody knows": Trap(many(lambda port: udp(port, 7777), range(40000, 40020)), {("allow", "udp")}),
    "QUIC after its connection": Trap(udp(51234, 443), set(), {traffic.UDP_ANSWER: 1}),
    "a DNS answer that is forwarded to a host behind": Trap(
        udp(51234, 53, iface="IN=eth0 OUT=eth1", dst=NEIGHBOUR), set(), {traffic.UDP_ANSWER: 1}
    ),
    "WireGuard between equal ports is a new flow": Trap(udp(51820, 51820), {("allow", "udp")}),
    "backscatter of a flood with this machine's forged address": Trap(
        many(lambda port: tcp(port, "ACK SYN", 80), range(20000, 20050)), set(), {traffic.ANSWERED: 50}
    ),
    "resets": Trap(
        many(lambda port: tcp(port, "RST", 80) + tcp(port, "ACK RST", 80), range(20000, 20020)), set(), {traffic.ANSWERED: 40}
    ),
    "late packets of a web server": Trap(
        many(lambda port: tcp(port, "ACK", 443) + tcp(port, "ACK FIN", 443), range(50000, 50020)), set(), {traffic.UNDER_WAY: 40}
    ),
    "a crawler's late packets to many web servers behind": Trap(
        many(lambda n: tcp(80, "ACK", iface="IN=eth0 OUT=eth1", dst=f"203.0.113.{n}"), range(1, 30)),
        set(),
        {traffic.UNDER_WAY: 29},
    ),
    "an ACK scan": Trap(many(lambda port: tcp(port, "ACK"), range(1, 40)), {("block", "tcp")}),
    "FIN, NULL, XMAS and SYN with FIN": Trap(
        many(lambda flags: tcp(80, flags), ["FIN", "", "URG PSH FIN", "SYN FIN", "SYN RST"]), {("block", "tcp")}
    ),
    "one connection attempt that is sent again": Trap(
        many(lambda n: tcp(8080, at=n, ip_id=n), [0, 1, 3, 7, 15, 31]), {("allow", "tcp")}
    ),
    "one attempt that three rules logged": Trap(
        many(lambda prefix: tcp(8080, prefix=prefix), ["[UFW BLOCK] ", "DROP: ", "final reject: "]), {("allow", "tcp")}
    ),
    "one attempt that was audited, then blocked": Trap(
        tcp(8080, prefix="[UFW AUDIT] ") + tcp(8080), {("allow", "tcp")}, {"logged for audit only": 1}
    ),
    "accepted and audited packets": Trap(
        many(lambda n: tcp(n, prefix="[UFW ALLOW] ") + tcp(n, prefix="[UFW AUDIT] "), range(1, 30)),
        set(),
        {"accepted already": 29, "logged for audit only": 29},
    ),
    "a verdict glued to the interface": Trap(tcp(8080, prefix="ACCEPT"), set(), {"accepted already": 1}),
    "too many attempts at a service that is let in": Trap(
        many(lambda n: tcp(22, spt=n, at=n, prefix="[UFW LIMIT BLOCK] "), range(40)),
        set(),
        {"refused for coming too often; the service itself is let in": 40},
    ),
    "ident callback": Trap(many(lambda n: tcp(113, spt=n), range(1000, 1005)), set(), {traffic.IDENT: 5}),
    "ident in a scan": Trap(many(tcp, range(100, 120)), {("block", "tcp")}),
    "a traceroute to this machine": Trap(
        many(udp, range(33434, 33464)), set(), {traffic.TRACEROUTE: 30}
    ),
    "traceroute's answers": Trap(
        many(lambda n: icmp(11, tail=INNER, src=f"192.0.2.{n}"), range(1, 30)), set(), {traffic.ICMP_ERROR: 29}
    ),
    "path MTU": Trap(icmp(3, 4, INNER) + icmp(2, src="2001:db8:1::1", dst=ME6, tail=""), set(), {traffic.ICMP_ERROR: 2}),
    "an ICMP error about a scan that this machine did not make": Trap(
        many(lambda n: icmp(3, 3, INNER.replace("DPT=33435", f"DPT={n}")), range(1, 30)), set(), {traffic.ICMP_ERROR: 29}
    ),
    "path MTU of a provider's router with a private address": Trap(
        icmp(3, 4, INNER, src="10.1.1.1"), set(), {traffic.ICMP_ERROR: 1}, WAN
    ),
    "echo replies": Trap(icmp(0), set(), {traffic.ICMP_ANSWER: 1}),
    "a DHCP server's unicast answer": Trap(udp(68, 67), set(), {traffic.DHCP_ANSWER: 1}),
    "a DHCP server with a private address at the provider's": Trap(
        udp(68, 67, src="10.0.0.1"), set(), {traffic.DHCP_ANSWER: 1}, WAN
    ),
    "a DHCP client that renews": Trap(udp(67, 68, src=NEIGHBOUR, dst="192.168.1.1"), {("allow", "udp")}),
    "IPv6 neighbour discovery": Trap(
        many(lambda kind: icmp(kind, src=ROUTER6, dst="ff02::1", tail="") + icmp(kind, src=ROUTER6, dst=ME6, tail=""),
             [130, 131, 132, 133, 134, 135, 136, 137, 143]),
        set(),
        {NEEDED: 18},
        WAN,
    ),
    "a sweep with neighbour solicitations": Trap(
        many(lambda n: icmp(135, src=ROUTER6, dst=f"2001:db8::{n:x}", tail=""), range(1, 40)), set(), {NEEDED: 39}
    ),
    "mDNS, SSDP, NetBIOS, DHCP and IGMP": Trap(
        udp(5353, 5353, src=NEIGHBOUR, dst="224.0.0.251") + udp(1900, src=NEIGHBOUR, dst="239.255.255.250")
        + udp(137, 137, src=NEIGHBOUR, dst="192.168.1.255") + udp(67, 68, src="0.0.0.0", dst="255.255.255.255")
        + line("OPT (94040000) PROTO=2 ", src=NEIGHBOUR, dst="224.0.0.1"),
        {("quiet", "udp"), ("quiet", "igmp")},
    ),
    "one's own multicast that comes back": Trap(
        udp(5353, 5353, src=ME, dst="224.0.0.251"), {("quiet", "udp")}, {}, Network(own=(ME,))
    ),
    "a chatterbox to many groups is no sweeper": Trap(
        many(lambda n: udp(5353, src=NEIGHBOUR, dst=f"224.0.1.{n}"), range(1, 40)), {("quiet", "udp")}
    ),
    "NetBIOS from outside, unicast": Trap(udp(137, 137), {("allow", "udp")}),
    "a private source on a WAN": Trap(many(tcp, [8080] * 5) .replace(PEER.encode(), b"10.9.9.9"), {("block", "tcp")}, {}, WAN),
    "a private source on a LAN": Trap(
        many(lambda n: tcp(8080, spt=n, src="10.9.9.9"), range(5)), {("allow", "tcp")}, {}, Network(wan=("eth7",))
    ),
    "loopback from the wire": Trap(tcp(8080, src="127.0.0.1"), {("block", "tcp")}),
    "this machine's address from the wire": Trap(
        tcp(8080, src=ME), set(), {"an address of this machine as the source of a packet from outside": 1}, Network(own=(ME,))
    ),
    "a link-local router of IPv6 on a WAN": Trap(udp(546, 547, src=ROUTER6, dst=ME6), set(), {traffic.DHCP_ANSWER: 1}, WAN),
    "a scanner inside the private range": Trap(
        many(lambda port: tcp(port, src=NEIGHBOUR), range(1, 40)), {("block", "tcp")}
    ),
    "a sweeper": Trap(many(lambda n: tcp(445, dst=f"203.0.113.{n}"), range(1, 20)), {("block", "tcp")}),
    "a scanner that is trusted": Trap(
        many(tcp, range(1, 40)),
        set(),
        {"a scan from an address that is trusted; a person should look at that host": 39},
        Network(trusted=(PEER,)),
    ),
    "a SYN flood from one forged network": Trap(
        many(lambda n: tcp(80, src=f"198.51.{n // 250}.{n % 250 + 1}"), range(2000)), set(), {CROWDED: 2000}
    ),
    "one who means it among a flood": Trap(
        many(lambda n: tcp(80, src=f"198.51.{n // 250}.{n % 250 + 1}"), range(2000))
        + many(lambda n: tcp(80, src=PEER, spt=n), range(4)) + tcp(80, src=NEIGHBOUR),
        {("allow", "tcp")},
        {CROWDED: 2000},
    ),
    "a SYN flood from everywhere at a service that was let in": Trap(
        many(lambda n: tcp(80, src=f"{n % 100 + 11}.{n % 7 + 1}.100.7"), range(700))
        + tcp(80, src=STRANGER, prefix="[UFW ALLOW] "),
        set(),
        {"accepted already": 1, CROWDED: 700},
    ),
    "strangers from everywhere at a closed port": Trap(
        many(lambda n: tcp(445, src=f"{n + 11}.51.100.7"), range(40)), {("block", "tcp")}
    ),
    "pings from everywhere": Trap(
        many(lambda n: icmp(8, src=f"{n + 11}.51.100.7"), range(40)),
        set(),
        {"strangers from many networks send it, to no port: one decision for all of them, and no rule for each": 40},
    ),
    "this machine asks a well-known port": Trap(tcp(443, **out()) + udp(53, **out()), {("alert", "tcp"), ("alert", "udp")}),
    "this machine asks many": Trap(
        many(lambda n: tcp(443, **out(dst=f"192.0.2.{n}")), range(1, 40)), {("alert", "tcp")}
    ),
    "a host behind that asks many": Trap(
        many(lambda n: udp(443, iface="IN=eth1 OUT=eth0", src=NEIGHBOUR, dst=f"192.0.2.{n}"), range(1, 40)), {("alert", "udp")}
    ),
    "this machine's answers": Trap(
        many(lambda port: tcp(port, "ACK SYN", 80, **out()) + udp(port, 53, **out()), range(50000, 50020)),
        set(),
        {traffic.ANSWERED: 20, traffic.UDP_ANSWER: 20},
    ),
    "addresses that are none": Trap(tcp(80, src="198.51.100.300") + tcp(80, src="2001:db8::g"), set()),
    "a packet inside brackets": Trap(tcp(80, prefix=f"[SRC={STRANGER} DST={ME} PROTO=TCP DPT=22 SYN] x "), {("allow", "tcp")}),
    "IP protocols one after the other": Trap(
        many(lambda n: line(f"PROTO={n} "), range(60, 90)),
        set(),
        {"a scan over the IP protocols, of which no single one wants a rule": 30},
    ),
}  # fmt: skip


def advice_on(log: bytes, network: Network = TRAPS["resets"].network, intent="auto") -> Advice:
    return advise(folded(log), Wanted(intent, network=network))


@pytest.mark.parametrize("name", TRAPS)
def test_what_comes_out_is_what_the_packets_mean(name):
    trap = TRAPS[name]
    advice = advice_on(trap.log, trap.network)
    found = {(one.intent, one.rule.proto) for one in advice.suggestions if isinstance(one.rule, FirewallRule)}
    assert found == trap.out
    counted = {reason: lines for reason, lines in advice.not_suggested.items() if reason in trap.reasons}
    assert counted == trap.reasons


def stands_open(advice: Advice) -> Counter[str]:
    """Rules by intent that the rules format would not mark as comments."""
    return Counter(one.intent for one in advice.suggestions if RISKS.index(one.risk) < RISKS.index("high"))


@pytest.mark.parametrize("name", TRAPS)
def test_nothing_in_a_trap_is_let_in(name):
    """But for three attempts from the LAN that were refused."""
    opened = stands_open(advice_on(TRAPS[name].log, TRAPS[name].network))
    assert opened["alert"] == 0
    assert opened["allow"] == (1 if name == "a private source on a LAN" else 0)


@pytest.mark.parametrize("intent", ["allow", "block"])
@pytest.mark.parametrize("name", TRAPS)
def test_forcing_an_intent_keeps_the_traps_shut(name, intent):
    advice = advice_on(TRAPS[name].log, TRAPS[name].network, intent)
    assert {one.intent for one in advice.suggestions} <= {intent}
    for reason in traffic.ALWAYS & TRAPS[name].reasons.keys():
        assert advice.not_suggested[reason] >= TRAPS[name].reasons[reason]


def single(log: bytes, **network):
    (one,) = advice_on(log, Network(**network)).suggestions
    return one


def test_an_allow_takes_three_attempts_that_were_refused():
    def grades(times, prefix="[UFW BLOCK] "):
        one = single(many(lambda n: tcp(8080, spt=n, prefix=prefix, src=NEIGHBOUR), range(times)))
        return one.intent, one.risk, one.confidence

    assert grades(3) == ("allow", "medium", "medium")
    assert grades(2) == ("allow", "high", "low")
    assert grades(9, "seen ") == ("allow", "high", "low")


@pytest.mark.parametrize(
    ("name", "attempts"),
    [("one connection attempt that is sent again", 1), ("one attempt that three rules logged", 1),
     ("one attempt that was audited, then blocked", 1)],
)  # fmt: skip
def test_one_attempt_is_one_however_often_it_is_logged(name, attempts):
    one = single(TRAPS[name].log)
    assert (one.evidence.attempts, one.risk, one.confidence) == (attempts, "high", "low")


def test_what_can_be_forged_is_said():
    udp_scan = single(many(udp, range(1, 40)))
    assert "forged" in udp_scan.why
    assert (udp_scan.risk, udp_scan.confidence) == ("high", "medium")
    ping_sweep = single(many(lambda n: icmp(8, dst=f"203.0.113.{n}"), range(1, 40)))
    assert "forged" in ping_sweep.why
    assert ping_sweep.rule.icmp_type == 8
    syn_scan = single(many(tcp, range(1, 40)))
    assert "forged" in syn_scan.why
    assert (syn_scan.risk, syn_scan.confidence) == ("medium", "medium")


def test_forged_datagrams_do_not_make_a_few_connections_a_sure_scan():
    log = many(udp, range(1, 40)) + tcp(8080)
    found = {one.rule.proto: one for one in advice_on(log).suggestions if isinstance(one.rule, FirewallRule)}
    assert "forged" in found["tcp"].why
    assert found["tcp"].risk == "high"


def test_a_scan_over_the_protocols_is_called_one():
    log = many(lambda n: line(f"PROTO={n} "), range(60, 90)) + tcp(8080) + udp(161)
    found = {one.rule.proto: one.why for one in advice_on(log).suggestions if isinstance(one.rule, FirewallRule)}
    assert found.keys() == {"tcp", "udp"}
    assert all("10 IP protocols" in why and "hosts" not in why for why in found.values())


def test_a_scanner_that_strangers_ask_may_be_a_host_of_ours():
    into = many(lambda n: tcp(80, src=f"{n + 11}.51.100.7", iface="IN=br0 PHYSIN=eth0 OUT=br0 PHYSOUT=eth1"), range(20))
    scan = many(lambda n: tcp(445, src=ME, dst=f"192.0.2.{n}", iface="IN=br0 PHYSIN=eth1 OUT=br0 PHYSOUT=eth0"), range(1, 40))

    def of_ours(log):
        (found,) = [one for one in advice_on(log).suggestions if isinstance(one.rule, FirewallRule) and one.rule.sources == (ME,)]
        return found

    assert of_ours(scan).risk == "medium"
    one = of_ours(into + scan)
    assert (one.intent, one.risk, one.confidence) == ("block", "high", "low")
    assert "if it is yours" in one.why


def test_no_flags_are_blocked_with_their_source():
    for one in advice_on(TRAPS["FIN, NULL, XMAS and SYN with FIN"].log).suggestions:
        assert isinstance(one.rule, FirewallRule)
        assert one.rule.sources == ()
        assert one.rule.flags is not None
