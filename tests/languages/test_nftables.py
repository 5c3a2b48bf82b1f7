import re
import shlex

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syslogparse.languages.nftables import check, head, line, name, render, statement, undo, unsayable
from syslogparse.rules.advise import advise
from syslogparse.rules.model import FirewallRule
from syslogparse.rules.packet import PROTOCOLS
from syslogparse.rules.wanted import Wanted
from tests.rules.make import likely

OURS = "syslogparse_01234567"
BRIDGED = FirewallRule(
    4, "FORWARD", "DROP", "udp", "br0", "br0", "e1", "e2", sources=("10.0.0.1",), dst="10.0.0.2", ports=((0, 0),)
)
EXAMPLES = [
    (
        FirewallRule(4, "INPUT", "ACCEPT", "tcp", in_iface="eth0", sources=("192.0.2.2",), dst="192.0.2.1", ports=((22, 22),)),
        'iifname "eth0" ip saddr 192.0.2.2 ip daddr 192.0.2.1 tcp dport 22 accept',
    ),
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
        'oifname "wg0" ip6 saddr 2001:db8::1 ip6 daddr 2001:db8::2 icmpv6 type 128 icmpv6 code 0 accept',
    ),
    (
        FirewallRule(4, "INPUT", "DROP", "icmp", in_iface="fwd", dst="224.0.0.1", icmp_type=8),
        'iifname "fwd" ip daddr 224.0.0.1 icmp type 8 drop',
    ),
    (
        FirewallRule(4, "FORWARD", "DROP", "gre", "0a@b+c", "ip"),
        'iifname "0a@b+c" oifname "ip" meta nfproto ipv4 meta l4proto gre drop',
    ),
    (FirewallRule(6, "INPUT", "DROP", "tcp", in_iface="eth1"), 'iifname "eth1" meta nfproto ipv6 meta l4proto tcp drop'),
    (FirewallRule(4, "INPUT", "DROP", "ipip", in_iface="eth1"), 'iifname "eth1" meta nfproto ipv4 meta l4proto 4 drop'),
    (
        FirewallRule(6, "INPUT", "DROP", "253", in_iface="eth1", sources=("::",)),
        'iifname "eth1" ip6 saddr :: meta l4proto 253 drop',
    ),
    (BRIDGED, 'iifname "e1" oifname "e2" ip saddr 10.0.0.1 ip daddr 10.0.0.2 udp dport 0 drop'),
    (
        FirewallRule(6, "FORWARD", "DROP", "esp", "br0", "br0", "e1", "e2"),
        'iifname "e1" oifname "e2" meta protocol ip6 meta l4proto esp drop',
    ),
    (
        FirewallRule(4, "INPUT", "DROP", "tcp", "br0", None, "e1", sources=("10.0.0.1",), dst="10.0.0.2", ports=((1, 1),)),
        'iifname "e1" ip saddr 10.0.0.1 ip daddr 10.0.0.2 tcp dport 1 drop',
    ),
]
RULES = [rule for rule, _ in EXAMPLES]
UNSAYABLE = [
    FirewallRule(4, "FORWARD", "ACCEPT", "udp", "br0", "br0", "e1", "e2", sources=("10.0.0.1",), dst="10.0.0.2", ports=((1, 1),)),
    FirewallRule(4, "FORWARD", "DROP", "udp", "br0", "eth1", "e1", None, sources=("10.0.0.1",), dst="10.0.0.2", ports=((1, 1),)),
    FirewallRule(4, "FORWARD", "DROP", "udp", "br0", "br1", "e1", "e2", sources=("10.0.0.1",), dst="10.0.0.2", ports=((1, 1),)),
    FirewallRule(4, "INPUT", "DROP", "udp", "br0", None, "e1", sources=("10.0.0.1",)),
]

BASE = """table inet filter {
 chain input { type filter hook input priority filter; iifname "lo" tcp dport 4000-4001 drop; }
 chain forward { type filter hook forward priority filter; }
 chain output { type filter hook output priority filter; }
}
"""
"""Names as in Debian's /etc/nftables.conf."""


def document(rules, opened=None):
    ours = name(rules)
    lines = [line(rule, ours, "block: why (a).") for rule in rules]
    return "\n".join([*head(rules, rules if opened is None else opened), *lines, ""])


