import re
import shlex
import subprocess

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from syslogparse.languages.iptables import argv as iptables_words
from syslogparse.languages.ufw import HEAD, MOST_SOURCES, argv, lines, main, pasted, undo, unsayable
from syslogparse.languages.ufw_grammar import check
from syslogparse.rules.advise import advise
from syslogparse.rules.model import FirewallRule
from syslogparse.rules.wanted import Wanted
from tests.languages.firewalls import FOUR, HOSTILE, MANY, RICH, rules
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
    (
        FirewallRule(4, "INPUT", "DROP", "tcp", "eth0", sources=("192.0.2.0/24",), dst="10.0.0.0/8", ports=((22, 22), (80, 90))),
        "ufw prepend deny in on eth0 from 192.0.2.0/24 to 10.0.0.0/8 port 22,80:90 proto tcp",
        "ufw delete deny in on eth0 from 192.0.2.0/24 to 10.0.0.0/8 port 22,80:90 proto tcp",
    ),
    (
        FirewallRule(6, "INPUT", "DROP", "udp", in_iface="eth0", sources=("2001:db8::/32",), ports=((1, 1023),)),
        "ufw prepend deny in on eth0 from 2001:db8::/32 to any port 1:1023 proto udp",
        "ufw delete deny in on eth0 from 2001:db8::/32 to any port 1:1023 proto udp",
    ),
    (
        FirewallRule(4, "INPUT", "ACCEPT", "tcp", in_iface="eth0", ports=tuple((n, n + n % 2) for n in range(1, 20, 2))[:7]),
        "ufw allow in on eth0 from 0.0.0.0/0 to any port 1:2,3:4,5:6,7:8,9:10,11:12,13:14 proto tcp",
        "ufw delete allow in on eth0 from 0.0.0.0/0 to any port 1:2,3:4,5:6,7:8,9:10,11:12,13:14 proto tcp",
    ),
]
SAYABLE_RICH = [rule for rule in RICH if not unsayable(rule)]
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


def single(rule):
    return next(iter(rule.sources), None)


@pytest.mark.parametrize(("rule", "text", "back"), EXAMPLES)
def test_lines(rule, text, back):
    assert lines(rule) == (text,)
    assert main(rule) == text
    assert undo(rule) == (back,)
    assert lines(rule, "a: (b)") == (f"{text} comment 'a: b'",)
    assert pasted(rule, "a: (b)") == (f"once {text} comment 'a: b'",)
    for one in (text, back, *lines(rule, "a"), *pasted(rule, "why it is so, from a comment on it"), *pasted(rule), *HEAD):
        assert check(one)
    assert shlex.split(lines(rule, "a b")[0]) == argv(rule, single(rule), why="a b")


def test_several_sources_are_a_command_each():
    rule = replace(RICH[0], ports=((22, 22),))
    text = "deny in on eth0 from {} to any port 22 proto tcp"
    assert lines(rule) == tuple(f"ufw prepend {text.format(source)}" for source in FOUR)
    assert undo(rule) == tuple(f"ufw delete {text.format(source)}" for source in FOUR)
    assert pasted(rule, "why") == tuple(f"once ufw prepend {text.format(source)} comment why" for source in FOUR)
    assert main(rule) == f"ufw prepend {text.format('...')}"
    assert not check(main(rule))
    assert len(lines(MANY)) == len(MANY.sources)
    most = replace(MANY, sources=tuple(f"10.0.{n >> 8}.{n & 255}" for n in range(MOST_SOURCES + 1)))
    assert lines(most) == pasted(most) == (main(most),)
    assert main(most).startswith("# ufw cannot say this: more than 1,000 sources")


@settings(max_examples=50)
@given(rules(), st.text(max_size=300))
def test_the_grammar_knows_every_rule(rule, why):
    for line in (*lines(rule), *lines(rule, why), *pasted(rule, why), *undo(rule)):
        assert check(line)
    if not unsayable(rule):
        for line, source in zip(pasted(rule, why), rule.sources or (None,), strict=True):
            assert shlex.split(line) == ["once", *argv(rule, source, why=why)]


@pytest.mark.parametrize("rule", [*UNSAYABLE, *(rule for rule in RICH if rule.flags or rule.physdev_in or rule.icmp_type)])
def test_what_ufw_cannot_say_is_a_comment(rule):
    assert lines(rule, "why") == pasted(rule, "why") == (main(rule),) == (f"# ufw cannot say this: {unsayable(rule)}",)
    assert undo(rule)[0].startswith("# ")
    assert all(map(check, (*lines(rule), *undo(rule))))


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
    """The rule by its iptables rendering, as sets of option and value; ufw says a range as one of several ports."""
    words = iptables_words(rule)
    options = {*zip(words[3::2], words[4::2], strict=True)}
    for ports in [value for option, value in options if option == "--dport" and ":" in value]:
        options = (options - {("--dport", ports)}) | {("-m", "multiport"), ("--dports", ports)}
    names = {("-p", "4"): ("-p", "ipip"), ("-p", "41"): ("-p", "ipv6")}
    return "ufw6" if rule.family == 6 else "ufw", rule.chain.lower(), {names.get(one, one) for one in options}


def understood(dry_run, rule):
    ((family, chain, rest),) = dry_run(argv(rule, single(rule), why="block: a b"))
    words = rest.split()
    return family, chain, {*zip(words[::2], words[1::2], strict=True)}


ONE_BY_ONE = [replace(rule, sources=(source,)) for rule in SAYABLE_RICH for source in rule.sources[:2]]


