import json
import re

import jsonschema
import pytest
from hypothesis import given
from msgspec.structs import replace

from syslogparse.languages import render as languages
from syslogparse.report import json as report_json
from syslogparse.report.warmup import synthetic_report
from syslogparse.rules.model import Advice, FirewallRule, SyscallRule
from tests.report.hostile import reports

VALIDATOR = jsonschema.Draft202012Validator(json.loads(report_json.schema()))


def test_schema_is_a_schema():
    jsonschema.Draft202012Validator.check_schema(json.loads(report_json.schema()))
    assert json.loads(report_json.schema())["$schema"] == "https://json-schema.org/draft/2020-12/schema"


@given(reports())
def test_every_report_is_ascii_and_as_the_schema_says(report):
    out = report_json.render(report)
    assert out.isascii()
    assert out.endswith(b"\n")
    assert all(byte == 0x0A or 0x20 <= byte < 0x7F for byte in out)
    document = json.loads(out)
    VALIDATOR.validate(document)
    assert [each["rule"] for each in document["suggestions"]] == [
        languages.render(each.rule).encode("utf-16", "surrogatepass").decode("utf-16", "surrogatepass")
        for each in report.advice.suggestions
    ]


@pytest.mark.parametrize(
    "damage",
    [
        lambda document: document.pop("version"),
        lambda document: document["summary"].pop("complete"),
        lambda document: document["summary"].update(lines=-1),
        lambda document: document["suggestions"][0].update(risk="none"),
        lambda document: document["suggestions"][0].update(first="yesterday"),
        lambda document: document["suggestions"][0].update(kind="pf"),
        lambda document: document["suggestions"][0]["evidence"][0].update(line=0),
        lambda document: document["suggestions"][0].update(id="x"),
    ],
)
def test_schema_refuses_what_is_wrong(damage):
    document = json.loads(report_json.render(synthetic_report(complete=True)))
    VALIDATOR.validate(document)
    damage(document)
    assert list(VALIDATOR.iter_errors(document))


def test_the_first_open_call_of_a_program_has_the_forms_for_all_of_them():
    whole = synthetic_report(complete=True)
    names = [("getppid", "low"), ("openat", "medium"), ("ptrace", "critical")]
    one = replace(whole.advice.suggestions[0], alternatives=())
    calls = tuple(replace(one, rule=SyscallRule(b"/a", "x86", name), risk=risk) for name, risk in names)
    found = json.loads(report_json.render(replace(whole, advice=Advice(calls, {}))))["suggestions"]
    assert found[0]["alternatives"] == list(languages.together([calls[0].rule, calls[1].rule]))
    for each, call in zip(found[1:], calls[1:], strict=True):
        assert each["alternatives"] == list(languages.together([call.rule]))


def test_summary():
    report = synthetic_report(complete=False)
    summary = json.loads(report_json.render(report))["summary"]
    assert summary["events"] == {"netfilter": 1, "apparmor": 2, "seccomp": 3}
    assert summary["undecoded"]["first"][0] == {"file": "/var/log/syslog", "line": 1, "reason": "invalid port"}
    assert summary["not_suggested"] == {"a reason": 3}
    assert summary["trust"] == {"kernel": 1, "kern": 2, "syslog": 3}
    assert summary["complete"] is False
    assert summary["losses"] == ["A parser was killed."]
    assert summary["sandbox"]["mode"] == "reduced"
    assert summary["first"] == "2026-11-22T06:20:46.882000+00:00"


def test_suggestion_says_what_it_belongs_to():
    by_kind: dict[str, dict] = {}
    for each in json.loads(report_json.render(synthetic_report(complete=True)))["suggestions"]:
        by_kind.setdefault(each["kind"], each)
    assert set(by_kind) == {"iptables", "apparmor", "seccomp"}
    assert by_kind["apparmor"]["profile"] == "/usr/sbin/nginx"
    assert by_kind["seccomp"]["exe"] == "/usr/bin/true"
    assert "profile" not in by_kind["iptables"]
    assert "exe" not in by_kind["apparmor"]
    assert by_kind["seccomp"]["first"] is None


