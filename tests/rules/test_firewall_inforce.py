"""The policy in force against packets that a second, naive simulator sends through the same chains one by one."""

from __future__ import annotations

import time
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from syslogparse.rules.firewall_inforce import Base, FirewallInForce, Listing, Rule, in_force
from syslogparse.rules.inforce_match import STATES, TCP_FLAGS, Bits, Names, Numbers, headers, names, spans
from syslogparse.rules.model import FirewallRule, TcpFlags

TCP = Numbers("protocol", ((6, 6),))
NEW = Bits("state", STATES["NEW"])
OPEN = Bits("state", STATES["ESTABLISHED"] | STATES["RELATED"])
INVALID = Bits("state", STATES["INVALID"])
SSH = FirewallRule(4, "INPUT", "ACCEPT", "tcp", "eth0", sources=("192.0.2.7",), dst="198.51.100.1", ports=((22, 22),))
SHUT = FirewallRule(4, "INPUT", "DROP", "tcp", "eth0", sources=("192.0.2.7",))


def port(low, high=None):
    return Numbers("port", ((low, high or low),))


def source(low, high=None):
    return Numbers("source", ((low, high or low),))


def policy(rules, *, default="drop", hook="INPUT", **chains):
    given_chains = {"base": rules, **chains}
    return in_force([Listing(given_chains, [Base("base", hook, (4,), default)])])


def says(force, rule=SSH):
    return force.settles(rule), force.forbids(rule)


def test_no_policy_says_nothing():
    assert says(FirewallInForce()) == (False, False)
    assert says(in_force([])) == (False, False)


def test_what_is_accepted_is_settled():
    assert says(policy([Rule("accept", (TCP, port(22)))])) == (True, False)
    assert says(policy([Rule("accept", (OPEN,)), Rule("accept", (TCP, port(20, 30), NEW))])) == (True, False)
    assert says(policy([Rule("accept", (TCP, port(23)))])) == (False, False)


def test_new_without_established_is_half_a_connection():
    assert says(policy([Rule("accept", (TCP, port(22), NEW))])) == (False, False)


def test_a_rule_of_another_family_or_hook_says_nothing():
    other = FirewallRule(6, "INPUT", "ACCEPT", "tcp", "eth0", sources=("2001:db8::1",), ports=((22, 22),))
    assert says(policy([Rule("accept", ())]), other) == (False, False)
    assert says(policy([Rule("accept", ())], hook="FORWARD")) == (False, False)


def test_an_unknown_match_settles_nothing_and_may_forbid():
    assert says(policy([Rule("accept", (), ("set",))])) == (False, False)
    assert says(policy([Rule("drop", (), ("set",)), Rule("accept", ())], default="accept")) == (False, True)


def test_an_explicit_drop_forbids_unless_an_accept_ahead_of_it_takes_all():
    drop, accept = Rule("drop", (TCP, port(22))), Rule("accept", (source(0xC0000207),))
    assert says(policy([drop, accept])) == (False, True)
    assert says(policy([accept, drop])) == (True, False)
    assert says(policy([Rule("accept", (source(0xC0000208),)), drop])) == (False, True)
    assert says(policy([Rule("accept", (), ("set",)), drop])) == (False, True)


def test_defaults_forbid_nothing():
    assert says(policy([])) == (False, False)
    assert says(policy([Rule("drop")], default="accept")) == (False, False)
    assert says(policy([Rule("drop", (), ("limit",)), Rule("drop")])) == (False, False)
    # In the words of many a simple firewall: the end of the chain tells protocols apart for the kind of rejection.
    assert says(policy([Rule("accept", (port(80),)), Rule("drop", (TCP,)), Rule("drop")])) == (False, False)
    assert says(policy([Rule("drop", (INVALID,)), Rule("drop", (names("in_iface", ["eth0"]), NEW))])) == (False, False)
    assert says(policy([Rule("jump", target="out")], out=[Rule("log"), Rule("drop")])) == (False, False)
    assert says(policy([Rule("jump", (TCP,), target="out")], out=[Rule("log"), Rule("drop")])) == (False, False)


def test_what_looks_like_a_default_but_stands_ahead_of_an_accept_forbids():
    assert says(policy([Rule("drop", (TCP,)), Rule("accept", (port(80),))])) == (False, True)
    assert says(policy([Rule("jump", (TCP,), target="out"), Rule("accept", (port(80),))], out=[Rule("drop")])) == (False, True)


def test_a_jump_with_a_match_makes_what_it_leads_to_explicit():
    assert says(policy([Rule("jump", (source(0xC0000207),), target="banned")], banned=[Rule("drop")])) == (False, True)


