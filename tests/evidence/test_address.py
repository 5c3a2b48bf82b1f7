"""Addresses against the standard library."""

from ipaddress import IPv4Address, IPv6Address, ip_address

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from syslogparse.evidence import address
from syslogparse.evidence.model import Undecodable


@pytest.mark.parametrize(
    ("logged", "canonical"),
    [
        (b"192.0.2.1", b"192.0.2.1"),
        (b"0.0.0.0", b"0.0.0.0"),
        (b"255.255.255.255", b"255.255.255.255"),
        (b"2001:0db8:0000:0000:0000:0000:0000:0002", b"2001:db8::2"),
        (b"2001:db8:0:1:0:0:0:1", b"2001:db8:0:1::1"),
        (b"2001:DB8::1", b"2001:db8::1"),
        (b"2001:0db8:0001:0001:0000:0001:0001:0001", b"2001:db8:1:1:0:1:1:1"),
        (b"0000:0000:0000:0000:0000:0000:0000:0000", b"::"),
        (b"0000:0000:0000:0000:0000:ffff:c000:0201", b"::ffff:192.0.2.1"),
        (b"::ffff:192.0.2.1", b"::ffff:192.0.2.1"),
        (b"::FFFF:C000:201", b"::ffff:192.0.2.1"),
        (b"fe80:0000:0000:0000:0084:88ff:feae:790a", b"fe80::84:88ff:feae:790a"),
        (b"2001:db8:0:0:1:0:0:0", b"2001:db8:0:0:1::"),
        (b"64:ff9b::192.0.2.1", b"64:ff9b::c000:201"),
    ],
)
def test_one_spelling(logged: bytes, canonical: bytes):
    assert address.canonical(logged) == canonical
    assert address.canonical(logged) == canonical, "from the cache"


NO_ADDRESS = (
    b"... 1.2.3.4, 219.255.10.22.DST=11.11.79.81 x.x.x.x 0x7f.1 1.2.3.0004 ::1.2.3.256 ::1.2.3.04 1.2.3.4::1 [::1] gw.example "
    b"1 1.2.3 1.2.3.4.5 1.2.3.256 01.2.3.4 1.2.3.4/8 1.2.3.+4 1.2.3.4_0 1.2.3.\xb2 1..2.3 ::1:: fe80::1%eth0 1:2:3:4:5:6:7 "
    b"1:2:3:4:5:6:7:8:9 12345:: : ::g 2001:db8::/32 ::\xff"
)


@pytest.mark.parametrize("logged", [b"", b"::1 ", b" 1.2.3.4", *NO_ADDRESS.split()])
def test_no_address(logged: bytes):
    with pytest.raises(Undecodable) as caught:
        address.canonical(logged)
    assert caught.value.reason == "invalid address"


@given(st.ip_addresses())
@example(IPv4Address("0.0.0.0"))
@example(IPv6Address("::ffff:1.2.3.4"))
def test_every_address_survives(value: IPv4Address | IPv6Address):
    assert ip_address(address.canonical(value.exploded.encode()).decode()) == value


def test_the_cache_is_bounded():
    for number in range(20_000):
        address.canonical(str(IPv4Address(number)).encode())
    assert len(address._known) <= 8192
