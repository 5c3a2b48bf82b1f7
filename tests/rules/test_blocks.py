from hypothesis import given
from hypothesis import strategies as st

from syslogparse.rules.blocks import MOST_MATCHES, MOST_SERVICES
from syslogparse.rules.guard import Guard
from syslogparse.rules.model import RISKS
from syslogparse.rules.network import Network
from syslogparse.rules.scanners import KNOCKERS
from tests.rules.narrow import NEW, NULL, covers, few, few_rules, narrow, rule

CROWDS = st.lists(
    st.builds(
        lambda first, last, port, dst, risk: narrow(
            f"{first}.9.8.{last}", f"192.0.2.{dst}", port, risk=risk, chain="FORWARD", out_iface="x"
        ),
        st.integers(1, 40),
        st.integers(0, 7),
        st.sampled_from([22, 23, 80, 81, 445, 40000]),
        st.integers(1, 3),
        st.sampled_from(["low", "low", "low", "high"]),
    ),
    min_size=20,
    max_size=150,
)


def crowd(port, count=KNOCKERS, **fields):
    return [narrow(f"{1 + number}.2.3.4", port=port, **fields) for number in range(count)]


@given(CROWDS, st.randoms(), st.sampled_from([Network(), Network(never_block=("1.9.8.0/24",)), Network(scan_ports=2)]))
def test_a_crowd_is_covered_in_any_order(parts, random, network):
    made, refused = few(*parts, network=network)
    assert few(*random.sample(parts, len(parts)), network=network) == (made, refused)
    guard = Guard(network)
    for part in parts:
        if guard.keep(part, lambda *_: None):
            over = [one for one in made if covers(one.rule, part.rule)]
            assert any(RISKS.index(one.risk) >= RISKS.index(part.risk) for one in over)
    assert not any(
        covers(one.rule, rule("1.9.8.7", chain="FORWARD", out_iface="x", port=port)) for one in made for port in (23, 9)
    ) or (not network.never_block)


def test_a_port_that_many_knock_on_is_closed_for_anybody():
    made, _ = few(*crowd(445), *crowd(139), *crowd(135))
    assert [one.rule for one in made] == [rule(None, None, None, ports=((135, 135), (139, 139), (445, 445)))]
    assert made[0].why == "10 sources tried these 3 ports: closed for anybody, it takes one rule and no list."
    assert (made[0].risk, made[0].evidence.count) == ("low", 3 * KNOCKERS)


def test_too_few_networks_are_no_crowd():
    made = few_rules(*crowd(445, KNOCKERS - 1), *(narrow(f"1.2.9.{last}", port=445) for last in range(1, 200, 4)))
    assert all(one.sources for one in made)


def test_a_service_that_is_served_is_blocked_by_source():
    (one,) = few_rules(*crowd(443), closable=lambda asked: (443, 443) not in asked.ports)
    assert len(one.sources) == KNOCKERS
    assert one.ports == ((443, 443),)


def test_what_was_not_refused_may_be_wanted():
    made, _ = few(*crowd(80, prefix=b"seen"))
    assert made[0].risk == "high"
    assert made[0].why.endswith("no list; not all of it was refused so far, so see first that nobody needs it.")


def test_who_scans_says_nothing_about_a_service():
    scanners = [narrow(f"{1 + number}.2.3.4", port=port) for number in range(KNOCKERS) for port in range(100, 120)]
    (one,) = few_rules(*scanners)
    assert (len(one.sources), one.ports, one.dst) == (KNOCKERS, (), "192.0.2.1")


def test_ports_of_different_gravity_are_closed_apart():
    found = {one.risk: one.rule.ports for one in few(*crowd(445), *crowd(25, risk="critical"))[0]}
    assert found == {"low": ((445, 445),), "critical": ((25, 25),)}


def test_ssh_is_blocked_by_source():
    found = few_rules(*crowd(22), *crowd(23))
    assert {(len(one.sources), one.ports) for one in found} == {(0, ((23, 23),)), (KNOCKERS, ((22, 22),))}


def test_ports_of_ones_own_connections_are_blocked_by_source_unless_only_new_ones_are_met():
    assert len(few_rules(*crowd(40000))[0].sources) == KNOCKERS
    assert few_rules(*crowd(40000, flags=NEW)) == [rule(None, None, 40000, flags=NEW)]


def test_the_destination_is_kept_where_it_says_whose_service_it_is():
    through = {"chain": "FORWARD", "out_iface": "eth1"}
    assert few_rules(*crowd(445, **through))[0].dst == "192.0.2.1"
    assert few_rules(*crowd(445, **through), narrow("198.51.100.1", "192.0.2.2", 445, **through))[0].dst is None
    assert few_rules(*crowd(445))[0].dst is None


