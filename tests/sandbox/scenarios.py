"""Scenarios: ways to run the program that together walk every path on which a role makes a system call.

`needed_by` in `seccomp.TABLE` names the one that breaks when the row is taken from any of its roles. A scenario gets a `World`,
runs the program in it and says through `Broken` that the run did not go as it should.
"""

from __future__ import annotations

import contextlib
import os
import pty
import signal
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from tests.sandbox.host import Ended, Running, Zygote, proc_status, stop, wait_until
from tests.sandbox.logs import Logs

POLL = {"x86_64": 7, "aarch64": 73}
"""Number of poll, or of ppoll where there is none."""


class Broken(Exception):
    """The program did not do what it does under the whole table."""


class World(NamedTuple):
    """Where a scenario takes place. lack: the row and the role that it has to do without."""

    zygotes: dict[str, Zygote]
    logs: Logs
    lack: tuple[str, str] | None = None

    def start(self, zygote: str = "plain", **arguments) -> Running:
        """Start the program with these options."""
        return self.zygotes[zygote].start("program", lack=self.lack, **arguments)


class Processes(NamedTuple):
    """The program while its parsers work."""

    supervisor: int
    analyst: int
    parsers: list[int]


def at_work(running: Running, parsers: int = 1) -> Processes:
    """Wait until all its processes have loaded their filters and the parsers have got the start signal."""
    found: Processes | None = None

    def complete() -> bool:
        nonlocal found
        with contextlib.suppress(OSError, IndexError):
            by_name = {proc_status(pid)["Name"]: pid for pid in _family(running.pid) if proc_status(pid)["Seccomp"] == "2"}
            names = [f"sp-parser{number}" for number in range(1, parsers + 1)]
            if {"sp-supervisor", "sp-analyst", *names} <= set(by_name) and all(_has_started(by_name[name]) for name in names):
                found = Processes(by_name["sp-supervisor"], by_name["sp-analyst"], [by_name[name] for name in names])
        return found is not None or not os.path.exists(f"/proc/{running.pid}/task")

    wait_until(complete, 10)
    if found is None:
        raise Broken("it ended before its parsers were at work")
    return found


def _has_started(parser: int) -> bool:
    """Its first write, the one that holds it back, is over."""
    counters = dict(line.split(": ") for line in Path(f"/proc/{parser}/io").read_text(encoding="ascii").splitlines())
    return int(counters["wchar"]) > 0


def _family(pid: int) -> list[int]:
    children = [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()]
    return [pid, *(heir for child in children for heir in _family(child))]


def _demand(ended: Ended, code: int, *, out: bytes = b"", err: str = "") -> None:
    problem = f"status {ended.status:#x}, {len(ended.out)} bytes, {ended.message[:400]!r}, left {ended.left}"
    if ended.code != code or out not in ended.out or err not in ended.message or ended.left or "SIGSYS" in ended.message:
        raise Broken(problem)


_SETTLED = b" -p tcp "
"""In the rules that every log of dense lines leads to."""


def any_run(world: World) -> None:
    """One parser, a small log, rules to a file."""
    _demand(world.start(logs=[world.logs.small], jobs=1, format="rules").wait(), 0, out=_SETTLED)


def garbage(world: World) -> None:
    """Python's collector frees what nobody holds while each role is under its filter."""
    _demand(world.start(logs=[world.logs.small], jobs=1, format="text", collect=True).wait(), 0)


def seven_parsers(world: World) -> None:
    """More parsers than processors."""
    _demand(world.start(logs=[world.logs.dense] * 3, jobs=7, format="rules").wait(), 0, out=_SETTLED)


def many_keys(world: World) -> None:
    """Every line another key: what parsers and the analyst hold grows."""
    _demand(world.start(logs=[world.logs.distinct], jobs=2, format="json").wait(), 0, out=b'"complete": true')


def every_event(world: World) -> None:
    """The format events: parsers wait for their turn."""
    _demand(
        world.start(logs=[world.logs.dense, world.logs.apparmor], jobs=3, format="events").wait(), 0, out=b'"kind":"apparmor"'
    )


def tiny_lines(world: World) -> None:
    """What an attacker can write: a block with as many lines of interest as fit. Lists outgrow the heap and are moved."""
    _demand(world.start(logs=[world.logs.tiny], jobs=1, format="rules").wait(), 0, out=b"Read: ")


def long_lines(world: World) -> None:
    """AppArmor records and packets as long as lines can be, and longer."""
    _demand(world.start(logs=[world.logs.apparmor, world.logs.overlong], jobs=2, format="json").wait(), 0, out=b"line too long")


def frugal_malloc(world: World) -> None:
    """A C library that gives memory back at once, as others than this machine's may."""
    _demand(world.start("frugal", logs=[world.logs.small], jobs=1, format="rules").wait(), 0, out=_SETTLED)


def no_vdso(world: World) -> None:
    """A clock that takes a system call to read, as under some hypervisors and with the clock sources hpet and acpi_pm."""
    # The supervisor has a deadline for the end of children that are not the program's.
    _demand(world.start("no_vdso", logs=[world.logs.small], jobs=1, format="rules", orphan=True).wait(), 0, out=_SETTLED)