@pytest.mark.parametrize(("rule", "text"), EXAMPLES)
def test_lines(rule, text):
    family = "bridge" if rule.physdev_in else "inet"
    chain = rule.chain.lower()
    assert unsayable(rule) == ""
    assert statement(rule) == text
    assert render(rule) == f"nft 'insert rule {family} filter {chain} {text}'"
    assert shlex.split(render(rule)) == ["nft", f"insert rule {family} filter {chain} {text}"]
    where = f"{OURS} {chain}" if rule.target == "DROP" else f"filter {OURS}_{chain}"
    assert line(rule, OURS) == f"add rule {family} {where} {text}"
    assert line(rule, OURS, 'a "b"') == f'add rule {family} {where} {text} comment "a b"'
    for one in (render(rule), undo(rule), line(rule, OURS), line(rule, OURS, 'a "b"')):
        assert check(one)


@pytest.mark.parametrize("rule", UNSAYABLE)
def test_what_nft_cannot_say_is_a_comment(rule):
    assert render(rule) == line(rule, OURS, "why") == f"# nftables cannot say this: {unsayable(rule)}"
    assert undo(rule).startswith("# ")
    assert all(map(check, (render(rule), undo(rule))))
    assert [one for one in document([rule]).splitlines() if not one.startswith("#")] == []


def test_the_name_says_what_is_in_it():
    assert re.fullmatch("syslogparse_[0-9a-f]{8}", name(RULES))
    assert name(RULES) == name(RULES[::-1])
    assert len({name(RULES[:count]) for count in range(len(RULES))}) == len(RULES)
    assert name([*RULES, *UNSAYABLE]) == name(RULES)


@pytest.mark.parametrize("opened", [RULES, RULES[2:], []])
def test_a_chain_that_accepts_nothing_yet_is_a_comment(opened):
    lines = document(RULES, opened).splitlines()
    assert all(map(check, lines))
    live = any(rule.target == "ACCEPT" for rule in opened)
    assert (f"insert rule inet filter input jump {name(RULES)}_input" in lines) is live
    assert (f"# insert rule inet filter input jump {name(RULES)}_input" in lines) is not live


def counted(listing):
    return len(re.findall(r"^\s+(?:iifname|oifname) .* (?:drop|accept) comment", listing, re.MULTILINE))


@pytest.mark.root
def test_the_file_twice_is_the_file_once_and_another_stands_beside_it(in_own_namespace, tmp_path):
    (tmp_path / "base").write_text(BASE)
    (tmp_path / "a").write_text(document(RULES))
    (tmp_path / "b").write_text(document(RULES[:1] + RULES[5:6]))
    show = "nft list ruleset; echo ----"
    told = [one for one in document(RULES).splitlines() if one.startswith("# To take back what drops")]
    undone = "; ".join(one.partition(": ")[2] for one in told)
    script = f"set -e; cd {tmp_path}; nft -f base; nft -f a; {show}; nft -f a; {show}; nft -f b; {show}; {undone}; {show}"
    once, twice, both, left, _ = in_own_namespace("sh", text=script).stdout.split("----\n")
    assert counted(once) == counted(twice) == len(RULES)
    assert once.count("jump syslogparse_") == 2
    assert counted(both) == len(RULES) + 2
    assert f"table inet {name(RULES)} " in both
    assert f"table inet {name(RULES)} " not in left
    assert "table bridge" in both
    assert "table bridge" not in left


@pytest.mark.root
def test_every_protocol_is_the_number_that_was_meant(in_own_namespace):
    four = [proto for proto in PROTOCOLS if proto != "icmpv6"]
    rules = [FirewallRule(4, "INPUT", "DROP", proto, in_iface="eth0") for proto in four]
    rules.append(FirewallRule(6, "INPUT", "DROP", "icmpv6", in_iface="eth0"))
    assert all(check(line(rule, OURS)) for rule in rules)
    text = "\n".join([*head(rules, rules), *(line(rule, name(rules)) for rule in rules), ""])
    listing = in_own_namespace("sh", "-c", "nft -f - && nft -n list ruleset", text=text).stdout
    assert [int(one) for one in re.findall(r"l4proto (\d+) drop", listing)] == [PROTOCOLS[proto] for proto in [*four, "icmpv6"]]


REACH = """
import socket, sys
with socket.create_server(("127.0.0.1", int(sys.argv[1]))) as server:
    try:
        socket.create_connection(server.getsockname(), timeout=0.5).close()
        print("open")
    except TimeoutError:
        print("shut")
"""


