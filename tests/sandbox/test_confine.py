"""The sequence as a whole: its order, that no step can be left out unseen, and that none can be undone later."""

import os
import resource
import sys

import prctl
import pytest

from syslogparse.sandbox import confine as sequence_module
from syslogparse.sandbox.capabilities import KeepFour, KeepNone
from syslogparse.sandbox.confine import EXPLAINED, confine, sequence, verify
from syslogparse.sandbox.identity import BecomeNobody
from syslogparse.sandbox.privileges import NotDumpable
from syslogparse.sandbox.step import Step, carry_out
from syslogparse.sandbox.userns import EnterUserNamespace
from tests.sandbox.children import in_child
from tests.sandbox.host import proc_status

pytestmark = pytest.mark.root

FULL = "EnterJail LeaveGroups BecomeNobodyGroup BecomeNobody KeepNone NotDumpable NoNewPrivileges SharedLimits".split()
REDUCED = [name for name in FULL if name != "LeaveGroups"]
CASES = [
    pytest.param(mode, name, id=f"{mode}-{name}") for mode, names in (("full", FULL), ("reduced", REDUCED)) for name in names
]
NOTHING_TO_DO = {("reduced", "BecomeNobodyGroup"), ("reduced", "BecomeNobody")}
"""In the user namespace the caller is nobody already; the namespace has no other id."""
USER = 1000


def _begin(mode) -> None:
    """Before step 4, in a world in which each step has something to do."""
    os.setgroups([4, 6])
    if mode == "reduced":
        os.setresgid(USER, USER, USER)
        os.setresuid(USER, USER, USER)
        prctl.set_dumpable(1)
        carry_out(EnterUserNamespace())
    prctl.set_keepcaps(1)  # the change of ids clears no capability then
    carry_out(KeepFour())


def _world_works_against(step: Step) -> None:
    if isinstance(step, NotDumpable):
        prctl.set_dumpable(1)  # what a change of ids leaves behind under the sysctl fs.suid_dumpable=1


def _all(mode) -> tuple[Step, ...]:
    _begin(mode)
    steps = sequence(mode)
    for step in steps:
        _world_works_against(step)
        carry_out(step)
    return steps


def _named(steps, name: str) -> Step:
    return next(step for step in steps if type(step).__name__ == name)


@pytest.mark.parametrize(("mode", "names"), [("full", FULL), ("reduced", REDUCED)])
def test_order(mode, names):
    assert [type(step).__name__ for step in sequence(mode)] == names


@pytest.mark.parametrize(("mode", "names"), [("full", FULL), ("reduced", REDUCED)])
def test_order_where_the_files_stay_roots(mode, names):
    changed = [f"{name}WithRootsFiles" if (mode, name) == ("full", "BecomeNobody") else name for name in names]
    assert [type(step).__name__ for step in sequence(mode, roots_files=True)] == changed


