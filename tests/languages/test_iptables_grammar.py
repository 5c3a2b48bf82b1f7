import pytest
from hypothesis import given
from hypothesis import strategies as st

from syslogparse.languages.iptables import HEAD, lines, pasted, undo
from syslogparse.languages.iptables_grammar import check
from tests.languages.firewalls import RICH, rules

NAME = "syslogparse-0123456789abcdef"
MATCH = f"-m set --match-set {NAME} src"


def test_the_head():
    assert all(map(check, HEAD))
    assert not any(check(f"{line} ") for line in HEAD if not line.startswith("# "))
    assert not any(check(line[4:]) for line in HEAD if line.startswith("    "))


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
        "iptables -I INPUT -i eth0 -s 192.0.2.1/24 -p tcp -j ACCEPT",
        "iptables -I INPUT -i eth0 -s 192.0.2.1/32 -p tcp -j ACCEPT",
        "iptables -I INPUT -i eth0 -s 192.0.2.1,192.0.2.2 -p tcp -j ACCEPT",
        "ip6tables -I INPUT -i eth0 -s 192.0.2.0/24 -p tcp -j ACCEPT",
        "iptables -I INPUT -i eth0 -p tcp --dport 99:22 -j ACCEPT",
        "iptables -I INPUT -i eth0 -p tcp --dport 22:22 -j ACCEPT",
        "iptables -I INPUT -i eth0 -p tcp --dport 22: -j ACCEPT",
        "iptables -I INPUT -i eth0 -p tcp --dport 22,23 -j ACCEPT",
        "iptables -I INPUT -i eth0 -p tcp -m multiport --dports 22 -j ACCEPT",
        "iptables -I INPUT -i eth0 -p tcp -m multiport --dports 23,22 -j ACCEPT",
        "iptables -I INPUT -i eth0 -p tcp -m multiport --dports 22,22 -j ACCEPT",
        "iptables -I INPUT -i eth0 -p tcp -m multiport --dports 22,,23 -j ACCEPT",
        "iptables -I INPUT -i eth0 -p tcp -m multiport --dports 1:5,4:9 -j ACCEPT",
        "iptables -I INPUT -i eth0 -p tcp -m multiport --dports 22,65536 -j ACCEPT",
        "iptables -I INPUT -i eth0 -p tcp -m multiport --dports 1:2,3:4,5:6,7:8,9:10,11:12,13:14,15:16 -j ACCEPT",
        f"iptables -I INPUT -i eth0 -p tcp -m multiport --dports {','.join(map(str, range(16)))} -j ACCEPT",
        "iptables -I INPUT -i eth0 -p gre -m multiport --dports 22,23 -j ACCEPT",
        "iptables -I INPUT -i eth0 -p tcp --dport 1 -m multiport --dports 22,23 -j ACCEPT",
        "iptables -I INPUT -i eth0 -p udp --tcp-flags FIN FIN -j DROP",
        "iptables -I INPUT -i eth0 -p tcp --tcp-flags FIN SYN -j DROP",
        "iptables -I INPUT -i eth0 -p tcp --tcp-flags SYN,FIN FIN -j DROP",
        "iptables -I INPUT -i eth0 -p tcp --tcp-flags FIN,FIN FIN -j DROP",
        "iptables -I INPUT -i eth0 -p tcp --tcp-flags ALL NONE -j DROP",
        "iptables -I INPUT -i eth0 -p tcp --tcp-flags NONE NONE -j DROP",
        "iptables -I INPUT -i eth0 -p tcp --tcp-flags SYN,ECE ECE -j DROP",
        "iptables -I INPUT -i eth0 -p tcp --tcp-flags FIN -j DROP",
        "iptables -I INPUT -i eth0 -p tcp ! --tcp-flags FIN FIN -j DROP",
        f"iptables -I INPUT -i eth0 -s 192.0.2.1 {MATCH} -p tcp -j DROP",
        f"iptables -I INPUT -i eth0 {MATCH} {MATCH} -p tcp -j DROP",
        f"iptables -I INPUT -i eth0 {MATCH.replace('src', 'dst')} -p tcp -j DROP",
        f"iptables -I INPUT -i eth0 {MATCH.replace('--match', '! --match')} -p tcp -j DROP",
        f"iptables -I INPUT -i eth0 {MATCH.replace(NAME, 'docker')} -p tcp -j DROP",
        f"iptables -I INPUT -i eth0 {MATCH.replace('f src', 'F src')} -p tcp -j DROP",
        f"iptables -I INPUT -i eth0 {MATCH.replace('f src', ' src')} -p tcp -j DROP",
        f"iptables -I INPUT -i eth0 -p tcp {MATCH} -j DROP",
        "iptables -I INPUT -i eth0 -p tcp -m comment --comment a -j DROP",
        "once iptables -I INPUT -i eth0 -p tcp -m comment --comment -j DROP",
        "once iptables -I INPUT -i eth0 -p tcp -m comment --comment '' -j DROP",
        "once iptables -I INPUT -i eth0 -p tcp -m comment --comment a b -j DROP",
        "once iptables -I INPUT -i eth0 -p tcp -m comment --comment 'a'b' -j DROP",
        "once iptables -I INPUT -i eth0 -p tcp -m comment --comment 'a'; id -j DROP",
        "once iptables -I INPUT -i eth0 -p tcp -m comment --comment '$(id)' -j DROP",
        "once iptables -I INPUT -i eth0 -p tcp -m comment --comment 'a\nb' -j DROP",
        'once iptables -I INPUT -i eth0 -p tcp -m comment --comment "a b" -j DROP',
        f"once iptables -I INPUT -i eth0 -p tcp -m comment --comment {'a' * 256} -j DROP",
        "once iptables -D INPUT -i eth0 -p tcp -m comment --comment a -j DROP",
        "ipset",
        "ipset flush",
        "ipset destroy",
        "ipset destroy docker",
        f"ipset destroy {NAME} ",
        f"ipset destroy {NAME}\nid",
        f"ipset -exist destroy {NAME}",
        f"ipset create {NAME} hash:net family inet timeout 604800",
        f"ipset -exist create {NAME} hash:net family inet",
        f"ipset -exist create {NAME} hash:net family inet timeout 0",
        f"ipset -exist create {NAME} hash:net family inet timeout 604800 maxelem 1",
        f"ipset -exist create {NAME} hash:ip family inet timeout 604800",
        f"ipset -exist create {NAME}0 hash:net family inet timeout 604800",
        f"ipset add {NAME} 192.0.2.1",
        f"ipset -exist add {NAME} 192.0.2.1 timeout 0",
        f"ipset -exist add {NAME} 192.0.2.1/24",
        f"ipset -exist add {NAME} 0.0.0.0/0",
        f"ipset -exist add {NAME} 192.0.2.1-192.0.2.9",
        f"ipset -exist add {NAME} 192.0.2.1;id",
        f"ipset -exist add {NAME} $(id)",
        f"ipset -exist add {NAME} 192.0.2.1\n",
        f"ipset -exist add {NAME}  192.0.2.1",
        "ipset -exist add docker 192.0.2.1",
        f"ipset -exist del {NAME} 192.0.2.1",
        f"once ipset -exist add {NAME} 192.0.2.1",
        "once() {",
        "    syslogparse_undo",
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


