import re
import shlex
import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syslogparse.languages.iptables import argv as iptables_words
from syslogparse.languages.ufw import HEAD, argv, check, render, undo, unsayable
from syslogparse.rules.advise import advise
from syslogparse.rules.model import FirewallRule
from syslogparse.rules.wanted import Wanted
from tests.rules.make import likely

EXAMPLES = [
    (
        FirewallRule(4, "INPUT", "ACCEPT", "tcp", in_iface="eth0", sources=("192.0.2.2",), dst="192.0.2.1", ports=((22, 22),)),
        "ufw allow in on eth0 from 192.0.2.2 to 192.0.2.1 port 22 proto tcp",
        "ufw delete allow in on eth0 from 192.0.2.2 to 192.0.2.1 port 22 proto tcp",
    ),
    (
        FirewallRule(4, "INPUT", "DROP", "tcp", in_iface="eth0", sources=("192.0.2.2",)),
        "ufw prepend deny in on eth0 from 192.0.2.2 proto tcp",
        "ufw delete deny in on eth0 from 192.0.2.2 proto tcp",
    ),
    (
        FirewallRule(
            6, "FORWARD", "DROP", "udp", "v@x+y", "eth1", sources=("2001:db8::1",), dst="2001:db8::2", ports=((53, 53),)
        ),
        "ufw route prepend deny in on v@x+y out on eth1 from 2001:db8::1 to 2001:db8::2 port 53 proto udp",
        "ufw route delete deny in on v@x+y out on eth1 from 2001:db8::1 to 2001:db8::2 port 53 proto udp",
    ),
    (
        FirewallRule(4, "OUTPUT", "ACCEPT", "ipv6", out_iface="eth0", dst="192.0.2.1"),
        "ufw allow out on eth0 to 192.0.2.1 proto ipv6",
        "ufw delete allow out on eth0 to 192.0.2.1 proto ipv6",
    ),
    (
        FirewallRule(6, "INPUT", "DROP", "esp", in_iface="eth0"),
        "ufw prepend deny in on eth0 from ::/0 proto esp",
        "ufw delete deny in on eth0 from ::/0 proto esp",
    ),
    (
        FirewallRule(4, "INPUT", "DROP", "udp", in_iface="eth0", ports=((137, 137),)),
        "ufw prepend deny in on eth0 from 0.0.0.0/0 to any port 137 proto udp",
        "ufw delete deny in on eth0 from 0.0.0.0/0 to any port 137 proto udp",
    ),
    (
        FirewallRule(4, "INPUT", "DROP", "igmp", in_iface="eth0", sources=("0.0.0.0",), dst="224.0.0.1"),
        "ufw prepend deny in on eth0 from 0.0.0.0 to 224.0.0.1 proto igmp",
        "ufw delete deny in on eth0 from 0.0.0.0 to 224.0.0.1 proto igmp",
    ),
]
RULES = [rule for rule, _, _ in EXAMPLES]
UNSAYABLE = [
    FirewallRule(4, "FORWARD", "DROP", "tcp", "br0", "br0", "e1", "e2", ports=((1, 1),)),
    FirewallRule(4, "INPUT", "ACCEPT", "icmp", in_iface="eth0", sources=("192.0.2.1",), icmp_type=8),
    FirewallRule(6, "INPUT", "ACCEPT", "icmpv6", in_iface="eth0", sources=("::1",), icmp_type=8),
    FirewallRule(4, "INPUT", "DROP", "sctp", in_iface="eth0", sources=("192.0.2.1",)),
    FirewallRule(4, "INPUT", "DROP", "vrrp", in_iface="eth0", sources=("192.0.2.1",)),
    FirewallRule(4, "INPUT", "DROP", "253", in_iface="eth0", sources=("192.0.2.1",)),
    FirewallRule(6, "INPUT", "DROP", "ipv6", in_iface="eth0", sources=("::1",)),
    FirewallRule(4, "INPUT", "DROP", "udp", in_iface="eth0", sources=("192.0.2.1",), ports=((0, 0),)),
    FirewallRule(4, "INPUT", "DROP", "udp", in_iface="proto", sources=("192.0.2.1",), ports=((1, 1),)),
    FirewallRule(4, "OUTPUT", "DROP", "udp", out_iface="Log", sources=("192.0.2.1",), ports=((1, 1),)),
]