@pytest.mark.root
@pytest.mark.parametrize("rule", [*RULES, *ONE_BY_ONE])
def test_ufw_makes_one_rule_of_it_that_says_just_what_iptables_says(dry_run, rule):
    assert understood(dry_run, rule) == as_ufw_writes(rule)
    assert dry_run(argv(rule, single(rule), delete=True)) == []


@pytest.mark.root
@settings(max_examples=8)
@given(rules().filter(lambda rule: not unsayable(rule)))
def test_ufw_understands_any_rule(dry_run, rule):
    rule = replace(rule, sources=rule.sources[:1])
    assert understood(dry_run, rule) == as_ufw_writes(rule)


@pytest.mark.root
@pytest.mark.corpora
def test_ufw_understands_the_rules_from_the_real_logs(dry_run, corpus_rules):
    """All are rendered and checked; of those that ufw has to start for, so many of each kind."""
    kinds: dict[tuple[object, ...], FirewallRule] = {}
    for rule in corpus_rules:
        assert all(map(check, (*pasted(rule, "block: why"), *undo(rule))))
        if not unsayable(rule):
            single = replace(rule, sources=rule.sources[:1])
            shape = (rule.family, rule.chain, rule.target, rule.proto, bool(rule.sources), rule.dst is None, len(rule.ports) > 1)
            kinds.setdefault(shape, single)
    assert len(kinds) > 4
    for rule in kinds.values():
        assert understood(dry_run, rule) == as_ufw_writes(rule)


@pytest.fixture
def with_own_rules(require_tool, tmp_path):
    """Runs a shell script with ufw's files copied and mounted over; no rule of this machine is seen or changed."""
    unshare = require_tool("unshare")
    require_tool("ufw")

    def run(*script):
        prelude = f"cp -a /etc/ufw {tmp_path}/ufw && mount --bind {tmp_path}/ufw /etc/ufw || exit 9"
        tuples = "cat /etc/ufw/user.rules /etc/ufw/user6.rules | grep '^### tuple'; echo ----"
        text = "\n".join([prelude, *(tuples if one == "SHOW" else one for one in script)])
        command = [unshare, "-n", "-m", "sh"]
        done = subprocess.run(command, input=text, capture_output=True, text=True, check=False, timeout=300)
        assert done.returncode == 0, (done.stdout[-2000:], done.stderr[-2000:])
        parts = done.stdout.split("----\n")[:-1]
        return [[line for line in part.splitlines() if line.startswith("###")] for part in parts], done.stderr

    return run


SOME = [RULES[1], RULES[2], RULES[3], RULES[5], *SAYABLE_RICH[:1]]
PASTE = [line for rule in SOME for line in pasted(rule, "block: it was.")]


@pytest.mark.root
def test_the_script_twice_is_the_script_once_and_can_be_undone(with_own_rules):
    own = "ufw allow in on lo from 127.0.0.9 proto tcp comment mine"
    script = [own, "SHOW", *HEAD, *PASTE, "SHOW", *PASTE, "SHOW", "UNDO=1", *PASTE, "SHOW"]
    (before, once, twice, left), errors = with_own_rules(*script)
    assert len(once) == len(before) + len(PASTE)
    assert once == twice
    assert left == before
    assert errors == ""


@pytest.mark.root
def test_a_trial_takes_out_what_it_put_in_and_nothing_else(with_own_rules):
    """One of ours is there before, as a rule of somebody else; another is put in meanwhile; one is taken out."""
    had = lines(SOME[0])[0]
    others = ["ufw allow in on lo from 127.0.0.8 proto tcp", "ufw delete allow in on lo from 127.0.0.9 proto tcp"]
    before = ["ufw allow in on lo from 127.0.0.9 proto tcp", had, "SHOW"]
    rest = [*PASTE, *others, "SHOW", 'wait "$!"', "SHOW", *PASTE, "SHOW"]
    script = [*HEAD, *before, "sleep() { command sleep 15; }", "syslogparse_trial", *rest]
    (first, during, left, after), errors = with_own_rules(*script)
    assert len(during) == len(first) + len(PASTE) - 1
    assert len(left) == len(first)
    assert [any(words in line for line in left) for words in ("127.0.0.8", "127.0.0.9", "192.0.2.2")] == [True, False, True]
    assert after == left
    assert errors.count("the trial is over") == len(PASTE)


@pytest.mark.root
def test_a_trial_that_is_stopped_leaves_the_rules(with_own_rules):
    (before, during, left), _ = with_own_rules(
        *HEAD, "SHOW", "syslogparse_trial 3", *PASTE[:1], "SHOW", 'kill "$!"', "command sleep 4", "SHOW"
    )
    assert len(during) == len(before) + 1
    assert left == during


@given(st.lists(likely, max_size=20), st.sampled_from(["auto", "allow", "block"]))
def test_the_grammar_knows_what_is_rendered(items, intent):
    for one in advise(items, Wanted(intent)).suggestions:
        assert isinstance(one.rule, FirewallRule)
        assert all(map(check, (*lines(one.rule), *pasted(one.rule, one.why), *undo(one.rule))))


@pytest.mark.parametrize("hostile", HOSTILE)
def test_what_no_maker_of_rules_lets_through_is_one_quoted_word_and_fails_the_grammar(hostile):
    rule = FirewallRule(4, "INPUT", "DROP", "tcp", in_iface=hostile, sources=("192.0.2.1",))
    assert shlex.split(lines(rule)[0]) == argv(rule, "192.0.2.1")
    assert not any(map(check, (*lines(rule), *pasted(rule), *undo(rule))))
    sources = replace(rule, in_iface="eth0", sources=("192.0.2.1", f"192.0.2.2{hostile}"))
    assert shlex.split(lines(sources)[1]) == argv(sources, sources.sources[1])
    assert check(lines(sources)[1]) is (hostile == "")
