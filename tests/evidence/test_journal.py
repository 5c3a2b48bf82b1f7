"""Journal entries: who speaks, and the same event by whatever way it came."""

import json
import lzma
import re
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syslogparse.evidence import audit, journal, speaker
from syslogparse.evidence.decode import interesting
from syslogparse.evidence.envelope import split, without_uptime
from syslogparse.evidence.journal import Entry, envelope_of, from_fields, from_json, may_be_the_kernels
from syslogparse.evidence.journalexport import ExportReader
from syslogparse.evidence.model import Reason, Undecodable

DATA = Path(__file__).parent.parent / "data" / "journal"
PACKET = "IN=eth0 OUT= SRC=192.0.2.1 DST=192.0.2.2 LEN=40 PROTO=TCP SPT=1 DPT=2"
DENIAL = 'apparmor="DENIED" operation="open" class="file" profile="p" name="/srv/f" pid=1 comm="c" requested_mask="r"'
BUS = 'apparmor="DENIED" operation="dbus_method_call"  bus="system" path="/org" mask="send" pid=7 label="l"'
KERNEL = {
    "__REALTIME_TIMESTAMP": "1795328423857164",
    "_HOSTNAME": "gw",
    "_TRANSPORT": "kernel",
    "SYSLOG_IDENTIFIER": "kernel",
    "SYSLOG_FACILITY": "0",
    "MESSAGE": PACKET,
}
AUDIT = {
    "__REALTIME_TIMESTAMP": "1795328428905651",
    "_HOSTNAME": "gw",
    "_TRANSPORT": "audit",
    "SYSLOG_IDENTIFIER": "audit",
    "SYSLOG_FACILITY": "4",
    "_AUDIT_TYPE": "1400",
    "_AUDIT_TYPE_NAME": "AVC",
    "_AUDIT_ID": "76",
    "_SOURCE_REALTIME_TIMESTAMP": "1795328428902000",
    "MESSAGE": f"AVC {DENIAL}",
}


def line(fields: Mapping[str, object], **changes: object) -> bytes:
    """A line as journalctl writes it. A change to ... takes the field out."""
    wanted = {name: value for name, value in {**fields, **changes}.items() if value is not ...}
    return json.dumps(wanted, separators=(",", ":"), ensure_ascii=False).encode()


def refused(text: bytes | Entry) -> Reason:
    with pytest.raises(Undecodable) as caught:
        envelope_of(text if isinstance(text, Entry) else from_json(text))
    return caught.value.reason


def test_the_kernel():
    said = envelope_of(from_json(line(KERNEL)))
    assert said == (b"1795328423.857164", b"gw", "kernel", PACKET.encode(), 0, 1)
    assert envelope_of(from_json(line(KERNEL, SYSLOG_FACILITY=...))).facility is None, "systemd before 209 wrote none"


def test_audit_gets_the_identity_back_that_the_ring_buffer_and_auditd_give_it():
    said = envelope_of(from_json(line(AUDIT)))
    assert said.speaker == "audit"
    assert said.facility is None, "4 is what journald files it under, not who says it"
    assert said.stamp == b"audit(1795328428.902:76)"
    assert said.message == b"type=1400 msg=audit(1795328428.902:76): " + DENIAL.encode()
    record = audit.read(said.message)
    ring = audit.read(b"audit: type=1400 audit(1795328428.902:76): " + DENIAL.encode())
    assert record == ring


