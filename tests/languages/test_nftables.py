import re
import shlex

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from syslogparse.languages.nftables import (
    LISTED,
    filed,
    head,
    lines,
    live_chains,
    main,
    name,
    needs,
    statement,
    undo,
    unsayable,
)
from syslogparse.languages.nftables_grammar import check
from syslogparse.rules.advise import advise
from syslogparse.rules.model import FirewallRule, TcpFlags
from syslogparse.rules.packet import PROTOCOLS
from syslogparse.rules.wanted import Wanted
from tests.languages.firewalls import FLAGS, HOSTILE, MANY, MANY_SIX, RICH, rules
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
    (
        FirewallRule(4, "INPUT", "DROP", "tcp", "eth0", sources=("192.0.2.0/24",), dst="10.0.0.0/8", ports=((22, 22), (80, 90))),
        'iifname "eth0" ip saddr 192.0.2.0/24 ip daddr 10.0.0.0/8 tcp dport { 22, 80-90 } drop',
    ),
    (
        FirewallRule(6, "INPUT", "DROP", "udp", in_iface="eth0", ports=((0, 1023),)),
        'iifname "eth0" meta nfproto ipv6 udp dport 0-1023 drop',
    ),
    (
        FirewallRule(4, "INPUT", "DROP", "tcp", in_iface="eth0", flags=TcpFlags(("SYN", "FIN", "ACK"), ("SYN", "FIN"))),
        'iifname "eth0" meta nfproto ipv4 tcp flags & (fin | syn | ack) == (fin | syn) drop',
    ),
    (
        FirewallRule(4, "INPUT", "DROP", "tcp", in_iface="eth0", ports=((1, 1),), flags=TcpFlags(("FIN",), ("FIN",))),
        'iifname "eth0" meta nfproto ipv4 tcp flags & fin == fin tcp dport 1 drop',
    ),
    (
        FirewallRule(6, "INPUT", "ACCEPT", "tcp", in_iface="eth0", flags=TcpFlags((*FLAGS, "ECE", "CWR"), ())),
        'iifname "eth0" meta nfproto ipv6 tcp flags & (fin | syn | rst | psh | ack | urg | ecn | cwr) == 0x0 accept',
    ),
]
RULES = [rule for rule, _ in EXAMPLES]
SAYABLE = RULES + [rule for rule in RICH if not unsayable(rule)]
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
    found = [line for rule in rules for line in filed(rule, ours, "block: why (a).")]
    return "\n".join([*head(rules, rules if opened is None else opened), *found, ""])


def bare(line):
    """A command without the comment that it is known by."""
    return re.sub(r' comment "syslogparse_[0-9a-f]{16}"', "", line)


@pytest.mark.parametrize(("rule", "text"), EXAMPLES)
def test_lines(rule, text):
    family = "bridge" if rule.physdev_in else "inet"
    chain = rule.chain.lower()
    assert unsayable(rule) == ""
    assert statement(rule) == text
    assert main(rule) == f"nft 'insert rule {family} filter {chain} {text}'"
    (line,) = lines(rule)
    assert bare(line) == main(rule)
    assert len(shlex.split(line)) == 2
    where = f"{OURS} {chain}" if rule.target == "DROP" else f"filter {OURS}_{chain}"
    assert filed(rule, OURS) == (f"add rule {family} {where} {text}",)
    assert filed(rule, OURS, 'a "b"') == (f'add rule {family} {where} {text} comment "a b"',)
    for one in (line, *undo(rule), *filed(rule, OURS), *filed(rule, OURS, 'a "b"')):
        assert check(one)


