import os

import pytest

from syslogparse.sandbox.capabilities import KeepFour
from syslogparse.sandbox.identity import NOBODY, BecomeNobody, BecomeNobodyGroup, LeaveGroups
from syslogparse.sandbox.step import carry_out, hold_against
from tests.sandbox.children import in_child
from tests.sandbox.host import proc_status

pytestmark = pytest.mark.root
STEPS = (LeaveGroups, BecomeNobodyGroup, BecomeNobody)


def _all_taken() -> None:
    os.setgroups([4, 6])
    carry_out(KeepFour())
    for step in STEPS:
        carry_out(step())


def test_every_id_is_nobody_and_no_group_is_left():
    def act() -> dict[str, str]:
        _all_taken()
        return proc_status(os.getpid())

    status = in_child(act).value
    assert isinstance(status, dict)
    assert status["Uid"].split() == status["Gid"].split() == [str(NOBODY)] * 4
    assert status["Groups"] == ""
    assert int(status["CapEff"], 16) == int(status["CapPrm"], 16) == 0


@pytest.mark.parametrize("step", STEPS)
def test_there_is_no_way_back(step):
    def act() -> str:
        _all_taken()
        hold_against(step())
        return "held"

    assert in_child(act).value == "held"


@pytest.mark.parametrize(
    ("step", "attempt"),
    [(LeaveGroups, "joining a group"), (BecomeNobodyGroup, "becoming group 0"), (BecomeNobody, "becoming root")],
)
def test_an_open_way_back_is_noticed(step, attempt):
    ended = in_child(lambda: step().resist())
    assert (ended.raised, ended.step) == ("SandboxError", step.name)
    assert ended.told == f"{step.name}: {attempt} succeeded"


@pytest.mark.parametrize(("step", "attempt"), [(BecomeNobodyGroup, "setegid"), (BecomeNobody, "seteuid")])
def test_a_saved_id_is_a_way_back(step, attempt):
    def act() -> None:
        if step is BecomeNobody:
            os.setresuid(NOBODY, NOBODY, 0)
        else:
            os.setresgid(NOBODY, NOBODY, 0)
            os.setresuid(NOBODY, NOBODY, NOBODY)
        step().check()

    ended = in_child(act)
    assert ended.step == step.name
    assert f"({NOBODY}, {NOBODY}, 0), not" in ended.told


@pytest.mark.parametrize("step", STEPS)
def test_a_step_that_was_not_taken_is_noticed(step):
    def act() -> None:
        os.setgroups([4])
        step().check()

    ended = in_child(act)
    assert (ended.raised, ended.step) == ("SandboxError", step.name)
    assert ended.hint


@pytest.mark.parametrize("step", STEPS)
def test_without_the_right_it_fails_with_a_hint(step):
    def act() -> None:
        os.setresuid(1000, 1000, 1000)
        carry_out(step())

    ended = in_child(act)
    assert (ended.raised, ended.step) == ("SandboxError", step.name)
    assert "EPERM" in ended.told
    assert ended.hint