@pytest.mark.parametrize(
    ("changes", "start"),
    [
        ({"_SOURCE_REALTIME_TIMESTAMP": "1795328428002000"}, b"type=1400 msg=audit(1795328428.002:76): apparmor="),
        (
            {"_SOURCE_REALTIME_TIMESTAMP": "0", "_AUDIT_ID": "18446744073709551615"},
            b"type=1400 msg=audit(0.000:18446744073709551615): ",
        ),
        ({"_AUDIT_TYPE": ...}, b"type=AVC msg=audit(1795328428.902:76): apparmor="),
        ({"_AUDIT_TYPE_NAME": ...}, b"type=1400 msg=audit(1795328428.902:76): apparmor="),
        (
            {"_AUDIT_TYPE": ..., "_AUDIT_TYPE_NAME": ..., "MESSAGE": "<audit-1400> " + DENIAL},
            b"type=1400 msg=audit(1795328428.902:76): a",
        ),
        ({"MESSAGE": "<audit-1400> " + DENIAL}, b"type=1400 msg=audit(1795328428.902:76): a"),
        (
            {"_AUDIT_TYPE": 1326, "_AUDIT_TYPE_NAME": "SECCOMP", "MESSAGE": "SECCOMP auid=1"},
            b"type=1326 msg=audit(1795328428.902:76): auid=1",
        ),
        ({"_AUDIT_TYPE": "1503", "_AUDIT_TYPE_NAME": "AUDIT1503", "MESSAGE": "AUDIT1503 operation=1"}, b"type=1503 msg="),
        ({"_AUDIT_TYPE": "1107", "_AUDIT_TYPE_NAME": "USER_AVC", "MESSAGE": "USER_AVC pid=1 msg='x'"}, b"type=1107 msg="),
    ],
)
def test_audits_types(changes: dict[str, object], start: bytes):
    said = envelope_of(from_json(line(AUDIT, **changes)))
    assert said.speaker == "audit"
    assert said.message.startswith(start)
    assert audit.read(said.message) is not None


@pytest.mark.parametrize("lost", ["_AUDIT_ID", "_SOURCE_REALTIME_TIMESTAMP"])
def test_a_record_without_identity_is_worth_no_more_than_a_relayed_one(lost: str):
    said = envelope_of(from_json(line(AUDIT, **{lost: ...})))
    assert tuple(said) == (b"1795328428.905651", b"gw", "relay", b"AVC " + DENIAL.encode(), None, 1)
    assert audit.read_relayed(said.message) == audit.Record(b"AVC", b"", DENIAL.encode())


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"_AUDIT_TYPE_NAME": "SECCOMP"}, "contradictory fields"),
        ({"MESSAGE": "<audit-1326> " + DENIAL}, "contradictory fields"),
        ({"MESSAGE": ...}, "contradictory fields"),
        ({"MESSAGE": "AVC"}, "not a complete record"),
        ({"MESSAGE": "AVC "}, "not a complete record"),
        ({"_AUDIT_TYPE": "1400): x"}, "not a complete record"),
        ({"_AUDIT_TYPE": ..., "_AUDIT_TYPE_NAME": ..., "MESSAGE": DENIAL}, "not a complete record"),
        ({"_AUDIT_ID": "76): apparmor="}, None),
    ],
)
def test_audit_records_that_are_none(changes: dict[str, object], reason: Reason | None):
    entry = from_json(line(AUDIT, **changes))
    if reason is None:
        assert envelope_of(entry).speaker == "relay"
    else:
        assert refused(entry) == reason


@pytest.mark.parametrize(
    "changes",
    [
        {"_TRANSPORT": "syslog"},
        {"_TRANSPORT": "stdout"},
        {"_TRANSPORT": "journal"},
        {"_TRANSPORT": "driver"},
        {"_TRANSPORT": "kernel "},
        {"_TRANSPORT": "Kernel"},
        {"_TRANSPORT": ""},
        {"_TRANSPORT": ...},
        {"_TRANSPORT": ..., "TRANSPORT": "kernel"},
        {"_TRANSPORT": "syslog", "SYSLOG_IDENTIFIER": "audit", "MESSAGE": f"AVC {DENIAL}"},
        {"_TRANSPORT": "syslog", "SYSLOG_IDENTIFIER": "audispd", "MESSAGE": f"type=AVC msg=audit(1.1:1): {DENIAL}"},
        {"SYSLOG_FACILITY": "1"},
        {"SYSLOG_FACILITY": "1", "SYSLOG_IDENTIFIER": ...},
        {"SYSLOG_IDENTIFIER": "systemd", "SYSLOG_FACILITY": ...},
        {"SYSLOG_IDENTIFIER": "mykernel"},
        {"_TRANSPORT": "syslog", "SYSLOG_IDENTIFIER": "dbus-daemon"},
        {"_TRANSPORT": "syslog", "SYSLOG_IDENTIFIER": "dbus-daemon", "MESSAGE": DENIAL},
        {"_TRANSPORT": "syslog", "SYSLOG_IDENTIFIER": "mydbus", "MESSAGE": BUS},
        {"_TRANSPORT": "driver", "SYSLOG_IDENTIFIER": "dbus", "MESSAGE": BUS},
        {"_TRANSPORT": ..., "SYSLOG_IDENTIFIER": "dbus", "MESSAGE": BUS},
        {"SYSLOG_IDENTIFIER": "dbus", "MESSAGE": BUS},
    ],
)
def test_nobody_else_speaks_for_the_kernel(changes: dict[str, object]):
    assert refused(line(KERNEL, **changes)) == "not said by the kernel"


