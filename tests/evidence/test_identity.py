"""Lines of one event, or of one attempt, are found again whatever the order and the cut; past the bound the numbers hold."""

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syslogparse.evidence import identity
from syslogparse.evidence.identity import MAX_KEPT, SIZE, Identities

SECOND = 1_000_000
START = 1795328408 * SECOND
FLOW = identity.flow(b"192.0.2.1", b"192.0.2.2", b"tcp", b"22")


def packet(seconds: float, port: bytes = b"40000", flow: int = FLOW) -> bytes:
    return identity.of_packet(flow, port, identity.time_slice(START + int(seconds * SECOND)))


def counted(*identities: bytes) -> Identities:
    known: Identities = {}
    for one in identities:
        identity.add(known, {one: 1})
    return known


def attempts(*identities: bytes) -> int:
    return identity.attempts(len(identities), counted(*identities))


def test_an_identity_has_one_size():
    assert len(packet(0)) == len(identity.of_record(START, b"11")) == SIZE


def test_audit_events_are_told_by_time_and_serial():
    names = {identity.of_record(START + ms * 1000, serial) for ms in range(3) for serial in (b"1", b"2", b"11")}
    assert len(names) == 9
    known = counted(*[identity.of_record(START, b"7")] * 5, identity.of_record(START, b"8"))
    assert identity.events(6, known) == 2


def test_a_syn_that_is_sent_again_is_one_attempt():
    assert attempts(*(packet(after) for after in (0, 1, 3, 7, 15, 31, 63, 127))) == 1


@pytest.mark.parametrize("start", range(0, 64, 7))
def test_wherever_the_first_one_falls(start):
    assert attempts(*(packet(start + after) for after in (0, 1, 3, 7, 15, 31, 63, 127))) == 1


def test_another_port_another_flow_and_another_day_are_other_attempts():
    other = identity.flow(b"192.0.2.1", b"192.0.2.2", b"tcp", b"23")
    assert attempts(packet(0), packet(0, b"40001"), packet(0, flow=other), packet(86400)) == 4


def test_who_sends_for_hours_from_one_port_tries_more_than_once():
    assert attempts(*(packet(60 * minute) for minute in range(240))) > 10


def test_lines_without_time_are_one_attempt_of_their_flow():
    assert identity.time_slice(None) == 0
    assert identity.attempts(2, counted(identity.of_packet(FLOW, b"1", 0), identity.of_packet(FLOW, b"1", 0))) == 1


NAMES = st.binary(min_size=SIZE, max_size=SIZE)
MANY = st.dictionaries(NAMES, st.integers(1, 5), max_size=60)


@given(st.lists(MANY, max_size=6), st.randoms())
def test_parts_add_up_in_any_order(parts, random):
    one: Identities = {}
    for part in parts:
        identity.add(one, part)
    random.shuffle(parts)
    other: Identities = {}
    for part in parts:
        identity.add(other, part)
    assert one == other
    assert identity.unpack(identity.pack(one)) == one


def numbered(count: int, lines: int = 1) -> Identities:
    return {identity.of_record(START, b"%d" % number): lines for number in range(count)}


def test_what_is_kept_is_bounded_and_does_not_depend_on_the_order():
    everything = numbered(10 * MAX_KEPT)
    one: Identities = {}
    other: Identities = {}
    for name in everything:
        identity.add(one, {name: 1})
        assert len(one) <= 2 * MAX_KEPT
    for name in reversed(everything):
        identity.add(other, {name: 1})
    identity.trim(one)
    identity.trim(other)
    assert one == other
    assert len(one) == MAX_KEPT


@pytest.mark.parametrize("lines", [1, 2, 3])
def test_beyond_the_bound_the_kept_ones_stand_for_all(lines):
    known: Identities = {}
    identity.add(known, numbered(50_000, lines))
    identity.trim(known)
    assert identity.events(50_000 * lines, known) == 50_000


def test_nothing_is_nothing():
    assert identity.events(0, {}) == identity.attempts(0, {}) == 0
    assert identity.unpack(b"") == {}


@pytest.mark.parametrize(
    "packed",
    [b"x", bytes(12), identity.pack(numbered(1)) * 2, identity.pack(numbered(MAX_KEPT)) + identity.pack(numbered(1))],
    ids=["no whole one", "no line", "one twice", "too many"],
)
def test_what_cannot_have_been_packed_is_refused(packed):
    with pytest.raises(ValueError, match="packed"):
        identity.unpack(packed)


@given(st.binary(max_size=200))
def test_any_bytes_are_identities_or_refused(packed):
    try:
        known = identity.unpack(packed)
    except ValueError:
        return
    assert sum(len(name) + 4 for name in known) == len(packed)


def test_openssl_stays_out():
    """hashlib loads it, and it loads what its configuration names, which OPENSSL_CONF may put anywhere."""
    program = "import sys; from syslogparse.evidence import identity; print('_hashlib' in sys.modules, 'hashlib' in sys.modules)"
    ended = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=Path(__file__).parents[2]
    )
    assert ended.stdout == "False False\n"
