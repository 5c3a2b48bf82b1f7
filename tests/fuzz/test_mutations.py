"""Real lines, damaged: nothing raises, every event keeps the contract, nothing of interest vanishes."""

from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fuzz.invariants import check_line, decoder
from tests.fuzz.mutations import MARKS, MUTATIONS, mutate
from tests.gold.corpus import CORPORA, UPSTREAM, lines, results

SAMPLES = sorted(path for path in (Path(__file__).parents[2] / "sample-logs").iterdir() if path.suffix != ".md")
SAMPLE_LINES = [line for path in SAMPLES for line in lines(path)]
FEW_OF_MANY = 20_000
"""Lines of a corpus of which all are mutated; of a larger one as many, evenly spread."""


def _check(line: bytes) -> None:
    decode = decoder()
    check_line(decode, line)
    check_line(decode, line, terminated=False)


def test_mutations_make_events_and_damage():
    """They neither leave everything as it was nor destroy everything."""
    random, decode = Random(1), decoder()
    for mutation in MUTATIONS:
        changed = [mutation(line, random.choice(SAMPLE_LINES), random) for line in SAMPLE_LINES]
        assert sum(one != two for one, two in zip(changed, SAMPLE_LINES, strict=True)) > len(changed) // 3
        events = sum(check_line(decode, line.replace(b"\n", b"")) is not None for line in changed)
        assert 0 < events <= len(changed)


@given(st.sampled_from(SAMPLE_LINES), st.randoms(use_true_random=False))
def test_one_sample_line(line, random):
    _check(mutate(line, SAMPLE_LINES, random))


@given(st.sampled_from(SAMPLE_LINES), st.lists(st.tuples(st.integers(0, 2000), st.binary(max_size=8)), max_size=4))
def test_bytes_in_a_sample_line(line, insertions):
    for at, text in insertions:
        line = line[:at] + text.replace(b"\n", b"") + line[at:]
    _check(line)


@given(st.binary(max_size=300))
def test_any_bytes(line):
    _check(line.replace(b"\n", b""))


@settings(max_examples=20)
@given(st.sampled_from(SAMPLE_LINES))
def test_every_cut_of_a_line(line):
    """A line that was cut off is an event, or it is reported, or too little of it is left to tell."""
    decode = decoder()
    for end in range(len(line)):
        check_line(decode, line[:end], terminated=False)
        check_line(decode, line[end:])


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.name)
def test_every_sample_line(path):
    random, decode = Random(path.name), decoder()
    for line in lines(path) * 20:
        check_line(decode, mutate(line, SAMPLE_LINES, random))


@pytest.mark.corpora
@pytest.mark.parametrize("name", [*CORPORA, UPSTREAM])
def test_every_corpus_line(corpora, name):
    random, decode = Random(name), decoder()
    own = lines(corpora / name)
    for line in own[:: len(own) // FEW_OF_MANY + 1]:
        check_line(decode, mutate(line, own if random.random() < 0.8 else SAMPLE_LINES, random))


@given(st.sampled_from([line for line in SAMPLE_LINES if b" OUT=" in line]), st.randoms(use_true_random=False))
def test_a_prefix_sets_nothing(line, random):
    """Whatever the administrator wrote into it, but the tag and the uptime that a daemon would have taken off."""
    head, _, packet = line.partition(b"] ")
    packet = packet[packet.index(b"IN=") :]
    words = [random.choice(MARKS).translate(None, b"\r\0") for _ in range(random.randint(1, 4))]
    prefix = b"x" + b" ".join(words)[:100] + b" "
    decode = decoder()
    plain = check_line(decode, head + b"] " + packet)
    said = check_line(decode, head + b"] " + prefix + packet)
    assert plain is not None
    if said is not None and said.kind == "netfilter":
        plain.fields.pop("prefix", None)
        said.fields.pop("prefix", None)
        assert said.fields == plain.fields


@pytest.mark.corpora
@given(st.data())
def test_two_corpora_spliced(corpora, data):
    one, two = (lines(corpora / data.draw(st.sampled_from([*list(CORPORA)[:19], UPSTREAM]))) for _ in "12")
    random = data.draw(st.randoms(use_true_random=False))
    _check(mutate(random.choice(one), two, random))


@pytest.mark.corpora
@pytest.mark.parametrize("name", [*CORPORA, UPSTREAM])
def test_unchanged_lines_keep_the_invariants(corpora, name):
    decode = decoder()
    for line, _ in results(corpora / name)[:FEW_OF_MANY]:
        check_line(decode, line)
