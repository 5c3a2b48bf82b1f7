"""What somebody who has taken over a role would try, and which walls stop it.

`ATTACKS` is the one table: the tests hold the program against it, and documentation can be made from it. An attack is made of raw
system calls: nothing stands between it and the kernel.
"""

from __future__ import annotations

import ctypes
import errno
import mmap
import os
import resource
import signal
import struct
from collections.abc import Callable
from typing import NamedTuple

from syslogparse.sandbox.libseccomp import pyseccomp

ALONE = "the filter alone stops it"
"""Without the filter it succeeds: no other wall stands in its way."""
DEAD = "killed by SIGSYS"
"""With the filter, each attack in each role ends like this."""
ROLES = ("parser", "analyst", "validator", "supervisor", "broker")
LEADERS = ("supervisor", "broker")
"""Two roles of the first process. The broker is the supervisor of a run with --output, and has root's id for files."""
SLOT = struct.Struct("=BxH4x")
BEGUN, DONE, REFUSED = 1, 2, 3

_libc = ctypes.CDLL(None, use_errno=True)
_libc.syscall.restype = ctypes.c_long


class World(NamedTuple):
    """Process ids of who is attacked. sibling: another confined process of the run. nobody, root: others, with these ids.

    readable: by the name of a victim, an address at which it has readable memory; without one, that of this module's buffer.
    directory, itself, file: descriptors of --output, where the role has them (sandbox.outbox.Outbox). entry: the file's in it.
    """

    sibling: int
    nobody: int
    root: int
    readable: dict[str, int]
    directory: int = -1
    itself: int = -1
    file: int = -1
    entry: bytes = b"-"


class Attack(NamedTuple):
    """One row. unfiltered: what stops it when the filter is left out, an errno or ALONE, by role ("*": all others).

    without_control: why it is not shown to succeed for root outside of the sandbox; empty where it is.
    """

    name: str
    act: Callable[[World], object]
    unfiltered: dict[str, str]
    roles: tuple[str, ...] = ROLES
    without_control: str = ""

    def outcome(self, role: str) -> str:
        """What happens without the filter."""
        return self.unfiltered.get(role) or self.unfiltered["*"]


def _number(name: str) -> int:
    number: int = pyseccomp.resolve_syscall(pyseccomp.Arch.NATIVE, name)
    if number < 0:
        raise ValueError(f"this architecture has no {name}")
    return number


_NUMBERS: dict[str, int] = {}


def call(name: str, *arguments: int | bytes | ctypes.Array) -> int:
    """One system call, by its name. Raises OSError."""
    words = [ctypes.c_long(argument) if isinstance(argument, int) else argument for argument in arguments]
    result: int = _libc.syscall(ctypes.c_long(_NUMBERS[name]), *words)
    if result == -1:
        raise OSError(ctypes.get_errno(), name)
    return result


def _calls(name: str, *arguments: int | bytes | ctypes.Array) -> Callable[[World], object]:
    _NUMBERS.setdefault(name, _number(name))
    return lambda _: call(name, *arguments)


def _at(whom: str, name: str, *arguments: int | None) -> Callable[[World], object]:
    """The same with a process id as the argument that is None."""
    _NUMBERS.setdefault(name, _number(name))
    return lambda world: call(name, *(getattr(world, whom) if argument is None else argument for argument in arguments))


def _boxed(name: str, *arguments: int | bytes | str | ctypes.Array) -> Callable[[World], object]:
    """The same with what belongs to --output: a field of the world in the place of its name."""
    _NUMBERS.setdefault(name, _number(name))
    return lambda world: call(
        name, *(getattr(world, argument) if isinstance(argument, str) else argument for argument in arguments)
    )


_BUFFER = ctypes.create_string_buffer(256)
_VECTOR = ctypes.create_string_buffer(struct.pack("=QQ", ctypes.addressof(_BUFFER), 8))
_THEIRS = ctypes.create_string_buffer(16)
_CWD = -100
_O_PATH = 0o10000000
_REMOVEDIR = 0x200
_SEIZE = 0x4206
_CLONE_NEWUSER, _CLONE_NEWNET = 0x10000000, 0x40000000


def _opens(name: str, *arguments: int | bytes | ctypes.Array) -> Callable[[World], object]:
    """What gives a descriptor; it is closed again."""
    _NUMBERS.setdefault(name, _number(name))
    return lambda _: call("close", call(name, *arguments))


def _read_of(whom: str) -> Callable[[World], object]:
    """process_vm_readv of a few bytes of the victim's memory."""

    def read(world: World) -> None:
        address = world.readable.get(whom, ctypes.addressof(_BUFFER))
        struct.pack_into("=QQ", _THEIRS, 0, address, 8)
        call("process_vm_readv", getattr(world, whom), _VECTOR, 1, _THEIRS, 1, 0)

    return read


