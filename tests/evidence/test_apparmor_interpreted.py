"""AppArmor records as ausearch -i prints them. The lines are what ausearch 3.0.9 made of the rig's own records."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syslogparse.evidence import apparmor, apparmor_interpreted, audit
from syslogparse.evidence.model import Fields, Undecodable, Value
from tests.evidence import records

HEAD = b"type=AVC msg=audit(11/22/26 06:20:09.598:25) : "


def decoded(body: bytes) -> Fields:
    return apparmor.decode(HEAD + body + b" ")


def test_a_denial():
    fields = decoded(
        b'apparmor=DENIED operation=open class="file" profile=poke-enf name=/srv/with space pid=189 comm=poke-enf '
        b"requested_mask=r denied_mask=r fsuid=root ouid=unknown(1000)"
    )
    assert fields == apparmor.decode(
        b'audit: type=1400 audit(1.0:1): apparmor="DENIED" operation="open" class="file" profile="poke-enf" '
        b'name=2F7372762F77697468207370616365 pid=189 comm="poke-enf" requested_mask="r" denied_mask="r" fsuid=0 ouid=1000'
    )


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (
            b'apparmor=DENIED operation=capable class="cap" profile=enf pid=190 comm=po ke capability=chown  capname="chown"',
            {
                "operation": b"capable",
                "class": b"cap",
                "profile": b"enf",
                "pid": 190,
                "comm": b"po ke",
                "capname": b"chown",
            },
        ),
        (
            b"apparmor=DENIED operation=signal profile=p pid=191 comm=c requested_mask=send signal=exists peer=612062",
            {
                "operation": b"signal",
                "profile": b"p",
                "pid": 191,
                "comm": b"c",
                "requested_mask": b"send",
                "signal": b"exists",
                "peer": b"a b",
            },
        ),
        (
            (
                b'apparmor=DENIED operation=sendmsg class="net" info=failed af match error=-13 profile=/x y pid=1 comm=a lport=12'
                b" saddr=unknown-family(28690) src=3457 daddr=127.0.97.3 dest=3456 family=unspecified"
                b' sock_type="dgram" protocol=17 requested="send" denied="send"'
            ),
            {
                "operation": b"sendmsg",
                "class": b"net",
                "info": b"failed af match",
                "error": -13,
                "profile": b"/x y",
                "pid": 1,
                "comm": b"a",
                "lport": b"12",
                "src": b"3457",
                "daddr": b"127.0.97.3",
                "dest": b"3456",
                "sock_type": b"dgram",
                "protocol": b"17",
                "requested": b"send",
                "denied": b"send",
            },
        ),
        (
            b'apparmor=DENIED operation=mount profile=a name=/m pid=1 comm=a fstype="tmpfs" srcname="/a b" flags=MAP_FILE',
            {
                "operation": b"mount",
                "profile": b"a",
                "name": b"/m",
                "pid": 1,
                "comm": b"a",
                "fstype": b"tmpfs",
                "srcname": b"/a b",
            },
        ),
        (
            b'apparmor=DENIED operation=getattr label="a//&:ns:b" name=/etc/x pid=1 comm=a',
            {"operation": b"getattr", "label": b"a//&:ns:b", "name": b"/etc/x", "pid": 1, "comm": b"a"},
        ),
        (
            b"apparmor=DENIED operation=profile_load profile=unconfined name=b pid=1 comm=apparmor_parser ns=612062",
            {
                "operation": b"profile_load",
                "profile": b"unconfined",
                "name": b"b",
                "pid": 1,
                "comm": b"apparmor_parser",
                "ns": b"a b",
            },
        ),
        (
            b'apparmor=DENIED operation=sendmsg profile=a pid=1 comm=a b path=/run/c d family=local sock_type="dgram"',
            {"operation": b"sendmsg", "profile": b"a", "pid": 1, "comm": b"a b", "path": b"/run/c d", "sock_type": b"dgram"},
        ),
        (
            b'apparmor=DENIED operation=recvmsg profile=a pid=1 comm=a src=5 daddr=10.0.0.7 dest=9 netif=eth0 sock_type="dgram"',
            {
                "operation": b"recvmsg",
                "profile": b"a",
                "pid": 1,
                "comm": b"a",
                "src": b"5",
                "daddr": b"10.0.0.7",
                "dest": b"9",
                "netif": b"eth0",
                "sock_type": b"dgram",
            },
        ),
        (
            b"apparmor=DENIED operation=open profile=a name=(null) pid=? comm=a fsuid=unset ouid=alice",
            {"operation": b"open", "profile": b"a", "comm": b"a", "fsuid": 2**32 - 1},
        ),
    ],
)
def test_what_ausearch_prints(body: bytes, expected: Fields):
    assert decoded(body) == {"apparmor": b"DENIED", **expected}


def test_a_message_of_the_bus():
    body = (
        b"pid=640 uid=unknown(103) auid=unset ses=unset subj=unconfined msg='apparmor=ALLOWED operation=dbus_method_call  "
        b'bus="system" path=/org/freedesktop/systemd1 interface="a.Manager" member="Look" mask="send" name=org.x pid=205 '
        b'label="/tmp/d" peer_pid=1 peer_label="unconfined" exe=/usr/bin/dbus-daemon sauid=unknown(103) hostname=? addr=? '
        b'terminal=?\'UID="messagebus"'
    )
    record = audit.read(HEAD.replace(b"AVC", b"USER_AVC") + body)
    assert record is not None
    assert apparmor.is_record(record)
    assert apparmor.fields(record) == {
        "apparmor": b"ALLOWED",
        "operation": b"dbus_method_call",
        "bus": b"system",
        "path": b"/org/freedesktop/systemd1",
        "interface": b"a.Manager",
        "member": b"Look",
        "mask": b"send",
        "name": b"org.x",
        "pid": 205,
        "label": b"/tmp/d",
        "peer_pid": b"1",
        "peer_label": b"unconfined",
        "exe": b"/usr/bin/dbus-daemon",
    }


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        (b"/a pid=2", "contradictory fields"),
        (b"/a name=/b", "contradictory fields"),
        (b"/a ouid=5 pid=2", "contradictory fields"),
        (b"/a target=/etc/shadow", "contradictory fields"),
        (b'"/a', "not a complete record"),
    ],
)
def test_what_can_be_read_in_two_ways(name: bytes, reason: str):
    body = b"apparmor=DENIED operation=open profile=p name=%b pid=1 comm=c requested_mask=r denied_mask=r fsuid=root ouid=root"
    with pytest.raises(Undecodable) as caught:
        decoded(body % name)
    assert caught.value.reason == reason


@pytest.mark.parametrize(
    "body", [b"", b"x apparmor=DENIED", b"apparmor=FREED name=/x", b'apparmor="DENIED operation=open', b"name=/x"]
)
def test_broken(body: bytes):
    with pytest.raises(Undecodable):
        apparmor.fields(audit.Record(b"AVC", b"", body, True))


def test_the_end_cannot_be_told():
    record = audit.Record(b"AVC", b"", b"apparmor=STATUS operation=profile_load profile=a name=b pid=1 comm=c ", True)
    assert not apparmor.is_whole(record, apparmor.fields(record))


DECODED = "apparmor operation info profile name comm requested_mask denied_mask".split()
BARE = "signal laddr lport faddr fport saddr src daddr dest protocol rlimit value offset".split()
QUOTED = "class requested denied capname sock_type".split()
MISREAD = ("family", "flags", "capability")


def as_ausearch(fields: Fields) -> bytes:
    """The record as ausearch prints it, without what it misreads."""
    return b" ".join(b"%b=%b" % (name.encode(), _printed(name, value)) for name, value in fields.items())


def _printed(name: str, value: Value) -> bytes:
    if isinstance(value, int):
        words = {0: b"root", 2**32 - 1: b"unset"}
        return words.get(value, b"unknown(%d)" % value) if name in ("fsuid", "ouid") else b"%d" % value
    assert isinstance(value, bytes)
    if name in QUOTED:
        return b'"%b"' % value
    return value if name in DECODED + BARE or value == b"none" else records.untrusted(value)


quiet = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E, exclude_characters='=?"'), min_size=1, max_size=24).map(
    lambda text: text.strip(" ").encode() or b"x"
)


@given(records.kernels(quiet, quiet))
def test_generated_records(written: records.Written):
    kept = {name: value for name, value in written.fields.items() if name not in MISREAD}
    record = audit.Record(b"AVC", b"", as_ausearch(kept) + b" ", True)
    if any(isinstance(value, bytes) and b"=" in value for value in kept.values()):
        with pytest.raises(Undecodable):
            apparmor.fields(record)
    else:
        assert apparmor.fields(record) == kept


@given(st.binary(max_size=120))
def test_any_bytes(body: bytes):
    try:
        found = apparmor_interpreted.fields(b"apparmor=DENIED " + body)
    except Undecodable:
        return
    names = [name for name, _ in found]
    assert len(set(names)) == len(names)
    assert all(text for _, text in found)
