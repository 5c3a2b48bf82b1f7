import pytest
from hypothesis import given
from hypothesis import strategies as st

from syslogparse.languages.nftables import filed, head, lines, undo
from syslogparse.languages.nftables_grammar import check
from tests.languages.firewalls import RICH

OURS = "syslogparse_01234567"
SET = "syslogparse_0123456789abcdef"
UNDO = (
    f"nft -a list chain inet filter input | sed -n 's/.*{SET}. # handle //p'"
    ' | while read -r handle; do nft delete rule inet filter input handle "$handle"; done'
)
MARKED = f"nft 'insert rule inet filter input {{}} comment \"{SET}\"'"
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
            for form in (COMMAND, MARKED, RULE)
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
                'iifname "eth0" ip saddr 192.0.2.1 tcp dport 22 drop; flush ruleset',
                'iifname "eth0" ip saddr 192.0.2.1 tcp dport 22 drop\nflush ruleset',
                'iifname "eth0" ip saddr 192.0.2.1 tcp dport 22 drop ',
                'iifname "eth0" ip saddr 192.0.2.1 tcp dport 22 reject',
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
                'iifname "eth0" ip saddr 192.0.2.1/24 tcp dport 22 drop',
                'iifname "eth0" ip saddr { } tcp dport 22 drop',
                'iifname "eth0" ip saddr { 192.0.2.1 } tcp dport 22 drop',
                'iifname "eth0" ip saddr { 192.0.2.1,192.0.2.2 } tcp dport 22 drop',
                'iifname "eth0" ip saddr { 192.0.2.1, ::1 } tcp dport 22 drop',
                'iifname "eth0" ip6 saddr { 192.0.2.1, 192.0.2.2 } tcp dport 22 drop',
                'iifname "eth0" ip saddr { 192.0.2.1, 192.0.2.2, ... } tcp dport 22 drop',
                'iifname "eth0" ip saddr { 192.0.2.1-192.0.2.9 } tcp dport 22 drop',
                'iifname "eth0" ip saddr @other tcp dport 22 drop',
                'iifname "eth0" ip daddr @syslogparse_0123456789abcdef tcp dport 22 drop',
                'iifname "eth0" ip saddr != @syslogparse_0123456789abcdef tcp dport 22 drop',
                'iifname "eth0" ip saddr @syslogparse_0123456789abcdef ip6 daddr ::1 tcp dport 22 drop',
                'iifname "eth0" ip saddr 192.0.2.1 tcp dport 2-1 drop',
                'iifname "eth0" ip saddr 192.0.2.1 tcp dport 1-1 drop',
                'iifname "eth0" ip saddr 192.0.2.1 tcp dport 1-2-3 drop',
                'iifname "eth0" ip saddr 192.0.2.1 tcp dport { 1 } drop',
                'iifname "eth0" ip saddr 192.0.2.1 tcp dport { 2, 1 } drop',
                'iifname "eth0" ip saddr 192.0.2.1 tcp dport { 1-5, 4 } drop',
                'iifname "eth0" ip saddr 192.0.2.1 tcp dport { 1, 65536 } drop',
                'iifname "eth0" ip saddr 192.0.2.1 sctp dport 1 drop',
                'iifname "eth0" ip saddr 192.0.2.1 tcp flags fin drop',
                'iifname "eth0" ip saddr 192.0.2.1 tcp flags & fin == syn drop',
                'iifname "eth0" ip saddr 192.0.2.1 tcp flags & (fin) == fin drop',
                'iifname "eth0" ip saddr 192.0.2.1 tcp flags & fin | syn == fin drop',
                'iifname "eth0" ip saddr 192.0.2.1 tcp flags & (syn | fin) == fin drop',
                'iifname "eth0" ip saddr 192.0.2.1 tcp flags & (fin | fin) == fin drop',
                'iifname "eth0" ip saddr 192.0.2.1 tcp flags & (fin | ) == fin drop',
                'iifname "eth0" ip saddr 192.0.2.1 tcp flags & 0x0 == 0x0 drop',
                'iifname "eth0" ip saddr 192.0.2.1 tcp flags & fin != fin drop',
                'iifname "eth0" ip saddr 192.0.2.1 tcp flags & fin == fin udp dport 1 drop',
                'iifname "eth0" ip saddr 192.0.2.1 tcp flags & fin == fin meta l4proto tcp drop',
                'iifname "eth0" ip saddr 192.0.2.1 tcp dport 1 tcp flags & fin == fin drop',
            )
        ],
        RULE.format('iifname "eth0" ip saddr 192.0.2.1 tcp dport 22 accept'),
        f'add rule inet filter {OURS}_input iifname "eth0" ip saddr 192.0.2.1 tcp dport 22 drop',
        f'add rule inet {OURS} forward iifname "eth0" ip saddr 192.0.2.1 tcp dport 22 drop',
        f'add rule bridge filter {OURS}_input iifname "eth0" ip saddr 192.0.2.1 tcp dport 22 accept',
        f'add rule bridge {OURS} output oifname "eth0" ip saddr 192.0.2.1 tcp dport 22 drop',
        'nft \'insert rule inet filter input iifname "eth0" ip saddr 192.0.2.1 tcp dport 22 drop comment "a"\'',
        'nft \'insert rule inet filter input iifname "eth0" ip saddr 192.0.2.1 tcp dport 22 drop comment "syslogparse_0"\'',
        COMMAND.format(f'iifname "eth0" ip saddr @{SET} tcp dport 22 drop'),
        COMMAND.format('iifname "eth0" ip saddr 192.0.2.1 tcp dport 22 accept').replace("inet", "bridge"),
        COMMAND.format('iifname "eth0" ip saddr 192.0.2.1 tcp dport 22 drop').replace("insert", "add"),
        RULE.format('iifname "eth0" ip saddr { 192.0.2.1, 192.0.2.2 } tcp dport 22 drop'),
        f"add set inet {OURS} {SET} {{ type ipv4_addr; flags interval, timeout; timeout 1d; }}",
        f"add set inet {OURS} {SET} {{ type ipv4_addr; flags interval; }}",
        f"add set inet {OURS} {SET} {{ type inet_service; flags interval, timeout; timeout 7d; }}",
        f"add set inet {OURS} other {{ type ipv4_addr; flags interval, timeout; timeout 7d; }}",
        f"add set bridge filter {SET} {{ type ipv4_addr; flags interval, timeout; timeout 7d; }}",
        f"add set inet nat {SET} {{ type ipv4_addr; flags interval, timeout; timeout 7d; }}",
        f"add element inet {OURS} {SET} {{ }}",
        f"add element inet {OURS} {SET} {{ 192.0.2.1, }}",
        f"add element inet {OURS} {SET} {{ 192.0.2.1, ::1 }}",
        f"add element inet {OURS} {SET} {{ 192.0.2.1/24 }}",
        f"add element inet {OURS} {SET} {{ 192.0.2.1,192.0.2.2 }}",
        f"add element inet {OURS} {SET} {{ 192.0.2.1 timeout 1s }}",
        f"add element inet {OURS} {SET} {{ 192.0.2.1 }}; flush ruleset",
        f"add element inet {OURS} {SET} {{ 192.0.2.1 }}\nflush ruleset",
        f"add element inet {OURS} other {{ 192.0.2.1 }}",
        f"delete element inet {OURS} {SET} {{ 192.0.2.1 }}",
        f"delete set inet filter {SET}",
        f"add chain inet filter {OURS}_input",
        f"flush chain inet filter {OURS}_input",
        "create chain inet filter input",
        UNDO + " ",
        UNDO + "; id",
        UNDO.replace("inet filter", "inet nat"),
        UNDO.replace("inet filter input handle", "inet filter output handle"),
        UNDO.replace(SET, ""),
        UNDO.replace("delete rule", "flush ruleset;"),
        COMMAND.format('iifname "eth0" ip saddr 192.0.2.1 tcp dport 22 drop') + "; id",
        'nft \'insert rule inet filter input iifname "eth0" ip saddr 192.0.2.1 tcp dport 22 drop',
        "#x",
        "# a\nflush ruleset",
        "# \u202e",
    ],
)
def test_the_grammar_refuses(text):
    assert not check(text)


