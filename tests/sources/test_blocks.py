import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syslogparse.sources import blocks
from syslogparse.sources.blocks import MAX_LINE, Place, copy_block, deal, plan, unchanged

TEXT = st.lists(st.binary(max_size=30) | st.sampled_from([b"", b"x", b"y" * 50]), max_size=25).map(b"\n".join)
SIZE = st.integers(1, 120)


def cut(text, size):
    return [copy_block(text, place.block, size) for place in plan([len(text)], size)]


def lines_of(text):
    """What lines a text has: the last one counts if there is anything behind the last LF."""
    lines = text.split(b"\n")
    return lines if lines[-1] else lines[:-1]


def contents(block):
    lines = lines_of(block.text)
    assert len(lines) == block.lines
    assert block.unfinished == (block.lines > 0 and not block.text.endswith(b"\n"))
    return lines


@given(TEXT, SIZE)
def test_every_line_stands_in_one_block_once(text, size):
    made = cut(text, size)
    assert [line for block in made for line in contents(block)] == lines_of(text)
    assert b"".join(block.text for block in made) == text
    assert not any(block.too_long for block in made)
    assert [block.unfinished for block in made if block.lines][:-1] == [False] * (sum(block.lines > 0 for block in made) - 1)


@given(TEXT, SIZE)
def test_a_line_belongs_to_the_block_where_it_starts(text, size):
    for number, block in enumerate(cut(text, size)):
        assert text[block.start : block.start + len(block.text)] == block.text
        offset = block.start
        for line in contents(block):
            assert number * size <= offset < (number + 1) * size
            offset += len(line) + 1


@pytest.mark.parametrize("over", [-2, -1, 0, 1, 2, 500])
@pytest.mark.parametrize("before", [0, 1, 99, 100, 101, 250])
def test_overlong_lines_keep_the_count(over, before):
    size = 100
    text = b"a" * before + b"\n" + b"b" * (MAX_LINE + over) + b"\n" + b"c\nd\n"
    made = cut(text, size)
    assert sum(block.lines for block in made) == 4
    assert sum(contents(block)[-2:] == [b"c", b"d"] for block in made) == 1
    longest = max(len(block.text) for block in made)
    assert longest <= size + MAX_LINE
    for block in made:
        if block.too_long:
            assert block.unfinished
            assert len(lines_of(block.text)[-1]) >= MAX_LINE


def test_a_line_without_end_is_read_once():
    text = b"x" * (10 * MAX_LINE)
    made = cut(text, 1000)
    assert [(block.lines, block.too_long) for block in made if block.lines] == [(1, True)]
    assert sum(len(block.text) for block in made) == 1000 + MAX_LINE


def test_the_last_line_of_the_log_is_unfinished_and_not_too_long():
    (block,) = cut(b"x" * (MAX_LINE + 5), 1 << 20)
    assert (block.lines, block.unfinished, block.too_long) == (1, True, False)
    block = copy_block(b"\n" * 99 + b"y" * MAX_LINE, 0, 100)
    assert (block.lines, block.unfinished, block.too_long) == (100, True, False)


class Counting(bytes):
    """Bytes that know how many of them were copied."""

    copied = 0

    def __getitem__(self, part):
        Counting.copied += len(range(len(self))[part])
        return super().__getitem__(part)


@pytest.mark.parametrize("line", [b"", b"x" * 80, b"x" * 200_000])
def test_the_work_is_linear(line):
    text = Counting((line + b"\n") * (4_000_000 // (len(line) + 1)))
    size = 1 << 20
    before, Counting.copied = time.process_time(), 0
    for place in plan([len(text)], size):
        copy_block(text, place.block, size)
    assert Counting.copied <= len(text) + len(plan([len(text)], size)) * (MAX_LINE + 1)
    assert time.process_time() - before < 1


@given(st.lists(st.integers(0, 500), max_size=6), SIZE)
def test_the_plan_covers_every_byte(sizes, size):
    places = plan(sizes, size)
    assert places == sorted(set(places))
    for file, length in enumerate(sizes):
        count = sum(place.file == file for place in places)
        assert (count - 1) * size < length <= count * size or length == count == 0


@given(st.lists(st.tuples(st.integers(0, 500), st.sampled_from("abc")), max_size=6), SIZE, st.integers(1, 9))
def test_the_parts_are_the_plan_and_no_part_holds_two_classes(files, size, parsers):
    places = plan([length for length, _ in files], size)
    classes = [one for _, one in files]
    parts = deal(places, classes, parsers)
    assert sorted(place for part in parts for place in part) == places
    for one in set(classes):
        its = [place for place in places if classes[place.file] == one]
        mine = [part for part in parts if part and classes[part[0].file] == one]
        assert len(mine) == min(parsers, len(its))
        assert all(classes[place.file] == one for part in mine for place in part)
        assert [mine[index % parsers][index // parsers] for index in range(len(its))] == its
    assert all(parts) or parts == [[]]


def test_the_usual_size():
    assert plan([blocks.BLOCK_BYTES, blocks.BLOCK_BYTES + 1, 0]) == [Place(0, 0), Place(1, 0), Place(1, 1)]


@given(TEXT.filter(bool), SIZE, st.data())
def test_a_change_is_seen_and_only_in_its_block(text, size, data):
    position = data.draw(st.integers(0, len(text) - 1))
    changed = text[:position] + bytes([text[position] ^ 1]) + text[position + 1 :]
    for block in cut(text, size):
        assert unchanged(text, block) is None
        inside = block.start <= position < block.start + len(block.text)
        now = unchanged(changed, block)
        assert (now is not None) == inside
        if now is not None:
            assert now == changed[block.start : block.start + len(block.text)]


def test_a_log_that_has_shrunk_has_changed():
    block = copy_block(b"one\ntwo\n", 0)
    assert unchanged(b"one\n", block) == b"one\n"