@pytest.mark.root
@pytest.mark.parametrize("form", ["file", "command"])
def test_an_accept_opens_what_another_chain_refuses_and_nothing_beside_it(in_own_namespace, require_tool, tmp_path, form):
    python = require_tool("python3")
    rule = FirewallRule(
        4, "INPUT", "ACCEPT", "tcp", in_iface="lo", sources=("127.0.0.1",), dst="127.0.0.1", ports=((4000, 4000),)
    )
    (tmp_path / "base").write_text(BASE)
    (tmp_path / "rules").write_text(document([rule]))
    (tmp_path / "reach").write_text(REACH)
    reach = f"{python} -I reach 4000; {python} -I reach 4001; {python} -I reach 4002"
    load = "nft -f rules" if form == "file" else render(rule)
    script = f"set -e; cd {tmp_path}; ip link set lo up; nft -f base; {reach}; {load}; {reach}"
    assert in_own_namespace("sh", text=script).stdout.split() == ["shut", "shut", "open", "open", "shut", "open"]


@pytest.mark.root
@pytest.mark.corpora
def test_nft_takes_every_rule_from_the_real_logs(in_own_namespace, corpus_rules):
    text = document(corpus_rules)
    assert all(map(check, text.splitlines()))
    in_own_namespace("nft", "-c", "-f", "-", text=BASE + text)
    for rule in corpus_rules:
        assert check(render(rule))
        assert check(undo(rule))


@pytest.mark.root
def test_the_longest_comment_fits(in_own_namespace):
    text = "\n".join([*head(RULES[2:3], []), line(RULES[2], name(RULES[2:3]), "x" * 500), ""])
    in_own_namespace("nft", "-f", "-", text=text)


@given(st.lists(likely, max_size=20), st.sampled_from(["auto", "allow", "block"]))
def test_the_grammar_knows_what_is_rendered(items, intent):
    for one in advise(items, Wanted(intent)).suggestions:
        assert isinstance(one.rule, FirewallRule)
        for text in (render(one.rule), undo(one.rule), line(one.rule, OURS), line(one.rule, OURS, one.why)):
            assert check(text)


@pytest.mark.parametrize(
    "hostile", ["$(id)", "a b", 'a"b', "a'b", "a;id", "`id`", "-j", "a\nb", "a*", "", "x" * 16, "a{b", "a#b"]
)
def test_what_no_maker_of_rules_lets_through_is_one_quoted_word_and_fails_the_grammar(hostile):
    rule = FirewallRule(4, "INPUT", "DROP", "tcp", in_iface=hostile, sources=("192.0.2.1",))
    assert len(shlex.split(render(rule))) == 2
    assert not check(render(rule))
    assert not check(line(rule, OURS))