@pytest.mark.parametrize("name", ["dbus", "dbus-daemon", "dbus-broker", "dbus-broker-launch"])
def test_message_buses(name: str):
    said = envelope_of(from_json(line(KERNEL, _TRANSPORT="syslog", SYSLOG_IDENTIFIER=name, SYSLOG_FACILITY="1", MESSAGE=BUS)))
    assert said == (b"1795328423.857164", b"gw", "dbus", BUS.encode(), 1, 1)


def test_the_buses_are_those_of_the_text_logs():
    assert {b"dbus", b"dbus-daemon", b"dbus-broker", b"dbus-broker-launch"} == speaker.BUSES
    assert speaker.BUSES <= speaker.RELAYS


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (line(KERNEL, _TRANSPORT=["kernel", "kernel"]), "contradictory fields"),
        (line(KERNEL, _TRANSPORT=["syslog", "kernel"]), "contradictory fields"),
        (line(KERNEL, MESSAGE=["a", PACKET]), "contradictory fields"),
        (line(KERNEL, MESSAGE=[PACKET]), "contradictory fields"),
        (line(KERNEL, MESSAGE=[[73, 78], [61]]), "contradictory fields"),
        (line(KERNEL, MESSAGE=None), "line too long"),
        (line(KERNEL, MESSAGE=[256]), "invalid number"),
        (line(KERNEL, MESSAGE=[-1]), "invalid number"),
        (line(KERNEL, MESSAGE=[1 << 70]), "invalid number"),
        (line(KERNEL, SYSLOG_FACILITY="kern"), "invalid number"),
        (line(KERNEL, SYSLOG_FACILITY="128"), "invalid number"),
        (line(KERNEL)[:-1] + b',"_TRANSPORT":"kernel"}', "contradictory fields"),
        (line(KERNEL, _TRANSPORT="syslog")[:-1] + b',"_TRANSPORT" : "kernel"}', "contradictory fields"),
        (line(KERNEL, _TRANSPORT="syslog")[:-1] + b',"\\u005fTRANSPORT":"kernel"}', "contradictory fields"),
        (line(KERNEL)[:-1] + b',"MESSAGE":"x"}', "contradictory fields"),
        (line(KERNEL, SYSLOG_FACILITY="1")[:-1] + b',"SYSLOG_FACILITY":"0"}', "contradictory fields"),
    ],
)
def test_fields_given_twice_and_fields_left_out(text: bytes, reason: Reason):
    assert may_be_the_kernels(from_json(text))
    assert refused(text) == reason


@pytest.mark.parametrize(
    "text",
    [
        line(KERNEL, _COMM="_TRANSPORT"),
        line(KERNEL, _COMM='x","_TRANSPORT":"syslog'),
        line(KERNEL, _CMDLINE="\\u005fTRANSPORT _TRANSPORT MESSAGE"),
        line(KERNEL, _CMDLINE=["a", "b"], _EXE=None, OTHER={"_TRANSPORT": "syslog"}),
    ],
)
def test_a_value_that_looks_like_a_name_is_a_value(text: bytes):
    assert envelope_of(from_json(text)) == envelope_of(from_json(line(KERNEL)))


