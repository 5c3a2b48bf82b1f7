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

__all__ = ["pyseccomp", "syscall_name"]

_ARCHITECTURES = {name.lower(): token for name, token in vars(pyseccomp.Arch).items() if name.isupper() and name != "NATIVE"}


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
