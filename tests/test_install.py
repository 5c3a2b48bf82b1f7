"""`make install` and `make uninstall`, into a folder of their own."""

import gzip
import os
import re
import shutil
import stat
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent

pytestmark = pytest.mark.root


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


def test_only_root_can_write_what_is_installed(installed):
    installed = [path.lstat() for path in installed.rglob("*")]
    assert installed
    assert {(status.st_uid, status.st_gid) for status in installed} == {(0, 0)}
    assert [status for status in installed if not stat.S_ISLNK(status.st_mode) and status.st_mode & 0o022] == []


def test_nothing_installed_names_the_place_of_the_build(installed, command):
    places = [os.fsencode(installed), os.fsencode(command.parent.parent)]
    assert [name for name, (_, content) in _listing(installed).items() if any(place in content for place in places)] == []


def test_launcher_isolates_the_interpreter(installed):
    launcher = installed / "usr/bin/syslogparse"
    assert launcher.read_text(encoding="ascii").splitlines()[0] == "#!/usr/lib/syslogparse/bin/python -IB"
    assert stat.S_IMODE(launcher.stat().st_mode) == 0o755


def test_interpreter_is_the_only_program_in_the_private_environment(installed):
    assert {path.name.rstrip(".0123456789") for path in (installed / "usr/lib/syslogparse/bin").iterdir()} == {"python"}


def test_every_module_has_bytecode(installed):
    sources = set((installed / "usr/lib").rglob("*.py"))
    compiled = {path.parent.parent / f"{path.name.split('.')[0]}.py" for path in (installed / "usr/lib").rglob("*.pyc")}
    assert sources
    assert sources == compiled


def test_package_is_the_one_in_this_tree(installed):
    (site,) = (installed / "usr/lib/syslogparse/lib").glob("python3.*/site-packages")
    here, there = (_listing(root / "syslogparse") for root in (ROOT, site))
    modules = {name for name in here | there if name.endswith(".py")}
    assert {name for name in modules if here[name][1] != there[name][1]} == set()


COMPANIONS = {
    "usr/share/man/man8/syslogparse.8.gz",
    "usr/share/bash-completion/completions/syslogparse",
    "usr/share/fish/vendor_completions.d/syslogparse.fish",
    "usr/lib/systemd/system/syslogparse.service",
    "usr/lib/systemd/system/syslogparse.timer",
    "usr/lib/tmpfiles.d/syslogparse.conf",
    "etc/apparmor.d/usr.bin.syslogparse",
    "usr/bin/syslogparse",
}
OF_ZSH = re.compile("usr/share/zsh/(?:vendor-completions|site-functions)/_syslogparse")


def test_nothing_but_what_is_known_is_installed(installed):
    files = {str(path.relative_to(installed)) for path in installed.rglob("*") if path.is_file() or path.is_symlink()}
    outside = {name for name in files if not name.startswith("usr/lib/syslogparse/")}
    assert {name for name in outside if not OF_ZSH.fullmatch(name)} == COMPANIONS
    assert len(outside) == len(COMPANIONS) + 1
    modes = {stat.S_IMODE((installed / name).stat().st_mode) for name in outside - {"usr/bin/syslogparse"}}
    assert modes == {0o644}


@pytest.mark.parametrize(
    ("source", "place"),
    [
        ("apparmor/usr.bin.syslogparse", "etc/apparmor.d/usr.bin.syslogparse"),
        ("systemd/syslogparse.service", "usr/lib/systemd/system/syslogparse.service"),
        ("systemd/syslogparse.timer", "usr/lib/systemd/system/syslogparse.timer"),
        ("systemd/syslogparse.conf", "usr/lib/tmpfiles.d/syslogparse.conf"),
    ],
)
def test_what_is_installed_is_what_is_in_this_tree(installed, source, place):
    assert (installed / place).read_bytes() == (ROOT / source).read_bytes()


def test_manual_is_packed_without_a_name_or_a_time(installed):
    packed = (installed / "usr/share/man/man8/syslogparse.8.gz").read_bytes()
    assert gzip.decompress(packed) == (ROOT / "man/syslogparse.8").read_bytes()
    assert (packed[3], packed[4:8]) == (0, bytes(4))  # RFC 1952: flags, modification time


def test_another_prefix_is_named_in_the_unit_and_has_no_profile(make_in, tmp_path):
    make_in("install", f"DESTDIR={tmp_path}", "PREFIX=/opt/local")
    unit = (tmp_path / "opt/local/lib/systemd/system/syslogparse.service").read_text(encoding="ascii")
    assert "\nExecStart=/opt/local/bin/syslogparse " in unit
    assert "\nExecPaths=/opt/local /usr\n" in unit
    assert not (tmp_path / "etc").exists()
    make_in("uninstall", f"DESTDIR={tmp_path}", "PREFIX=/opt/local")
    assert list(tmp_path.iterdir()) == []


def _mode(require_tool, root: Path) -> str:
    """What apparmor_parser says when it reads the installed profile, which it does not load."""
    folder = root / "etc/apparmor.d"
    command = [
        require_tool("apparmor_parser"),
        "-Q",
        "-K",
        "-b",
        str(folder),
        "-I",
        "/etc/apparmor.d",
        str(folder / "usr.bin.syslogparse"),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return "complain" if "forcing complain mode" in done.stderr else "enforce"


def test_complain_mode_is_a_choice_of_each_install(make_in, require_tool, tmp_path):
    make_in("install", f"DESTDIR={tmp_path}", "PREFIX=/usr", "COMPLAIN=1")
    link = tmp_path / "etc/apparmor.d/force-complain/usr.bin.syslogparse"
    assert link.resolve() == tmp_path / "etc/apparmor.d/usr.bin.syslogparse"
    assert _mode(require_tool, tmp_path) == "complain"
    make_in("install", f"DESTDIR={tmp_path}", "PREFIX=/usr")
    assert not link.is_symlink()
    assert _mode(require_tool, tmp_path) == "enforce"
    make_in("install", f"DESTDIR={tmp_path}", "PREFIX=/usr", "COMPLAIN=1")
    make_in("uninstall", f"DESTDIR={tmp_path}", "PREFIX=/usr")
    assert list(tmp_path.iterdir()) == []


def test_install_again_changes_nothing_and_uninstall_leaves_nothing(installed, make_in, tmp_path):
    root = tmp_path / "staging"
    make_in("install", f"DESTDIR={root}", "PREFIX=/usr")
    first = _listing(root)
    make_in("install", f"DESTDIR={root}", "PREFIX=/usr")
    assert _listing(root) == first == _listing(installed)
    for report in ("var/log/syslogparse/report.txt", "var/lib/syslogparse/iptables.sh"):
        (root / report).parent.mkdir(parents=True)
        (root / report).touch()
    make_in("uninstall", f"DESTDIR={root}", "PREFIX=/usr")
    assert list(root.iterdir()) == []
    make_in("uninstall", f"DESTDIR={root}", "PREFIX=/usr")


def test_uninstall_leaves_what_is_not_its_own(installed, make_in, tmp_path):
    root = tmp_path / "staging"
    shutil.copytree(installed, root, symlinks=True)
    others = {"etc/apparmor.d/local/usr.bin.syslogparse", "usr/share/man/man8/other.8.gz", "usr/lib/other", "var/log/syslog"}
    for name in others:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
    make_in("uninstall", f"DESTDIR={root}", "PREFIX=/usr")
    assert {str(path.relative_to(root)) for path in root.rglob("*") if not path.is_dir()} == others
