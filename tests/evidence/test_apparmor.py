"""AppArmor records: the rig's own lines, and AppArmor's own test cases where they are at hand."""

import json
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syslogparse.evidence import apparmor, audit
from syslogparse.evidence.model import Undecodable
from tests.evidence import records

HEAD = b"audit: type=1400 audit(1795327650.218:46): "
DENIED = HEAD + (
    b'apparmor="DENIED" operation="exec" class="file" profile="/opt/rig/poke-enf" name=2F6F70742F7269672F6D792074727565 '
    b'pid=228 comm="poke-enf" requested_mask="x" denied_mask="x" fsuid=0 ouid=0'
)


def test_a_denial():
    fields = apparmor.decode(DENIED)
    assert fields == {
        "apparmor": b"DENIED",
        "operation": b"exec",
        "class": b"file",
        "profile": b"/opt/rig/poke-enf",
        "name": b"/opt/rig/my true",
        "pid": 228,
        "comm": b"poke-enf",
        "requested_mask": b"x",
        "denied_mask": b"x",
        "fsuid": 0,
        "ouid": 0,
    }
    key = apparmor.key(fields)
    assert {name: text for name, text in key._asdict().items() if text} == {
        "verdict": b"DENIED",
        "profile": b"/opt/rig/poke-enf",
        "operation": b"exec",
        "class_": b"file",
        "name": b"/opt/rig/my true",
        "mask": b"x",
        "owner": b"root",
    }


def decoded(body: bytes, head: bytes = HEAD) -> dict[str, object]:
    return dict(apparmor.decode(head + body))


def test_names_of_the_kernel():
    fields = decoded(
        b'apparmor="ALLOWED" operation="capable" class="cap" profile=706F6B6520636D70 pid=339 comm="poke-cmp" '
        b'capability=7  capname="setuid"'
    )
    assert (fields["profile"], fields["capability"], fields["capname"]) == (b"poke cmp", 7, b"setuid")
    fields = decoded(
        b'apparmor="ALLOWED" operation="signal" class="signal" profile=706F6B6520636D70 pid=375 comm="poke-cmp" '
        b'requested_mask="send" denied_mask="send" signal=usr1 peer="unconfined"'
    )
    assert (fields["signal"], fields["peer"]) == (b"usr1", b"unconfined")
    fields = decoded(b'apparmor="DENIED" info="label not found" error=-2 addr=none peer_addr="@x" target="" name=(null)')
    assert fields == {"apparmor": b"DENIED", "info": b"label not found", "error": -2, "addr": b"none", "peer_addr": b"@x"}


def test_unknown_fields_are_no_error():
    assert decoded(b'apparmor="DENIED" new=1 newer="a b" newest=zz =3 word') == {"apparmor": b"DENIED"}


def test_the_first_of_two_counts():
    assert decoded(b'apparmor="DENIED" name="/a" name="/b" pid=1 pid=2') == {"apparmor": b"DENIED", "name": b"/a", "pid": 1}


def test_nothing_inside_quotes_is_a_field():
    assert decoded(b'apparmor="DENIED" info="x name=2F61 pid=9" pid=1') == {
        "apparmor": b"DENIED",
        "info": b"x name=2F61 pid=9",
        "pid": 1,
    }


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b'apparmor="DENIED" name=2F7', "invalid hexadecimal value"),
        (b'apparmor="DENIED" profile=unconfined', "invalid hexadecimal value"),
        (b'apparmor="DENIED" pid=-x', "invalid number"),
        (b'apparmor="DENIED" fsuid=4294967296', "invalid number"),
        (b'apparmor="DENIED" name="/etc/pa', "not a complete record"),
        (b'apparmor="DENIED" x" name="/etc/passwd', "not a complete record"),
        (b'apparmor="DENIED" x" name="/etc/passwd" "', "not a complete record"),
        (b"avc:  denied  { read } for  pid=1", "not a complete record"),
        (b"", "not a complete record"),
    ],
)
def test_broken(body: bytes, reason: str):
    with pytest.raises(Undecodable) as caught:
        decoded(body)
    assert caught.value.reason == reason


