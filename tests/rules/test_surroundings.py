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
    assert near.is_to_itself(read())
    assert near.is_from_itself(read(src=b"192.0.2.1"))
    assert near.is_from_needed(read())
    assert not near.is_from_itself(read())
    assert not near.is_from_needed(read(src=b"192.0.2.1"))


def test_addresses_of_this_machine_say_nothing_about_the_interfaces_of_another():
    near = Surroundings(Network(own=("192.0.2.1",), gateways=("192.0.2.2",), interfaces=("eth0", "lo", "br0", "p0")))
    bridged = {"in_": b"br0", "out": b"br0", "physin": b"p0", "physout": b"p0"}
    for here in ({}, bridged):
        assert near.is_to_itself(read(**here))
        assert near.is_from_itself(read(src=b"192.0.2.1", **here))
        assert near.is_from_needed(read(**here))
    for away in ({"in_": b"v0"}, bridged | {"physin": b"p1"}, bridged | {"physout": b"p1"}, {"in_": b"", "out": b"v0"}):
        assert not near.is_to_itself(read(**away))
        assert not near.is_from_itself(read(src=b"192.0.2.1", **away))
        assert not near.is_from_needed(read(**away))


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
