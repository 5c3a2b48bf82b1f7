import ctypes
import errno
import os
import resource
import subprocess

import prctl
import pytest

from syslogparse.sandbox import libc
from syslogparse.sandbox.libc import CapMasks
from syslogparse.sandbox.libseccomp import native_number
from tests.sandbox.children import REPORT, in_child
from tests.sandbox.host import proc_status


def _status() -> dict[str, str]:
    return proc_status(os.getpid())


def test_capget_says_what_proc_says():
    held = libc.capget()
    status = _status()
    assert (held.effective, held.permitted, held.inheritable) == tuple(
        int(status[name], 16) for name in ("CapEff", "CapPrm", "CapInh")
    )


@pytest.mark.root
def test_capset_sets_all_three_masks_in_both_words():
    masks = CapMasks(1 << 7 | 1 << 40, 1 << 7 | 1 << 18 | 1 << 40, 1 << 18)

    def act() -> object:
        libc.capset(masks)
        return [list(libc.capget()), _status()["CapPrm"]]

    assert in_child(act).value == [list(masks), f"{masks.permitted:016x}"]


@pytest.mark.root
def test_capset_raises_what_the_kernel_says():
    def act() -> None:
        libc.capset(CapMasks(0, 0, 0))
        libc.capset(CapMasks(0, 1, 0))

    ended = in_child(act)
    assert (ended.raised, ended.told) == ("PermissionError", f"[Errno {errno.EPERM}] {os.strerror(errno.EPERM)}")


def test_bounding_says_what_proc_says():
    mask = sum(1 << number for number in range(41) if libc.bounding(number))
    assert mask == int(_status()["CapBnd"], 16) & (1 << 41) - 1


@pytest.mark.root
def test_ambient_says_what_proc_says():
    def act() -> object:
        libc.capset(CapMasks(1 << 7, 1 << 7, 1 << 7))
        raised = libc._libc.prctl(47, 2, 7, 0, 0)
        return [raised, libc.ambient(7), libc.ambient(6), int(_status()["CapAmb"], 16)]

    assert in_child(act).value == [0, True, False, 1 << 7]


@pytest.mark.parametrize("ask", [libc.bounding, libc.ambient])
def test_a_capability_that_the_kernel_does_not_know_is_an_error(ask):
    with pytest.raises(OSError, match="Invalid") as caught:
        ask(63)
    assert caught.value.errno == errno.EINVAL


def test_no_new_privs_cannot_be_unset():
    def act() -> object:
        prctl.set_no_new_privs(1)
        try:
            libc.unset_no_new_privs()
        except OSError as error:
            return [error.errno, _status()["NoNewPrivs"]]
        return None

    assert in_child(act).value == [errno.EINVAL, "1"]


@pytest.mark.root
def test_unshare_enters_a_namespace():
    def act() -> bool:
        before = os.readlink("/proc/self/ns/user")
        libc.unshare(libc.CLONE_NEWUSER)
        return before != os.readlink("/proc/self/ns/user")

    assert in_child(act).value is True


def test_unshare_raises_what_the_kernel_says():
    with pytest.raises(OSError, match="Invalid"):
        libc.unshare(1)


def test_clearenv_clears_what_python_does_not_know_of():
    def act() -> str:
        libc._libc.setenv(b"SET_BY_A_LIBRARY", b"x", 1)
        before = subprocess.run(["/usr/bin/env"], capture_output=True, text=True, check=True).stdout
        libc.clearenv()
        after = subprocess.run(["/usr/bin/env"], capture_output=True, text=True, check=True).stdout
        return f"{'SET_BY_A_LIBRARY' in before} {'SET_BY_A_LIBRARY' in os.environ} {after!r}"

    assert in_child(act).value == "True False ''"


def test_close_from_reaches_above_the_limit_of_descriptors():
    def act() -> list[str]:
        hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        resource.setrlimit(resource.RLIMIT_NOFILE, (6000, hard))
        for number in (100, 200, 5000):
            os.dup2(REPORT, number)
        resource.setrlimit(resource.RLIMIT_NOFILE, (64, hard))
        libc.close_from(100, 150)
        listed = set(os.listdir("/proc/self/fd"))
        found = [name for name in ("100", "200", "5000") if name in listed]
        libc.close_from(150)
        left = set(os.listdir("/proc/self/fd"))
        return [*found, "then", *(name for name in ("100", "200", "5000") if name in left)]

    assert in_child(act).value == ["200", "5000", "then"]


@pytest.mark.root
def test_the_file_system_id_is_set_and_read_back():
    def act() -> list[int]:
        return [libc.setfsuid(1234), libc.fsuid(), libc.fsuid(), int(_status()["Uid"].split()[3]), os.geteuid()]

    assert in_child(act).value == [0, 1234, 1234, 1234, 0]


def test_memory_that_cannot_be_protected():
    with pytest.raises(OSError, match=os.strerror(errno.EINVAL)):
        libc.protect_from_writing(1, 4096)


def test_a_call_by_its_number():
    assert libc.system_call(native_number("getpid")) == os.getpid()
    with pytest.raises(OSError, match=os.strerror(errno.EBADF)):
        libc.system_call(native_number("close"), 1 << 20)


def test_all_of_a_word_arrives():
    directory = os.open("/", os.O_RDONLY)
    empty = ctypes.create_string_buffer(b"")
    address = ctypes.addressof(empty)
    assert address > 1 << 32
    with pytest.raises(OSError, match=os.strerror(errno.ENOENT)):  # that of an empty path, not EFAULT
        libc.system_call(native_number("unlinkat"), directory, address, 0)
    os.close(directory)
