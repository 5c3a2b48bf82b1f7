"""Children under a seccomp filter that reacts to one system call (seccomp(2)), made without any library for it."""

from __future__ import annotations

import ctypes
import mmap
import os
import signal
import struct
from collections.abc import Callable

from tests.kernel.netns import LIBC, checked

PR_SET_NAME, PR_SET_SECCOMP, PR_SET_NO_NEW_PRIVS = 15, 22, 38
MODE_STRICT, MODE_FILTER = 1, 1
FLAG_LOG = 2
MACHINE = os.uname().machine
SECCOMP, GETPPID, ARCH = {"x86_64": (317, 110, 0xC000003E), "aarch64": (277, 173, 0xC00000B7)}.get(MACHINE, (0, 0, 0))
"""Numbers of seccomp and getppid, and the AUDIT_ARCH of the machine; 0 where the tests do not know it."""
ARCH_X86, GETPPID_X86 = 0x40000003, 64
X32_BIT = 0x40000000
_SECONDS = 20


class Program(ctypes.Structure):
    """struct sock_fprog (linux/filter.h): the number of instructions, and these."""

    _fields_ = (("length", ctypes.c_ushort), ("instructions", ctypes.c_char_p))


def install(result: int, number: int = GETPPID) -> None:
    """A filter that answers this call, and getppid of the other ABIs, with a code, and lets all else pass. Raises OSError."""

    def when(arch: int, call: int) -> tuple[tuple[int, int, int, int], ...]:
        load, equal, back = 0x20, 0x15, 0x06
        return (load, 0, 0, 4), (equal, 0, 3, arch), (load, 0, 0, 0), (equal, 0, 1, call), (back, 0, 0, result)

    rules = [*when(ARCH, number), *when(ARCH, GETPPID | X32_BIT), *when(ARCH_X86, GETPPID_X86), (0x06, 0, 0, 0x7FFF0000)]
    code = b"".join(struct.pack("=HBBI", *rule) for rule in rules)
    checked(LIBC.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
    program = Program(len(rules), code)
    checked(LIBC.syscall(SECCOMP, MODE_FILTER, FLAG_LOG, ctypes.byref(program)))


def call(number: int) -> int:
    """A system call without arguments."""
    return int(LIBC.syscall(number))


def getppid() -> int:
    return call(GETPPID)


def getppid_x32() -> int:
    return call(GETPPID | X32_BIT)


def getppid_x86() -> int:
    """Through the old gate of 32-bit programs."""
    return machine_code(b"\xb8" + struct.pack("<I", GETPPID_X86) + b"\xcd\x80\xc3")


def strict() -> int:
    """Enter strict mode (prctl, 157) and call getppid at once, with nothing of Python in between."""
    enter = b"\xb8\x9d\0\0\0\xbf\x16\0\0\0\xbe\x01\0\0\0\x0f\x05"
    return machine_code(enter + b"\xb8\x6e\0\0\0\x0f\x05\xc3")


def machine_code(code: bytes) -> int:
    page = mmap.mmap(-1, mmap.PAGESIZE, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
    page.write(code)
    return int(ctypes.CFUNCTYPE(ctypes.c_int)(ctypes.addressof(ctypes.c_char.from_buffer(page)))())


def child(name: bytes, user: int, group: int, act: Callable[[], object]) -> tuple[int, int]:
    """Run a function in a child with this name and these ids. Returns its pid and how it ended (wait status)."""
    pid = os.fork()
    if pid == 0:
        try:
            signal.alarm(_SECONDS)
            # The interpreter's own answer to SIGSYS would be the parent's.
            signal.signal(signal.SIGSYS, signal.SIG_DFL)
            checked(LIBC.prctl(PR_SET_NAME, name, 0, 0, 0))
            os.setgroups([])
            os.setresgid(group, group, group)
            os.setresuid(user, user, user)
            act()
            os._exit(0)
        finally:
            os._exit(99)
    return pid, os.waitpid(pid, 0)[1]
