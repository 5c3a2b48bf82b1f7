"""What a case of the forgery tests is made of."""

from typing import Literal, NamedTuple, TypeAlias

Outcome: TypeAlias = Literal["event", "undecoded", "nothing"]
Fields: TypeAlias = dict[str, object]

STAMP = "Nov 22 06:20:16"
TAG = f"{STAMP} gw kernel: "
UPTIME = "[   22.219056] "
PACKET = (
    "IN=eth0 OUT= MAC=76:9a:e2:a8:d1:68:a6:82:ae:26:18:c7:08:00 SRC=192.0.2.2 DST=192.0.2.1 LEN=40 TOS=0x00 PREC=0x00 TTL=64 "
    "ID=17758 DF PROTO=TCP SPT=40000 DPT=80 WINDOW=1024 RES=0x00 SYN URGP=0 "
)
PACKET_FIELDS: Fields = {
    "in": "eth0",
    "mac_dst": "76:9a:e2:a8:d1:68",
    "mac_src": "a6:82:ae:26:18:c7",
    "src": "192.0.2.2",
    "dst": "192.0.2.1",
    "length": 40,
    "ttl": 64,
    "proto": "tcp",
    "spt": 40000,
    "dpt": 80,
    "tcp_flags": ["SYN"],
}
AUDIT = "audit(1795327650.218:46)"
DENIED_BODY = (
    'apparmor="DENIED" operation="open" class="file" profile="/usr/bin/x" name="/srv/f" pid=228 comm="x" '
    'requested_mask="r" denied_mask="r" fsuid=0 ouid=0'
)
DENIED = f"audit: type=1400 {AUDIT}: {DENIED_BODY}"
DENIED_FIELDS: Fields = {
    "apparmor": "DENIED",
    "operation": "open",
    "class": "file",
    "profile": "/usr/bin/x",
    "name": "/srv/f",
    "pid": 228,
    "comm": "x",
    "requested_mask": "r",
    "denied_mask": "r",
    "fsuid": 0,
    "ouid": 0,
}
KILLED_BODY = (
    'auid=1000 uid=0 gid=0 ses=2 subj=unconfined pid=185 comm="poke" exe="/opt/poke" sig=31 arch=c000003e syscall=110 '
    "compat=0 ip=0x43bad9 code=0x80000000"
)
KILLED = f"audit: type=1326 {AUDIT}: {KILLED_BODY}"
KILLED_FIELDS: Fields = {
    "auid": 1000,
    "uid": 0,
    "gid": 0,
    "ses": 2,
    "subj": "unconfined",
    "pid": 185,
    "comm": "poke",
    "exe": "/opt/poke",
    "sig": 31,
    "arch": "x86_64",
    "syscall": 110,
    "syscall_name": "getppid",
    "compat": 0,
    "code": "0x80000000",
    "action": "kill_process",
}
BUS_BODY = (
    'apparmor="DENIED" operation="dbus_method_call" bus="system" path="/org/x" interface="org.x" member="Get" mask="send" '
    'name="org.x" pid=2 label="/usr/bin/x" peer_pid=3 peer_label="unconfined"'
)


class Case(NamedTuple):
    """One log file and what has to come out of it.

    outcome: "event": every line is an event with exactly ``fields``. "undecoded": no line is one, and each is reported.
    "nothing": no line is one; it is reported, or it is no line of interest.
    grade: the most that the event may be worth in a file whose kernel messages are worth "kern" and audit records "kernel".
    whole: the file is one record; its lines mean nothing alone.
    """

    name: str
    content: bytes
    outcome: Outcome
    fields: Fields | None = None
    grade: str | None = None
    kind: str = "netfilter"
    whole: bool = False


def _bytes(text: str | bytes) -> bytes:
    return text if isinstance(text, bytes) else text.encode()


def forged(name: str, *lines: str | bytes) -> Case:
    """None of the lines may become an event, and each is reported."""
    return Case(name, b"".join(_bytes(line) + b"\n" for line in lines), "undecoded")


def other(name: str, *lines: str | bytes) -> Case:
    """None of the lines may become an event."""
    return Case(name, b"".join(_bytes(line) + b"\n" for line in lines), "nothing")


def packet(name: str, line: str | bytes, fields: Fields, grade: str | None = None) -> Case:
    """The line is a logged packet with exactly these fields."""
    return Case(name, _bytes(line) + b"\n", "event", fields, grade)


def denial(name: str, line: str | bytes, fields: Fields, grade: str | None = None) -> Case:
    """The line is an AppArmor record with exactly these fields."""
    return Case(name, _bytes(line) + b"\n", "event", fields, grade, "apparmor")


def kill(name: str, line: str | bytes, fields: Fields, grade: str | None = None) -> Case:
    """The line is a seccomp record with exactly these fields."""
    return Case(name, _bytes(line) + b"\n", "event", fields, grade, "seccomp")
