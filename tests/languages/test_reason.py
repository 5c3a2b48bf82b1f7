import pytest
from hypothesis import given
from hypothesis import strategies as st

from syslogparse.languages.reason import LONGEST, steady, tamed

PLAIN = set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 .,:/_-")


@pytest.mark.parametrize(
    ("why", "comment"),
    [
        ("block: It was refused.", "block: It was refused."),
        ("TCP flags (none, FIN alone): a scan", "TCP flags none, FIN alone: a scan"),
        ("a\"b'c\\d\ne", "a b c d e"),
        ("$(reboot);`x`", "reboot, x"),
        ("to all; it ends", "to all, it ends"),
        ("\u202e", ""),
        ("x" * 127, "x" * 127),
        ("x" * 128, "x" * 124 + "..."),
    ],
)
def test_what_becomes_of_it(why, comment):
    assert tamed(why) == comment


@given(st.text(max_size=300))
def test_it_is_short_and_plain(why):
    comment = tamed(why)
    assert len(comment) <= LONGEST
    assert set(comment) <= PLAIN
    assert tamed(comment) == comment


def test_a_steady_reason_is_the_same_whatever_the_counts_are():
    early = steady("block: 23,486 sources tried these 6 ports: closed for anybody; 2 ports of the same destination.")
    late = steady("block: 9 sources tried these 7 ports: closed for anybody; 31 ports of the same destination.")
    assert early == late == "block: sources tried these ports: closed for anybody; ports of the same destination."
    assert steady("IPv6 over port 22, RFC 4890: 192.0.2.1 asked.") == "IPv6 over port 22, RFC 4890: 192.0.2.1 asked."
