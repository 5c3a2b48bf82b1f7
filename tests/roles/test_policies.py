"""What the analyst makes of the files of --existing."""

from __future__ import annotations

from syslogparse.roles.policies import take_policies
from syslogparse.rules.model import FirewallRule
from syslogparse.rules.wanted import Wanted

GOOD = b"*filter\n:INPUT DROP\n-A INPUT -s 192.0.2.1 -j ACCEPT\nCOMMIT\n"
RULE = FirewallRule(4, "INPUT", "ACCEPT", "tcp", "eth0", sources=("192.0.2.1",), dst="192.0.2.9", ports=((22, 22),))


def test_what_is_in_force_is_wanted():
    wanted, unread = take_policies(Wanted("block"), [("rules", memoryview(GOOD))])
    assert unread == []
    assert wanted.intent == "block"
    assert not wanted.in_doubt
    assert wanted.firewall.settles(RULE)


def test_what_cannot_be_read_is_told_and_leaves_doubt(capfd):
    wanted, unread = take_policies(Wanted(), [("ru\x1bles", memoryview(b"*filter\n")), ("good", memoryview(GOOD))])
    assert [name for name, _ in unread] == ["ru\x1bles"]
    assert wanted.in_doubt
    assert wanted.firewall.settles(RULE)
    said = capfd.readouterr().err
    assert "cut off" in said
    assert "held back" in said
    assert "\x1b" not in said


def test_doubt_from_before_stays():
    assert take_policies(Wanted(in_doubt=True), [])[0].in_doubt
    assert take_policies(Wanted(in_doubt=True), [("good", memoryview(GOOD))])[0].in_doubt