def test_the_interfaces_of_a_forward_rule_are_explicit():
    through = FirewallRule(4, "FORWARD", "ACCEPT", "tcp", "guest", "lan", sources=("192.0.2.7",), ports=((22, 22),))
    rules = [Rule("drop", (names("in_iface", ["guest"]), names("out_iface", ["lan"])))]
    assert says(policy(rules, hook="FORWARD", default="accept"), through) == (False, True)


def test_return_goes_on_behind_the_jump_and_goto_does_not():
    back = [Rule("return", (port(22),)), Rule("drop")]
    assert says(policy([Rule("jump", target="sub"), Rule("accept")], sub=back)) == (True, False)
    assert says(policy([Rule("goto", target="sub"), Rule("accept")], sub=back)) == (False, False)
    assert says(policy([Rule("goto", target="sub"), Rule("drop")], sub=back, default="accept")) == (True, False)
    assert says(policy([Rule("return", (port(22),)), Rule("drop")], default="accept")) == (True, False)


def test_a_queue_is_neither():
    assert says(policy([Rule("unknown"), Rule("accept")])) == (False, False)
    assert says(policy([Rule("unknown", (port(22),)), Rule("drop", (port(22),))])) == (False, False)


def test_what_is_dropped_is_settled_by_a_default_too():
    assert policy([]).settles(SHUT)
    assert policy([Rule("accept", (OPEN,))]).settles(SHUT)
    assert policy([Rule("drop", (source(0xC0000207),))], default="accept").settles(SHUT)
    assert not policy([Rule("drop", (source(0xC0000207), port(22)))], default="accept").settles(SHUT)
    assert not policy([Rule("accept", (port(22),))]).settles(SHUT)
    # A packet of no connection is let in.
    assert not policy([Rule("drop", (NEW, source(0xC0000207)))], default="accept").settles(SHUT)


def test_what_is_logged_is_not_dropped_silently():
    loud = policy([Rule("log", (), ("limit",)), Rule("drop")])
    assert loud.settles(SHUT)
    assert not loud.settles(SHUT, silently=True)
    quiet = policy([Rule("drop", (source(0xC0000207),)), Rule("log")])
    assert quiet.settles(SHUT, silently=True)
    elsewhere = policy([Rule("log", (source(0xC0000208),))])
    assert elsewhere.settles(SHUT, silently=True)


def test_flags_that_no_connection_has_are_settled_by_dropping_what_is_invalid():
    null = FirewallRule(4, "INPUT", "DROP", "tcp", "eth0", sources=("192.0.2.7",), flags=TcpFlags(("SYN", "ACK", "RST"), ()))
    assert policy([Rule("drop", (INVALID,))], default="accept").settles(null)
    exact = Bits("flags", headers(TCP_FLAGS["SYN"] | TCP_FLAGS["ACK"] | TCP_FLAGS["RST"], 0))
    assert policy([Rule("drop", (TCP, exact))], default="accept").settles(null)
    assert not policy([Rule("drop", (TCP, Bits("flags", 1)))], default="accept").settles(null)


def test_all_base_chains_of_a_hook_have_to_accept_and_one_can_drop():
    chains = {"early": [Rule("drop", (source(0xC0000207),))], "late": [Rule("log"), Rule("accept")]}
    bases = [Base("late", "INPUT", (4, 6), "drop", 0), Base("early", "INPUT", (4,), "accept", -10)]
    force = in_force([Listing(chains, bases)])
    assert says(force) == (False, True)
    assert force.settles(SHUT, silently=True)
    force = in_force([Listing({**chains, "early": []}, bases)])
    assert says(force) == (True, False)
    assert not force.settles(SHUT)


def test_several_listings_are_one_policy():
    first = Listing({"a": [Rule("jump", target="b")], "b": [Rule("accept")]}, [Base("a", "INPUT", (4,), "drop")])
    second = Listing({"a": [Rule("drop", (port(22),))], "b": []}, [Base("a", "INPUT", (4,), "accept", -1)])
    assert says(in_force([first])) == (True, False)
    assert says(in_force([first, second])) == (False, True)


def test_a_bridge_sees_its_ports():
    through = FirewallRule(4, "FORWARD", "DROP", "tcp", "br0", "br0", "veth0", "veth1", sources=("192.0.2.7",))
    listing = Listing(
        {"b": [Rule("drop", (names("in_iface", ["veth0"]), names("out_iface", ["veth1"]), source(0xC0000207)))]},
        [Base("b", "FORWARD", (4, 6), "accept", -300, bridge=True)],
    )
    assert in_force([listing]).settles(through)
    routed = FirewallRule(4, "FORWARD", "DROP", "tcp", "veth0", "veth1", sources=("192.0.2.7",))
    assert not in_force([listing]).settles(routed)


