"""The way in: forged lines give nothing, real lines give events, cut lines give no rule."""

import contextlib
import gzip
import time
from collections import Counter
from datetime import UTC
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syslogparse.evidence import journal
from syslogparse.evidence.decode import MAX_LINE, Decoder, literals_of
from syslogparse.evidence.model import Event, Undecodable
from syslogparse.evidence.stamp import Clock

PACKET = (
    b"[UFW BLOCK] IN=v0 OUT= MAC=76:9a:e2:a8:d1:68:a6:82:ae:26:18:c7:08:00 SRC=192.0.2.2 DST=192.0.2.1 LEN=40 TOS=0x00 PREC=0x00 "
    b"TTL=64 ID=17758 DF PROTO=TCP SPT=40000 DPT=80 WINDOW=1024 RES=0x00 SYN URGP=0 "
)
UNREACHABLE = (
    b"FWD IN= OUT=v0 SRC=192.0.2.1 DST=192.0.2.2 LEN=112 TOS=0x00 PREC=0xC0 TTL=64 ID=16765 PROTO=ICMP TYPE=3 CODE=3 "
    b"[SRC=192.0.2.2 DST=198.51.100.7 LEN=84 TOS=0x00 PREC=0x00 TTL=63 ID=55594 DF PROTO=ICMP TYPE=8 CODE=0 ID=227 SEQ=1 ] "
)
DENIED = (
    b'audit: type=1400 audit(1795327650.218:46): apparmor="DENIED" operation="exec" class="file" profile="/opt/rig/poke-enf" '
    b'name=2F6F70742F7269672F6D792074727565 pid=228 comm="poke-enf" requested_mask="x" denied_mask="x" fsuid=0 ouid=0'
)
KILLED = (
    b"audit: type=1326 audit(1795328409.222:20): auid=4294967295 uid=0 gid=0 ses=4294967295 subj=unconfined pid=185 "
    b"comm=706F206B65 exe=2F6F70742F7269672F706F206B65 sig=31 arch=c000003e syscall=110 compat=0 ip=0x43bad9 code=0x80000000"
)
AUDITD = (
    b'type=AVC msg=audit(1795328428.902:76): apparmor="DENIED" operation="open" class="file" profile="poke-enf" name="/srv/f" '
    b'pid=257 comm="poke-enf" requested_mask="r" denied_mask="r" fsuid=0 ouid=0'
)
AUDITD_KILLED = (
    b'type=SECCOMP msg=audit(1795328450.206:131): auid=4294967295 uid=0 gid=0 ses=4294967295 subj=unconfined pid=340 comm="poke" '
    b'exe="/opt/rig/poke" sig=9 arch=c000003e syscall=110 compat=0 ip=0x43bad9 code=0x0'
)
TAG = b"Nov 22 06:20:16 vmrig kernel: "
PAYLOADS = [PACKET, UNREACHABLE, DENIED, KILLED]
REAL = [TAG + payload for payload in PAYLOADS] + [TAG + b"[   22.2] " + PACKET, b"[   22.2] " + DENIED, AUDITD, AUDITD_KILLED]
NEWEST = 1_795_400_000 * 10**6


def decoder() -> Decoder:
    return Decoder(
        Clock(UTC, NEWEST), "kernel", "kern", lambda arch, number: "getppid" if (arch, number) == ("x86_64", 110) else None
    )


def event(line: bytes, terminated: bool = True) -> Event:
    found = decoder().event(line, terminated)
    assert found is not None
    return found


def reason(line: bytes, terminated: bool = True) -> str:
    with pytest.raises(Undecodable) as caught:
        decoder().event(line, terminated)
    return caught.value.reason


def test_a_packet():
    found = event(TAG + b"[   22.219056] " + PACKET)
    assert (found.kind, found.time, found.host, found.grade) == ("netfilter", 1795328416 * 10**6, b"vmrig", "kern")
    assert (found.fields["prefix"], found.fields["dpt"]) == (b"[UFW BLOCK]", 80)


