"""The shipped AppArmor profile: what it allows, and that this is what the installed command needs."""

import gzip
import lzma
import os
import re
import subprocess
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TypeAlias

import pytest

from syslogparse.report.files import NAMES
from syslogparse.sandbox.outbox import aside
from tests.apparmor.policy import FileRule, Profile, glob, read_profile
from tests.apparmor.traced import Traced, Use, trace

ROOT = Path(__file__).resolve().parent.parent.parent
PROFILE = ROOT / "apparmor" / "usr.bin.syslogparse"
SAMPLES = ROOT / "sample-logs"
JOURNAL = ROOT / "tests" / "data" / "journal" / "compact-zstd.journal.xz"
Parse: TypeAlias = Callable[..., "subprocess.CompletedProcess[str]"]
LOCAL = "include if exists <local/usr.bin.syslogparse>"

SECRETS = (
    "/etc/shadow",
    "/etc/ssl/private/ssl-cert-snakeoil.key",
    "/etc/ssh/ssh_host_ed25519_key",
    "/root/.ssh/id_ed25519",
    "/home/user/.bashrc",
    "/home/user/",
    "/var/lib/dpkg/status",
    "/var/mail/root",
    "/run/credentials/key",
    "/tmp/file",
    "/proc/1/environ",
    "/proc/1/mem",
    "/proc/kcore",
    "/sys/kernel/security/apparmor/policy/",
    "/dev/mem",
    "/dev/sda",
    "/usr/bin/dash",
    "/usr/bin/python3.11-config",
    "/usr/lib/python3/dist-packages/apport.py",
    "/",
)

# Rules that a run on one machine need not use, because they are about another: its encoding, zone, OpenSSL, interpreter, who
# resolves its names, whether sshd and logind run there.
ELSEWHERE = (
    "/etc/resolv.conf",
    "/run/{systemd/resolve,resolvconf,NetworkManager}/",
    "/etc/ssh/sshd_config",
    "/run/systemd/sessions/",
    "/var/lib/syslogparse/*.json",
    "/etc/localtime",
    "/etc/python3.[0-9]{,[0-9]}/sitecustomize.py",
    "/etc/ssl/",
    "/usr/share/ssl/openssl.cnf",
    "@{PROC}/sys/crypto/fips_enabled",
    "/usr/share/zoneinfo/**",
    "/usr/lib/locale/**",
    "/{etc,usr/share/locale}/locale.alias",
    "/usr/lib{,64}/{,@{multiarch}/}gconv/",
)


@pytest.fixture(scope="module")
def text() -> str:
    return PROFILE.read_text(encoding="ascii")


