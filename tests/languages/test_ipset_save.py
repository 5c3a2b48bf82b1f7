"""Sets as ipset prints them."""

from __future__ import annotations

import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syslogparse.languages import iptables_save
from syslogparse.languages.ipset_save import read
from syslogparse.languages.policy_words import Unreadable
from syslogparse.rules.firewall_inforce import in_force
from syslogparse.rules.model import FirewallRule

SETS = """create a hash:net family inet hashsize 1024 maxelem 65536 timeout 100 bucketsize 12 initval 0xb9ed2483
add a 10.0.0.0/8 timeout 99
add a 11.0.0.0 timeout 99
create b hash:ip family inet6 hashsize 1024 maxelem 65536 counters comment
add b ::1 packets 0 bytes 0 comment "a nomatch b"
create c hash:net family inet
add c 1.0.0.0/8
add c 1.2.3.4 nomatch
create d hash:ip,port family inet
add d 1.2.3.4,tcp:80
create e hash:ip family inet netmask 24
add e 4.4.4.0
create f list:set size 8
add f a
create g bitmap:ip range 192.168.0.0-192.168.0.255
add g 192.168.0.3
"""


def test_sets_of_addresses_are_read_and_others_are_not_known():
    found = read(SETS)
    assert found == {"a": ((0x0A000000, 0x0B000000),), "g": ((0xC0A80003, 0xC0A80003),)}


@pytest.mark.parametrize("text", ["add a 1.2.3.4\n", "create a\n", "flush a\n", SETS + "*filter\n", "\x00"])
def test_what_is_not_believed(text):
    with pytest.raises(Unreadable):
        read(text)


@given(st.text(max_size=60))
def test_any_text_is_read_or_refused(text):
    try:
        read(SETS + text)
    except Unreadable:
        return


@pytest.mark.root
def test_a_rule_knows_the_set_that_it_names(require_tool):
    script = (
        "ipset create bad hash:net family inet timeout 900 && ipset add bad 192.0.2.0/24 && ipset create ports hash:ip,port && "
        "iptables -A INPUT -m set --match-set bad src -j DROP && iptables -A INPUT -m set --match-set ports src,src -j ACCEPT && "
        "iptables -A INPUT -m set ! --match-set bad dst -j ACCEPT && ipset save && echo + && iptables-save"
    )
    require_tool("ipset")
    done = subprocess.run([require_tool("unshare"), "-n", "sh", "-c", script], capture_output=True, text=True, check=True)
    sets, rules = done.stdout.split("+\n")
    force = in_force([iptables_save.read(rules, read(sets))])
    inside = FirewallRule(4, "INPUT", "DROP", "tcp", "eth0", sources=("192.0.2.9",))
    assert force.settles(inside)
    assert not force.settles(FirewallRule(4, "INPUT", "DROP", "tcp", "eth0", sources=("192.0.3.9",)))
    assert not in_force([iptables_save.read(rules)]).settles(inside)
