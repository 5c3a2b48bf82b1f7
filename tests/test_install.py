"""`make install` and `make uninstall`, into a folder of their own."""

import os
import stat
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent

pytestmark = pytest.mark.root


def _make(target: str, destination: Path, command: Path) -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))}
    arguments = ["make", "-C", str(ROOT), target, f"DESTDIR={destination}", "PREFIX=/usr", f"DEV={command.parent.parent}"]
    done = subprocess.run(arguments, env=environment, capture_output=True, text=True, check=False, umask=0o002)
    assert done.returncode == 0, done.stdout + done.stderr


def _listing(root: Path) -> dict[str, tuple[int, bytes]]:
    """Mode and content of everything below ``root``; a link's content is what it points to."""
    found = {}
    for path in sorted(root.rglob("*")):
        content = b""
        if path.is_symlink():
            content = os.fsencode(path.readlink())
        elif path.is_file():
            content = path.read_bytes()
        found[str(path.relative_to(root))] = (path.lstat().st_mode, content)
    return found


@pytest.fixture(scope="module")
def destination(tmp_path_factory, command):
    root = tmp_path_factory.mktemp("install") / "staging"
    _make("install", root, command)
    return root


def test_only_root_can_write_what_is_installed(destination):
    installed = [path.lstat() for path in destination.rglob("*")]
    assert installed
    assert {(status.st_uid, status.st_gid) for status in installed} == {(0, 0)}
    assert [status for status in installed if not stat.S_ISLNK(status.st_mode) and status.st_mode & 0o022] == []


def test_nothing_installed_names_the_place_of_the_build(destination, command):
    places = [os.fsencode(destination), os.fsencode(command.parent.parent)]
    assert [name for name, (_, content) in _listing(destination).items() if any(place in content for place in places)] == []


def test_launcher_isolates_the_interpreter(destination):
    launcher = destination / "usr/bin/syslogparse"
    assert launcher.read_text(encoding="ascii").splitlines()[0] == "#!/usr/lib/syslogparse/bin/python -IB"
    assert stat.S_IMODE(launcher.stat().st_mode) == 0o755


def test_interpreter_is_the_only_program_in_the_private_environment(destination):
    assert {path.name.rstrip(".0123456789") for path in (destination / "usr/lib/syslogparse/bin").iterdir()} == {"python"}


def test_every_module_has_bytecode(destination):
    sources = set((destination / "usr/lib").rglob("*.py"))
    compiled = {path.parent.parent / f"{path.name.split('.')[0]}.py" for path in (destination / "usr/lib").rglob("*.pyc")}
    assert sources
    assert sources == compiled


def test_package_is_the_one_in_this_tree(destination):
    (site,) = (destination / "usr/lib/syslogparse/lib").glob("python3.*/site-packages")
    here, there = (_listing(root / "syslogparse") for root in (ROOT, site))
    modules = {name for name in here | there if name.endswith(".py")}
    assert {name for name in modules if here[name][1] != there[name][1]} == set()


def test_profile_is_installed(destination):
    installed = destination / "etc/apparmor.d/usr.bin.syslogparse"
    assert installed.read_bytes() == (ROOT / "apparmor/usr.bin.syslogparse").read_bytes()
    assert stat.S_IMODE(installed.stat().st_mode) == 0o644


def test_install_again_changes_nothing_and_uninstall_leaves_nothing(destination, tmp_path, command):
    root = tmp_path / "staging"
    _make("install", root, command)
    first = _listing(root)
    _make("install", root, command)
    assert _listing(root) == first == _listing(destination)
    _make("uninstall", root, command)
    assert [path for path in root.rglob("*") if path.name not in {"usr", "etc"}] == []
    _make("uninstall", root, command)
