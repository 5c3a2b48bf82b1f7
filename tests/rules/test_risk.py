import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from syslogparse.rules.exposure import SENSITIVE_PORTS
from syslogparse.rules.model import RISKS, FirewallRule
from syslogparse.rules.network import Addresses, bounds
from syslogparse.rules.risk import closing_risk, opening_risk

TRUSTED = Addresses(("198.51.100.0/24", "2001:db8:1::/48"))


def trusted(peer):
    spans = TRUSTED.spans[peer.family]
    return any(low <= peer.low and peer.high <= high for low, high in zip(spans.lows, spans.highs, strict=True))


def rule(source="192.0.2.2", port=8080, chain="INPUT", proto="tcp", **more):
    ends = {
        "in_iface": "eth0",
        "sources": (source,) if source else (),
        "dst": "192.0.2.1",
        "ports": ((port, port),) if port else (),
    }
    return FirewallRule(4, chain, "ACCEPT", proto, **(ends | more))


def opening(one, *, logged_only=False):
    return opening_risk(one, trusted=trusted, logged_only=logged_only)


@pytest.mark.parametrize(
    ("one", "risk"),
    [
        (rule("127.0.0.1"), "low"),
        (rule("169.254.0.1"), "medium"),
        (rule("10.0.0.1"), "medium"),
        (rule("10.0.0.0/8"), "medium"),
        (rule("8.0.0.0/6"), "high"),
        (rule(), "high"),
        (rule("10.0.0.1", 22), "critical"),
        (rule("10.0.0.1", 22, chain="FORWARD"), "critical"),
        (rule("169.254.0.1", 22), "critical"),
        (rule("127.0.0.1", 22), "medium"),
        (rule("10.0.0.1", 22, sources=("10.0.0.1", "198.51.100.7")), "critical"),
        (rule("10.0.0.1", None), "critical"),
        (rule("10.0.0.1", ports=((20, 30),)), "critical"),
        (rule("10.0.0.2", dst="10.0.0.1", chain="OUTPUT", port=22), "low"),
        (rule(port=22), "critical"),
        (rule("198.51.100.7"), "medium"),
        (rule("198.51.100.7", 22), "high"),
        (rule("198.51.0.0/16"), "high"),
        (rule(None), "critical"),
        (rule("0.0.0.0/0"), "critical"),
        (rule(port=None), "critical"),
        (rule(ports=((20, 30),)), "critical"),
        (rule(port=None, proto="icmp", icmp_type=8), "medium"),
        (rule(port=None, proto="icmp", icmp_type=5), "critical"),
        (rule(port=None, proto="icmp"), "critical"),
        (rule(port=None, proto="gre"), "high"),
        (rule("192.0.2.1", dst="192.0.2.2", chain="OUTPUT", port=22), "medium"),
        (rule("192.0.2.1", dst=None, chain="OUTPUT"), "high"),
    ],
)
def test_the_table_of_opening_risks(one, risk):
    assert opening(one) == risk


def test_what_was_only_logged_is_a_step_riskier():
    assert opening(rule(), logged_only=True) == "critical"
    assert opening(rule("10.0.0.1"), logged_only=True) == "high"


def test_never_from_anywhere_to_a_sensitive_port_without_critical():
    for port in SENSITIVE_PORTS:
        assert opening(rule(None, port)) == "critical"
        assert opening(rule("0.0.0.0/0", port)) == "critical"


PEERS = ["127.0.0.1", "169.254.1.1", "10.0.0.1", "10.0.0.0/8", "198.51.100.7", "198.51.100.0/24", "198.51.0.0/16", "192.0.2.7"]
rules = st.builds(
    FirewallRule,
    st.just(4),
    st.sampled_from(["INPUT", "OUTPUT", "FORWARD"]),
    st.just("ACCEPT"),
    st.sampled_from(["tcp", "udp", "icmp", "gre"]),
    in_iface=st.none() | st.just("eth0"),
    sources=st.lists(st.sampled_from(PEERS), min_size=1, max_size=3).map(tuple),
    dst=st.sampled_from(PEERS),
    ports=st.lists(st.integers(0, 65535).map(lambda port: (port, port)), min_size=1, max_size=3).map(tuple),
    icmp_type=st.integers(0, 255),
    icmp_code=st.none() | st.integers(0, 3),
)


def wider(one):
    """Every rule that lets in all that ``one`` does and more."""
    yield replace(one, sources=())
    yield replace(one, dst=None)
    yield replace(one, ports=())
    yield replace(one, icmp_type=None, icmp_code=None)
    yield replace(one, icmp_code=None)
    yield replace(one, in_iface=None)
    yield replace(one, ports=(*one.ports, (0, 1023)))
    for peer in PEERS:
        yield replace(one, sources=(*one.sources, peer))
    for old in PEERS:
        for new in PEERS:
            small, large = bounds(old), bounds(new)
            if large.low <= small.low and small.high <= large.high:
                yield replace(one, sources=tuple(new if peer == old else peer for peer in one.sources))
                yield replace(one, dst=new if one.dst == old else one.dst)


@given(rules, st.booleans())
def test_the_risk_never_falls_when_a_permission_grows(one, logged_only):
    risk = RISKS.index(opening(one, logged_only=logged_only))
    for more in wider(one):
        assert RISKS.index(opening(more, logged_only=logged_only)) >= risk
    assert RISKS.index(opening(one, logged_only=True)) >= risk


FAR = ["127.0.0.1", "10.0.0.1", "192.0.2.7", "0.0.0.0/0"]


@given(rules)
def test_a_stranger_never_risks_less_than_a_neighbour(one):
    for chain in ("sources", "dst"):
        risks = [RISKS.index(opening(replace(one, **{chain: (peer,) if chain == "sources" else peer}))) for peer in FAR]
        assert risks == sorted(risks)


def test_the_table_of_closing_risks():
    def risk(*args, **more):
        return closing_risk(replace(rule(*args, **more), target="DROP"))

    assert risk() == "low"
    assert risk(None) == "low"
    assert risk("10.0.0.1") == "medium"
    assert risk("192.0.2.1", dst="192.0.2.2", chain="OUTPUT") == "medium"
    assert risk("127.0.0.1", in_iface="lo") == "high"
    assert risk(port=None, proto="icmp", icmp_type=3) == "high"
    assert risk(port=None, proto="icmp", icmp_type=8) == "low"
    assert risk(port=None, proto="icmp") == "high"
