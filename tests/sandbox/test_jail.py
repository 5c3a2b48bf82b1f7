import os

import pytest

from syslogparse.sandbox import jail
from syslogparse.sandbox.capabilities import KeepFour, KeepNone
from syslogparse.sandbox.descriptors import is_open
from syslogparse.sandbox.identity import BecomeNobody
from syslogparse.sandbox.jail import EnterJail
from syslogparse.sandbox.step import carry_out, hold_against
from tests.sandbox.children import in_child

pytestmark = pytest.mark.root


@pytest.fixture
def places(tmp_path, monkeypatch):
    """A place of our own for the jail, so that what is left behind can be seen."""
    monkeypatch.setattr(jail, "_PLACES", (str(tmp_path),))
    return tmp_path


def _enter() -> EnterJail:
    carry_out(KeepFour())
    step = EnterJail()
    carry_out(step)
    return step


def test_the_root_is_a_removed_empty_directory(places):
    def act() -> list[object]:
        proc = os.open("/proc", os.O_RDONLY)
        _enter()
        here = [os.stat(path).st_ino for path in ("/", ".", "..", "/..", "../..")]
        root = os.readlink(f"{os.getpid()}/root", dir_fd=proc)
        return [len(set(here)), os.stat("/").st_nlink, os.listdir("/"), root.endswith(" (deleted)")]

    assert in_child(act).value == [1, 0, [], True]
    assert list(places.iterdir()) == []


def test_not_even_root_can_create_in_it(places):
    def act() -> str:
        EnterJail().take()
        with open("/x", "w", encoding="ascii"):
            return "created"

    assert in_child(act).raised == "FileNotFoundError"


def test_it_holds_once_the_rights_are_given_up(places):
    def act() -> str:
        step = _enter()
        carry_out(BecomeNobody())
        carry_out(KeepNone())
        hold_against(step)
        return "held"

    assert in_child(act).value == "held"


def test_who_has_the_right_to_chroot_is_noticed(places):
    ended = in_child(lambda: hold_against(_enter()))
    assert ended.told == "chroot: a second chroot succeeded"


def test_outside_a_file_that_opens_is_noticed(places):
    def act() -> None:
        os.setresuid(65534, 65534, 65534)
        EnterJail().resist()

    assert in_child(act).told == "chroot: opening /etc/passwd succeeded"


def test_a_jail_that_was_not_entered_is_noticed():
    ended = in_child(EnterJail().check)
    assert (ended.raised, ended.step) == ("SandboxError", "chroot")
    assert "the directory /" in ended.told


@pytest.mark.parametrize("path", ["root", "working directory"])
def test_half_of_a_jail_is_noticed(places, path, monkeypatch):
    if path == "root":
        monkeypatch.setattr(os, "chroot", lambda _: None)
    else:
        chroot = os.chroot

        def and_leave(target: str) -> None:
            outside = os.open("/", os.O_RDONLY)
            chroot(target)
            os.fchdir(outside)

        monkeypatch.setattr(os, "chroot", and_leave)
    ended = in_child(lambda: _enter().name)
    assert (ended.raised, ended.step) == ("SandboxError", "chroot")
    assert f"the directory {'/' if path == 'root' else '.'} is" in ended.told
    assert list(places.iterdir()) == []


def test_a_directory_that_is_not_removed_is_no_jail(places, monkeypatch):
    monkeypatch.setattr(os, "rmdir", lambda _: None)
    ended = in_child(lambda: _enter().name)
    assert ended.told == "chroot: the number of the root's names is 2, not 0"


def test_the_next_place_is_taken_where_one_takes_no_directory(places, monkeypatch):
    monkeypatch.setattr(jail, "_PLACES", ("/proc", "/nowhere", str(places)))
    assert in_child(lambda: _enter().name).value == "chroot"
    assert list(places.iterdir()) == []


@pytest.mark.parametrize(("nowhere", "reason"), [(("/nowhere",), "ENOENT"), (("/proc",), "ENOENT"), ((), "ENOENT")])
def test_no_place_at_all_is_an_error_that_names_them(nowhere, reason, monkeypatch):
    monkeypatch.setattr(jail, "_PLACES", nowhere)
    ended = in_child(lambda: _enter().name)
    assert (ended.raised, ended.step) == ("SandboxError", "chroot")
    assert reason in ended.told
    assert "/run" in str(ended.hint)


def test_without_the_right_nothing_is_left_behind():
    def act() -> None:
        os.setresuid(65534, 65534, 65534)
        carry_out(EnterJail())

    before = set(os.listdir("/tmp")) | set(os.listdir("/run"))
    ended = in_child(act)
    assert "EPERM" in ended.told
    left = (set(os.listdir("/tmp")) | set(os.listdir("/run"))) - before
    assert [name for name in left if name.startswith("syslogparse-") and not name.startswith("syslogparse-tests-")] == []


def test_no_descriptor_is_left_open(places):
    def act() -> list[int]:
        before = [number for number in range(64) if is_open(number)]
        _enter()
        return [number for number in range(64) if is_open(number) and number not in before]

    assert in_child(act).value == []
