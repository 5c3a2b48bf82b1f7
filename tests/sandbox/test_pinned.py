import ctypes
import os
import signal

import pytest

from syslogparse.sandbox.pinned import PinnedPaths
from tests.sandbox.children import in_child


def test_each_path_stands_at_its_address_with_its_end():
    paths = ["7", "iptables.sh", ".iptables.sh.new", "", "x" * 5000]
    pinned = PinnedPaths(paths)
    assert [ctypes.string_at(pinned[path]) for path in paths] == [path.encode() for path in paths]
    assert len({pinned[path] for path in paths}) == len(paths)


def test_the_pages_hold_nothing_else():
    pinned = PinnedPaths(["a", "b"])
    assert ctypes.string_at(pinned["a"], 4096) == b"a\0b\0".ljust(4096, b"\0")


@pytest.mark.parametrize("at", [0, 1, 5, 4095])
def test_writing_there_is_the_end(at):
    def act() -> None:
        pinned = PinnedPaths(["iptables.sh"])
        ctypes.memset(pinned["iptables.sh"] + at, 0x78, 1)

    assert in_child(act).signal == signal.SIGSEGV


def test_the_kernel_does_not_write_there_either():
    def act() -> str:
        pinned = PinnedPaths(["iptables.sh"])
        read, write = os.pipe()
        os.write(write, b"../etc/cron.d/x")
        libc = ctypes.CDLL(None, use_errno=True)
        libc.read.argtypes = (ctypes.c_int, ctypes.c_void_p, ctypes.c_size_t)
        assert libc.read(read, pinned["iptables.sh"], 15) == -1
        return os.strerror(ctypes.get_errno())

    assert in_child(act).value == "Bad address"


def test_a_path_with_a_nul_byte_is_refused():
    with pytest.raises(ValueError, match="null"):
        PinnedPaths(["a\0b"])


def test_an_unknown_path_has_no_address():
    with pytest.raises(KeyError):
        PinnedPaths(["a"])["b"]