def test_records_before_linux_2_6_36():
    body = b'operation="file_lock" requested_mask="k" denied_mask="::k" fsuid=0 ouid=1 name="/var/run/x" pid=4316 profile="nmbd"'
    fields = decoded(body, b"audit(1189201672.746:537): type=1503 ")
    assert fields["apparmor"] == b"DENIED"
    assert apparmor.key(apparmor.decode(b"type=1502 audit(1.0:1): " + body)).verdict == b"ALLOWED"
    key = apparmor.key(apparmor.decode(b"type=UNKNOWN[1503] msg=audit(1.0:1): " + body))
    assert (key.mask, key.owner) == (b"k", b"0")
    key = apparmor.key(apparmor.decode(b'type=1503 audit(1.0:1): operation="capable" name="setuid" pid=3593 profile="/bin/ping"'))
    assert key.capability == b"setuid"


@pytest.mark.parametrize(
    ("masks", "mask"),
    [
        (b'requested_mask="rw" denied_mask="w"', b"w"),
        (b'requested_mask="receive"', b""),
        (b'requested="send receive" denied="send"', b"send"),
        (b'requested="open"', b""),
        (b'bus="system" mask="send"', b"send"),
        (b"", b""),
    ],
)
def test_the_mask_of_the_key(masks: bytes, mask: bytes):
    assert apparmor.key(apparmor.decode(HEAD + b'apparmor="DENIED" ' + masks)).mask == mask


@pytest.mark.parametrize(
    ("ids", "owner"),
    [
        (b"fsuid=1 ouid=1", b"1"),
        (b"fsuid=0 ouid=0", b"root"),
        (b"fsuid=1 ouid=0", b"0"),
        (b"fsuid=1", b""),
        (b"", b""),
        (b'denied_mask="r::" fsuid=1', b"1"),
        (b'denied_mask="::r" fsuid=1', b""),
        (b'denied_mask="r::w" fsuid=1 ouid=1', b"0"),
        (b'denied_mask="::r" fsuid=1 ouid=1', b"1"),
    ],
)
def test_the_owner_of_the_key(ids: bytes, owner: bytes):
    assert apparmor.key(apparmor.decode(HEAD + b'apparmor="DENIED" ' + ids)).owner == owner


def test_the_ends_of_a_socket():
    inet = b'family="inet" laddr=1.1.1.1 lport=5 faddr=2.2.2.2 fport=0 saddr=3.3.3.3 src=7 requested="send receive" denied="send"'
    key = apparmor.key(apparmor.decode(HEAD + b'apparmor="DENIED" ' + inet))
    assert (key.local, key.local_port, key.remote, key.remote_port) == (b"3.3.3.3", b"7", b"2.2.2.2", b"")
    assert (key.mask, key.requested) == (b"send", b"send receive")
    key = apparmor.key(apparmor.decode(HEAD + b'apparmor="DENIED" family="unix" addr=none peer_addr="@nonesuch"'))
    assert (key.local, key.remote, key.requested) == (b"", b"@nonesuch", b"")


def test_what_else_a_rule_can_say():
    said = b'apparmor="DENIED" operation="dbus_method_call" bus="system" path="/a" interface="b.c" method="Hello" label="/x"'
    key = apparmor.key(apparmor.fields(apparmor.of_bus(said)))
    assert (key.bus, key.path, key.interface, key.member) == (b"system", b"/a", b"b.c", b"Hello")
    mount = b'operation="mount" name="/mnt/" fstype="ext4" srcname="/dev/sda" flags="ro, nosuid"'
    key = apparmor.key(apparmor.decode(HEAD + b'apparmor="DENIED" ' + mount))
    assert (key.source, key.fstype, key.flags) == (b"/dev/sda", b"ext4", b"ro, nosuid")
    ring = apparmor.decode(HEAD + b'apparmor="DENIED" operation="uring_override" tcontext="/usr/bin/x"')
    assert apparmor.key(ring).peer == b"/usr/bin/x"


@given(st.binary(max_size=80), st.integers(0, len(DENIED)), st.integers(0, len(DENIED)))
def test_mutated(noise: bytes, start: int, end: int):
    message = DENIED[:start] + noise + DENIED[end:]
    try:
        fields = apparmor.decode(message)
    except Undecodable:
        return
    apparmor.key(fields)
    assert all((isinstance(value, bytes) and value) or isinstance(value, int) for value in fields.values())