def test_bytes_that_are_no_text():
    message = b"IN=eth0 \xff\x1b OUT= \n"
    assert from_json(line(KERNEL, MESSAGE=list(message))).message == message
    assert from_json(line(KERNEL, MESSAGE="ü☃")).message == "ü☃".encode()
    assert from_json(line(KERNEL, MESSAGE=[])).message == b""


@pytest.mark.parametrize("wrap", [b"%b", b"\x1e%b", b"data: %b", b"data:%b", b"%b\r", b" %b "])
def test_shapes_of_a_line(wrap: bytes):
    assert from_json(wrap % line(KERNEL)) == from_json(line(KERNEL))
    assert from_json(json.dumps(KERNEL).encode()) == from_json(line(KERNEL)), "with blanks"


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"{",
        b"}",
        b"null",
        b"[]",
        b'"x"',
        line(KERNEL)[:-1],
        line(KERNEL) * 2,
        b"x" + line(KERNEL),
        line(KERNEL, MESSAGE=1.5),
        line(KERNEL, MESSAGE=True),
        line(KERNEL, MESSAGE={"a": 1}),
        line(KERNEL, MESSAGE="\ud800".encode("utf-8", "replace").decode()).replace(b"?", b"\xff"),
        b'{"MESSAGE":' + b"[" * 200_000,
        b'{"A":' + b'{"a":' * 100_000,
        b"[" * 100_000,
        b'{"_TRANSPORT":1,"_TRANSPORT":' + b"[" * 100_000,
    ],
)
def test_lines_that_are_no_entry(text: bytes):
    with pytest.raises(Undecodable) as caught:
        from_json(text)
    assert caught.value.reason == "no log envelope"


def test_a_line_that_is_too_long():
    with pytest.raises(Undecodable) as caught:
        from_json(line(KERNEL, OTHER="x" * journal.MAX_JSON))
    assert caught.value.reason == "line too long"


def test_stamps_and_hosts():
    for raw in ("", "x", "-1", "1.5", "9" * 20, "9" * 30, str(253_402_300_800_000_000)):
        assert envelope_of(from_json(line(KERNEL, __REALTIME_TIMESTAMP=raw))).stamp == b""
    assert envelope_of(from_json(line(KERNEL, __REALTIME_TIMESTAMP=...))).stamp == b""
    assert envelope_of(from_json(line(KERNEL, __REALTIME_TIMESTAMP="1000001"))).stamp == b"1.000001"
    assert envelope_of(from_json(line(KERNEL, __REALTIME_TIMESTAMP=7))).stamp == b"0.000007"
    for raw in ("", "a b", "ü", "x" * 256, "a\nb"):
        assert envelope_of(from_json(line(KERNEL, _HOSTNAME=raw))).host == b""
    assert envelope_of(from_fields(-1, {b"_TRANSPORT": b"kernel"})).stamp == b""


def test_damage_is_the_kernels_only_where_the_kernel_may_have_said_it():
    assert refused(from_fields(1, {b"_TRANSPORT": b"kernel"}, "line too long")) == "line too long"
    assert refused(from_fields(1, {}, "line too long")) == "line too long"
    other = from_fields(1, {b"_TRANSPORT": b"journal"}, "line too long")
    assert not may_be_the_kernels(other)
    assert refused(other) == "not said by the kernel"
    assert not may_be_the_kernels(from_fields(1, {}))


def test_every_line_of_interest_holds_a_literal():
    shapes = [
        line(KERNEL),
        line(KERNEL, MESSAGE="audit: type=1400 audit(1.001:1): " + DENIAL),
        line(KERNEL, MESSAGE="audit: type=1326 audit(1.001:1): auid=1"),
        line(KERNEL, MESSAGE='type=1503 audit(1.001:1): operation="open"'),
        line(KERNEL, MESSAGE='audit: type=1701 audit(1.001:1): auid=1 reason="seccomp" sig=31'),
        line(KERNEL, MESSAGE=list(b"\xff IN= OUT=")),
        line(KERNEL, MESSAGE=None),
        line(AUDIT),
        line(AUDIT, MESSAGE="SECCOMP auid=1", _AUDIT_TYPE="1326"),
        line(AUDIT, MESSAGE="SECCOMP auid=1", _AUDIT_TYPE=1326),
        line(AUDIT, MESSAGE="<audit-1326> auid=1", _AUDIT_TYPE=...),
        line(AUDIT, MESSAGE='AUDIT1503 operation="open"', _AUDIT_TYPE="1503"),
    ]
    for shape in [*shapes, *(json.dumps(json.loads(shape)).encode() for shape in shapes)]:
        assert any(literal in shape for literal in journal.JSON_LITERALS), shape


