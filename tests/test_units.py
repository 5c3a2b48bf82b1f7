"""The shipped units: what systemd says of them, and that they fit the program and its AppArmor profile."""

import re
import shlex
import subprocess
from pathlib import Path

import pytest

from syslogparse.cli import _parser

ROOT = Path(__file__).resolve().parent.parent
SERVICE = ROOT / "systemd" / "syslogparse.service"
TIMER = ROOT / "systemd" / "syslogparse.timer"
PROFILE = ROOT / "apparmor" / "usr.bin.syslogparse"
EXPOSURE = 30
"""Tenths. systemd-analyze's own words for it: below 5 is OK. What is left: it starts as root, in the host's network namespace."""


@pytest.fixture(scope="module")
def service() -> dict[str, list[str]]:
    """Every setting of the service with its values, in their order."""
    found: dict[str, list[str]] = {}
    for name, value in re.findall(r"^([A-Za-z]+)=(.*)$", SERVICE.read_text(encoding="ascii"), re.MULTILINE):
        found.setdefault(name, []).append(value)
    return found


def test_systemd_accepts_both(require_tool, tmp_path, command):
    for unit in (SERVICE, TIMER):
        text = unit.read_text(encoding="ascii").replace("/usr/bin/syslogparse", str(command))
        (tmp_path / unit.name).write_text(text, encoding="ascii")
    units = [str(tmp_path / unit.name) for unit in (SERVICE, TIMER)]
    done = subprocess.run(
        [require_tool("systemd-analyze"), "verify", "--man=no", *units], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_systemd_would_refuse_a_mistake(require_tool, tmp_path):
    (tmp_path / SERVICE.name).write_text(
        SERVICE.read_text(encoding="ascii").replace("ProtectClock", "ProtectClok"), encoding="ascii"
    )
    command = [require_tool("systemd-analyze"), "verify", "--man=no", str(tmp_path / SERVICE.name)]
    assert "ProtectClok" in subprocess.run(command, capture_output=True, text=True, check=False).stderr


def test_exposure_is_below_the_threshold(require_tool):
    command = [
        require_tool("systemd-analyze"),
        "security",
        "--offline=yes",
        "--no-pager",
        f"--threshold={EXPOSURE}",
        str(SERVICE),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    assert "Overall exposure level" in done.stdout


def test_nothing_in_it_sets_no_new_privileges(service):
    """The program changes its AppArmor profile after its start, which no_new_privs would forbid (systemd.exec(5))."""
    assert {"NoNewPrivileges", "User", "DynamicUser"} & set(service) == set()
    assert "CAP_SYS_ADMIN" in service["CapabilityBoundingSet"][0].split()


def test_it_has_the_capabilities_that_the_profile_gives_and_one_more(service):
    given = {
        f"CAP_{name.upper()}"
        for name in re.findall(r"^ +capability ([a-z_]+),", PROFILE.read_text(encoding="ascii"), re.MULTILINE)
    }
    assert given
    assert set(service["CapabilityBoundingSet"][0].split()) - given <= {"CAP_SYS_ADMIN"}
    assert given <= set(service["CapabilityBoundingSet"][0].split())


def test_it_sees_the_network_that_rules_are_for(service):
    assert {"PrivateNetwork", "NetworkNamespacePath", "JoinsNamespaceOf", "ProcSubset"} & set(service) == set()


def test_what_it_may_use_up_is_bounded(service):
    assert {"MemoryMax", "TasksMax", "CPUQuota", "TimeoutStartSec"} <= set(service)


def test_the_command_line_is_one_that_the_program_takes(service):
    path, *arguments = shlex.split(service["ExecStart"][0])
    assert path == "/usr/bin/syslogparse"
    asked = _parser().parse_args(arguments)
    assert (asked.output, asked.format, asked.since) == ("/var/lib/syslogparse", "text", "yesterday")
    assert f"/var/lib/{service['StateDirectory'][0]}" == asked.output


def test_there_are_tasks_for_every_process(service):
    # supervisor, analyst, validator, a canary, and its parsers for each of three grades of trust
    jobs = _parser().parse_args(shlex.split(service["ExecStart"][0])[1:]).jobs
    assert int(service["TasksMax"][0]) >= 4 + 3 * jobs


def test_the_report_lies_in_the_directory_that_is_made_for_it(service):
    way, path = service["StandardOutput"][0].split(":")
    (entry,) = (line for line in (ROOT / "systemd/syslogparse.conf").read_text().splitlines() if not line.startswith("#"))
    kind, directory, mode, *owner = entry.split()[:5]
    assert (way, kind, str(Path(path).parent)) == ("truncate", "d", directory)
    assert (mode, owner) == ("2750", ["root", "adm"])


def test_the_timer_is_daily_and_catches_up():
    text = TIMER.read_text(encoding="ascii")
    assert set(re.findall(r"^(?:OnCalendar|Persistent|RandomizedDelaySec|WantedBy)=.*$", text, re.MULTILINE)) == {
        "OnCalendar=daily",
        "Persistent=true",
        "RandomizedDelaySec=1h",
        "WantedBy=timers.target",
    }
