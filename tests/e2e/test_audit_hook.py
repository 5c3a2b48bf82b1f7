"""Once a process is confined it imports, opens and looks up nothing: seen by an audit hook, over all that the command can do."""

import bz2
import gzip
import json
import lzma
import os
import shutil
import signal
from collections.abc import Callable
from pathlib import Path

import lz4.frame
import pytest
import zstandard

from tests.e2e import recorder
from tests.e2e.harness import QUIET_ENVIRONMENT, Gate, done, running
from tests.e2e.test_hostile_text import FORBIDDEN, _lines

pytestmark = pytest.mark.root

CONFINED = "syslogparse.confined"
# What reaches for a file, code or another process. Not in it: ctypes.dlsym and call_function, with which the filter is built.
REACHING = tuple(
    "import open compile exec marshal. os. socket. subprocess. ctypes.dlopen glob. shutil. tempfile. cpython.run pty.".split()
)
HARMLESS = {"os.fork"}  # the parsers and the canaries
PARSERS = 2


@pytest.fixture(scope="module")
def watched(interpreter, stage):
    """A copy of the installed command with the hook in it; a function that runs it and gives what ended and what was seen."""
    tree = stage / "watched"
    shutil.copytree(interpreter.parent.parent, tree, symlinks=True)
    (site,) = (tree / "lib").glob("python3.*/site-packages")
    shutil.copy(Path(recorder.__file__), site / "recorder.py")
    record = stage / "record"
    (site / "recorder.pth").write_text(f"import recorder; recorder.install({str(record)!r})\n", encoding="ascii")
    start = [tree / "bin/python", "-IB", "-c"]

    def run(*arguments, change="", act=None, **more):
        record.unlink(missing_ok=True)
        record.touch()
        os.truncate(record, recorder.size())
        program = f"import sys\n{change}\nfrom syslogparse.__main__ import main\nsys.exit(main())"
        if act is None:
            ended = done([*start, program, *arguments], **more)
        else:
            with running([*start, program, *arguments], **more) as started:
                ended = act(started)
        return ended, recorder.read(str(record))

    yield run
    record.unlink(missing_ok=True)
    shutil.rmtree(tree)


def _late(seen):
    """What each process did behind its confinement that reaches for anything. Canaries and parsers inherit it."""
    late = []
    for region, events in seen.items():
        names = [event.name for event in events]
        begin = names.index(CONFINED) if CONFINED in names else 0
        late += [(region, *event) for event in events[begin:] if event.name.startswith(REACHING) and event.name not in HARMLESS]
    return late


def _clean(seen):
    assert _late(seen) == []
    assert CONFINED in [event.name for event in seen[0]]  # the supervisor
    assert CONFINED in [event.name for event in seen[1]]  # the analyst, its first child
    return seen


