from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syslogparse.rules.exposure import closing_risk, opening_risk, scope_of
from syslogparse.rules.model import RISKS


@pytest.mark.parametrize(
    ("text", "scope"),
    [
        ("127.0.0.1", "loopback"),
        ("127.255.255.255", "loopback"),
        ("128.0.0.0", "global"),
        ("10.0.0.0", "private"),
        ("172.15.255.255", "global"),
        ("172.31.255.255", "private"),
        ("192.168.1.1", "private"),
        ("100.64.0.1", "private"),
        ("169.254.3.4", "link-local"),
        ("192.0.2.1", "global"),
        ("224.0.0.1", "multicast"),
        ("240.0.0.1", "reserved"),
        ("255.255.255.255", "broadcast"),
        ("0.0.0.0", "unspecified"),
        ("::", "unspecified"),
        ("::1", "loopback"),
        ("::2", "global"),
        ("fe80::1", "link-local"),
        ("fd00::1", "private"),
        ("ff02::1", "multicast"),
        ("2001:db8::1", "global"),
    ],
)
def test_scopes(text, scope):
    address = ip_address(text)
    assert scope_of(address.version, int(address)) == scope


@given(st.ip_addresses())
def test_scopes_agree_with_ipaddress_where_that_is_stable(address):
    scope = scope_of(address.version, int(address))
    assert (scope == "loopback") == address.is_loopback
    assert (scope == "link-local") == address.is_link_local
    assert (scope == "multicast") == address.is_multicast


@pytest.mark.parametrize(
    ("peer", "outbound", "sensitive", "harmless", "only_logged", "risk"),
    [
        ("global", False, True, False, False, "critical"),
        ("global", False, False, False, False, "high"),
        ("private", False, False, False, False, "medium"),
        ("private", False, True, False, False, "high"),
        ("loopback", False, False, False, False, "low"),
        ("link-local", False, False, False, True, "medium"),
        ("global", True, True, False, False, "medium"),
        ("private", True, False, False, False, "low"),
        ("global", False, False, True, False, "medium"),
        ("global", False, False, False, True, "critical"),
        ("multicast", False, False, False, False, "high"),
    ],
)
def test_the_table_of_opening_risks(peer, outbound, sensitive, harmless, only_logged, risk):
    assert opening_risk(peer, outbound=outbound, sensitive=sensitive, harmless=harmless, only_logged=only_logged) == risk


def test_the_table_of_closing_risks():
    def risk(peer, outbound=False, loopback=False, path_message=False):
        return closing_risk(peer, outbound=outbound, loopback=loopback, path_message=path_message)

    assert risk("global") == "low"
    assert risk("private") == "medium"
    assert risk("global", outbound=True) == "medium"
    assert risk("loopback", loopback=True) == "high"
    assert risk("global", path_message=True) == "high"


def test_a_stranger_never_risks_less_than_a_neighbour():
    for combination in range(16):
        bits = [bool(combination >> bit & 1) for bit in range(4)]
        risks = [
            opening_risk(peer, outbound=bits[0], sensitive=bits[1], harmless=bits[2], only_logged=bits[3])
            for peer in ("loopback", "private", "global")
        ]
        assert risks == sorted(risks, key=RISKS.index)
