"""The validator: what it takes, what it refuses, and that one byte says which. All of it runs as in a run, but for its filter."""

import os
import resource
import signal
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syslogparse.evidence.model import KINDS
from syslogparse.languages.document import Document
from syslogparse.languages.render import Language, render
from syslogparse.options import FIREWALLS
from syslogparse.report import files
from syslogparse.report.model import Report
from syslogparse.report.warmup import synthetic_report
from syslogparse.roles import validator
from syslogparse.roles.validator import END, FAILED, GOOD, MAX_LINE, READY, REFUSED, Ends, Refused, frames, take
from syslogparse.rules.apparmor_model import FileRule
from syslogparse.rules.model import SyscallRule

LANGUAGES: tuple[Language, ...] = ("iptables", "apparmor", "seccomp")
PATH = render(FileRule(b"/srv/f", "r"))
CALL = render(SyscallRule(b"/bin/true", "x86_64", "getppid"))
DOCUMENTS = [(1, ["# apparmor", PATH]), (2, [CALL])]


@pytest.fixture
def outlets(tmp_path):
    """Three files as unnamed as those of a run."""
    made = tuple(os.open(tmp_path, os.O_TMPFILE | os.O_RDWR, 0o600) for _ in LANGUAGES)
    yield made
    for file in made:
        os.close(file)


def contents(outlets):
    return [os.pread(file, 1 << 22, 0) for file in outlets]


def judge(stage, outlets, sent, languages=LANGUAGES):
    """The validator over what an analyst has sent: how it ended, what it told the analyst, and its verdict."""
    lines, ready, verdict = stage.pipe(1 << 20), stage.pipe(), stage.pipe()
    os.write(lines[1], sent)
    stage.close(lines[1])
    ended = stage.run(lambda: validator.main(Ends(lines[0], ready[1], verdict[1], outlets), languages))
    stage.close(ready[1])
    stage.close(verdict[1])
    return ended, stage.drain(ready[0]), stage.drain(verdict[0])


def frame(number, text=b""):
    return struct.pack("!BI", number, len(text)) + text


STOP = frame(END)


def test_what_is_good_is_written_and_named_by_its_bits(stage, outlets):
    ended, told, verdict = judge(stage, outlets, b"".join(frames(DOCUMENTS)))
    assert (ended.status, told, verdict) == (0, READY, bytes([GOOD | 0b110]))
    assert contents(outlets) == [b"", f"# apparmor\n{PATH}\n".encode(), f"{CALL}\n".encode()]


def test_nothing_to_write(stage, outlets):
    assert judge(stage, outlets, STOP)[2] == bytes([GOOD])
    assert contents(outlets) == [b"", b"", b""]


def test_files_may_come_in_any_order_and_in_turns(stage, outlets):
    sent = frame(2, CALL.encode()) + frame(1, PATH.encode()) + frame(2, b"# again") + STOP
    assert judge(stage, outlets, sent)[2] == bytes([GOOD | 0b110])
    assert contents(outlets)[2] == f"{CALL}\n# again\n".encode()


BAD = {
    "nothing": b"",
    "no end": frame(1, PATH.encode()),
    "half a head": b"\x01\0\0",
    "half a line": frame(1, PATH.encode())[:-1],
    "half an end": frame(1, PATH.encode()) + STOP[:-1],
    "an end with a length": frame(END, b"x"),
    "no such file": frame(3, PATH.encode()) + STOP,
    "too long": struct.pack("!BI", 1, MAX_LINE + 1) + b"#" * (MAX_LINE + 1) + STOP,
    "endless": struct.pack("!BI", 1, 0xFFFFFFFF),
    "a command": frame(0, b"reboot") + STOP,
    "a command behind a rule": frame(1, PATH.encode()) + frame(0, b"iptables -F") + STOP,
    "a rule of another language": frame(0, PATH.encode()) + STOP,
    "a line feed": frame(1, f"# x\n{PATH}".encode()) + STOP,
    "a carriage return": frame(1, b"# x\rreboot") + STOP,
    "a NUL byte": frame(1, b"# x\0") + STOP,
    "an escape": frame(1, b"# \x1b[2J") + STOP,
    "a direction": frame(1, "# \u202ex".encode()) + STOP,
    "a line separator": frame(1, "# \u2028reboot".encode()) + STOP,
    "no UTF-8": frame(1, b"# \xff") + STOP,
    "a surrogate": frame(1, b"# \xed\xa0\x80") + STOP,
    "an open block": frame(1, b"profile x {") + STOP,
    "a closed block": frame(1, b"}") + STOP,
    "a piece of the head": frame(0, b'"$tool" -w -F') + STOP,
}


