import time
import tracemalloc

import pytest

from syslogparse.rules.model import FirewallRule
from syslogparse.rules.network import Network
from syslogparse.rules.packet import read_packet
from syslogparse.rules.scanners import CROWD, KNOCKERS, Scanners, Services
from syslogparse.rules.surroundings import Surroundings
from tests.rules.make import NETFILTER


def read(**fields):
    return read_packet(NETFILTER._replace(**fields))


def found(packets, **network):
    scanners = Scanners(Surroundings(Network(**network)))
    for packet in packets:
        scanners.add(packet)
    return scanners.found()


def ports(count, first=1, **fields):
    return [read(dpt=b"%d" % port, **fields) for port in range(first, first + count)]


def hosts(count, **fields):
    return [read(dst=b"192.0.2.%d" % number, **fields) for number in range(count)]


UDP = {"proto": b"udp", "flags": b""}


@pytest.mark.parametrize("some", [ports, hosts])
def test_thresholds(some):
    assert found(some(10)) == {"192.0.2.2": "tcp"}
    assert found(some(9)) == {}
    assert found(some(3), scan_ports=3, scan_hosts=3) == {"192.0.2.2": "tcp"}
    assert found(some(1), scan_ports=1, scan_hosts=1) == {"192.0.2.2": "tcp"}


def test_the_same_again_does_not_count():
    assert found(ports(9) * 5) == {}


def test_a_scan_of_what_can_be_forged_is_told_apart():
    assert found(ports(10, **UDP)) == {"192.0.2.2": "any"}
    assert found(ports(5) + ports(5, **UDP)) == {"192.0.2.2": "any"}
    assert found(ports(10) + ports(5, **UDP)) == {"192.0.2.2": "tcp"}
    assert found(hosts(10, proto=b"icmp", dpt=b"", icmp_type=b"8", flags=b"")) == {"192.0.2.2": "any"}


def test_hosts_are_counted_once_over_all_protocols():
    assert found(hosts(6) + hosts(6, **UDP)) == {}


def test_datagrams_to_high_ports_alone_may_be_answers():
    assert found(ports(50, 40000, **UDP)) == {}
    assert found(ports(50, 40000, **UDP) + ports(1, 161, **UDP)) == {"192.0.2.2": "any"}


def test_protocols_without_ports_count_as_ports():
    assert found([read(proto=b"%d" % number, dpt=b"", flags=b"") for number in range(60, 75)]) == {"192.0.2.2": "protocols"}


def test_which_of_them_made_it_a_scan():
    protocols = [read(proto=b"%d" % number, dpt=b"", flags=b"") for number in range(60, 75)]
    assert found(protocols + ports(1) + ports(1, **UDP)) == {"192.0.2.2": "protocols"}
    assert found(protocols + ports(10, **UDP)) == {"192.0.2.2": "any"}
    assert found(protocols + ports(4) + ports(6, **UDP)) == {"192.0.2.2": "any"}
    assert found(protocols + ports(10)) == {"192.0.2.2": "tcp"}


def services(*sources, **fields):
    them = Services()
    for source in sources:
        them.add(read(src=source, **fields))
    return them


def test_a_service_is_knocked_on_from_many_networks():
    spread = [b"%d.1.1.1" % number for number in range(20, 20 + KNOCKERS)]
    assert services(*spread).is_knocked(read())
    assert not services(*spread[1:]).is_knocked(read())
    assert not services(*spread).is_knocked(read(dpt=b"23"))
    assert not services(*spread).is_knocked(read(in_=b"eth1"))
    assert not services(*(b"20.1.%d.1" % number for number in range(200))).is_knocked(read())


def test_who_lets_somebody_in_does_not_close_the_port():
    them = services(*[b"%d.1.1.1" % number for number in range(20, 40)])
    rule = FirewallRule(4, "INPUT", "DROP", "tcp", in_iface="eth0", ports=((20, 30),))
    assert them.may_close(rule)
    them.serve(read())
    assert not them.is_knocked(read())
    assert not them.may_close(rule)


def test_a_crowd():
    rule = FirewallRule(4, "INPUT", "ACCEPT", "tcp", in_iface="eth0", sources=("20.1.1.1",), dst="192.0.2.1", ports=((22, 22),))
    many = [b"20.1.%d.1" % number for number in range(CROWD)]
    assert services(*many).is_crowded(rule)
    assert not services(*many[1:]).is_crowded(rule)


def test_forged_sources_cost_little_and_linearly():
    def cost(count):
        packets = [read(src=b"20.%d.%d.%d" % (n >> 16, n >> 8 & 255, n & 255)) for n in range(count)]
        tracemalloc.start()
        start = time.process_time()
        assert found(packets) == {}
        spent, (_, peak) = time.process_time() - start, tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return spent, peak / count

    small, large = cost(2_000), cost(40_000)
    assert large[0] < 100 * max(small[0], 0.005)
    assert large[1] < 700
