"""The few system interfaces that neither the standard library (3.11) nor python-prctl offers, through the C library."""

from __future__ import annotations

import ctypes
import mmap
import os
from typing import NamedTuple

_libc = ctypes.CDLL(None, use_errno=True)

_SYS_CLOSE_RANGE = 436
"""include/uapi/asm-generic/unistd.h; the same on every architecture. glibc has a name for it from 2.34 only."""
_LAST_DESCRIPTOR = (1 << 32) - 1

_CAPABILITY_VERSION_3 = 0x20080522
"""linux/capability.h: two 32-bit words a mask."""
CLONE_NEWUSER = 0x10000000
"""linux/sched.h."""
_PR_CAP_AMBIENT = 47
_PR_CAP_AMBIENT_IS_SET = 1
_PR_CAPBSET_READ = 23
_PR_SET_NO_NEW_PRIVS = 38
"""linux/prctl.h."""


class _CapHeader(ctypes.Structure):
    _fields_ = (("version", ctypes.c_uint32), ("pid", ctypes.c_int))


class _CapData(ctypes.Structure):
    _fields_ = (("effective", ctypes.c_uint32), ("permitted", ctypes.c_uint32), ("inheritable", ctypes.c_uint32))


class CapMasks(NamedTuple):
    """The calling thread's three capability masks, 64 bits each, also bits that no library has a name for."""

    effective: int
    permitted: int
    inheritable: int


def _call(result: int) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return result


def capget() -> CapMasks:
    """The capability masks of this thread: capget(2). Raises OSError."""
    header, data = _CapHeader(_CAPABILITY_VERSION_3, 0), (_CapData * 2)()
    _call(_libc.capget(ctypes.byref(header), data))
    low, high = data
    return CapMasks(
        low.effective | high.effective << 32,
        low.permitted | high.permitted << 32,
        low.inheritable | high.inheritable << 32,
    )


def capset(masks: CapMasks) -> None:
    """Set the capability masks of this thread: capset(2). Raises OSError."""
    word = 0xFFFFFFFF
    header, data = _CapHeader(_CAPABILITY_VERSION_3, 0), (_CapData * 2)()
    for index, shift in enumerate((0, 32)):
        data[index] = _CapData(*(mask >> shift & word for mask in masks))
    _call(_libc.capset(ctypes.byref(header), data))


def ambient(capability: int) -> bool:
    """Is the capability in the ambient set: PR_CAP_AMBIENT_IS_SET. Raises OSError (EINVAL: the kernel knows no such one)."""
    return bool(_call(_libc.prctl(_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_IS_SET, capability, 0, 0)))


def bounding(capability: int) -> bool:
    """Is the capability in the bounding set: PR_CAPBSET_READ. Raises OSError (EINVAL: the kernel knows no such one)."""
    return bool(_call(_libc.prctl(_PR_CAPBSET_READ, capability, 0, 0, 0)))


def unset_no_new_privs() -> None:
    """Try what the kernel must refuse (EINVAL); python-prctl does not even pass it on. Raises OSError."""
    _call(_libc.prctl(_PR_SET_NO_NEW_PRIVS, 0, 0, 0, 0))


def setfsuid(uid: int) -> int:
    """Set the file-system user id of this thread, and give the one that it had: setfsuid(2), which cannot say that it failed."""
    before: int = _setfsuid(uid)
    return before


_setfsuid = _libc.setfsuid
_setfsuid.restype, _setfsuid.argtypes = ctypes.c_uint32, (ctypes.c_uint32,)


def fsuid() -> int:
    """The file-system user id of this thread; an id that is none changes nothing."""
    return setfsuid(_NO_ID)


_NO_ID = (1 << 32) - 1


def protect_from_writing(address: int, length: int) -> None:
    """Make whole pages of memory read-only: mprotect(2). Raises OSError."""
    _call(_libc.mprotect(ctypes.c_void_p(address), ctypes.c_size_t(length), mmap.PROT_READ))


def system_call(number: int, *arguments: int) -> int:
    """A call by its number and its bare arguments: syscall(2). Raises OSError."""
    return _call(_syscall(ctypes.c_long(number), *(ctypes.c_long(argument) for argument in arguments)))


_syscall = ctypes.CDLL(None, use_errno=True).syscall  # a function object of its own: its result is a long
_syscall.restype = ctypes.c_long


def clearenv() -> None:
    """Forget every environment variable: clearenv(3). Raises OSError."""
    _call(-1 if _libc.clearenv() else 0)


def close_from(first: int, last: int | None = None) -> None:
    """Close the descriptors from first to last, both included (to the end of the table): close_range(2). Raises OSError.

    os.closerange needs an end, and RLIMIT_NOFILE is none: a descriptor opened before it was lowered may lie above it.
    """
    end = _LAST_DESCRIPTOR if last is None else last
    _call(_libc.syscall(_SYS_CLOSE_RANGE, ctypes.c_uint(first), ctypes.c_uint(end), ctypes.c_uint(0)))


def unshare(flags: int) -> None:
    """Leave namespaces: unshare(2), which os has from Python 3.12 only. Raises OSError."""
    _call(_libc.unshare(flags))
