"""The values of iptables' matches."""

from __future__ import annotations

from ipaddress import ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syslogparse.languages import iptables_words as words
from syslogparse.languages.policy_words import Unknown
from syslogparse.rules.inforce_match import ADDRESS_TYPES, ANY_TYPE, STATES


@given(st.integers(0, 2**32 - 1), st.integers(0, 32), st.booleans())
def test_a_network_is_its_first_and_last_address(value, length, dotted):
    network = ip_network((value >> (32 - length) << (32 - length), length))
    text = network.with_netmask if dotted else str(network)
    assert words.addresses(text) == (((int(network.network_address), int(network.broadcast_address)),), 4)


@pytest.mark.parametrize(
    "text", ["", "a", "1.2.3", "1.2.3.4/33", "1.2.3.4/255.0.255.0", "1.2.3.4/0.0.0.255", "1.2.3.4,x", "fe80::%a/10"]
)
def test_what_is_no_network(text):
    with pytest.raises(Unknown):
        words.addresses(text)


@pytest.mark.parametrize("text", ["", "1.2.3.9-1.2.3.4", "1.2.3.4-::1", "a-b"])
def test_what_is_no_range(text):
    with pytest.raises(Unknown):
        words.span(text)


@pytest.mark.parametrize(
    ("text", "spans"),
    [("22", ((22, 22),)), (":5", ((0, 5),)), ("5:", ((5, 65535),)), ("3,1:2", ((1, 3),)), (":", ((0, 65535),))],
)
def test_ports(text, spans):
    assert words.ports(text) == spans


@pytest.mark.parametrize("text", ["", "ssh", "65536", "9:1", "1,", "-1", "\u0661", "1" * 5000])
def test_what_is_no_port(text):
    with pytest.raises(Unknown):
        words.ports(text)


def test_protocols():
    assert words.protocol("tcp") == words.protocol("6") == 6
    assert (words.protocol("ipencap"), words.protocol("ipip"), words.protocol("all"), words.protocol("0")) == (4, 94, 0, 0)
    with pytest.raises(Unknown):
        words.protocol("256")


def test_types_of_icmp():
    assert words.icmp("echo-request", 4) == [("icmp_type", 8)]
    assert words.icmp("echo-request", 6) == [("icmp_type", 128)]
    assert words.icmp("1/4", 6) == [("icmp_type", 1), ("icmp_code", 4)]
    assert words.icmp("any", 4) == words.icmp("255", 4) == []
    assert words.icmp("255", 6) == [("icmp_type", 255)]


def test_states_and_types_of_addresses():
    assert words.states("NEW,INVALID") == STATES["NEW"] | STATES["INVALID"]
    assert words.types("LOCAL,MULTICAST") == ADDRESS_TYPES["LOCAL"] | ADDRESS_TYPES["MULTICAST"]
    assert words.packet_type("unicast") == ANY_TYPE & ~(ADDRESS_TYPES["BROADCAST"] | ADDRESS_TYPES["MULTICAST"])
    for read, text in ((words.states, "SNAT"), (words.types, "local"), (words.packet_type, "other"), (words.states, "")):
        with pytest.raises(Unknown):
            read(text)