def test_a_denial_has_the_time_of_its_record():
    found = event(TAG + DENIED)
    assert (found.kind, found.time, found.host, found.grade) == ("apparmor", 1795327650218000, b"vmrig", "kern")
    found = event(b"node=gw " + AUDITD)
    assert (found.kind, found.time, found.host, found.grade) == ("apparmor", 1795328428902000, b"gw", "kernel")


def test_a_kill():
    found = event(AUDITD_KILLED + b'\x1dUID="root" SYSCALL=execve')
    assert (found.kind, found.time, found.grade) == ("seccomp", 1795328450206000, "kernel")
    assert (found.fields["syscall_name"], found.fields["action"]) == (b"getppid", b"kill_thread")


def test_the_ring_buffer_has_no_time():
    assert event(b"[   22.219056] " + PACKET).time is None
    assert event(b"[   22.219056] " + DENIED).time == 1795327650218000


RELAYED = b"Nov 22 06:20:16 vmrig "
BUS = (
    b'apparmor="DENIED" operation="dbus_signal" bus="session" path="/a" interface="b.c" member="D" mask="send" name=":1.1" pid=7 '
    b'label="x" peer_label="unconfined"'
)


@pytest.mark.parametrize(
    ("line", "grade"),
    [
        (RELAYED + b"audispd: node=gw " + AUDITD, "syslog"),
        (RELAYED + b"audisp-syslog[7]: " + AUDITD_KILLED, "syslog"),
        (RELAYED + b"audit[257]: AVC " + AUDITD.partition(b"): ")[2], "syslog"),
        (RELAYED + b"dbus-daemon[7]: " + BUS, "syslog"),
        (DENIED, "syslog"),
        (b"kernel: " + PACKET, "syslog"),
        (KILLED.removeprefix(b"audit: "), "syslog"),
        (b"<6>1 2026-11-22T06:20:16Z gw kernel - - - " + PACKET, "kern"),
        (b"<14>1 2026-11-22T06:20:16Z gw kernel - - - " + PACKET, "syslog"),
        (b"<6>Nov 22 06:20:16 gw kernel: " + PACKET, "kern"),
        (b"<14>Nov 22 06:20:16 gw kernel: " + PACKET, "syslog"),
        (b"<14>[   22.219056] " + DENIED, "syslog"),
        (TAG + DENIED, "kern"),
        (AUDITD, "kernel"),
    ],
)
def test_grades(line: bytes, grade: str):
    assert event(line).grade == grade


# Who is not the kernel, and how the line begins when he says what the kernel would.
OTHERS = [
    b"Nov 22 06:20:16 vmrig sshd[1]: ",
    b"Nov 22 06:20:16 vmrig sshd[1]: kernel: ",
    b"Nov 22 06:20:16 vmrig sshd[1]: Invalid user Nov 22 06:20:16 vmrig kernel: ",
    b"Nov 22 06:20:16 vmrig kernel[1]: ",
    b"Nov 22 06:20:16 vmrig mykernel: ",
    b"Nov 22 06:20:16 vmrig KERNEL: ",
    b"Nov 22 06:20:16 vmrig kernel\xc2\xa0: ",
    b"Nov 22 06:20:16 sshd: kernel: ",
    b"Nov 22 06:20:16 vmrig audit: kernel: ",
    b"Nov 22 06:20:16 vmrig audit[1]: ",
    b"Nov 22 06:20:16 vmrig root: [   22.219056] ",
    b"Nov 22 06:20:16 vmrig audispd: node=gw x ",
    b"Nov 22 06:20:16 vmrig audispd[1]: kernel: ",
    b"Nov 22 06:20:16 vmrig dbus[1]: ",
    b"2026-11-22T06:20:16.093890+00:00 vmrig myapp: fake ",
    b"2026-11-22T06:20:16.093890+00:00 vmrig kernel 2026-11-22T06:20:16.093890+00:00 vmrig kernel: ",
    b"<6>1 2026-11-22T06:20:16Z gw app - - - ",
    b'<6>1 2026-11-22T06:20:16Z gw app - - [x y="kernel: "] kernel: ',
    b"<6>1 2026-11-22T06:20:16Z gw kernel 1 - - ",
    b"",
    b" ",
    b"\t",
    b"GET /?",
    b"kernel:: ",
    b"vmrig kernel: ",
    b"\x00" + TAG,
    b"\xef\xbb\xbf" + TAG,
    b"x" + TAG,
    b"\x1b[2K" + TAG,
    b"Command line: " + TAG,
    b'type=USER_LOGIN msg=audit(1795328428.902:76): pid=1 uid=0 msg=\'op=login acct="x" ',
    b"type=USER_AVC msg=audit(1795328428.902:76): pid=1 uid=0 msg='",
    b"type=USER msg=audit(1795328428.902:76): msg='",
    b'type=USER_AVC msg=audit(1795328428.902:76): msg=\'reason="seccomp" ',
    TAG + b"audit: type=1107 audit(1795328428.902:76): pid=1 uid=103 msg='",
    TAG + b"audit: type=1112 audit(1795328428.902:76): pid=1 msg='acct=",
    b'{"MESSAGE":"',
    b"Nov 22 06:20:16 vmrig app: \n" + TAG,
]


