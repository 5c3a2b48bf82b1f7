from hypothesis import given
from hypothesis import strategies as st

from syslogparse.rules.bundle import bundle, by_ports, first_ports, number, split, usual_confidence, usual_why
from syslogparse.rules.merge import merge_evidence
from tests.rules.narrow import narrow, rule

PORTS = st.lists(st.integers(0, 200).map(lambda port: (port, port)) | st.none(), max_size=60)


@given(PORTS)
def test_every_part_goes_to_the_match_that_holds_its_ports(parts):
    dealt = by_ports(parts, lambda one: one)
    assert sorted(str(part) for _, some in dealt for part in some) == sorted(map(str, parts))
    for ports, some in dealt:
        for part in some:
            assert part is None if ports == () else any(low <= part[0] <= high for low, high in ports)


def test_one_part_with_the_same_rule_stays_as_it_is():
    one = narrow(risk="high", why="Bad.")
    assert bundle([one], one.rule, "Something else.", "critical") is one


def test_a_bundle_has_the_highest_risk_and_all_of_the_evidence():
    parts = [narrow(risk="low", confidence="low"), narrow(src="203.0.113.10", risk="medium"), narrow(src="203.0.113.11")]
    wide = rule(src=None)
    made = bundle(parts, wide, "All of it.")
    assert (made.rule, made.intent, made.risk, made.confidence, made.why) == (wide, "block", "medium", "high", "All of it.")
    assert made.evidence == merge_evidence([part.evidence for part in parts])
    assert made.trust == "kern"
    assert bundle(parts, wide, "All of it.", "high").risk == "high"
    assert bundle(parts, wide, "All of it.", "low").risk == "medium"


def test_most_parts_decide_and_the_weaker_of_two():
    low, high = narrow(confidence="low"), narrow(confidence="high")
    assert usual_confidence([low, high, high]) == "high"
    assert usual_confidence([low, high]) == usual_confidence([high, low]) == "low"
    assert usual_why([narrow(why="B."), narrow(why="A."), narrow(why="B.")]) == "B"
    assert usual_why([narrow(why="B."), narrow(why="A.")]) == "A"


def test_parts_are_split_in_the_order_of_their_keys():
    parts = [narrow(port=80), narrow(port=22), narrow(src="203.0.113.1", port=80)]
    assert split(parts, lambda one: (first_ports(one),)) == [[parts[1]], [parts[0], parts[2]]]


def test_numbers_in_words():
    assert [number(0, "port"), number(1, "port"), number(1234, "port")] == ["0 ports", "1 port", "1,234 ports"]
    assert number(2, "address or network", "addresses and networks") == "2 addresses and networks"
