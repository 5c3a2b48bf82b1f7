import fcntl
import mmap
import os
import socket
import stat
import threading
import time
from functools import partial
from pathlib import Path

import pytest

from syslogparse.sources import open as opening
from syslogparse.sources.open import Candidate, Unreadable, map_and_close, open_logs
from syslogparse.sources.trust import UNTRUSTED, grades


def descriptors():
    return {int(name): os.readlink(f"/proc/self/fd/{name}") for name in os.listdir("/proc/self/fd") if is_open(int(name))}


def is_open(number):
    try:
        os.fstat(number)
    except OSError:
        return False
    return True


@pytest.fixture(autouse=True)
def no_descriptor_is_left():
    before = descriptors()
    yield
    assert descriptors() == before


def one(path, *, named=True):
    logs, problems = open_logs([Candidate(str(path), named)])
    assert len(logs) + len(problems) == 1
    return logs[0] if logs else problems[0]


def problem(path, *, named=True):
    found = one(path, named=named)
    assert isinstance(found, Unreadable)
    assert found.name == str(path)
    return found.problem


@pytest.fixture
def plain(tmp_path):
    path = tmp_path / "syslog"
    path.write_bytes(b"one\ntwo\n")
    os.utime(path, ns=(0, 1_700_000_000_123_456_789))
    return path


def test_a_regular_file(plain):
    log = one(plain)
    assert isinstance(log, opening.Log)
    assert (log.name, log.data and log.data[:], log.size) == (str(plain), b"one\ntwo\n", 8)
    assert log.newest == 1_700_000_000_123_456
    assert log.grades == UNTRUSTED


def test_an_empty_file(tmp_path):
    path = tmp_path / "empty"
    path.touch()
    log = one(path)
    assert isinstance(log, opening.Log)
    assert (log.data, log.size) == (None, 0)


def test_the_map_cannot_be_written(plain):
    log = one(plain)
    with pytest.raises(TypeError):
        log.data[0] = 0


def test_what_is_appended_later_is_not_read(plain):
    log = one(plain)
    with plain.open("ab") as file:
        file.write(b"three\n")
    assert len(log.data) == log.size == 8


def test_other_kinds_of_files_are_refused_without_blocking(tmp_path):
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    assert problem(fifo) == "is a FIFO; to read it, make it standard input: syslogparse - < FIFO"
    assert problem(tmp_path) == "is a directory without system journals; name the logs in it"
    assert problem("/dev/null") == "is a character device, not a log"
    assert problem("/dev/tty") == "is a character device, not a log"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "socket"))
        assert problem(tmp_path / "socket") == "is a socket, not a log"


@pytest.mark.root
def test_a_block_device_is_refused(tmp_path):
    device = tmp_path / "disk"
    try:
        os.mknod(device, stat.S_IFBLK | 0o600, os.makedev(7, 0))
    except PermissionError:
        return  # a container without CAP_MKNOD has none to offer either
    assert problem(device) == "is a block device, not a log"


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("/nonexistent/log", "no such file or directory"),
        ("", "no such file or directory"),
        ("a\0b", "embedded null byte"),
        ("/dev/null/x", "not a directory"),
        ("x" * 300, "file name too long"),
    ],
)
def test_names_that_lead_nowhere(name, words):
    assert problem(name) == words


def test_a_link_in_a_circle(tmp_path):
    (tmp_path / "a").symlink_to("a")
    assert problem(tmp_path / "a") == "too many levels of symbolic links"


def test_a_named_link_is_followed(tmp_path, plain):
    link = tmp_path / "link"
    link.symlink_to(plain)
    tmp_path.chmod(0o777)
    assert bytes(one(link).data) == b"one\ntwo\n"


@pytest.mark.parametrize("mode", [0o777, 0o1777, 0o770])
def test_a_planted_link_is_not_followed(tmp_path, plain, mode):
    link = tmp_path / "link"
    link.symlink_to(plain)
    tmp_path.chmod(mode)
    if os.geteuid() == 0:
        os.chown(tmp_path, 0, 4)
    words = "is a symbolic link in a directory that others can write; name the file itself to read it"
    assert problem(link, named=False) == words


@pytest.mark.root
def test_a_link_in_roots_own_directory_is_followed(tmp_path, plain):
    link = tmp_path / "link"
    link.symlink_to(plain)
    assert bytes(one(link, named=False).data) == b"one\ntwo\n"
    os.chown(tmp_path, 1000, 1000)
    assert "symbolic link" in problem(link, named=False)


@pytest.mark.root
def test_a_directory_that_the_program_chose_may_be_no_planted_link_either(tmp_path, plain):
    """tmp_path stands for a directory of journals, LINK for the directory of a machine in it."""
    (tmp_path / "machine").symlink_to(plain.parent)
    through = Candidate(str(tmp_path / "machine" / plain.name), named=False, in_chosen=True)
    (log,), problems = open_logs([through])
    assert (bytes(log.data or b""), problems) == (b"one\ntwo\n", [])
    tmp_path.chmod(0o1777)
    logs, (refused,) = open_logs([through])
    assert (logs, "symbolic link in a directory that others can write" in refused.problem) == ([], True)
    # What stands in a directory that the user named, through whatever links, is found there.
    (log,), problems = open_logs([through._replace(in_chosen=False)])
    assert problems == []