def test_several_sources_are_a_list_in_the_command_and_a_set_in_the_file():
    rule = RICH[0]
    text = 'iifname "eth0" ip saddr {} tcp dport {{ 22, 80-90, 443 }} drop'
    listed = "{ 10.0.0.1, 192.0.2.0/25, 198.51.100.7 }"
    assert [bare(line) for line in lines(rule)] == [f"nft 'insert rule inet filter input {text.format(listed)}'"] == [main(rule)]
    made, members, said = filed(rule, OURS, "why")
    own = made.split()[4]
    assert re.fullmatch("syslogparse_[0-9a-f]{16}", own)
    assert made == f"add set inet {OURS} {own} {{ type ipv4_addr; flags interval, timeout; timeout 7d; }}"
    assert members == f"add element inet {OURS} {own} {listed}"
    assert said == f'add rule inet {OURS} input {text.format("@" + own)} comment "why"'
    accepting = filed(replace(rule, target="ACCEPT"), OURS)
    assert [line.split()[:4] for line in accepting[:2]] == [["add", kind, "inet", "filter"] for kind in ("set", "element")]


def test_many_sources_are_several_lines_and_people_see_the_first():
    for rule in (MANY, MANY_SIX):
        count = -(-len(rule.sources) // LISTED)
        assert len(lines(rule)) == count
        assert sum(line.startswith("add element") for line in filed(rule, OURS)) == count
        assert len({line.rpartition(" ")[2] for line in lines(rule)}) == 1
        assert all(map(check, (*lines(rule), *undo(rule), *filed(rule, OURS, "why"))))
        assert max(map(len, (*lines(rule), *filed(rule, OURS, "x" * 200)))) < 4096
        assert f"{rule.sources[2]}, ... }}" in main(rule)
        assert len(main(rule)) < 250


def test_the_name_of_a_set_says_what_its_rule_says():
    names = {filed(rule, OURS)[0].split()[4] for rule in (*RICH, *(replace(rule, dst=None, ports=()) for rule in RICH[1:4]))}
    several = [rule for rule in RICH if len(rule.sources) > 1 and not unsayable(rule)]
    assert len({name for name in names if re.fullmatch("syslogparse_[0-9a-f]{16}", name)}) == len(several) + 3


@pytest.mark.parametrize("rule", UNSAYABLE)
def test_what_nft_cannot_say_is_a_comment(rule):
    assert lines(rule) == filed(rule, OURS, "why") == (main(rule),) == (f"# nftables cannot say this: {unsayable(rule)}",)
    assert all(map(check, (*lines(rule), *undo(rule))))
    assert undo(rule)[0].startswith("# ")
    assert [one for one in document([rule]).splitlines() if not one.startswith("#")] == []


def test_the_name_says_what_is_in_it():
    assert re.fullmatch("syslogparse_[0-9a-f]{8}", name(RULES))
    assert name(RULES) == name(RULES[::-1])
    assert len({name(RULES[:count]) for count in range(len(RULES))}) == len(RULES)
    assert name([*RULES, *UNSAYABLE]) == name(RULES)


@pytest.mark.parametrize("opened", [RULES, RULES[2:], []])
def test_a_chain_that_accepts_nothing_yet_is_a_comment(opened):
    found = document(RULES, opened).splitlines()
    assert all(map(check, found))
    for chain in ("input", "output"):
        live = any(rule.target == "ACCEPT" and rule.chain.lower() == chain for rule in opened)
        for one in (
            f"create chain inet filter {name(RULES)}_{chain}",
            f"insert rule inet filter {chain} jump {name(RULES)}_{chain}",
        ):
            assert (one in found) is live
            assert (f"# {one}" in found) is not live


def test_what_a_rule_needs_whose_chain_is_a_comment():
    accepts = [rule for rule in SAYABLE if rule.target == "ACCEPT"]
    for rule in [*SAYABLE, *UNSAYABLE]:
        chain = f"{name(RULES)}_{rule.chain.lower()}"
        alone = f"the 2 lines with {chain} above" if rule in accepts else ""
        assert needs(rule, name(RULES), live_chains([])) == alone
        assert needs(rule, name(RULES), live_chains(RULES)) == ""
        if rule in accepts:
            assert sum(line.startswith("# ") and chain in line for line in head(RULES, []) if " inet filter " in line) >= 2


def counted(listing):
    return len(re.findall(r"^\s+(?:iifname|oifname) .* (?:drop|accept) comment", listing, re.MULTILINE))


def taking_back(text):
    """The commands that the head of a file gives to take back what it puts there."""
    told = re.findall(r"^# To take back what drops: (.*)$|^#   (nft .*)$", text, re.MULTILINE)
    return "\n".join(first or other for first, other in told)


DROPS = [rule for rule in SAYABLE if rule.target == "DROP"]
SHOW = "nft list ruleset; echo ----"


def timeless(listing):
    return re.sub(r" expires \w+", "", listing)


@pytest.mark.root
def test_a_file_that_drops_twice_is_the_file_once_and_another_stands_beside_it(in_own_namespace, tmp_path):
    (tmp_path / "base").write_text(BASE)
    (tmp_path / "a").write_text(document(DROPS))
    (tmp_path / "b").write_text(document(DROPS[:2]))
    script = f"set -e; cd {tmp_path}; nft -f base; {SHOW}; nft -f a; {SHOW}; nft -f a; {SHOW}; nft -f b; {SHOW}\n"
    script += f"{taking_back(document(DROPS))}\n{taking_back(document(DROPS[:2]))}\n{SHOW}"
    bare, once, twice, both, left, _ = map(timeless, in_own_namespace("sh", text=script).stdout.split("----\n"))
    assert counted(once) == len(DROPS)
    assert once == twice
    assert once.count("set syslogparse_") == sum(len(rule.sources) > 1 for rule in DROPS)
    assert counted(both) == len(DROPS) + 2
    assert "table bridge" in both
    assert left == bare


@pytest.mark.root
def test_a_file_that_accepts_is_loaded_once_until_it_is_taken_back(in_own_namespace, tmp_path):
    (tmp_path / "base").write_text(BASE)
    (tmp_path / "a").write_text(document(SAYABLE))
    (tmp_path / "flushed").write_text(f"flush ruleset\n{BASE}{document(SAYABLE)}")
    again = 'if nft -f a 2>err; then echo loaded; fi; grep -c "File exists" err'
    script = f"set -e; cd {tmp_path}; nft -f base; {SHOW}; nft -f a; {SHOW}; {again}; {SHOW}\n{taking_back(document(SAYABLE))}\n"
    script += f"{SHOW}; nft -f a; {SHOW}; nft -f flushed; nft -f flushed; {SHOW}"
    bare, once, twice, left, anew, flushed, _ = map(timeless, in_own_namespace("sh", text=script).stdout.split("----\n"))
    assert counted(once) == len(SAYABLE)
    assert once.count("jump syslogparse_") == 2
    assert not twice.startswith("loaded")
    assert twice.partition("\n")[2] == once
    assert left == bare
    assert anew == once
    assert counted(flushed) == len(SAYABLE)
    assert flushed.count("jump syslogparse_") == 2


@pytest.mark.root
def test_commands_go_in_and_come_out_again(in_own_namespace, tmp_path):
    (tmp_path / "base").write_text(f"{BASE}{BASE.replace('inet', 'bridge')}")
    some = [*SAYABLE, MANY]
    back = [line for rule in some for line in undo(rule)]
    script = [f"set -e; nft -f {tmp_path}/base; {SHOW}", *(line for rule in some for line in lines(rule)), SHOW, *back, SHOW]
    before, loaded, after, _ = in_own_namespace("sh", text="\n".join(script)).stdout.split("----\n")
    assert len(re.findall('comment "syslogparse_', loaded)) == sum(len(lines(rule)) for rule in some)
    assert after == before


@pytest.mark.root
@settings(max_examples=10)
@given(st.lists(rules(), min_size=10, max_size=20))
def test_nft_takes_any_rule(in_own_namespace, some):
    in_own_namespace("nft", "-c", "-f", "-", text=BASE + document(some))
    commands = [shlex.split(line)[1] for rule in some for line in lines(rule) if not line.startswith("#")]
    in_own_namespace("nft", "-c", "-f", "-", text="\n".join([BASE, BASE.replace("inet", "bridge"), *commands]))


def bits(flags):
    return sum(1 << "FIN SYN RST PSH ACK URG ECE CWR".split().index(flag) for flag in flags)


@pytest.mark.root
def test_the_flags_that_match_are_those_that_were_meant(in_own_namespace):
    """What the kernel is told to compare the byte with the flags to, in hexadecimal: the mask, where it is not all of them."""
    matches = [rule.flags for rule in SAYABLE if rule.flags is not None]
    some = [FirewallRule(4, "INPUT", "DROP", "tcp", in_iface="eth0", flags=flags) for flags in matches]
    told = in_own_namespace("nft", "--debug=netlink", "-f", "-", text=document(some)).stdout
    load, mask = r"\[ payload load 1b @ transport header \+ 13 => reg 1 \]", r"\[ bitwise reg 1 = \( reg 1 & (0x\w+) \)[^\n]*\]"
    found = re.findall(rf"{load}\s+(?:{mask}\s+)?\[ cmp eq reg 1 (0x\w+) \]", told)
    compared = [(int(one, 16) if one else 255, int(other, 16)) for one, other in found]
    assert compared == [(bits(flags.mask), bits(flags.set)) for flags in matches]


@pytest.mark.root
def test_every_protocol_is_the_number_that_was_meant(in_own_namespace):
    four = [proto for proto in PROTOCOLS if proto != "icmpv6"]
    rules = [FirewallRule(4, "INPUT", "DROP", proto, in_iface="eth0") for proto in four]
    rules.append(FirewallRule(6, "INPUT", "DROP", "icmpv6", in_iface="eth0"))
    assert all(check(line) for rule in rules for line in filed(rule, OURS))
    text = "\n".join([*head(rules, rules), *(line for rule in rules for line in filed(rule, name(rules))), ""])
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
    load = "nft -f rules" if form == "file" else lines(rule)[0]
    script = f"set -e; cd {tmp_path}; ip link set lo up; nft -f base; {reach}; {load}; {reach}"
    assert in_own_namespace("sh", text=script).stdout.split() == ["shut", "shut", "open", "open", "shut", "open"]


@pytest.mark.root
@pytest.mark.corpora
def test_nft_takes_every_rule_from_the_real_logs(in_own_namespace, corpus_rules):
    text = document(corpus_rules)
    assert all(map(check, text.splitlines()))
    in_own_namespace("nft", "-c", "-f", "-", text=BASE + text)
    for rule in corpus_rules:
        assert all(map(check, (*lines(rule), *undo(rule))))


@pytest.mark.root
def test_the_longest_comment_fits(in_own_namespace):
    text = "\n".join([*head(RULES[2:3], []), *filed(RULES[2], name(RULES[2:3]), "x" * 500), ""])
    in_own_namespace("nft", "-f", "-", text=text)


@given(st.lists(likely, max_size=20), st.sampled_from(["auto", "allow", "block"]))
def test_the_grammar_knows_what_is_rendered(items, intent):
    for one in advise(items, Wanted(intent)).suggestions:
        assert isinstance(one.rule, FirewallRule)
        assert all(map(check, (*lines(one.rule), *undo(one.rule), *filed(one.rule, OURS), *filed(one.rule, OURS, one.why))))


@settings(max_examples=50)
@given(rules(), st.text(max_size=300))
def test_the_grammar_knows_every_rule(rule, why):
    for line in (*lines(rule), *undo(rule), *filed(rule, OURS), *filed(rule, OURS, why)):
        assert check(line)
        assert len(line) < 4096
    assert check(main(rule)) is (len(rule.sources) <= 3 or bool(unsayable(rule)))
    assert all(map(check, head([rule], [rule])))


@pytest.mark.parametrize("hostile", HOSTILE)
def test_what_no_maker_of_rules_lets_through_is_one_quoted_word_and_fails_the_grammar(hostile):
    rule = FirewallRule(4, "INPUT", "DROP", "tcp", in_iface=hostile, sources=("192.0.2.1",))
    assert len(shlex.split(lines(rule)[0])) == 2
    assert not check(main(rule))
    assert not any(map(check, (*lines(rule), *filed(rule, OURS), *filed(rule, OURS, "why"))))
    sources = replace(rule, in_iface="eth0", sources=("192.0.2.1", f"192.0.2.2{hostile}"))
    if hostile:
        assert not check(lines(sources)[0])
        assert not check(filed(sources, OURS)[1])
