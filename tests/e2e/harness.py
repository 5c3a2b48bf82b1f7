"""Starts the command and looks at its processes from outside.

Every run gets a session of its own, so that its processes can be found in /proc by their session, zombies too, whoever their
parent is by then.
"""

import mmap
import os
import re
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple, TypeVar

PATIENCE = 20.0
"""Seconds for what takes milliseconds on an idle machine."""
NOBODY = 65534
_T = TypeVar("_T")
_JAIL = re.compile("syslogparse-[a-z0-9_]{8}")
USER = 1000
"""An id of nobody in particular, for the reduced mode."""
QUIET_ENVIRONMENT = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8", "HOME": "/nonexistent"}
"""Nothing that makes the command start itself anew."""
SAMPLES = Path(__file__).resolve().parents[2] / "sample-logs"


class Done(NamedTuple):
    """How a run ended."""

    status: int
    out: bytes
    err: bytes


class Process(NamedTuple):
    """One line of /proc/PID/stat."""

    pid: int
    comm: str
    state: str
    parent: int


def until(found: Callable[[], _T], what: str, seconds: float = PATIENCE) -> _T:
    """Ask again and again until the answer is true."""
    end = time.monotonic() + seconds
    while not (answer := found()):
        assert time.monotonic() < end, f"not within {seconds} seconds: {what}"
        time.sleep(0.002)
    return answer


def _stat(entry: str) -> tuple[Process, int] | None:
    try:
        raw = Path("/proc", entry, "stat").read_bytes()
    except OSError:
        return None
    comm, rest = raw.split(b"(", 1)[1].rsplit(b")", 1)
    fields = rest.split()
    return Process(int(entry), comm.decode(), fields[0].decode(), int(fields[1])), int(fields[3])


def of_session(session: int) -> list[Process]:
    """Every process of a session, zombies included."""
    found = (_stat(entry) for entry in os.listdir("/proc") if entry.isdecimal())
    return [process for process, its in filter(None, found) if its == session]


def status(pid: int) -> dict[str, str]:
    """/proc/PID/status."""
    lines = Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines()
    return {name: value.strip() for name, _, value in (line.partition(":") for line in lines)}


def descriptors(pid: int) -> dict[int, str]:
    """/proc/PID/fd: numbers and what they are."""
    folder = f"/proc/{pid}/fd"
    return {int(entry): os.readlink(f"{folder}/{entry}") for entry in os.listdir(folder)}


class Run:
    """A run that goes on while the test looks at it."""

    def __init__(self, arguments: Sequence[str | Path], **more: object) -> None:
        options = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "env": QUIET_ENVIRONMENT}
        options.update(more)
        self.popen = subprocess.Popen(list(arguments), start_new_session=True, bufsize=0, **options)  # type: ignore[call-overload]

    @property
    def pid(self) -> int:
        """Of the first process, which becomes the supervisor."""
        return self.popen.pid

    def processes(self) -> list[Process]:
        """All that are left."""
        return of_session(self.pid)

    def role(self, name: str) -> int:
        """The id of the process with this role (supervisor, analyst, parser1 ...), as soon as it is filtered."""

        def look() -> int | None:
            assert self.popen.poll() is None, f"ended before there was a {name}: {self.popen.returncode}"
            for process in self.processes():
                with suppress(OSError, KeyError):
                    found = status(process.pid)  # in one look: a parser has the analyst's name until it gives itself its own
                    if (found["Name"], found["Seccomp"]) == (f"sp-{name}", "2"):
                        return process.pid
            return None

        found = until(look, f"a filtered {name}")
        assert found is not None
        return found

    def roles(self, parsers: int) -> dict[str, int]:
        """All processes by role, every one of them filtered."""
        names = ["supervisor", "analyst", *(f"parser{number}" for number in range(1, parsers + 1))]
        return {name: self.role(name) for name in names}

    def finish(self, seconds: float = PATIENCE) -> Done:
        """Read to the end, and wait."""
        out, err = self.popen.communicate(timeout=seconds)
        return Done(self.popen.returncode, out or b"", err or b"")

    def gone(self, seconds: float = 2.0) -> None:
        """Nothing of the run is left. A zombie that is init's by now is init's business: it takes seconds on some machines."""

        def left() -> list[Process]:
            processes = self.processes()
            ours = {os.getpid(), *(process.pid for process in processes)}
            return [process for process in processes if process.state != "Z" or process.parent in ours]

        until(lambda: not left(), f"the end of {left()}", seconds)

    def destroy(self) -> None:
        """End all of it, whatever state it is in."""
        for process in self.processes():
            with suppress(ProcessLookupError):
                os.kill(process.pid, signal.SIGKILL)
        self.popen.wait(PATIENCE)
        for stream in (self.popen.stdin, self.popen.stdout, self.popen.stderr):
            if stream:
                stream.close()


