import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from syslogparse.report import check, identity
from syslogparse.report import json as report_json
from syslogparse.report.check import BadBaseline, known, only_new
from syslogparse.report.warmup import synthetic_report
from syslogparse.rules.model import Advice
from tests.report.hostile import reports
from tests.report.test_escape import is_harmless

WHOLE = synthetic_report(complete=True)
NAMES = [identity.of(one) for one in WHOLE.advice.suggestions]
DOCUMENT = json.loads(report_json.render(WHOLE))


def changed(**changes):
    return json.dumps({**DOCUMENT, **changes}).encode()


def test_what_json_prints_is_a_baseline():
    assert known(report_json.render(WHOLE)) == set(NAMES)
    assert known(memoryview(report_json.render(WHOLE))) == set(NAMES)
    assert only_new(WHOLE, known(report_json.render(WHOLE))).advice.suggestions == ()


def test_only_the_names_are_taken_from_it():
    bare = b'{"suggestions":[{"id":"0123456789abcdef","x":[{}]}],"version":1,"future":{"a":[1,2,{"b":null}]}}'
    assert known(bare) == {"0123456789abcdef"}
    other = [{**one, "count": 10**30, "rule": "\x1b[2J", "risk": 7} for one in DOCUMENT["suggestions"]]
    assert known(changed(suggestions=other)) == set(NAMES)


def test_what_is_new_is_told_by_identity_and_not_by_count():
    first = WHOLE.advice.suggestions[0]
    more = replace(first, evidence=replace(first.evidence, count=10**9), why="Another reason.")
    report = replace(WHOLE, advice=Advice((more, *WHOLE.advice.suggestions[1:]), {}))
    assert only_new(report, frozenset(NAMES)).advice.suggestions == ()
    assert only_new(report, frozenset(NAMES[1:])).advice.suggestions == (more,)
    assert only_new(WHOLE, frozenset()) == WHOLE


@pytest.mark.parametrize("text", ["\\udcff", "\\ud83e\\udd80", "\\\\udcff", "\\\\\\udcff", "\\uDFFF", "\\\\u", "\\u0041"])
def test_text_that_was_no_text_is_nobodys_loss(text):
    assert known(b'{"version":1,"x":"%b","suggestions":[{"id":"0123456789abcdef"}]}' % text.encode()) == {"0123456789abcdef"}


DEEP = b"[" * 100_000 + b"]" * 100_000
HOSTILE = {
    "nothing": b"",
    "blanks": b" \n",
    "no JSON": b"# Suggested by syslogparse.\n",
    "cut": report_json.render(WHOLE)[:-20],
    "more behind it": report_json.render(WHOLE) + b"{}",
    "a list": b"[]",
    "null": b"null",
    "no version": b'{"suggestions":[]}',
    "no suggestions": b'{"version":1}',
    "another version": changed(version=2),
    "a version of text": changed(version="1"),
    "a huge version": b'{"version":' + b"9" * 100_000 + b',"suggestions":[]}',
    "a huge exponent": b'{"version":1e999999,"suggestions":[]}',
    "suggestions of text": changed(suggestions="x"),
    "suggestions of numbers": changed(suggestions=[1]),
    "no id": changed(suggestions=[{}]),
    "a number as id": changed(suggestions=[{"id": 1}]),
    "a short id": changed(suggestions=[{"id": "abc"}]),
    "another alphabet": changed(suggestions=[{"id": "\uff10" * 16}]),
    "a line feed": changed(suggestions=[{"id": "0123456789abcdef\n"}]),
    "a control character": changed(suggestions=[{"id": "\x1b[2J"}]),
    "upper case": changed(suggestions=[{"id": "0123456789ABCDEF"}]),
    "deep": b'{"version":1,"suggestions":' + DEEP + b"}",
    "deep where nobody looks": b'{"version":1,"x":' + DEEP + b',"suggestions":[]}',
    "deep objects": b'{"x":' * 100_000,
    "half an escape": b'{"version":1,"x":"\\ud8","suggestions":[]}',
    "no UTF-8": b'{"version":1,"suggestions":[{"id":"\xff"}]}',
    "NUL": b"\0" * 100,
    "UTF-16": json.dumps(DOCUMENT).encode("utf-16"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_what_is_no_baseline(name):
    with pytest.raises(BadBaseline) as caught:
        known(HOSTILE[name])
    assert str(caught.value) == "it is no document of --format json"


@given(
    st.binary(max_size=200)
    | st.recursive(
        st.none() | st.integers() | st.text(),
        lambda some: st.lists(some) | st.dictionaries(st.sampled_from(["version", "suggestions", "id", "x"]), some),
    ).map(lambda made: json.dumps(made).encode())
)
def test_whatever_it_is_it_is_a_baseline_or_none(document):
    try:
        names = known(document)
    except BadBaseline:
        return
    assert all(re.fullmatch("[0-9a-f]{16}", name) for name in names)


def test_nothing_new_is_no_mail():
    assert check.render(replace(WHOLE, advice=Advice((), {"a reason": 3}))) == ""


def test_the_riskiest_and_findings_come_first():
    suggestions = [replace(one, intent="alert") if number == 3 else one for number, one in enumerate(WHOLE.advice.suggestions)]
    out = check.render(replace(WHOLE, advice=Advice(tuple(suggestions), {})))
    lines = out.split("\n")
    assert lines[0] == f"syslogparse: {len(NAMES)} new suggestions from 123,456,789 lines of log"
    rows = [line for line in lines if re.match("(low|medium|high|critical) ", line)]
    assert len(rows) == len(NAMES)
    assert "  alert: " in rows[0]
    risks = [row.split()[0] for row in rows[1:]]
    assert risks == sorted(risks, key=["critical", "high", "medium", "low"].index)
    assert "1,234,567  " in rows[0]
    assert {row.split()[2] for row in rows} == {name[:6] for name in NAMES}
    assert "INCOMPLETE" not in out


def test_more_than_fits_is_said():
    out = check.render(WHOLE, max_rules=2)
    assert f"\n{len(NAMES) - 2} more not shown (--max-rules).\n" in out
    assert len([line for line in out.split("\n") if re.match("(low|medium|high|critical) ", line)]) == 2
    assert "more not shown" not in check.render(WHOLE, max_rules=len(NAMES))


def test_an_incomplete_result_says_so():
    assert "\nINCOMPLETE: " in check.render(synthetic_report(complete=False))


@given(reports())
def test_one_harmless_line_for_each(report):
    out = check.render(report)
    assert all(is_harmless(line) for line in out.split("\n"))
    rows = [line for line in out.split("\n") if line.endswith("(A reason of ours.)")]
    assert len(rows) == len(report.advice.suggestions)
