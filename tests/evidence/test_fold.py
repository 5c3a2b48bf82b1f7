"""Folding does not depend on order or on how the log was cut, and is bounded."""

from hypothesis import given
from hypothesis import strategies as st

from syslogparse.evidence import identity
from syslogparse.evidence.fold import Fold, Subject, Tally
from syslogparse.evidence.model import NetfilterKey, Position, SeccompKey

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


def seen(fold, file, kind, key, name, grade="syslog", lines=1, line=0):
    place = Position(file, 0, line)
    tally = Tally(lines, place, 5, place, 5, lines if name else 0)
    fold.add(Subject(file, b"", grade, kind, key), tally, {name: lines} if name else {})


def record(serial):
    return identity.of_record(1795328408_930000, b"%d" % serial)


def packet(port, minute=0):
    return identity.of_packet(identity.flow(b"a", b"b", b"tcp", b"22"), port, minute)


PACKET = NetfilterKey(b"[UFW BLOCK]", *[b""] * 11)


def only(fold):
    (item,) = fold.evidence({(file, 0): 0 for file in range(3)})
    return item


def test_an_audit_event_that_several_logs_hold_counts_once():
    fold = Fold()
    for file in range(3):
        for serial in (7, 8):
            seen(fold, file, "seccomp", KEYS[0], record(serial), line=serial)
    item = only(fold)
    assert (item.count, item.attempts, item.named) == (2, 2, 6)
    assert len(item.places) == 5


def test_lines_without_an_identity_each_count():
    fold = Fold()
    seen(fold, 0, "seccomp", KEYS[0], record(7))
    seen(fold, 1, "seccomp", KEYS[0], b"", lines=4)
    assert only(fold).count == 5


def test_one_event_gives_two_keys_their_share():
    fold = Fold()
    seen(fold, 0, "seccomp", KEYS[0], record(7))
    seen(fold, 0, "seccomp", KEYS[1], record(7))
    assert sorted(item.count for item in fold.evidence({(0, 0): 0})) == [1, 1]


def test_packets_keep_both_numbers():
    fold = Fold()
    for file in (0, 1):  # syslog and kern.log hold the same lines
        for port, minute in ((b"1", 0), (b"1", 1), (b"2", 0), (b"1", 90)):
            seen(fold, file, "netfilter", PACKET, packet(port, minute))
    item = only(fold)
    assert (item.count, item.attempts) == (8, 3)


def test_what_only_repeats_a_stronger_grade_needs_no_belief():
    fold = Fold()
    seen(fold, 0, "seccomp", KEYS[0], record(7), grade="kernel")
    seen(fold, 1, "seccomp", KEYS[0], record(7), grade="syslog")
    assert only(fold).grades == {"kernel": 1}
    seen(fold, 1, "seccomp", KEYS[0], record(8), grade="syslog")
    assert only(fold).grades == {"kernel": 1, "syslog": 2}


def test_lines_of_a_weak_grade_without_identity_are_never_taken_for_repetitions():
    fold = Fold()
    seen(fold, 0, "seccomp", KEYS[0], record(7), grade="kernel")
    seen(fold, 1, "seccomp", KEYS[0], record(7), grade="syslog")
    seen(fold, 1, "seccomp", KEYS[0], b"", grade="syslog")
    assert only(fold).grades == {"kernel": 1, "syslog": 2}


def test_dropping_a_subject_takes_its_identities_along():
    fold = Fold()
    seen(fold, 0, "seccomp", KEYS[0], record(7), lines=3)
    (subject,) = fold.tallies
    assert fold.drop(subject) == 3
    assert (fold.tallies, fold.identities) == ({}, {})


def test_past_the_cap_no_identities_are_kept():
    fold = Fold(max_keys=1)
    seen(fold, 0, "seccomp", KEYS[0], record(7))
    seen(fold, 0, "seccomp", KEYS[1], record(8))
    assert (fold.overflow, len(fold.identities), fold.held) == (1, 1, 2)


def test_clearing_forgets_all():
    fold = Fold(max_keys=1)
    seen(fold, 0, "seccomp", KEYS[0], record(7))
    fold.clear()
    assert (fold.tallies, fold.identities, fold.held, fold.evidence({})) == ({}, {}, 0, [])
    seen(fold, 0, "seccomp", KEYS[1], record(8))
    assert fold.overflow == 0


def test_who_repeats_a_packet_more_often_than_it_was_told_has_to_be_believed():
    """A forged line in syslog that repeats a packet of kern.log would otherwise raise its count under kern.log's grade."""
    fold = Fold()
    for file, grade in ((0, "syslog"), (1, "syslog"), (2, "kern")):
        seen(fold, file, "netfilter", PACKET, packet(b"1"), grade=grade)
    assert only(fold).grades == {"kern": 1}, "each log has the packet once"
    seen(fold, 0, "netfilter", PACKET, packet(b"1"), grade="syslog", line=1)
    assert only(fold).grades == {"kern": 1, "syslog": 3}


def test_audit_events_may_be_repeated_for_they_count_once():
    fold = Fold()
    seen(fold, 0, "seccomp", KEYS[0], record(7), grade="kernel")
    seen(fold, 1, "seccomp", KEYS[0], record(7), grade="syslog", lines=1000)
    assert (only(fold).count, only(fold).grades) == (1, {"kernel": 1})


def test_no_host_is_taken_from_those_who_only_repeat():
    fold = Fold()
    place = Position(0, 0, 0)
    fold.add(Subject(0, b"", "kernel", "seccomp", KEYS[0]), Tally(1, place, 5, place, 5, 1), {record(7): 1})
    fold.add(Subject(0, b"gw", "syslog", "seccomp", KEYS[0]), Tally(1, place, 5, place, 5, 1), {record(7): 1})
    assert only(fold).hosts == (b"gw",), "audit.log names none"
    fold.add(Subject(0, b"fw", "kernel", "seccomp", KEYS[0]), Tally(1, place, 5, place, 5, 1), {record(7): 1})
    assert only(fold).hosts == (b"fw",)
