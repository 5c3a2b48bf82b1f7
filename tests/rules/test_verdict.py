import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syslogparse.evidence.model import NetfilterKey
from syslogparse.rules.verdict import is_limited, verdict
from tests.rules.make import events_of


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


@pytest.mark.parametrize(
    ("prefix", "limited"),
    [
        (b"[UFW LIMIT BLOCK]", True),
        (b"SYN-flood DROP: ", True),
        (b"ratelimit-drop", True),
        (b"[UFW LIMIT]", False),
        (b"[UFW BLOCK]", False),
        (b"floodlight DROP", False),
        (b"", False),
    ],
)
def test_what_came_too_often(prefix, limited):
    assert is_limited(prefix) == limited


@pytest.mark.parametrize(
    ("glued", "expected"),
    [
        (b"DROPIN=", "refused"),
        (b"[UFW BLOCK]IN=", "refused"),
        (b"ACCEPTIN=", "accepted"),
        (b"INPUT-REJECTIN=", "refused"),
        (b"fwDENYIN=", "refused"),
    ],
)
def test_words_glued_to_the_interface(glued, expected):
    line = (
        b"Nov 21 00:00:01 gw kernel: " + glued + b"eth0 OUT= SRC=192.0.2.2 DST=192.0.2.1 LEN=60 TOS=0x00 PREC=0x00 TTL=64 ID=1 "
    )
    (item,) = events_of(line + b"DF PROTO=TCP SPT=1 DPT=80 WINDOW=1 RES=0x00 SYN URGP=0 ")
    assert isinstance(item.key, NetfilterKey)
    assert item.key.in_ == b"eth0"
    assert verdict(item.key.prefix) == expected


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