@pytest.fixture(scope="module")
def everything(stage, small):
    """Each kind of line, hostile text in all fields, what is no record, what is cut off; more than one block of it."""
    log = stage / "everything.log"
    nasty = _lines()
    broken = b"".join(line[: len(line) // 2] + b"\n" for line in small.read_bytes().splitlines())
    forged = b"Nov 22 06:20:01 gw evil[1]: kernel: IN=eth0 OUT= SRC=192.0.2.1 DST=192.0.2.2 PROTO=TCP SPT=1 DPT=22\n"
    odd = b"\xff\xfe\n\0\n" + b"x" * (2 << 20) + b" OUT=IN=\n"
    log.write_bytes(small.read_bytes() + nasty + broken + forged + odd + nasty[:-30])
    return log


@pytest.mark.parametrize("form", ["text", "rules", "json", "events"])
@pytest.mark.parametrize(
    "environment", [{}, {"FORCE_COLOR": "1", "COLUMNS": "60", "TZ": "Europe/Berlin"}], ids=["plain", "color"]
)
def test_every_format(watched, everything, form, environment):
    ended, seen = watched("-j", str(PARSERS), "-f", form, everything, env={**QUIET_ENVIRONMENT, **environment})
    assert ended.status == 0, ended.err
    assert ended.out
    _clean(seen)
    # Below the supervisor the analyst and a canary; below the analyst two canaries, and the parsers.
    assert set(seen) == {0, 1, 2, *range(17, 17 + 2 + PARSERS)}
    if form == "json":
        summary = json.loads(ended.out)["summary"]
        assert set(summary["events"]) == {"netfilter", "apparmor", "seccomp"}
        assert len(summary["undecoded"]["reasons"]) > 2
        assert FORBIDDEN.search(ended.out.decode()) is None


@pytest.mark.parametrize("form", ["text", "rules", "json"])
def test_check(watched, everything, stage, form):
    baseline = stage / "baseline.json"
    whole, _ = watched("-f", "json", everything)
    document = json.loads(whole.out)
    names = {one["id"] for one in document["suggestions"]}
    document["suggestions"] = document["suggestions"][::2]
    baseline.write_text(json.dumps(document), encoding="ascii")
    ended, seen = watched("--check", baseline, "-f", form, everything)
    assert (ended.status, ended.err) == (1, b"")
    assert ended.out
    assert len(names) > 2
    _clean(seen)


def test_explain_and_the_time_asked_for(watched, everything):
    bounds = ("--since", "2000-01-01", "--until", "tomorrow")
    whole, seen = watched("-f", "json", *bounds, everything, env={**QUIET_ENVIRONMENT, "TZ": "Europe/Berlin"})
    assert whole.status == 0, whole.err
    _clean(seen)
    for one in json.loads(whole.out)["suggestions"][::10]:
        ended, seen = watched("--explain", one["id"], *bounds, everything, env={**QUIET_ENVIRONMENT, "TZ": "Europe/Berlin"})
        assert ended.status == 0, ended.err
        assert b"Evidence" in ended.out
        _clean(seen)


def _zstd(data: bytes) -> bytes:
    """With the largest window that is taken, and no size in front: the decompressor asks for all of it."""
    parameters = zstandard.ZstdCompressionParameters.from_level(3, window_log=27)
    packer = zstandard.ZstdCompressor(compression_params=parameters).compressobj()
    return packer.compress(data) + packer.flush()


PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "gz": gzip.compress,
    "bz2": bz2.compress,
    "xz": lambda data: lzma.compress(data, preset=9),
    "zst": _zstd,
    "lz4": lz4.frame.compress,
}
JOURNALS = Path(__file__).parents[1] / "data" / "journal"


@pytest.fixture(scope="module")
def front_to_back(stage, everything):
    """Logs that are unpacked, or read otherwise than line by line: whole, cut short, and damaged in the middle."""
    folder = stage / "front"
    folder.mkdir()
    whole = {f"log.{name}": pack(everything.read_bytes()) for name, pack in PACKERS.items()}
    whole |= {path.stem: lzma.decompress(path.read_bytes()) for path in sorted(JOURNALS.glob("*.xz"))}
    whole |= {f"export.{name}": pack(whole["journalctl.export"]) for name, pack in PACKERS.items()}
    whole["journal.gz"] = gzip.compress(whole["compact-zstd.journal"])
    for name, data in whole.items():
        at = len(data) // 3 if name.endswith(".journal") else len(data) // 2
        (folder / name).write_bytes(data)
        (folder / f"cut.{name}").write_bytes(data[:at])
        (folder / f"hurt.{name}").write_bytes(data[:at] + bytes(byte ^ 0x55 for byte in data[at : at + 64]) + data[at + 64 :])
    yield sorted(folder.iterdir())
    shutil.rmtree(folder)


@pytest.mark.parametrize("form", ["json", "events"])
def test_what_is_unpacked_or_read_front_to_back(watched, front_to_back, form):
    whole = [path for path in front_to_back if not path.name.startswith(("cut.", "hurt.")) and path.name != "journal.gz"]
    assert len(whole) == 5 + 6 + 2 + 5
    ended, seen = watched("-j", str(PARSERS), "-f", form, *whole)
    assert (ended.status, ended.err) == (0, b"")
    _clean(seen)
    if form == "json":
        assert json.loads(ended.out)["summary"]["events"].keys() == {"netfilter", "apparmor", "seccomp"}
    else:
        assert {json.loads(line)["file"] for line in ended.out.splitlines()} == {str(path) for path in whole}


def test_what_is_damaged(watched, front_to_back):
    ended, seen = watched("-j", str(PARSERS), "-f", "text", *front_to_back)
    assert ended.status == 3, ended.err
    assert b"INCOMPLETE" not in ended.err, "no parser has died"
    for words in (
        b"compressed data is damaged",
        b"compressed data ends early",
        b"the journal file is damaged",
        b"unpacked first",
    ):
        assert words in ended.err
    _clean(seen)


def test_the_hook_sees_imports_and_opens_before(watched, small):
    _, seen = watched("-f", "json", small)
    before = [event for event in seen[0] if event.name in {"import", "open"}]
    assert any("rich" in event.arguments or "msgspec" in event.arguments for event in before)
    assert any(str(small) in event.arguments for event in before)
    # Supervisor and analyst try to open files themselves, to see that they cannot, before they say that they are confined.
    assert any("/etc/passwd" in event.arguments for event in seen[1])


def test_the_hook_sees_what_comes_too_late(watched, small):
    # An import and an open, put where they must not be: behind the confinement and before the filter, which would end it.
    change = (
        "import syslogparse.run as run\nconfine = run.confine\n"
        "def late(mode):\n    confine(mode)\n    try: import colorsys\n    except ImportError: pass\n"
        "    try: open('/x')\n    except OSError: pass\nrun.confine = late"
    )
    _, seen = watched("-f", "json", small, change=change)
    names = {(region, name) for region, name, arguments in _late(seen)}
    assert names >= {(0, "import"), (1, "import"), (0, "open"), (1, "open")}


@pytest.mark.parametrize("firewall", ["iptables", "nftables", "ufw"])
@pytest.mark.parametrize("force", [False, True])
def test_files(watched, everything, tmp_path, firewall, force):
    box = tmp_path / "box"
    box.mkdir(mode=0o700)
    more = ["--force"] if force else []
    ended, seen = watched("-j", str(PARSERS), "-f", "json", "--firewall", firewall, *more, "-o", box, everything)
    assert ended.status == 0, ended.err
    assert len(list(box.iterdir())) == 3
    _clean(seen)
    # Below the analyst a canary and a validator more.
    assert set(seen) == {0, 1, 2, *range(17, 17 + 4 + PARSERS)}


def test_files_that_are_refused(watched, small, tmp_path):
    box = tmp_path / "box"
    box.mkdir(mode=0o700)
    change = "import syslogparse.roles.delivery as delivery\ndelivery.frames = lambda _: [b'\\0\\0\\0\\0\\1x']"
    ended, seen = watched("-f", "json", "-o", box, small, change=change)
    assert (ended.status, list(box.iterdir())) == (5, [])
    _clean(seen)


def test_many_keys(watched, stage):
    log = stage / "keys.log"
    line = "Nov 22 06:20:01 gw kernel: IN=eth{0} OUT= SRC=192.0.2.1 DST=192.0.2.2 PROTO=TCP SPT=1 DPT={1}\n"
    denial = (
        'Nov 22 06:20:01 gw kernel: audit: type=1400 audit(1.1:{0}): apparmor="DENIED" operation="open" '
        'profile="p" name="/ä/{0}" denied_mask="r"\n'
    )
    log.write_text("".join(line.format(i % 7, i % 60000) + denial.format(i) for i in range(8000)), encoding="utf-8")
    ended, seen = watched("-j", str(PARSERS), "-f", "text", log)
    assert ended.status == 0, ended.err
    _clean(seen)


@pytest.mark.parametrize("name", ["SIGKILL", "SIGSEGV", "SIGSYS"])
def test_dead_parser(watched, five, tmp_path, name):
    gate = Gate(tmp_path / "gate", 2)

    def act(run):
        gate.wait(2, 3)
        os.kill(run.role("parser1"), signal.Signals[name])
        gate.open()
        return run.finish()

    ended, seen = watched("-j", "2", "-f", "text", five, change=gate.change, act=act)
    assert ended.status == 5
    assert name.encode() in ended.err
    _clean(seen)


def test_lying_parser(watched, five):
    change = (
        "import syslogparse.roles.parser as parser, syslogparse.roles.wire as wire\n"
        "def lie(fold): parser._send(wire.frame(wire.Type.EVIDENCE, b'\\xff'))\nparser._send_evidence = lie"
    )
    ended, seen = watched("-j", "2", "-f", "json", five, change=change)
    assert ended.status == 5
    assert ended.err.count(b"sent a frame that does not decode") == 2
    _clean(seen)


def test_late_parser(watched, five, tmp_path):
    gate = Gate(tmp_path / "gate", 2)
    change = f"{gate.change}\nimport syslogparse.roles.gather as gather; gather.DEADLINE = 0.5"
    ended, seen = watched("-j", "2", "-f", "json", five, change=change)
    assert ended.status == 5
    assert b"sent nothing whole" in ended.err
    _clean(seen)


def test_parser_whose_code_fails(watched, five):
    change = "import syslogparse.roles.parser as parser\ndef fail(*_): raise ValueError('\\udcff')\nparser.work_place = fail"
    ended, seen = watched("-j", "2", "-f", "text", five, change=change)
    assert ended.status == 5
    assert ended.err.count(b"ended early with status 70") == 2
    _clean(seen)


def test_analyst_whose_code_fails(watched, small):
    change = "import syslogparse.roles.analyst as analyst\ndef fail(*_): raise KeyError('\\udcff')\nanalyst._report = fail"
    ended, seen = watched("-f", "json", small, change=change)
    assert ended.status == 5
    assert ended.err == b"syslogparse: KeyError while merging the results: this is a defect of syslogparse\n"
    _clean(seen)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signal(watched, dense, number):
    def act(run):
        run.roles(2)
        os.kill(run.pid, number)
        return run.finish()

    ended, seen = watched("-j", "2", "-f", "events", dense, act=act)
    assert ended.status == 128 + number
    _clean(seen)


@pytest.mark.parametrize("form", ["text", "events"])
def test_outputs_that_fail(watched, two, form):
    with open("/dev/full", "wb") as full:
        ended, seen = watched("-f", form, two, stdout=full)
    assert ended.status == 5
    _clean(seen)

    def act(run):
        run.popen.stdout.close()
        assert run.popen.wait(20) == 0

    _, seen = watched("-f", form, two, act=act)
    _clean(seen)


def test_inputs_that_fail(watched, small, tmp_path):
    ended, seen = watched("-f", "text", small, tmp_path, "/nowhere", "/dev/null", "\udcff\x1b")
    assert ended.status == 3
    _clean(seen)
    ended, seen = watched("-f", "json", "-", text=small.read_bytes())
    assert ended.status == 0
    _clean(seen)