SAMPLES = sorted(
    {
        line
        for rule in RICH
        for line in (*lines(rule), *filed(rule, OURS), *filed(rule, OURS, "a b"), *undo(rule), *head([rule], [rule]))
    }
)


def test_the_samples():
    assert all(map(check, SAMPLES))
    assert check(UNDO)
    assert check(MARKED.format('iifname "eth0" ip saddr 192.0.2.1 tcp dport 22 drop'))
    assert check(COMMAND.format('iifname "eth0" ip saddr { 192.0.2.1, 192.0.2.2 } tcp dport 22 drop'))
    assert check(RULE.format(f'iifname "eth0" ip saddr @{SET} tcp dport 22 drop'))


@given(st.sampled_from(SAMPLES), st.integers(0, 300), st.characters())
def test_one_more_character_is_another_value_or_refused(text, place, character):
    place %= len(text) + 1
    spoiled = text[:place] + character + text[place:]
    if check(spoiled) and not spoiled.startswith("#"):
        assert character.isascii()
        assert character.isalnum() or character in "_.@+-:/, "
        assert spoiled.count('"') == text.count('"')


@given(st.sampled_from(SAMPLES), st.integers(0, 300), st.integers(1, 30))
def test_a_line_that_lost_something_is_refused_or_has_another_value(text, place, length):
    place %= len(text)
    rest = text[:place] + text[place + length :]
    if check(rest) and not rest.startswith("#"):
        assert rest.split(" ")[:2] == text.split(" ")[:2]


@given(st.text(max_size=60))
def test_any_text_is_checked_without_an_exception(text):
    assert check(text) in (True, False)
    for form in (
        "ip saddr {} tcp dport 22",
        "ip saddr {{ {} }} tcp dport 22",
        "tcp flags & {} == fin",
        "ip saddr ::1 tcp dport {{ {} }}",
    ):
        assert check(RULE.format(f'iifname "eth0" {form.format(text)} drop')) in (True, False)
        assert check(COMMAND.format(f'iifname "eth0" {form.format(text)} drop')) in (True, False)
    assert check(f"add element inet {OURS} {SET} {{ {text} }}") in (True, False)
