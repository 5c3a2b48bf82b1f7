"""The installed command under its profile in enforce mode, on a kernel that has AppArmor."""

import os
import subprocess
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SAMPLES = sorted(str(path) for path in (ROOT / "sample-logs").iterdir() if path.name != "README.md")
COMMAND = "/usr/bin/syslogparse"
ENVIRONMENT = {"PATH": "/usr/bin:/bin", "HOME": "/root"}
PROFILE = "/etc/apparmor.d/usr.bin.syslogparse"


def run(*arguments: str, text: bytes | None = None) -> subprocess.CompletedProcess[bytes]:
    """The command as sudo starts it. Without HOME the C library would ask nscd for one, by a socket that the profile refuses."""
    return subprocess.run([COMMAND, *arguments], input=text, capture_output=True, check=False, env=ENVIRONMENT)


def denied() -> list[str]:
    """The kernel's lines that tell of something that the profile refused."""
    log = subprocess.run(["dmesg"], capture_output=True, text=True, check=True).stdout
    return [line for line in log.splitlines() if 'apparmor="DENIED"' in line and COMMAND in line]


@pytest.fixture(scope="module", autouse=True)
def enforced() -> None:
    """The shipped profile, loaded, and the sample logs where it lets logs be."""
    assert Path("/sys/module/apparmor/parameters/enabled").read_text(encoding="ascii").strip() == "Y"
    subprocess.run(["apparmor_parser", "-r", "-K", PROFILE], check=True)
    os.makedirs("/var/log/samples", exist_ok=True)
    for sample in SAMPLES:
        Path("/var/log/samples", Path(sample).name).write_bytes(Path(sample).read_bytes())


LOGS = [f"/var/log/samples/{Path(sample).name}" for sample in SAMPLES]


@pytest.mark.parametrize("form", ["text", "rules", "json", "events"])
def test_its_whole_job_needs_nothing_that_is_refused(form):
    before = denied()
    ended = run("-q", "-f", form, *LOGS)
    assert (ended.returncode, ended.stderr) == (0, b"")
    assert ended.stdout
    assert denied() == before


def test_files_are_written_and_replaced():
    before = denied()
    os.makedirs("/var/lib/syslogparse", exist_ok=True)
    # The guest's root is an overlay, which makes no files without a name.
    subprocess.run(["mount", "-t", "tmpfs", "-o", "mode=700", "tmpfs", "/var/lib/syslogparse"], check=True)
    for force in ([], ["--force"]):
        ended = run("-q", "-f", "json", "-o", "/var/lib/syslogparse", *force, *LOGS)
        assert ended.returncode == 0, ended.stderr
    assert {"iptables.sh", "apparmor.rules"} <= set(os.listdir("/var/lib/syslogparse"))
    assert denied() == before


def test_each_process_has_the_label():
    with subprocess.Popen([COMMAND, "-q", "-"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, env=ENVIRONMENT) as waiting:
        label = Path(f"/proc/{waiting.pid}/attr/current")
        deadline = time.monotonic() + 60
        while "syslogparse" not in (seen := label.read_text(encoding="ascii").strip()) and time.monotonic() < deadline:
            time.sleep(0.1)
        assert seen == f"{COMMAND} (enforce)"


def test_what_is_no_log_is_refused_by_the_profile_alone():
    """The control: root may read the file, the program as root may not."""
    assert Path("/etc/shadow").read_bytes()
    before = denied()
    ended = run("-q", "-f", "json", "/etc/shadow")
    assert ended.returncode == 3
    (line,) = [line for line in denied() if line not in before]
    assert 'name="/etc/shadow"' in line