@pytest.mark.parametrize("payload", [*PAYLOADS, AUDITD, AUDITD_KILLED])
@pytest.mark.parametrize("front", OTHERS)
def test_forgeries(front: bytes, payload: bytes):
    if front or not payload.startswith((b"type=", b"audit: type=")):
        line = front + payload
        assert reason(line) in {"not said by the kernel", "no log envelope", "not a complete record"}, line


@pytest.mark.parametrize(
    "line",
    [
        TAG + b"usb 1-1: new device",
        TAG + b"traffic goes OUT= there",
        b"Nov 22 06:20:16 vmrig app: OUT= of order",
        b'type=EXECVE msg=audit(1795328428.902:76): argc=2 a0="grep" a1="type=1326"',
        b'type=PROCTITLE msg=audit(1795328428.902:76): proctitle="type=SECCOMP"',
        TAG + b'audit: type=1327 audit(1795328428.902:76): proctitle="x"',
        b'2026-11-22T06:20:16Z vmrig app[1]: operation="read" failed',
        b"",
        b"x" * (MAX_LINE + 1),
    ],
)
def test_of_no_interest(line: bytes):
    assert decoder().event(line) is None


@pytest.mark.parametrize(
    ("line", "why"),
    [
        (TAG + b"IN=v0 X OUT=v1 SRC=1.2.3.4", "not a complete record"),
        (TAG + b'audit: type=1400 apparmor="DENIED"', "not a complete record"),
        (TAG + b'apparmor="DENIED" operation="open"', "not a complete record"),
        (TAG + PACKET.replace(b"DPT=80", b"DPT=80000"), "invalid port"),
        (TAG + DENIED.replace(b"2F6F", b"2F6"), "invalid hexadecimal value"),
        (TAG + KILLED.replace(b"syscall=110", b"syscall=99999999999"), "invalid number"),
        (b"type=APPARMOR msg=audit(1157215966.604:46): REJECTING r access to /bin/df", "not a complete record"),
        (TAG + b"x" * MAX_LINE + PACKET, "line too long"),
        (b"x" * MAX_LINE + b'apparmor="', "line too long"),
    ],
)
def test_broken(line: bytes, why: str):
    assert reason(line) == why


def test_records_before_linux_2_6_36():
    line = b'Apr 12 13:59:10 jj kernel: type=1503 audit(1236891550.807:870): operation="capable" name="setuid" pid=3593'
    assert any(literal in line for literal in literals_of(line))
    assert event(line).fields["apparmor"] == b"DENIED"
    assert reason(line.replace(b"kernel:", b"kernel[1]:")) == "not said by the kernel"


def test_a_carriage_return_at_the_end():
    for line in REAL:
        assert event(line + b"\r") == event(line)
        assert event(line + b"\r", terminated=False) == event(line)


