import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from rich.cells import cell_len

from syslogparse.evidence.model import Evidence
from syslogparse.languages import render as languages
from syslogparse.report import identity
from syslogparse.report.escape import is_plain
from syslogparse.report.model import Report, Undecoded
from syslogparse.report.text import TextReport, make_console, taken
from syslogparse.report.warmup import synthetic_report
from syslogparse.rules.apparmor_model import FileRule
from syslogparse.rules.model import RISKS, Advice, FirewallRule, Suggestion
from tests.report.hostile import KEY, reports
from tests.report.test_escape import is_harmless

COLOUR = re.compile(r"\x1b\[[0-9;]*m")
WIDTHS = [50, 80, 120, 200]


def report_of(*suggestions, complete=True, not_suggested=None):
    whole = synthetic_report(complete=complete)
    return Report(replace(whole.summary, files=("/var/log/syslog",)), Advice(suggestions, not_suggested or {}))


def suggestion(rule, risk="low", profile=None, count=1204, **changes):
    evidence = Evidence("netfilter", KEY, count, count, 10**15, 10**15 + 10**7, (b"gw",), {"kern": count}, ((0, 12), (0, 13)))
    return Suggestion(rule, "allow", risk, "high", "A reason.", replace(evidence, **changes), "kern", profile)


SHORT = FirewallRule(4, "INPUT", "DROP", "tcp", "eth0", ports=((22, 22),))
LONG = FirewallRule(
    6,
    "FORWARD",
    "ACCEPT",
    "tcp",
    "enp0s31f6",
    "enp0s31f7",
    sources=("2001:db8:1:2:3:4:5:6",),
    dst="2001:db8::7",
    ports=((443, 443),),
)


NAME = identity.of(suggestion(SHORT))[: identity.SHORT]


@given(reports(), st.sampled_from(WIDTHS), st.booleans())
def test_only_colours_reach_the_terminal(report, width, color):
    out = TextReport(width, color=color).render(report)
    bare = COLOUR.sub("", out) if color else out
    assert "\x1b" not in bare
    assert all(is_harmless(line) for line in bare.split("\n"))
    assert out.endswith("\n")


@given(reports(), st.sampled_from(WIDTHS))
def test_every_plain_rule_stands_whole_on_one_line(report, width):
    lines = TextReport(width, color=False).render(report).split("\n")
    for each in report.advice.suggestions:
        rule = languages.render(each.rule)
        if is_plain(rule):
            assert any(line.endswith(rule) or f"{rule}  " in line for line in lines), rule


@pytest.mark.parametrize("width", WIDTHS)
def test_frames_and_prose_keep_the_width(width):
    out = TextReport(width, color=False).render(synthetic_report(complete=False))
    rules = [languages.render(each.rule) for each in synthetic_report(complete=False).advice.suggestions]
    for line in out.split("\n"):
        if not any(rule in line for rule in rules) and not line.startswith(" profile ") and "executable" not in line:
            assert cell_len(line) <= width, line


def summary_of(report, **changes):
    return replace(report, summary=replace(report.summary, **changes))


def test_details_stand_beside_below_or_above_the_rule_as_there_is_room():
    lines = TextReport(130, color=False).render(report_of(suggestion(SHORT))).split("\n")
    when = f"{NAME} · 2001-09-09 01:46:40 to 01:46:50 · line 12"
    assert f" low      1,204  {languages.render(SHORT)}  {when}" in lines
    lines = TextReport(100, color=False).render(report_of(suggestion(SHORT))).split("\n")
    at = lines.index(f" low      1,204  {languages.render(SHORT)}")
    assert lines[at + 1] == f"{' ' * 17}{when}"
    lines = TextReport(80, color=False).render(report_of(suggestion(LONG, "high"))).split("\n")
    at = lines.index(f" high     1,204  {when.replace(NAME, identity.of(suggestion(LONG))[: identity.SHORT])}")
    assert lines[at + 1] == f"  {languages.render(LONG)}"


