import shlex

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from syslogparse.languages.iptables import HEAD, argv, check, pasted, render, undo
from syslogparse.rules.advise import advise
from syslogparse.rules.model import FirewallRule
from syslogparse.rules.packet import PROTOCOLS
from syslogparse.rules.wanted import Wanted
from tests.rules.make import likely, packet, suggest

SSH = FirewallRule(4, "INPUT", "ACCEPT", "tcp", in_iface="eth0", sources=("192.0.2.2",), dst="192.0.2.1", ports=((22, 22),))
BRIDGED = (
    "iptables -I FORWARD -i br0 -o br0 -s 10.0.0.1 -d 10.0.0.2 "
    "-m physdev --physdev-in e1 --physdev-out e2 -p udp --dport 0 -j ACCEPT"
)
EXAMPLES = [
    (SSH, "iptables -I INPUT -i eth0 -s 192.0.2.2 -d 192.0.2.1 -p tcp --dport 22 -j ACCEPT"),
    (
        FirewallRule(
            6,
            "OUTPUT",
            "ACCEPT",
            "icmpv6",
            out_iface="wg0",
            sources=("2001:db8::1",),
            dst="2001:db8::2",
            icmp_type=128,
            icmp_code=0,
        ),
        "ip6tables -I OUTPUT -o wg0 -s 2001:db8::1 -d 2001:db8::2 -p ipv6-icmp --icmpv6-type 128/0 -j ACCEPT",
    ),
    (
        FirewallRule(4, "INPUT", "DROP", "icmp", in_iface="v@x+y", dst="224.0.0.1", icmp_type=8),
        "iptables -I INPUT -i v@x+y -d 224.0.0.1 -p icmp --icmp-type 8 -j DROP",
    ),
    (
        FirewallRule(
            4, "FORWARD", "ACCEPT", "udp", "br0", "br0", "e1", "e2", sources=("10.0.0.1",), dst="10.0.0.2", ports=((0, 0),)
        ),
        BRIDGED,
    ),
    (
        FirewallRule(4, "INPUT", "DROP", "tcp", in_iface="eth1", sources=("0.0.0.0",)),
        "iptables -I INPUT -i eth1 -s 0.0.0.0 -p tcp -j DROP",
    ),
    (FirewallRule(4, "INPUT", "DROP", "ipip", in_iface="eth1"), "iptables -I INPUT -i eth1 -p 4 -j DROP"),
    (FirewallRule(6, "INPUT", "DROP", "253", in_iface="eth1"), "ip6tables -I INPUT -i eth1 -p 253 -j DROP"),
]


def fragment(rules):
    lines = [" ".join(argv(rule, "-A")[1:]) for rule in rules]
    return "\n".join(["*filter", *lines, "COMMIT", ""])


def take(run, rules):
    for family, tool in ((4, "iptables-restore"), (6, "ip6tables-restore")):
        some = [rule for rule in rules if rule.family == family]
        if some:
            done = run(tool, "--test", text=fragment(some))
            assert "never matched" not in done.stderr


@pytest.mark.parametrize(("rule", "line"), EXAMPLES)
def test_lines(rule, line):
    assert render(rule) == line
    assert undo(rule) == line.replace(" -I ", " -D ", 1)
    assert check(line)
    assert check(undo(rule))
    assert check(pasted(rule))
    assert all(map(check, HEAD))


@pytest.mark.parametrize("name", ["$(id)", "a b", "a;id", "`id`", "'", '"', "-j", "a\nb", "a*", "#x"])
def test_what_no_maker_of_rules_lets_through_is_one_quoted_word_and_fails_the_grammar(name):
    rule = FirewallRule(4, "INPUT", "DROP", "tcp", in_iface=name)
    assert shlex.split(render(rule)) == argv(rule)
    assert shlex.split(pasted(rule)) == ["once", *argv(rule)]
    assert not check(render(rule))
    assert not check(pasted(rule))


@pytest.mark.root
def test_the_real_tool_takes_the_examples(in_own_namespace):
    take(in_own_namespace, [rule for rule, _ in EXAMPLES])


