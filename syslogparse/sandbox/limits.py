"""Resource limits (setrlimit(2)): what a process that runs amok can take from the machine."""

from __future__ import annotations

import resource
from collections.abc import Mapping

from syslogparse.sandbox.step import Step

_MIB = 1 << 20
DATA_BYTES = 1024 * _MIB
"""Private writable memory of one process. RLIMIT_AS would count the mapped logs too."""

_SHARED: dict[int, int] = {
    resource.RLIMIT_CORE: 0,
    resource.RLIMIT_MEMLOCK: 0,
    resource.RLIMIT_MSGQUEUE: 0,
    resource.RLIMIT_RTPRIO: 0,
    resource.RLIMIT_DATA: DATA_BYTES,
}
_NAMES = {getattr(resource, name): name for name in dir(resource) if name.startswith("RLIMIT_")}


class _Limits(Step):
    """Lower a set of limits, hard and soft, to a value each."""

    def __init__(self, wanted: Mapping[int, int]) -> None:
        # A limit that is lower already stays as it is: raising it would need a right, and is not our business.
        self._wanted = {limit: _lower(value, resource.getrlimit(limit)[1]) for limit, value in wanted.items()}

    def take(self) -> None:
        """Set them all. Raises OSError, ValueError."""
        for limit, value in self._wanted.items():
            resource.setrlimit(limit, (value, value))

    def check(self) -> None:
        """All read back."""
        for limit, value in self._wanted.items():
            self.expect(_NAMES[limit], resource.getrlimit(limit), (value, value))

    def resist(self) -> None:
        """Try to raise each again."""
        for limit, value in self._wanted.items():
            if value != resource.RLIM_INFINITY:
                self.refused(f"raising {_NAMES[limit]}", lambda limit=limit, value=value: _raise(limit, value))  # type: ignore[misc]


class SharedLimits(_Limits):
    """What holds for every confined process."""

    name = "limits"
    what = "no core file, no locked memory, no message queue, no real-time priority; 1 GiB of private memory"
    why = "before the fork, so that every later process inherits them; a core file would write a log's bytes to a disk"

    def __init__(self) -> None:
        super().__init__(_SHARED)


class NoMoreProcesses(_Limits):
    """RLIMIT_NPROC 0: fork fails. It counts all processes of uid 65534, so it can come only after the last fork."""

    name = "no more processes"
    what = "RLIMIT_NPROC 0; RLIMIT_NOFILE leaves no number for a new descriptor; parsers may grow no file either (RLIMIT_FSIZE 0)"
    why = "after the last fork and the last open; the filter says the same again, so that either may fail"

    def __init__(self, *, descriptors: int, files_grow: bool) -> None:
        wanted = {resource.RLIMIT_NPROC: 0, resource.RLIMIT_NOFILE: descriptors}
        if not files_grow:
            wanted[resource.RLIMIT_FSIZE] = 0
        super().__init__(wanted)


def _lower(value: int, hard: int) -> int:
    return value if hard == resource.RLIM_INFINITY else min(value, hard)


def _raise(limit: int, value: int) -> None:
    try:
        resource.setrlimit(limit, (value + 1, value + 1))
    except ValueError as error:  # what CPython makes of EPERM here: "not allowed to raise maximum limit"
        raise PermissionError(1, str(error)) from None