@pytest.mark.parametrize(
    ("chains", "words"),
    [
        ({"a": [Rule("jump", target="a")]}, "itself"),
        ({"a": [Rule("jump", target="b")], "b": [Rule("goto", target="a")]}, "itself"),
        ({"a": [Rule("jump", target="c")]}, "not there"),
        ({f"{n}": [Rule("jump", target=f"{n + 1}")] if n < 100_000 else [] for n in range(100_001)}, "deep"),
    ],
)
def test_chains_that_the_kernel_would_not_take(chains, words):
    with pytest.raises(ValueError, match=words):
        in_force([Listing(chains, [])])


def test_chains_that_share_chains_are_walked_once():
    chains = {f"{n}": [Rule("jump", target=f"{n + 1}")] * 40 for n in range(60)}
    force = in_force([Listing({**chains, "60": [Rule("accept", (port(23),))]}, [Base("0", "INPUT", (4,), "drop")])])
    began = time.process_time()
    assert says(force) == (False, False)
    assert time.process_time() - began < 2


def test_many_sources_against_many_rules_take_seconds():
    banned = [Rule("drop", (source(0x0A000000 + 2 * number),)) for number in range(10_000)]
    force = policy([Rule("accept", (OPEN,)), *banned, Rule("accept", (TCP, port(22)))])
    began = time.process_time()
    found = [0, 0]
    for number in range(20_000):
        rule = FirewallRule(
            4, "INPUT", "ACCEPT", "tcp", "eth0", sources=(f"10.0.{number >> 8}.{number & 255}",), ports=((22, 22),)
        )
        settled, forbidden = says(force, rule)
        found[0] += settled
        found[1] += forbidden
    assert found == [10_000, 10_000]
    assert time.process_time() - began < 30


# --- a naive simulator over a small world ---

HOSTS, PORTS, FACES = range(4), range(4), ("eth0", "eth1", "wlan0")
_spans = st.lists(
    st.tuples(st.integers(0, 3), st.integers(0, 3)).map(lambda pair: (min(pair), max(pair))), min_size=1, max_size=2
)
_conditions = st.one_of(
    st.builds(lambda found, no: Numbers("source", spans(found), no), _spans, st.booleans()),
    st.builds(lambda found, no: Numbers("port", spans(found), no), _spans, st.booleans()),
    st.builds(lambda number, no: Numbers("protocol", ((number, number),), no), st.sampled_from((6, 17)), st.booleans()),
    st.builds(lambda found, no: names("in_iface", found, inverted=no), st.sampled_from((["eth0"], ["eth+"])), st.booleans()),
    st.builds(lambda bits: Bits("state", bits), st.integers(1, 31)),
)
_verdicts = st.sampled_from(("accept", "drop", "drop", "return", "log", "jump", "goto", "unknown"))


@st.composite
def _chains(draw):
    """Three chains; each leads to later ones only."""
    chains = {}
    for number in range(3):
        rules = []
        for _ in range(draw(st.integers(0, 4))):
            verdict = draw(_verdicts)
            target = ""
            if verdict in ("jump", "goto"):
                if number == 2:
                    continue
                target = f"{draw(st.integers(number + 1, 2))}"
            unknown = draw(st.sampled_from(((), (), (), ("set",), ("limit",))))
            rules.append(Rule(verdict, tuple(draw(st.lists(_conditions, max_size=2))), unknown, target))
        chains[f"{number}"] = rules
    return chains


def _matches(condition, packet):
    if isinstance(condition, Numbers):
        value = packet[condition.field]
        return any(low <= value <= high for low, high in condition.spans) != condition.inverted
    if isinstance(condition, Names):
        found = packet[condition.field] in condition.names or any(
            packet[condition.field].startswith(p) for p in condition.prefixes
        )
        return found != condition.inverted
    return bool(packet[condition.field] & condition.bits)


def _send(chains, name, packet, luck, logged):
    """The verdict and the rule that gave it; None where the chain ends. luck: which rules with unknown matches match."""
    for place, rule in enumerate(chains[name]):
        if rule.unknown and not luck[name, place]:
            continue
        if not all(_matches(condition, packet) for condition in rule.conditions):
            continue
        if rule.verdict in ("accept", "drop", "unknown"):
            return rule.verdict, rule
        if rule.verdict == "return":
            return None
        if rule.verdict == "log":
            logged.append(rule)
            continue
        found = _send(chains, rule.target, packet, luck, logged)
        if found is not None or rule.verdict == "goto":
            return found
    return None


def _worlds(chains, packets, default):
    """Every verdict, its rule, and whether it was logged, however the unknown matches turn out."""
    packets = list(packets)
    unknown = [(name, place) for name, rules in chains.items() for place, rule in enumerate(rules) if rule.unknown]
    for luck in product((False, True), repeat=min(len(unknown), 4)):
        turned_out = dict.fromkeys(unknown, False) | dict(zip(unknown, luck, strict=False))
        for packet in packets:
            logged: list[Rule] = []
            verdict, rule = _send(chains, "0", packet, turned_out, logged) or (default, None)
            yield verdict, rule, bool(logged)


