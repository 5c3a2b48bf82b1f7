import pytest
from hypothesis import given
from hypothesis import strategies as st

from syslogparse.languages.ufw import HEAD, lines, pasted, undo, unsayable
from syslogparse.languages.ufw_grammar import check
from tests.languages.firewalls import RICH

SAMPLES = sorted(
    {
        line
        for rule in RICH
        if not unsayable(rule)
        for line in (*lines(rule), *pasted(rule, "a b"), *pasted(rule, "a"), *undo(rule))
    }
)


def test_the_samples_and_the_head():
    assert len(SAMPLES) > 20
    assert all(map(check, (*SAMPLES, *HEAD)))
    assert not any(check(f"{line} ") for line in HEAD if not line.startswith("# "))


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
        "ufw allow in on eth0 from 192.0.2.1 proto any",
        "ufw allow in on eth0 from 192.0.2.1 proto icmp",
        "ufw allow in on eth0 from ::1 proto igmp",
        "ufw allow in on eth0 from ::1 to 192.0.2.1 proto tcp",
        "ufw allow in on eth0 from 192.0.2.1 to any port 0 proto tcp",
        "ufw allow in on eth0 from 192.0.2.1 to any port 65536 proto tcp",
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
        "ufw allow in on eth0 from 192.0.2.1/24 proto tcp",
        "ufw allow in on eth0 from 192.0.2.1/32 proto tcp",
        "ufw allow in on eth0 from 192.0.2.1,192.0.2.2 proto tcp",
        "ufw allow in on eth0 from ... proto tcp",
        "ufw allow in on eth0 from 192.0.2.1 to 2001:db8::/32 proto tcp",
        "ufw allow in on eth0 from 192.0.2.1 to any port 2,1 proto tcp",
        "ufw allow in on eth0 from 192.0.2.1 to any port 1,1 proto tcp",
        "ufw allow in on eth0 from 192.0.2.1 to any port 2:1 proto tcp",
        "ufw allow in on eth0 from 192.0.2.1 to any port 1:1 proto tcp",
        "ufw allow in on eth0 from 192.0.2.1 to any port 0:1 proto tcp",
        "ufw allow in on eth0 from 192.0.2.1 to any port 0,1 proto tcp",
        "ufw allow in on eth0 from 192.0.2.1 to any port 1, proto tcp",
        "ufw allow in on eth0 from 192.0.2.1 to any port 1-2 proto tcp",
        "ufw allow in on eth0 from 192.0.2.1 to any port 1:5,4:9 proto tcp",
        "ufw allow in on eth0 from 192.0.2.1 to any port 1,2:3,65536 proto tcp",
        "ufw allow in on eth0 from 192.0.2.1 to any port 1,ssh proto tcp",
        f"ufw allow in on eth0 from 192.0.2.1 to any port {','.join(map(str, range(1, 17)))} proto tcp",
        "ufw allow in on eth0 from 192.0.2.1 to any port 1:2,3:4,5:6,7:8,9:10,11:12,13:14,15:16 proto tcp",
        "ufw allow in on eth0 from 192.0.2.1 to any port 1,2 proto esp",
        "once",
        "once ufw",
        "once once ufw allow in on eth0 from 192.0.2.1 proto tcp",
        "once ufw delete allow in on eth0 from 192.0.2.1 proto tcp",
        "once  ufw allow in on eth0 from 192.0.2.1 proto tcp",
        "once ufw reset",
        "once() {",
        "shift",
        "#x",
        "# a\nid",
    ],
)
def test_the_grammar_refuses(text):
    assert not check(text)


@given(st.sampled_from(SAMPLES), st.integers(0, 150), st.characters())
def test_one_more_character_is_another_value_or_refused(text, place, character):
    place %= len(text) + 1
    spoiled = text[:place] + character + text[place:]
    if check(spoiled):
        assert character.isascii()
        assert character.isalnum() or character in "_.@+-:/, "
        assert spoiled.count("'") == text.count("'")


@given(st.sampled_from(SAMPLES), st.integers(0, 150), st.integers(1, 30))
def test_a_line_that_lost_something_is_refused_or_has_another_value(text, place, length):
    place %= len(text)
    rest = text[:place] + text[place + length :]
    if check(rest):
        assert rest.split(" ")[0] in ("ufw", "once")
        assert " proto " in rest


@given(st.text(max_size=60))
def test_any_text_is_checked_without_an_exception(text):
    assert check(text) in (True, False)
    assert check(f"ufw allow in on eth0 from {text} proto tcp") in (True, False)
    assert check(f"ufw allow in on eth0 from 192.0.2.1 to any port {text} proto tcp") in (True, False)