def stopped(world: World) -> None:
    """Every process is stopped while it waits or works, and continued."""
    running = world.start(logs=[world.logs.tiny], jobs=1, format="rules")
    here = at_work(running)
    stop(here.parsers[0])
    wait_until(lambda: _in_poll(here.analyst))
    for pid in (here.analyst, here.supervisor):
        stop(pid)
    for pid in (here.supervisor, here.analyst, *here.parsers):
        os.kill(pid, signal.SIGCONT)
    _demand(running.wait(), 0, out=b"Read: ")


def _in_poll(pid: int) -> bool:
    call = Path(f"/proc/{pid}/syscall").read_text(encoding="ascii").split()[0]
    return call == str(POLL[os.uname().machine])


def dead_parser(world: World) -> None:
    """A parser is killed; the rest is reported."""
    running = world.start(logs=[world.logs.tiny, world.logs.small], jobs=2, format="rules")
    here = at_work(running)
    os.kill(here.parsers[0], signal.SIGKILL)
    _demand(running.wait(), 5, out=_SETTLED, err="parser 1 killed by SIGKILL")


def dead_analyst(world: World) -> None:
    """The analyst is killed; the supervisor says so."""
    running = world.start(logs=[world.logs.tiny], jobs=2, format="rules")
    os.kill(at_work(running).analyst, signal.SIGKILL)
    _demand(running.wait(), 5, err="the analyst killed by SIGKILL")


def nobody_listens(world: World) -> None:
    """The same, where standard error is a full pipe that does not block: the message is lost, the exit status is not."""
    read, write = os.pipe()
    os.set_blocking(write, False)
    with contextlib.suppress(BlockingIOError):
        while True:
            os.write(write, bytes(4096))
    running = world.start(logs=[world.logs.tiny], jobs=1, format="rules", stderr=write)
    os.kill(at_work(running).analyst, signal.SIGKILL)
    _demand(running.wait(), 5)
    os.close(read)
    os.close(write)


def ended_by_signal(world: World) -> None:
    """SIGTERM ends everything."""
    running = world.start(logs=[world.logs.tiny], jobs=1, format="rules")
    os.kill(at_work(running).supervisor, signal.SIGTERM)
    _demand(running.wait(), 143)


def out_of_memory(world: World) -> None:
    """A parser runs into its limit, and says so by its exit status; the others end as always."""
    ended = world.start(logs=[world.logs.tiny], jobs=1, format="rules", spare=8).wait()
    _demand(ended, 5, err="parser 1 out of memory")


def nothing_to_read(world: World) -> None:
    """An empty log beside one that is not there."""
    ended = world.start(logs=[world.logs.empty, "/nowhere/log"], format="json").wait()
    _demand(ended, 3, out=b'"complete": true', err="/nowhere/log: no such file")


def full_disk(world: World) -> None:
    """Results that cannot be written."""
    full = os.open("/dev/full", os.O_WRONLY)
    try:
        _demand(world.start(logs=[world.logs.dense], stdout=full, format="rules").wait(), 5, err="No space left on device")
    finally:
        os.close(full)


def full_pipe(world: World) -> None:
    """A reader that is slow, behind a pipe that does not block."""
    read, write = os.pipe()
    os.set_blocking(write, False)
    with open(read, "rb", buffering=0) as reader:
        running = world.start(logs=[world.logs.dense], jobs=2, format="events", stdout=write)
        os.close(write)
        found = b"".join(iter(lambda: reader.read(3000), b""))
    _demand(running.wait()._replace(out=found[-2000:]), 0, out=b'"kind":"netfilter"')


def enough(world: World) -> None:
    """`| head`."""
    read, write = os.pipe()
    running = world.start(logs=[world.logs.dense], jobs=2, format="events", stdout=write)
    os.close(write)
    found = os.read(read, 100)
    os.close(read)
    _demand(running.wait()._replace(out=found), 0, out=b'"kind":"netfilter"')


def terminal(world: World) -> None:
    """Text on a terminal, with the progress bar of a long run."""
    master, slave = pty.openpty()
    found: list[bytes] = []
    running = world.start(logs=[world.logs.tiny, world.logs.odd], jobs=1, stdout=slave, stderr=slave)
    os.close(slave)
    reader = threading.Thread(target=_read_all, args=(master, found))
    reader.start()
    ended = running.wait()
    reader.join()
    _demand(ended._replace(out=b"".join(found)), 0, out=b"reading")


def _read_all(descriptor: int, found: list[bytes]) -> None:
    with contextlib.suppress(OSError):  # EIO: the other side is closed
        while piece := os.read(descriptor, 1 << 16):
            found.append(piece)
    os.close(descriptor)


def reduced(world: World) -> None:
    """Without root."""
    _demand(world.start(logs=[world.logs.small], jobs=2, format="json", user=1000).wait(), 0, out=b'"reduced"')


@contextlib.contextmanager
def _outbox(user: int = 0) -> Iterator[Path]:
    """A directory for --output."""
    with tempfile.TemporaryDirectory(prefix="outbox-") as made:
        os.chown(made, user, user)
        yield Path(made)


