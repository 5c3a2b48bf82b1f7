import re
import subprocess

import pytest
from hypothesis import given
from msgspec.structs import replace

from syslogparse.evidence.model import Evidence
from syslogparse.languages import render as languages
from syslogparse.report import rules
from syslogparse.report.model import Report
from syslogparse.report.warmup import synthetic_report
from syslogparse.rules.apparmor_model import FileRule
from syslogparse.rules.model import Advice, FirewallRule, Suggestion
from tests.report.hostile import KEY, NASTY, reports
from tests.report.test_escape import is_harmless

SHELL = set("$`;&|<>()!'\"*?[]{}~^")


def is_sound(rule):
    return languages.check(languages.language(rule), languages.render(rule))


@given(reports())
def test_every_line_is_an_open_rule_or_a_comment(report):
    out = rules.render(report)
    assert out.endswith("\n")
    open_rules = {
        languages.render(each.rule)
        for each in report.advice.suggestions
        if each.risk in {"low", "medium"} and is_sound(each.rule)
    }
    closed = {f"# {languages.render(each.rule)}" for each in report.advice.suggestions if each.risk in {"high", "critical"}}
    for line in out[:-1].split("\n"):
        assert is_harmless(line)
        words = line.strip()
        if words.startswith("# "):
            assert words in closed or not SHELL & set(words)
        else:
            assert words == "" or words in open_rules


@given(reports())
def test_every_rule_is_there(report):
    lines = [line.strip() for line in rules.render(report).split("\n")]
    for each in report.advice.suggestions:
        text = languages.render(each.rule)
        if is_sound(each.rule):
            assert (text if each.risk in {"low", "medium"} else f"# {text}") in lines


def report_of(*risks, host=b"gw", file="/var/log/syslog"):
    evidence = Evidence("netfilter", KEY, 1204, 12, 10**15, 10**15 + 10**7, (host,), {"kern": 1204}, ((0, 12), (0, 13)))
    rule = FirewallRule(4, "INPUT", "DROP", "tcp", in_iface="eth0", src="192.0.2.2", dport=22)
    whole = synthetic_report(complete=True)
    suggestions = tuple(Suggestion(rule, "block", risk, "high", "Somebody scans.", evidence, "kern") for risk in risks)
    return Report(replace(whole.summary, files=(file,)), Advice(suggestions, {}))


def test_risky_rules_are_closed():
    rule = languages.render(FirewallRule(4, "INPUT", "DROP", "tcp", in_iface="eth0", src="192.0.2.2", dport=22))
    for risk in ("low", "medium"):
        assert f"\n{rule}\n" in rules.render(report_of(risk))
    for risk in ("high", "critical"):
        out = rules.render(report_of(risk))
        assert f"\n{rule}\n" not in out
        assert f"risk {risk}, remove the mark only if you want exactly this:\n# {rule}\n" in out


def test_provenance():
    out = rules.render(report_of("low"))
    assert "\n# ==== iptables ====\n" in out
    assert "\n# block: Somebody scans.\n# 1,204 lines, 12 attempts, 2001-09-09 01:46:40 to 01:46:50 UTC, on gw, risk low," in out
    assert "trust kern, first at /var/log/syslog:12\n" in out


def test_our_own_sentences_stay_readable():
    whole = report_of("low")
    ours = replace(whole.advice.suggestions[0], why="It was refused; from a host (one) of ours.")
    assert "\n# block: It was refused; from a host (one) of ours.\n" in rules.render(replace(whole, advice=Advice((ours,), {})))


def test_sections_and_groups():
    out = rules.render(synthetic_report(complete=True))
    assert re.findall(r"^# ==== (\w+) ====$", out, re.MULTILINE) == ["iptables", "apparmor", "seccomp"]
    assert "\n# profile /usr/sbin/nginx\n  # allow: " in out
    assert "\n# executable /usr/bin/true\n  # allow: " in out


def test_incomplete_is_said_at_the_top():
    top = rules.render(synthetic_report(complete=False)).split("\n")[:3]
    assert top[1].startswith("# INCOMPLETE")
    assert top[2] == "# INCOMPLETE: A parser was killed."
    assert "INCOMPLETE" not in rules.render(synthetic_report(complete=True))


def test_nothing_to_suggest():
    assert rules.render(report_of()).endswith("\n# Nothing to suggest.\n")


@pytest.mark.parametrize("name", NASTY)
def test_names_do_nothing_in_a_shell(name, tmp_path):
    """Pasted into a shell that runs comments (as zsh does), the commands are # and the rule, nothing else."""
    host = name.encode("utf-8", "surrogatepass")
    out = rules.render(report_of("low", host=host, file=f"$(touch hit1)`touch hit2`;touch hit3\ntouch hit4 {name}"))
    script = re.sub(r"(?m)^# ", "hash ", out.replace("====", ""))
    prelude = "hash() { :; }\niptables() { :; }\n"
    done = subprocess.run(
        ["sh", "-c", prelude + script],
        cwd=tmp_path,
        capture_output=True,
        timeout=20,
        check=False,
        env={"PATH": "/usr/bin:/bin"},
    )
    assert (done.returncode, done.stderr) == (0, b"")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("path", [b"no/slash", b"/a\n/b rw", b""])
def test_what_fails_its_grammar_stays_a_comment(path, monkeypatch):
    whole = report_of("low")
    bad = replace(whole.advice.suggestions[0], rule=FileRule(path, "r"), profile=b"p")
    monkeypatch.setattr(languages, "render", lambda rule: f"{rule.path.decode()} {rule.perms},")
    lines = rules.render(replace(whole, advice=Advice((bad,), {}))).strip("\n").split("\n")
    assert all(not line or line.lstrip().startswith("# ") for line in lines)
    assert "  # not for pasting, it fails the grammar of its language:" in lines