def test_only_the_most_wanted_services_are_closed():
    ports = range(1000, 1000 + 3 * MOST_SERVICES, 3)
    # Each source tries few ports, so that none of them is taken for a scanner.
    parts = [narrow(f"{1 + n}.{port % 250}.3.4", port=port) for port in ports for n in range(KNOCKERS + (port == 1000))]
    found = few_rules(*parts)
    anybody = [one for one in found if not one.sources]
    assert sum(len(one.ports) for one in anybody) == MOST_SERVICES
    assert few_rules(*parts) == found
    more = few_rules(*parts, *(narrow(f"{100 + n}.9.3.4", port=9) for n in range(KNOCKERS + 1)))
    assert any((9, 9) in one.ports for one in more if not one.sources)


def test_a_scanner_is_blocked_whatever_the_port_and_dearer():
    made, _ = few(*(narrow(port=port) for port in range(1, 20, 2)))
    assert [one.rule for one in made] == [rule(port=None)]
    assert made[0].risk == "medium"
    assert made[0].why == "It is bad; 1 source, 10 ports, shut out whatever the port."


def test_scanners_share_one_rule():
    parts = [narrow(f"203.0.113.{last}", None, None, why="A scan.") for last in (4, 5, 6, 7, 99)]
    made, _ = few(*parts, narrow("203.0.113.99", port=77))
    assert [one.rule for one in made] == [rule(dst=None, port=None, sources=("203.0.113.4/30", "203.0.113.99"))]
    assert made[0].why == "A scan; 5 sources in 2 addresses and networks, 1 port, shut out whatever the port."
    assert made[0].risk == "low"


def test_scanners_whose_block_is_grave_stand_apart():
    parts = [narrow(f"203.0.113.{last}", None, None, risk="high" if last < 8 else "low") for last in range(16)]
    assert [(one.rule.sources, one.risk) for one in few(*parts)[0]] == [
        (("203.0.113.8/29",), "low"),
        (("203.0.113.0/29",), "high"),
    ]


def test_a_covering_network_spares_the_administrator():
    parts = [narrow(f"203.0.113.{last}", None, None) for last in (0, 1, 2)]
    assert few_rules(*parts)[0].sources == ("203.0.113.0/30",)
    near = Network(admins=("203.0.113.3",))
    assert few_rules(*parts, network=near)[0].sources == ("203.0.113.0/31", "203.0.113.2")


def test_the_rest_is_blocked_by_source_and_port():
    made, _ = few(narrow("203.0.113.1", port=4444), narrow("198.51.100.1", port=5555), narrow("203.0.113.1", port=5556))
    assert [one.rule for one in made] == [
        rule(None, "192.0.2.1", None, sources=("198.51.100.1", "203.0.113.1"), ports=((4444, 4444), (5555, 5556)))
    ]
    assert made[0].why == "It is bad; 2 sources, 3 ports."


def test_too_many_ports_for_few_rules():
    parts = [narrow(f"{1 + number}.2.3.4", port=1000 + 2 * number) for number in range(15 * MOST_MATCHES)]
    assert [len(one.ports) for one in few_rules(*parts)] == [15] * MOST_MATCHES
    (one,) = few(*parts, narrow("99.2.3.4", port=1))[0]
    assert (len(one.rule.sources), one.rule.ports, one.risk) == (15 * MOST_MATCHES + 1, (), "medium")


def test_flags_that_no_connection_has_are_dropped_from_anywhere():
    parts = [narrow(f"203.0.113.{last}", port=port, flags=NULL) for last in (1, 2) for port in (1, 2)]
    made, _ = few(*parts)
    assert [one.rule for one in made] == [rule(None, None, None, flags=NULL)]
    assert made[0].why == "It is bad; 2 sources."
    assert all(one.sources for one in few_rules(*parts, network=Network(never_block=("10.0.0.0/8",))))
    assert few_rules(*(narrow(None, None, None, flags=NULL) for _ in range(2))) == [rule(None, None, None, flags=NULL)]


def test_icmp_is_blocked_by_source_and_type():
    parts = [
        narrow(f"203.0.113.{last}", port=None, proto="icmp", icmp_type=kind) for last in range(1, 250, 7) for kind in (8, 13)
    ]
    found = few_rules(*parts)
    assert [(one.icmp_type, len(one.sources), one.dst) for one in found] == [(8, 36, "192.0.2.1"), (13, 36, "192.0.2.1")]


def test_what_this_machine_sends():
    out = {"chain": "OUTPUT", "in_iface": None, "out_iface": "eth0"}
    parts = [narrow("192.0.2.1", f"{1 + number}.2.3.4", 25, **out) for number in range(KNOCKERS)]
    made, _ = few(*parts)
    assert [(one.rule, one.risk) for one in made] == [(rule("192.0.2.1", None, 25, **out), "high")]
    made, _ = few(*(narrow("192.0.2.1", f"198.51.100.{last}", 25, **out) for last in (8, 9, 30)))
    assert [one.rule.dst for one in made] == ["198.51.100.8/31", "198.51.100.30"]
    assert made[0].why == "It is bad; 2 destinations in 1 address or network, 1 port."


def test_rules_for_anybody_are_merged_over_ports():
    assert few_rules(narrow(None, port=23), narrow(None, port=24), narrow(None, "192.0.2.2", 23)) == [
        rule(None, "192.0.2.1", None, ports=((23, 24),)),
        rule(None, "192.0.2.2", 23),
    ]
