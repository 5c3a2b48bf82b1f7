import pytest

from syslogparse.rules import noise
from syslogparse.rules.packet import read_packet
from tests.rules.make import NETFILTER

UDP = {"proto": b"udp", "flags": b""}


def read(**fields):
    return read_packet(NETFILTER._replace(**fields))


@pytest.mark.parametrize(
    ("fields", "many", "known"),
    [
        ({**UDP, "dst": b"224.0.0.251", "dpt": b"5353"}, True, True),
        ({**UDP, "dst": b"239.255.255.250", "dpt": b"1900"}, True, True),
        ({**UDP, "dst": b"255.255.255.255", "dpt": b"67"}, True, True),
        ({**UDP, "dst": b"192.0.2.255", "dpt": b"137"}, True, True),
        ({**UDP, "dst": b"192.0.2.255", "dpt": b"9999"}, False, False),
        ({**UDP, "dst": b"198.51.100.255", "dpt": b"137"}, False, True),
        ({**UDP, "dst": b"192.0.2.1", "dpt": b"137"}, False, True),
        ({**UDP, "dst": b"239.1.2.3", "dpt": b"5004"}, True, False),
        ({"proto": b"igmp", "dst": b"224.0.0.1", "dpt": b"", "flags": b""}, True, True),
        ({"proto": b"ospf", "dst": b"224.0.0.5", "dpt": b"", "flags": b""}, True, True),
        ({"proto": b"icmp", "dst": b"224.0.0.2", "dpt": b"", "flags": b"", "icmp_type": b"10"}, True, True),
        ({"proto": b"icmp", "dst": b"224.0.0.1", "dpt": b"", "flags": b"", "icmp_type": b"8"}, True, False),
        ({"dst": b"224.0.0.1"}, True, False),
    ],
)
def test_what_is_noise(fields, many, known):
    packet = read(**fields)
    assert (noise.is_for_many(packet), noise.is_known(packet)) == (many, known)


def test_what_routers_need():
    assert noise.is_topology(read(proto=b"vrrp", dpt=b"", flags=b""))
    assert noise.is_topology(read(**UDP, dpt=b"520"))
    assert not noise.is_topology(read(**UDP, dpt=b"5353"))