@pytest.mark.root
def test_the_real_tool_takes_every_protocol_by_its_number(in_own_namespace):
    """What stands in the kernel after loading is the protocol that was meant, whatever /etc/protocols calls it."""
    four = [name for name in PROTOCOLS if name != "icmpv6"]
    rules = [FirewallRule(4, "INPUT", "DROP", name, in_iface="eth0") for name in four]
    listed = in_own_namespace("iptables-restore", "-v", text=fragment(rules)).stdout
    loaded = [line.split()[1] for line in listed.splitlines() if line.startswith("DROP")]
    built_in = {"icmp": 1, "tcp": 6, "udp": 17, "esp": 50, "ah": 51, "sctp": 132, "udplite": 136}
    assert [built_in.get(word) or int(word) for word in loaded] == [PROTOCOLS[name] for name in four]


@pytest.mark.root
def test_commands_go_in_and_come_out_again(in_own_namespace):
    rules = [rule for rule, _ in EXAMPLES]
    script = "\n".join(
        [
            "set -e",
            *map(render, rules),
            "iptables-save",
            "ip6tables-save",
            "echo ----",
            *map(undo, rules),
            "iptables-save",
            "ip6tables-save",
        ]
    )
    loaded, _, left = in_own_namespace("sh", text=script).stdout.partition("----")
    assert sum(line.startswith("-A") for line in loaded.splitlines()) == len(rules)
    assert not [line for line in left.splitlines() if line.startswith("-A")]


def listed(text):
    """The rules that a listing of iptables-save holds, chains of ours without rules too."""
    return [line for line in text.splitlines() if line.startswith(("-A", ":SYSLOGPARSE"))]


SAVE = "iptables-save; ip6tables-save; echo ----"
RULES = [rule for rule, _ in EXAMPLES]


@pytest.mark.root
def test_the_script_twice_is_the_script_once(in_own_namespace):
    """One jump a chain at the top, what drops ahead of what accepts, and nothing left after the undo."""
    script = "\n".join([*HEAD, *map(pasted, RULES)])
    again = "\n".join([*HEAD, *map(pasted, reversed(RULES))])
    own = "iptables -A INPUT -i lo -j ACCEPT"
    parts = [own, script, SAVE, script, SAVE, again, SAVE, "syslogparse_undo", SAVE, "syslogparse_undo", SAVE]
    done = in_own_namespace("sh", text="\n".join(parts))
    once, twice, other, left, empty = (listed(part) for part in done.stdout.split("----\n")[:-1])
    assert once == twice == other
    assert left == empty == ["-A INPUT -i lo -j ACCEPT"]
    assert done.stderr == ""
    assert [line for line in once if line.startswith("-A INPUT")] == [
        "-A INPUT -j SYSLOGPARSE-INPUT",
        "-A INPUT -i lo -j ACCEPT",
        "-A INPUT -j SYSLOGPARSE-INPUT",
    ]
    for chain in ("INPUT", "OUTPUT", "FORWARD"):
        targets = [line.split()[-1] for line in once if line.startswith(f"-A SYSLOGPARSE-{chain}")]
        assert targets
    targets = [line.rpartition(" -j ")[2] for line in once if line.startswith("-A SYSLOGPARSE-INPUT")]
    four = targets[: sum(rule.chain == "INPUT" and rule.family == 4 for rule in RULES)]
    assert four == ["DROP", "DROP", "DROP", "ACCEPT"]


@pytest.mark.root
@pytest.mark.parametrize("shell", ["sh", "bash"])
@pytest.mark.parametrize(
    "before", ["", "iptables -P INPUT DROP; iptables -A INPUT -i lo -j ACCEPT", "once ip6tables -I INPUT -i a -p 99 -j DROP"]
)
def test_a_trial_ends_as_it_began_unless_it_is_stopped(in_own_namespace, shell, before):
    kept = "\n".join([*HEAD, before, SAVE, "syslogparse_trial 1", *map(pasted, RULES), 'kill "$!"', "sleep 2", SAVE])
    first, second, _ = in_own_namespace(shell, text=kept).stdout.split("----\n")
    assert len(listed(second)) > len(RULES)
    back = "\n".join([*HEAD, before, SAVE, "syslogparse_trial 1", *map(pasted, RULES), "sleep 3", SAVE])
    first, second, _ = in_own_namespace(shell, text=back).stdout.split("----\n")
    assert listed(first) == listed(second)
    for policy in (":INPUT DROP", ":INPUT ACCEPT"):
        assert (policy in first) <= (policy in second)


