import subprocess

import pytest

from syslogparse.languages import render
from syslogparse.rules.apparmor_model import CapabilityRule, FileRule, NetworkRule
from syslogparse.rules.model import FirewallRule, Rule, SyscallRule
from tests.languages.firewalls import MANY, MANY_SIX, RICH
from tests.rules.make import events_of, suggestions

RULES: list[tuple[Rule, render.Language, str]] = [
    (FirewallRule(4, "INPUT", "DROP", "tcp", in_iface="lo"), "iptables", "iptables -I INPUT -i lo -p tcp -j DROP"),
    (FileRule(b"/a", "r"), "apparmor", "/a r,"),
    (CapabilityRule("chown"), "apparmor", "capability chown,"),
    (NetworkRule("inet", "raw"), "apparmor", "network inet raw,"),
    (SyscallRule(b"/a", "x86", "read"), "seccomp", "SystemCallFilter=read"),
]


@pytest.mark.parametrize(("rule", "language", "line"), RULES)
def test_each_rule_in_its_own_language(rule, language, line):
    assert render.language(rule) == language
    assert render.render(rule) == render.main(rule) == line
    assert render.lines(rule) == (line,)
    assert render.check(language, line)
    assert render.check(language, render.undo(rule))


FIREWALLS: tuple[render.Firewall, ...] = ("iptables", "nftables", "ufw")


@pytest.mark.parametrize("firewall", FIREWALLS)
def test_a_firewall_rule_in_each_of_its_languages(firewall):
    rule = FirewallRule(4, "INPUT", "DROP", "tcp", in_iface="lo", sources=("192.0.2.1",))
    line, back = render.render(rule, firewall), render.undo(rule, firewall)
    assert render.language(rule, firewall) == firewall
    assert {"iptables": "-I", "nftables": "insert", "ufw": "prepend"}[firewall] in line
    assert [one for one in FIREWALLS if render.check(one, line)] == [firewall]
    assert render.check(firewall, back)
    script = render.Script(firewall, [rule], [rule])
    (said,) = script.lines(rule, "block: why")
    assert all(render.check(firewall, one) for one in (*script.head, said))
    assert said != line
    assert "block: why" in said


@pytest.mark.parametrize("firewall", FIREWALLS)
@pytest.mark.parametrize("rule", [*RICH, MANY, MANY_SIX])
def test_a_rule_of_many_lines_is_sound_line_by_line(rule, firewall):
    found = render.lines(rule, firewall)
    assert render.render(rule, firewall) == "\n".join(found)
    assert all(render.check(firewall, line) for line in (*found, *render.undo(rule, firewall).split("\n")))
    assert all(line.isascii() and line.isprintable() for line in found)
    assert "\n" not in render.main(rule, firewall)
    script = render.Script(firewall, [rule, *RICH], [rule])
    assert all(render.check(firewall, line) for line in (*script.head, *script.lines(rule, "block: why; so")))


@pytest.mark.parametrize(("rule", "language", "line"), RULES[1:])
def test_the_choice_of_a_firewall_is_none_for_other_rules(rule, language, line):
    for firewall in FIREWALLS:
        assert (render.language(rule, firewall), render.lines(rule, firewall)) == (language, (line,))
        assert render.undo(rule, firewall) == render.undo(rule)
    script = render.Script(language, [rule], [rule])
    assert script.lines(rule, "why") == (line,)
    assert all(render.check(language, one) for one in script.head)


def test_calls_of_a_program_together():
    calls = [SyscallRule(b"/a", "x86", name) for name in ("write", "read")]
    lines = render.together([*calls, CapabilityRule("chown")])
    assert lines[0] == "SECCOMP_SYSCALL_ALLOW=read:write"
    assert '"names":["read","write"]' in lines[1]
    assert lines[2] == "SystemCallFilter=read write"
    assert len(render.together(calls[:1])) == 2
    assert all(render.check("seccomp", line) for line in lines)
    assert render.together([CapabilityRule("chown")]) == ()


def test_a_second_abi_needs_a_line_beside_the_rules():
    rule = SyscallRule(b"/a", "x86", "read")
    assert render.beside([rule]) == ("where the unit limits architectures, also: SystemCallArchitectures=x86",)
    assert render.beside([SyscallRule(b"/a", "x86_64", "read"), CapabilityRule("chown")]) == ()


def test_additions_are_called_additions():
    assert "alone" in render.note("seccomp")
    assert render.note("apparmor") == render.note("iptables") == ""


def test_no_language_takes_the_rules_of_another():
    for _, language, line in RULES:
        assert [other for other in ("iptables", "apparmor", "seccomp") if render.check(other, line)] == [language]


@pytest.mark.corpora
@pytest.mark.root
@pytest.mark.parametrize("intent", ["auto", "allow", "block"])
def test_the_real_tools_take_every_rule_from_the_captured_logs(corpora, require_tool, intent):
    """All that a real kernel logged, to rules, to iptables-restore in a network namespace of its own, where the sets are."""
    found: dict[str, set[str]] = {"iptables": set(), "ip6tables": set(), "apparmor": set(), "SystemCallFilter=getppid": set()}
    sets: list[str] = []
    for log in sorted((corpora / "captured").iterdir()):
        for one in suggestions(*events_of(log.read_bytes()), intent=intent):
            language = render.language(one.rule)
            for line in render.lines(one.rule):
                assert render.check(language, line)
                program, _, rest = line.partition(" ")
                if program == "ipset":
                    sets.append(line)
                elif not line.startswith("# "):
                    found[program if language != "apparmor" else language].add(line if language == "apparmor" else rest)
    assert min(map(len, found.values())) > 0
    for program in ("iptables", "ip6tables"):
        rules = "\n".join(["*filter", *(line.replace("-I", "-A", 1) for line in sorted(found[program])), "COMMIT", ""])
        shell = "\n".join(["set -e", *sets, f"{require_tool(f'{program}-restore')} --test <<'END'", f"{rules}END", ""])
        tools = [require_tool("unshare"), "-n", "sh"]
        done = subprocess.run(tools, input=shell, text=True, capture_output=True, check=False)
        assert done.returncode == 0, (rules, done.stderr)