@pytest.mark.parametrize("line", REAL)
def test_a_line_that_was_cut_gives_no_other_rule(line: bytes):
    whole = decoder().key_of(event(line))
    given_up = 0
    for end in range(len(line)):
        try:
            cut = decoder().event(line[:end], terminated=False)
        except Undecodable as error:
            given_up += error.reason == "line cut off at the end of the file"
            continue
        assert cut is None or decoder().key_of(cut) == whole, line[:end]
    assert given_up > 20


@pytest.mark.parametrize(
    ("line", "last"),
    [
        (TAG + PACKET, b"DPT=8"),
        (TAG + PACKET, b"DPT=80"),
        (TAG + DENIED, b"ouid=0"),
        (TAG + DENIED, b'comm="po'),
        (TAG + KILLED, b"0x8000"),
    ],
)
def test_cut(line: bytes, last: bytes):
    end = line.index(last) + len(last)
    assert reason(line[:end], terminated=False) == "line cut off at the end of the file"


def test_what_ends_in_a_blank_or_a_quote_is_whole():
    assert event(TAG + PACKET, terminated=False) == event(TAG + PACKET)
    assert event(TAG + PACKET.rstrip(), terminated=False) == event(TAG + PACKET)
    assert event(TAG + KILLED, terminated=False) == event(TAG + KILLED)
    assert event(AUDITD + b'\x1dFSUID="root"', terminated=False) == event(AUDITD)
    line = b'[ 1.5] type=1400 audit(1.5:1): apparmor="DENIED" operation="capable" pid=1 comm="x" capability=7  capname="setuid"'
    assert event(line, terminated=False) == event(line)


@given(st.sampled_from(REAL), st.binary(max_size=60), st.integers(0, 400), st.integers(0, 400), st.booleans())
def test_mutated(line: bytes, noise: bytes, start: int, end: int, terminated: bool):
    reader = decoder()
    try:
        found = reader.event(line[:start] + noise + line[end:], terminated)
    except Undecodable:
        return
    if found is not None:
        reader.key_of(found)


@given(st.binary(max_size=400), st.booleans())
def test_any_bytes(noise: bytes, terminated: bool):
    reader = decoder()
    for front in (
        b"",
        TAG,
        b"<6>1 - - kernel - - ",
        b"[ 1.5] IN=v0 OUT= ",
        b'type=AVC msg=audit(1.5:1): apparmor="',
        TAG + b"audit: type=1326 ",
    ):
        try:
            found = reader.event(front + noise, terminated)
        except Undecodable:
            continue
        assert found is None or reader.key_of(found)


@given(st.sampled_from(OTHERS[:-1]), st.sampled_from(PAYLOADS), st.binary(max_size=40).filter(lambda noise: b"\n" not in noise))
def test_payload_makes_nobody_the_kernel(front: bytes, payload: bytes, noise: bytes):
    if front.strip():
        with pytest.raises(Undecodable):
            decoder().event(front + noise + TAG + payload)


PIECES = (
    b'a [ " =" a=" a= [a_b=" [a_b="\\" IN= _OUT= 1 0A _pid= _subj= \0 \xff node=a_ host_ apparmor= IN=_OUT= FSUID= _{ _ _[ _]'
)


