import os
import signal
import time

import prctl
import pytest

from syslogparse.sandbox.capabilities import NOTHING, KeepFour, KeepNone, read_back
from syslogparse.sandbox.identity import NOBODY, BecomeNobody, BecomeNobodyGroup, BecomeNobodyWithRootsFiles, LeaveGroups
from syslogparse.sandbox.libc import fsuid, setfsuid
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


def _with_roots_files() -> None:
    os.setgroups([4, 6])
    carry_out(KeepFour())
    for step in (LeaveGroups, BecomeNobodyGroup, BecomeNobodyWithRootsFiles, KeepNone):
        carry_out(step())


def test_all_ids_but_the_one_for_files_are_nobody():
    def act() -> dict[str, str]:
        _with_roots_files()
        hold_against(BecomeNobodyWithRootsFiles())
        assert read_back() == NOTHING
        return proc_status(os.getpid())

    status = in_child(act).value
    assert isinstance(status, dict)
    assert status["Uid"].split() == [*[str(NOBODY)] * 3, "0"]
    assert status["Gid"].split() == [str(NOBODY)] * 4
    assert status["Groups"] == ""


def test_it_makes_names_in_roots_directory_and_nowhere_else(tmp_path):
    for name, owner in (("roots", 0), ("others", 1000)):
        (tmp_path / name).mkdir(mode=0o700)
        os.chown(tmp_path / name, owner, owner)
    places = {name: os.open(tmp_path / name, os.O_RDONLY) for name in ("roots", "others")}

    def act(step) -> list[str]:
        done = []
        if step is BecomeNobodyWithRootsFiles:
            _with_roots_files()
        else:
            _all_taken()
        for name, place in places.items():
            try:
                os.mkdir("new", dir_fd=place)
                done.append(name)
            except PermissionError:
                pass
        return done

    assert in_child(lambda: act(BecomeNobody)).value == []
    assert in_child(lambda: act(BecomeNobodyWithRootsFiles)).value == ["roots"]
    for place in places.values():
        os.close(place)


def test_what_is_given_up_does_not_come_back():
    def act() -> list[int]:
        _with_roots_files()
        setfsuid(NOBODY)
        setfsuid(0)
        return [fsuid(), *os.getresuid()]

    assert in_child(act).value == [NOBODY] * 4


def test_it_is_nobody_to_other_processes():
    victim = os.fork()
    if victim == 0:
        time.sleep(60)
        os._exit(0)

    def act() -> str:
        _with_roots_files()
        try:
            os.kill(victim, signal.SIGWINCH)
        except PermissionError:
            return "refused"
        return "sent"

    try:
        assert in_child(act).value == "refused"
    finally:
        os.kill(victim, signal.SIGKILL)
        os.waitpid(victim, 0)


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (lambda: setfsuid(NOBODY), "the file-system user id is 65534, not 0"),
        (lambda: prctl.set_keepcaps(1), "keepcaps is True, not 0"),
        (lambda: os.setresuid(NOBODY, NOBODY, 0), f"the user ids is ({NOBODY}, {NOBODY}, 0), not ({NOBODY}, {NOBODY}, {NOBODY})"),
    ],
)
def test_a_step_that_did_not_do_all_is_noticed(spoil, told, monkeypatch):
    take = BecomeNobodyWithRootsFiles.take

    def spoiled(self) -> None:
        if told.startswith("the user ids"):
            spoil()
        else:
            take(self)
            spoil()

    monkeypatch.setattr(BecomeNobodyWithRootsFiles, "take", spoiled)
    ended = in_child(_with_roots_files)
    assert ended.step == "uid, but for files"
    assert told in ended.told
