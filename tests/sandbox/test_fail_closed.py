"""Every wall is made to fail once: the program says which one, ends with status 4, and has not come near a log.

How the walls are made to fail is in faults.py.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from syslogparse import exits
from syslogparse.sandbox.confine import EXPLAINED
from tests.sandbox.faults import STEPS
from tests.sandbox.host import Ended
from tests.sandbox.logs import make_logs
from tests.sandbox.own import OwnZygote, zygote_for

pytestmark = pytest.mark.root

IN_CONFINEMENT = tuple(
    "EnterJail LeaveGroups BecomeNobodyGroup BecomeNobody KeepNone NotDumpable NoNewPrivileges SharedLimits".split()
)
AT_LAUNCH = tuple("StandardDescriptors CleanEnvironment TrustedTree KeepFour".split())

TAKEN: tuple[tuple[str, str], ...] = (
    *((step, "launch") for step in AT_LAUNCH),
    *((step, role) for role in ("supervisor", "analyst") for step in ("KeepDescriptors", *IN_CONFINEMENT)),
    ("DieWithParent", "analyst"),
    *(("Canary", f"canary of {role}") for role in ("supervisor", "analyst", "parser")),
    *(("LoadFilter", f"canary of {role}") for role in ("supervisor", "analyst", "parser")),
    *((step, role) for role in ("supervisor", "analyst") for step in ("NoMoreProcesses", "LoadFilter")),
    *((step, "parser2") for step in ("KeepDescriptors", "DieWithParent", "NoMoreProcesses", "LoadFilter")),
)
"""Every step object of a run by root, and the process (or, for a canary, the process it sings for) in which it is taken."""

WITH_OUTPUT: tuple[tuple[str, str], ...] = (
    *(
        (step, "supervisor")
        for step in ("KeepDescriptors", "EnterJail", "BecomeNobodyWithRootsFiles", "KeepNone", "NoMoreProcesses")
    ),
    *((step, "validator") for step in ("KeepDescriptors", "DieWithParent", "NoMoreProcesses", "LoadFilter")),
    *((step, f"canary of {role}") for step in ("Canary", "LoadFilter") for role in ("broker", "validator")),
    ("LoadFilter", "supervisor"),
)
"""What is other in a run with --output."""

UNNOTICED = {
    "TrustedTree": "it only checks: there is nothing in it to leave out",
    "KeepNone": "the change of ids from root has cleared the capabilities already; without root it is noticed (below)",
    "NotDumpable": "the change of ids has reset the mark to the sysctl suid_dumpable, 0; without root it is noticed (below)",
}
"""Steps that do nothing new in a run by root; a check that finds the wall standing is right."""

REDUCED: tuple[tuple[str, str], ...] = (
    ("EnterUserNamespace", "launch"),
    ("KeepFour", "launch"),
    *((step, role) for role in ("supervisor", "analyst") for step in ("EnterJail", "KeepNone", "NotDumpable", "NoNewPrivileges")),
    ("LoadFilter", "parser2"),
)
"""The same without root, where other checks have to notice."""

DEFECTS: tuple[tuple[str, str], ...] = (
    ("CleanEnvironment", "launch"),
    ("KeepDescriptors", "supervisor"),
    ("SharedLimits", "analyst"),
    ("Canary", "canary of parser"),
    ("NoMoreProcesses", "parser2"),
)
"""One in each process: an exception that nobody thought of."""

WAYS_BACK = tuple(step for step in IN_CONFINEMENT if step != "NotDumpable")
"""Steps whose way back is tried. Dumpable has none that the kernel would refuse; the filter forbids the call."""

FORKS = (
    ("launch", 1, "fork: the analyst could not be started: "),
    ("supervisor", 1, "canary: Resource temporarily unavailable (EAGAIN)"),
    ("analyst", 1, "canary: Resource temporarily unavailable (EAGAIN)"),
    ("analyst", 2, "canary: Resource temporarily unavailable (EAGAIN)"),
    ("analyst", 3, "fork: parser 1 could not be started: "),
    ("analyst", 4, "fork: parser 2 could not be started: "),
)
"""Role, number of the fork in it, and what is said: each fork of a run with two parsers."""


class Watched:
    """Runs the program with a fault and looks whether it copied a block of the log."""

    def __init__(self, zygote: OwnZygote, log: str) -> None:
        self._zygote = zygote
        self._log = log

    def __call__(self, *fault: str, user: bool = False, output: Path | None = None) -> tuple[Ended, bool]:
        where = None if output is None else str(output)
        ended, page = self._zygote.run_shared("faulty", log=self._log, fault=fault, user=user, output=where)
        return ended, page.strip(b"\0") != b""


@pytest.fixture(scope="module")
def watched() -> Iterator[Watched]:
    with zygote_for("faults", "faulty") as (zygote, place):
        yield Watched(zygote, make_logs(place / "logs").dense)


def closed(found: tuple[Ended, bool], said: str) -> None:
    """It failed closed."""
    ended, copied = found
    assert ended.code == exits.NO_SANDBOX, ended
    assert said in ended.message
    assert "\nsyslogparse: hint: " in ended.message or "\nhint: " in ended.message
    assert "Traceback" not in ended.message
    assert ended.out == b""
    assert ended.left == []
    assert not copied


@pytest.mark.parametrize("user", [False, True], ids=["root", "user"])
def test_without_a_fault_the_log_is_parsed(watched, user):
    ended, copied = watched("nothing", user=user)
    assert (ended.code, ended.err, ended.left) == (exits.DONE, b"", [])
    assert b"iptables" in ended.out
    assert copied


def test_every_step_of_a_run_is_made_to_fail():
    assert {step for step, _ in (*TAKEN, *REDUCED, *WITH_OUTPUT)} == {step.__name__ for _, step in EXPLAINED}


@pytest.mark.parametrize(("step", "role"), TAKEN)
def test_step_raises_an_error(watched, step, role):
    closed(watched("take", step, role, "error"), _blame(step, role, "Operation not permitted (EPERM)"))


@pytest.mark.parametrize(("step", "role"), DEFECTS)
def test_step_has_a_defect(watched, step, role):
    closed(watched("take", step, role, "defect"), _blame(step, role, "RuntimeError: injected"))


@pytest.mark.parametrize(("step", "role"), [case for case in TAKEN if case[0] not in UNNOTICED])
def test_step_does_nothing(watched, step, role):
    closed(watched("take", step, role, "nothing"), _blame(step, role, ""))


@pytest.mark.parametrize(("step", "role"), [case for case in TAKEN if case[0] in UNNOTICED])
def test_step_that_has_nothing_to_do(watched, step, role):
    ended, _ = watched("take", step, role, "nothing")
    assert ended.code == exits.DONE, UNNOTICED[step]


@pytest.mark.parametrize("how", ["error", "nothing"])
@pytest.mark.parametrize(("step", "role"), REDUCED)
def test_step_fails_without_root(watched, step, role, how):
    closed(watched("take", step, role, how, user=True), _blame(step, role, ""))


def _fails_with_output(watched, folder, said, *fault):
    closed(watched(*fault, output=folder), said)
    assert os.listdir(folder) == []


@pytest.fixture
def folder(tmp_path):
    made = tmp_path / "box"
    made.mkdir(mode=0o700)
    return made


def test_without_a_fault_files_are_written(watched, folder):
    ended, copied = watched("nothing", output=folder)
    assert (ended.code, ended.left, copied) == (exits.DONE, [], True)
    assert os.listdir(folder) == ["iptables.sh"]


@pytest.mark.parametrize("how", ["error", "nothing"])
@pytest.mark.parametrize(("step", "role"), WITH_OUTPUT)
def test_step_fails_with_output(watched, folder, step, role, how):
    problem = "Operation not permitted (EPERM)" if how == "error" else ""
    _fails_with_output(watched, folder, _blame(step, role, problem), "take", step, role, how)


@pytest.mark.parametrize("role", ["supervisor", "validator"])
def test_step_has_a_defect_with_output(watched, folder, role):
    _fails_with_output(watched, folder, "RuntimeError", "take", "NoMoreProcesses", role, "defect")


@pytest.mark.parametrize("step", ["BecomeNobodyWithRootsFiles", "KeepNone"])
def test_way_back_is_open_with_output(watched, folder, step):
    _fails_with_output(watched, folder, f"{STEPS[step].name}: ", "open", step, "supervisor")


@pytest.mark.parametrize(
    ("role", "number", "said"),
    [
        ("supervisor", 1, "canary: Resource temporarily unavailable (EAGAIN)"),
        ("analyst", 3, "canary: Resource temporarily unavailable (EAGAIN)"),
        ("analyst", 4, "fork: the validator could not be started: "),
        ("analyst", 5, "fork: parser 1 could not be started: "),
    ],
)
def test_fork_fails_with_output(watched, folder, role, number, said):
    _fails_with_output(watched, folder, said, "fork", role, str(number))


@pytest.mark.parametrize("role", ["supervisor", "validator"])
def test_libseccomp_does_not_load_with_output(watched, folder, role):
    _fails_with_output(watched, folder, "seccomp: Invalid argument (EINVAL)", "load", role, "error")


@pytest.mark.parametrize("role", ["supervisor", "analyst"])
@pytest.mark.parametrize("step", WAYS_BACK)
def test_way_back_is_open(watched, step, role):
    closed(watched("open", step, role), f"{STEPS[step].name}: ")


@pytest.mark.parametrize("role", ["supervisor", "analyst", "parser2"])
def test_more_processes_can_be_allowed_again(watched, role):
    closed(watched("open", "NoMoreProcesses", role), "no more processes: raising RLIMIT_NPROC succeeded")


@pytest.mark.parametrize(("role", "number", "said"), FORKS)
def test_fork_fails(watched, role, number, said):
    closed(watched("fork", role, str(number)), said)


@pytest.mark.parametrize("role", ["supervisor", "analyst", "parser2"])
def test_libseccomp_does_not_load(watched, role):
    closed(watched("load", role, "error"), "seccomp: Invalid argument (EINVAL)")


def test_libseccomp_says_that_it_loaded_and_did_not(watched):
    closed(watched("load", "canary", "nothing"), "canary was not killed by SIGSYS (wait status 0)")


def _blame(step: str, role: str, problem: str) -> str:
    """What the message says. A canary's own failure is seen by who sent it."""
    if step == "LoadFilter" and role.startswith("canary"):
        return "canary: the " + role.removeprefix("canary of ") + "'s canary was not killed by SIGSYS"
    return f"{STEPS[step].name}: {problem}"
