"""What may be named as a log, and what becomes of everything else. Nothing here hangs, acts or is silently left out."""

import json
import os
import signal
import socket
import time

import pytest

from tests.e2e.harness import as_user, done, running, status

pytestmark = pytest.mark.root


def _summary(ended):
    return json.loads(ended.out)["summary"]


@pytest.fixture
def odd(tmp_path):
    """One of each kind that is no log."""
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "folder").mkdir()
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "dangling").symlink_to("nothing")
    (tmp_path / "file").write_bytes(b"")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "socket"))
        yield tmp_path


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("fifo", "is a FIFO; to read it, make it standard input: syslogparse - < FIFO"),
        ("folder", "is a directory without system journals; name the logs in it"),
        ("socket", "is a socket, not a log"),
        ("/dev/zero", "is a character device, not a log"),
        ("/dev/null", "is a character device, not a log"),
        ("/dev/tty", "is a character device, not a log"),
        ("missing", "no such file or directory"),
        ("dangling", "no such file or directory"),
        ("loop", "too many levels of symbolic links"),
        ("file/x", "not a directory"),
        ("", "no such file or directory"),
        ("x" * 300, "file name too long"),
        ("/proc/kmsg", None),
    ],
)
def test_what_is_no_log(command, odd, name, said):
    ended = done([command, name], cwd=odd, seconds=5)
    if said is None:  # no size, so nothing in it; above all, it does not wait
        assert ended.status in {0, 3}
    else:
        assert (ended.status, ended.out) == (3, b"")
        assert ended.err.decode() == f"syslogparse: {name}: {said}\n"


def test_block_device_is_no_log(command, tmp_path):
    try:
        os.mknod(tmp_path / "disk", 0o600 | 0o060000, os.makedev(7, 200))
    except PermissionError:
        pytest.fail("mknod is not allowed here")
    ended = done([command, tmp_path / "disk"])
    assert ended.status == 3
    assert b"is a block device, not a log" in ended.err


def test_two_readable_and_one_missing(command, small, two):
    ended = done([command, "-f", "json", small, "/nowhere", two])
    assert (ended.status, ended.err) == (3, b"syslogparse: /nowhere: no such file or directory\n")
    alone = [_summary(done([command, "-f", "json", log]))["lines"] for log in (small, two)]
    assert _summary(ended)["lines"] == sum(alone)
    assert _summary(ended)["unreadable"] == ["/nowhere"]
    assert _summary(ended)["files"] == [str(small), str(two)]


def test_unreadable_for_a_user(command, small, tmp_path):
    tmp_path.chmod(0o755)
    secret = tmp_path / "secret"
    secret.write_bytes(small.read_bytes())
    secret.chmod(0o600)
    ended = done(as_user(command, "-f", "json", os.path.relpath(secret, tmp_path), small), cwd=tmp_path)
    assert ended.status == 3
    assert ended.err.decode().startswith("syslogparse: secret: permission denied (logs are for root: use sudo")
    assert _summary(ended)["files"] == [str(small)]
    assert _summary(ended)["sandbox"]["mode"] == "reduced"
    assert done([command, "-f", "json", secret]).status == 0


def test_empty_file(command, tmp_path, small):
    empty = tmp_path / "empty"
    empty.touch()
    for form in ("json", "text", "rules", "events"):
        ended = done([command, "-f", form, empty])
        assert (ended.status, ended.err) == (0, b"")
    assert done([command, "-f", "events", empty]).out == b""
    assert _summary(done([command, "-f", "json", empty, small, empty]))["lines"] == small.read_bytes().count(b"\n")


def test_named_link_is_followed(command, tmp_path, small):
    tmp_path.chmod(0o777)
    (tmp_path / "link").symlink_to(small)
    os.lchown(tmp_path / "link", 1000, 1000)
    found = _summary(done([command, "-f", "json", tmp_path / "link"]))
    assert found["files"] == [str(tmp_path / "link")]
    assert found["lines"] > 0


def test_last_line_without_its_end(command, tmp_path, small):
    whole = small.read_bytes()
    log = tmp_path / "log"
    log.write_bytes(whole[:-1])
    assert _summary(done([command, "-f", "json", log]))["lines"] == whole.count(b"\n")
    packet = next(line for line in whole.splitlines() if b" OUT=" in line and b"DPT=" in line)
    log.write_bytes(packet + b"\n" + packet[: packet.index(b"DPT=") + 5])
    found = _summary(done([command, "-f", "json", log]))
    assert found["events"] == {"netfilter": 1}
    assert found["undecoded"]["reasons"] == {"line cut off at the end of the file": 1}
    assert found["lines"] == 2
    assert found["complete"] is False


def test_absurdly_large_file(command, stage, small):
    log = stage / "absurd.log"
    log.touch()
    os.truncate(log, 2 << 40)
    ended = done([command, "-f", "json", log, small], seconds=10)
    log.unlink()
    assert ended.status == 3
    assert b"absurd.log: is larger than 1 TiB" in ended.err
    assert _summary(ended)["files"] == [str(small)]


def test_huge_sparse_file(command, stage):
    log = stage / "huge.log"
    log.touch()
    os.truncate(log, 10 << 30)
    with running([command, "-j", "2", "-f", "json", log]) as run:
        pids = run.roles(2)
        peak, end = 0, time.monotonic() + 3
        while run.popen.poll() is None and time.monotonic() < end:
            try:
                peak = max(peak, *(int(status(pid)["RssAnon"].split()[0]) for pid in pids.values()))
            except (OSError, KeyError):
                break
            time.sleep(0.02)
        if run.popen.poll() is None:
            begun = time.monotonic()
            run.popen.send_signal(signal.SIGINT)
            assert run.finish().status == 130
            assert time.monotonic() - begun < 1
        else:
            ended = run.finish()
            assert ended.status == 0
            assert _summary(ended)["lines"] == 1
    log.unlink()
    assert 1000 < peak < 100_000  # kB