@given(st.binary(min_size=1))
def test_what_the_kernel_encodes_comes_back(name: bytes):
    plain = all(0x21 <= byte <= 0x7E and byte != 0x22 for byte in name)
    value = b'"%b"' % name if plain else name.hex().upper().encode()
    assert decoded(b'apparmor="DENIED" name=' + value + b" pid=1")["name"] == name


@given(records.kernels(records.any_text, records.any_text))
def test_generated_records(written: records.Written):
    assert apparmor.decode(HEAD + written.body) == written.fields
    key = apparmor.key(written.fields)
    assert (key.profile, key.operation) == (written.fields["profile"], written.fields["operation"])


@given(records.of_the_bus(records.any_text, records.any_text))
def test_generated_records_of_the_bus(written: records.Written):
    assert apparmor.fields(apparmor.of_bus(written.body)) == written.fields
    for kind in (b"USER_AVC", b"1107"):
        record = audit.Record(kind, b"", records.user_message(written.body))
        assert apparmor.fields(record) == {**written.fields, "exe": b"/usr/bin/dbus-daemon"}
        assert apparmor.is_whole(record, apparmor.fields(record))
    assert apparmor.key(written.fields).profile == written.fields["label"]


BUS = b'apparmor="DENIED" operation="dbus_signal" bus="system" mask="send" pid=7 label="/x" peer_pid=8 peer_label="/y"'


@pytest.mark.parametrize(
    "body",
    [
        b"pid=640 uid=103 auid=4294967295 ses=4294967295 msg='" + BUS,
        b"pid=640 uid=103 auid=4294967295 ses=4294967295 msg='" + BUS + b"'",
        b"user pid=640 uid=103 auid=4294967295 ses=4294967295 msg='" + BUS + b" hostname=? addr=? terminal=?'",
        b"pid=640 uid=103 auid=4294967295 ses=4294967295 subj=dbus-daemon (enforce) msg='"
        + BUS
        + b" exe=? sauid=1 hostname=h addr=::1'",
        b'pid=640 uid=103 auid=4294967295 ses=4294967295 subj="x y" msg=\''
        + BUS
        + b" sauid=103 hostname=? addr=1.2.3.4'UID=\"a'b\"",
    ],
)
def test_messages_from_user_space(body: bytes):
    record = audit.Record(b"USER_AVC", b"", body)
    assert apparmor.is_record(record)
    assert apparmor.fields(record) == apparmor.fields(apparmor.of_bus(BUS))
    key = apparmor.key(apparmor.fields(record))
    assert (key.profile, key.peer, key.mask, key.operation) == (b"/x", b"/y", b"send", b"dbus_signal")


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (BUS.replace(b"dbus_signal", b"open"), "not said by the kernel"),
        (BUS.replace(b"dbus_signal", b"xdbus_signal"), "not said by the kernel"),
        (BUS.replace(b' operation="dbus_signal"', b""), "not said by the kernel"),
        (BUS.replace(b' operation="dbus_signal"', b' operation="open" operation="dbus_signal"'), "not said by the kernel"),
        (b"op=PAM:authentication acct=x " + BUS, "not said by the kernel"),
        (BUS.replace(b"DENIED", b"FREED"), "not a complete record"),
        (BUS[:-1], "not a complete record"),
    ],
)
def test_a_bus_speaks_of_itself_only(body: bytes, reason: str):
    for record in (apparmor.of_bus(body), audit.Record(b"1107", b"", records.user_message(body))):
        with pytest.raises(Undecodable) as caught:
            apparmor.fields(record)
        assert caught.value.reason == reason


def test_other_user_space_records_are_none_of_apparmors():
    for kind in (b"1112", b"USER_CMD", b"USER_AUTH", b"1101", b"SYSLOG", b"1300", b"SYSCALL"):
        assert not apparmor.is_record(audit.Record(kind, b"", records.user_message(BUS)))
        assert not apparmor.is_record(audit.Record(kind, b"", BUS))
    with pytest.raises(Undecodable):
        apparmor.fields(audit.Record(b"USER_AVC", b"", b"x pid=640 uid=1 auid=1 ses=1 msg='" + BUS + b"'"))


