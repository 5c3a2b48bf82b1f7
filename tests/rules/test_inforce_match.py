"""Conditions against boxes, by counting the packets one by one."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from syslogparse.rules.inforce_match import (
    ALL,
    ANY_FLAGS,
    NONE,
    SOME,
    TCP_FLAGS,
    Bits,
    Names,
    Numbers,
    complement,
    cuts,
    headers,
    names,
    spans,
)
from syslogparse.rules.inforce_packets import openers
from syslogparse.rules.model import FirewallRule

BOX = openers(FirewallRule(4, "FORWARD", "ACCEPT", "tcp", "eth0", sources=("192.0.2.1",), ports=((22, 22),)))[0]

_span = st.tuples(st.integers(0, 30), st.integers(0, 30)).map(lambda pair: (min(pair), max(pair)))


def _numbers(found):
    return {number for low, high in found for number in range(low, high + 1)}


@given(st.lists(_span, max_size=6))
def test_spans_hold_the_same_numbers_sorted_and_apart(given_spans):
    merged = spans(given_spans)
    assert _numbers(merged) == _numbers(given_spans)
    assert all(before[1] + 1 < behind[0] for before, behind in pairwise(merged))


@given(st.lists(_span, max_size=6))
def test_a_complement_holds_all_others(given_spans):
    assert _numbers(complement(spans(given_spans), (0, 40))) == set(range(41)) - _numbers(given_spans)


@given(st.lists(_span, max_size=6), _span, st.booleans())
def test_numbers_cover_what_counting_finds(given_spans, box_span, inverted):
    matching = {number for number in range(31) if (number in _numbers(given_spans)) != inverted}
    inside = set(range(box_span[0], box_span[1] + 1))
    expected = ALL if inside <= matching else SOME if inside & matching else NONE
    box = BOX._replace(port=box_span)
    assert Numbers("port", spans(given_spans), inverted).cover(box) == expected


@given(st.lists(_span, max_size=4), _span)
def test_between_two_cuts_the_answer_does_not_change(given_spans, box_span):
    condition = Numbers("port", spans(given_spans))
    edges = {number for _, number in cuts([condition])}
    low, high = box_span
    inner = [number for number in range(low, high + 1) if not edges & set(range(low + 1, number + 1))]
    answers = {condition.cover(BOX._replace(port=(number, number))) for number in inner}
    assert len(answers) == 1


@given(st.integers(0, 31), st.integers(1, 31))
def test_states_cover_what_counting_finds(wanted, present):
    inside = {bit for bit in range(5) if present >> bit & 1}
    matching = {bit for bit in range(5) if wanted >> bit & 1}
    expected = ALL if inside <= matching else SOME if inside & matching else NONE
    assert Bits("state", wanted).cover(BOX._replace(state=present)) == expected


def test_headers_are_those_with_the_flags_and_no_other_of_the_mask():
    opening = headers(TCP_FLAGS["SYN"] | TCP_FLAGS["ACK"], TCP_FLAGS["SYN"])
    assert opening >> TCP_FLAGS["SYN"] & 1
    assert opening >> (TCP_FLAGS["SYN"] | TCP_FLAGS["ECE"]) & 1
    assert not opening >> (TCP_FLAGS["SYN"] | TCP_FLAGS["ACK"]) & 1
    assert headers(0, 0) == ANY_FLAGS
    assert headers(1, 2) == 0


def test_interfaces():
    def cover(given_names, mine, *, inverted=False):
        return names("in_iface", given_names, inverted=inverted).cover(BOX._replace(in_iface=mine))

    assert cover(["eth0"], "eth0") == ALL
    assert cover(["eth0"], "eth01") == NONE
    assert cover(["eth+"], "eth01") == ALL
    assert cover(["eth+", "lo"], "lo") == ALL
    assert cover(["eth+"], "wlan0") == NONE
    assert cover(["eth0"], "eth0", inverted=True) == NONE
    assert cover(["eth0"], "", inverted=True) == ALL
    assert cover(["eth0"], None) == SOME
    # nft's names may end in a plus sign, and stand for themselves.
    assert Names("in_iface", frozenset({"eth+"})).cover(BOX._replace(in_iface="eth0")) == NONE
