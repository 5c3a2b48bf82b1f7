import errno
import os
import threading
import time

import pytest

from syslogparse.roles.output import ReaderGone, tell, tell_raw, write_all


def test_everything_arrives_through_a_small_pipe(stage):
    data = os.urandom(300_000)
    read, write = stage.pipe(4096)
    child = stage.child(lambda: write_all(write, data))
    stage.close(write)
    assert stage.drain(read) == data
    assert os.waitpid(child, 0)[1] == 0


def test_a_full_non_blocking_pipe_is_waited_for(stage):
    data = os.urandom(300_000)
    read, write = stage.pipe(4096)
    os.set_blocking(write, False)
    got: list[bytes] = []

    def read_later():
        time.sleep(0.05)
        while sum(len(piece) for piece in got) < len(data):
            got.append(os.read(read, 1 << 16))

    reader = threading.Thread(target=read_later)
    reader.start()
    before = time.thread_time()
    write_all(write, data)
    busy = time.thread_time() - before
    reader.join()
    assert b"".join(got) == data
    assert busy < 0.04  # it slept meanwhile


def test_a_closed_pipe_is_a_reader_that_is_gone(stage):
    read, write = stage.pipe()
    stage.close(read)
    with pytest.raises(ReaderGone):
        write_all(write, b"x")


def test_a_closed_non_blocking_pipe_too(stage):
    read, write = stage.pipe(4096)
    os.set_blocking(write, False)
    closer = threading.Timer(0.05, lambda: stage.close(read))
    closer.start()
    with pytest.raises(ReaderGone):
        write_all(write, bytes(100_000))
    closer.join()


def test_a_full_disk_is_an_error():
    full = os.open("/dev/full", os.O_WRONLY)
    try:
        with pytest.raises(OSError, match="No space") as caught:
            write_all(full, b"x")
        assert caught.value.errno == errno.ENOSPC
    finally:
        os.close(full)


def test_nothing_is_nothing():
    write_all(-1, b"")


def test_messages_are_one_line_with_the_programs_name(stage):
    done = stage.run(lambda: tell("a \udcff word"))
    assert done == (0, b"", b"syslogparse: a \\udcff word\n")


def test_raw_messages_stand_as_they_are(stage):
    assert stage.run(lambda: tell_raw("\r50%")).err == b"\r50%"


@pytest.mark.parametrize("path", ["/dev/full", None])
def test_a_message_that_nobody_can_read_is_no_reason_to_stop(stage, path):
    def act():
        os.close(2)
        if path is not None:
            assert os.open(path, os.O_WRONLY) == 2
        tell("x")

    assert stage.run(act).status == 0