def _fchdir(_: World) -> None:
    """Any descriptor that may be a directory."""
    problems = set()
    for descriptor in range(64):
        try:
            call("fchdir", descriptor)
        except OSError as error:
            problems.add(error.errno or 0)
        else:
            return
    raise OSError(errno.ENOTDIR if problems <= {errno.ENOTDIR, errno.EBADF} else min(problems), "fchdir")


def _climb(_: World) -> None:
    """Up as far as it goes, then down again."""
    for _step in range(32):
        call("chdir", b"..")
    call("close", call("openat", _CWD, b"etc/passwd", os.O_RDONLY, 0))


def _steal(world: World) -> None:
    """Take over one of the descriptors that a sibling has open."""
    pidfd = call("pidfd_open", world.sibling, 0)
    try:
        for theirs in range(64):
            try:
                call("close", call("pidfd_getfd", pidfd, theirs, 0))
            except OSError as error:
                if error.errno != errno.EBADF:
                    raise
    finally:
        call("close", pidfd)


def _directory(_: World) -> None:
    call("mkdirat", _CWD, b"/attack-on-syslogparse", 0o700)
    call("unlinkat", _CWD, b"/attack-on-syslogparse", _REMOVEDIR)


def _queue(_: World) -> None:
    """A message queue: kernel memory with a name that others can find."""
    call("close", call("mq_open", b"attack-on-syslogparse", os.O_CREAT | os.O_RDWR, 0o600, 0))
    call("mq_unlink", b"attack-on-syslogparse")


def _fork(_: World) -> None:
    if call("clone", int(signal.SIGCHLD), 0, 0, 0, 0) == 0:
        call("exit_group", 0)


_IN_STEPS = (
    "chdir openat close fchdir clone exit_group process_vm_readv pidfd_open pidfd_getfd mq_open mq_unlink mkdirat unlinkat "
    "mprotect"
)
for _name in _IN_STEPS.split():
    _NUMBERS[_name] = _number(_name)

_CAPABILITIES = (struct.pack("=Ii", 0x20080522, 0), struct.pack("=6I", 1 << 18, 1 << 18, 0, 0, 0, 0))
_BPF_ARRAY = ctypes.create_string_buffer(struct.pack("=IIII", 2, 4, 4, 1), 128)

_FOLLOW = 0x400
_BROKERS = {"broker": ALONE, "*": "EBADF"}
_CHILDREN = ("parser", "analyst", "validator")
_WRITE_ONLY = "the file is open for writing only, for root too"


def _unprotect(_: World) -> None:
    """A page of one's own, as it is. So the broker could change the names that its filter knows by their addresses."""
    page = ctypes.addressof(_BUFFER) & -mmap.PAGESIZE
    call("mprotect", page, mmap.PAGESIZE, mmap.PROT_READ | mmap.PROT_WRITE)