@pytest.mark.parametrize("name", BAD)
def test_anything_else_is_refused_as_a_whole(stage, outlets, name):
    # What is good before and behind it does not help.
    good = frame(2, CALL.encode())
    for sent in (BAD[name], good + BAD[name]):
        ended, _, verdict = judge(stage, outlets, sent)
        assert (ended.status, verdict) == (0, bytes([REFUSED])), name
        assert ended.err == b""


@given(st.binary(max_size=200))
def test_no_noise_is_good(noise):
    held = bytearray(noise)

    def read(length):
        if len(held) < length:
            raise Refused
        found = bytes(held[:length])
        del held[:length]
        return found

    try:
        assert take(read, (-1, -1, -1), LANGUAGES) == 0  # nothing but the end mark, or writing would fail
    except (Refused, OSError):
        return
    assert noise.startswith(STOP)


def test_a_file_that_is_too_large(stage, outlets, monkeypatch):
    monkeypatch.setattr(validator, "MAX_FILE", 100)
    sent = frame(1, b"# " + b"x" * 97) + STOP
    assert judge(stage, outlets, sent)[2] == bytes([GOOD | 0b010])
    assert judge(stage, outlets, frame(1, b"# " + b"x" * 98) + STOP)[2] == bytes([REFUSED])


def test_a_full_disk(stage, outlets):
    full = os.open("/dev/full", os.O_WRONLY)
    _, _, verdict = judge(stage, (full, full, full), b"".join(frames(DOCUMENTS)))
    os.close(full)
    assert verdict == bytes([FAILED | 28])


def test_a_limit_of_the_files_size(stage, outlets):
    def limited(own, languages, main=validator.main):
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)  # CPython does so too
        resource.setrlimit(resource.RLIMIT_FSIZE, (10, 10))
        main(own, languages)

    lines, ready, verdict = stage.pipe(1 << 20), stage.pipe(), stage.pipe()
    os.write(lines[1], b"".join(frames(DOCUMENTS)))
    stage.run(lambda: limited(Ends(lines[0], ready[1], verdict[1], outlets), LANGUAGES))
    assert os.read(verdict[0], 9) == bytes([FAILED | 27])


def test_a_defect_is_a_refusal(stage, outlets, monkeypatch):
    for error in (MemoryError, RecursionError, KeyError, ValueError):
        monkeypatch.setattr(Document, "takes", lambda *_, error=error: (_ for _ in ()).throw(error))
        assert judge(stage, outlets, b"".join(frames(DOCUMENTS)))[2] == bytes([REFUSED])


def test_no_other_verdict_is_good():
    good = {GOOD | bits for bits in range(64)}
    assert not good & {REFUSED, *(FAILED | number for number in range(128)), 0, *READY}
    assert max(good) == GOOD | validator.FILES


def test_large_files_are_written_in_pieces(stage, outlets):
    line = "# " + "x" * 998
    _, _, verdict = judge(stage, outlets, b"".join(frames([(1, [line] * 900)])))
    assert verdict == bytes([GOOD | 0b010])
    assert contents(outlets)[1] == f"{line}\n".encode() * 900


@pytest.mark.parametrize("firewall", FIREWALLS)
@pytest.mark.parametrize("complete", [True, False])
def test_what_a_report_holds_is_good(stage, outlets, firewall, complete):
    made = synthetic_report(complete)
    languages = files.languages(KINDS, firewall)
    documents = [(languages.index(name), list(lines)) for name, lines in files.lines(Report(made.summary, made.advice, firewall))]
    assert judge(stage, outlets, b"".join(frames(documents)), languages)[2] == bytes([GOOD | 0b111])
    for number, lines in documents:
        assert contents(outlets)[number] == "".join(f"{line}\n" for line in lines).encode()


def test_the_numbers_of_its_descriptors_have_no_gap():
    assert validator.ends(3) == Ends(3, 4, 5, (6, 7, 8))


def test_it_says_why_it_is_not_confined(stage):
    read, write = stage.pipe()
    assert stage.run(lambda: validator.announce_failure(write, "x" * 9000)).status == 70
    stage.close(write)
    assert stage.drain(read) == b"x" * 4096
