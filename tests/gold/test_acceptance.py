"""The real parsers take everything that the command prints for the real logs.

Of each run all rules go to their parser at once, as they were printed and with every mark removed.
"""

from __future__ import annotations

import json
import re
import shlex
import subprocess
from collections.abc import Callable, Iterator, Sequence
from itertools import product
from pathlib import Path

import pytest

from tests.e2e.harness import QUIET_ENVIRONMENT
from tests.gold.corpus import CAPTURED, UPSTREAM, lines
from tests.gold.printed import opened, profiles, section
from tests.languages.test_seccomp import built

pytestmark = [pytest.mark.corpora, pytest.mark.root]

HONEYNET_LINES = 20_000
"""Lines of the honeynet log that are read; the rest has more of the same."""
SECONDS = 100

Run = Callable[..., str]

FIREWALLS = ("iptables", "nftables", "ufw")
INTENTS = ("auto", "allow", "block")

CASES = [
    *[("captured", *case) for case in product(FIREWALLS, INTENTS, (False, True))],
    # The large ones once for each language and intent, every other time to the letter.
    *[
        ("attacks", firewall, intent, bool((FIREWALLS.index(firewall) + INTENTS.index(intent)) % 2))
        for firewall, intent in product(FIREWALLS, INTENTS)
    ],
]

DEBIAN = """
table inet filter {
    chain input { type filter hook input priority filter; }
    chain forward { type filter hook forward priority filter; }
    chain output { type filter hook output priority filter; }
}
"""
"""The chains that Debian's /etc/nftables.conf has."""

UFW = """
import builtins, json, sys
builtins._ = lambda text: text
import ufw.frontend
for words in json.load(sys.stdin):
    ufw.frontend.parse_command(words)
    print("taken")
"""
"""ufw's own parser; one that does not take a command ends the process."""


@pytest.fixture(scope="module")
def logs(corpora: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[str]]:
    """Names of files by the name that the tests have for them."""
    folder = tmp_path_factory.mktemp("logs")
    honeynet, upstream = folder / "honeynet.log", folder / "upstream.log"
    honeynet.write_bytes(b"\n".join(lines(corpora / "netfilter/honeynet-sotm34.log.gz")[:HONEYNET_LINES]) + b"\n")
    upstream.write_bytes(b"\n".join(lines(corpora / UPSTREAM)) + b"\n")
    captured = [str(corpora / "captured" / name) for name in CAPTURED]
    attacks = sorted(str(path) for path in (corpora / "netfilter/psad-scans").iterdir())
    denials = sorted(str(path) for path in (corpora / "apparmor/apparmor.d-logs").iterdir())
    return {"captured": captured, "attacks": [*attacks, str(honeynet)], "denials": [*captured, *denials, str(upstream)]}


@pytest.fixture(scope="module")
def run(command: Path, logs: dict[str, list[str]]) -> Run:
    """A function that gives what the command prints for some logs."""

    def printed(name: str, *options: str) -> str:
        asked = [str(command), "-q", *options, *logs[name]]
        done = subprocess.run(asked, capture_output=True, text=True, check=False, timeout=SECONDS, env=QUIET_ENVIRONMENT)
        assert done.returncode == 0, done.stderr
        return done.stdout

    return printed


@pytest.fixture(scope="module")
def taken(require_tool: Callable[[str], str]) -> Callable[..., str]:
    """A function that runs a program in a network namespace of its own, where it must not complain; gives its output."""
    unshare = require_tool("unshare")
    for tool in ("iptables", "iptables-restore", "ip6tables-restore", "ipset", "nft", "ufw", "sh"):
        require_tool(tool)

    def take(*words: str, text: str) -> str:
        given = [unshare, "-n", *words]
        done = subprocess.run(given, input=text, capture_output=True, text=True, check=False, timeout=SECONDS)
        assert (done.returncode, done.stderr) == (0, ""), (done.stderr[:2000], text[:2000])
        return done.stdout

    return take


@pytest.mark.parametrize(("name", "firewall", "intent", "exact"), CASES)
def test_firewall_rules(run: Run, taken, name: str, firewall: str, intent: str, exact: bool):
    options = ("-k", "netfilter", "-f", "rules", "--firewall", firewall, "--intent", intent, *["--exact"] * exact)
    printed = section(run(name, *options), firewall)
    for text in (printed, opened(printed)):
        {"iptables": take_iptables, "nftables": take_nftables, "ufw": take_ufw}[firewall](taken, text)
    assert commands(opened(printed), "once") or firewall == "nftables"
    if firewall == "iptables" and not exact:
        run_twice(taken, opened(printed))


def commands(text: str, first: str) -> list[list[str]]:
    """The commands of a script that stand alone on a line and begin with this word, as the shell takes them apart."""
    return [shlex.split(line) for line in text.split("\n") if line.startswith(f"{first} ")]


