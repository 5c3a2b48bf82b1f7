"""One event of the kernel, met through dmesg, rsyslog, journald and auditd, decodes to the same fields.

``audit(STAMP:SERIAL)`` says which event it is; a packet is told by the kernel's own text. Three limits are the daemons' own:
ausearch -i replaces numbers by names (the filter's action by ``kill`` for a thread and for a process), journald prints no stamp
of an audit record in its text forms, and ENRICHED adds names behind the kernel's text that no field may come from.
"""

import json
import re
from collections import defaultdict
from datetime import UTC, datetime

import pytest

from syslogparse.evidence.model import Event, Fields
from tests.gold.corpus import CAPTURED, results

pytestmark = pytest.mark.corpora

_IDENTITY = re.compile(rb"audit\((\d+)\.(\d{3}):(\d+)\)")
_INTERPRETED = re.compile(rb"audit\((\d\d/\d\d/\d\d \d\d:\d\d:\d\d)\.(\d{3}):(\d+)\)")
_PACKET = re.compile(rb"IN=\w* OUT=.*?(?= *(?:\"|$))")
_DMESG, _RSYSLOG, _AUDITD = "seccomp-6.12.log", "rsyslog-kern-6.12.log", "audit-RAW-6.12.log"
_NAMES = "ausearch-i-6.12.log"
_AUDITED = [name for name in CAPTURED if not name.startswith(("iptables", "nftables", "ufw"))]
_PACKETS = [name for name in CAPTURED if name.startswith(("rsyslog", "journal"))]
_SAID_OTHERWISE = {"uid", "gid", "auid", "ses", "code", "action", "syscall"}
"""What ausearch -i prints as a name."""


def _identity(line: bytes) -> tuple[int, int] | None:
    """Milliseconds since the epoch, and serial."""
    if found := _IDENTITY.search(line):
        return int(found[1]) * 1000 + int(found[2]), int(found[3])
    if found := _INTERPRETED.search(line):
        moment = datetime.strptime(found[1].decode(), "%m/%d/%y %H:%M:%S").replace(tzinfo=UTC)
        return int(moment.timestamp()) * 1000 + int(found[2]), int(found[3])
    if line.startswith(b"{") and (entry := json.loads(line)).get("_TRANSPORT") == "audit":
        return int(entry["_SOURCE_REALTIME_TIMESTAMP"]) // 1000, int(entry["_AUDIT_ID"])
    return None


@pytest.fixture(scope="module")
def audited(corpora) -> dict[tuple[int, int], dict[str, list[Fields]]]:
    """Fields by identity and file."""
    found: dict[tuple[int, int], dict[str, list[Fields]]] = defaultdict(lambda: defaultdict(list))
    for name in _AUDITED:
        for line, event in results(corpora / "captured" / name):
            if isinstance(event, Event) and event.kind != "netfilter" and (identity := _identity(line)) is not None:
                found[identity][name].append(event.fields)
    return found


@pytest.mark.parametrize("name", _AUDITED)
def test_the_stamp_is_the_time(corpora, name):
    """To the millisecond that the kernel gave, whatever the daemon wrote in front."""
    wrong = [
        (line[:120], event.time)
        for line, event in results(corpora / "captured" / name)
        if isinstance(event, Event) and (identity := _identity(line)) is not None and event.time != identity[0] * 1000
    ]
    assert not wrong, f"{len(wrong)}, the first: {wrong[0]}"


def test_audit_records_agree(audited):
    """An event can have several records: what is truncated while it is opened has two, with one serial."""
    for identity, places in audited.items():
        said = {name: {repr(sorted(fields.items())) for fields in each} for name, each in places.items() if name != _NAMES}
        assert len({frozenset(records) for records in said.values()}) <= 1, (identity, said)


def test_serials_do_not_tell_records_apart(audited):
    """Two denials of one system call share them, so that they alone do not make one of two."""
    records = [{repr(sorted(fields.items())) for fields in each} for places in audited.values() for each in places.values()]
    assert any(len(each) > 1 for each in records)


@pytest.mark.parametrize(
    ("one", "other", "least"),
    [
        (_DMESG, _AUDITD, 9),
        (_RSYSLOG, _AUDITD, 30),
        (_RSYSLOG, "rsyslog-kern-traditional-6.12.log", 49),
        (_RSYSLOG, "rsyslog-syslog-6.12.log", 49),
        ("journal-k-6.12.log", "journal-json-6.12.log", 73),
        ("journal-k-6.12.log", "journal-short-iso-6.12.log", 73),
        ("journal-short-6.12.log", "journal-short-precise-6.12.log", 73),
        (_DMESG, _RSYSLOG, 9),
        (_RSYSLOG, "journal-k-6.12.log", 49),
        (_NAMES, _AUDITD, 30),
    ],
)
def test_they_do_meet(audited, one, other, least):
    """There are events in both files, so that the agreement says something."""
    assert sum(one in places and other in places for places in audited.values()) >= least


def test_interpreted_records_agree(audited):
    """In all that ausearch -i does not replace by a name; the names themselves are the machine's own."""
    met = 0
    for places in audited.values():
        for interpreted in places.get(_NAMES, []):
            logged = places[_AUDITD][0]
            assert {k: v for k, v in interpreted.items() if k not in _SAID_OTHERWISE} == {
                k: v for k, v in logged.items() if k not in _SAID_OTHERWISE
            }
            assert interpreted.get("syscall", 110) == 110
            met += 1
    assert met >= 30


@pytest.mark.parametrize("name", [name for name in CAPTURED if name.startswith("journal-short")])
def test_journald_relays_what_auditd_wrote(corpora, audited, name):
    """Its text has no serial: every field, and with the precise stamp the millisecond too, is one of auditd's."""
    written = {
        (kind_time[0] if "precise" in name else 0, repr(sorted(fields.items())))
        for kind_time, places in audited.items()
        for fields in (places.get("journal-json-6.12.log") or [])
    }
    relayed = [result for result in results(corpora / "captured" / name) if b"vmrig audit[" in result.line]
    events = [event for _, event in relayed if isinstance(event, Event)]
    assert len(events) == 24
    for event in events:
        assert event.time is not None
        assert (event.time // 1000 if "precise" in name else 0, repr(sorted(event.fields.items()))) in written


def test_enriched_records_agree(corpora):
    """They were logged in a later run of the same programs: but for process numbers all is as auditd wrote it RAW."""

    def said(name: str) -> set[str]:
        events = [event for _, event in results(corpora / "captured" / name) if isinstance(event, Event)]
        return {repr(sorted((k, v) for k, v in event.fields.items() if k != "pid")) for event in events}

    assert len(said("audit-ENRICHED-6.12.log")) > 10
    assert said("audit-ENRICHED-6.12.log") <= said(_AUDITD)


def test_packets_agree(corpora):
    found: dict[bytes, dict[str, list[Fields]]] = defaultdict(lambda: defaultdict(list))
    for name in _PACKETS:
        for line, event in results(corpora / "captured" / name):
            if isinstance(event, Event) and event.kind == "netfilter" and (text := _PACKET.search(line)):
                found[text[0]][name].append(event.fields)
    assert sum(len(places) == len(_PACKETS) for places in found.values()) >= 8
    assert sum({"journal-k-6.12.log", "journal-json-6.12.log"} <= set(places) for places in found.values()) == 12
    for packet, places in found.items():
        said = [fields for each in places.values() for fields in each]
        assert all(fields == said[0] for fields in said), packet
