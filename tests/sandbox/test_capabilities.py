import os
import subprocess

import prctl
import pytest

from syslogparse.sandbox import capabilities
from syslogparse.sandbox.capabilities import KEPT, NOTHING, REQUIRED, Everything, KeepFour, KeepNone, last_capability, read_back
from syslogparse.sandbox.libc import CapMasks, _libc, ambient, bounding, capget, capset
from syslogparse.sandbox.step import carry_out, hold_against
from tests.sandbox.children import in_child
from tests.sandbox.host import proc_status

pytestmark = pytest.mark.root

FOUR = sum(1 << number for number in KEPT.values())
SETPCAP = 8
NAMES = ("CapEff", "CapPrm", "CapInh", "CapAmb", "CapBnd")


def _proc() -> list[int]:
    status = proc_status(os.getpid())
    return [int(status[name], 16) for name in NAMES]


def _without(*names: str) -> None:
    """As in a container that withholds them."""
    numbers = [KEPT.get(name, SETPCAP) for name in names]
    for number in numbers:
        prctl.capbset_drop(number)
    mask = capget().permitted & ~sum(1 << number for number in numbers)
    capset(CapMasks(mask, mask, 0))


def test_last_capability_is_the_kernels():
    with open("/proc/sys/kernel/cap_last_cap", encoding="ascii") as file:
        assert last_capability() == int(file.read())


def test_names_and_numbers_are_those_of_the_kernel():
    assert {name: getattr(prctl, f"CAP_{name.upper()}") for name in KEPT} == KEPT
    assert set(REQUIRED) < set(KEPT)


def test_read_back_is_what_proc_says():
    assert in_child(lambda: [list(read_back()), _proc()]).value == [_proc(), _proc()]


def test_four_are_kept_and_every_other_set_is_empty():
    def act() -> list[int]:
        capset(CapMasks(capget().effective, capget().permitted, 1 << 18 | 1 << 5))
        carry_out(KeepFour())
        return _proc()

    assert in_child(act).value == [FOUR, FOUR, 0, 0, 0]


def test_ambient_set_is_emptied():
    def act() -> list[bool]:
        held = capget()
        capset(CapMasks(held.effective, held.permitted, 1 << 18))
        assert _libc.prctl(47, 2, 18, 0, 0) == 0
        before = ambient(18)
        carry_out(KeepFour())
        return [before, ambient(18)]

    assert in_child(act).value == [True, False]


@pytest.mark.parametrize("shift", [-3, 3], ids=["newer than the library", "older than the library"])
def test_capabilities_are_the_kernels_and_not_those_that_the_library_knows(shift, monkeypatch):
    known = tuple(range(prctl.CAP_LAST_CAP + 1 + shift))
    monkeypatch.setattr(prctl, "ALL_CAPS", tuple(number for number in known if number in prctl.ALL_CAPS))

    def act() -> list[int]:
        if shift > 0:  # what an old kernel says to a capability that only the headers know
            drop = prctl.capbset_drop
            prctl.capbset_drop = lambda number: drop(number if number <= last_capability() else 63)
        carry_out(KeepFour())
        return _proc()

    assert in_child(act).value == [FOUR, FOUR, 0, 0, 0]


def test_an_exec_gives_nothing_back():
    def act() -> list[str]:
        carry_out(KeepFour())
        done = subprocess.run(["cat", "/proc/self/status"], capture_output=True, check=True, text=True)
        return [line for line in done.stdout.splitlines() if line.startswith("Cap") and int(line.split()[1], 16)]

    assert in_child(act).value == []


def test_reading_all_logs_may_be_withheld():
    def act() -> list[object]:
        _without("dac_read_search")
        step = KeepFour()
        carry_out(step)
        return [list(step.kept), _proc()]

    three = FOUR & ~(1 << KEPT["dac_read_search"])
    assert in_child(act).value == [["setgid", "setuid", "sys_chroot"], [three, three, 0, 0, 0]]


@pytest.mark.parametrize("names", [[name] for name in REQUIRED] + [list(REQUIRED)])
def test_the_other_three_may_not(names):
    def act() -> None:
        _without(*names)
        carry_out(KeepFour())

    ended = in_child(act)
    assert (ended.raised, ended.step) == ("SandboxError", "capabilities")
    assert ended.told == f"capabilities: not held: {', '.join(name.upper() for name in names)}"
    assert all(name.upper() in str(ended.hint) for name in names)


def test_without_setpcap_the_bounding_set_cannot_be_emptied():
    def act() -> None:
        _without("setpcap")
        carry_out(KeepFour())

    ended = in_child(act)
    assert (ended.raised, ended.step) == ("SandboxError", "capabilities")
    assert "EPERM" in ended.told
    assert "SETPCAP" in str(ended.hint)


def test_without_setpcap_an_empty_bounding_set_is_good_enough():
    def act() -> list[int]:
        for number in range(last_capability() + 1):
            prctl.capbset_drop(number)
        capset(CapMasks(capget().effective & ~(1 << SETPCAP), capget().permitted & ~(1 << SETPCAP), 0))
        carry_out(KeepFour())
        return _proc()

    assert in_child(act).value == [FOUR, FOUR, 0, 0, 0]


def test_nobody_has_none_of_them():
    def act() -> None:
        os.setresuid(1000, 1000, 1000)
        carry_out(KeepFour())

    assert in_child(act).told == "capabilities: not held: SETGID, SETUID, SYS_CHROOT"


def test_step_that_was_not_taken_is_noticed():
    ended = in_child(lambda: KeepFour().check())
    assert (ended.raised, ended.step) == ("SandboxError", "capabilities")
    assert "effective=" in ended.told


@pytest.mark.parametrize("field", Everything._fields)
def test_one_bit_too_many_in_any_set_is_noticed(field, monkeypatch):
    wrong = NOTHING._replace(**{field: 1 << 63})
    monkeypatch.setattr(capabilities, "read_back", lambda: wrong)
    assert in_child(KeepNone().check).step == "no capability"


def test_a_bit_that_the_library_has_no_name_for_is_noticed(monkeypatch):
    monkeypatch.setattr(prctl, "ALL_CAPS", tuple(number for number in prctl.ALL_CAPS if number < 38))
    monkeypatch.setattr(capabilities, "capset", lambda _: None)
    ended = in_child(lambda: carry_out(KeepFour()))
    assert (ended.raised, ended.step) == ("SandboxError", "capabilities")
    assert f"permitted={FOUR | sum(1 << number for number in range(38, last_capability() + 1))}," in ended.told


def test_none_is_left():
    def act() -> list[int]:
        carry_out(KeepFour())
        none = KeepNone()
        carry_out(none)
        hold_against(none)
        return _proc()

    assert in_child(act).value == [0, 0, 0, 0, 0]


def test_capabilities_that_the_change_of_ids_left_are_taken():
    def act() -> list[object]:
        prctl.set_keepcaps(1)
        carry_out(KeepFour())
        os.setresuid(65534, 65534, 65534)
        before = capget().permitted
        carry_out(KeepNone())
        return [before, _proc()]

    assert in_child(act).value == [FOUR, [0, 0, 0, 0, 0]]


def test_a_way_back_is_noticed():
    ended = in_child(KeepNone().resist)
    assert ended.told == "no capability: regaining a capability succeeded"


def test_what_a_child_gave_up_is_still_here():
    assert bounding(7)
