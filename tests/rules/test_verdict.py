import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syslogparse.rules.verdict import verdict


@pytest.mark.parametrize(
    ("prefix", "expected"),
    [
        (b"[UFW BLOCK]", "refused"),
        (b"[UFW LIMIT BLOCK]", "refused"),
        (b"[UFW ALLOW]", "accepted"),
        (b"[UFW LIMIT]", "accepted"),
        (b"[UFW AUDIT]", "audited"),
        (b"[UFW AUDIT INVALID]", "audited"),
        (b"Shorewall:net-fw:DROP:", "refused"),
        (b"Shorewall:loc2net:ACCEPT:", "accepted"),
        (b"FINAL_REJECT: ", "refused"),
        (b"IPTABLES-DROP:", "refused"),
        (b"iptables denied: ", "refused"),
        (b"DropInput", "refused"),
        (b"INPUTDROP", "refused"),
        (b"indrop", "refused"),
        (b"IN-drop ", "refused"),
        (b"logaccept", "accepted"),
        (b"fw-Blocked", "refused"),
        (b"not allowed ", "refused"),
        (b"NOT-BLOCKED", "logged"),
        (b"", "logged"),
        (b"[nft all] ", "logged"),
        (b"dropbox", "logged"),
        (b"blockchain: ", "logged"),
        (b"backdrop", "logged"),
        (b"allowance ", "logged"),
        (b"passport", "logged"),
        (b"ingress:", "logged"),
        (b"\xff\xfeDROP\xff", "refused"),
    ],
)
def test_words_of_prefixes(prefix, expected):
    assert verdict(prefix) == expected


@given(st.binary(max_size=200))
def test_any_prefix_has_a_verdict(prefix):
    assert verdict(prefix) in ("refused", "accepted", "audited", "logged")


@pytest.mark.parametrize("unit", [b"in", b"IN", b"Drop", b"a", b"A", b"inout", b"-", b"dropx"])
def test_long_prefixes_are_linear(unit):
    def cost(times):
        start = time.process_time()
        verdict(unit * times + b"?")
        return time.process_time() - start

    assert cost(200_000) < 50 * max(cost(20_000), 0.01)
