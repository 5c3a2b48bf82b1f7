"""What the tests of the languages share: a network namespace to load rules in, and rules from real logs."""

from __future__ import annotations

import gzip
import subprocess
from collections.abc import Callable

import pytest

from syslogparse.evidence.model import Evidence, Key
from syslogparse.rules import firewall
from syslogparse.rules.merge import AskedIntent
from syslogparse.rules.model import FirewallRule
from syslogparse.rules.wanted import Wanted
from tests.rules.make import events_of

HONEYNET_LINES = 20_000
"""Lines of the honeynet log that are read; the rest has more of the same, and all of it takes a minute."""


@pytest.fixture(scope="session")
def in_own_namespace(require_tool) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Runs a program in a network namespace of its own: no rule of this machine is seen or changed."""
    unshare = require_tool("unshare")
    for tool in ("iptables", "ip6tables", "iptables-restore", "ip6tables-restore", "iptables-save", "ip6tables-save", "nft"):
        require_tool(tool)

    def run(*command: str, text: str = "") -> subprocess.CompletedProcess[str]:
        done = subprocess.run([unshare, "-n", *command], input=text, capture_output=True, text=True, check=False, timeout=120)
        assert done.returncode == 0, (command, text[:2000], done.stderr[:2000])
        return done

    return run


@pytest.fixture(scope="session")
def corpus_rules(corpora) -> list[FirewallRule]:
    """Every firewall rule that any intent makes of the real logs, in their natural order."""
    found: dict[Key, Evidence] = {}
    for log in [*sorted((corpora / "captured").iterdir()), *sorted((corpora / "netfilter").rglob("*"))]:
        if log.is_dir():
            continue
        raw = log.read_bytes()
        if log.suffix == ".gz":
            raw = b"\n".join(gzip.decompress(raw).split(b"\n")[:HONEYNET_LINES])
        for item in events_of(raw):
            if item.kind == "netfilter":
                found.setdefault(item.key, item)
    intents: tuple[AskedIntent, ...] = ("auto", "allow", "block")
    advised = {one.rule for intent in intents for one in firewall.advise(found.values(), Wanted(intent)).suggestions}
    rules = [rule for rule in advised if isinstance(rule, FirewallRule)]
    assert len(rules) > 1000
    return sorted(rules, key=firewall.natural_order)
