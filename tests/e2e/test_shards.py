"""The result does not depend on how many parsers there are, byte for byte."""

import re

import pytest

from tests.e2e.harness import done

pytestmark = pytest.mark.root

PARSERS = re.compile(rb'\n +"parsers": (\d+),')


@pytest.fixture(scope="module")
def logs(stage, two, small):
    """A dozen blocks in four logs: with an over-long line over a block's end, without an end, without a line."""
    other = stage / "other.log"
    dense = two.read_bytes()
    over_an_end = dense[: (1 << 20) - 1000] + b"x" * 70_000 + b"\n"
    other.write_bytes(over_an_end + dense[:200_000] + b"y" * (3 << 20) + b"\n" + dense[:99_999])
    empty = stage / "empty.log"
    empty.touch()
    return [small, empty, other, two]


def _run(command, form, parsers, logs):
    ended = done([command, "-f", form, "-j", str(parsers), *logs])
    assert (ended.status, ended.err) == (0, b"")
    return ended.out


def test_json(command, logs):
    results = {}
    for parsers in (1, 2, 3, 7):
        out = _run(command, "json", parsers, logs)
        assert PARSERS.findall(out) == [b"%d" % parsers]
        results[parsers] = PARSERS.sub(b"", out)
    assert len(set(results.values())) == 1
    assert b'"netfilter"' in results[1]


@pytest.mark.parametrize("form", ["rules", "events"])
def test_other_formats(command, logs, form):
    assert len({_run(command, form, parsers, logs) for parsers in (1, 3)}) == 1


def test_no_more_parsers_than_blocks(command, small, two):
    assert PARSERS.findall(_run(command, "json", 7, [small])) == [b"1"]
    assert PARSERS.findall(_run(command, "json", 7, [two, small])) == [b"3"]


def test_no_more_parsers_than_descriptors(command, dense):
    few = ["sh", "-c", 'ulimit -n 40; exec "$@"', "sh"]
    ended = done([*few, command, "-f", "json", "-j", "12", dense])
    assert (ended.status, ended.out) == (4, b"")
    assert b"12 parsers need more descriptors than the 40 that are allowed" in ended.err
    assert b"hint: use fewer parsers (-j)" in ended.err


def test_same_again(command, logs):
    assert len({_run(command, "json", 2, logs) for _ in range(2)}) == 1
