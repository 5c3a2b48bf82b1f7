"""The Debian package: `make deb`, and what dpkg makes of it on a machine whose changes are thrown away."""

import re
import subprocess
import tomllib
from pathlib import Path

import pytest

from syslogparse import __version__

ROOT = Path(__file__).resolve().parent.parent
SAMPLE = ROOT / "sample-logs" / "audit.log"

pytestmark = pytest.mark.root

# This machine's root directory, with all changes in memory. dpkg is run there, and what it changed is listed.
MACHINE = """
set -eu
mount -t tmpfs -o mode=755 tmpfs "$1"
mkdir "$1/changes" "$1/scratch" "$1/root"
mount -t overlay overlay -o "lowerdir=/,upperdir=$1/changes,workdir=$1/scratch" "$1/root"
mount -t proc proc "$1/root/proc"
mount --rbind /dev "$1/root/dev"
mount -t tmpfs -o mode=755 tmpfs "$1/root/run"
cp "$2" "$1/root/run/package.deb"
cp "$3" "$1/root/run/audit.log"
chroot "$1/root" sh -euc "$4"
cd "$1/changes"
echo "== changes"
find . ! -type d | sort
"""
# The command of the package, on a log of its own, with the files that a daily report would leave behind.
STORY = """
dpkg -i /run/package.deb > /run/dpkg 2>&1 || { cat /run/dpkg; exit 1; }
dpkg --verify syslogparse
syslogparse --version
syslogparse -q -f rules /run/audit.log > /run/rules
grep -q capability /run/rules || { cat /run/rules; exit 1; }
test -e /etc/apparmor.d/local/usr.bin.syslogparse
mkdir -p /var/lib/syslogparse /var/log/syslogparse
touch /var/lib/syslogparse/apparmor.rules /var/log/syslogparse/report.txt
dpkg --remove syslogparse > /dev/null
test -e /var/log/syslogparse/report.txt
dpkg --purge syslogparse > /dev/null
"""
# What every package changes: dpkg's own records, the index of manual pages; dh_apparmor's script removes empty directories.
RECORDS = re.compile(r"\./var/(?:lib/dpkg/.*|log/dpkg\.log|cache/man/.*)|\./etc/apparmor\.d/(?:disable|force-complain)")


@pytest.fixture(scope="module")
def package(make_in, command, require_tool) -> Path:
    """The package, built from this tree by Debian's tools. Where lintian is at hand, an error of it ends the build."""
    for tool in ("dpkg-buildpackage", "dh", "dh_apparmor"):
        require_tool(tool)
    make_in("deb")
    (made,) = (command.parent.parent / "deb").glob(f"syslogparse_{__version__}_*.deb")
    return made


def test_version_is_the_programs():
    first = (ROOT / "debian/changelog").read_text(encoding="utf-8").splitlines()[0]
    assert first.startswith(f"syslogparse ({__version__}) ")


def test_it_depends_on_what_the_command_needs(package):
    depends = subprocess.run(
        ["dpkg-deb", "-f", str(package), "Depends"], capture_output=True, text=True, check=True
    ).stdout.strip()
    assert {"libc6", "libcap2", "libseccomp2", "python3"} <= {item.split(" ")[0] for item in depends.split(", ")}
    # The libraries are compiled for one minor version of Python.
    bounds = re.search(r"python3 \(>= 3\.([0-9]+)\), python3 \(<< 3\.([0-9]+)\)", depends)
    assert bounds
    assert int(bounds[2]) == int(bounds[1]) + 1
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert int(bounds[1]) >= int(project["requires-python"].removeprefix(">=3."))


def test_it_holds_what_make_install_installs(package, installed):
    contents = subprocess.run(["dpkg-deb", "--fsys-tarfile", str(package)], capture_output=True, check=True).stdout
    listed = subprocess.run(["tar", "-tf", "-"], input=contents, capture_output=True, check=True).stdout.decode().splitlines()
    packed = {name.removeprefix("./") for name in listed if not name.endswith("/")}
    here = {str(path.relative_to(installed)) for path in installed.rglob("*") if path.is_symlink() or not path.is_dir()}
    assert here <= packed
    assert {name for name in packed - here if not name.startswith(("usr/share/doc/syslogparse/", "usr/share/lintian/"))} == set()


def test_it_installs_runs_and_leaves_nothing(package, require_tool, must_work, tmp_path):
    mounts = Path("/proc/self/mountinfo").read_text(encoding="utf-8").splitlines()
    if not must_work and not any(line.split(" ")[4] == "/" for line in mounts):
        pytest.skip("missing: a root directory that is a mount of its own (a chroot?)")
    unshare = require_tool("unshare")
    script = ["sh", "-c", MACHINE, "sh", str(tmp_path), str(package), str(SAMPLE), STORY]
    environment = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C", "DEBIAN_FRONTEND": "noninteractive"}
    done = subprocess.run([unshare, "--mount", *script], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    said, changes = done.stdout.split("== changes\n")
    assert f"syslogparse {__version__}\n" in said
    assert [name for name in changes.splitlines() if not RECORDS.fullmatch(name)] == []
