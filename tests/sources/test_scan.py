import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syslogparse.evidence.decode import LITERALS
from syslogparse.sources.scan import Span, lines_of_interest, spans_of

PIECE = st.sampled_from([b"a", b"ab", b"b", b"\n", b"\n\n", b"aa", b"c"])
TEXT = st.lists(PIECE, max_size=40).map(b"".join)
WANTED = st.lists(st.sampled_from([b"a", b"ab", b"ba", b"c", b"aa"]), max_size=4)


def all_spans(text):
    start, spans = 0, []
    for number, line in enumerate(text.split(b"\n")):
        spans.append(Span(number, start, start + len(line)))
        start += len(line) + 1
    return spans


@given(TEXT, WANTED)
def test_exactly_the_lines_with_a_literal_in_order(text, literals):
    expected = [span for span in all_spans(text) if any(literal in text[span.start : span.end] for literal in literals)]
    assert list(lines_of_interest(text, literals)) == expected


@given(TEXT, st.data())
def test_lines_by_number(text, data):
    spans = all_spans(text)
    numbers = sorted(data.draw(st.sets(st.integers(0, len(spans) - 1))))
    assert list(spans_of(text, numbers)) == [spans[number] for number in numbers]


def test_a_literal_over_a_line_end_is_none():
    assert list(lines_of_interest(b"x O\nUT= y", [b"O\nUT"])) in ([], [Span(0, 0, 3)])
    assert list(lines_of_interest(b"x O\nUT= y", [b"OUT"])) == []


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        (b" OUT=" * 200_000, 1),
        (b" OUT=\n" * 100_000, 100_000),
        (b' OUT= apparmor=" type=1326 operation="\n' * 20_000, 20_000),
        (b"\n" * 1_000_000, 0),
        (b"apparmor=" * 100_000 + b" OUT=", 1),
    ],
    ids=["one line", "every line", "all literals", "empty lines", "nearly"],
)
def test_the_work_is_linear(text, lines):
    before = time.process_time()
    spans = list(lines_of_interest(text, LITERALS))
    assert list(spans_of(text, [span.line for span in spans])) == spans
    assert time.process_time() - before < 3
    assert len(spans) == lines
