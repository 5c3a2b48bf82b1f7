import time

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from syslogparse.evidence import identity
from syslogparse.rules.merge import Draft, decimal, highest, merge_evidence, merge_suggestions, moved, strongest, weakest
from syslogparse.rules.model import SyscallRule
from syslogparse.rules.seccomp import natural_order
from tests.rules.make import SECCOMP, anything, call, evidence, packet, suggest


def test_merged_evidence_sums_spans_and_unites():
    first = evidence(SECCOMP, count=2, place=(1, 7), grade="kernel", host=b"b", first=50, last=60)
    second = evidence(SECCOMP, count=3, place=(0, 9), grade="syslog", host=b"a", first=None, last=None)
    merged = merge_evidence([first, second])
    assert (merged.count, merged.attempts, merged.first, merged.last) == (5, 5, 50, 60)
    assert merged.hosts == (b"a", b"b")
    assert merged.grades == {"kernel": 2, "syslog": 3}
    assert merged.places == ((0, 9), (1, 7))


def test_merged_evidence_keeps_the_five_earliest_places():
    items = [evidence(SECCOMP, place=(0, line)) for line in (70, 10, 60, 20, 50, 30, 40)]
    assert merge_evidence(items).places == ((0, 10), (0, 20), (0, 30), (0, 40), (0, 50))


def test_one_packet_that_two_rules_logged_is_one_attempt():
    same = identity.of_packet(identity.flow(b"a", b"b", b"tcp", b"22"), b"40000", 7)
    other = identity.of_packet(identity.flow(b"a", b"b", b"tcp", b"22"), b"40001", 7)
    audit = msgspec.structs.replace(packet(prefix=b"[UFW AUDIT]"), count=2, attempts=2, named=2, identities={same: 1, other: 1})
    block = msgspec.structs.replace(packet(prefix=b"[UFW BLOCK]"), count=1, attempts=1, named=1, identities={same: 1})
    merged = merge_evidence([audit, block])
    assert (merged.count, merged.attempts, merged.named) == (3, 2, 3)


@given(anything, anything, anything)
def test_merging_is_associative_and_commutative(one, two, three):
    items = [item for item in (one, two, three) if item.kind == one.kind]
    left = merge_evidence([merge_evidence(items[:2]), *items[2:]])
    right = merge_evidence([*items[2:][::-1], *items[:2][::-1]])
    assert left == right


def test_merged_suggestions_take_the_gravest_risk_and_the_weakest_trust():
    refused = msgspec.structs.replace(suggest(packet(prefix=b"DROP")), risk="high", confidence="medium")
    logged = msgspec.structs.replace(suggest(packet(prefix=b"seen", src=b"192.0.2.2")), risk="critical", confidence="low")
    merged = merge_suggestions([logged, refused])
    assert merged == merge_suggestions([refused, logged])
    assert (merged.risk, merged.confidence) == ("critical", "medium")
    assert merged.why == refused.why
    assert merged.evidence.count == 2


def test_merging_much_evidence_is_quick():
    def known(number):
        return {identity.of_packet(number, b"%d" % number, number % 7): 1}

    items = [
        msgspec.structs.replace(packet(src=b"192.0.2.%d" % (n % 250)), places=((0, n + 1),), named=1, identities=known(n))
        for n in range(100_000)
    ]
    start = time.process_time()
    merged = merge_evidence(items)
    assert time.process_time() - start < 5
    assert (merged.count, merged.named, len(merged.identities)) == (100_000, 100_000, identity.MAX_KEPT)
    assert merged.places == tuple((0, line) for line in range(1, 6))


def test_a_draft_keeps_profiles_apart():
    draft = Draft()
    one = suggest(call())
    draft.add(one)
    draft.add(one)
    draft.refuse("no", call())
    advice = draft.advice(natural_order)
    assert [item.evidence.count for item in advice.suggestions] == [2]
    assert advice.suggestions[0].rule == SyscallRule(b"/usr/bin/prog", "x86_64", "getppid")
    assert advice.not_suggested == {"no": 1}


@pytest.mark.parametrize(
    ("grades", "grade"),
    [({}, "syslog"), ({"kernel": 3}, "kernel"), ({"kernel": 3, "kern": 1}, "kern"), ({"kernel": 3, "syslog": 0}, "kernel")],
)
def test_the_weakest_grade(grades, grade):
    item = evidence(SECCOMP)
    item = type(item)(item.kind, item.key, 1, 1, None, None, (), grades, ())
    assert weakest(item) == grade


@pytest.mark.parametrize(
    ("grades", "grade"),
    [
        ({"kern": 2, "syslog": 1}, "kern"),
        ({"syslog": 1, "kernel": 1}, "kernel"),
        ({"kernel": 0, "syslog": 3}, "syslog"),
        ({}, "syslog"),
    ],
)
def test_the_strongest_grade(grades, grade):
    assert strongest(msgspec.structs.replace(packet(), grades=grades)) == grade


def test_risks_stay_on_their_scale():
    assert moved("low", -1) == "low"
    assert moved("critical", 5) == "critical"
    assert moved("medium", 1) == "high"
    assert highest([]) == "low"
    assert highest(["low", "critical", "medium"]) == "critical"


@given(st.binary(max_size=8), st.integers(0, 70000))
def test_decimal_takes_exactly_what_python_writes(text, most):
    expected = int(text) if text.isdigit() and str(int(text)).encode() == text and int(text) <= most else None
    assert decimal(text, most) == expected


def test_decimal_is_quick_with_long_digits():
    assert decimal(b"1" * 10**6, 65535) is None
