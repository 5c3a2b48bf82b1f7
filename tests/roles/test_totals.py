from hypothesis import given
from hypothesis import strategies as st

from syslogparse.evidence.model import Reason
from syslogparse.roles.totals import MAX_NAMED, Totals
from syslogparse.roles.wire import BlockFrame
from syslogparse.sources.blocks import Place

BAD: Reason = "invalid port"


def frame(place, lines, undecoded=(), **sums):
    more = {"events": {"netfilter": 1}, "trust": {"kern": 1}, "reasons": {BAD: len(undecoded)}, **sums}
    return BlockFrame(place[0], place[1], lines, undecoded=[(line, BAD) for line in undecoded], **more)


PLANS = st.lists(st.lists(st.integers(0, 30), min_size=1, max_size=8), min_size=1, max_size=3)


@given(PLANS, st.randoms())
def test_the_order_of_arrival_does_not_matter(plan, random):
    blocks = [(Place(file, block), lines) for file, sizes in enumerate(plan) for block, lines in enumerate(sizes)]
    shuffled = random.sample(blocks, len(blocks))
    totals = Totals()
    for place, lines in shuffled:
        totals.block(place, frame(place, lines, undecoded=range(min(lines, 2))))
    for file, sizes in enumerate(plan):
        for block in random.sample(range(len(sizes)), len(sizes)):
            assert totals.lines_before(Place(file, block)) == sum(sizes[:block])
    assert totals.first_lines() == {(place.file, place.block): sum(plan[place.file][: place.block]) for place, _ in blocks}
    assert totals.blocks == totals.event_count == len(blocks)
    assert (totals.events, totals.trust) == ({"netfilter": len(blocks)}, {"kern": len(blocks)})
    expected = [
        (place.file, sum(plan[place.file][: place.block]) + line + 1, BAD)
        for place, lines in blocks
        for line in range(min(lines, 2))
    ]
    undecoded = totals.undecoded()
    assert undecoded.total == len(expected)
    assert undecoded.first == tuple(sorted(expected)[:MAX_NAMED])


def test_behind_a_lost_block_no_line_has_a_number():
    totals = Totals()
    for block in (0, 1, 3):
        totals.block(Place(0, block), frame((0, block), 10, undecoded=[5]))
    totals.block(Place(1, 0), frame((1, 0), 10, undecoded=[5]))
    assert [totals.lines_before(Place(0, block)) for block in range(5)] == [0, 10, 20, None, None]
    assert totals.first_lines() == {(0, 0): 0, (0, 1): 10, (1, 0): 0}
    undecoded = totals.undecoded()
    assert undecoded.total == 4
    assert undecoded.first == ((0, 6, BAD), (0, 16, BAD), (1, 6, BAD))


def test_a_block_that_comes_later_fills_the_gap():
    totals = Totals()
    totals.block(Place(0, 1), frame((0, 1), 3))
    assert totals.lines_before(Place(0, 1)) is None
    totals.block(Place(0, 0), frame((0, 0), 7))
    assert totals.lines_before(Place(0, 1)) == 7


def test_names_are_the_first_in_the_log_and_stay_few():
    totals = Totals()
    for block in reversed(range(200)):
        totals.block(Place(0, block), frame((0, block), 20, undecoded=range(20)))
        assert len(totals._named) <= 51 * MAX_NAMED
    undecoded = totals.undecoded()
    assert undecoded.total == 4000
    assert undecoded.first == tuple((0, line, BAD) for line in range(1, 21))
