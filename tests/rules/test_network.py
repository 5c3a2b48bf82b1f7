from ipaddress import ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syslogparse.rules.network import Addresses, Bounds, Interfaces, Spans, bounds, written

RANGES = st.lists(st.tuples(st.integers(0, 60), st.integers(0, 9)).map(lambda pair: (pair[0], sum(pair))), max_size=12)


@given(RANGES, st.integers(0, 70), st.integers(0, 5))
def test_spans_know_what_they_hold(ranges, low, more):
    held = {number for first, last in ranges for number in range(first, last + 1)}
    spans = Spans(ranges)
    assert spans.overlaps(low, low + more) == bool(held & set(range(low, low + more + 1)))
    assert bool(spans) == bool(ranges)
    assert sum(high - low + 1 for low, high in zip(spans.lows, spans.highs, strict=True)) == len(held)
    assert all(high + 1 < low for high, low in zip(spans.highs, spans.lows[1:], strict=False))


@given(st.ip_addresses())
def test_an_address_is_itself(address):
    assert bounds(str(address)) == Bounds(address.version, int(address), int(address))
    assert written(address.version, int(address), address.max_prefixlen) == str(address)


@given(st.ip_addresses(), st.integers(0, 128))
def test_a_network_is_all_its_addresses(address, length):
    network = ip_network((address, min(length, address.max_prefixlen)), strict=False)
    found = bounds(str(network))
    assert found == (address.version, int(network.network_address), int(network.broadcast_address))
    if network.prefixlen < address.max_prefixlen:
        assert written(address.version, int(network.network_address), network.prefixlen) == str(network)


@pytest.mark.parametrize(
    "text",
    ["", "x", "1.2.3", "1.2.3.256", "1.2.3.04", "1.2.3.+4", "1.2.3.\u0664", "1.2.3.4/33", "1.2.3.4/24", "::1::", "fe80::1%0/64"],
)
def test_what_is_no_address_is_refused(text):
    with pytest.raises(ValueError, match=r"."):
        bounds(text)


def test_addresses_of_both_families_are_looked_up_apart():
    some = Addresses(["192.0.2.0/24", "198.51.100.7", "2001:db8::/32"])
    assert "192.0.2.200" in some
    assert "198.51.100.7" in some
    assert "198.51.100.8" not in some
    assert "2001:db8:ffff::1" in some
    assert "::c000:207" not in some
    assert some.overlaps(bounds("198.0.0.0/8"))
    assert not some.overlaps(bounds("10.0.0.0/8"))
    assert str(ip_address(int(ip_address("::c000:207")))) not in Addresses(["2001:db8::/32"])


def test_an_interface_that_comes_and_goes_may_be_this_machines():
    known = Interfaces(("lo", "eth0"))
    assert known.include("tun0", "wg1", "ppp0", "wlan0", "br-1234", None)
    assert not known.include("eth0", "v0")
