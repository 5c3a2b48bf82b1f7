"""Start a program as if the kernel had no vDSO: `python novdso.py PROGRAM ARGUMENT...`.

The vDSO's address comes with the auxiliary vector on the new program's stack (getauxval(3): AT_SYSINFO_EHDR). It is struck out
there, while the program is held at its first instruction; the C library then makes real system calls for the time of day.
"""

from __future__ import annotations

import ctypes
import os
import struct
import sys

_PTRACE_TRACEME, _PTRACE_DETACH = 0, 17
_AT_NULL, _AT_IGNORE, _AT_SYSINFO_EHDR = 0, 1, 33
_WORD = 8


def main(command: list[str]) -> int:
    """Run it; the result is its exit status."""
    ptrace = ctypes.CDLL(None, use_errno=True).ptrace
    ptrace.argtypes = (ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p)
    child = os.fork()
    if child == 0:
        ptrace(_PTRACE_TRACEME, 0, None, None)
        os.execv(command[0], command)
    assert os.WIFSTOPPED(os.waitpid(child, 0)[1])
    strike_out(child)
    assert ptrace(_PTRACE_DETACH, child, None, None) == 0
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def strike_out(pid: int) -> None:
    """Overwrite the entry of the stopped process."""
    with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as file:
        position = int(file.read().rpartition(")")[2].split()[25])  # field 28, startstack: where argc stands
    with open(f"/proc/{pid}/mem", "r+b", buffering=0) as memory:

        def word(at: int) -> int:
            memory.seek(at)
            return struct.unpack("=Q", memory.read(_WORD))[0]

        position += (word(position) + 2) * _WORD  # argc, argv and its end
        while word(position):
            position += _WORD  # the environment
        position += _WORD
        while word(position) != _AT_SYSINFO_EHDR:
            assert word(position) != _AT_NULL, "there is no vDSO to strike out"
            position += 2 * _WORD
        memory.seek(position)
        memory.write(struct.pack("=Q", _AT_IGNORE))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