@pytest.fixture(scope="module")
def parse(require_tool) -> Parse:
    """apparmor_parser on the text of a profile, which is not loaded and not cached."""
    parser = require_tool("apparmor_parser")

    def run(text: str, *options: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([parser, "-Q", "-K", *options], input=text, capture_output=True, text=True, check=False)

    return run


@pytest.fixture(scope="module")
def profile(text, parse) -> Profile:
    """As shipped: what a site added on this machine is left out."""
    done = parse(text.replace(LOCAL, ""), "--preprocess")
    assert done.returncode == 0, done.stderr
    return read_profile(done.stdout)


@pytest.mark.parametrize(
    ("pattern", "matching", "other"),
    [
        ("/var/log/**", ["/var/log/a", "/var/log/a/b", "/var/log/a/"], ["/var/log/", "/var/log"]),
        ("/var/log/*", ["/var/log/a"], ["/var/log/", "/var/log/a/b", "/var/log/a/"]),
        ("/l/**/", ["/l/a/", "/l/a/b/"], ["/l/", "/l/a"]),
        ("/l/**.so", ["/l/a.so", "/l/a/b.so", "/l/.so"], ["/l/a.soo", "/l/aXso"]),
        ("/l/lib*.so*", ["/l/lib.so", "/l/libc.so.6"], ["/l/x/libc.so", "/l/libc/x.so"]),
        ("/r/x-??/", ["/r/x-ab/"], ["/r/x-ab", "/r/x-a/", "/r/x-a//"]),
        ("/p/[1-9][0-9]", ["/p/10"], ["/p/01", "/p/1"]),
    ],
)
def test_globs_mean_what_the_manual_says(pattern, matching, other):
    assert [path for path in matching if not glob(pattern).fullmatch(path)] == []
    assert [path for path in other if glob(pattern).fullmatch(path)] == []


def test_parser_accepts_it(text, parse):
    done = parse(text, *(f"--warn={what}" for what in ("abi", "dangerous", "missing", "override", "unexpected")))
    assert done.returncode == 0, done.stderr
    assert "Warning" not in done.stderr


def test_parser_would_refuse_a_mistake(text, parse):
    broken = text.replace("capability setpcap,", "capability setpacp,")
    assert broken != text
    assert parse(broken).returncode != 0


def test_begins_as_debian_ships_profiles(text):
    code = [line for line in text.splitlines() if line and not line.startswith("#")]
    assert code[:2] == ["abi <abi/3.0>,", "include <tunables/global>"]
    assert re.findall(r"^ +include .*$", text, re.MULTILINE) == ["  include <abstractions/openssl>", f"  {LOCAL}"]


def test_is_enforced_and_attached_to_the_installed_command(profile):
    assert profile.head == "/usr/bin/syslogparse flags=(attach_disconnected, mediate_deleted)"


def test_gives_five_capabilities_and_nothing_beside_files_and_signals(profile):
    capabilities = {rest for kind, rest in profile.others if kind == "capability"}
    assert capabilities == {"setuid", "setgid", "sys_chroot", "dac_read_search", "setpcap"}
    signals = [rest for kind, rest in profile.others if kind == "signal"]
    assert signals == ["(receive) peer=unconfined", "(send, receive) set=(kill) peer=@{profile_name}"]
    assert {kind for kind, _ in profile.others} == {"capability", "signal"}


def test_writes_nothing_but_its_jail_and_the_files(profile):
    places = {"/run", "/tmp", "/var/tmp", "/dev/shm"}
    jails = {f"{place}/syslogparse-????????/" for place in places}
    outbox = "/var/lib/syslogparse/"
    files = {f"{outbox}{dot}{name}{end}" for name in NAMES.values() for dot in ("", ".") for end in ("", ".new")}
    written = {path for rule in _allowing(profile) if rule.permissions & set("wal") for path in rule.paths}
    assert written == jails | {"/dev/null", outbox, f"{outbox}#[0-9]*"} | files
    assert [path for path in SECRETS if profile.permissions(path)] == []


def test_a_file_without_a_name_has_what_it_has_with_one(profile):
    """A link may not have a right that what it leads to has not (apparmor.d(5), link rules)."""
    for name in NAMES.values():
        for path in (name, aside(name)):
            assert profile.permissions(f"/var/lib/syslogparse/{path}") == profile.permissions("/var/lib/syslogparse/#7") | {"l"}


def test_no_rule_reaches_everywhere(profile):
    starts = {"/".join(path.split("/")[:3]) for rule in _allowing(profile) for path in rule.paths}
    assert {start for start in starts if re.search(r"[*?[]", start.split("/")[1])} == set()
    wide = {path for rule in _allowing(profile) for path in rule.paths if path.endswith("/**")}
    logs = {"/var/log/**", "/run/log/journal/**"}
    assert wide == {"/usr/lib/syslogparse/**", "/usr/lib/locale/**", "/usr/share/zoneinfo/**", "/etc/apparmor.d/**", *logs}


def test_executes_the_interpreter_alone_and_keeps_it_confined(profile):
    executing = [rule for rule in _allowing(profile) if rule.permissions & set("xpcu")]
    assert [rule.pattern for rule in executing] == ["/usr/bin/python3.[0-9]{,[0-9]}"]
    assert executing[0].permissions == set("mrix")


def _missing(uses: Iterable[Use], profile: Profile) -> set[Use]:
    return {use for use in uses if use.permission not in profile.permissions(use.path)}


def _allowing(profile: Profile) -> list[FileRule]:
    return [rule for rule in profile.files if not rule.deny]


class Installed:
    """Where the command under test stands, and what its paths are called where it is installed for everybody."""

    def __init__(self, command: Path, logs: Path) -> None:
        self.command = str(command)
        prefix = command.parent.parent
        self.environment = prefix / "lib" / "syslogparse"
        self.interpreter = os.path.realpath(self.environment / "bin" / "python")
        base = os.path.dirname(os.path.dirname(self.interpreter))
        self._places = {
            str(self.environment): "/usr/lib/syslogparse",
            self.command: "/usr/bin/syslogparse",
            str(logs): "/var/log",
            f"{logs}-run": "/run/log",
            f"{logs}-out": "/var/lib/syslogparse",
            base: "/usr",
        }

    def name(self, path: str) -> str:
        """The path as the profile knows it."""
        for here, there in self._places.items():
            if path == here or path.startswith(f"{here}/"):
                return there + path[len(here) :]
        return path

    def needs(self, uses: frozenset[Use]) -> set[Use]:
        """Each permission under the name that the kernel would ask about."""
        needed = set()
        for path, permission in uses:
            if path.startswith("/memfd:"):  # has no path: the file system that it is in cannot be mounted
                continue
            if permission == "x":
                needed |= {Use(self.name(self.interpreter), letter) for letter in ("mr" if path == self.command else "mrx")}
                needed |= {Use(self.name(path), "r")} if path == self.command else set()
            else:
                needed.add(Use(self.name(path), permission))
        return needed


@pytest.fixture(scope="module")
def logs(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("log").resolve()
    (folder / "audit").mkdir()
    samples = {"syslog": "syslog", "syslog.1": "syslog", "kern.log": "netfilter.log", "audit/audit.log": "audit.log"}
    for name, sample in samples.items():
        (folder / name).write_bytes((SAMPLES / sample).read_bytes())
    (folder / "syslog.2.gz").write_bytes(gzip.compress((SAMPLES / "syslog").read_bytes()))
    for machine in (folder / "journal" / "0123", Path(f"{folder}-run") / "journal" / "0123"):
        machine.mkdir(parents=True)
        (machine / "system.journal").write_bytes(lzma.decompress(JOURNAL.read_bytes()))
    Path(f"{folder}-out").mkdir(mode=0o700)
    return folder


@pytest.fixture(scope="module")
def installed(command, logs) -> Installed:
    return Installed(command, logs)


SCENARIOS: Mapping[str, tuple[int, str]] = {
    "text": (0, "--format text --rotated LOGS/syslog"),
    "rules": (0, "--format rules LOGS/kern.log"),
    "json": (0, "--format json LOGS/audit/audit.log"),
    "events": (0, "--format events --jobs 3 LOGS/syslog LOGS/kern.log"),
    "journal": (0, "--format json LOGS/journal LOGS-run/journal LOGS/syslog.2.gz"),
    "stdin": (0, "--format json -"),
    "unreadable": (3, "--format json LOGS/nosuch LOGS LOGS/syslog"),
    "help": (0, "--help"),
    "schema": (0, "--schema"),
    "explain": (0, "--explain-sandbox"),
    "files": (0, "--format rules --output LOGS-out LOGS/syslog"),
    "files again": (0, "--format rules --force --output LOGS-out LOGS/syslog"),
    "started again": (0, "--format rules LOGS/syslog"),
    "closed": (0, "--format rules LOGS/syslog"),
}


@pytest.fixture(scope="module")
def runs(installed, logs, tmp_path_factory, require_tool) -> dict[str, Traced]:
    """Every scenario, run once under strace."""
    return {name: _run(name, installed, logs, tmp_path_factory.mktemp("trace"), require_tool("strace")) for name in SCENARIOS}


def _run(name: str, installed: Installed, logs: Path, folder: Path, strace: str) -> Traced:
    arguments = [part.replace("LOGS", str(logs)) for part in SCENARIOS[name][1].split()]
    environment = {"PATH": "/usr/bin:/bin", "HOME": "/root", "LANG": "C.UTF-8"}
    if name == "started again":
        environment |= {"PYTHONPATH": "/nonexistent"}
        del environment["HOME"]
    if name == "text":
        environment |= {"TZ": "Europe/Berlin"}
    shell = ["/bin/sh", "-c", 'exec "$0" "$@" <&- >&- 2>&-'] if name == "closed" else []
    done = trace(strace, [*shell, installed.command, *arguments], folder, environment, (SAMPLES / "syslog").read_bytes())
    return done._replace(uses=done.uses - {Use("/bin/sh", "x")})


@pytest.mark.root
@pytest.mark.parametrize("name", SCENARIOS)
def test_covers_every_file_that_a_run_uses(name, runs, installed, profile):
    run = runs[name]
    assert run.status == SCENARIOS[name][0]
    assert bool(run.out) == (name != "closed")
    missing = _missing(installed.needs(run.uses), profile)
    assert {use for use in missing if not profile.refused(use.path)} == set()


@pytest.mark.root
def test_runs_show_what_the_profile_is_about(runs, installed):
    """Otherwise the test above would compare with nothing."""
    needed = set().union(*(installed.needs(run.uses) for run in runs.values()))
    jail = re.compile(r"/(?:run|tmp|var/tmp|dev/shm)/syslogparse-[a-z0-9_]{8}/")
    assert {use.permission for use in needed if jail.fullmatch(use.path)} == {"r", "w"}
    assert {use.permission for use in needed if use.path == "/dev/null"} == {"r", "w"}
    assert Use("/usr/bin/syslogparse", "r") in needed
    logs = {"/var/log/", "/var/log/syslog", "/var/log/syslog.1", "/var/log/audit/audit.log", "/run/log/journal/"}
    assert logs <= {use.path for use in needed}
    assert {use.permission for use in needed if use.path.startswith("/usr/bin/python3.")} == {"m", "r", "x"}


@pytest.mark.root
def test_no_rule_is_idle(runs, installed, profile):
    needed = set().union(*(installed.needs(run.uses) for run in runs.values()))
    idle = {
        rule.pattern
        for rule in profile.files
        if not any(use.permission in rule.permissions and rule.covers(use.path) for use in needed)
        and not rule.pattern.startswith(ELSEWHERE)
    }
    assert idle == {"/etc/ld.so.preload", "/etc/nsswitch.conf"} - {use.path for use in needed}


@pytest.mark.root
def test_reads_all_of_the_private_environment(installed, profile):
    files = [path for path in installed.environment.rglob("*") if not path.is_symlink()]
    assert any(path.suffix == ".so" for path in files)
    names = {path: installed.name(f"{path}{'/' * path.is_dir()}") for path in files}
    wanted = {Use(name, letter) for path, name in names.items() for letter in ("mr" if path.suffix == ".so" else "r")}
    assert _missing(wanted, profile) == set()


def test_names_no_other_place_of_the_program(profile):
    places = {path for rule in profile.files for path in rule.paths if "syslogparse" in path}
    expected = re.compile(
        r"/usr/bin/syslogparse|/usr/lib/syslogparse/.*|/(?:run|tmp|var/tmp|dev/shm)/syslogparse-[?]{8}/|/var/lib/syslogparse/.*"
    )
    assert {path for path in places if not expected.fullmatch(path)} == set()
    assert profile.permissions("/usr/bin/syslogparse") == {"r"}
