import pytest
from msgspec.structs import replace

from syslogparse.rules.advise import advise
from syslogparse.rules.network import Network
from syslogparse.rules.packet import read_packet
from syslogparse.rules.surroundings import Surroundings
from syslogparse.rules.transit import PASSED, Transit
from tests.rules.make import packet, suggest, suggestions

FORWARDED = {"out": b"eth1"}


def passed(item, *others, **network):
    items = [item, *others]
    transit = Transit([(read_packet(one.key), one) for one in items], Surroundings(Network(**network)))
    return transit.passed(read_packet(item.key), item)


def test_a_destination_that_packets_are_sent_on_to_is_not_this_machine():
    assert passed(packet(), packet(**FORWARDED))
    assert passed(packet(dpt=b"443"), packet(dpt=b"80", src=b"198.51.100.9", **FORWARDED))
    assert not passed(packet(), packet(dst=b"192.0.2.9", **FORWARDED))
    assert not passed(packet(), packet(in_=b"eth5", **FORWARDED))
    assert not passed(packet(**FORWARDED), packet(**FORWARDED))
    assert not passed(packet(in_=b"", out=b"eth0"), packet(**FORWARDED))


def test_what_one_machine_sends_on_another_takes_in():
    here, there = (replace(packet(), hosts=hosts) for hosts in ((b"gw",), (b"web",)))
    sent_on = packet(**FORWARDED)
    assert passed(here, sent_on)
    assert not passed(there, sent_on)
    assert not passed(replace(here, hosts=(b"gw", b"web")), sent_on)
    assert passed(replace(here, hosts=()), replace(sent_on, hosts=()))


OWN = {"own": ("192.0.2.1",), "interfaces": ("eth0",)}


def test_nor_is_one_that_it_does_not_have_where_the_log_tells_of_one_that_it_has():
    other = packet(dst=b"192.0.2.9")
    assert passed(other, packet(), **OWN)
    assert not passed(packet(), other, **OWN)
    assert not passed(other, packet())
    assert not passed(other, **OWN)
    assert not passed(other, packet(), own=("192.0.2.1",), interfaces=("v0",))
    assert not passed(packet(dst=b"192.0.2.9", in_=b"eth5"), packet(), own=("192.0.2.1",))
    assert not passed(packet(dst=b"192.0.2.255", proto=b"udp", flags=b""), packet(), **OWN)
    assert not passed(packet(src=b"2001:db8::2", dst=b"2001:db8::1"), packet(), **OWN)


@pytest.mark.parametrize("intent", ["auto", "allow", "block"])
def test_there_is_a_rule_for_the_way_through_and_none_for_input(intent):
    (one,) = suggestions(packet(3), packet(3, **FORWARDED), intent=intent)
    assert one.rule.chain == "FORWARD"
    assert suggest(packet(3), intent=intent).rule.chain == "INPUT"


def test_it_is_counted():
    assert advise([packet(3), packet(2, **FORWARDED)]).not_suggested == {PASSED: 3}
