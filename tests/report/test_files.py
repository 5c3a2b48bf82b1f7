import pytest

from syslogparse.evidence.model import KINDS
from syslogparse.languages.render import language
from syslogparse.options import FIREWALLS
from syslogparse.report import files, rules
from syslogparse.report.model import Report
from syslogparse.report.warmup import synthetic_report
from syslogparse.rules.model import Advice


def test_every_language_has_a_name_of_its_own():
    assert len(set(files.NAMES.values())) == len(files.NAMES) == 5
    assert all(name.isascii() and "/" not in name and not name.startswith(".") for name in files.NAMES.values())


@pytest.mark.parametrize("firewall", FIREWALLS)
def test_languages_in_the_order_of_the_kinds(firewall):
    assert files.languages(KINDS, firewall) == (firewall, "apparmor", "seccomp")
    assert files.languages(("seccomp", "netfilter"), firewall) == (firewall, "seccomp")
    assert files.languages((), firewall) == ()


@pytest.mark.parametrize("firewall", FIREWALLS)
@pytest.mark.parametrize("complete", [True, False])
def test_a_file_is_the_head_and_one_section_of_the_rules(firewall, complete):
    report = synthetic_report(complete)
    report = Report(report.summary, report.advice, firewall)
    printed = rules.render(report).split("\n\n# No rule for ")[0]  # what is said of no language
    head, *sections = printed.removesuffix("\n").split("\n\n# ==== ")
    found = {name: "\n".join(lines) for name, lines in files.lines(report)}
    assert list(found) == [section.split(" ====")[0] for section in sections]
    assert set(found) == {language(each.rule, firewall) for each in report.advice.suggestions}
    assert list(found.values()) == [f"{head}\n\n# ==== {section}" for section in sections]


def test_no_suggestion_no_file():
    assert list(files.lines(Report(synthetic_report(complete=True).summary, Advice((), {})))) == []


def test_a_comment_that_is_too_long_is_cut_and_a_rule_left_out():
    longest = "# " + "x" * (files.LONGEST_LINE - 2)
    assert files._short(longest) == longest
    cut = files._short(f"  {longest}")
    assert (len(cut), cut[:6], cut[-1]) == (files.LONGEST_LINE, "  # xx", "…")
    assert len(cut.encode()) <= 4 * files.LONGEST_LINE
    rule = "/" + "x" * (files.LONGEST_RULE - 4) + " r,"
    assert files._short(rule) == rule
    assert files._short("x" + rule) == f"# A rule of {files.LONGEST_RULE + 1} characters is left out."
