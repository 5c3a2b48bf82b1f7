"""Logs for the roles, made from the sample logs' lines."""

import mmap
from datetime import UTC
from pathlib import Path

from syslogparse.evidence.model import KINDS
from syslogparse.evidence.stamp import Clock
from syslogparse.roles.blockwork import Worker
from syslogparse.roles.terms import ALL, Terms
from syslogparse.sandbox.libseccomp import syscall_name
from syslogparse.sources.open import Log
from syslogparse.sources.trust import Grades

SAMPLES = Path(__file__).resolve().parents[2] / "sample-logs"
NEWEST = 1795328446_000000
GRADES = Grades("kernel", "kern")


def sample(name):
    return (SAMPLES / name).read_bytes().split(b"\n")[:-1]


PACKET = (
    b"Nov 21 00:00:01 gw kernel: [ 1000.020000] [UFW BLOCK] IN=eth0 OUT= MAC=52:54:00:12:34:56:52:54:00:65:43:21:08:00 "
    b"SRC=198.51.100.7 DST=203.0.113.9 LEN=60 TOS=0x00 PREC=0x00 TTL=52 ID=1 DF PROTO=TCP SPT=40000 DPT=22 WINDOW=64240 "
    b"RES=0x00 SYN URGP=0 "
)
PACKETS = [
    PACKET,
    PACKET.replace(b"DPT=22", b"DPT=23"),
    PACKET.replace(b":01 gw", b":07 fw"),
    PACKET.replace(b"SRC=198.51.100.7", b"SRC=198.51.100.8").replace(b"SYN", b"ACK FIN"),
    PACKET.replace(b"DF PROTO=TCP", b"PROTO=UDP").replace(b"WINDOW=64240 RES=0x00 SYN URGP=0", b"LEN=40"),
]
ODD = [
    b"",
    b"\r",
    b"\xff\x00\xfe",
    b"Nov 21 00:00:03 gw sshd[7]: hello OUT= IN=",
    b"x IN=eth0 OUT=",
    PACKET.replace(b"DPT=22", b"DPT=99999"),
    PACKET.replace(b"SRC=198.51.100.7", b"SRC=1.2.3.4.5"),
    PACKET[:150],
    b'Nov 21 00:00:03 gw evil: audit: type=1400 audit(1.1:1): apparmor="DENIED" operation="open" profile="x"',
]
REAL = [*sample("syslog"), *sample("audit.log"), *sample("netfilter.log"), *sample("apparmor.log"), *sample("seccomp.log")]


def mapped(data: bytes) -> mmap.mmap:
    made = mmap.mmap(-1, len(data))
    made[:] = data
    return made


def log(data: bytes, name: str = "syslog") -> Log:
    return Log(name, mapped(data) if data else None, len(data), GRADES, NEWEST)


def worker(*, kinds=KINDS, stream: bool = False, terms: Terms = ALL) -> Worker:
    return Worker(Clock(UTC, NEWEST), GRADES, syscall_name, kinds, stream=stream, terms=terms)
