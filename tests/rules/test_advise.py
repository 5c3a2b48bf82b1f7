from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syslogparse.evidence.model import KINDS, Evidence
from syslogparse.languages import render
from syslogparse.rules.advise import advise
from syslogparse.rules.merge import merge_evidence
from syslogparse.rules.model import RISKS
from syslogparse.rules.wanted import Wanted
from tests.rules.make import APPARMOR, NETFILTER, SECCOMP, anything, call, capability, denial, evidence, packet

INTENTS = st.sampled_from(["auto", "allow", "block"])


@given(st.lists(anything, max_size=8), INTENTS, st.randoms(use_true_random=False))
def test_the_order_of_the_evidence_does_not_matter(items, intent, random):
    shuffled = list(items)
    random.shuffle(shuffled)
    assert advise(items, Wanted(intent)) == advise(shuffled, Wanted(intent))


@given(st.lists(anything, max_size=8), INTENTS, st.integers(1, 3))
def test_evidence_that_comes_in_pieces_gives_the_same_as_whole(items, intent, pieces):
    """Each item is cut into pieces of the same key; the pieces merge to it, and so must what is advised on them."""
    cut = [piece for item in items for piece in [item] * pieces]
    whole = [merge_evidence([item] * pieces) for item in items]
    assert advise(cut, Wanted(intent)) == advise(whole, Wanted(intent))


@given(st.lists(anything, max_size=8), INTENTS)
def test_nothing_disappears_and_nothing_raises(items, intent):
    advice = advise(items, Wanted(intent))
    suggested = sum(one.evidence.count for one in advice.suggestions)
    assert suggested + sum(advice.not_suggested.values()) == sum(item.count for item in items)


@given(st.lists(anything, max_size=8), INTENTS)
def test_every_suggestion_renders_to_one_harmless_line_that_its_grammar_knows(items, intent):
    for one in advise(items, Wanted(intent)).suggestions:
        for rule in (one.rule, *one.alternatives):
            line = render.render(rule)
            assert line.isascii()
            assert line.isprintable()
            assert render.check(render.language(rule), line)


@given(st.lists(anything, max_size=8), INTENTS)
def test_suggestions_come_by_kind_and_the_riskiest_last(items, intent):
    advice = advise(items, Wanted(intent))
    places = [(KINDS.index(one.evidence.kind), RISKS.index(one.risk)) for one in advice.suggestions]
    assert places == sorted(places)


@given(st.lists(anything, max_size=8), INTENTS)
def test_no_rule_is_suggested_twice(items, intent):
    seen = Counter((one.rule, one.intent, one.profile) for one in advise(items, Wanted(intent)).suggestions)
    assert all(times == 1 for times in seen.values())


@pytest.mark.parametrize("key", [NETFILTER, APPARMOR, SECCOMP], ids=["netfilter", "apparmor", "seccomp"])
@pytest.mark.parametrize("spoiled", [b"zqxj", b"zqxj\x1b[2J", b"/zqxj"])
def test_our_sentences_hold_no_text_from_the_log(key, spoiled):
    for field in key._fields:
        advice = advise([evidence(key._replace(**{field: spoiled}))])
        for text in [*advice.not_suggested, *(one.why for one in advice.suggestions)]:
            assert "zqxj" not in text
            assert text.isascii()
            assert text.isprintable()


def test_all_kinds_at_once():
    advice = advise([call(), denial(), packet(), capability(b"sys_admin")])
    assert [render.render(one.rule) for one in advice.suggestions] == [
        "iptables -I INPUT -i eth0 -s 192.0.2.2 -d 192.0.2.1 -p tcp --dport 22 -j ACCEPT",
        "/srv/page r,",
        "capability sys_admin,",
        "SystemCallFilter=getppid",
    ]
    assert advice.not_suggested == {}


@pytest.mark.parametrize("kind", ["netfilter", "apparmor"])
def test_a_kind_with_the_key_of_another_is_refused(kind):
    item = Evidence(kind, SECCOMP, 3, 3, None, None, (), {}, ())
    assert advise([item]).not_suggested == {"evidence that contradicts itself": 3}
