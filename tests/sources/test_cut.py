import time
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syslogparse.sources.blocks import BLOCK_BYTES, MAX_LINE, copy_block, plan
from syslogparse.sources.cut import Cutter

TEXT = st.lists(st.binary(max_size=30) | st.sampled_from([b"", b"x", b"y" * 50]), max_size=25).map(b"\n".join)
LONG = st.lists(
    st.sampled_from([b"", b"x", b"y" * 50, b"z" * (MAX_LINE - 1), b"z" * MAX_LINE, b"w" * (MAX_LINE + 130)]), max_size=8
)
SIZE = st.integers(1, 120)


def cut(chunks, size):
    cutter = Cutter(size)
    return [block for chunk in chunks for block in cutter.feed(chunk)] + list(cutter.end())


def pieces(text, data):
    """The text in chunks of drawn lengths, some of them empty."""
    stops = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=8)))
    return [text[start:stop] for start, stop in zip([0, *stops], [*stops, len(text)], strict=True)]


def lines_of(text):
    lines = text.split(b"\n")
    return lines if lines[-1] else lines[:-1]


@given(TEXT, SIZE, st.data())
def test_every_line_stands_in_one_block_once(text, size, data):
    made = cut(pieces(text, data), size)
    assert b"".join(block.text for block in made) == text
    assert [line for block in made for line in lines_of(block.text)] == lines_of(text)
    for block in made:
        assert text[block.start :].startswith(block.text)
        assert block.lines == len(lines_of(block.text)) > 0
        assert len(block.text) - len(lines_of(block.text)[-1]) <= size
        assert not block.too_long
    assert [block.unfinished for block in made] == [not block.text.endswith(b"\n") for block in made]
    assert not any(block.unfinished for block in made[:-1])


@given(TEXT | LONG.map(b"\n".join), SIZE, st.data())
def test_chunks_make_no_difference(text, size, data):
    made, whole = ([block for block in cut(chunks, size) if block.lines] for chunks in (pieces(text, data), [text]))
    assert made == whole


@given(LONG, SIZE, st.booleans(), st.data())
def test_line_numbers_stay_right_behind_long_lines(lines, size, ended, data):
    text = b"\n".join(lines) + b"\n" * ended
    seen = {}
    number = 0
    for block in cut(pieces(text, data), size):
        here = lines_of(block.text)
        assert block.lines == len(here)
        assert text[block.start :].startswith(block.text)
        assert len(block.text) <= size + MAX_LINE
        for line in here:
            seen[number] = line
            number += 1
        if block.too_long:
            assert block.unfinished
            assert len(here[-1]) > MAX_LINE
            assert lines_of(text)[number - 1].startswith(here[-1])
            seen[number - 1] = lines_of(text)[number - 1]
    assert list(seen.values()) == lines_of(text)


@pytest.mark.parametrize("over", [-2, -1, 0, 1, 2, 500])
@pytest.mark.parametrize("before", [0, 1, 98, 99])
@pytest.mark.parametrize("behind", [b"", b"\n", b"\nc\nd\n"])
def test_a_long_line_is_cut_where_a_mapped_log_has_it_cut(over, before, behind):
    size = 100
    text = b"a" * before + b"\n" + b"b" * (MAX_LINE + over) + behind
    first = next(block for block in cut([text], size) if b"b" in block.text)
    mapped = next(block for place in plan([len(text)], size) if b"b" in (block := copy_block(text, place.block, size)).text)
    assert first == mapped


def test_a_line_without_end_is_cut_once_and_shows_life():
    made = cut([b"x" * 1000] * 1000, 10_000)
    assert (made[0].lines, made[0].too_long, len(made[0].text)) == (1, True, 10_000 + MAX_LINE)
    assert all((block.lines, block.text, block.too_long, block.unfinished) == (0, b"", False, False) for block in made[1:])
    assert len(made) - 1 == (1_000_000 - 10_000 - MAX_LINE) // 10_000
    starts = [block.start for block in made]
    assert starts == sorted(set(starts))


def test_there_are_never_more_blocks_than_their_size_allows():
    text = (b"x" * 300_000 + b"\n") * 40
    assert len(cut([text], 1000)) <= len(text) // 1000 + 1


def test_the_usual_size_and_little_memory():
    chunk = b"y" * 99 + b"\n"
    cutter = Cutter()
    tracemalloc.start()
    try:
        for _ in range(2000):
            for block in cutter.feed(chunk * 100):
                assert BLOCK_BYTES <= len(block.text) < BLOCK_BYTES + 100
        assert tracemalloc.get_traced_memory()[1] < 5 << 19
    finally:
        tracemalloc.stop()


def test_the_work_is_linear():
    before = time.process_time()
    assert sum(block.lines for block in cut([b"x\n"] * 500_000, BLOCK_BYTES)) == 500_000
    assert time.process_time() - before < 5
