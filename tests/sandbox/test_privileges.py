import os

import prctl
import pytest

from syslogparse.sandbox.privileges import NoNewPrivileges, NotDumpable
from syslogparse.sandbox.step import carry_out, hold_against
from tests.sandbox.children import in_child
from tests.sandbox.host import proc_status


def test_not_dumpable_takes_proc_away_from_the_user():
    def act() -> list[int]:
        before = prctl.get_dumpable()
        carry_out(NotDumpable())
        return [before, prctl.get_dumpable(), os.stat("/proc/self/maps").st_uid]

    assert in_child(act).value == [1, 0, 0]


@pytest.mark.root
def test_who_shares_the_id_can_look_into_a_dumpable_process_only():
    def look(at: int) -> None:
        with open(f"/proc/{at}/maps", encoding="utf-8") as file:
            file.readline()

    def act(*steps) -> str | None:
        os.setresuid(65534, 65534, 65534)
        prctl.set_dumpable(1)
        for step in steps:
            carry_out(step)
        here = os.getpid()
        return in_child(lambda: look(here)).raised

    assert in_child(act).value is None
    assert in_child(lambda: act(NotDumpable())).value == "PermissionError"


@pytest.mark.parametrize("mark", [1, 2])
def test_dumpable_is_noticed(mark, monkeypatch):
    monkeypatch.setattr(prctl, "get_dumpable", lambda: mark)
    ended = in_child(NotDumpable().check)
    assert ended.told == f"dumpable: dumpable is {mark}, not 0"
    assert ended.hint


def test_no_new_privs_holds():
    def act() -> str:
        step = NoNewPrivileges()
        carry_out(step)
        hold_against(step)
        return proc_status(os.getpid())["NoNewPrivs"]

    assert in_child(act).value == "1"


def test_no_new_privs_that_was_not_set_is_noticed():
    ended = in_child(NoNewPrivileges().check)
    assert ended.told == "no_new_privs: no_new_privs is 0, not 1"
    assert ended.hint


def test_no_new_privs_that_can_be_unset_is_noticed(monkeypatch):
    monkeypatch.setattr("syslogparse.sandbox.privileges.unset_no_new_privs", lambda: None)
    ended = in_child(NoNewPrivileges().resist)
    assert ended.told == "no_new_privs: unsetting no_new_privs succeeded"
