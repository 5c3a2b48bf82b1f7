import pytest

from syslogparse.rules.network import Network, bounds
from syslogparse.rules.packet import read_packet
from syslogparse.rules.surroundings import Surroundings
from tests.rules.make import NETFILTER


def read(**fields):
    return read_packet(NETFILTER._replace(**fields))


def test_who_is_trusted_is_what_the_user_says():
    near = Surroundings(Network(trusted=("198.51.100.0/24",)))
    assert near.trusts(read(src=b"198.51.100.7").src)
    assert not near.trusts(read(src=b"10.0.0.1").src)
    assert near.trusts_all(bounds("198.51.100.0/25"))
    assert not near.trusts_all(bounds("198.51.0.0/16"))
    assert not near.trusts_all(bounds("2001:db8::1"))


def test_own_and_needed_addresses():
    near = Surroundings(Network(own=("192.0.2.1",), gateways=("192.0.2.2",), resolvers=("2001:db8::53",)))
    assert near.is_own(read().dst)
    assert near.is_needed(read().src)
    assert not near.is_needed(read().dst)


@pytest.mark.parametrize(
    ("fields", "outward"),
    [
        ({"in_": b"", "out": b"eth0"}, True),
        ({}, False),
        ({"in_": b"eth1", "out": b"eth0", "src": b"10.0.0.1", "dst": b"192.0.2.1"}, True),
        ({"in_": b"eth1", "out": b"eth0"}, False),
        ({"in_": b"eth1", "out": b"wan0"}, True),
        ({"in_": b"wan0", "out": b"eth1", "src": b"10.0.0.1"}, False),
        ({"in_": b"br0", "out": b"br0", "src": b"10.0.0.1", "physin": b"eth1", "physout": b"eth0"}, False),
        ({"in_": b"br0", "out": b"br0", "physin": b"eth1", "physout": b"wan0"}, True),
        ({"in_": b"br0", "out": b"br0", "physin": b"wan0", "physout": b"eth1"}, False),
    ],
)
def test_which_way_is_out(fields, outward):
    assert Surroundings(Network(wan=("wan0",))).is_outward(read(**fields)) == outward


def test_text_that_is_no_network_is_a_programming_error():
    with pytest.raises(ValueError, match="nonsense"):
        Surroundings(Network(trusted=("nonsense",)))