COMMAND = "nft 'insert rule inet filter input {}'"
RULE = f"add rule inet {OURS} input {{}}"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "nft",
        "nft flush ruleset",
        "nft 'flush ruleset'",
        "flush ruleset",
        'include "/etc/passwd"',
        f"add table ip {OURS}",
        "add table inet filter",
        "delete table inet filter",
        f"delete table inet {OURS}x",
        f"add chain inet {OURS} input {{ type filter hook output priority filter - 10; policy accept; }}",
        f"add chain inet {OURS} input {{ type filter hook input priority filter - 10; policy drop; }}",
        f"add chain bridge {OURS} output {{ type filter hook output priority filter - 10; policy accept; }}",
        "flush chain inet filter input",
        "insert rule inet filter input jump other",
        f"insert rule inet filter input jump {OURS}_output",
        *[
            form.format(rest)
            for form in (COMMAND, RULE)
            for rest in (
                "drop",
                'iifname "eth0" drop',
                'iifname "eth0" tcp dport 22 drop',
                "iifname eth0 ip saddr 192.0.2.1 tcp dport 22 drop",
                'iifname "eth*" ip saddr 192.0.2.1 tcp dport 22 drop',
                'oifname "eth0" ip saddr 192.0.2.1 tcp dport 22 drop',
                'iifname "eth0" oifname "eth0" ip saddr 192.0.2.1 tcp dport 22 drop',
                'iifname "eth0" ip saddr 192.0.2.1 tcp dport 65536 drop',
                'iifname "eth0" ip saddr 192.0.2.1 tcp dport 022 drop',
                'iifname "eth0" ip saddr 192.0.2.1 tcp dport 1-2 drop',
                'iifname "eth0" ip saddr 192.0.2.1 tcp dport 22 drop; flush ruleset',
                'iifname "eth0" ip saddr 192.0.2.1 tcp dport 22 drop\nflush ruleset',
                'iifname "eth0" ip saddr 192.0.2.1 tcp dport 22 drop ',
                'iifname "eth0" ip saddr 192.0.2.1 tcp dport 22 reject',
                'iifname "eth0" ip saddr 192.0.2.0/24 tcp dport 22 drop',
                'iifname "eth0" ip saddr 0.0.0.0/0 tcp dport 22 drop',
                'iifname "eth0" ip saddr != 192.0.2.1 tcp dport 22 drop',
                'iifname "eth0" ip saddr 2001:db8::1 tcp dport 22 drop',
                'iifname "eth0" ip6 saddr 2001:DB8::1 tcp dport 22 drop',
                'iifname "eth0" ip6 saddr 192.0.2.1 tcp dport 22 drop',
                'iifname "eth0" ip saddr 192.0.2.1 ip6 daddr ::1 tcp dport 22 drop',
                'iifname "eth0" meta nfproto ipv4 ip saddr 192.0.2.1 tcp dport 22 drop',
                'iifname "eth0" meta protocol ip tcp dport 22 drop',
                'iifname "eth0" ip saddr 192.0.2.1 icmpv6 type 128 drop',
                'iifname "eth0" ip6 saddr ::1 icmp type 8 drop',
                'iifname "eth0" ip saddr 192.0.2.1 icmp type 8 icmpv6 code 0 drop',
                'iifname "eth0" ip saddr 192.0.2.1 icmp type 256 drop',
                'iifname "eth0" ip saddr 192.0.2.1 meta l4proto ospf drop',
                'iifname "eth0" ip saddr 192.0.2.1 meta l4proto 256 drop',
                'iifname "eth0" ip saddr 192.0.2.1 tcp dport 22 drop comment "a"b"',
                'iifname "eth0" ip saddr 192.0.2.1 tcp dport 22 drop comment "a\\"',
                f'iifname "eth0" ip saddr 192.0.2.1 tcp dport 22 drop comment "{"x" * 128}"',
                'iifname "eth0" ip saddr 192.0.2.1 tcp dport 22 drop comment ""',
            )
        ],
        RULE.format('iifname "eth0" ip saddr 192.0.2.1 tcp dport 22 accept'),
        f'add rule inet filter {OURS}_input iifname "eth0" ip saddr 192.0.2.1 tcp dport 22 drop',
        f'add rule inet {OURS} forward iifname "eth0" ip saddr 192.0.2.1 tcp dport 22 drop',
        f'add rule bridge filter {OURS}_input iifname "eth0" ip saddr 192.0.2.1 tcp dport 22 accept',
        f'add rule bridge {OURS} output oifname "eth0" ip saddr 192.0.2.1 tcp dport 22 drop',
        COMMAND.format('iifname "eth0" ip saddr 192.0.2.1 tcp dport 22 drop comment "a"'),
        "nft 'insert rule inet filter input iifname \"eth0\" ip saddr 192.0.2.1 tcp dport 22 drop'; id",
        'nft \'insert rule inet filter input iifname "eth0" ip saddr 192.0.2.1 tcp dport 22 drop',
        "#x",
        "# a\nflush ruleset",
        "# \u202e",
    ],
)
def test_the_grammar_refuses(text):
    assert not check(text)


@given(st.sampled_from(RULES), st.booleans(), st.integers(0, 150), st.characters())
def test_one_more_character_is_another_value_or_refused(rule, command, place, character):
    text = render(rule) if command else line(rule, OURS, "a b")
    place %= len(text) + 1
    spoiled = text[:place] + character + text[place:]
    if check(spoiled):
        assert character.isascii()
        assert character.isalnum() or character in "_.@+-:/, "
        assert spoiled.count('"') == text.count('"')


@given(st.text(max_size=60))
def test_any_text_is_checked_without_an_exception(text):
    assert check(text) in (True, False)
    assert check(RULE.format(f'iifname "eth0" ip saddr {text} tcp dport 22 drop')) in (True, False)
