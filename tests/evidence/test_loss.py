"""What logs say of their own losses."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syslogparse.evidence import loss
from syslogparse.evidence.loss import AUDIT_LITERAL, LITERALS, MAX_COUNT, Loss, read

AT = b"Oct 29 09:20:01 gw "
LOSSES = [
    (b"kernel: [87589.487390] __ratelimit: 36 callbacks suppressed", "kernel messages suppressed", 36),
    (b"kernel: [87589.487390] type __ratelimit: 36 callbacks suppressed", "kernel messages suppressed", 36),
    (b"kernel: net_ratelimit: 7 callbacks suppressed", "kernel messages suppressed", 7),
    (b"kernel: kauditd_printk_skb: 12 callbacks suppressed", "kernel messages suppressed", 12),
    (b"kernel: audit_printk_skb: 9 callbacks suppressed", "kernel messages suppressed", 9),
    (b"kernel: [68883272.061562] audit_log_start: 1227 callbacks suppressed", "kernel messages suppressed", 1227),
    (b"kernel: printk: 5 messages suppressed.", "kernel messages suppressed", 5),
    (b"kernel: nf_log_packet: 5 callbacks suppressed", "kernel messages suppressed", 5),
    (b"kernel: audit: audit_lost=494218 audit_rate_limit=0 audit_backlog_limit=4096", "audit records lost in total", 494218),
    (b"systemd-journald[1]: Suppressed 12 messages from x.service", "messages suppressed by the journal", 12),
    (b"journal: Suppressed 12 messages from /system.slice/x.service", "messages suppressed by the journal", 12),
    (b"systemd-journal[1]: Suppressed 12 messages from /system.slice/x.service", "messages suppressed by the journal", 12),
    (b"systemd-journald[1]: Missed 3 kernel messages", "kernel messages missed by the journal", 3),
    (b"rsyslogd-2177: imuxsock lost 984 messages from pid 13518 due to rate-limiting", "messages lost by the log daemon", 984),
    (
        b"rsyslogd[48]: imjournal: 119806 messages lost due to rate-limiting (20000 allowed within 600 seconds)",
        "messages lost by the log daemon",
        119806,
    ),
    (
        b"rsyslogd: imuxsock[pid: 268, name: /root/x]: 193130 messages lost due to rate-limiting",
        "messages lost by the log daemon",
        193130,
    ),
    (b"auditd[1]: dispatch err (pipe full) event lost", "audit records lost", 0),
    (b"last message repeated 3 times", "messages repeated", 3),
]


@pytest.mark.parametrize(("text", "kind", "count"), LOSSES)
def test_losses(text: bytes, kind: loss.LossKind, count: int):
    for front in (AT, b"2026-11-22T06:20:24+00:00 gw ", b"Oct 29 09:20:01 "):
        for end in (b"", b" ", b"\r"):
            assert read(front + text + end) == Loss(kind, count)
    assert any(literal in text for literal in (*LITERALS, AUDIT_LITERAL))


def test_in_the_ring_buffer():
    assert read(b"[87589.487390] kauditd_printk_skb: 12 callbacks suppressed") == Loss("kernel messages suppressed", 12)
    assert read(b"[87589.487390] audit: audit_lost=1 audit_rate_limit=0 audit_backlog_limit=64") == Loss(
        "audit records lost in total", 1
    )


@pytest.mark.parametrize("text", [text for text, _, _ in LOSSES])
@pytest.mark.parametrize(
    "tag", [b"sshd[1]: ", b"root: ", b"kernel[1]: ", b"mykernel: ", b"app: x ", b"dbus[1]: ", b"audit[1]: ", b"app "]
)
def test_others_lose_nothing(tag: bytes, text: bytes):
    _, colon, message = text.partition(b": ")
    assert read(AT + tag + (message if colon else text)) is None
    assert read(AT + tag + text) is None
    assert read(tag + text) is None


@pytest.mark.parametrize(
    "text",
    [
        b"kernel: ath9k_isr: 5 callbacks suppressed",
        b"kernel: x __ratelimit: 36 callbacks suppressed",
        b"kernel: usb 1-1: Product: __ratelimit: 36 callbacks suppressed",
        b"kernel: __ratelimit: callbacks suppressed",
        b"kernel: __ratelimit: -3 callbacks suppressed",
        b"kernel: audit: audit_backlog=4097 > audit_backlog_limit=4096",
        b"kernel: audit_lost=3",
        b"kernel: Suppressed 12 messages from x.service",
        b"systemd-journald[1]: Journal started, lost nothing",
        b"systemd-journald[1]: audit: audit_lost=3",
        b"systemd-journald[1]: x Suppressed 12 messages from y",
        b"rsyslogd: rsyslogd[internal_messages]: 5923 messages lost due to rate-limiting (500 allowed within 5 seconds)",
        b"rsyslogd: action 'x' lost connection",
        b"sshd[1]: last message repeated 3 times",
        b"last message repeated 3 times and more",
    ],
)
def test_no_loss(text: bytes):
    assert read(AT + text) is None


def test_what_is_too_much():
    assert read(AT + b"kernel: printk: 99999999999999999999 messages suppressed.") == Loss(
        "kernel messages suppressed", MAX_COUNT
    )
    assert read(AT + b"kernel: printk: 999999999999999999999 messages suppressed.") is None
    assert read(AT + b"kernel: audit: audit_lost=3 " + b"x" * 5000) is None


def test_few_literals():
    assert len(LITERALS) <= 4, "each costs a scan of every log"


@given(st.binary(max_size=120), st.sampled_from([text for text, _, _ in LOSSES]), st.integers(0, 60))
def test_any_bytes(junk: bytes, text: bytes, at: int):
    for line in (junk, AT + text[:at] + junk + text[at:], AT + text + junk):
        found = read(line)
        assert found is None or 0 <= found.count <= MAX_COUNT


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (b"Nov 22 06:20:01 gw kernel: [ 9.1] net_ratelimit: 7 callbacks suppressed", b"Nov 22 06:20:01"),
        (b"[    9.100000] net_ratelimit: 7 callbacks suppressed", b"[    9.100000]"),
        (b"Nov 22 06:20:01 gw last message repeated 3 times", b"Nov 22 06:20:01"),
        (b"2026-11-22T06:20:01+00:00 gw systemd-journald[9]: Missed 12 kernel messages", b"2026-11-22T06:20:01+00:00"),
        (b"no stamp at all", b""),
        (b"", b""),
    ],
)
def test_when_it_was_said(line, expected):
    assert loss.stamp(line) == expected
