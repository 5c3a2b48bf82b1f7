"""What /proc says of every process of a run while it works."""

import errno
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from syslogparse.sandbox.limits import DATA_BYTES
from tests.e2e.harness import NOBODY, USER, as_user, descriptors, done, running, status, until

pytestmark = pytest.mark.root

PARSERS = 2
ROLES = ["supervisor", "analyst", "parser1", "parser2"]
MASKS = ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")
GROUPS = "4,1000"

# PTRACE_SEIZE of ptrace(2), which is attaching without a stop. Prints the errno, 0 for none.
ATTACH = """
import ctypes, sys
done = ctypes.CDLL(None, use_errno=True).ptrace(0x4206, int(sys.argv[1]), None, None)
print(ctypes.get_errno() if done < 0 else 0)
"""


@pytest.fixture(scope="module", params=["full", "reduced"])
def at_work(request, command, dense):
    """A run that cannot go on, because nobody takes its events: every process is filtered and has begun to work."""
    arguments = [command, "-j", str(PARSERS), "-f", "events", dense]
    if request.param == "reduced":
        arguments = as_user(*arguments, groups=GROUPS)
    with running(arguments) as run:
        pids = run.roles(PARSERS)
        assert run.popen.stdout
        assert run.popen.stdout.read(1) == b"{"  # log bytes are being parsed by now
        until(lambda: all(process.state == "S" for process in run.processes()), "everybody waits for the reader")
        yield request.param, run, pids


def test_there_is_no_other_process(at_work):
    _, run, pids = at_work
    assert {process.pid: process.comm for process in run.processes()} == {pid: f"sp-{role}" for role, pid in pids.items()}


@pytest.mark.parametrize("role", ROLES)
def test_ids_capabilities_and_marks(at_work, role):
    mode, _, pids = at_work
    found = status(pids[role])
    # Ids as this namespace sees them: in the reduced mode the user is nobody in a namespace of its own, and keeps the groups.
    outside = NOBODY if mode == "full" else USER
    assert found["Uid"].split() == found["Gid"].split() == [str(outside)] * 4
    assert found["Groups"].split() == ([] if mode == "full" else GROUPS.split(","))
    assert {found[mask] for mask in MASKS} == {"0" * 16}
    assert (found["NoNewPrivs"], found["Seccomp"]) == ("1", "2")
    assert found["Threads"] == "1"


@pytest.mark.parametrize("role", ROLES)
def test_namespace(at_work, role):
    mode, _, pids = at_work
    ours = os.readlink("/proc/self/ns/user")
    theirs = os.readlink(f"/proc/{pids[role]}/ns/user")
    maps = [Path(f"/proc/{pids[role]}/{name}").read_text(encoding="ascii").split() for name in ("uid_map", "gid_map")]
    if mode == "full":
        assert theirs == ours
    else:
        assert theirs != ours
        assert maps == [[str(NOBODY), str(USER), "1"]] * 2
        assert Path(f"/proc/{pids[role]}/setgroups").read_text(encoding="ascii") == "deny\n"


@pytest.mark.parametrize("role", ROLES)
def test_root_and_working_directory_are_a_removed_directory(at_work, role):
    _, _, pids = at_work
    root, here = (os.readlink(f"/proc/{pids[role]}/{name}") for name in ("root", "cwd"))
    assert root == here
    assert root.endswith(" (deleted)")
    assert "/syslogparse-" in root
    assert os.listdir(f"/proc/{pids[role]}/root/") == []
    with pytest.raises(FileNotFoundError):
        Path(f"/proc/{pids[role]}/root/x").touch()


@pytest.mark.parametrize("role", ROLES)
def test_nobody_can_look_inside(at_work, role):
    # /proc/PID itself belongs to the process's user in any case; what is in it belongs to root when dumpable is 0 (proc(5)).
    mode, _, pids = at_work
    assert {Path(f"/proc/{pids[role]}/{name}").stat().st_uid for name in ("fd", "mem", "environ", "maps")} == {0}
    user = NOBODY if mode == "full" else USER
    command = ["setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups", "--inh-caps=-all", "--bounding-set=-all"]
    attach = [sys.executable, "-c", ATTACH]
    control = subprocess.Popen([*command, "sleep", "60"])
    try:
        until(lambda: status(control.pid)["Name"] == "sleep", "the start of the control")
        assert subprocess.run([*command, *attach, str(control.pid)], capture_output=True, check=True).stdout == b"0\n"
    finally:
        control.kill()
        control.wait()
    assert subprocess.run([*command, *attach, str(pids[role])], capture_output=True, check=True).stdout == b"%d\n" % errno.EPERM


def test_descriptors_are_the_roles_own(at_work):
    _, run, pids = at_work
    held = {role: descriptors(pid) for role, pid in pids.items()}
    out, err = (os.readlink(f"/proc/self/fd/{stream.fileno()}") for stream in (run.popen.stdout, run.popen.stderr))
    pipes = [held[f"parser{number}"][3] for number in range(1, PARSERS + 1)]
    assert [list(held[f"parser{number}"]) for number in range(1, PARSERS + 1)] == [[3]] * PARSERS
    assert len({*pipes, out, err}) == PARSERS + 2
    assert list(held["analyst"]) == list(range(PARSERS + 3))  # without a gap
    start = held["analyst"][0]
    assert set(held["supervisor"].values()) == {err, start}
    assert held["supervisor"][2] == err
    assert len(held["supervisor"]) == 2
    assert list(held["analyst"].values()) == [start, out, err, *pipes]


