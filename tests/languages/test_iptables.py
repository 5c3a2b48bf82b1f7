import re
import shlex
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from syslogparse.languages.iptables import HEAD, MOST_SOURCES, argv, lines, main, pasted, set_name, undo, unsayable
from syslogparse.languages.iptables_grammar import check
from syslogparse.rules.advise import advise
from syslogparse.rules.model import FirewallRule, TcpFlags
from syslogparse.rules.packet import PROTOCOLS
from syslogparse.rules.wanted import Wanted
from tests.languages.firewalls import FOUR, HOSTILE, MANY, MANY_SIX, RICH, rules
from tests.rules.make import likely, packet, suggestions

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
    (
        FirewallRule(4, "INPUT", "DROP", "tcp", "eth0", sources=("192.0.2.0/24",), dst="10.0.0.0/8", ports=((22, 22), (80, 90))),
        "iptables -I INPUT -i eth0 -s 192.0.2.0/24 -d 10.0.0.0/8 -p tcp -m multiport --dports 22,80:90 -j DROP",
    ),
    (
        FirewallRule(6, "INPUT", "DROP", "udp", in_iface="eth0", ports=((0, 1023),)),
        "ip6tables -I INPUT -i eth0 -p udp --dport 0:1023 -j DROP",
    ),
    (
        FirewallRule(4, "INPUT", "DROP", "tcp", in_iface="eth0", flags=TcpFlags(("SYN", "FIN", "ACK"), ("SYN", "FIN"))),
        "iptables -I INPUT -i eth0 -p tcp --tcp-flags FIN,SYN,ACK FIN,SYN -j DROP",
    ),
    (
        FirewallRule(4, "INPUT", "DROP", "tcp", in_iface="eth0", ports=((1, 1),), flags=TcpFlags(("FIN",), ())),
        "iptables -I INPUT -i eth0 -p tcp --tcp-flags FIN NONE --dport 1 -j DROP",
    ),
]
NAME = "syslogparse-0123456789abcdef"
ECN = FirewallRule(4, "INPUT", "DROP", "tcp", in_iface="eth0", flags=TcpFlags(("SYN", "ECE"), ("ECE",)))
SAYABLE = [rule for rule, _ in EXAMPLES] + RICH


def fragment(rules):
    """As iptables-restore has it, which knows quotes of one kind only."""
    found = [" ".join(argv(rule, "-A", "why: so")[1:]).replace("why: so", '"why: so"') for rule in rules]
    return "\n".join(["*filter", *found, "COMMIT", ""])


def sets_of(rules):
    """The sets of the rules, as ipset restore takes them at once."""
    found = [line.removeprefix("ipset -exist ") for rule in rules for line in lines(rule) if line.startswith("ipset")]
    return "\n".join([*found, ""])


def take(run, tmp_path, rules):
    """The real tools take the rules, with their sets made first."""
    (tmp_path / "sets").write_text(sets_of(rules))
    for family, tool in ((4, "iptables-restore"), (6, "ip6tables-restore")):
        some = [rule for rule in rules if rule.family == family]
        if some:
            (tmp_path / tool).write_text(fragment(some))
            done = run("sh", "-ec", f"cd {tmp_path}; ipset -exist restore <sets; {tool} --test <{tool}")
            assert "never matched" not in done.stderr


@pytest.mark.parametrize(("rule", "line"), EXAMPLES)
def test_lines(rule, line):
    assert lines(rule) == (line,)
    assert main(rule) == line
    assert undo(rule) == (line.replace(" -I ", " -D ", 1),)
    assert pasted(rule) == (f"once {line}",)
    target = f" -j {rule.target}"
    assert pasted(rule, "a (b)") == (f"once {line.removesuffix(target)} -m comment --comment 'a b'{target}",)
    for one in (line, *undo(rule), *pasted(rule), *pasted(rule, "a b"), *pasted(rule, "a"), *HEAD):
        assert check(one)


def test_several_sources_are_a_set_ahead_of_the_rule():
    rule = RICH[0]
    name = set_name(rule)
    said = f"iptables -I INPUT -i eth0 -m set --match-set {name} src -p tcp -m multiport --dports 22,80:90,443 -j DROP"
    made = (
        f"ipset -exist create {name} hash:net family inet timeout 604800",
        *(f"ipset -exist add {name} {source}" for source in FOUR),
    )
    assert main(rule) == said
    assert lines(rule) == (*made, said)
    assert pasted(rule) == (*made, f"once {said}")
    assert undo(rule) == (said.replace("-I", "-D"), f"ipset destroy {name}")
    assert "family inet6 " in lines(RICH[2])[0]


