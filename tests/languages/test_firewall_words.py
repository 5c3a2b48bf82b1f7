from ipaddress import ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syslogparse.languages.firewall_words import (
    FLAGS,
    are_flags,
    are_ports,
    is_interface,
    is_number,
    is_port_or_range,
    version_of,
)
from tests.languages.firewalls import HOSTILE


@pytest.mark.parametrize("name", ["eth0", "v-a.b@7", "a+b", "_x", "0a", "x" * 15])
def test_interfaces(name):
    assert is_interface(name)


@pytest.mark.parametrize("name", [*HOSTILE, "eth+", "+", ".", "..", "@a", "!a", "a/b", "a:b", "é", "a\n"])
def test_what_is_no_interface(name):
    assert not is_interface(name)


@pytest.mark.parametrize("text", ["", "00", "07", "-1", "+1", " 1", "1 ", "٢", "1_0", "65536", "9" * 5000, "1.0", "\n1"])
def test_what_is_no_number(text):
    assert not is_number(text, 0, 65535)


@given(st.ip_addresses())
def test_an_address_in_its_own_form_only(address):
    assert version_of(str(address)) == address.version
    for text in (
        f"{address}/0",
        f"{address}/{address.max_prefixlen}",
        f"{address}%1",
        f" {address}",
        f"{address}\n",
        f"{address}/",
    ):
        assert version_of(text) is None
    if address.version == 6:
        assert version_of(address.exploded.upper()) is None or address.exploded == str(address)


@given(st.ip_addresses(), st.integers(0, 128))
def test_a_network_in_its_own_form_only(address, length):
    length %= address.max_prefixlen + 1
    network = (
        ip_network((int(address), length), strict=False) if address.version == 6 else ip_network(f"{address}/{length}", False)
    )
    assert (version_of(str(network)) is not None) is (0 < length < address.max_prefixlen)
    assert (version_of(f"{address}/{length}") is not None) is (
        0 < length < address.max_prefixlen and network.network_address == address
    )


@given(st.text(max_size=30))
def test_whatever_passes_is_an_address_or_a_network(text):
    if version_of(text) is not None:
        assert str(ip_network(text) if "/" in text else ip_address(text)) == text


@pytest.mark.parametrize("text", ["192.0.2.0/24", "192.0.2.0/31", "128.0.0.0/1", "2001:db8::/32", "::/1", "::"])
def test_networks(text):
    assert version_of(text) == (6 if ":" in text else 4)


@pytest.mark.parametrize(
    "text",
    [
        "192.0.2.1/24", "192.0.2.0/255.255.255.0", "192.0.2.0/024", "192.0.2.0/0", "192.0.2.0/33", "192.0.2.0//24", "192.0.2.0/",
        "192.0.2.0/ 24", "192.0.2.0/0.0.0.255", "2001:db8::1/32", "2001:DB8::/32", "2001:db8::/32/1", "192.0.2", "1", "", "/",
        "192.0.2.0/٢", "01.0.0.1", "0x1.0.0.1", "::1%eth0", "::ffff:192.0.2.1/x",
    ],
)  # fmt: skip
def test_what_is_no_network(text):
    assert version_of(text) is None


@pytest.mark.parametrize("text", ["0", "22", "0:65535", "1:2"])
def test_a_port_or_a_range(text):
    assert is_port_or_range(text, ":")


@pytest.mark.parametrize("text", ["", ":", "1:", ":1", "2:1", "1:1", "1-2", "1:2:3", "1:65536", "01", "0:01", "1: 2"])
def test_what_is_neither(text):
    assert not is_port_or_range(text, ":")
    assert not is_port_or_range("0", ":", least=1)


@pytest.mark.parametrize(
    "text", ["1,2", "1,3:4", "0,65535", "1:2,3:4,5:6,7:8,9:10,11:12,13:14,15", ",".join(map(str, range(15)))]
)
def test_lists_of_ports(text):
    assert are_ports(text.split(","), ":")


@pytest.mark.parametrize(
    "text",
    [
        "1", "1,1", "2,1", "1,2,2", "1:3,2", "1:3,3:4", "1,", ",1", "", "1,,2", "1,2-3", "1,65536", "1,a",
        "1:2,3:4,5:6,7:8,9:10,11:12,13:14,15:16", ",".join(map(str, range(16))),
    ],
)  # fmt: skip
def test_what_is_no_list_of_ports(text):
    assert not are_ports(text.split(","), ":")


def test_flags():
    assert are_flags(list(FLAGS), [])
    assert are_flags(["SYN", "CWR"], ["CWR"])
    for mask, wanted in ((["SYN", "FIN"], []), ([], []), (["FIN"], ["SYN"]), (["FIN", "FIN"], []), (["ALL"], []), ([""], [])):
        assert not are_flags(mask, wanted)