@pytest.mark.root
@pytest.mark.corpora
def test_the_real_tools_take_every_rule_from_the_real_logs(in_own_namespace, corpus_rules):
    take(in_own_namespace, corpus_rules)
    for rule in corpus_rules:
        assert check(render(rule))
        assert check(undo(rule))
        assert check(pasted(rule))


@pytest.mark.root
@settings(max_examples=25)
@given(st.lists(likely, min_size=20, max_size=60), st.sampled_from(["auto", "allow", "block"]))
def test_the_real_tools_take_whatever_is_suggested(in_own_namespace, items, intent):
    take(in_own_namespace, [one.rule for one in advise(items, Wanted(intent)).suggestions])


@given(st.lists(likely, max_size=20), st.sampled_from(["auto", "allow", "block"]))
def test_the_grammar_knows_what_is_rendered(items, intent):
    for one in advise(items, Wanted(intent)).suggestions:
        assert isinstance(one.rule, FirewallRule)
        assert check(render(one.rule))
        assert check(undo(one.rule))


def test_no_rendered_word_needs_a_shell_to_be_careful():
    for name in (b"v-a.b@7", b"a+b", b"_x"):
        line = render(suggest(packet(in_=name)).rule)
        assert set(line) <= set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 -_.@+:/")


@pytest.mark.parametrize(
    "line",
    [
        "",
        " ",
        "once",
        "once iptables -F INPUT",
        "once once iptables -I INPUT -i eth0 -p tcp -j ACCEPT",
        "once iptables -D INPUT -i eth0 -p tcp -j ACCEPT",
        "once  iptables -I INPUT -i eth0 -p tcp -j ACCEPT",
        "once() ( id",
        "syslogparse_undo",
        "iptables",
        "iptables -F",
        "iptables -F INPUT",
        "iptables -P INPUT ACCEPT",
        "iptables -X a -i b -p tcp -j ACCEPT",
        "iptables -I INPUT -j ACCEPT",
        "iptables -I INPUT -i eth0 -j ACCEPT",
        "iptables -I INPUT -p tcp -j ACCEPT",
        "iptables -I INPUT -i eth0 -p all -j ACCEPT",
        "iptables -I INPUT -i eth0 -p 0 -j ACCEPT",
        "iptables -I INPUT -i eth0 -p tcp --dport 22",
        "iptables -I INPUT -i eth0 -p tcp --dport 22 -j ACCEPT -j DROP",
        "iptables -I INPUT -i eth0 -p tcp --dport 22 --dport 23 -j ACCEPT",
        "iptables -I INPUT -i eth0 -p tcp --dport 22 -j LOG",
        "iptables -I INPUT -i eth0 -p tcp --dport 22 -j accept",
        "iptables -I INPUT -i eth0 -p tcp --dport 22 -j ACCEPT; id",
        "iptables -I INPUT -i eth0 -p tcp --dport 22 -j ACCEPT ",
        " iptables -I INPUT -i eth0 -p tcp --dport 22 -j ACCEPT",
        "iptables  -I INPUT -i eth0 -p tcp --dport 22 -j ACCEPT",
        "iptables -I INPUT -i eth0 -p tcp --dport 22 -j ACCEPT\nid",
        "iptables -I INPUT -i eth0 -p tcp --dport 22 -j ACCEPT\n",
        "iptables\t-I INPUT -i eth0 -p tcp --dport 22 -j ACCEPT",
        "iptables -I INPUT -i eth0 -p tcp --dport 22:99 -j ACCEPT",
        "iptables -I INPUT -i eth0 -p tcp --dport 65536 -j ACCEPT",
        "iptables -I INPUT -i eth0 -p tcp --dport 022 -j ACCEPT",
        "iptables -I INPUT -i eth0 -p tcp --dport ٢ -j ACCEPT",
        "iptables -I INPUT -i eth0 -p tcp --dport $(id) -j ACCEPT",
        "iptables -I INPUT -i eth0 -p gre --dport 22 -j ACCEPT",
        "iptables -I INPUT -i eth0 -p tcp --icmp-type 8 -j ACCEPT",
        "iptables -I INPUT -i eth0 -p icmp --icmp-type 255 -j ACCEPT",
        "iptables -I INPUT -i eth0 -p icmp --icmp-type any -j ACCEPT",
        "iptables -I INPUT -i eth0 -p icmp --icmp-type 8/ -j ACCEPT",
        "iptables -I INPUT -i eth0 -p icmp --icmpv6-type 8 -j ACCEPT",
        "ip6tables -I INPUT -i eth0 -p ipv6-icmp --icmp-type 8 -j ACCEPT",
        "ip6tables -I INPUT -i eth0 -s 192.0.2.1 -p tcp -j ACCEPT",
        "iptables -I INPUT -i eth0 -s 2001:db8::1 -p tcp -j ACCEPT",
        "iptables -I INPUT -i eth0 -s 0.0.0.0/0 -p tcp -j ACCEPT",
        "iptables -I INPUT -i eth0 -s 192.0.2.0/24 -p tcp -j ACCEPT",
        "iptables -I INPUT -i eth0 -s ! 192.0.2.1 -p tcp -j ACCEPT",
        "iptables -I INPUT ! -i eth0 -p tcp -j ACCEPT",
        "iptables -I INPUT -i eth+ -p tcp -j ACCEPT",
        "iptables -I INPUT -i + -p tcp -j ACCEPT",
        "iptables -I INPUT -i -j -p tcp -j ACCEPT",
        "iptables -I INPUT -i '' -p tcp -j ACCEPT",
        "iptables -I INPUT -i  -p tcp -j ACCEPT",
        "iptables -I INPUT -i 'a b' -p tcp -j ACCEPT",
        "iptables -I INPUT -i abcdefghijklmnop -p tcp -j ACCEPT",
        "iptables -I INPUT -i eth0 -o eth1 -p tcp -j ACCEPT",
        "iptables -I OUTPUT -i eth0 -p tcp -j ACCEPT",
        "iptables -I FORWARD -i eth0 -p tcp -j ACCEPT",
        "iptables -I INPUT -p tcp -i eth0 -j ACCEPT",
        "iptables -I INPUT 1 -i eth0 -p tcp -j ACCEPT",
        "iptables -I INPUT -i eth0 -m physdev -p tcp -j ACCEPT",
        "iptables -I INPUT -i eth0 -m comment --comment x -p tcp -j ACCEPT",
        "iptables -I INPUT -i eth0 --physdev-in eth1 -p tcp -j ACCEPT",
        "iptables -I INPUT -i eth0 -m physdev --physdev-out eth1 -p tcp -j ACCEPT",
        "iptables -t nat -I INPUT -i eth0 -p tcp -j ACCEPT",
        "iptables -I PREROUTING -i eth0 -p tcp -j ACCEPT",
        "/sbin/iptables -I INPUT -i eth0 -p tcp -j ACCEPT",
        "sudo iptables -I INPUT -i eth0 -p tcp -j ACCEPT",
        "ip6tables -I INPUT -i eth0 -s fe80::1%eth0 -p tcp -j ACCEPT",
        "ip6tables -I INPUT -i eth0 -s 2001:DB8::1 -p tcp -j ACCEPT",
        "#x",
        "# a\nid",
        "# \x1b[2J",
        "# \u202e",
    ],
)
def test_the_grammar_refuses(line):
    assert not check(line)


@pytest.mark.parametrize("line", ["#", "# iptables -F", "# 3 lines, first at a:1"])
def test_comments(line):
    assert check(line)


@given(st.sampled_from([line for _, line in EXAMPLES]), st.integers(0, 120), st.characters())
def test_one_more_character_is_another_value_or_refused(line, place, character):
    """What a character more can do is change a name or a number, never add a word."""
    place %= len(line) + 1
    spoiled = line[:place] + character + line[place:]
    if check(spoiled):
        assert character.isascii()
        assert character.isalnum() or character in "_.@+-:/"
        assert len(spoiled.split(" ")) == len(line.split(" "))


@given(st.text(max_size=60))
def test_any_text_is_checked_without_an_exception(text):
    assert check(text) in (True, False)
    assert check(f"iptables -I INPUT -i eth0 -s {text} -p tcp -j ACCEPT") in (True, False)
