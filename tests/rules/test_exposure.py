from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syslogparse.rules.exposure import scope_of


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
