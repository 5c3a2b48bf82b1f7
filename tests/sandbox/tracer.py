"""Holds a running process before each of its system calls (ptrace(2)), and kills it before one of them."""

from __future__ import annotations

import ctypes
import os
import signal

_SEIZE, _SYSCALL, _INTERRUPT, _SETOPTIONS = 0x4206, 24, 0x4207, 0x4200
_TRACESYSGOOD = 1
_WALL = 0x40000000
_EVENT_STOP = 128

_ptrace = ctypes.CDLL(None, use_errno=True).ptrace
_ptrace.argtypes = (ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p)
_ptrace.restype = ctypes.c_long


def _request(request: int, pid: int, data: int = 0) -> None:
    if _ptrace(request, pid, None, data) == -1:
        raise OSError(ctypes.get_errno(), f"ptrace request {request:#x}")


class Tracer:
    """Has a process in its hands from here on."""

    def __init__(self, pid: int) -> None:
        """Raises OSError."""
        self._pid = pid
        _request(_SEIZE, pid, _TRACESYSGOOD)
        _request(_INTERRUPT, pid)
        self._wait()

    def kill_before(self, number: int) -> bool:
        """Let it run, and kill it before its call with this number, counted from 1. False if it ends before that."""
        entries = 0
        inside = False
        forward = 0
        while True:
            _request(_SYSCALL, self._pid, forward)
            forward = 0
            status = self._wait()
            if not os.WIFSTOPPED(status):
                return False
            stopped = os.WSTOPSIG(status)
            if stopped == signal.SIGTRAP | 0x80:
                inside = not inside
                entries += inside
                if inside and entries == number:
                    os.kill(self._pid, signal.SIGKILL)
                    self._wait()
                    return True
            elif status >> 16 != _EVENT_STOP:
                forward = stopped

    def _wait(self) -> int:
        return os.waitpid(self._pid, _WALL)[1]
