import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from syslogparse.evidence.model import Event
from syslogparse.languages import render as languages
from syslogparse.report import explain, identity
from syslogparse.report.warmup import synthetic_report
from syslogparse.rules.model import RISKS, Advice
from tests.report.hostile import raws, reports
from tests.report.test_escape import is_harmless

WHOLE = synthetic_report(complete=True)
FIRST = WHOLE.advice.suggestions[0]
NAMES = sorted(identity.of(one) for one in WHOLE.advice.suggestions)
PACKET = Event("netfilter", 10**15, b"gw", "kern", {"prefix": b"[UFW BLOCK]", "dpt": 22, "tcp_flags": [b"SYN", b"ACK"]}, 3)


def report_of(*suggestions, **events):
    return replace(WHOLE, advice=Advice(suggestions, {}), events={(0, 1): PACKET, **events})


def test_an_id_or_its_beginning_finds_the_suggestion():
    for one in WHOLE.advice.suggestions:
        name = identity.of(one)
        assert explain.names(explain.matching(WHOLE, name)) == [name]
        assert explain.matching(WHOLE, name[:6]).advice.suggestions == (one,)
    assert explain.names(explain.matching(WHOLE, "")) == NAMES
    assert explain.names(explain.matching(WHOLE, "x")) == []


def test_it_is_told_in_full():
    out = explain.render(report_of(FIRST))
    assert out.startswith(f"{identity.of(FIRST)}  iptables, allow\n\nWhy         Words Words")
    assert re.search("\nRisk +low: ", out)
    assert re.search("\nConfidence +low: ", out)
    assert re.search(r"\nTrust +syslog: any local user can forge such lines \(lines: 9 syslog\)", out)
    assert re.search(r"\nSeen +1,234,567 lines, 12 attempts, 2026-11-22 06:20:46 to 2026-11-23 06:20:46 UTC", out)
    assert re.search(r"\nHosts +gw, b, c", out)
    assert f"\nRule\n  {languages.render(FIRST.rule)}\n" in out
    assert "\nUndo\n  iptables -D " in out
    assert f"\nInstead\n  {languages.render(FIRST.alternatives[0])}\n" in out
    assert "\nEvidence (the first 2 of 1,234,567 lines)\n" in out
    assert "\n  /var/log/syslog:1  2001-09-09T01:46:40.000000+00:00  host gw  trust kern  repeated 3 times\n" in out
    assert '\n      prefix="[UFW BLOCK]" dpt=22 tcp_flags=SYN,ACK\n' in out
    assert out.endswith("\n  ?:1\n")  # its event is not kept


def test_whose_rule_it_is():
    by_kind = {languages.language(one.rule): explain.render(report_of(one)) for one in reversed(WHOLE.advice.suggestions)}
    assert re.search("\nProfile +/usr/sbin/nginx\n", by_kind["apparmor"])
    assert re.search("\nExecutable +/usr/bin/true\n", by_kind["seccomp"])
    assert "SECCOMP_SYSCALL_ALLOW=getppid" in by_kind["seccomp"]
    assert "Profile" not in by_kind["iptables"]
    assert re.search("\nHosts +the log names none\n", by_kind["seccomp"])


@pytest.mark.parametrize("risk", RISKS)
def test_every_risk_has_a_meaning(risk):
    assert re.search(f"\nRisk +{risk}: [a-z]", explain.render(report_of(replace(FIRST, risk=risk))))


def test_all_of_few_lines():
    few = replace(FIRST, evidence=replace(FIRST.evidence, count=1, attempts=1, places=((0, 1),)))
    assert "\nEvidence (1 line)\n" in explain.render(report_of(few))
    told_twice = replace(FIRST, evidence=replace(FIRST.evidence, count=1, places=((0, 1), (0, 2)), most_places=2))
    assert "\nEvidence (the first 2 lines)\n" in explain.render(report_of(told_twice))
    none = replace(FIRST, evidence=replace(FIRST.evidence, places=()))
    assert "Evidence" not in explain.render(report_of(none))


def test_an_event_without_time_and_host():
    bare = Event("seccomp", None, b"", "syslog", {"exe": b"", "sig": -1})
    out = explain.render(replace(report_of(FIRST), events={(0, 1): bare}))
    assert '\n  /var/log/syslog:1  no time  trust syslog\n      exe="" sig=-1\n' in out


def test_an_incomplete_result_says_so():
    whole = synthetic_report(complete=False)
    assert "\nINCOMPLETE  this does not rest on all of the log\n" in explain.render(whole)
    assert "INCOMPLETE" not in explain.render(WHOLE)


def test_nothing_to_explain():
    assert explain.render(report_of()) == ""


FIELDS = st.dictionaries(st.sampled_from(["name", "comm", "tcp_flags"]), raws | st.integers() | st.lists(raws, max_size=9))
EVENTS = st.builds(Event, st.just("apparmor"), st.none() | st.integers(-(2**62), 2**62), raws, st.just("syslog"), FIELDS)


@given(reports(), EVENTS, st.sampled_from([20, 80, 120]))
def test_only_harmless_text_reaches_the_terminal(report, event, width):
    places = {place: event for one in report.advice.suggestions for place in one.evidence.places}
    out = explain.render(replace(report, events=places), width)
    assert all(is_harmless(line) for line in out.split("\n"))
    for one in report.advice.suggestions:
        assert identity.of(one) in out