@pytest.mark.parametrize(("rule", "text", "back"), EXAMPLES)
def test_lines(rule, text, back):
    assert render(rule) == text
    assert undo(rule) == back
    assert render(rule, "a: (b)") == f"{text} comment 'a: b'"
    for one in (text, back, render(rule, "a"), render(rule, "why it is so, from a comment on it"), *HEAD):
        assert check(one)
    assert shlex.split(render(rule, "a b")) == argv(rule, why="a b")


@pytest.mark.parametrize("rule", UNSAYABLE)
def test_what_ufw_cannot_say_is_a_comment(rule):
    assert render(rule, "why") == f"# ufw cannot say this: {unsayable(rule)}"
    assert undo(rule).startswith("# ")
    assert check(render(rule))
    assert check(undo(rule))


@pytest.fixture(scope="session")
def dry_run(require_tool):
    """What ufw would hand to iptables-restore for a command; nothing is written, and no rule of this machine is seen."""
    unshare, ufw = require_tool("unshare"), require_tool("ufw")

    def run(words):
        command = [unshare, "-n", ufw, "--dry-run", *words[1:]]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
        assert done.returncode == 0, (words, done.stdout, done.stderr)
        return re.findall(r"^-A (ufw6?)-user-(input|output|forward) (.*)$", done.stdout, re.MULTILINE)

    return run


def as_ufw_writes(rule):
    """The rule by its iptables rendering, as sets of option and value."""
    words = iptables_words(rule)
    options = {*zip(words[3::2], words[4::2], strict=True)}
    names = {("-p", "4"): ("-p", "ipip"), ("-p", "41"): ("-p", "ipv6")}
    return "ufw6" if rule.family == 6 else "ufw", rule.chain.lower(), {names.get(one, one) for one in options}


def understood(dry_run, rule):
    ((family, chain, rest),) = dry_run(argv(rule, why="block: a b"))
    words = rest.split()
    return family, chain, {*zip(words[::2], words[1::2], strict=True)}


@pytest.mark.root
@pytest.mark.parametrize("rule", RULES)
def test_ufw_makes_one_rule_of_it_that_says_just_what_iptables_says(dry_run, rule):
    assert understood(dry_run, rule) == as_ufw_writes(rule)
    assert dry_run(argv(rule, delete=True)) == []


@pytest.mark.root
@pytest.mark.corpora
def test_ufw_understands_the_rules_from_the_real_logs(dry_run, corpus_rules):
    """All are rendered and checked; of those that ufw has to start for, so many of each kind."""
    kinds: dict[tuple[object, ...], FirewallRule] = {}
    for rule in corpus_rules:
        assert check(render(rule, "block: why"))
        assert check(undo(rule))
        if not unsayable(rule):
            shape = (rule.family, rule.chain, rule.target, rule.proto, rule.src is None, rule.dst is None, rule.dport is None)
            kinds.setdefault(shape, rule)
    assert len(kinds) > 8
    for rule in kinds.values():
        assert understood(dry_run, rule) == as_ufw_writes(rule)


@given(st.lists(likely, max_size=20), st.sampled_from(["auto", "allow", "block"]))
def test_the_grammar_knows_what_is_rendered(items, intent):
    for one in advise(items, Wanted(intent)).suggestions:
        assert isinstance(one.rule, FirewallRule)
        for text in (render(one.rule), render(one.rule, one.why), undo(one.rule)):
            assert check(text)


