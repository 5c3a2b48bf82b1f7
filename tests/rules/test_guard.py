import pytest
from msgspec.structs import replace

from syslogparse.rules import guard as g
from syslogparse.rules.guard import Guard, is_group, matches_connections, opens_connections_only, peers_of
from syslogparse.rules.model import TcpFlags
from syslogparse.rules.network import Network
from tests.rules.narrow import NEW, NULL, narrow, rule

NEAR = Network(
    own=("192.0.2.1", "fe80::1"),
    gateways=("192.0.2.254",),
    resolvers=("198.51.100.53",),
    admins=("203.0.113.7", "2001:db8::7"),
    never_block=("10.0.0.0/8",),
    admin_ports=(2222,),
)
NEAR_BUT_NEVER = Network(admins=("203.0.113.7",), resolvers=("198.51.100.53",), admin_ports=(2222,))


def kept(suggestion, network=NEAR):
    reasons: list[str] = []
    found = Guard(network).keep(suggestion, lambda reason, _: reasons.append(reason))
    assert (found is None) == bool(reasons)
    return found.rule if found else reasons[0]


@pytest.mark.parametrize(
    ("src", "reason"),
    [
        ("192.0.2.1", g.OWN),
        ("fe80::1", g.OWN),
        ("192.0.2.254", g.GATEWAY),
        ("198.51.100.53", g.RESOLVER),
        ("203.0.113.7", g.ADMIN),
        ("2001:db8::7", g.ADMIN),
        ("10.200.0.1", g.NEVER),
    ],
)
@pytest.mark.parametrize("intent", ["block", "quiet"])
def test_sources_that_are_protected(src, reason, intent):
    there = "2001:db8::99" if ":" in src else "192.0.2.9"
    assert kept(narrow(src, there, intent=intent)) == reason
    assert kept(narrow(src, there, port=None, proto="gre", intent=intent)) == reason
    assert kept(narrow(src, there, intent="allow", target="ACCEPT")) == rule(src, there, target="ACCEPT")


def test_a_rule_for_an_interface_that_this_machine_has_not_shuts_nobody_out_of_here():
    known = replace(NEAR, interfaces=("eth0", "lo", "p0"))
    for away in ({"in_iface": "v0"}, {"physdev_in": "p1"}, {"chain": "FORWARD", "out_iface": "v0"}):
        for src in ("192.0.2.1", "192.0.2.254", "198.51.100.53", "203.0.113.7"):
            assert kept(narrow(src, "192.0.2.9", **away), known) == rule(src, "192.0.2.9", **away)
        assert kept(narrow("10.200.0.1", **away), known) == g.NEVER
    for here in ({}, {"in_iface": None}, {"physdev_in": "p0"}):
        assert kept(narrow("192.0.2.254", **here), known) == g.GATEWAY
    assert kept(narrow("192.0.2.254", in_iface="v0"), replace(known, interfaces=())) == g.GATEWAY


def test_nor_does_its_port_of_an_administrator():
    known = replace(NEAR_BUT_NEVER, interfaces=("eth0",))
    assert kept(narrow(None, port=2222), known) == g.ADMIN_PORT
    assert kept(narrow(None, port=2222, in_iface="v0"), known) == rule(None, port=2222, in_iface="v0")
    assert not Guard(known).service_from_anywhere(rule(port=2222), (2222, 2222))
    assert Guard(known).service_from_anywhere(rule(port=2222, in_iface="v0"), (2222, 2222))
    assert not Guard(known).service_from_anywhere(rule(port=22, in_iface="v0"), (22, 22))


def test_others_are_not():
    assert kept(narrow("203.0.113.8")) == rule("203.0.113.8")
    assert kept(narrow("192.0.2.99")) == rule("192.0.2.99")
    assert kept(narrow("2001:db8::8", "2001:db8::9")) == rule("2001:db8::8", "2001:db8::9")


def test_of_many_sources_the_rest_stays():
    many = narrow(sources=("10.1.1.1", "192.0.2.1", "203.0.113.7", "203.0.113.8"))
    assert kept(many) == rule("203.0.113.8")


def test_a_network_with_somebody_protected_in_it_is_not_blocked():
    assert kept(narrow("203.0.113.7", sources=("203.0.113.0/24",))) == g.ADMIN


def test_what_this_machine_sends_is_judged_by_where_it_goes():
    out = {"chain": "OUTPUT", "in_iface": None, "out_iface": "eth0"}
    assert peers_of(rule("192.0.2.1", "203.0.113.7", **out)) == ("203.0.113.7",)
    assert kept(narrow("192.0.2.1", "203.0.113.7", **out)) == g.ADMIN
    assert kept(narrow("192.0.2.1", "203.0.113.8", **out)) == rule("192.0.2.1", "203.0.113.8", **out)
    assert kept(narrow("192.0.2.1", None, 53, proto="udp", **out), NEAR_BUT_NEVER) == g.RESOLVER
    assert kept(narrow("192.0.2.1", None, 25, **out), NEAR_BUT_NEVER) == rule("192.0.2.1", None, 25, **out)