def test_a_planted_link_to_a_fifo_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "link").symlink_to("fifo")
    assert "FIFO" in problem(tmp_path / "link")


def test_one_problem_does_not_hide_the_others(plain, tmp_path):
    logs, problems = open_logs([Candidate("/nonexistent", True), Candidate(str(plain), True), Candidate(str(tmp_path), True)])
    assert [log.name for log in logs] == [str(plain)]
    assert [one.name for one in problems] == ["/nonexistent", str(tmp_path)]


def test_a_file_of_another_user(plain, monkeypatch):
    def refuse(path, *_flags):
        raise PermissionError(13, "Permission denied", path)

    path = os.open(plain, os.O_PATH)
    try:
        monkeypatch.setattr(os, "open", refuse)
        for user, words in ((0, "AppArmor .* syslogparse - < LOG"), (1000, "logs are for root: use sudo, or .*")):
            monkeypatch.setattr(os, "geteuid", lambda user=user: user)
            with pytest.raises(opening._Refused, match=rf"\Apermission denied \({words}\)\Z"):
                opening._reopen(path)
    finally:
        monkeypatch.undo()
        os.close(path)


def test_mapping_leaves_no_descriptor_and_closes_no_other(plain):
    other = os.open(plain, os.O_RDONLY)
    before = descriptors()
    mapped = map_and_close(os.open(plain, os.O_RDONLY), 8)
    assert isinstance(mapped, mmap.mmap)
    assert descriptors() == before
    assert [target for number, target in descriptors().items() if target == str(plain) and number != other] == []
    os.close(other)
    assert bytes(mapped) == b"one\ntwo\n"


@pytest.mark.parametrize("size", [0, -5])
def test_the_descriptor_is_closed_even_without_a_map(plain, size):
    descriptor = os.open(plain, os.O_RDONLY)
    if size == 0:
        assert map_and_close(descriptor, size) is None
    else:
        with pytest.raises((OSError, ValueError, OverflowError)):
            map_and_close(descriptor, size)
    assert not is_open(descriptor)


@pytest.fixture
def stdin():
    """A function that puts a descriptor in the place of standard input, which it closes."""
    kept = fcntl.fcntl(0, fcntl.F_DUPFD_CLOEXEC, 10)

    def put(descriptor):
        os.dup2(descriptor, 0)
        os.close(descriptor)

    yield put
    os.dup2(kept, 0)
    os.close(kept)


def test_stdin_from_a_file(stdin, plain):
    stdin(os.open(plain, os.O_RDONLY))
    log = one("-")
    assert (log.name, bytes(log.data), log.size, log.grades) == ("-", b"one\ntwo\n", 8, UNTRUSTED)
    assert abs(log.newest / 1e6 - time.time()) < 60


@pytest.mark.parametrize("nonblocking", [False, True])
def test_stdin_from_a_slow_pipe(stdin, nonblocking):
    read, write = os.pipe()
    os.set_blocking(read, not nonblocking)
    stdin(read)
    data = os.urandom(3 << 20)

    def send():
        for start in range(0, len(data), 1 << 20):
            time.sleep(0.03)
            rest = memoryview(data)[start : start + (1 << 20)]
            while rest:
                rest = rest[os.write(write, rest) :]
        os.close(write)

    sender = threading.Thread(target=send)
    sender.start()
    log = one("-")
    sender.join()
    assert bytes(log.data) == data


def test_empty_stdin(stdin):
    stdin(os.open("/dev/null", os.O_RDONLY))
    log = one("-")
    assert (log.data, log.size) == (None, 0)


def test_stdin_is_a_directory(stdin, tmp_path):
    stdin(os.open(tmp_path, os.O_RDONLY))
    assert problem("-") == "standard input is a directory"


def test_stdin_over_the_limit(stdin, plain, monkeypatch):
    monkeypatch.setattr(opening, "STDIN_LIMIT", 7)
    stdin(os.open(plain, os.O_RDONLY))
    assert "standard input is longer than" in problem("-")
    monkeypatch.setattr(opening, "STDIN_LIMIT", 8)
    stdin(os.open(plain, os.O_RDONLY))
    assert one("-").size == 8


def test_the_copy_of_stdin_is_sealed(stdin, plain, monkeypatch):
    stdin(os.open(plain, os.O_RDONLY))
    seals = []

    def look(descriptor, size):
        seals.append(fcntl.fcntl(descriptor, fcntl.F_GET_SEALS))
        return map_and_close(descriptor, size)

    monkeypatch.setattr(opening, "map_and_close", look)
    one("-")
    assert seals == [fcntl.F_SEAL_SEAL | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_WRITE]


def test_a_log_that_is_deleted_in_between_is_not_trusted(tmp_path):
    path = tmp_path / "kern.log"
    path.write_bytes(b"x")
    path.chmod(0o600)
    descriptor = os.open(path, os.O_RDONLY)
    Path(path).unlink()
    tmp_path.rmdir()
    log = opening._take(str(path), descriptor, partial(grades, syslog=None))
    assert log.grades == UNTRUSTED
