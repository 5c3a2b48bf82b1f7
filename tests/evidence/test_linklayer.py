"""Interface names, link-layer addresses of every length, and ebtables' own words."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syslogparse.evidence import linklayer
from syslogparse.evidence.model import Fields, Undecodable


def hardware(**logged: bytes) -> Fields:
    found: Fields = {}
    linklayer.take_hardware(found, {name.encode(): value for name, value in logged.items()})
    return found


BOTH = {"mac_dst": b"76:9a:e2:a8:d1:68", "mac_src": b"a6:82:ae:26:18:c7"}
PAIR = b"76:9a:e2:a8:d1:68:a6:82:ae:26:18:c7"


@pytest.mark.parametrize(
    "behind", [b"", b":08:00", b":86:dd", b":81:00:00:05:08:00", b":08:00:45:00:00:34", b":60:00:00:00" * 60]
)
def test_a_header_of_any_length(behind: bytes):
    assert hardware(MAC=PAIR + behind) == BOTH
    assert hardware(MAC=(PAIR + behind).upper()) == BOTH


@pytest.mark.parametrize(
    "masked",
    [
        b"",
        b"xx:xx:xx:xx:xx:xx:xx:xx:xx:xx:xx:xx:08:00",
        b"[removed]",
        b"...",
        PAIR[:-1],
        PAIR + b":",
        PAIR[:20],
        b"00" * 12,
        PAIR + b"\n",
    ],
)
def test_what_is_no_address_is_left_out(masked: bytes):
    assert hardware(MAC=masked) == {}
    assert hardware(MAC=masked, MACSRC=b"A6:82:AE:26:18:C7", MACDST=b"76:9a:e2:a8:d1:68") == BOTH
    assert hardware(MACSRC=masked, MACDST=PAIR) == {}


@pytest.mark.parametrize(
    "name", [b"eth0", b"eth0.100", b"br-0a1b2c", b"veth@if3", b"ppp+", b"eth0:1", b"a=b", b"[x", b"$(reboot)", b"fifteen-letters"]
)
def test_names(name: bytes):
    found: Fields = {}
    linklayer.take_interfaces(found, {b"IN": name, b"OUT": b"", b"PHYSIN": name, b"PHYSOUT": name})
    assert found == {"in": name, "physin": name, "physout": name}


@pytest.mark.parametrize(
    "name", [b".", b"..", b"a/b", b"sixteen-letters-", b"e\xc3\xa9", b"e\x1b", b"e\x00", b"e\x7f", b"e\t", b"e\xa0"]
)
@pytest.mark.parametrize("field", [b"IN", b"OUT", b"PHYSIN", b"PHYSOUT"])
def test_no_names(field: bytes, name: bytes):
    with pytest.raises(Undecodable, match="invalid interface name"):
        linklayer.take_interfaces({}, {field: name})


def test_a_frame_with_an_ip_packet():
    text = (
        b"IN=eth0 OUT=eth1 MAC source = a6:82:ae:26:18:c7 MAC dest = 76:9a:e2:a8:d1:68 proto = 0x0800 IP SRC=192.0.2.2 "
        b"IP DST=192.0.2.1, IP tos=0x00, IP proto=6 SPT=40000 DPT=22"
    )
    assert linklayer.frame(text) == {
        b"IN": b"eth0",
        b"OUT": b"eth1",
        b"MACSRC": b"a6:82:ae:26:18:c7",
        b"MACDST": b"76:9a:e2:a8:d1:68",
        b"SRC": b"192.0.2.2",
        b"DST": b"192.0.2.1",
        b"tos": b"0x00",
        b"PROTO": b"6",
        b"SPT": b"40000",
        b"DPT": b"22",
    }


@pytest.mark.parametrize(
    "text",
    [
        b"IN=eth0 OUT= MAC=76:9a:e2:a8:d1:68:a6:82:ae:26:18:c7:08:00 SRC=192.0.2.2 DST=192.0.2.1 PROTO=2 ",
        b"IN=eth0 OUT= MAC source = a6:82:ae:26:18 MAC dest = 76:9a:e2:a8:d1:68 proto = 0x0800",
        b"IN=eth0 OUT= MAC source = a6:82:ae:26:18:c7 MAC dest = 76:9a:e2:a8:d1:68 proto = 0x08000",
        b"",
    ],
)
def test_other_lines(text: bytes):
    assert linklayer.frame(text) is None


@given(st.binary(max_size=200))
def test_any_text(text: bytes):
    linklayer.frame(text)
    linklayer.frame(b"IN= OUT= MAC source = a6:82:ae:26:18:c7 MAC dest = 76:9a:e2:a8:d1:68 proto = 0x0800 " + text)
    assert set(hardware(MAC=text)) in (set(), {"mac_dst", "mac_src"})
