from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from syslogparse.rules.ports import PLACES, count, multiports, places, united

RANGES = st.lists(st.tuples(st.integers(0, 90), st.integers(0, 3)).map(lambda pair: (pair[0], sum(pair))), max_size=60)


def _all(ranges):
    return {port for low, high in ranges for port in range(low, high + 1)}


@given(RANGES)
def test_united_ports_are_the_same_apart_and_in_order(ranges):
    found = united(ranges)
    assert _all(found) == _all(ranges)
    assert count(found) == len(_all(ranges))
    assert all(high + 1 < low for (_, high), (low, _) in pairwise(found))


@given(RANGES)
def test_a_match_has_fifteen_places(ranges):
    matches = multiports(ranges)
    assert _all(one for match in matches for one in match) == _all(ranges)
    assert all(0 < places(match) <= PLACES for match in matches)
    assert all(places(match) >= PLACES - 1 for match in matches[:-1])


def test_neighbours_become_a_range_and_a_range_fills_two_places():
    assert united([(25, 25), (23, 23), (24, 24), (80, 80)]) == ((23, 25), (80, 80))
    assert places(((23, 25), (80, 80))) == 3
    assert multiports((port, port) for port in range(0, 40, 2)) == [
        tuple((port, port) for port in range(0, 30, 2)),
        tuple((port, port) for port in range(30, 40, 2)),
    ]
