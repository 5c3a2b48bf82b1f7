"""Who starts the command can put much around it. None of it may be loaded, and nothing may be loaded that others can change."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.e2e.harness import QUIET_ENVIRONMENT, USER, as_user, done, own_mounts, running

pytestmark = pytest.mark.root

# Its constructor writes the process's id and name to a file that stands in the environment.
PRELOADED = """
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
__attribute__((constructor)) static void loaded(void) {
    char line[64];
    const char *marker = getenv("MARKER");
    int file = marker ? open(marker, O_WRONLY | O_APPEND | O_CREAT, 0666) : -1;
    if (file >= 0) {
        int size = snprintf(line, sizeof line, "%d\\n", getpid());
        if (write(file, line, size) != size) abort();
        close(file);
    }
}
"""


@pytest.fixture(scope="module")
def library(stage, require_tool):
    """A shared library that leaves a mark in every process that loads it."""
    source = stage / "preloaded.c"
    source.write_text(PRELOADED, encoding="ascii")
    made = stage / "preloaded.so"
    subprocess.run([require_tool("gcc"), "-shared", "-fPIC", "-o", made, source], check=True)
    return made


@pytest.fixture(scope="module")
def hostile(stage):
    """A folder with modules that end whoever imports them with status 66."""
    folder = stage / "hostile"
    folder.mkdir()
    names = "re os rich msgspec prctl pyseccomp argparse syslogparse sitecustomize usercustomize zoneinfo"
    for name in names.split():
        (folder / f"{name}.py").write_text("import posix\nposix._exit(66)\n", encoding="ascii")
    (folder / "encodings").mkdir()
    (folder / "encodings/__init__.py").write_text("import posix\nposix._exit(66)\n", encoding="ascii")
    return folder


def _ended_well(ended):
    return ended.status == 0 and ended.err == b"" and ended.out.startswith(b"# Suggested by syslogparse")


def test_hostile_modules_do_end_an_interpreter_that_is_not_isolated(interpreter, hostile):
    # The control of the next two.
    for options, more in ((["-c", "import rich"], {"cwd": hostile}), (["-c", "0"], {"env": {"PYTHONPATH": str(hostile)}})):
        assert subprocess.run([interpreter, *options], check=False, **more).returncode == 66


@pytest.mark.parametrize(
    "variables",
    [
        {"PYTHONPATH": "{hostile}"},
        {"PYTHONHOME": "{hostile}"},
        {"PYTHONSTARTUP": "{hostile}/re.py", "PYTHONINSPECT": "1"},
        {"PYTHONUSERBASE": "{hostile}"},
        {"PYTHONPLATLIBDIR": "{hostile}"},
        {"PYTHONWARNINGS": "error", "PYTHONDEVMODE": "1", "PYTHONUTF8": "0", "PYTHONHASHSEED": "0"},
        {"PYTHONBREAKPOINT": "re.x", "PYTHONPYCACHEPREFIX": "{hostile}", "PYTHONIOENCODING": "ascii:strict"},
        {"LC_ALL": "C", "LANG": "xx_YY.UTF-8"},
        {"HOME": "{hostile}", "XDG_CONFIG_HOME": "{hostile}", "TMPDIR": "{hostile}", "TZDIR": "{hostile}"},
        {"PYTHONTZPATH": "{hostile}"},
    ],
    ids=lambda variables: next(iter(variables)),
)
def test_hostile_environment(command, hostile, small, variables):
    filled = {name: value.format(hostile=hostile) for name, value in variables.items()}
    assert _ended_well(done([command, small], env={**QUIET_ENVIRONMENT, **filled}))


@pytest.mark.xfail(strict=True, reason="CPython 3.11 takes these two for the place of a virtual environment, -I or not")
@pytest.mark.parametrize("variable", ["PYTHONEXECUTABLE", "__PYVENV_LAUNCHER__"])
def test_hostile_virtual_environment(command, interpreter, tmp_path, small, variable):
    folder = tmp_path / "environment"
    site = folder / _site(interpreter.parent.parent).relative_to(interpreter.parent.parent)
    site.mkdir(parents=True)
    (folder / "pyvenv.cfg").write_text("home = /usr/bin\n", encoding="ascii")
    (site / "hostile.pth").write_text("import posix; posix._exit(66)\n", encoding="ascii")
    assert _ended_well(done([command, small], env={**QUIET_ENVIRONMENT, variable: str(folder / "bin/python")}))


def test_hostile_working_directory(command, interpreter, hostile, small):
    assert _ended_well(done([command, small], cwd=hostile))
    # Started without the launcher's options the program starts itself anew with them.
    module = [interpreter, "-P", "-m", "syslogparse", small]
    assert _ended_well(done(module, cwd=hostile))
    assert _ended_well(done(module, cwd="/", env={**QUIET_ENVIRONMENT, "PYTHONSTARTUP": str(hostile / "re.py")}))


def test_working_directory_that_is_gone(command, small, tmp_path):
    folder = tmp_path / "gone"
    folder.mkdir()
    ended = done(["sh", "-c", 'cd "$0" && rmdir "$0" && exec "$@"', folder, command, small])
    assert _ended_well(ended)
    assert done(["sh", "-c", 'cd "$0" && rmdir "$0"; exec "$@"', folder, command, "relative"]).status in {2, 3}


def test_preloaded_library_is_gone_after_the_start(command, library, dense, tmp_path):
    marker = tmp_path / "marker"
    environment = {**QUIET_ENVIRONMENT, "LD_PRELOAD": str(library), "MARKER": str(marker), "LD_LIBRARY_PATH": str(library.parent)}
    subprocess.run(["true"], env=environment, check=True)
    assert len(marker.read_text(encoding="ascii").split()) == 1  # the control: it is loaded
    marker.unlink()
    with running([command, "-j", "2", "-f", "events", dense], env=environment) as run:
        pids = run.roles(2)
        # Once, in the very first image of the process, which nobody can keep it out of; not in the one that went on.
        assert marker.read_text(encoding="ascii").split() == [str(run.pid)]
        for pid in pids.values():
            maps = Path(f"/proc/{pid}/maps").read_text(encoding="utf-8")
            assert "libc.so" in maps
            assert library.name not in maps


def test_environment_is_not_kept(command, dense):
    hostile = {"LD_LIBRARY_PATH": "/nowhere", "SECRET": "swordfish", "IFS": "x", "GCONV_PATH": "/nowhere"}
    environment = {**QUIET_ENVIRONMENT, **hostile, "TZ": "UTC", "TERM": "x"}
    with running([command, "-j", "1", "-f", "events", dense], env=environment) as run:
        for pid in run.roles(1).values():
            kept = Path(f"/proc/{pid}/environ").read_bytes()
            assert {variable for variable in kept.split(b"\0") if variable} <= {b"TZ=UTC", b"TERM=x", b"HOME=/"}


# ---- what is loaded belongs to root


@pytest.fixture(scope="module")
def copy(interpreter, stage):
    """A copy of the installed tree, and how to start it."""
    tree = stage / "tree"
    shutil.copytree(interpreter.parent.parent, tree, symlinks=True)
    return tree


def _start(tree):
    return [tree / "bin/python", "-IB", "-c", "import sys; from syslogparse.__main__ import main; sys.exit(main())"]


def _site(tree) -> Path:
    (site,) = (tree / "lib").glob("python3.*/site-packages")
    return site


def test_copy_that_belongs_to_root_is_run(copy, small):
    assert _ended_well(done([*_start(copy), small]))


@pytest.mark.parametrize(
    ("path", "owner", "group", "mode"),
    [
        (".", USER, 0, None),
        (".", 0, 0, 0o777),
        (".", 0, USER, 0o775),
        ("SITE/syslogparse/roles", USER, 0, None),
        ("SITE/syslogparse/roles/parser.py", USER, 0, None),
        ("SITE/syslogparse/roles/parser.py", 0, 0, 0o666),
        ("SITE/msgspec", 0, 0, 0o757),
        ("SITE/msgspec/_core.so", 0, 4, 0o664),
        ("SITE", 0, 0, 0o1777),
        ("bin", USER, 0, None),
    ],
)
def test_tree_that_others_can_change_is_not_run_as_root(copy, small, path, owner, group, mode):
    if path.endswith("_core.so"):
        (target,) = (_site(copy) / "msgspec").glob("_core*.so")
    else:
        target = Path(str(copy / path).replace(str(copy / "SITE"), str(_site(copy))))
    before = target.stat()
    try:
        os.chown(target, owner, group)
        if mode is not None:
            target.chmod(mode)
        ended = done([*_start(copy), small])
        reduced = done([*as_user(*_start(copy)), small])
    finally:
        os.chown(target, before.st_uid, before.st_gid)
        target.chmod(before.st_mode & 0o7777)
    assert (ended.status, ended.out) == (4, b"")
    assert b"program files: " in ended.err
    assert b" can be changed by somebody else than root" in ended.err
    assert b"hint: " in ended.err
    assert reduced.status == 0  # without root nothing is gained by it


def test_tree_below_a_folder_that_others_can_change_is_not_run_as_root(copy, small):
    copy.parent.chmod(0o777)
    try:
        ended = done([*_start(copy), small])
    finally:
        copy.parent.chmod(0o755)
    assert (ended.status, ended.out) == (4, b"")


def test_library_that_is_missing(command, small):
    # The filter's library is a package of the system's, which somebody may have taken away.
    found = subprocess.run(["/sbin/ldconfig", "-p"], capture_output=True, text=True, check=True).stdout
    path = next(line.split(" => ")[1] for line in found.splitlines() if line.strip().startswith("libseccomp.so.2"))
    ended = done(own_mounts(f"mount --bind /dev/null {os.path.realpath(path)}", command, small))
    assert (ended.status, ended.out) == (4, b"")
    assert b"libseccomp" in ended.err
    assert b"hint: " in ended.err
    assert b"Traceback" not in ended.err


def test_interpreter_that_cannot_be_started_anew(interpreter, small):
    program = "import sys; sys.executable = '/nowhere'; from syslogparse.__main__ import main; sys.exit(main())"
    ended = done([interpreter, "-c", program, small])
    assert (ended.status, ended.out) == (4, b"")
    assert ended.err == b"syslogparse: the interpreter cannot be started anew: No such file or directory\n"


def test_nothing_is_written_into_the_tree(interpreter, command, small):
    tree = interpreter.parent.parent

    def listing() -> dict[str, int]:
        return {str(path): path.lstat().st_mtime_ns for path in tree.rglob("*")}

    before = listing()
    done([command, small])
    done([command, "--schema"])
    done([command, "--explain-sandbox"])
    assert listing() == before


@pytest.mark.parametrize(
    ("zone", "stamp"),
    [
        ("UTC", "12:00:00"),
        ("", "12:00:00"),
        ("Europe/Berlin", "11:00:00"),
        (":Asia/Kolkata", "06:30:00"),
        ("/usr/share/zoneinfo/Europe/Berlin", "11:00:00"),
        ("CET-1CEST,M3.5.0,M10.5.0/3", "11:00:00"),
        ("<+0545>-5:45", "06:15:00"),
        ("Nonsense", "12:00:00"),
        ("Europe", "12:00:00"),
        ("../../etc/passwd", "12:00:00"),
        ("\udcff\x1b", "12:00:00"),
    ],
)
def test_time_zone(command, zone, stamp):
    line = b"Nov 22 12:00:00 gw kernel: IN=eth0 OUT= SRC=192.0.2.1 DST=192.0.2.2 LEN=60 PROTO=TCP SPT=1 DPT=22\n"
    ended = done([command, "-f", "events", "-"], line, env={**QUIET_ENVIRONMENT, "TZ": zone})
    assert (ended.status, ended.err) == (0, b"")
    assert f'-11-22T{stamp}.000000+00:00"' in ended.out.decode()
