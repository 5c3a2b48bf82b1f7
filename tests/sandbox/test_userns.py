import os

import prctl
import pytest

from syslogparse.sandbox.identity import NOBODY
from syslogparse.sandbox.step import carry_out
from syslogparse.sandbox.userns import EnterUserNamespace
from tests.sandbox.children import forbid_user_namespaces, in_child
from tests.sandbox.host import proc_status

pytestmark = pytest.mark.root
USER = 1000


def _become(user: int) -> None:
    os.setgroups([4])
    os.setresgid(user, user, user)
    os.setresuid(user, user, user)
    prctl.set_dumpable(1)  # as after an exec: otherwise the maps in /proc belong to root


def _enter() -> EnterUserNamespace:
    step = EnterUserNamespace()
    carry_out(step)
    return step


def _text(path: str) -> list[str]:
    with open(path, encoding="ascii") as file:
        return file.read().split()


def test_the_caller_is_nobody_there_and_nobody_else_exists():
    def act() -> list[object]:
        _become(USER)
        _enter()
        return [
            os.getresuid(),
            os.getresgid(),
            _text("/proc/self/uid_map"),
            _text("/proc/self/gid_map"),
            _text("/proc/self/setgroups"),
        ]

    one = [str(NOBODY), str(USER), "1"]
    assert in_child(act).value == [[NOBODY] * 3, [NOBODY] * 3, one, one, ["deny"]]


@pytest.mark.parametrize(
    "act", [lambda: os.setgroups([]), lambda: os.setuid(0), lambda: os.setgid(0)], ids=["setgroups", "uid", "gid"]
)
def test_no_other_id_can_be_had_there(act):
    def inside() -> None:
        _become(USER)
        _enter()
        act()

    assert in_child(inside).raised in {"PermissionError", "OSError"}


def test_what_it_grants_is_what_the_jail_needs():
    def act() -> int:
        _become(USER)
        _enter()
        return int(proc_status(os.getpid())["CapEff"], 16)

    mask = in_child(act).value
    assert isinstance(mask, int)
    assert mask >> 18 & mask >> 6 & mask >> 7 & 1


def test_a_namespace_that_was_not_entered_is_noticed():
    def act() -> None:
        _become(USER)
        EnterUserNamespace().check()

    ended = in_child(act)
    assert (ended.raised, ended.step) == ("SandboxError", "user namespace")


@pytest.mark.parametrize(("user", "group", "said"), [(USER, NOBODY, "user ids"), (NOBODY, USER, "group ids")])
def test_each_kind_of_id_is_looked_at(user, group, said):
    def act() -> None:
        os.setresgid(group, group, group)
        os.setresuid(user, user, user)
        EnterUserNamespace().check()

    assert f"the {said} is ({USER}, {USER}, {USER}), not" in in_child(act).told


@pytest.mark.parametrize("why", ["none are left", "in a jail"])
def test_where_none_can_be_had_the_hint_says_what_to_do(why):
    def act() -> None:
        if why == "none are left":
            forbid_user_namespaces(USER)
        else:
            os.chroot("/proc/self/cwd")
            _become(USER)
        _enter()

    ended = in_child(act)
    assert (ended.raised, ended.step) == ("SandboxError", "user namespace")
    assert ("ENOSPC" if why == "none are left" else "EPERM") in ended.told
    assert "sudo" in str(ended.hint)
    assert "max_user_namespaces" in str(ended.hint)
