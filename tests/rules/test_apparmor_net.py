import pytest

from syslogparse.rules.apparmor_model import NetworkRule
from syslogparse.rules.apparmor_net import network
from syslogparse.rules.merge import Refused
from tests.rules.make import APPARMOR

SOCKET = APPARMOR._replace(
    class_=b"net",
    name=b"",
    family=b"inet",
    sock_type=b"stream",
    mask=b"send",
    local=b"1.2.3.4",
    local_port=b"5",
    remote=b"::ffff:1.2.3.4",
    remote_port=b"65535",
)


def test_both_ends():
    assert network(SOCKET, exact=True) == NetworkRule("inet", "stream", ("send",), "1.2.3.4", "5", "::ffff:1.2.3.4", "65535")
    assert network(SOCKET, exact=False) == NetworkRule("inet", "stream", ("send",))
    assert network(SOCKET._replace(mask=b"create"), exact=True) == NetworkRule("inet", "stream", ("create",), "1.2.3.4", "5")
    assert network(SOCKET._replace(mask=b""), exact=True).peer_port == "65535"
    assert network(SOCKET._replace(requested=b"send receive"), exact=True).access == ("receive", "send")


def test_other_families_have_no_addresses():
    assert network(SOCKET._replace(family=b"netlink", sock_type=b"raw"), exact=True) == NetworkRule("netlink", "raw", ("send",))


@pytest.mark.parametrize("spoiled", [b"1.2.3", b"1.2.3.4,", b"fe80::1%eth0", b"x", b"\xff", b"1.2.3.4 /** rw"])
def test_what_is_no_address_is_left_out(spoiled):
    assert network(SOCKET._replace(local=spoiled), exact=True).ip == ""


@pytest.mark.parametrize("spoiled", [b"65536", b"-1", b"05", b"x", b"0", b"\xb2"])
def test_what_is_no_port_is_left_out(spoiled):
    assert network(SOCKET._replace(local_port=spoiled), exact=True).port == ""


@pytest.mark.parametrize(
    "fields", [{"family": b"tube"}, {"sock_type": b"x"}, {"mask": b"fly"}, {"family": b"unix"}, {"family": b""}]
)
def test_refusals(fields):
    with pytest.raises(Refused):
        network(SOCKET._replace(**fields), exact=True)