def _demand_files(folder: Path, ended: Ended, *names: str) -> None:
    """They are there and no others, and hold what was printed."""
    found = {path.name: path.read_bytes() for path in folder.iterdir()}
    head, *sections = ended.out.split(b"\n\n# No rule for ")[0].split(b"\n\n# ==== ")
    wanted = [head + b"\n\n# ==== " + section.rstrip(b"\n") + b"\n" for section in sections]
    if sorted(found) != sorted(names) or sorted(found.values()) != sorted(wanted):
        raise Broken(f"other files, or others in them: {sorted(found)}")


def files(world: World) -> None:
    """--output: two languages, two files."""
    with _outbox() as folder:
        ended = world.start(logs=[world.logs.small, world.logs.apparmor], jobs=1, format="rules", output=str(folder)).wait()
        _demand(ended, 0, out=_SETTLED, err=f"wrote {folder}/apparmor.rules")
        _demand_files(folder, ended, "iptables.sh", "apparmor.rules")


def files_many(world: World) -> None:
    """The same with rules as long as paths can be."""
    with _outbox() as folder:
        ended = world.start(logs=[world.logs.apparmor], jobs=1, format="rules", output=str(folder)).wait()
        _demand(ended, 0, err="wrote ")
        _demand_files(folder, ended, "apparmor.rules")


def files_long(world: World) -> None:
    """A comment as long as a line may be: it names a log again and again, in characters that are not ASCII."""
    with _outbox() as folder, tempfile.TemporaryDirectory(prefix="漢" * 60) as wide:
        os.chmod(wide, 0o755)
        log = Path(wide, "漢" * 80)
        log.write_bytes(Path(world.logs.small).read_bytes()[:2000])
        ended = world.start(logs=[str(log)], repeat=400, jobs=1, format="rules", output=str(folder)).wait()
        _demand(ended, 0, err="wrote ")
        longest = max((folder / "iptables.sh").read_text(encoding="utf-8").splitlines(), key=len)
        if len(longest) < 15_000 or not longest.endswith("…"):
            raise Broken(f"no long line: {len(longest)} characters")


def files_no_vdso(world: World) -> None:
    """The same without a clock that can be read without a call."""
    with _outbox() as folder:
        options = {"logs": [world.logs.small], "jobs": 1, "format": "rules", "output": str(folder), "orphan": True}
        ended = world.start("no_vdso", **options).wait()
        _demand(ended, 0, out=_SETTLED)
        _demand_files(folder, ended, "iptables.sh")


def files_again(world: World) -> None:
    """--force: a file takes the place of an older one."""
    with _outbox() as folder:
        (folder / "iptables.sh").write_text("old", encoding="ascii")
        (folder / "seccomp.txt").write_text("old", encoding="ascii")
        ended = world.start(logs=[world.logs.small], jobs=1, format="rules", output=str(folder), force=True).wait()
        _demand(ended, 0, out=_SETTLED)
        if (folder / "seccomp.txt").read_text(encoding="ascii") != "old":
            raise Broken("a file that there is nothing for was touched")
        (folder / "seccomp.txt").unlink()
        _demand_files(folder, ended, "iptables.sh")


def files_taken(world: World) -> None:
    """Somebody else takes a name in the meantime: no name is given, and what was given is taken back."""
    read, write = os.pipe()
    with _outbox() as folder, open(read, "rb") as reader:
        logs = [world.logs.small, world.logs.apparmor]
        running = world.start(logs=logs, jobs=1, format="rules", output=str(folder), stdout=write)
        os.close(write)
        begun = reader.read(1)  # the rules are longer than the pipe, so the analyst cannot end
        (folder / "apparmor.rules").write_text("theirs", encoding="ascii")
        found = begun + reader.read()
        _demand(running.wait()._replace(out=found), 5, out=_SETTLED, err="the files could not be written: File exists")
        if {path.name: path.read_bytes() for path in folder.iterdir()} != {"apparmor.rules": b"theirs"}:
            raise Broken(f"left: {list(folder.iterdir())}")


def files_reduced(world: World) -> None:
    """Without root."""
    with _outbox(1000) as folder:
        (folder / "iptables.sh").write_text("old", encoding="ascii")
        ended = world.start(logs=[world.logs.small], jobs=2, format="rules", user=1000, output=str(folder), force=True).wait()
        _demand(ended, 0, out=_SETTLED)
        _demand_files(folder, ended, "iptables.sh")


SCENARIOS: dict[str, Callable[[World], None]] = {
    scenario.__name__: scenario
    for scenario in (
        any_run,
        garbage,
        seven_parsers,
        many_keys,
        every_event,
        tiny_lines,
        long_lines,
        frugal_malloc,
        no_vdso,
        stopped,
        dead_parser,
        dead_analyst,
        nobody_listens,
        ended_by_signal,
        out_of_memory,
        nothing_to_read,
        full_disk,
        full_pipe,
        enough,
        terminal,
        reduced,
        files,
        files_many,
        files_long,
        files_no_vdso,
        files_again,
        files_taken,
        files_reduced,
    )
}