def test_details_name_what_is_not_common_to_all():
    one = suggestion(SHORT)
    other = replace(suggestion(SHORT, attempts=7, hosts=(b"db", b"web")), trust="syslog", confidence="low")
    day = {"first": 10**15, "last": 10**15 + 10**8}
    out = TextReport(200, color=False).render(summary_of(report_of(one, other), **day))
    assert f"  {NAME} · 01:46:40 to 01:46:50 · on gw · line 12 · trust kern\n" in out
    assert f"  {NAME} · 01:46:40 to 01:46:50 · 7 attempts · on db, web · line 12 · trust syslog · confidence low\n" in out
    out = TextReport(200, color=False).render(summary_of(report_of(one, one), **day))
    assert f"  {NAME} · 01:46:40 to 01:46:50 · line 12\n" in out
    assert re.search("Host +gw ", out)


def test_a_record_without_time_host_and_place():
    bare = suggestion(SHORT, count=1, attempts=1, first=None, last=None, hosts=(), places=())
    lines = TextReport(80, color=False).render(report_of(bare)).split("\n")
    assert f" low          1  {languages.render(SHORT)}  {NAME}" in lines


def test_a_year_that_is_the_same_is_said_in_the_summary_alone():
    out = TextReport(200, color=False).render(summary_of(report_of(suggestion(SHORT)), first=10**15, last=10**15 + 10**12))
    assert f"  {NAME} · 09-09 01:46:40 to 01:46:50 · line 12\n" in out
    assert "2001-09-09 01:46:40 to 2001-09-2" in out


def test_details_break_between_parts():
    lines = TextReport(80, color=False).render(report_of(suggestion(SHORT, attempts=1000, hosts=(b"x" * 30,)))).split("\n")
    (at,) = [number for number, line in enumerate(lines) if NAME in line]
    assert lines[at].strip() == f"{NAME} · 2001-09-09 01:46:40 to 01:46:50 · 1,000 attempts"
    assert lines[at + 1].strip() == "line 12"


def test_several_logs_are_told_apart():
    whole = report_of(suggestion(SHORT))
    out = TextReport(130, color=False).render(summary_of(whole, files=("/var/log/syslog", "other")))
    assert "/var/log/syslog:12" in out


def test_findings_come_first_in_a_section_of_their_own():
    finding = replace(suggestion(SHORT, "high"), intent="alert", why="It is new.")
    out = TextReport(100, color=False).render(report_of(suggestion(LONG), finding))
    assert re.findall(r"(?m)^(\w+)  1 (\w+) ", out) == [("Findings", "finding"), ("iptables", "suggestion")]
    assert out.index("For a human") < out.index("alert: It is new.") < out.index("iptables  1 suggestion")
    assert "complete · 1 suggestion · 1 finding" in out
    out = TextReport(100, color=False).render(report_of(*[finding] * 3), max_rules=1)
    assert "2 more findings not shown" in out
    assert "Nothing to suggest." not in out


def test_what_was_asked_for_and_what_is_known():
    out = TextReport(120, color=False).render(synthetic_report(complete=False))
    assert re.search("Asked for +since 2026-11-22 06:20:46 until 2026-11-23 06:20:46 UTC", out)
    assert re.search("Policy +wide", out)
    assert re.search("Known +own addresses 3", out)
    until = replace(report_of(), summary=replace(report_of().summary, until=10**15))
    assert re.search("Asked for +until 2001-09-09 01:46:40 UTC", TextReport(120, color=False).render(until))
    for word in ("Asked for", "Policy", "Known"):
        assert word not in TextReport(120, color=False).render(synthetic_report(complete=True))


def test_one_reason_is_said_once_above_all_that_it_is_for():
    first, second = suggestion(SHORT), suggestion(FirewallRule(4, "INPUT", "DROP", "udp", "eth0", ports=((53, 53),)))
    third = replace(first, why="Another reason.")
    out = TextReport(80, color=False).render(report_of(first, second, third, first))
    reasons = [line for line in out.split("\n") if "reason." in line]
    assert reasons == [" allow: A reason.", " allow: Another reason.", " allow: A reason."]


