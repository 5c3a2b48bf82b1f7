"""The test's side of the zygote: the copy that it runs from, and a handle on each case."""

from __future__ import annotations

import array
import contextlib
import importlib.util
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent.parent
_LIBRARIES = ("_prctl", "lz4", "markdown_it", "mdurl", "msgspec", "prctl", "pygments", "pyseccomp", "rich", "zstandard")
_SECONDS = 30


class Ended(NamedTuple):
    """How a case ended. left: names of processes that outlived it."""

    status: int
    out: bytes
    err: bytes
    seconds: float
    left: list[str]

    @property
    def code(self) -> int | None:
        """Exit status, None when a signal ended it."""
        return os.WEXITSTATUS(self.status) if os.WIFEXITED(self.status) else None

    @property
    def signal(self) -> int | None:
        """The signal that ended it."""
        return os.WTERMSIG(self.status) if os.WIFSIGNALED(self.status) else None

    @property
    def message(self) -> str:
        """Standard error as text."""
        return self.err.decode("utf-8", "backslashreplace")


class Running:
    """A case that was started. out, err: its files, read when it has ended; None where the test gave a descriptor of its own."""

    def __init__(self, verdict: int, out: int | None, err: int | None) -> None:
        self._verdict, self._out, self._err = verdict, out, err
        line = b""
        while not line.endswith(b"\n"):
            piece = os.read(verdict, 1)
            assert piece, "the zygote is gone; its last words are on standard error"
            line += piece
        self.pid = int(line)
        """The program's first process."""

    def wait(self) -> Ended:
        """Until the case and all that it left behind are gone."""
        data = b""
        while piece := os.read(self._verdict, 4096):
            data += piece
        os.close(self._verdict)
        found = json.loads(data)
        return Ended(found["status"], _content(self._out), _content(self._err), found["seconds"], found["left"])


def _content(descriptor: int | None) -> bytes:
    if descriptor is None:
        return b""
    with open(descriptor, "rb") as file:
        file.seek(0)
        return file.read()


class Zygote:
    """Starts cases."""

    def __init__(self, place: Path, *, environment: dict[str, str] | None = None, prefix: tuple[str, ...] = ()) -> None:
        mine, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        command = [*prefix, interpreter(), "-ISB", str(place / "tests/sandbox/zygote.py")]
        as_third = ["/bin/sh", "-c", 'exec "$@" 3<&0 0</dev/null', "sh"]
        with theirs:
            self._process = subprocess.Popen([*as_third, *command], stdin=theirs.fileno(), env=environment or {}, cwd="/")
        self._socket = mine

    def start(
        self,
        case: str,
        *,
        stdin: int | None = None,
        stdout: int | None = None,
        stderr: int | None = None,
        seconds: int = _SECONDS,
        **arguments,
    ) -> Running:
        """Start a case of `drivers` with these arguments. After ``seconds`` it is killed."""
        with contextlib.ExitStack() as opened:
            out = os.memfd_create("out") if stdout is None else None
            err = os.memfd_create("err") if stderr is None else None
            read, write = os.pipe()
            opened.callback(os.close, write)
            null = os.open("/dev/null", os.O_RDWR)
            opened.callback(os.close, null)
            given = (null if stdin is None else stdin, stdout if out is None else out, stderr if err is None else err, write)
            descriptors = [descriptor for descriptor in given if descriptor is not None]
            request = {"case": case, "arguments": arguments, "seconds": seconds}
            rights = (socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", descriptors))
            self._socket.sendmsg([json.dumps(request).encode()], [rights])
        return Running(read, out, err)

    def run(self, case: str, **arguments) -> Ended:
        """Start a case and wait for it."""
        return self.start(case, **arguments).wait()

    def close(self) -> None:
        """End the zygote."""
        self._socket.close()
        assert self._process.wait(10) == 0


def interpreter() -> str:
    """A Python of this version that every user may run, without the environment that the tests run in."""
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    for candidate in (os.path.realpath(sys.executable), f"/usr/bin/{version}", f"/usr/local/bin/{version}"):
        with contextlib.suppress(OSError, subprocess.SubprocessError):
            subprocess.run([candidate, "-ISc", ""], user=65534, group=65534, extra_groups=[], check=True, env={}, cwd="/")
            return candidate
    raise FileNotFoundError(f"no {version} that another user than root may run")


@contextlib.contextmanager
def tree() -> Iterator[Path]:
    """A copy of the package, its libraries and these tests in which only root can write and everybody can read."""
    place = Path(tempfile.mkdtemp(prefix="syslogparse-tests-"))
    try:
        ignore = shutil.ignore_patterns("test_*", ".*")
        shutil.copytree(ROOT / "syslogparse", place / "syslogparse", ignore=shutil.ignore_patterns("__pycache__"))
        shutil.copytree(ROOT / "tests/sandbox", place / "tests/sandbox", ignore=ignore)
        for name in _LIBRARIES:
            _copy_library(name, place)
        subprocess.run([interpreter(), "-ISm", "compileall", "-q", str(place)], check=True, env={})
        subprocess.run(["chmod", "-R", "u+rwX,go+rX,go-w", str(place)], check=True)
        yield place
    finally:
        shutil.rmtree(place)


def _copy_library(name: str, place: Path) -> None:
    spec = importlib.util.find_spec(name)
    if spec is None or spec.origin is None:
        return
    origin = Path(spec.origin)
    if spec.submodule_search_locations:
        shutil.copytree(origin.parent, place / name, ignore=shutil.ignore_patterns("*.pyi", "__pycache__"))
    else:
        shutil.copy(origin, place / origin.name)


def wait_until(true, seconds: float = 5.0) -> None:
    """Poll until ``true()`` holds."""
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.005)


def stop(pid: int) -> None:
    """SIGSTOP, until it has taken hold."""
    os.kill(pid, signal.SIGSTOP)
    wait_until(lambda: state(pid) == "T")


def proc_status(pid: int) -> dict[str, str]:
    """/proc/PID/status as a table. Raises OSError."""
    text = Path(f"/proc/{pid}/status").read_text(encoding="ascii", errors="replace")
    return {name: value.strip() for name, _, value in (line.partition(":") for line in text.splitlines())}


def state(pid: int) -> str:
    """The state letter of /proc/PID/stat."""
    return Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace").rpartition(")")[2].split()[0]
