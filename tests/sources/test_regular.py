import mmap
import os

import pytest

from syslogparse.sources.regular import Refused, copy_regular

MIB = 1 << 20


def test_a_file_is_copied_whole(tmp_path):
    path = tmp_path / "file"
    data = os.urandom(3 * (64 << 10) + 5)
    path.write_bytes(data)
    before = set(os.listdir("/proc/self/fd"))
    copied = copy_regular(str(path), MIB)
    assert set(os.listdir("/proc/self/fd")) == before
    path.write_bytes(b"changed")
    assert bytes(copied) == data
    assert copied.readonly
    assert isinstance(copied.obj, mmap.mmap)


def test_a_child_that_writes_to_the_copy_changes_its_own_alone(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"as it was")
    copied = copy_regular(str(path), MIB)
    memory = copied.obj
    assert isinstance(memory, mmap.mmap)  # what a parser that was taken over has, whatever the view on it says
    child = os.fork()
    if child == 0:
        try:
            memory[:] = b"as itsnot"
        finally:
            os._exit(0)
    os.waitpid(child, 0)
    assert bytes(copied) == b"as it was"


def test_an_empty_file(tmp_path):
    (tmp_path / "file").touch()
    assert bytes(copy_regular(str(tmp_path / "file"), MIB)) == b""


def test_a_link_that_the_user_named_is_followed(tmp_path):
    (tmp_path / "file").write_bytes(b"x")
    (tmp_path / "link").symlink_to("file")
    assert bytes(copy_regular(str(tmp_path / "link"), MIB)) == b"x"


@pytest.mark.parametrize("size", [MIB, MIB + 1])
def test_the_limit(tmp_path, size):
    path = tmp_path / "file"
    path.touch()
    os.truncate(path, size)
    if size <= MIB:
        assert len(copy_regular(str(path), MIB)) == size
        return
    with pytest.raises(Refused, match="is larger than 1 MiB"):
        copy_regular(str(path), MIB)


def test_a_file_that_shrinks_under_the_hand(tmp_path, monkeypatch):
    path = tmp_path / "file"
    path.write_bytes(b"x" * 100)
    readv = os.readv

    def shrinking(descriptor, buffers):
        os.truncate(path, 10)
        return readv(descriptor, buffers)

    monkeypatch.setattr(os, "readv", shrinking)
    assert bytes(copy_regular(str(path), MIB)) == b"x" * 10


def test_what_is_no_regular_file(tmp_path):
    os.mkfifo(tmp_path / "fifo")
    for name in (tmp_path, tmp_path / "fifo", "/dev/zero"):
        with pytest.raises(Refused, match="is no regular file"):
            copy_regular(str(name), MIB)


@pytest.mark.parametrize(("name", "words"), [("/nowhere/x", "no such file"), ("a\0b", "null"), ("x" * 5000, "too long")])
def test_what_cannot_be_opened(name, words):
    with pytest.raises(Refused, match=words):
        copy_regular(name, MIB)


def test_a_proc_file_that_says_it_is_empty_is_not_read_for_ever():
    assert bytes(copy_regular("/proc/self/status", MIB)) == b""