def test_only_the_kernels_verdicts_are_known():
    for body in (b'apparmor="DENIE" name="/x"', b'apparmor="denied"', b'apparmor="" name="/x"', b'name="/x" apparmor="DENIED"'):
        with pytest.raises(Undecodable):
            decoded(body)


@pytest.mark.parametrize("kind", [b"UNKNOWN[1400]", b"UNKNOWN[1500]"])
def test_a_type_that_auditd_has_no_name_for(kind: bytes):
    body = b'apparmor="DENIED" operation="open" profile="/opt/rig/p" name="/srv/x" pid=7 comm="p"'
    assert apparmor.decode(b"type=" + kind + b" msg=audit(1.0:1): " + body) == apparmor.decode(HEAD + body)


PREFIX = b'apparmor="DENIED" operation="%b" profile="/opt/rig/p" pid=7 comm="p" '


@pytest.mark.parametrize(
    ("operation", "cut", "rest"),
    [
        (b"uring_override", b'requested="override_creds" denied="override_creds"', b' tcontext="/opt/rig/q"'),
        (b"uring_sqpoll", b'requested="sqpoll"', b' denied="sqpoll"'),
        (b"ptrace", b'requested_mask="read" denied_mask="read"', b' peer="/opt/rig/q"'),
        (b"ptrace", b"", b'target="/opt/rig/q"'),
        (b"setrlimit", b"rlimit=memlock value=1", b' peer="unconfined"'),
    ],
)
def test_the_last_field_tells_that_a_record_is_whole(operation: bytes, cut: bytes, rest: bytes):
    whole = audit.Record(b"AVC", b"", PREFIX % operation + cut + rest)
    assert apparmor.is_whole(whole, apparmor.fields(whole))
    part = audit.Record(b"AVC", b"", (PREFIX % operation + cut).rstrip(b" "))
    assert not apparmor.is_whole(part, apparmor.fields(part))


def test_a_pivot_is_whole_where_a_mount_is():
    body = (PREFIX % b"pivotroot").replace(b"pid=", b'name="/srv/" pid=') + b'srcname="/srv/old/"'
    record = audit.Record(b"AVC", b"", body)
    assert apparmor.is_whole(record, apparmor.fields(record))


def gold(corpora: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in (corpora / "apparmor" / "test_multi.jsonl").read_text().splitlines()]


def record_of(raw: bytes) -> audit.Record | None:
    """The record in a line of AppArmor's test suite, whose envelopes are simple."""
    _, kernel, message = raw.partition(b" kernel: ")
    if not kernel and (bus := re.search(rb" dbus(?:-daemon)?\[\d+\]: ", raw)):
        return apparmor.of_bus(raw[bus.end() :])
    return audit.read(message if kernel else raw)


BROKEN_UPSTREAM = {"ptrace_garbage_lp1689667_2"}
"""Its target is whole hexadecimal text, which libapparmor does not read in that field."""
SECOND_LINE = {"testcase_dbus_09": "Command"}
"""The suite's record goes on in a second line; a log has one record on a line."""


@pytest.mark.corpora
def test_apparmors_own_cases(corpora: Path):
    cases = gold(corpora)
    assert len(cases) == 85
    known = {theirs for theirs, _, _ in records.UPSTREAM} | {"File", "Event type", "Audit ID", "Epoch", "Audit subid"}
    for case in cases:
        name, truth = str(case["name"]), case["fields"]
        assert isinstance(truth, dict)
        record = record_of(str(case["raw"]).split("\n")[0].encode())
        if case["event"] == "INVALID":
            assert name in BROKEN_UPSTREAM or record is None or not apparmor.is_record(record), name
            continue
        assert record is not None, name
        assert apparmor.is_record(record), name
        fields = apparmor.fields(record)
        assert records.shown(fields, "apparmor") == case["event"], name
        assert truth.keys() <= known, name
        for theirs, _, ours in records.UPSTREAM:
            if SECOND_LINE.get(name) != theirs:
                assert records.shown(fields, ours) == truth.get(theirs, ""), (name, theirs)
