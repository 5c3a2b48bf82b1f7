"""Children that load a role's filter and make one system call each. Runs in the zygote's children, confined for good."""

from __future__ import annotations

import ctypes
import json
import mmap
import os
import resource
import signal

from syslogparse.sandbox.capabilities import KeepFour
from syslogparse.sandbox.confine import confine
from syslogparse.sandbox.seccomp import Channels, LoadFilter
from syslogparse.sandbox.step import carry_out

LINKS = ((7, 4096, 6, 8192, 0x400), (7, 4224, 6, 8320, 0x400))
RENAMES = ((6, 8192, 6, 12288, 0), (6, 8320, 6, 12416, 0))
UNLINKS = ((6, 8192, 0), (6, 8320, 0))
OWN = {
    "parser": Channels(writes=(3,)),
    "analyst": Channels(reads=(4, 5), writes=(1, 2)),
    "validator": Channels(reads=(3,), writes=(4, 5)),
    "supervisor": Channels(writes=(2, 6)),
    "broker": Channels(reads=(5,), writes=(2, 6), links=LINKS, renames=RENAMES, unlinks=UNLINKS, syncs=(3, 4)),
}
"""What each role may use here. All of these numbers and 7 are open: pipes that hold one byte and take more.

At the addresses of the paths there is nothing: a call that is let through comes back with EFAULT.
"""
SURVIVED = 77
_HANGS_AFTER = 5

_I386_CALL = bytes.fromhex("53 89 f8 89 f3 cd 80 5b c3")
"""push rbx; mov eax, edi; mov ebx, esi; int 0x80; pop rbx; ret"""


def walk(*, role: str, calls: list[list[int]], i386: bool = False) -> None:
    """Make each of the calls (number, argument, ...) in a child of its own; the list of wait statuses goes to standard output.

    i386: through the gate of the 32-bit system calls, from machine code that was made executable before the filter was there.
    """
    results = 200
    os.dup2(1, results)
    _open_pipes()
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    act = _i386_gate() if i386 else _gate()
    carry_out(KeepFour())
    confine("full")
    statuses = []
    for call in calls:
        child = os.fork()
        if child == 0:
            _make(role, act, [ctypes.c_ulong(word) for word in call])
        statuses.append(os.waitpid(child, 0)[1])
    os.write(results, json.dumps(statuses).encode())


def _make(role: str, act, words: list[ctypes.c_ulong]) -> None:
    signal.alarm(_HANGS_AFTER)
    if role != "control":
        carry_out(LoadFilter(role, OWN[role]))  # type: ignore[arg-type]
    act(*words)
    os._exit(SURVIVED)


def _open_pipes() -> None:
    for number in (1, 2, 3, 4, 5, 6, 7):
        read, write = os.pipe()
        os.write(write, b"x")
        # A pipe opened anew through /proc is open for both: it neither ends nor breaks, whoever holds what.
        both = os.open(f"/proc/self/fd/{read}", os.O_RDWR)
        for end in (read, write):
            os.close(end)
        os.dup2(both, number + 100)
        os.close(both)
    for number in (1, 2, 3, 4, 5, 6, 7):
        os.dup2(number + 100, number)
        os.close(number + 100)


def _gate():
    libc = ctypes.CDLL(None)
    libc.syscall.restype = ctypes.c_long
    return libc.syscall


def _i386_gate():
    code = mmap.mmap(-1, mmap.PAGESIZE, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
    code.write(_I386_CALL)
    gate = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_ulong, ctypes.c_ulong)(ctypes.addressof(ctypes.c_char.from_buffer(code)))
    _KEPT.append(code)
    return gate


_KEPT: list[mmap.mmap] = []
