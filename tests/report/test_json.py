import json

import jsonschema
import pytest
from hypothesis import given
from msgspec.structs import replace

from syslogparse.languages import render as languages
from syslogparse.report import json as report_json
from syslogparse.report.warmup import synthetic_report
from syslogparse.rules.model import Advice
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


def test_identity_names_what_is_suggested_for_whom():
    same = report_json.identity("apparmor", b"/a", "/b r,")
    assert same == report_json.identity("apparmor", b"/a", "/b r,")
    others = [
        ("apparmor", b"/a/b", " r,"),
        ("seccomp", b"/a", "/b r,"),
        ("apparmor", None, "/b r,"),
        ("apparmor", b"\xff", "/b r,"),
    ]
    assert len({same, *(report_json.identity(*other) for other in others)}) == 5


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
    assert [some[0]["rule"] for some in told.values()] == [
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
