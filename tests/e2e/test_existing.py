"""The installed command with --existing: what is settled or forbidden is left out, and what cannot be read is told."""

from __future__ import annotations

import json

import pytest

from tests.e2e.harness import as_user, done

pytestmark = pytest.mark.root

ACCEPTS = b"*filter\n:INPUT DROP [0:0]\n-A INPUT -s 198.51.100.7/32 -p tcp -m tcp --dport 8080 -j ACCEPT\nCOMMIT\n"
REFUSES = b"*filter\n:INPUT DROP [0:0]\n-A INPUT -s 198.51.100.0/24 -j REJECT --reject-with icmp-port-unreachable\nCOMMIT\n"
NAMES_A_SET = b"*filter\n:INPUT DROP [0:0]\n-A INPUT -p icmp -j ACCEPT\n-A INPUT -m set --match-set good src -j ACCEPT\nCOMMIT\n"
SETS = b"create good hash:net family inet\nadd good 198.51.100.0/24\n"
RULESET = json.dumps(
    {
        "nftables": [
            {"table": {"family": "inet", "name": "t"}},
            {
                "chain": {
                    "family": "inet",
                    "table": "t",
                    "name": "c",
                    "type": "filter",
                    "hook": "input",
                    "prio": 0,
                    "policy": "drop",
                }
            },
            {"set": {"family": "inet", "table": "t", "name": "s", "type": "ipv4_addr", "elem": ["198.51.100.7"]}},
            {
                "rule": {
                    "family": "inet",
                    "table": "t",
                    "chain": "c",
                    "expr": [
                        {"match": {"op": "==", "left": {"payload": {"protocol": "ip", "field": "saddr"}}, "right": "@s"}},
                        {"vmap": {"key": {"meta": {"key": "iifname"}}, "data": {"set": [["eth*", {"accept": None}]]}}},
                    ],
                }
            },
        ]
    }
).encode()


@pytest.fixture(scope="module")
def refused_log(stage):
    """Four attempts of one host at one port, each refused."""
    lines = (
        f"Nov 22 05:{minute:02}:00 gw kernel: [ {minute}.0] [UFW BLOCK] IN=eth0 OUT= "
        "MAC=00:00:00:00:00:01:00:00:00:00:00:02:08:00 SRC=198.51.100.7 DST=203.0.113.1 LEN=60 TOS=0x00 PREC=0x00 TTL=64 "
        f"ID={minute} DF PROTO=TCP SPT={4000 + minute} DPT=8080 WINDOW=64240 RES=0x00 SYN URGP=0\n"
        for minute in range(4)
    )
    log = stage / "refused.log"
    log.write_text("".join(lines))
    return log


@pytest.fixture
def policy(stage):
    """Writes files and gives the options that name them."""

    def options(*contents: bytes) -> list[str]:
        found = []
        for number, content in enumerate(contents):
            file = stage / f"policy{number}"
            file.write_bytes(content)
            found += ["--existing", str(file)]
        return found

    return options


def _report(ended):
    document = json.loads(ended.out)
    return [(one["intent"], one["risk"]) for one in document["suggestions"]], document["summary"]


TRUSTING = ["--trusted-net", "198.51.100.0/24"]


def _open(command, log, *options):
    """Whether the one allow rule stands open among what may be pasted."""
    ended = done([command, "-q", "-f", "rules", *TRUSTING, *options, log])
    lines = [line for line in ended.out.decode().split("\n") if "--dport 8080" in line]
    return [not line.startswith("#") for line in lines]


def test_without_policy_there_is_a_rule(command, refused_log):
    suggestions, summary = _report(done([command, "-q", "-f", "json", *TRUSTING, refused_log]))
    assert len(suggestions) == 1
    assert summary["policy"] == []
    assert _open(command, refused_log) == [True]


@pytest.mark.parametrize("output", ["json", "rules", "text"])
@pytest.mark.parametrize(
    ("contents", "reason"),
    [
        ([ACCEPTS], "settled by the policy in force"),
        ([RULESET], "settled by the policy in force"),
        ([NAMES_A_SET, SETS], "settled by the policy in force"),
        ([REFUSES], "a rule of the policy in force refuses it explicitly"),
        ([RULESET, REFUSES], "a rule of the policy in force refuses it explicitly"),
    ],
    ids=["iptables", "nft", "sets", "forbidden", "both"],
)
def test_what_is_settled_or_forbidden_is_not_suggested(command, refused_log, policy, contents, reason, output):
    ended = done([command, "-q", "-f", output, *TRUSTING, *policy(*contents), refused_log])
    assert (ended.status, ended.err) == (0, b"")
    assert b"--dport 8080" not in ended.out
    if output == "json":
        suggestions, summary = _report(ended)
        assert suggestions == []
        assert summary["not_suggested"] == {reason: 4}
        assert len(summary["policy"]) == len(contents)


@pytest.mark.parametrize(
    "content", [b"", b"*filter\n", b"{" * 100_000, b"\xff\x00", b'{"nftables": []}', b"table inet filter {\n}\n"]
)
def test_what_cannot_be_read_is_told_and_nothing_is_opened(command, refused_log, policy, content):
    options = policy(content)
    ended = done([command, "-q", "-f", "json", *TRUSTING, *options, refused_log])
    assert ended.status == 3
    assert b"this policy is not used, and what opens anything is held back\n" in ended.err
    suggestions, summary = _report(ended)
    assert [risk for _, risk in suggestions] in (["high"], ["critical"])
    assert (summary["unreadable"], summary["policy"]) == ([options[1]], [])
    assert _open(command, refused_log, *options) == [False]


def test_what_cannot_be_opened_is_told_and_nothing_is_opened(command, refused_log, stage, policy):
    missing = ["--existing", str(stage / "none"), "--existing", "/dev/zero", "--existing", "-"]
    ended = done([command, "-q", "-f", "json", *TRUSTING, *missing, *policy(SETS), refused_log])
    assert ended.status == 3
    assert ended.err.count(b"this policy is not used") == 3
    suggestions, summary = _report(ended)
    assert len(suggestions) == 1
    assert len(summary["unreadable"]) == 3
    assert _open(command, refused_log, *missing) == [False]


def test_events_need_no_policy(command, refused_log, policy):
    ended = done([command, "-q", "-f", "events", *policy(ACCEPTS), refused_log])
    assert (ended.status, ended.err) == (0, b"")
    assert ended.out.count(b"\n") == 4


def test_a_user_reads_what_he_may_read(command, refused_log, policy, stage):
    options = policy(ACCEPTS)
    ended = done(as_user(command, "-q", "-f", "json", *options, refused_log))
    assert (ended.status, _report(ended)[0]) == (0, [])
    (stage / "policy0").chmod(0o600)
    ended = done(as_user(command, "-q", "-f", "json", *options, refused_log))
    assert ended.status == 3
    assert b"permission denied" in ended.err


def test_a_large_policy_is_read_within_the_limits(command, refused_log, policy):
    rules = b"".join(
        b"[0:0] -A INPUT -s 10.%d.%d.%d/32 -p tcp -m tcp --dport 22 -j DROP\n" % (n >> 16, n >> 8 & 255, n & 255)
        for n in range(240_000)
    )
    whole = ACCEPTS.replace(b"-A INPUT", rules + b"-A INPUT")
    assert 15 << 20 < len(whole) < 16 << 20
    ended = done([command, "-q", "-f", "json", *policy(whole), refused_log], seconds=300)
    assert (ended.status, _report(ended)[0]) == (0, [])
