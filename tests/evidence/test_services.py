import pytest
from hypothesis import given
from hypothesis import strategies as st

from syslogparse.evidence import netfilter
from syslogparse.evidence.services import ANSWERING, FIRST_CLIENT_PORT, asked_port

ports = st.integers(0, 65535)


@pytest.mark.parametrize("spt", [b"53", b"123", b"443", b"3478", b"51820"])
@pytest.mark.parametrize("dpt", [b"1024", b"5000", b"9999", b"10000", b"40000", b"65535"])
def test_from_a_service_to_a_high_port_is_an_answer(spt, dpt):
    assert asked_port(spt, dpt) == spt


@pytest.mark.parametrize(
    ("spt", "dpt"),
    [(b"53", b"53"), (b"53", b"1023"), (b"53", b"999"), (b"123", b"123"), (b"4500", b"4500"), (b"51820", b"51820")],
)
def test_to_a_service_it_may_be_a_question(spt, dpt):
    assert asked_port(spt, dpt) == b""


@given(ports, ports)
def test_only_known_services_and_high_ports_tell(spt, dpt):
    found = asked_port(b"%d" % spt, b"%d" % dpt)
    tells = b"%d" % spt in ANSWERING and dpt >= FIRST_CLIENT_PORT and spt != dpt
    assert found == (b"%d" % spt if tells else b"")


def test_the_set_is_too_small_to_multiply_keys_with():
    assert len(ANSWERING) < 100
    assert all(0 < int(port) < 65536 for port in ANSWERING)


@pytest.mark.parametrize(
    ("proto", "spt", "dpt", "kept"),
    [
        (b"udp", 53, 40000, b"53"),
        (b"udp", 53, 53, b""),
        (b"udp", 40000, 40001, b""),
        (b"udplite", 53, 40000, b""),
        (b"tcp", 53, 40000, b""),
    ],
)
def test_the_key_holds_the_source_port_of_answers_over_udp_only(proto, spt, dpt, kept):
    assert netfilter.key({"proto": proto, "spt": spt, "dpt": dpt}).spt == kept
