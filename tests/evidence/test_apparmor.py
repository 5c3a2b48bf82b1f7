"""AppArmor records: the rig's own lines, and AppArmor's own test cases where they are at hand."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syslogparse.evidence import apparmor, audit
from syslogparse.evidence.model import Fields, Undecodable

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
    assert key._asdict() == {
        "verdict": b"DENIED",
        "namespace": b"",
        "profile": b"/opt/rig/poke-enf",
        "operation": b"exec",
        "class_": b"file",
        "name": b"/opt/rig/my true",
        "target": b"",
        "mask": b"x",
        "owner": b"1",
        "capability": b"",
        "family": b"",
        "sock_type": b"",
        "protocol": b"",
        "peer": b"",
        "signal": b"",
        "info": b"",
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
        (b'requested_mask="receive"', b"receive"),
        (b'requested="send receive" denied="send"', b"send"),
        (b'requested="open"', b"open"),
        (b"", b""),
    ],
)
def test_the_mask_of_the_key(masks: bytes, mask: bytes):
    assert apparmor.key(apparmor.decode(HEAD + b'apparmor="DENIED" ' + masks)).mask == mask


@pytest.mark.parametrize(("ids", "owner"), [(b"fsuid=1 ouid=1", b"1"), (b"fsuid=1 ouid=0", b"0"), (b"fsuid=1", b""), (b"", b"")])
def test_the_owner_of_the_key(ids: bytes, owner: bytes):
    assert apparmor.key(apparmor.decode(HEAD + b'apparmor="DENIED" ' + ids)).owner == owner


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


UPSTREAM = (
    "Operation:operation Mask:requested_mask,requested Denied_Mask:denied_mask,denied fsuid:fsuid ouid:ouid "
    "Profile:profile Name:name,capname Command:comm Parent:parent PID:pid Info:info Class:class Network_family:family "
    "Socket_type:sock_type Peer:peer Name2:target,name2 Namespace:namespace Local_addr:laddr Local_port:lport Net_Addr:addr "
    "Peer_Addr:peer_addr Flags:flags"
)
"""libapparmor's words for the fields, and ours."""


def shown(fields: Fields, names: str) -> str:
    for value in (fields[name] for name in names.split(",") if name in fields):
        if isinstance(value, int):
            return str(value)
        if isinstance(value, bytes):
            return value.decode().replace("none", "")
    return ""


@pytest.mark.corpora
def test_apparmors_own_cases(corpora: Path):
    cases = [json.loads(line) for line in (corpora / "apparmor" / "test_multi.jsonl").read_text().splitlines()]
    kernels = [case for case in cases if "dbus" not in case["name"] and case["event"] != "INVALID"]
    assert len(kernels) > 60
    for case in kernels:
        raw = case["raw"].split("\n")[0].encode()
        _, tag, message = raw.partition(b" kernel: ")
        record = audit.read(message if tag else raw)
        assert record is not None, case["name"]
        assert apparmor.is_record(record), case["name"]
        fields = apparmor.fields(record)
        assert shown(fields, "apparmor") == case["event"], case["name"]
        for theirs, ours in (pair.split(":") for pair in UPSTREAM.split()):
            assert shown(fields, ours) == case["fields"].get(theirs.replace("_", " "), ""), (case["name"], theirs)
        assert shown(fields, "error").removeprefix("-") == case["fields"].get("ErrorCode", ""), case["name"]
