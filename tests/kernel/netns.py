"""Network namespaces without a name: each lives as long as the process that holds it, and takes its rules and cards with it."""

from __future__ import annotations

import ctypes
import json
import os
import signal
import subprocess
import traceback
from collections.abc import Callable
from typing import Any

CLONE_NEWNET = 0x40000000
PR_SET_PDEATHSIG = 1
SECONDS = 20

LIBC = ctypes.CDLL(None, use_errno=True)


def checked(result: int) -> int:
    """The result of a C function. Raises OSError where it is -1."""
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return result


class Namespace:
    """A network namespace of its own, with nothing in it but the loopback card, which is up."""

    def __init__(self) -> None:
        """Raises OSError where the kernel or the rights do not allow one."""
        ready, tell = os.pipe()
        self.holder = os.fork()
        if self.holder == 0:
            self._hold(ready, tell)
        os.close(tell)
        said = os.read(ready, 16)
        os.close(ready)
        if said:
            os.waitpid(self.holder, 0)
            raise OSError(int(said), os.strerror(int(said)))
        self.handle = os.open(f"/proc/{self.holder}/ns/net", os.O_RDONLY | os.O_CLOEXEC)
        self.run("ip", "link", "set", "lo", "up")

    @staticmethod
    def _hold(ready: int, tell: int) -> None:
        try:
            os.close(ready)
            LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
            if LIBC.unshare(CLONE_NEWNET):
                os.write(tell, b"%d" % ctypes.get_errno())
                os._exit(1)
            os.close(tell)
            while True:
                signal.pause()
        finally:
            os._exit(1)

    def close(self) -> None:
        os.close(self.handle)
        os.kill(self.holder, signal.SIGKILL)
        os.waitpid(self.holder, 0)

    def enter(self) -> None:
        """Move the calling process, which must be a child, into the namespace. Raises OSError."""
        checked(LIBC.setns(self.handle, CLONE_NEWNET))

    def run(self, *command: str, text: str | None = None) -> str:
        """Run a command inside. Raises AssertionError with what it said where it fails."""
        done = subprocess.run(
            command,
            input=text,
            capture_output=True,
            text=True,
            check=False,
            timeout=SECONDS,
            preexec_fn=self.enter,
            env={**os.environ, "PATH": os.environ.get("PATH", "") + ":/usr/sbin:/sbin"},
        )
        assert done.returncode == 0, f"{' '.join(command)}: {done.stdout}{done.stderr}"
        return done.stdout

    def inside(self, act: Callable[[], Any]) -> Any:
        """What a function returns (as JSON carries it) that runs in a child inside."""
        read, write = os.pipe()
        child = os.fork()
        if child == 0:
            try:
                signal.alarm(SECONDS)
                os.close(read)
                self.enter()
                os.write(write, json.dumps(act()).encode())
                os.close(write)
                os._exit(0)
            except BaseException:  # noqa: BLE001 - the child ends here, whatever it was
                traceback.print_exc()
            finally:
                os._exit(1)
        os.close(write)
        with open(read, "rb") as file:
            said = file.read()
        assert os.waitpid(child, 0)[1] == 0
        return json.loads(said)

    def switch(self, path: str, value: str) -> None:
        """Write to a file below /proc/sys/net, which shows the namespace of whoever opens it."""

        def write() -> None:
            with open(f"/proc/sys/net/{path}", "w", encoding="ascii") as file:
                file.write(value)

        self.inside(write)