@pytest.mark.parametrize(
    "hostile", ["$(id)", "a b", 'a"b', "a'b", "a;id", "`id`", "-j", "a\nb", "a*", "", "x" * 16, "a{b", "a#b"]
)
def test_what_no_maker_of_rules_lets_through_is_one_quoted_word_and_fails_the_grammar(hostile):
    rule = FirewallRule(4, "INPUT", "DROP", "tcp", in_iface=hostile, sources=("192.0.2.1",))
    assert shlex.split(render(rule)) == argv(rule)
    assert not check(render(rule))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "ufw",
        "ufw disable",
        "ufw reset",
        "ufw allow",
        "ufw allow 22",
        "ufw allow in on eth0",
        "ufw allow in on eth0 proto tcp",
        "ufw allow in on eth0 to any port 22 proto tcp",
        "ufw allow in on eth0 from any to any port 22 proto tcp",
        "ufw allow in on eth0 from 192.0.2.0/24 proto tcp",
        "ufw allow in on eth0 from 192.0.2.1 proto any",
        "ufw allow in on eth0 from 192.0.2.1 proto icmp",
        "ufw allow in on eth0 from ::1 proto igmp",
        "ufw allow in on eth0 from ::1 to 192.0.2.1 proto tcp",
        "ufw allow in on eth0 from 192.0.2.1 to any port 0 proto tcp",
        "ufw allow in on eth0 from 192.0.2.1 to any port 65536 proto tcp",
        "ufw allow in on eth0 from 192.0.2.1 to any port 1,2 proto tcp",
        "ufw allow in on eth0 from 192.0.2.1 to any port 22 proto gre",
        "ufw allow in on eth0 from 192.0.2.1 port 22 proto tcp comment 'a' b",
        "ufw allow in on eth0 from 192.0.2.1 proto tcp comment 'a';id",
        "ufw allow in on eth0 from 192.0.2.1 proto tcp comment ''",
        "ufw allow in on eth0 from 192.0.2.1 proto tcp comment a b",
        "ufw allow in on eth0 from 192.0.2.1 proto tcp comment 'a$(id)'",
        "ufw allow in on eth0 from 192.0.2.1 proto tcp; id",
        "ufw allow in on eth0 from 192.0.2.1 proto tcp ",
        "ufw allow in on eth0 from 192.0.2.1 proto tcp\nid",
        "ufw allow  in on eth0 from 192.0.2.1 proto tcp",
        "ufw allow in on from from 192.0.2.1 proto tcp",
        "ufw allow in on eth+ from 192.0.2.1 proto tcp",
        "ufw allow in on eth0 out on eth1 from 192.0.2.1 proto tcp",
        "ufw route allow in on eth0 from 192.0.2.1 proto tcp",
        "ufw route allow out on eth0 in on eth1 from 192.0.2.1 proto tcp",
        "ufw prepend allow in on eth0 from 192.0.2.1 proto tcp",
        "ufw deny in on eth0 from 192.0.2.1 proto tcp",
        "ufw insert 1 deny in on eth0 from 192.0.2.1 proto tcp",
        "ufw reject in on eth0 from 192.0.2.1 proto tcp",
        "ufw delete 1",
        "ufw delete allow in on eth0 from 192.0.2.1 proto tcp comment a",
        "ufw delete prepend deny in on eth0 from 192.0.2.1 proto tcp",
        "ufw allow in on eth0 log from 192.0.2.1 proto tcp",
        "sudo ufw allow in on eth0 from 192.0.2.1 proto tcp",
        "#x",
        "# a\nid",
    ],
)
def test_the_grammar_refuses(text):
    assert not check(text)


@given(st.sampled_from(RULES), st.integers(0, 150), st.characters())
def test_one_more_character_is_another_value_or_refused(rule, place, character):
    text = render(rule, "a b")
    place %= len(text) + 1
    spoiled = text[:place] + character + text[place:]
    if check(spoiled):
        assert character.isascii()
        assert character.isalnum() or character in "_.@+-:/, "
        assert spoiled.count("'") == text.count("'")


@given(st.text(max_size=60))
def test_any_text_is_checked_without_an_exception(text):
    assert check(text) in (True, False)
    assert check(f"ufw allow in on eth0 from {text} proto tcp") in (True, False)