def test_the_name_of_a_set_says_what_its_rule_says():
    names = {set_name(rule) for rule in (*RICH, *(replace(rule, sources=rule.sources[1:]) for rule in RICH))}
    assert len(names) == len(RICH) + len([rule for rule in RICH if rule.sources])
    assert all(re.fullmatch("syslogparse-[0-9a-f]{16}", name) for name in names)
    assert max(map(len, names)) <= 31


@settings(max_examples=50)
@given(rules())
def test_the_grammar_knows_every_rule(rule):
    assert len({set_name(rule), set_name(replace(rule, dst="192.0.2.77"))}) == 2
    for line in (*lines(rule), *undo(rule), *pasted(rule), *pasted(rule, "It is; so (here)."), main(rule)):
        assert check(line)
        assert len(line) < 500


@given(rules(), st.text(max_size=400))
def test_the_shell_gets_back_the_words(rule, why):
    *made, last = pasted(rule, why)
    assert shlex.split(last) == ["once", *argv(rule, why=why)]
    assert len(shlex.split(lines(rule)[-1])) == len(argv(rule))
    assert all(shlex.split(line) == line.split(" ") for line in made)
    assert check(last)
    comment = shlex.split(last)[shlex.split(last).index("--comment") + 1] if "--comment" in last else ""
    assert len(comment.encode()) <= 255


@pytest.mark.parametrize("name", HOSTILE)
def test_what_no_maker_of_rules_lets_through_is_one_quoted_word_and_fails_the_grammar(name):
    rule = FirewallRule(4, "INPUT", "DROP", "tcp", in_iface=name)
    assert shlex.split(main(rule)) == argv(rule)
    assert shlex.split(pasted(rule)[0]) == ["once", *argv(rule)]
    assert not check(main(rule))
    assert not check(pasted(rule)[0])
    for source in (name, f"10.0.0.1{name}"):
        sources = replace(rule, in_iface="eth0", sources=("10.0.0.1", source))
        assert len(shlex.split(lines(sources)[2])) == 5
        assert not check(lines(sources)[2]) or source == "10.0.0.1"


def test_what_iptables_cannot_say_is_a_comment():
    assert main(ECN) == f"# iptables cannot say this: {unsayable(ECN)}"
    assert lines(ECN) == pasted(ECN, "why") == (main(ECN),)
    assert all(map(check, (*lines(ECN), *undo(ECN))))


def test_more_sources_than_a_set_takes_are_more_rules():
    sources = tuple(f"10.{n >> 16}.{n >> 8 & 255}.{n & 255}" for n in range(MOST_SOURCES + 2))
    rule = replace(MANY, sources=sources)
    began = time.process_time()
    found = pasted(rule, "why")
    assert [line for line in found if line.startswith("once")] == [found[MOST_SOURCES + 1], found[-1]]
    assert len({line.split()[3] for line in found if " create " in line}) == 2
    assert sum(" add " in line for line in found) == len(sources)
    assert all(map(check, found))
    assert len(undo(rule)) == 4
    assert time.process_time() - began < 5


@pytest.mark.root
def test_the_real_tools_take_the_examples(in_own_namespace, tmp_path):
    take(in_own_namespace, tmp_path, [*SAYABLE, MANY, MANY_SIX])


@pytest.mark.root
@settings(max_examples=8)
@given(st.lists(rules(), min_size=10, max_size=20))
def test_the_real_tools_take_any_rule(in_own_namespace, tmp_path_factory, some):
    take(in_own_namespace, tmp_path_factory.mktemp("any"), some)


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
    """Each by itself, as it stands in JSON: the text as a whole is pasted."""
    show = "iptables-save; ip6tables-save; ipset save; echo ----"
    back = [line for rule in SAYABLE for line in undo(rule)]
    script = "\n".join(["set -e", *(line for rule in SAYABLE for line in lines(rule)), show, *back, show])
    loaded, left, _ = in_own_namespace("sh", text=script).stdout.split("----\n")
    assert sum(line.startswith("-A") for line in loaded.splitlines()) == len(SAYABLE)
    assert loaded.count("create syslogparse-") == sum(len(rule.sources) > 1 for rule in SAYABLE)
    assert not [line for line in left.splitlines() if line.startswith(("-A", "create"))]