@pytest.mark.parametrize("front", [b"", TAG, b"<6>1 - - kernel - ", TAG + b"IN=v0 OUT= ", AUDITD[:60], b"Nov 22 "])
@pytest.mark.parametrize("piece", [piece.replace(b"_", b" ") for piece in PIECES.split(b" ")])
def test_linear(front: bytes, piece: bytes):
    reader = decoder()
    before = time.process_time()
    for size in (MAX_LINE - 64, 1_000_000):
        for end in (b"", b' type=1326 apparmor="x'):
            for terminated in (True, False):
                with contextlib.suppress(Undecodable):
                    reader.event((front + piece * (size // len(piece)))[: size - len(end)] + end, terminated)
    assert time.process_time() - before < 2


def test_the_cache_of_names_is_bounded():
    reader = decoder()
    for number in range(10_000):
        reader.event(TAG + KILLED.replace(b"syscall=110", b"syscall=%d" % number))
    assert len(reader._names) <= 4096


def outcomes(path: Path) -> Counter[str]:
    reader, found = decoder(), Counter[str]()
    data = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    for line in data.split(b"\n"):
        if any(literal in line for literal in literals_of(line)):
            try:
                one = reader.event(line)
            except Undecodable as error:
                found[error.reason] += 1
            else:
                if one is not None:
                    found[one.kind] += 1
                    assert reader.key_of(one)
    return found


@pytest.mark.corpora
def test_real_firewall_logs(corpora: Path):
    total = Counter[str]()
    for path in sorted((corpora / "netfilter" / "psad-scans").iterdir()):
        total += outcomes(path)
    assert set(total) == {"netfilter"}
    # Six lines had their addresses edited into one word: SRC=219.255.10.22.DST=...
    assert outcomes(corpora / "netfilter" / "honeynet-sotm34.log.gz") == {"netfilter": 179730, "invalid address": 6}


@pytest.mark.corpora
def test_records_that_programs_wrote(corpora: Path):
    found = outcomes(corpora / "apparmor" / "apparmor.d-logs" / "audit.log")
    assert found["apparmor"] == 47


def said_by(transport: bytes, message: bytes) -> journal.Entry:
    return journal.from_fields(1795328416_123456, {b"_TRANSPORT": transport, b"MESSAGE": message, b"_HOSTNAME": b"vmrig"})


def test_an_entry_of_the_journal():
    found = decoder().entry(said_by(b"kernel", PACKET))
    assert found is not None
    assert (found.kind, found.time, found.host, found.grade) == ("netfilter", 1795328416_123456, b"vmrig", "kern")
    weaker = decoder().entry(said_by(b"kernel", PACKET), forgeable=True)
    assert weaker is not None
    assert (weaker.fields, weaker.grade) == (found.fields, "syslog")
    assert decoder().entry(said_by(b"kernel", b"usb 1-1: new device")) is None
    assert decoder().entry(said_by(b"syslog", b"hello")) is None
    with pytest.raises(Undecodable):
        decoder().entry(said_by(b"syslog", DENIED))


def test_a_line_of_json_is_worth_little_whatever_the_file_is():
    line = b'{"_TRANSPORT":"kernel","__REALTIME_TIMESTAMP":"1795328416123456","MESSAGE":"' + DENIED.replace(b'"', b'\\"') + b'"}'
    found = event(line)
    assert (found.fields, found.grade) == (event(TAG + DENIED).fields, "syslog")
    assert found.identity == event(TAG + DENIED).identity


def test_lines_of_one_event_have_one_identity():
    relayed = RELAYED + b"audispd: " + AUDITD
    kernel = TAG + b"audit: type=1400 audit(1795328428.902:76): " + AUDITD.partition(b"): ")[2]
    assert event(AUDITD).identity == event(relayed).identity == event(kernel).identity != b""
    assert event(AUDITD.replace(b":76)", b":77)")).identity != event(AUDITD).identity
    assert event(RELAYED + b"audit[257]: AVC " + AUDITD.partition(b"): ")[2]).identity == b""


def test_packets_of_one_attempt_have_one_identity():
    first = TAG + PACKET
    again = first.replace(b"ID=17758", b"ID=17759").replace(b"[UFW BLOCK]", b"[UFW AUDIT]")
    assert event(first).identity == event(again).identity
    assert event(first).identity[:4] == event(b"[   22.2] " + PACKET).identity[:4]
    assert event(first.replace(b"SPT=40000", b"SPT=40001")).identity != event(first).identity


def test_a_repeated_message():
    found = event(TAG + b"message repeated 3 times: [ " + PACKET + b"]")
    assert (found.repeat, found.fields) == (3, event(TAG + PACKET).fields)