def take_iptables(taken: Callable[..., str], text: str) -> None:
    """All rules in one iptables-restore --test and one ip6tables-restore --test, behind the sets that they name."""
    taken("sh", "-n", text=text)
    script = ["set -e", _here("ipset -exist restore", (words[2:] for words in commands(text, "ipset")))]
    for tool in ("iptables", "ip6tables"):
        rules = [["-A", *words[3:]] for words in commands(text, "once") if words[1] == tool]
        script.append(_here(f"{tool}-restore --test", [["*filter"], *rules, ["COMMIT"]]))
    taken("sh", text="\n".join(script))


def _here(command: str, given: Sequence[list[str]] | Iterator[list[str]]) -> str:
    text = "\n".join(" ".join(map(_restored, words)) for words in given)
    return f"{command} <<'END'\n{text}\nEND" if text else ""


def _restored(word: str) -> str:
    """A word as iptables-restore reads it (xshared.c: double quotes, and a backslash inside)."""
    return word if re.fullmatch(r"[\w*@+.:/,-]+", word) else '"' + re.sub(r'(["\\])', r"\\\1", word) + '"'


def take_nftables(taken: Callable[..., str], text: str) -> None:
    taken("sh", text=f"nft -f - <<'END' && exec nft -c -f /dev/fd/3 3<<'FILE'\n{DEBIAN}\nEND\n{text}\nFILE")


_TRIED: set[tuple[str, ...]] = set()
"""The kinds of commands that ufw itself was started for."""


def take_ufw(taken: Callable[..., str], text: str) -> None:
    """All rules in ufw's own parser, and one of each kind in the command itself."""
    taken("sh", "-n", text=text)
    rules = [words[1:] for words in commands(text, "once")]
    done = taken("/usr/bin/python3", "-IBc", UFW, text=json.dumps(rules))
    assert done == "taken\n" * len(rules)
    kinds = {kind: words for words in rules if (kind := _kind(words)) not in _TRIED}
    _TRIED.update(kinds)
    script = [shlex.join(["ufw", "--dry-run", *words[1:]]) for words in kinds.values()]
    said = taken("sh", text="\n".join(["set -e", *script]))
    assert len(re.findall(r"(?m)^\*filter$", said)) >= len(kinds)


def _kind(words: Sequence[str]) -> tuple[str, ...]:
    """A command without its values."""
    return tuple(re.sub(r"[0-9].*", ":" if ":" in word else "0", word) for word in words if " " not in word)


def run_twice(taken: Callable[..., str], text: str) -> None:
    """As it stands, by sh: the second time changes nothing, and there is one jump into each chain of ours."""
    saved = "iptables-save | grep -v '^#'; ip6tables-save | grep -v '^#'; echo ----"
    once, twice, rest = taken("sh", text=f"{text}\n{saved}\n{text}\n{saved}\n").split("----\n")
    assert rest == ""
    assert _uncounted(once) == _uncounted(twice)
    rules = commands(text, "once")
    for tool, part in zip(("iptables", "ip6tables"), once.split("COMMIT\n"), strict=False):
        for chain in ("INPUT", "FORWARD", "OUTPUT"):
            wanted = any(words[1] == tool and words[3] == chain for words in rules)
            assert part.count(f"-A {chain} -j SYSLOGPARSE-{chain}\n") == wanted


def _uncounted(saved: str) -> str:
    return re.sub(r"\[\d+:\d+\]", "", saved)


@pytest.mark.parametrize("exact", [False, True], ids=["usual", "exact"])
def test_apparmor_rules(run: Run, require_tool, exact: bool):
    printed = section(run("denials", "-k", "apparmor", "-f", "rules", *["--exact"] * exact), "apparmor")
    for text in (printed, opened(printed)):
        blocks = [f"profile p{number} {{\n{rules}\n}}\n" for number, rules in enumerate(profiles(text).values())]
        assert len(blocks) > 20
        given = "include <tunables/global>\n" + "".join(blocks)
        parser = [require_tool("apparmor_parser"), "-Q", "-K"]
        done = subprocess.run(parser, input=given, text=True, capture_output=True, check=False, timeout=SECONDS)
        assert done.returncode == 0, (done.stderr, given[:2000])


def test_seccomp_profiles(run: Run):
    found = json.loads(run("captured", "-k", "seccomp", "-f", "json"))["suggestions"]
    documents = [line for one in found for line in one["alternatives"] if line.startswith("{")]
    assert len(documents) == len(found) > 1
    assert all(built(document) for document in documents)


def test_seccomp_lines_of_units(run: Run, require_tool, tmp_path: Path):
    """Below a list that allows the rest, as the head says."""
    text = opened(section(run("captured", "-k", "seccomp", "-f", "rules"), "seccomp"))
    said = re.findall(r"(?m)^ *(?:# or: |# .*, also: )?(SystemCall\w+=.*)$", text)
    assert said
    unit = tmp_path / "sp-test.service"
    unit.write_text(
        "\n".join(["[Service]", "Type=oneshot", "ExecStart=/bin/true", "SystemCallFilter=@system-service", *said, ""])
    )
    verify = [require_tool("systemd-analyze"), "verify", str(unit)]
    done = subprocess.run(verify, capture_output=True, text=True, check=False, timeout=SECONDS)
    assert not re.search("SystemCall|system call", done.stderr), done.stderr