ATTACKS: tuple[Attack, ...] = (
    Attack("a second chroot", _calls("chroot", b"/"), {"*": "EPERM"}),
    Attack("fchdir to a directory that was left open", _fchdir, {"broker": ALONE, "*": "ENOTDIR"}),
    Attack("up and out by ..", _climb, {"*": "EMFILE"}),
    Attack("out by /proc/self/root", _calls("chdir", b"/proc/self/root"), {"*": "ENOENT"}),
    Attack("opening /etc/passwd", _opens("openat", _CWD, b"/etc/passwd", 0, 0), {"*": "EMFILE"}),
    Attack("looking at /etc/passwd", _opens("openat", _CWD, b"/etc/passwd", _O_PATH, 0), {"*": "EMFILE"}),
    Attack("making a directory", _directory, {"*": "ENOENT"}),
    Attack(
        "opening a file by its handle",
        _calls("open_by_handle_at", _CWD, struct.pack("=Ii8x", 8, 1), 0),
        {"*": "EPERM"},
        without_control="not every file system has handles",
    ),
    Attack(
        "mount", _calls("mount", b"none", b"/", b"tmpfs", 0, 0), {"*": "EPERM"}, without_control="it would change the machine"
    ),
    Attack("becoming root", _calls("setresuid", 0, 0, 0), {"*": "EPERM"}),
    Attack("becoming root (setuid)", _calls("setuid", 0), {"*": "EPERM"}),
    Attack("becoming group root", _calls("setresgid", 0, 0, 0), {"*": "EPERM"}),
    Attack("joining a group", _calls("setgroups", 1, ctypes.create_string_buffer(4)), {"*": "EPERM"}),
    Attack("taking a capability back", _calls("capset", *_CAPABILITIES), {"*": "EPERM"}),
    Attack("a user namespace", _calls("unshare", _CLONE_NEWUSER), {"*": "EPERM"}),
    Attack("a network namespace", _calls("unshare", _CLONE_NEWNET), {"*": "EPERM"}),
    Attack("execve", _calls("execve", b"/bin/true", 0, 0), {"*": "ENOENT"}),
    Attack("a program in a memory file", _opens("memfd_create", b"x", 0), {"*": "EMFILE"}),
    Attack("executable memory", _calls("mmap", 0, 4096, 7, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS, -1, 0), {"*": ALONE}),
    Attack("fork", _fork, {"*": "EAGAIN"}),
    Attack("ptrace of a sibling", _at("sibling", "ptrace", _SEIZE, None, 0, 0), {"*": "EPERM"}),
    Attack("ptrace of another nobody", _at("nobody", "ptrace", _SEIZE, None, 0, 0), {"*": ALONE}),
    Attack("ptrace of root", _at("root", "ptrace", _SEIZE, None, 0, 0), {"*": "EPERM"}),
    Attack("a signal to a sibling", _at("sibling", "kill", None, int(signal.SIGWINCH)), {"*": ALONE}),
    Attack("a signal to another nobody", _at("nobody", "kill", None, int(signal.SIGWINCH)), {"*": ALONE}),
    Attack("a signal to root", _at("root", "kill", None, int(signal.SIGWINCH)), {"*": "EPERM"}),
    Attack("reading a sibling's memory", _read_of("sibling"), {"*": "EPERM"}),
    Attack("reading another nobody's memory", _read_of("nobody"), {"*": ALONE}),
    Attack("reading root's memory", _read_of("root"), {"*": "EPERM"}),
    Attack("a sibling's descriptors", _steal, {"*": "EMFILE"}),
    Attack("raising a limit", _calls("prlimit64", 0, resource.RLIMIT_NPROC, struct.pack("=QQ", 9, 9), 0), {"*": "EPERM"}),
    Attack("locked memory", _calls("mlockall", 1), {"*": "EPERM"}),
    Attack("a message queue", _queue, {"*": "EMFILE"}),
    Attack("a Unix socket", _opens("socket", 1, 1, 0), {"*": "EMFILE"}),
    Attack("an Internet socket", _opens("socket", 2, 1, 0), {"*": "EMFILE"}),
    Attack("io_uring", _opens("io_uring_setup", 1, ctypes.create_string_buffer(120)), {"*": "ENOMEM"}),
    Attack("a keyring", _calls("keyctl", 0, -3, 1), {"*": ALONE}),
    Attack("bpf", _opens("bpf", 0, _BPF_ARRAY, 72), {"*": "EPERM"}),
    Attack("userfaultfd", _opens("userfaultfd", 0), {"*": "EPERM"}),
    Attack("becoming dumpable", _calls("prctl", 4, 1, 0, 0, 0), {"*": ALONE}),
    Attack("outliving the supervisor", _calls("prctl", 1, 0, 0, 0, 0), {"*": ALONE}, _CHILDREN),
    Attack("writable memory", _unprotect, {"*": ALONE}),
    Attack("another name for a file", _boxed("linkat", "itself", "entry", "directory", b"planted", _FOLLOW), _BROKERS),
    Attack("a name above the directory", _boxed("linkat", "itself", "entry", "directory", b"../planted", _FOLLOW), _BROKERS),
    Attack(
        "the right name from another place",
        _boxed("linkat", "itself", "entry", "directory", b"apparmor.rules", _FOLLOW),
        _BROKERS,
    ),
    Attack(
        "another file in the place of ours", _boxed("renameat2", "directory", b"decoy", "directory", b"seccomp.txt", 0), _BROKERS
    ),
    Attack("taking a file away", _boxed("unlinkat", "directory", b"bystander", 0), _BROKERS),
    Attack("a directory in the directory", _boxed("mkdirat", "directory", b"planted.d", 0o700), _BROKERS),
    Attack(
        "a file in the directory", _boxed("openat", "directory", b"planted", os.O_CREAT | os.O_WRONLY, 0o600), {"*": "EMFILE"}
    ),
    Attack(
        "a file that others can write", _boxed("fchmod", "file", 0o666), {"broker": ALONE, "validator": "EPERM", "*": "EBADF"}
    ),
    Attack(
        "writing to a file behind the verdict", _boxed("write", "file", b"x", 1), _BROKERS, ("analyst", "supervisor", "broker")
    ),
    Attack("cutting a file short", _boxed("ftruncate", "file", 0), {"broker": ALONE, "validator": ALONE, "*": "EBADF"}),
    Attack(
        "reading a file again",
        _boxed("pread64", "file", ctypes.create_string_buffer(8), 8, 0),
        {"*": "EBADF"},
        without_control=_WRITE_ONLY,
    ),
    Attack("writing to standard input", _calls("write", 0, b"x", 1), {"*": "EBADF"}),
    Attack("writing to a descriptor that another may have", _calls("write", 63, b"x", 1), {"*": "EBADF"}),
)


def read_slots(page: bytes) -> list[tuple[int, int]]:
    """What has been found: state and errno of each row."""
    return list(SLOT.iter_unpack(page[: len(ATTACKS) * SLOT.size]))
