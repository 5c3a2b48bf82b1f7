import subprocess

import pytest

from syslogparse.languages import render
from syslogparse.rules.apparmor_model import CapabilityRule, FileRule, NetworkRule
from syslogparse.rules.model import FirewallRule, SyscallRule
from tests.rules.make import events_of, suggestions

RULES = [
    (FirewallRule(4, "INPUT", "DROP", "tcp", in_iface="lo"), "iptables", "iptables -I INPUT -i lo -p tcp -j DROP"),
    (FileRule(b"/a", "r"), "apparmor", "/a r,"),
    (CapabilityRule("chown"), "apparmor", "capability chown,"),
    (NetworkRule("inet", "raw"), "apparmor", "network inet raw,"),
    (SyscallRule(b"/a", "x86", "read"), "seccomp", "SystemCallFilter=read"),
]


@pytest.mark.parametrize(("rule", "language", "line"), RULES)
def test_each_rule_in_its_own_language(rule, language, line):
    assert render.language(rule) == language
    assert render.render(rule) == line
    assert render.check(language, line)
    assert render.check(language, render.undo(rule))


def test_no_language_takes_the_rules_of_another():
    for _, language, line in RULES:
        assert [other for other in ("iptables", "apparmor", "seccomp") if render.check(other, line)] == [language]


@pytest.mark.corpora
@pytest.mark.root
@pytest.mark.parametrize("intent", ["auto", "allow", "block"])
def test_the_real_tools_take_every_rule_from_the_captured_logs(corpora, require_tool, intent):
    """All that a real kernel logged, to rules, to iptables-restore in a network namespace of its own."""
    lines: dict[str, set[str]] = {"iptables": set(), "ip6tables": set(), "apparmor": set(), "SystemCallFilter=getppid": set()}
    for log in sorted((corpora / "captured").iterdir()):
        for one in suggestions(*events_of(log.read_bytes()), intent=intent):
            line = render.render(one.rule)
            language = render.language(one.rule)
            assert render.check(language, line)
            program, _, rest = line.partition(" ")
            lines[program if language != "apparmor" else language].add(line if language == "apparmor" else rest)
    assert min(map(len, lines.values())) > 0
    for program in ("iptables", "ip6tables"):
        rules = "\n".join(["*filter", *(line.replace("-I", "-A", 1) for line in sorted(lines[program])), "COMMIT", ""])
        tools = [require_tool("unshare"), "-n", require_tool(f"{program}-restore"), "--test"]
        done = subprocess.run(tools, input=rules, text=True, capture_output=True, check=False)
        assert done.returncode == 0, (rules, done.stderr)
