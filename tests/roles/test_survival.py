"""Whatever a line makes a parser send, the analyst takes: one forged line must not cost a parser all its evidence."""

from datetime import UTC
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syslogparse.evidence.decode import Decoder
from syslogparse.evidence.fold import Fold
from syslogparse.evidence.model import KINDS
from syslogparse.evidence.stamp import Clock
from syslogparse.roles import wire
from syslogparse.roles.blockwork import Worker, drain_bulk, work_block
from syslogparse.sandbox.libseccomp import syscall_name
from syslogparse.sources.blocks import Place
from syslogparse.sources.trust import Grades

SAMPLES = Path(__file__).parents[2] / "sample-logs"
LINES = [line for name in ("syslog", "audit.log", "netfilter.log") for line in (SAMPLES / name).read_bytes().splitlines()]
PACKET = next(line for line in LINES if b" SYN " in line)
SECCOMP = (
    b"Nov 22 06:20:16 h kernel: audit: type=1326 audit(%s:1): auid=1 uid=0 pid=2 "
    b'comm="x" exe="/x" sig=0 arch=c000003e syscall=1 code=0x30000'
)
APPARMOR = (
    b'Nov 22 06:20:16 h kernel: audit: type=1400 audit(1.0:1): apparmor="DENIED" operation="open" '
    b'profile="p" name="/x" pid=%s requested_mask="r" denied_mask="r"'
)
STAMPS = (b"0001-01-01T00:00:00+00:00", b"9999-12-31T23:59:59Z", b"7000-01-01T00:00:00")


def survives(line):
    """The line through a parser's work, encoded, and decoded as the analyst does it, streamed and folded."""
    text = line.replace(b"\n", b"") + b"\n"
    for stream in (True, False):
        worker = Worker(Clock(UTC, 1795328446_000000), Grades("kernel", "kern"), syscall_name, KINDS, stream=stream)
        fold = Fold()
        done = work_block(worker, text * 2, Place(0, 0), fold)
        drain_bulk(worker, 0, fold)
        wire.decode_block(wire.encode(done.frame(Place(0, 0))))
        if stream:
            wire.decode_events(wire.encode(wire.EventsFrame(done.stream)))
        else:
            batch = wire.EvidenceFrame([], [], [])
            for subject, tally in fold.tallies.items():
                entry = wire.Entry(0, subject.host, subject.grade, tally.count, (0, 0), tally.first_time, (0, 0), tally.last_time)
                getattr(batch, subject.kind).append((entry, subject.key))
            wire.decode_evidence(wire.encode(batch))


@pytest.mark.parametrize(
    "line",
    [
        *(SECCOMP % stamp for stamp in (b"200000000000.000", b"253402300799.999", b"253402300800.0", b"999999999999.0", b"0.0")),
        *(PACKET.replace(PACKET.split(b" ", 1)[0], stamp) for stamp in STAMPS),
        PACKET.replace(b" SYN ", b" SYN" * 70 + b" "),
        PACKET.replace(b" SYN ", b" CWR ECE URG ACK PSH RST SYN FIN "),
        *(APPARMOR % number for number in (b"9" * 18, b"9" * 19, b"9" * 40, b"-1", b"0")),
        APPARMOR.replace(b"/x", b"/" + b"x" * 60_000) % b"1",
        b"Nov 22 06:20:16 " + b"h" * 255 + b" kernel: " + PACKET.partition(b"kernel: ")[2],
    ],
    ids=lambda line: f"{len(line)}-{line[-40:]!r}",
)  # fmt: skip
def test_what_is_odd_but_decodes(line):
    survives(line)


@given(
    st.sampled_from(LINES),
    st.lists(st.tuples(st.integers(0, 400), st.integers(0, 4), st.binary(max_size=6) | st.just(b"9" * 20)), max_size=3),
)
def test_mutated_lines(line, changes):
    for place, removed, added in changes:
        line = line[:place] + added + line[place + removed :]
    survives(line)


def test_the_decoder_takes_the_odd_ones():
    """The control: most of the lines above are events."""
    decoder = Decoder(Clock(UTC, 1795328446_000000), "kernel", "kern", syscall_name)
    assert decoder.event(SECCOMP % b"200000000000.000") is not None
    assert decoder.event(PACKET.replace(b" SYN ", b" CWR ECE URG ACK PSH RST SYN FIN ")) is not None
