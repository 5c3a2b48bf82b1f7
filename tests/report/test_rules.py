import re
import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from syslogparse.evidence.model import Evidence
from syslogparse.languages import render as languages
from syslogparse.report import rules, sections
from syslogparse.report.model import Report
from syslogparse.report.warmup import synthetic_report
from syslogparse.rules.advise import advise
from syslogparse.rules.apparmor_model import FileRule
from syslogparse.rules.model import Advice, FirewallRule, Suggestion, SyscallRule
from tests.report.hostile import KEY, NASTY, reports
from tests.report.test_escape import is_harmless
from tests.rules.make import denial

SHELL = set("$`;&|<>()!'\"*?[]{}~^")


FIREWALLS = st.sampled_from(["iptables", "nftables", "ufw"])


def scripts(report):
    """Of each section: its language, its head, and each suggestion with the lines that are to be pasted for it."""
    for section in sections.sections(report):
        items = [item for group in section.groups for item in group.items]
        sound = [item.suggestion.rule for item in items if item.sound]
        opened = [item.suggestion.rule for item in items if item.sound and item.suggestion.risk in {"low", "medium"}]
        script = languages.Script(section.language, sound, opened)
        wanted = [item.suggestion for item in items if item.sound]
        lines = [(one, line) for one in wanted for line in script.lines(one.rule, f"{one.intent}: {one.why}")]
        yield section.language, script.head, lines


@given(reports(), FIREWALLS)
def test_every_line_is_an_open_rule_or_a_comment(report, firewall):
    report = replace(report, firewall=firewall)
    out = rules.render(report)
    assert out.endswith("\n")
    heads, open_rules, closed = set(), set(), set()
    for language, head, lines in scripts(report):
        assert all(languages.check(language, line) for line in (*head, *(line for _, line in lines)))
        heads |= set(head)
        open_rules |= {line for one, line in lines if one.risk in {"low", "medium"}}
        closed |= {f"# {line}" for one, line in lines if one.risk in {"high", "critical"}}
    for line in out[:-1].split("\n"):
        assert is_harmless(line)
        words = line.strip()
        if line in heads:
            continue
        if words.startswith("# or: "):
            assert languages.check("seccomp", words[6:])
        elif words.startswith("# "):
            assert words in closed or not SHELL & set(words)
        else:
            assert words == "" or words in open_rules


@given(reports(), FIREWALLS)
def test_every_rule_is_there(report, firewall):
    report = replace(report, firewall=firewall)
    out = rules.render(report).split("\n")
    printed = [line.strip() for line in out]
    for _, head, lines in scripts(report):
        assert set(head) <= set(out)
        for one, line in lines:
            marked = one.risk in {"high", "critical"} and not line.startswith("# ")
            assert (f"# {line}" if marked else line) in printed


def report_of(*risks, host=b"gw", file="/var/log/syslog", firewall="iptables"):
    evidence = Evidence("netfilter", KEY, 1204, 12, 10**15, 10**15 + 10**7, (host,), {"kern": 1204}, ((0, 12), (0, 13)))
    rule = FirewallRule(4, "INPUT", "DROP", "tcp", in_iface="eth0", sources=("192.0.2.2",), ports=((22, 22),))
    whole = synthetic_report(complete=True)
    suggestions = tuple(Suggestion(rule, "block", risk, "high", "Somebody scans.", evidence, "kern") for risk in risks)
    return Report(replace(whole.summary, files=(file,)), Advice(suggestions, {}), firewall)


def test_risky_rules_are_closed():
    comment = "-m comment --comment 'block: Somebody scans.'"
    rule = f"once iptables -I INPUT -i eth0 -s 192.0.2.2 -p tcp --dport 22 {comment} -j DROP"
    for risk in ("low", "medium"):
        assert f"\n{rule}\n" in rules.render(report_of(risk))
    for risk in ("high", "critical"):
        out = rules.render(report_of(risk))
        assert f"\n{rule}\n" not in out
        assert f"risk {risk}, remove the mark only if you want exactly this:\n# {rule}\n" in out