@contextmanager
def running(arguments: Sequence[str | Path], **more: object) -> Iterator[Run]:
    """A run that is over when the block is."""
    run = Run(arguments, **more)
    try:
        yield run
    finally:
        run.destroy()


def done(arguments: Sequence[str | Path], text: bytes | None = None, seconds: float = 60, **more: object) -> Done:
    """A run from start to end, with nothing left of it. text: its standard input."""
    if text is not None:
        more["stdin"] = subprocess.PIPE
    with running(arguments, **more) as run:
        out, err = run.popen.communicate(text, timeout=seconds)
        run.gone()
        return Done(run.popen.returncode, out or b"", err or b"")


def leftovers() -> set[str]:
    """What the command may have left where it makes its jail, for longer than it takes to make one."""
    places = ("/run", "/tmp", "/var/tmp", "/dev/shm")

    def look() -> set[str]:
        return {f"{place}/{entry}" for place in places for entry in os.listdir(place) if _JAIL.fullmatch(entry)}

    first = look()
    if first:
        time.sleep(0.2)
    return first & look()


def as_user(*arguments: str | Path, groups: str = "") -> list[str]:
    """The same as a user without rights."""
    membership = f"--groups={groups}" if groups else "--clear-groups"
    return ["setpriv", f"--reuid={USER}", f"--regid={USER}", membership, *map(str, arguments)]


def own_mounts(setup: str, *arguments: str | Path) -> list[str]:
    """A command in a mount namespace of its own, after a shell command there."""
    # In a chroot the root is no mount point, and its propagation cannot be changed.
    plain = subprocess.run(["unshare", "-m", "true"], capture_output=True, check=False).returncode == 0
    flags = [] if plain else ["--propagation", "unchanged"]
    return ["unshare", "-m", *flags, "sh", "-euc", f'{setup}\nexec "$@"', "sh", *map(str, arguments)]


def driver(interpreter: Path, change: str) -> list[str]:
    """The installed command after a change to it: one of its own constants, in place of minutes of waiting."""
    program = f"import sys\n{change}\nfrom syslogparse.__main__ import main\nsys.exit(main())"
    return [str(interpreter), "-IB", "-c", program]


def fill(descriptor: int) -> int:
    """Fill a non-blocking pipe. How many bytes that took."""
    filled = 0
    for piece in (4096, 1):
        with suppress(BlockingIOError):
            while True:
                filled += os.write(descriptor, bytes(piece))
    return filled


class Gate:
    """Holds parsers at a block of the log until it is opened: the moments between are the test's.

    The parsers of the installed command wait at a byte of shared memory, for which their filter needs to allow nothing.
    """

    def __init__(self, path: Path, block: int) -> None:
        path.write_bytes(bytes(4096))
        with path.open("r+b") as file:
            self._memory = mmap.mmap(file.fileno(), 4096)
        self.change = f"""
import mmap, syslogparse.roles.streams as streams
with open({str(path)!r}, "r+b") as file:
    gate = mmap.mmap(file.fileno(), 4096)
def held(worker, data, place, fold, work=streams.work_block):
    if place.block >= {block}:
        gate[1 + place.block] = 1
        while not gate[0]:
            pass
    return work(worker, data, place, fold)
streams.work_block = held
"""

    def wait(self, *blocks: int) -> None:
        """Until parsers stand at these blocks."""
        until(lambda: all(self._memory[1 + block] for block in blocks), f"parsers at the blocks {blocks}")

    def open(self) -> None:
        """Let all of them go on."""
        self._memory[0] = 1
