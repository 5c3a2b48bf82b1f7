"""What real kernels of our own rig logged, through every daemon: no line of interest stays undecoded."""

import pytest

from syslogparse.evidence.model import Event
from tests.gold.corpus import CAPTURED, NEWEST, results, summed

pytestmark = pytest.mark.corpora
FIRST = 1_795_327_000 * 10**6
"""Before the first captured line."""


def test_no_file_is_left_out(corpora):
    assert sorted(path.name for path in (corpora / "captured").iterdir()) == sorted(CAPTURED)


@pytest.mark.parametrize("name", CAPTURED)
def test_every_line_of_interest_is_an_event(corpora, name):
    assert summed(results(corpora / "captured" / name)) == CAPTURED[name]


@pytest.mark.parametrize("name", [name for name in CAPTURED if not name.startswith(("iptables", "nftables", "ufw"))])
def test_every_time_is_the_machines(corpora, name):
    """Packets that dmesg printed have only the time since boot."""
    times = [result.event.time for result in results(corpora / "captured" / name) if isinstance(result.event, Event)]
    assert all(time is not None and FIRST < time < NEWEST for time in times)


@pytest.mark.parametrize("name", CAPTURED)
def test_who_said_it(corpora, name):
    """journald's own text of audit records can be forged in its text forms: grade syslog. So can what ausearch
    has put into words. The rest is worth its file."""
    found = [result for result in results(corpora / "captured" / name) if isinstance(result.event, Event)]
    for line, event in found:
        assert isinstance(event, Event)
        if b"vmrig audit[" in line or "ausearch-i" in name:
            assert event.grade == "syslog"
        elif name.startswith("audit"):
            assert event.grade == "kernel"
        elif "json" not in name:
            assert event.grade == "kern"
        if name.startswith(("rsyslog", "journal")):
            assert event.host == b"vmrig"
