"""A small process that has the program loaded, and forks a child for each case: a run costs a tenth of a fresh start.

It runs from a copy of the package that root owns, in an interpreter of its own (`python -ISB zygote.py`), so that the program's
own look at its files finds what an installation would have. A case is a function of `tests.sandbox.drivers`, named in a
datagram together with its arguments; the case's descriptors 0, 1, 2 and the one for the verdict come with it.

Each case has a keeper: the parent of its first process and, as subreaper, the heir of whatever that leaves behind.
"""

from __future__ import annotations

import array
import gc
import importlib
import json
import os
import signal
import socket
import sys
import time

LINGER = 2.0
"""Seconds that a process may live longer than the program: the kernel tears down what dies with its parent, one by one."""


def main() -> None:
    """Serve until the socket (descriptor 3) ends."""
    sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)).removesuffix("/tests/sandbox"))
    drivers = importlib.import_module("tests.sandbox.drivers")
    calls = socket.socket(fileno=3)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    gc.freeze()
    while True:
        request, ancillary, _, _ = calls.recvmsg(1 << 16, socket.CMSG_SPACE(4 * 4), socket.MSG_CMSG_CLOEXEC)
        if not request:
            return
        descriptors = array.array("i")
        for _, _, data in ancillary:
            descriptors.frombytes(data)
        if os.fork() == 0:
            calls.close()
            _keep(drivers, json.loads(request), list(descriptors))
        for descriptor in descriptors:
            os.close(descriptor)


def _keep(drivers: object, request: dict, descriptors: list[int]) -> None:
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    verdict = descriptors.pop()
    drivers.become_subreaper()  # type: ignore[attr-defined]
    started = time.monotonic()
    child = os.fork()
    if child == 0:
        _be_case(drivers, request, descriptors)
    for descriptor in descriptors:
        os.close(descriptor)
    os.write(verdict, b"%d\n" % child)
    signal.signal(signal.SIGALRM, lambda *_: os.kill(child, signal.SIGKILL))
    signal.alarm(request["seconds"])
    status = os.waitpid(child, 0)[1]
    signal.alarm(0)
    seconds = time.monotonic() - started
    left = _bury_the_rest(time.monotonic() + LINGER)
    os.write(verdict, json.dumps({"status": status, "seconds": seconds, "left": left}).encode())
    os._exit(0)


def _bury_the_rest(deadline: float) -> list[str]:
    """Wait for what the case left behind; what outlives the deadline is named and killed."""
    left: list[str] = []
    while True:
        try:
            pid, _ = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return left
        if pid == 0:
            if time.monotonic() > deadline:
                for heir in _children():
                    left.append(_comm(heir))
                    os.kill(heir, signal.SIGKILL)
            time.sleep(0.005)


def _children() -> list[int]:
    with open(f"/proc/self/task/{os.getpid()}/children", encoding="ascii") as file:
        return [int(pid) for pid in file.read().split()]


def _comm(pid: int) -> str:
    with open(f"/proc/{pid}/comm", encoding="ascii") as file:
        return file.read().strip()


def _be_case(drivers: object, request: dict, descriptors: list[int]) -> None:
    try:
        os.setsid()
        for number, descriptor in enumerate(descriptors):
            os.dup2(descriptor, number)
        os.closerange(3, 4096)
        sys.argv = ["case", request["case"]]
        getattr(drivers, request["case"])(**request["arguments"])
    except BaseException as error:  # noqa: BLE001 - whatever it is, the test has to see it
        os.write(2, f"case {request['case']}: {type(error).__name__}: {error}\n".encode("utf-8", "replace"))
        os._exit(99)
    os._exit(0)


if __name__ == "__main__":
    main()