@pytest.mark.corpora
def test_the_real_journal_says_the_same_as_json_and_as_text(corpora: Path):
    entries = [from_json(raw) for raw in (corpora / "captured/journal-json-6.12.log").read_bytes().splitlines()]
    kernel = [envelope_of(entry) for entry in entries if entry.transport == b"kernel"]
    text = [split(raw) for raw in (corpora / "captured/journal-k-6.12.log").read_bytes().splitlines()]
    assert [(said.host, said.speaker, said.message) for said in kernel] == [
        (said.host, said.speaker, without_uptime(said.message)) for said in text
    ]
    short = (corpora / "captured/journal-short-6.12.log").read_bytes()
    relayed = re.findall(rb"^.{15} vmrig audit(?:\[\d+\])?: (.*)$", short, re.MULTILINE)
    own = [audit.read(envelope_of(entry).message) for entry in entries if entry.transport == b"audit"]
    bodies = [record.body for record in own if record]
    assert len(bodies) == 25
    assert {*bodies} < {record.body for raw in relayed if (record := audit.read_relayed(raw))}, "two came before the JSON begins"


@pytest.mark.corpora
def test_the_two_ways_of_one_event_have_one_identity(corpora: Path):
    ring: set[audit.Record] = set()
    own: set[audit.Record] = set()
    for raw in (corpora / "captured/journal-json-6.12.log").read_bytes().splitlines():
        said = envelope_of(from_json(raw))
        if record := audit.read(said.message):
            (own if said.speaker == "audit" else ring).add(record)
    assert len(own) == 25
    assert own < ring


@pytest.mark.corpora
def test_every_line_of_interest_of_the_real_journal_is_found(corpora: Path):
    for raw in (corpora / "captured/journal-json-6.12.log").read_bytes().splitlines():
        said = envelope_of(from_json(raw))
        if interesting(said.message):
            assert any(literal in raw for literal in journal.JSON_LITERALS)


def test_json_and_export_of_one_journal_are_the_same():
    reader = ExportReader()
    records = reader.feed(lzma.decompress((DATA / "journalctl.export.xz").read_bytes())) + reader.finish()
    lines = lzma.decompress((DATA / "journalctl.json.xz").read_bytes()).splitlines()
    twins = [(from_json(text), record.entry) for text, record in zip(lines, records, strict=True)]
    # Of a field that is given twice, the export keeps the first value.
    assert all(one == (two if one.damage is None else two._replace(message=b"")) for one, two in twins)
    assert sum(one.damage is not None for one, _ in twins) == 7


@given(st.binary(max_size=300))
def test_any_bytes(text: bytes):
    for shape in (text, b"{" + text + b"}", b'{"MESSAGE":' + text + b"}", line(KERNEL)[:20] + text + line(KERNEL)[20:]):
        with suppress(Undecodable):
            envelope_of(from_json(shape))


_values = st.one_of(
    st.text(max_size=20),
    st.integers(),
    st.none(),
    st.booleans(),
    st.lists(st.one_of(st.integers(-1, 256), st.text(max_size=3), st.lists(st.integers(0, 255), max_size=3)), max_size=4),
)


@given(st.dictionaries(st.sampled_from([*KERNEL, *AUDIT]), _values))
def test_any_values(fields: dict[str, object]):
    for base in ({}, KERNEL, AUDIT):
        try:
            said = envelope_of(from_json(line({**base, **fields})))
        except Undecodable:
            continue
        assert {**base, **fields}.get("_TRANSPORT") in {"kernel", "audit"}
        if said.speaker == "audit":
            assert audit.read(said.message) is not None
