"""pyseccomp, imported without its side effects.

pyseccomp 0.1.2 finds its libraries through ctypes.util.find_library, which runs ldconfig (and gcc, where that fails) as child
processes, here as root. Both sonames are fixed parts of the ABI, so they are named instead for the time of the import.
"""

from __future__ import annotations

import atexit  # noqa: F401 - weakref.finalize, with which pyseccomp frees filters, would import it behind the confinement
import ctypes.util

_SONAMES = {"c": "libc.so.6", "seccomp": "libseccomp.so.2"}

_search = ctypes.util.find_library
ctypes.util.find_library = _SONAMES.get  # type: ignore[assignment]
try:
    import pyseccomp
finally:
    ctypes.util.find_library = _search

__all__ = ["native_number", "pyseccomp", "syscall_name"]

_resolve_arch = ctypes.CDLL(_SONAMES["seccomp"]).seccomp_arch_resolve_name
_resolve_arch.restype = ctypes.c_uint32
_resolve_arch.argtypes = (ctypes.c_char_p,)
_NEWER = ("loongarch64", "m68k", "sh", "sheb")
"""Architectures of libseccomp 2.6 that pyseccomp does not name."""


def _tokens() -> dict[str, int]:
    """libseccomp's numbers of the architectures that the installed one knows."""
    names = (*(name.lower() for name in vars(pyseccomp.Arch) if name.isupper() and name != "NATIVE"), *_NEWER)
    return {name: token for name in names if (token := _resolve_arch(name.encode("ascii")))}


_ARCHITECTURES = _tokens()


def syscall_name(architecture: str, number: int) -> str | None:
    """libseccomp's name of a system call; None when it has none.

    architecture: libseccomp's word (x86_64, x86, x32, aarch64, arm, ...). It computes, and calls into no kernel.
    """
    token = _ARCHITECTURES.get(architecture)
    if token is None or not 0 <= number < 1 << 31:
        return None
    try:
        name = pyseccomp.resolve_syscall(token, number)
    except (OSError, ValueError):
        return None
    return name.decode("ascii") or None


def native_number(name: str) -> int:
    """The number of a system call on this machine. Raises ValueError where it has none."""
    number = int(pyseccomp.resolve_syscall(pyseccomp.Arch.NATIVE, name))
    if number < 0:
        raise ValueError(f"this architecture has no {name}")
    return number