def test_rule_that_hides_characters_is_marked():
    path = FileRule("/srv/\u202egnp.exe".encode(), "r")
    out = TextReport(80, color=False).render(report_of(suggestion(path, profile=b"p")))
    assert "\u202e" not in out
    assert f"  {languages.render(path)}" in out


def test_additions_to_a_filter_are_called_so():
    text = TextReport(120, color=False).render(synthetic_report(complete=True))
    assert text.count("Additions to a filter in force: alone, as the whole filter, each of these would stop the program.") == 1


def test_sections_and_groups():
    out = TextReport(80, color=False).render(synthetic_report(complete=True))
    assert re.findall(r"(?m)^(\w+)  \d+ suggestions", out) == ["iptables", "AppArmor", "seccomp"]
    assert "\n profile /usr/sbin/nginx\n" in out
    assert "\n executable /usr/bin/true\n" in out


def test_cut_is_said():
    report = report_of(*[suggestion(SHORT)] * 5)
    assert "3 more suggestions not shown" in TextReport(80, color=False).render(report, max_rules=2)
    assert "1 more suggestion not shown" in TextReport(80, color=False).render(report, max_rules=4)
    assert "not shown" not in TextReport(80, color=False).render(report, max_rules=5)


def test_incomplete_is_said_first_and_last():
    lines = TextReport(80, color=False).render(synthetic_report(complete=False)).split("\n")
    assert "INCOMPLETE" in lines[0]
    assert any("Lost" in line and "A parser was killed." in line for line in lines)
    assert any("Not read" in line for line in lines)
    assert "INCOMPLETE" not in TextReport(80, color=False).render(synthetic_report(complete=True))


def test_summary():
    out = TextReport(120, color=False).render(synthetic_report(complete=True))
    for wanted in (
        "2 files, 123,456,789 lines, 12.3 GB",
        "1 netfilter · 2 apparmor · 3 seccomp",
        "2026-11-22 06:20:46 to 2026-11-23 06:20:46 UTC",
        "2 lines of interest",
        "1 kernel · 2 kern · 3 syslog",
        "full: 2 parsers, uid 65534, root empty, capabilities none, no_new_privs",
        "seccomp allows: parser 9",
        "complete · 9 suggestions",
    ):
        assert wanted in out


def test_reasons_and_places():
    report = report_of(not_suggested={"Rare.": 1, "Common.": 1000})
    undecoded = Undecoded(7, {"invalid port": 7}, tuple((0, line, "invalid port") for line in range(1, 8)))
    out = TextReport(80, color=False).render(replace(report, summary=replace(report.summary, undecoded=undecoded)))
    assert out.index("1,000   Common.") < out.index("1   Rare.")
    assert "7   invalid port   /var/log/syslog:1, /var/log/syslog:2, /var/log/syslog:3" in " ".join(out.split("  ")) or (
        "/var/log/syslog:3" in out and "/var/log/syslog:4" not in out
    )
    assert "Nothing to suggest." in out


def test_colours_tell_risks_apart_and_can_be_off():
    report = report_of(*(suggestion(SHORT, risk) for risk in RISKS))
    colored = TextReport(80, color=True).render(report)
    styles = [re.search(rf"(\x1b\[[0-9;]*m){risk} *\x1b", colored) for risk in RISKS]
    assert len({style.group(1) for style in styles if style}) == len(RISKS)
    assert COLOUR.sub("", colored) == TextReport(80, color=False).render(report)


def test_without_unicode_the_frames_are_ascii():
    assert TextReport(80, color=False, unicode=False).render(report_of(suggestion(SHORT))).isascii()


def test_reports_do_not_run_into_each_other():
    reporter = TextReport(80, color=True)
    assert reporter.render(report_of()) == reporter.render(report_of())


def test_console_asks_nothing_of_the_environment(monkeypatch):
    monkeypatch.setenv("COLUMNS", "7")
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("FORCE_COLOR", "1")
    console = make_console(10_000, color=True)
    console.print("x", style="red")
    assert (console.width, taken(console)) == (400, "\x1b[31mx\x1b[0m\n")
    assert make_console(3, color=True).width == 50