def listed(text):
    """The rules that a listing of iptables-save holds, chains of ours without rules and the members of sets too."""
    kept = [line for line in text.splitlines() if line.startswith(("-A", ":SYSLOGPARSE", "create", "add"))]
    return sorted(
        (re.sub(r" initval .*| timeout \d+$", "", line) for line in kept), key=lambda line: line if line.startswith("add") else ""
    )


SAVE = "iptables-save; ip6tables-save; ipset save; echo ----"
PASTE = [line for rule in SAYABLE for line in pasted(rule, "block: it was; seen (often).")]
AGAIN = [line for rule in reversed(SAYABLE) for line in pasted(rule, "block: it was; seen (often).")]


@pytest.mark.root
def test_the_script_twice_is_the_script_once(in_own_namespace):
    """One jump a chain at the top, what drops ahead of what accepts, and nothing left after the undo."""
    script, again = ("\n".join([*HEAD, *some]) for some in (PASTE, AGAIN))
    own = "iptables -A INPUT -i lo -j ACCEPT; ipset create other hash:ip"
    parts = [own, script, SAVE, script, SAVE, again, SAVE, "syslogparse_undo", SAVE, "syslogparse_undo", SAVE]
    done = in_own_namespace("sh", text="\n".join(parts))
    once, twice, other, left, empty = (listed(part) for part in done.stdout.split("----\n")[:-1])
    assert once == twice
    assert set(once) == set(other)
    assert len(once) == len(other)
    assert [line.split()[:2] for line in left] == [["-A", "INPUT"], ["create", "other"]]
    assert left == empty
    assert done.stderr == ""
    assert [line for line in once if line.startswith("-A INPUT")] == [
        "-A INPUT -j SYSLOGPARSE-INPUT",
        "-A INPUT -i lo -j ACCEPT",
        "-A INPUT -j SYSLOGPARSE-INPUT",
    ]
    assert sum("--match-set" in line for line in once) == sum(len(rule.sources) > 1 for rule in SAYABLE)
    assert sum(line.startswith("-A SYS") for line in once) == len(SAYABLE)
    assert sum('--comment "block: it was, seen often."' in line for line in once) == len(SAYABLE)
    for chain in ("INPUT", "OUTPUT", "FORWARD"):
        targets = [line.split()[-1] for line in once if line.startswith(f"-A SYSLOGPARSE-{chain}")]
        assert targets
    targets = [line.rpartition(" -j ")[2] for line in once if line.startswith("-A SYSLOGPARSE-INPUT")]
    four = targets[: sum(rule.chain == "INPUT" and rule.family == 4 for rule in SAYABLE)]
    assert four == sorted(four, reverse=True)
    assert set(four) == {"ACCEPT", "DROP"}


BEFORE = [
    "",
    "iptables -P INPUT DROP; iptables -A INPUT -i lo -j ACCEPT",
    "once ip6tables -I INPUT -i a -p 99 -j DROP",
    "\n".join([*PASTE[:12], "iptables -F INPUT"]),
]


@pytest.mark.root
@pytest.mark.parametrize("shell", ["sh", "bash"])
@pytest.mark.parametrize("before", BEFORE)
def test_a_trial_ends_as_it_began_unless_it_is_stopped(in_own_namespace, shell, before):
    kept = "\n".join([*HEAD, before, SAVE, "syslogparse_trial 2", *PASTE, 'kill "$!"', "sleep 3", SAVE])
    first, second, _ = in_own_namespace(shell, text=kept).stdout.split("----\n")
    assert len(listed(second)) > len(SAYABLE)
    back = "\n".join([*HEAD, before, SAVE, "syslogparse_trial 2", *PASTE, SAVE, "sleep 3", SAVE])
    done = in_own_namespace(shell, text=back)
    first, during, second, _ = done.stdout.split("----\n")
    assert len(listed(during)) > len(SAYABLE)
    assert listed(first) == listed(second)
    for policy in (":INPUT DROP", ":INPUT ACCEPT"):
        assert (policy in first) <= (policy in second)


