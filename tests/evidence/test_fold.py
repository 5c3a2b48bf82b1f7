"""Folding does not depend on order or on how the log was cut, and is bounded."""

from hypothesis import given
from hypothesis import strategies as st

from syslogparse.evidence.fold import Fold, Subject, Tally
from syslogparse.evidence.model import Position, SeccompKey

KEYS = [SeccompKey(b"/bin/%d" % number, b"c", b"", b"x86_64", b"1", b"write", b"log", b"0") for number in range(3)]
LINES = st.lists(
    st.tuples(
        st.sampled_from(KEYS),
        st.sampled_from([b"", b"a", b"b"]),
        st.sampled_from(["kernel", "syslog"]),
        st.integers(0, 2),
        st.none() | st.integers(0, 10**9),
    ),
    max_size=40,
)


def events(lines):
    """Line n of the list is line n % 7 of block n // 7 of its file."""
    return [
        (Subject(file, host, grade, "seccomp", key), Position(file, number // 7, number % 7), time)
        for number, (key, host, grade, file, time) in enumerate(lines)
    ]


def folded(parts):
    fold = Fold()
    for part in parts:
        inner = Fold()
        for subject, position, time in part:
            inner.add(subject, Tally(1, position, time, position, time))
        for subject, tally in inner.tallies.items():
            fold.add(subject, tally)
    return fold


@given(LINES, st.randoms(), st.integers(1, 7))
def test_order_and_cuts_do_not_matter(lines, chance, parts):
    straight = folded([events(lines)])
    shuffled = events(lines)
    chance.shuffle(shuffled)
    other = folded([shuffled[part::parts] for part in range(parts)])
    assert straight.tallies == other.tallies
    assert straight.span() == other.span()
    before = {(file, block): block * 7 for file in range(3) for block in range(6)}
    one, two = straight.evidence(before), other.evidence(before)
    assert sorted(one, key=repr) == sorted(two, key=repr)
    assert sum(item.count for item in one) == len(lines)
    assert all(sum(item.grades.values()) == item.count for item in one)


def test_places_are_lines_from_one_and_at_most_five():
    fold = folded([events([(KEYS[0], b"", "kernel", file, None) for file in (0, 1, 2, 0, 1, 2, 0, 1, 2)])])
    (item,) = fold.evidence({(file, block): block * 7 for file in range(3) for block in range(2)})
    assert item.places == ((0, 1), (0, 7), (1, 2), (1, 8), (2, 3))


def test_a_place_behind_a_lost_block_is_left_out():
    fold = folded([events([(KEYS[0], b"", "kernel", 0, None)] * 9)])
    (item,) = fold.evidence({(0, 0): 0})
    assert item.places == ((0, 1),)
    assert item.count == 9


def test_the_cap_counts_what_it_leaves_out():
    fold = Fold(max_keys=2)
    place = Position(0, 0, 0)
    for key in KEYS * 2:
        fold.add(Subject(0, b"", "syslog", "seccomp", key), Tally(3, place, None, place, None))
    assert len(fold.tallies) == 2
    assert fold.overflow == 6
    assert sum(tally.count for tally in fold.tallies.values()) == 12