@pytest.mark.parametrize("firewall", ["iptables", "nftables", "ufw"])
def test_a_risky_rule_of_several_lines_is_a_comment_from_end_to_end(firewall):
    several = FirewallRule(4, "INPUT", "DROP", "tcp", "eth0", sources=tuple(f"10.0.{n}.0/24" for n in range(200)))
    for risk in ("low", "high"):
        whole = report_of(risk, firewall=firewall)
        suggestion = replace(whole.advice.suggestions[0], rule=several)
        out = rules.render(replace(whole, advice=Advice((suggestion,), {}))).split("\n")
        lines = languages.Script(firewall, [several], [several]).lines(several, "block: Somebody scans.")
        assert len(lines) > 5
        begin = out.index(lines[0] if risk == "low" else f"# {lines[0]}")
        mark = "" if risk == "low" else "# "
        assert out[begin : begin + len(lines)] == [mark + line for line in lines]
        assert (f"# risk high, remove the marks of {len(lines):,} lines only if you want exactly this:" in out) is (
            risk == "high"
        )
        if risk == "high":
            script = languages.Script(firewall, [several], [])
            assert all(line.startswith("#") or not line or line in script.head for line in out)


def test_the_mark_of_a_rule_for_nft_says_what_else_it_needs():
    whole = report_of("critical", firewall="nftables")
    accept = replace(whole.advice.suggestions[0], rule=FirewallRule(4, "INPUT", "ACCEPT", "tcp", "eth0", ports=((80, 80),)))
    closed = rules.render(replace(whole, advice=Advice((accept,), {})))
    chain = languages.Script("nftables", [accept.rule], []).head[-1].split()[-1]
    assert closed.count(f"\n# create chain inet filter {chain}\n") == 1
    assert f"if you want exactly this, and once those of the 2 lines with {chain} above:\n# add rule" in closed
    other = replace(accept, rule=replace(accept.rule, dst="192.0.2.1"), risk="low")
    both = rules.render(replace(whole, advice=Advice((other, accept), {})))
    assert "remove the mark only if you want exactly this:\n" in both
    assert "\ncreate chain inet filter" in both


def test_one_line_that_fails_the_grammar_closes_them_all():
    whole = report_of("low")
    bad = FirewallRule(4, "INPUT", "DROP", "tcp", "eth0", sources=("10.0.0.1", "$(id)", "10.0.0.3"))
    suggestion = replace(whole.advice.suggestions[0], rule=bad)
    out = rules.render(replace(whole, advice=Advice((suggestion,), {}))).split("\n")
    assert "# not for pasting, it fails the grammar of its language:" in out
    assert not any(line.startswith(("ipset", "once iptables")) for line in out)


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


@pytest.mark.parametrize("firewall", ["iptables", "nftables", "ufw"])
def test_the_section_bears_the_name_of_its_language(firewall):
    assert f"\n# ==== {firewall} ====\n# " in rules.render(report_of("low", firewall=firewall))


def test_what_a_language_cannot_say_is_said_once():
    whole = report_of("high", firewall="ufw")
    bridged = FirewallRule(4, "FORWARD", "DROP", "tcp", "br0", "br0", "e1", "e2", ports=((1, 1),))
    out = rules.render(replace(whole, advice=Advice((replace(whole.advice.suggestions[0], rule=bridged),), {})))
    assert "\n# ufw cannot say this: the ports of a bridge\n" in out
    assert "remove the mark" not in out


def test_calls_that_stand_open_are_offered_together():
    whole = report_of("low")
    names = [("getppid", "low"), ("openat", "medium"), ("ptrace", "critical")]
    calls = tuple(replace(whole.advice.suggestions[0], rule=SyscallRule(b"/a", "x86", name), risk=risk) for name, risk in names)
    out = rules.render(replace(whole, advice=Advice(calls, {})))
    assert "\n# Additions to a filter in force. Alone, " in out
    assert "\n  # or: SECCOMP_SYSCALL_ALLOW=getppid:openat\n" in out
    assert '"names":["getppid","openat"],"action":"SCMP_ACT_ALLOW"' in out
    assert "\n  # or: SystemCallFilter=getppid openat\n" in out
    assert "\n  # where the unit limits architectures, also: SystemCallArchitectures=x86\n" in out
    assert out.count("ptrace") == 1


def printed(*items):
    whole = synthetic_report(complete=True)
    return rules.render(replace(whole, advice=advise(items))).split("\n")