@pytest.mark.root
def test_what_others_change_during_a_trial_stays(in_own_namespace):
    """Docker and fail2ban put chains and rules of their own, in front too, and take some out."""
    before = "iptables -N DOCKER; iptables -A INPUT -i old -j ACCEPT; once iptables -I INPUT -i mine -p tcp -j DROP"
    others = [
        "iptables -N f2b",
        "iptables -I INPUT -p tcp -j f2b",
        "iptables -A f2b -s 192.0.2.9 -j DROP",
        "iptables -A DOCKER -i new -j ACCEPT",
        "iptables -D INPUT -i old -j ACCEPT",
        "iptables -P FORWARD DROP",
        "ipset create f2b hash:ip",
        "ipset add f2b 192.0.2.9",
        "iptables -t nat -A POSTROUTING -o new -j MASQUERADE",
    ]
    script = [*HEAD, before, "syslogparse_trial 2", *PASTE, *others, "sleep 3", "iptables-save -t filter; echo ----"]
    script += ["iptables-save -t nat; ip6tables-save; ipset save"]
    left, beside = in_own_namespace("sh", text="\n".join(script)).stdout.split("----\n")
    assert ":FORWARD DROP [0:0]" in left
    assert [line for line in left.splitlines() if line.startswith("-A")] == [
        "-A INPUT -p tcp -j f2b",
        "-A INPUT -j SYSLOGPARSE-INPUT",
        "-A DOCKER -i new -j ACCEPT",
        "-A SYSLOGPARSE-INPUT -i mine -p tcp -j DROP",
        "-A f2b -s 192.0.2.9/32 -j DROP",
    ]
    assert [line for line in beside.splitlines() if line.startswith("-A")] == ["-A POSTROUTING -o new -j MASQUERADE"]
    assert [line.split()[:3] for line in beside.splitlines() if line.startswith(("create", "add"))] == [
        ["create", "f2b", "hash:ip"],
        ["add", "f2b", "192.0.2.9"],
    ]


@pytest.mark.root
def test_what_is_pasted_after_a_trial_has_ended_does_not_get_in(in_own_namespace):
    script = [*HEAD, "syslogparse_trial 1", "sleep 2", *PASTE, "iptables-save; ip6tables-save"]
    done = in_own_namespace("sh", text="\n".join([*script, ":"]))
    assert "-A" not in done.stdout
    assert done.stderr.count("the trial is over") == len(SAYABLE)


REACH = """
import socket, sys
for source in sys.argv[1:]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        try:
            socket.create_connection(server.getsockname(), timeout=0.5, source_address=(source, 0)).close()
            print(source)
        except TimeoutError:
            pass
"""


@pytest.mark.root
def test_a_source_in_the_set_is_dropped_and_its_neighbour_is_not(in_own_namespace, require_tool, tmp_path):
    """Loopback takes any address of 127/8 as a source."""
    rule = FirewallRule(4, "INPUT", "DROP", "tcp", in_iface="lo", sources=("127.0.0.8", "127.1.0.0/16"))
    (tmp_path / "reach").write_text(REACH)
    reach = f"{require_tool('python3')} -I {tmp_path}/reach 127.0.0.8 127.0.0.9 127.1.2.3 127.2.0.0"
    script = ["ip link set lo up", reach, "echo ----", *HEAD, *pasted(rule), reach]
    before, after = in_own_namespace("sh", text="\n".join(script)).stdout.split("----\n")
    assert before.split() == ["127.0.0.8", "127.0.0.9", "127.1.2.3", "127.2.0.0"]
    assert after.split() == ["127.0.0.9", "127.2.0.0"]


@pytest.mark.root
@pytest.mark.corpora
def test_the_real_tools_take_every_rule_from_the_real_logs(in_own_namespace, corpus_rules, tmp_path):
    take(in_own_namespace, tmp_path, corpus_rules)
    for rule in corpus_rules:
        assert all(map(check, (*lines(rule), *undo(rule), *pasted(rule, "block: a b"))))


@pytest.mark.root
@settings(max_examples=25)
@given(st.lists(likely, min_size=20, max_size=60), st.sampled_from(["auto", "allow", "block"]))
def test_the_real_tools_take_whatever_is_suggested(in_own_namespace, tmp_path_factory, items, intent):
    take(in_own_namespace, tmp_path_factory.mktemp("some"), [one.rule for one in advise(items, Wanted(intent)).suggestions])


@given(st.lists(likely, max_size=20), st.sampled_from(["auto", "allow", "block"]))
def test_the_grammar_knows_what_is_rendered(items, intent):
    for one in advise(items, Wanted(intent)).suggestions:
        assert isinstance(one.rule, FirewallRule)
        assert all(map(check, (*lines(one.rule), *undo(one.rule), *pasted(one.rule, one.why))))


def test_no_rendered_word_needs_a_shell_to_be_careful():
    for name in (b"v-a.b@7", b"a+b", b"_x"):
        for one in suggestions(packet(in_=name), intent="block"):
            for line in lines(one.rule):
                assert set(line) <= set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 -_.@+:/,")