def test_identity_does_not_depend_on_the_evidence():
    report = synthetic_report(complete=True)
    first = report.advice.suggestions[0]
    changed = replace(first, evidence=replace(first.evidence, count=1, last=None), why="Another reason.")
    advice = replace(report.advice, suggestions=(first, changed))
    one, other = json.loads(report_json.render(replace(report, advice=advice)))["suggestions"]
    assert one["id"] == other["id"]


def test_both_ways_to_indent_are_the_same():
    report = synthetic_report(complete=True)
    whole = replace(report, summary=replace(report.summary, files=("\x7f\x1b é \U0001f980", "x")), advice=Advice((), {}))
    document = json.loads(report_json.render(whole))
    slow = json.dumps(document, indent=2).replace("\x7f", "\\u007f") + "\n"
    assert report_json.render(whole) == slow.encode()
    lone = replace(whole, summary=replace(whole.summary, files=("\x7f\x1b \udcff", "x")))
    document = json.loads(report_json.render(lone))
    assert report_json.render(lone) == (json.dumps(document, indent=2).replace("\x7f", "\\u007f") + "\n").encode()


def test_a_firewall_rule_is_the_same_suggestion_in_each_language():
    report = synthetic_report(complete=True)
    told = {}
    for firewall in ("iptables", "nftables", "ufw"):
        out = report_json.render(replace(report, firewall=firewall))
        document = json.loads(out)
        VALIDATOR.validate(document)
        told[firewall] = [each for each in document["suggestions"] if each["kind"] == firewall]
    assert len({tuple(each["id"] for each in some) for some in told.values()}) == 1
    known = re.compile(' comment "syslogparse_[0-9a-f]{16}"')
    assert [known.sub("", some[0]["rule"]) for some in told.values()] == [
        "iptables -I INPUT -i eth0 -s 192.0.2.2 -p udp --dport 53 -j DROP",
        "nft 'insert rule inet filter input iifname \"eth0\" ip saddr 192.0.2.2 udp dport 53 drop'",
        "ufw prepend deny in on eth0 from 192.0.2.2 to any port 53 proto udp",
    ]
    assert len({some[0]["undo"] for some in told.values()}) == 3


def test_calls_have_their_other_forms_as_alternatives():
    suggestions = json.loads(report_json.render(synthetic_report(complete=True)))["suggestions"]
    (first, *_) = [each for each in suggestions if each["kind"] == "seccomp"]
    assert first["rule"] == "SystemCallFilter=getppid"
    assert first["alternatives"][-2] == "SECCOMP_SYSCALL_ALLOW=getppid"
    assert json.loads(first["alternatives"][-1])["syscalls"][0]["names"] == ["getppid"]


def test_a_document_in_pieces_is_the_document():
    report = synthetic_report(complete=True)
    for times in (0, 1, 40):
        suggestions = report.advice.suggestions * times
        whole = replace(report, advice=Advice(suggestions, {}))
        out = report_json.render(whole)
        document = json.loads(out)
        assert len(document["suggestions"]) == len(suggestions)
        assert out == (json.dumps(document, indent=2).replace("\x7f", "\\u007f") + "\n").encode()
        assert len(list(report_json.pieces(whole))) == (4 if times == 40 else 1 if times == 0 else 3)


def test_a_whole_batch_without_any_lone_surrogate():
    report = synthetic_report(complete=True)
    report = replace(report, summary=replace(report.summary, files=("x", "y")))
    plain = tuple(one for one in report.advice.suggestions if one.profile is None and isinstance(one.rule, FirewallRule))
    plain = tuple(replace(one, evidence=replace(one.evidence, hosts=(b"gw",))) for one in plain)
    whole = replace(report, advice=Advice(plain * 300, {}))
    out = report_json.render(whole)
    assert out == (json.dumps(json.loads(out), indent=2).replace("\x7f", "\\u007f") + "\n").encode()
