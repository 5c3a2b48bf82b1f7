import pytest
from hypothesis import given
from hypothesis import strategies as st

from syslogparse.languages.reason import LONGEST, tamed

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