def test_the_whole_sequence_holds_where_the_files_stay_roots():
    def act() -> str:
        proc = os.open("/proc/self/status", os.O_RDONLY)
        _begin("full")
        confine("full", roots_files=True)
        return os.read(proc, 9999).decode()

    status = dict(line.split(":\t", 1) for line in str(in_child(act).value).splitlines())
    assert status["Uid"].split() == ["65534", "65534", "65534", "0"]
    assert {status[name] for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")} == {"0" * 16}
    assert status["NoNewPrivs"] == "1"


@pytest.mark.parametrize("mode", ["full", "reduced"])
def test_the_whole_sequence_holds(mode):
    def act() -> dict[str, str]:
        heard: list[str] = []
        sys.addaudithook(lambda event, _: heard.append(event))
        proc = os.open("/proc/self/status", os.O_RDONLY)
        _begin(mode)
        confine(mode)
        status = dict(line.split(":\t", 1) for line in os.read(proc, 9999).decode().splitlines())
        return {
            **status,
            "dumpable": str(int(prctl.get_dumpable())),
            "heard": str(heard.count("syslogparse.confined")),
            "in": str(os.listdir("/")),
        }

    status = in_child(act).value
    assert isinstance(status, dict)
    assert {name: int(mask, 16) for name, mask in status.items() if name.startswith("Cap") and int(mask, 16)} == {}
    assert status["Uid"].split() == status["Gid"].split() == ["65534" if mode == "full" else str(USER)] * 4
    assert status["Groups"].split() == ([] if mode == "full" else ["4", "6"])
    assert (status["NoNewPrivs"], status["dumpable"], status["heard"], status["in"]) == ("1", "0", "1", "[]")


@pytest.mark.parametrize(("mode", "name"), CASES)
def test_no_step_can_be_left_out_unseen(mode, name):
    def act() -> str:
        _begin(mode)
        steps = sequence(mode)
        left_out = _named(steps, name)
        left_out.take = lambda: None  # type: ignore[method-assign]
        for step in steps:
            _world_works_against(step)
            carry_out(step)
        verify(steps)
        return "unseen"

    ended = in_child(act)
    if (mode, name) in NOTHING_TO_DO:
        assert ended.value == "unseen"
    else:
        assert (ended.raised, ended.step) == ("SandboxError", _named(sequence(mode), name).name)
        assert ended.hint


@pytest.mark.parametrize(("mode", "name"), CASES)
@pytest.mark.parametrize("error", [PermissionError(1, "injected"), RuntimeError("injected"), ValueError("injected")])
def test_a_step_that_raises_is_named(mode, name, error, monkeypatch):
    def take() -> None:
        raise error

    def act() -> None:
        _begin(mode)
        steps = sequence(mode)
        _named(steps, name).take = take  # type: ignore[method-assign]
        monkeypatch.setattr(sequence_module, "sequence", lambda *_, **__: steps)
        confine(mode)

    ended = in_child(act)
    assert (ended.raised, ended.step) == ("SandboxError", _named(sequence(mode), name).name)
    assert ended.hint


@pytest.mark.parametrize("name", FULL)
@pytest.mark.parametrize("method", ["check", "resist"])
def test_verify_asks_every_step_for_both(name, method):
    def act() -> None:
        steps = _all("full")
        step = _named(steps, name)

        def fail() -> None:
            raise step.fail("asked")

        setattr(step, method, fail)
        verify(steps)

    ended = in_child(act)
    assert ended.told == f"{ended.step}: asked"


@pytest.mark.parametrize(
    ("undo", "step"),
    [
        (lambda: prctl.set_dumpable(1), "dumpable"),
        (lambda: resource.setrlimit(resource.RLIMIT_DATA, (1 << 29, 1 << 30)), "limits"),
    ],
)
def test_what_a_later_step_undid_is_noticed(undo, step):
    def act() -> None:
        steps = _all("full")
        undo()
        verify(steps)

    assert in_child(act).step == step


def test_capabilities_go_last_of_the_rights():
    names = [type(step) for step in sequence("full")]
    assert names.index(BecomeNobody) < names.index(KeepNone)


def _kinds(kind: type[Step]) -> set[type[Step]]:
    below = kind.__subclasses__()
    return {kind} if not below else set().union(*(_kinds(one) for one in below))


def test_every_step_that_there_is_is_explained():
    ours = {kind for kind in _kinds(Step) if kind.__module__.startswith("syslogparse.")}
    explained = [step for _, step in EXPLAINED]
    assert len(explained) == len(set(explained))
    assert set(explained) == ours
    for step in explained:
        assert step.name, step
        assert step.what, step
        assert step.why, step
        assert step.hint, step
    assert len({step.name for step in explained}) == len(explained)


def test_numbers_of_the_stages_ascend():
    numbers = [number for number, _ in EXPLAINED]
    assert numbers == sorted(numbers)
    assert proc_status(os.getpid())["Seccomp"] == "0"