@pytest.mark.parametrize("iface", [{"in_iface": "lo"}, {"chain": "OUTPUT", "in_iface": None, "out_iface": "lo"}])
def test_the_machine_is_not_cut_off_from_itself(iface):
    assert kept(narrow("127.0.0.1", "127.0.0.2", **iface), Network()) == g.LOOPBACK
    assert kept(narrow(None, "127.0.0.2", **iface, family=4), Network()) == g.LOOPBACK


@pytest.mark.parametrize("port", [22, 2222])
def test_the_port_that_an_administrator_uses_is_never_closed_for_anybody(port):
    assert kept(narrow(None, port=port), NEAR_BUT_NEVER) == g.ADMIN_PORT
    assert kept(narrow(None, ports=((1, 3000),)), NEAR_BUT_NEVER) == g.ADMIN_PORT
    assert kept(narrow(None, port=None), NEAR_BUT_NEVER) == g.ADMIN_PORT
    assert kept(narrow(None, port=port, flags=NEW), NEAR_BUT_NEVER) == g.ADMIN_PORT
    assert kept(narrow(None, port=port, flags=NULL), NEAR_BUT_NEVER) == rule(None, port=port, flags=NULL)
    assert kept(narrow("203.0.113.9", port=port), NEAR_BUT_NEVER) == rule("203.0.113.9", port=port)


def test_from_anywhere():
    assert kept(narrow(None, port=23), NEAR_BUT_NEVER) == rule(None, port=23)
    assert kept(narrow(None, port=23)) == g.NEVER
    assert kept(narrow(None, "2001:db8::9", port=23, family=6)) == rule(None, "2001:db8::9", port=23)
    assert kept(narrow(None, port=None, proto="gre"), NEAR_BUT_NEVER) == g.EVERYTHING
    assert kept(narrow(None, port=None, proto="gre"), Network()) == rule(None, port=None, proto="gre")
    assert kept(narrow(None, "224.0.0.1", port=None, proto="igmp"), NEAR_BUT_NEVER).dst == "224.0.0.1"
    assert kept(narrow(None, "192.0.2.255", 137, proto="udp", intent="quiet"), NEAR_BUT_NEVER).dst == "192.0.2.255"
    assert kept(narrow(None, "224.0.0.251", 5353, proto="udp", intent="quiet")) == g.NEVER


def test_which_services_may_be_closed_for_anybody():
    plain, through, new = rule(None), rule(None, chain="FORWARD", out_iface="eth1"), rule(None, flags=NEW)
    nobody = Guard(Network())
    assert nobody.service_from_anywhere(plain, (23, 23))
    assert not nobody.service_from_anywhere(plain, (22, 22))
    assert not nobody.service_from_anywhere(plain, (20, 25))
    assert nobody.service_from_anywhere(through, (22, 22))
    assert not nobody.service_from_anywhere(plain, (40000, 40000))
    assert nobody.service_from_anywhere(new, (40000, 40000))
    assert not Guard(NEAR_BUT_NEVER).service_from_anywhere(plain, (2222, 2222))
    assert not Guard(NEAR).service_from_anywhere(plain, (23, 23))
    out = rule("192.0.2.1", None, chain="OUTPUT", in_iface=None, out_iface="eth0")
    assert not nobody.service_from_anywhere(out, (53, 53))
    assert nobody.service_from_anywhere(out, (25, 25))


@pytest.mark.parametrize(
    ("mask", "wanted", "matches", "opens"),
    [
        ("", "", True, False),
        ("SYN RST ACK", "", False, False),
        ("FIN SYN RST ACK", "SYN", True, True),
        ("SYN ACK", "SYN", True, True),
        ("SYN", "SYN", True, False),
        ("FIN SYN", "FIN SYN", False, False),
        ("RST SYN", "RST SYN", False, False),
        ("ACK", "ACK", True, False),
        ("FIN PSH URG", "FIN PSH URG", True, False),
        ("ACK FIN", "FIN", False, False),
        ("CWR ECE URG ACK PSH RST SYN FIN", "FIN PSH URG", False, False),
    ],
)
def test_flags_that_connections_have(mask, wanted, matches, opens):
    flags = TcpFlags(tuple(mask.split()), tuple(wanted.split()))
    assert (matches_connections(flags), opens_connections_only(flags)) == (matches, opens)
    assert matches_connections(None)
    assert not opens_connections_only(None)


def test_groups():
    assert all(map(is_group, ["224.0.0.1", "239.255.255.250", "255.255.255.255", "ff02::1"]))
    assert not any(map(is_group, [None, "192.0.2.255", "fe80::1"]))
