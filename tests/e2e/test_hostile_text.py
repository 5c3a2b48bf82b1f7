"""Text that somebody else chose, in logs and in names of logs, never drives the terminal."""

import json
import os
import re

import pytest

from tests.e2e.harness import QUIET_ENVIRONMENT, done

pytestmark = pytest.mark.root

# C0 but the line feed, DEL, C1; bidi and other format characters; line separators; a byte that is no UTF-8.
NASTY = [
    "\x1b]0;owned\x07",
    "\x1b]8;;http://evil/\x1b\\click\x1b]8;;\x1b\\",
    "\x9b31m",
    "\x7f\x08\r",
    "\u202edrowssap\u202c",
    "\u2066x\u2069",
    "\u2028\u2029",
    "\ufeff\u200b",
    "\U000e0041",
    "[red]markup[/red] :skull:",
]
FORBIDDEN = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\U000e0000-\U000e007f]")


def _lines() -> bytes:
    lines = []
    for number, nasty in enumerate([*NASTY, "\udcff\udc80"]):
        raw = nasty.encode("utf-8", "surrogateescape")
        coded = raw.hex().upper().encode()
        stamp = b"Nov 22 06:20:%02d vmrig kernel: [    1.%06d] " % (number, number)
        packet = b"SRC=192.0.2.1 DST=192.0.2.2 LEN=60 TOS=0x00 PREC=0x00 TTL=64 ID=1 PROTO=TCP SPT=1 DPT=2%d" % number
        audit = b'audit: type=1400 audit(1700000000.%03d:%d): apparmor="DENIED" operation="open" ' % (number, number)
        rest = b' pid=1 comm="x" requested_mask="r" denied_mask="r" fsuid=0 ouid=0'
        lines += [
            stamp + b"%b IN=eth0 OUT= MAC= %b" % (raw, packet),
            stamp + audit + b"profile=%b name=%b" % (coded, coded) + rest,
            stamp + audit + b'profile="%b" name="/%b"' % (raw, raw) + rest,
            stamp + b"audit: type=1326 audit(1700000000.%03d:9%d): auid=0 uid=0 gid=0 ses=1 subj=%b pid=1 comm=%b exe=%b sig=31 "
            b"arch=c000003e syscall=59 compat=0 ip=0x7f code=0x80000000" % (number, number, coded, coded, coded),
            b"Nov 22 06:20:01 %b kernel: IN=eth0 OUT= %b" % (raw.replace(b" ", b""), packet),
        ]
    return b"\n".join(line.replace(b"\n", b"") for line in lines) + b"\n"


@pytest.fixture(scope="module")
def nasty(stage):
    log = stage / "nasty.log"
    log.write_bytes(_lines())
    return log


@pytest.mark.parametrize("form", ["text", "rules", "json", "events"])
def test_text_of_a_log(command, nasty, form):
    ended = done([command, "-f", form, nasty], env={**QUIET_ENVIRONMENT, "FORCE_COLOR": "1"})
    assert (ended.status, ended.err) == (0, b"")
    text = re.sub("\x1b\\[[0-9;]*m", "", ended.out.decode("utf-8", "strict"))  # our own colours
    assert FORBIDDEN.findall(text) == []
    if form == "json":
        summary = json.loads(ended.out)["summary"]
        assert sum(summary["events"].values()) > 2 * len(NASTY)  # they were understood, and not just dropped
    if form == "text":
        assert "[red]markup" in text  # no markup of ours
        assert ":skull:" in text


def _files(stage, content):
    folder = stage / "names"
    folder.mkdir(exist_ok=True)
    paths = [os.fsencode(folder) + b"/" + nasty.replace("/", "|").encode() for nasty in NASTY]
    paths += [os.fsencode(folder) + b"/" + raw for raw in (b"\xff\xfe.log", b"two\nlines", b"-f", b"x" * 255)]
    for path in paths:
        with open(path, "wb") as file:
            file.write(content)
    return paths


@pytest.mark.parametrize("form", ["text", "rules", "json", "events"])
def test_names_of_logs(command, stage, small, form):
    paths = _files(stage, small.read_bytes())
    missing = [path + b".none" for path in paths[:-1]]
    ended = done([command, "-f", form, *map(os.fsdecode, paths + missing)])
    assert ended.status == 3
    for stream in (ended.out, ended.err):
        assert FORBIDDEN.findall(stream.decode("utf-8", "strict")) == []
    assert ended.err.count(b"\n") == len(missing)
    if form == "events":
        names = {json.loads(line)["file"] for line in ended.out.splitlines()}
        assert names == {os.fsdecode(path) for path in paths}
    if form == "json":
        summary = json.loads(ended.out)["summary"]
        assert summary["files"] == [os.fsdecode(path) for path in paths]
        assert summary["unreadable"] == [os.fsdecode(path) for path in missing]


def test_names_in_usage_errors(command):
    for nasty in [*NASTY[:-1], "\udcff", "a\nb", "[red]:skull:"]:
        ended = done([command, f"--x{nasty}"])
        assert ended.status == 2
        assert ended.out == b""
        assert ended.err.isascii()
        assert FORBIDDEN.findall(ended.err.decode("ascii")) == []
        message, hint, end = ended.err.split(b"\n")
        assert message.startswith(b"syslogparse: ")
        assert (hint, end) == (b"syslogparse: try --help", b"")
