"""What /proc says of every process of a run with --output, while parsers stand before a block."""

import os
import shutil
from pathlib import Path

import pytest

from tests.e2e.harness import NOBODY, USER, Gate, as_user, descriptors, driver, running, status

pytestmark = pytest.mark.root


@pytest.fixture(scope="module", params=["full", "reduced"])
def at_work(request, interpreter, two, stage):
    """Every process of a run with --output, while parsers stand before a block."""
    base = stage / f"output-{request.param}"
    folder = base / "box"
    folder.mkdir(mode=0o700, parents=True)
    gate = Gate(base / "gate", 1)
    (base / "gate").chmod(0o666)
    arguments = [*driver(interpreter, gate.change), "-j", "1", "-f", "rules", "-o", folder, two]
    if request.param == "reduced":
        os.chown(folder, USER, USER)
        arguments = as_user(*arguments)
    with running(arguments) as run:
        gate.wait(1)
        yield request.param, run, {name: run.role(name) for name in ("supervisor", "analyst", "validator", "parser1")}, folder
        gate.open()
        assert run.finish().status == 0
    written = list(folder.iterdir())
    assert len(written) == 3
    assert {path.stat().st_uid for path in written} == {0 if request.param == "full" else USER}
    shutil.rmtree(base)


def test_ids_and_rights_of_each(at_work):
    mode, run, pids, _ = at_work
    assert {process.comm for process in run.processes()} == {f"sp-{name}" for name in pids}
    nobody = str(NOBODY if mode == "full" else USER)
    for name, pid in pids.items():
        found = status(pid)
        files = "0" if (mode, name) == ("full", "supervisor") else nobody
        assert found["Uid"].split() == [nobody, nobody, nobody, files], name
        assert found["Gid"].split() == [nobody] * 4
        assert {found[mask] for mask in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")} == {"0" * 16}, name
        assert (found["NoNewPrivs"], found["Seccomp"], found["Threads"]) == ("1", "2", "1")
        assert os.readlink(f"/proc/{pid}/root").endswith(" (deleted)")


def test_who_has_the_files_and_the_directory(at_work):
    _, _, pids, folder = at_work
    held = {name: descriptors(pid) for name, pid in pids.items()}
    unnamed = {number: path for number, path in held["validator"].items() if path.startswith(f"{folder}/#")}
    assert len(unnamed) == 3
    assert list(held["validator"]) == list(range(3, 9))
    assert {path for path in held["supervisor"].values() if path.startswith(str(folder))} == {str(folder), *unnamed.values()}
    for name in ("analyst", "parser1"):
        assert not [path for path in held[name].values() if str(folder) in path], name
    assert f"/proc/{pids['supervisor']}/fd" in held["supervisor"].values()


def test_who_is_connected_to_whom(at_work):
    _, _, pids, _ = at_work
    ends: dict[str, set[tuple[str, bool]]] = {}
    for name, pid in pids.items():
        for number, what in descriptors(pid).items():
            flags = Path(f"/proc/{pid}/fdinfo/{number}").read_text(encoding="ascii").split("flags:")[1].split()[0]
            if what.startswith("pipe:") and number not in (1, 2):
                ends.setdefault(what, set()).add((name, bool(int(flags, 8) & os.O_ACCMODE)))
    assert sorted(sorted(pair) for pair in ends.values()) == [
        [("analyst", False), ("parser1", True)],
        [("analyst", False), ("supervisor", True)],
        [("analyst", False), ("validator", True)],
        [("analyst", True), ("validator", False)],
        [("supervisor", False), ("validator", True)],
    ]


def test_the_directory_is_empty_until_the_end(at_work):
    assert list(at_work[3].iterdir()) == []