def _packets(host, its_port, states, face="eth0"):
    syn, ack = 1 << TCP_FLAGS["SYN"], 1 << TCP_FLAGS["ACK"]
    for state in states:
        yield {
            "family": 4, "protocol": 6, "source": host, "port": its_port, "in_iface": face,
            "state": STATES[state], "flags": ack if state == "ESTABLISHED" else syn,
        }  # fmt: skip


@settings(max_examples=600)
@given(_chains(), st.sampled_from(HOSTS), st.sampled_from(PORTS), st.sampled_from(FACES), st.sampled_from(("accept", "drop")))
def test_one_packet_fares_as_the_simulator_says(chains, host, its_port, face, default):
    force = in_force([Listing(chains, [Base("0", "INPUT", (4,), default)])])
    rule = FirewallRule(4, "INPUT", "ACCEPT", "tcp", face, sources=(f"0.0.0.{host}",), ports=((its_port, its_port),))
    known = sum(bool(one.unknown) for rules in chains.values() for one in rules) <= 4

    both = list(_worlds(chains, _packets(host, its_port, ("NEW", "ESTABLISHED"), face), default))
    settled = all(verdict == "accept" for verdict, _, _ in both)
    assert not force.settles(rule) or settled
    if known and not any(one.unknown for rules in chains.values() for one in rules):
        assert force.settles(rule) == settled

    new = list(_worlds(chains, _packets(host, its_port, ("NEW",), face), default))
    told = {"source", "port"}
    aimed = any(
        verdict == "drop" and one and (told & {c.field for c in one.conditions} or "set" in one.unknown)
        for verdict, one, _ in new
    )
    assert not aimed or force.forbids(rule)
    if known and force.forbids(rule):
        assert any(verdict == "drop" and one for verdict, one, _ in new)


@settings(max_examples=600)
@given(_chains(), st.sampled_from(HOSTS), st.sampled_from(PORTS), st.sampled_from(("accept", "drop")))
def test_one_shut_out_packet_fares_as_the_simulator_says(chains, host, its_port, default):
    force = in_force([Listing(chains, [Base("0", "INPUT", (4,), default)])])
    rule = FirewallRule(4, "INPUT", "DROP", "tcp", "eth0", sources=(f"0.0.0.{host}",), ports=((its_port, its_port),))
    outcomes = list(_worlds(chains, _packets(host, its_port, ("NEW", "INVALID")), default))
    dropped = all(verdict == "drop" for verdict, _, _ in outcomes)
    silent = dropped and not any(logged for _, _, logged in outcomes)
    assert not force.settles(rule) or dropped
    assert not force.settles(rule, silently=True) or silent
    if not any(one.unknown for rules in chains.values() for one in rules):
        assert force.settles(rule) == dropped
        assert force.settles(rule, silently=True) == silent


@settings(max_examples=300)
@given(_chains(), st.sampled_from(("ACCEPT", "DROP")), st.sampled_from(("accept", "drop")))
def test_a_wide_rule_is_settled_only_where_every_packet_of_it_is(chains, target, default):
    force = in_force([Listing(chains, [Base("0", "INPUT", (4,), default)])])
    rule = FirewallRule(4, "INPUT", target, "tcp", None, sources=("0.0.0.0/31", "0.0.0.3"), ports=((0, 1), (3, 3)))
    states = ("NEW", "ESTABLISHED") if target == "ACCEPT" else ("NEW", "INVALID")
    packets = [one for host, its, face in product((0, 1, 3), (0, 1, 3), FACES) for one in _packets(host, its, states, face)]
    outcomes = list(_worlds(chains, packets, default))
    if force.settles(rule):
        assert all(verdict == target.lower() for verdict, _, _ in outcomes)
    if target == "ACCEPT":
        new = [one for host, its, face in product((0, 1, 3), (0, 1, 3), FACES) for one in _packets(host, its, ("NEW",), face)]
        told = {"source", "port"}
        aimed = any(
            verdict == "drop" and one and told & {condition.field for condition in one.conditions}
            for verdict, one, _ in _worlds(chains, new, default)
        )
        assert not aimed or force.forbids(rule)


def test_the_simulator_can_tell():
    chains = {"0": [Rule("drop", (source(1),)), Rule("log"), Rule("accept", (port(2),), ("set",))], "1": [], "2": []}
    assert {found[0] for found in _worlds(chains, _packets(1, 2, ("NEW",)), "drop")} == {"drop"}
    assert {found[0] for found in _worlds(chains, _packets(2, 2, ("NEW",)), "drop")} == {"drop", "accept"}
    assert {found[2] for found in _worlds(chains, _packets(2, 2, ("NEW",)), "drop")} == {True}