def test_the_same_reason_is_said_once_for_rules_of_a_profile_that_follow_each_other():
    out = printed(*(denial(name=b"/srv/%d" % number) for number in range(3)), denial(name=b"/etc/shadow"), denial(profile=b"q"))
    said = [line for line in out if "allow: " in line]
    assert said == [
        "  # allow: The profile denied it.",
        "  # allow: The profile denied it; at stake: password hashes.",
        "  # allow: The profile denied it.",
    ]
    assert sum("first at" in line for line in out) == 5


def test_a_child_that_nothing_enters_is_closed_from_end_to_end():
    def family(program):
        ran = denial(profile=b"p", operation=b"exec", name=program, mask=b"x")
        return printed(ran, denial(profile=b"p//null-" + program, verdict=b"ALLOWED"))

    opened, closed = family(b"/bin/x"), family(b"/bin/sh")
    assert opened[opened.index("  profile /bin/x {") :].index("  }") > 2
    begin = closed.index("  # profile /bin/sh {")
    end = closed.index("  # }")
    assert closed[begin - 1].startswith("  # closed like the rule that enters it: remove one mark from each line")
    assert "  #   /srv/page r," in closed[begin:end]
    assert all(line.startswith("  # ") for line in closed[begin : end + 1])
    assert "  # risk high, remove the mark only if you want exactly this, and with it those of its block below:" in closed
    assert not any(line.strip() and not line.strip().startswith("#") for line in closed)
    back = [line.replace("# ", "", 1) for line in closed[begin : end + 1]]
    assert [back[0], *back[-2:]] == ["  profile /bin/sh {", "    /srv/page r,", "  }"]


def test_the_marks_of_a_rule_and_its_empty_block_are_counted():
    out = printed(denial(profile=b"p", operation=b"exec", name=b"/bin/sh", mask=b"x"))
    begin = out.index("  # risk high, remove the marks of 4 lines only if you want exactly this:")
    assert out[begin + 1] == "  # /bin/sh Cx,"
    assert out[begin + 4] == "  # }"


def test_incomplete_is_said_at_the_top():
    top = rules.render(synthetic_report(complete=False)).split("\n")[:3]
    assert top[1].startswith("# INCOMPLETE")
    assert top[2] == "# INCOMPLETE: A parser was killed."
    assert "INCOMPLETE" not in rules.render(synthetic_report(complete=True))


def test_nothing_to_suggest():
    assert rules.render(report_of()).endswith("\n# Nothing to suggest.\n")


@pytest.mark.parametrize("firewall", ["iptables", "ufw"])
@pytest.mark.parametrize("name", NASTY)
def test_names_do_nothing_in_a_shell(name, firewall, tmp_path):
    """Pasted into a shell that runs comments (as zsh does), the commands are # and the rule, nothing else."""
    host, file = name.encode("utf-8", "surrogatepass"), f"$(touch hit1)`touch hit2`;touch hit3\ntouch hit4 {name}"
    out = rules.render(report_of("low", host=host, file=file, firewall=firewall))
    script = re.sub(r"(?m)^# ", "hash ", out.replace("====", ""))
    prelude = "hash() { :; }\niptables() { :; }\nufw() { :; }\n"
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
    monkeypatch.setattr(languages, "lines", lambda rule, *_: (f"{rule.path.decode()} {rule.perms},",))
    lines = rules.render(replace(whole, advice=Advice((bad,), {}))).strip("\n").split("\n")
    assert all(not line or line.lstrip().startswith("# ") for line in lines)
    assert "  # not for pasting, it fails the grammar of its language:" in lines


def test_what_has_no_rule_is_told_at_the_end_most_first():
    whole = synthetic_report(complete=True)
    reasons = {"rare": 1, "common\nrm": 1000, "also rare": 1}
    out = rules.render(replace(whole, advice=replace(whole.advice, not_suggested=reasons))).split("\n")
    assert out[-5:] == [
        "",
        "# No rule for 1,000 events: common\\x0arm",
        "# No rule for 1 event: also rare",
        "# No rule for 1 event: rare",
        "",
    ]
    assert "No rule for" not in rules.render(replace(whole, advice=replace(whole.advice, not_suggested={})))
