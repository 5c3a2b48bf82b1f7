"""All visible corpora: how many lines of interest, how many events, what stays undecoded and why."""

import json
import sys
from collections import Counter, defaultdict

import pytest

from tests.e2e.harness import done
from tests.gold.contract import problems
from tests.gold.corpus import CORPORA, UPSTREAM, Expected, lines, results, summed

pytestmark = pytest.mark.corpora
SAMPLED = 10
"""Of the largest corpus, all of whose lines are alike, every tenth event is looked at."""
_GARBAGE = "ptrace_garbage_lp1689667_2"
"""Invalid to libapparmor, because a denial's target is no UTF-8. The kernel denied it all the same."""


@pytest.fixture(scope="module")
def upstream(corpora) -> Expected:
    """By upstream's own word: what libapparmor calls invalid is no event of AppArmor."""
    cases = [json.loads(line) for line in (corpora / UPSTREAM).read_text().splitlines()]
    return Expected(apparmor=sum(case["event"] != "INVALID" or case["name"] == _GARBAGE for case in cases))


def test_table(corpora, upstream):
    """Printed with -s; this is the table of the closing note."""
    wrong, sums = {}, Expected()
    table = [f"\n{'corpus':<60}{'of interest':>12}{'decoded':>9}{'undecoded':>10}  reasons"]
    for name, expected in {**CORPORA, UPSTREAM: upstream}.items():
        found = summed(results(corpora / name))
        undecoded = sum(count for _, count in found.undecoded)
        decoded = found.netfilter + found.apparmor + found.seccomp
        reasons = ", ".join(f"{reason}: {count}" for reason, count in found.undecoded)
        table.append(f"{name:<60}{decoded + undecoded:>12}{decoded:>9}{undecoded:>10}  {reasons}")
        sums = Expected(sums.netfilter + found.netfilter, sums.apparmor + found.apparmor, sums.seccomp + found.seccomp)
        if (found._replace(undecoded=()) if name == UPSTREAM else found) != expected:
            wrong[name] = (found, expected)
    kinds = f"netfilter {sums.netfilter}, apparmor {sums.apparmor}, seccomp {sums.seccomp}"
    table.append(f"{'all':<60}{'':>12}{sum(sums[:3]):>9}{'':>10}  {kinds}")
    sys.stdout.write("\n".join(table) + "\n")
    assert not wrong


@pytest.mark.root
def test_events_keep_the_contract(command, corpora, tmp_path):
    """Through the installed command: every event of every corpus has DESIGN 6's fields and no others."""
    cases = tmp_path / "cases.log"
    cases.write_bytes(b"\n".join(lines(corpora / UPSTREAM)) + b"\n")
    paths = {str(corpora / name): expected for name, expected in CORPORA.items()}
    ended = done([command, "-q", "-f", "events", *paths, cases], seconds=300)
    assert ended.status == 0, ended.err
    counted: dict[str, Counter[str]] = defaultdict(Counter)
    before = ("", 0)
    for number, text in enumerate(ended.out.splitlines()):
        document = json.loads(text)
        if number % SAMPLED == 0 or "honeynet" not in document["file"]:
            assert not problems(document), text
        counted[document["file"]][document["kind"]] += 1
        if document["file"] == before[0]:
            assert document["line"] > before[1]
        before = document["file"], document["line"]
    for path, expected in paths.items():
        wanted = Counter(netfilter=expected.netfilter, apparmor=expected.apparmor, seccomp=expected.seccomp)
        assert counted[path] == +wanted, path


@pytest.mark.root
def test_folded_alike(command, corpora):
    """The formats that fold count the same events, and report the same lines that are none."""
    ended = done([command, "-q", "-f", "json", *(corpora / name for name in CORPORA)], seconds=300)
    assert ended.status == 0, ended.err
    summary = json.loads(ended.out)["summary"]
    for kind in ("netfilter", "apparmor", "seccomp"):
        assert summary["events"][kind] == sum(getattr(expected, kind) for expected in CORPORA.values())
    reasons: Counter[str] = Counter()
    for expected in CORPORA.values():
        reasons.update(dict(expected.undecoded))
    assert summary["undecoded"]["reasons"] == reasons
