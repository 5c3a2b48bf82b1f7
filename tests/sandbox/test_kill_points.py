"""Every process of a run with --output is killed before every system call: old file, new file or none, and never a part of one.

That is: before each call from the moment on at which everybody is confined, and nothing is parsed yet.
"""

from __future__ import annotations

import contextlib
import mmap
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.sandbox.host import Ended, Running, Zygote, proc_status, wait_until
from tests.sandbox.logs import make_logs
from tests.sandbox.own import zygote_for
from tests.sandbox.tracer import Tracer

pytestmark = pytest.mark.root

NAMES = ("iptables.sh", "apparmor.rules")
ROLES = ("supervisor", "analyst", "validator", "parser1")


class Runs:
    """Starts runs with a directory each, and holds them where everybody is confined and nothing is parsed."""

    def __init__(self, zygote: Zygote, place: Path) -> None:
        self._zygote = zygote
        self._place = place
        logs = make_logs(place / "logs")
        small = place / "logs" / "few"
        small.write_bytes(b"".join(Path(logs.apparmor).read_bytes().splitlines(keepends=True)[:9]))
        self._logs = [logs.small, str(small)]
        self._number = 0
        self.new = self._unhindered()

    def _unhindered(self) -> dict[str, bytes]:
        with self.begun(force=False) as (running, _, gate, folder):
            gate[0] = 1
            ended = running.wait()
            assert ended.code == 0, ended
            found = content(folder)
        assert tuple(sorted(found)) == tuple(sorted(NAMES))
        return found

    @contextlib.contextmanager
    def begun(self, *, force: bool) -> Iterator[tuple[Running, dict[str, int], mmap.mmap, Path]]:
        """The run, its processes by role, its gate, and its directory: with older files in it where they may be replaced."""
        self._number += 1
        folder = self._place / f"box{self._number}"
        folder.mkdir(mode=0o700)
        if force:
            for name in NAMES:
                (folder / name).write_bytes(b"old " + name.encode())
        page = os.memfd_create("gate")
        os.truncate(page, mmap.PAGESIZE)
        gate = mmap.mmap(page, 0)
        running = self._start(folder, page, force=force)
        os.close(page)
        yield running, _at_the_gate(running, gate), gate, folder
        shutil.rmtree(folder)

    def _start(self, folder: Path, page: int, *, force: bool) -> Running:
        return self._zygote.start("gated", stdin=page, logs=self._logs, jobs=1, format="rules", output=str(folder), force=force)

    def again(self, folder: Path) -> Ended:
        """Another run into the same directory."""
        page = os.memfd_create("gate")
        os.truncate(page, mmap.PAGESIZE)
        os.pwrite(page, b"\1", 0)
        running = self._start(folder, page, force=True)
        os.close(page)
        return running.wait()


def content(folder: Path) -> dict[str, bytes]:
    """Every name in it."""
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def _at_the_gate(running: Running, gate: mmap.mmap) -> dict[str, int]:
    wait_until(lambda: gate[1] or not os.path.exists(f"/proc/{running.pid}/task"), 20)
    found = {}
    for pid in _family(running.pid):
        status = proc_status(pid)
        assert status["Seccomp"] == "2", status["Name"]
        found[status["Name"].removeprefix("sp-")] = pid
    assert set(found) == set(ROLES)
    return found


def _family(pid: int) -> list[int]:
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()
    return [pid, *(heir for child in children for heir in _family(int(child)))]


@pytest.fixture(scope="module")
def runs() -> Iterator[Runs]:
    with zygote_for("killing", "gated") as (zygote, place):
        yield Runs(zygote, place)


@pytest.mark.parametrize("force", [False, True], ids=["new", "force"])
@pytest.mark.parametrize("role", ROLES)
def test_killed_before_each_call(runs, role, force):
    old = {name: b"old " + name.encode() for name in NAMES} if force else {}
    seen = set()
    number = 1
    while True:
        with runs.begun(force=force) as (running, pids, gate, folder):
            tracer = Tracer(pids[role])
            gate[0] = 1
            killed = tracer.kill_before(number)
            ended = running.wait()
            assert ended.left == []
            seen.add(_judge(runs, folder, old, role))
            if ended.code == 0 or not killed:
                assert content(folder) == runs.new
            if not killed:
                assert ended.code == 0
                break
        number += 1
    assert number > 4, "it made hardly a call"
    # What came of it: nothing; all; and where the supervisor was killed in between, some of the files, each of them whole.
    assert seen == {"old", "new"} | ({"aside" if force else "some"} if role == "supervisor" else set())


def _judge(runs: Runs, folder: Path, old: dict[str, bytes], role: str) -> str:
    found = content(folder)
    aside = {name for name in found if name not in NAMES}
    for name in NAMES:
        assert found.get(name) in {old.get(name), runs.new[name]}, name
    if aside:  # between link and rename
        assert role == "supervisor"
        assert old
        assert aside <= {f".{name}.new" for name in NAMES}
        assert runs.again(folder).code == 0
        assert content(folder) == runs.new, "the next run has cleaned up"
        return "aside"
    kept = {name: found[name] for name in NAMES if name in found}
    return "new" if kept == runs.new else "old" if kept == old else "some"


@pytest.mark.parametrize("role", ROLES)
def test_stopped_and_killed_at_the_gate(runs, role):
    with runs.begun(force=True) as (running, pids, gate, folder):
        before = content(folder)
        os.kill(pids[role], 9)
        gate[0] = 1
        ended = running.wait()
        assert ended.left == []
        assert (ended.code, ended.signal) == ((None, 9) if role == "supervisor" else (5, None))
        assert content(folder) == before


def test_the_tracer_alone_does_no_harm(runs):
    with runs.begun(force=True) as (running, pids, gate, folder):
        tracer = Tracer(pids["validator"])
        gate[0] = 1
        assert not tracer.kill_before(0)
        assert running.wait().code == 0
        assert content(folder) == runs.new