SAMPLES = sorted({line for rule in RICH for line in (*lines(rule), *undo(rule), *pasted(rule, "block: so it is."))})


@given(st.sampled_from(SAMPLES), st.integers(0, 300), st.characters())
def test_one_more_character_is_another_value_or_refused(line, place, character):
    """What a character more can do is change a name, a number or a comment, never add a word."""
    place %= len(line) + 1
    spoiled = line[:place] + character + line[place:]
    if check(spoiled):
        assert character.isascii()
        assert character.isalnum() or character in "_.@+-:/, "
        assert len(spoiled.split("'")[0].split(" ")) == len(line.split("'")[0].split(" "))
        assert spoiled.count("'") == line.count("'")


@given(st.sampled_from(SAMPLES), st.integers(0, 300), st.integers(1, 30))
def test_a_line_that_lost_something_is_refused_or_has_another_value(line, place, length):
    place %= len(line)
    rest = line[:place] + line[place + length :]
    if check(rest):
        assert rest.split(" ")[0] in ("iptables", "ip6tables", "ipset", "once")
        assert rest.startswith("ipset") or rest.endswith((" -j DROP", " -j ACCEPT"))


@given(st.lists(rules(), min_size=2, max_size=2), st.sampled_from([" ", ";", "\n", " && ", ""]))
def test_two_lines_are_not_one(pair, between):
    one, other = (lines(rule)[-1] for rule in pair)
    assert not check(one + between + other)


@given(st.text(max_size=60))
def test_any_text_is_checked_without_an_exception(text):
    assert check(text) in (True, False)
    for form in (
        "iptables -I INPUT -i eth0 -s {} -p tcp -j ACCEPT",
        "iptables -I INPUT -i eth0 -p tcp -m multiport --dports {} -j ACCEPT",
    ):
        assert check(f"iptables -I INPUT -i eth0 {form.format(text)} -j ACCEPT") in (True, False)
    assert check(f"ipset -exist add {NAME} {text}") in (True, False)
