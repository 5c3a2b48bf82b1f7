"""A log that is rewritten while it is read: every rule stands on a line that was there as a whole, never on halves of two."""

import json
import os
import subprocess
import sys
import time
from contextlib import contextmanager

import pytest

from tests.e2e.harness import done, driver, running

pytestmark = pytest.mark.root

# Two versions of each line, equally long, that differ in most fields that a rule can name.
STAMPS = [b"Nov 22 06:20:01 gw kernel: ", b"Nov 23 07:30:02 hq kernel: "]
PACKETS = [
    b"IN=eth0 OUT= SRC=192.0.2.1 DST=198.51.100.1 LEN=60 TTL=64 ID=1 PROTO=TCP SPT=1111 DPT=%d \n",
    b"IN=ppp1 OUT= SRC=203.0.113.7 DST=192.0.2.22 LEN=40 TTL=32 ID=2 PROTO=UDP SPT=222 DPT=%d  \n",
]
DENIALS = [
    b'audit: type=1400 audit(1.1:1): apparmor="DENIED" operation="open" profile="/bin/aaaa" name="/aaaa/%d" denied_mask="r"\n',
    b'audit: type=1400 audit(2.2:2): apparmor="DENIED" operation="open" profile="/bin/bbbb" name="/bbbb/%d" denied_mask="w"\n',
]
CALLS = [
    b'audit: type=1326 audit(1.1:1): pid=1 comm="aaa" exe="/a/%d" sig=31 arch=c000003e syscall=59 code=0x80000000\n',
    b'audit: type=1326 audit(2.2:2): pid=2 comm="bbb" exe="/b/%d" sig=31 arch=c000003e syscall=41 code=0x00050000\n',
]
SHAPES = {"packets": [PACKETS], "all": [PACKETS, DENIALS, CALLS]}

# Writes the two versions over each other until it is ended, in pieces that end in the middle of lines.
WRITER = """
import os, sys
log = os.open(sys.argv[1], os.O_WRONLY)
versions = [open(name, "rb").read() for name in sys.argv[2:]]
while True:
    for version in versions:
        for at in range(0, len(version), 10007):
            os.pwrite(log, version[at:at + 10007], at)
"""


def _versions(shape):
    """Both versions of a log of two blocks."""
    texts = [b"".join(stamp + kind[version] for kind in shape) for version, stamp in enumerate(STAMPS)]
    count = (2 << 20) // len(texts[0])
    made = [b"".join(text.replace(b"%d", b"%d" % (10000 + number % 100)) for number in range(count)) for text in texts]
    assert len(made[0]) == len(made[1])
    return made


@contextmanager
def _rewritten(stage, versions):
    """A log that a process writes again and again."""
    names = [stage / "first.log", stage / "second.log"]
    for name, version in zip(names, versions, strict=True):
        name.write_bytes(version)
    log = stage / "changing.log"
    log.write_bytes(versions[0])
    writer = subprocess.Popen([sys.executable, "-c", WRITER, log, *names])
    try:
        yield log, names
    finally:
        writer.kill()
        writer.wait()
        log.unlink()
        for name in names:
            name.unlink()


def _rules(ended):
    return {(one["kind"], one.get("profile"), one.get("exe"), one["rule"]) for one in json.loads(ended.out)["suggestions"]}


@pytest.mark.parametrize("kind", SHAPES)
def test_log_that_is_rewritten(command, interpreter, stage, kind):
    with _rewritten(stage, _versions(SHAPES[kind])) as (log, names):
        allowed = [_rules(done([command, "-f", "json", name])) for name in names]
        assert all(allowed)
        assert not allowed[0] & allowed[1]
        changed = 0
        for _ in range(10):
            ended = done([command, "-f", "json", log])
            found = json.loads(ended.out)["summary"]
            changed += found["undecoded"]["reasons"].get("log changed while it was read", 0)
            assert _rules(ended) <= allowed[0] | allowed[1]
            assert (ended.status == 5) == (not found["complete"])
            if changed:
                break
        assert changed > 0
        # The control: without a second look at the log there are such rules.
        careless = "import syslogparse.roles.blockwork as work; work.unchanged = lambda data, block: None"
        for _ in range(20):
            if not _rules(done([*driver(interpreter, careless), "-f", "json", log])) <= allowed[0] | allowed[1]:
                break
        else:
            pytest.fail("the writer was not fast enough: nothing was tested")


def test_events_of_a_log_that_is_rewritten(command, stage):
    with _rewritten(stage, _versions(SHAPES["all"])) as (log, names):
        allowed = {line.split(b'"time"')[1] for name in names for line in done([command, "-f", "events", name]).out.splitlines()}
        ended = done([command, "-f", "events", log])
        found = {line.split(b'"time"')[1] for line in ended.out.splitlines()}
        assert found
        assert found <= allowed


def test_log_that_grows(command, stage, small):
    # What is appended during the run is read by the next one; the last line, half written, gives nothing.
    log = stage / "growing.log"
    piece = small.read_bytes()
    log.write_bytes(piece * 100)
    rules = _rules(done([command, "-f", "json", log]))
    with running([command, "-f", "json", log]) as run:
        with log.open("ab", buffering=0) as file:
            while run.popen.poll() is None:
                file.write(piece[:7777])
                time.sleep(0.001)
                if os.path.getsize(log) > 64 << 20:
                    break
        ended = run.finish()
    log.unlink()
    assert ended.status in {0, 5}
    assert _rules(ended) <= rules
    assert _rules(ended)