def test_direction_of_every_pipe(at_work):
    _, _, pids = at_work

    def writable(pid: int, number: int) -> bool:
        flags = Path(f"/proc/{pid}/fdinfo/{number}").read_text(encoding="ascii").split("flags:")[1].split()[0]
        return bool(int(flags, 8) & os.O_ACCMODE)

    ends = {(role, number): writable(pid, number) for role, pid in pids.items() for number in descriptors(pid)}
    assert {end for end, writes in ends.items() if not writes} == {("analyst", 0), ("analyst", 3), ("analyst", 4)}


def test_the_log_is_mapped_and_not_open(at_work, dense):
    _, _, pids = at_work
    for pid in pids.values():
        assert str(dense) not in descriptors(pid).values()
    mapped = {role: str(dense) in Path(f"/proc/{pid}/maps").read_text(encoding="utf-8") for role, pid in pids.items()}
    assert mapped == {"supervisor": False, "analyst": False, "parser1": True, "parser2": True}


def test_no_memory_can_be_written_and_executed(at_work):
    _, _, pids = at_work
    for role, pid in pids.items():
        lines = Path(f"/proc/{pid}/maps").read_text(encoding="utf-8").splitlines()
        assert [line for line in lines if line.split()[1][1:3] == "wx"] == [], role


@pytest.mark.parametrize("role", ROLES)
def test_limits(at_work, role):
    _, _, pids = at_work
    lines = Path(f"/proc/{pids[role]}/limits").read_text(encoding="ascii").splitlines()[1:]
    found = {line[:26].strip(): tuple(line[26:].split()[:2]) for line in lines}
    for name in ("core file size", "locked memory", "msgqueue size", "realtime priority", "processes"):
        assert found[f"Max {name}"] == ("0", "0"), name
    assert found["Max data size"] == (str(DATA_BYTES),) * 2
    unlimited = ("unlimited", "unlimited")
    assert found["Max file size"] == (("0", "0") if role.startswith("parser") else unlimited)
    assert found["Max open files"] == (str(PARSERS + 3 if role == "analyst" else 0),) * 2


def test_signals_mean_what_the_roles_need(at_work):
    # The supervisor takes them by sigwait and has no handler; the others leave the keyboard's to it.
    _, _, pids = at_work

    def mask(pid: int, name: str) -> set[int]:
        bits = int(status(pid)[name], 16)
        return {number for number in range(1, 65) if bits >> number - 1 & 1}

    ending = {signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT}
    assert not mask(pids["supervisor"], "SigIgn") & {*ending, signal.SIGCHLD}
    for role in ROLES[1:]:
        assert mask(pids[role], "SigBlk") == set()
        assert mask(pids[role], "SigCgt") == set()
        assert mask(pids[role], "SigIgn") >= ending - {signal.SIGTERM} | {signal.SIGPIPE}
        assert not mask(pids[role], "SigIgn") & {signal.SIGTERM, signal.SIGCHLD}


def test_everybody_is_confined_while_a_large_log_is_parsed(command, large):
    # As above, but in full swing, and for evidence that is folded: stopped at some moment of the work.
    with running([command, "-j", "2", "-f", "json", large]) as run:
        pids = run.roles(PARSERS)
        reads = Path(f"/proc/{pids['parser1']}/stat")
        until(lambda: int(reads.read_text().rsplit(")", 1)[1].split()[11]) > 15, "the parser has worked for 0.15 seconds")
        for pid in pids.values():
            os.kill(pid, signal.SIGSTOP)
        for role, pid in pids.items():
            found = status(pid)
            assert found["Uid"].split() == [str(NOBODY)] * 4
            assert (found["Groups"], found["NoNewPrivs"], found["Seccomp"]) == ("", "1", "2")
            assert {found[mask] for mask in MASKS} == {"0" * 16}
            assert os.readlink(f"/proc/{pid}/root").endswith(" (deleted)")
            assert str(large) not in descriptors(pid).values()
            if role.startswith("parser"):
                assert list(descriptors(pid)) == [3]
        for pid in pids.values():
            os.kill(pid, signal.SIGCONT)
        assert run.finish().status == 0


def test_memory_does_not_grow_with_the_log(command, stage, large):
    peaks = []
    for log in (stage / "tenth.log", large):
        if log != large:
            with large.open("rb") as whole:
                log.write_bytes(whole.read(large.stat().st_size // 10))
        with running([command, "-j", "1", "-f", "json", log]) as run:
            pids = run.roles(1)
            seen = 0
            while run.popen.poll() is None:
                try:
                    seen = max(seen, int(status(pids["parser1"])["RssAnon"].split()[0]))
                except (OSError, KeyError):
                    break
        peaks.append(seen)
    (stage / "tenth.log").unlink()
    assert min(peaks) > 1000  # kB; the interpreter alone takes more
    assert peaks[1] < peaks[0] + 8000


def test_reduced_mode_says_so(command, small):
    out = done(as_user(command, "-f", "text", small)).out.decode()
    assert "reduced" in out
    assert "reduced" not in done([command, "-f", "text", small]).out.decode()
