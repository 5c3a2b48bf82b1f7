"""Somebody has taken over a role: what is left to them, with the filter and without it, and outside of the sandbox.

The attacks, and what must come of them, are the table in attacks.py.
"""

from __future__ import annotations

import errno
import os
import signal
import subprocess
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest

from syslogparse import exits
from tests.sandbox.attacks import ALONE, ATTACKS, BEGUN, DONE, LEADERS, REFUSED, ROLES, read_slots
from tests.sandbox.host import Ended
from tests.sandbox.logs import make_logs
from tests.sandbox.own import OwnZygote, zygote_for

pytestmark = pytest.mark.root

CASES = [(number, role) for number, row in enumerate(ATTACKS) for role in row.roles]
CONTROLLED = [number for number, row in enumerate(ATTACKS) if not row.without_control]
WHO = {"parser": "parser 1", "analyst": "the analyst", "validator": "the validator"}
Slots = list[tuple[int, int]]


def _name(value: object) -> str:
    return ATTACKS[value].name if isinstance(value, int) else str(value)


def _readable(pid: int) -> int:
    """The address of a process's first readable page."""
    lines = Path(f"/proc/{pid}/maps").read_text(encoding="utf-8").splitlines()
    return next(int(line.partition("-")[0], 16) for line in lines if line.split()[1].startswith("r"))


class Attackers:
    """Runs the program with a role that somebody has taken over. Two foreign processes stand by as their victims."""

    def __init__(self, zygote: OwnZygote, place: Path, nobody: int, root: int) -> None:
        self._zygote = zygote
        self._place = place
        logs = make_logs(place / "logs")
        self._logs = [logs.small, logs.apparmor]
        readable = {"nobody": _readable(nobody), "root": _readable(root)}
        self._victims = {"nobody": nobody, "root": root, "readable": readable}

    def _box(self, name: str) -> Path:
        """A directory for --output with two files that have nothing to do with it, in one of its own."""
        box = self._place / "boxes" / name / "box"
        box.mkdir(parents=True, mode=0o700)
        for bystander in ("bystander", "decoy"):
            (box / bystander).write_text(bystander, encoding="ascii")
        return box

    def attack(self, role: str, numbers: list[int], *, filtered: bool) -> tuple[Ended, Slots, Path]:
        box = self._box(f"{role}-{filtered}-{numbers[0]}")
        ended, page = self._zygote.run_shared(
            "attack", logs=self._logs, role=role, numbers=numbers, filtered=filtered, victims=self._victims, output=str(box)
        )
        return ended, read_slots(page), box

    def control(self) -> tuple[Ended, Slots]:
        ended, page = self._zygote.run_shared("control", victims=self._victims, output=str(self._box("control")))
        return ended, read_slots(page)


@pytest.fixture(scope="module")
def attackers() -> Iterator[Attackers]:
    with zygote_for("takeover", "attack, control") as (zygote, place):
        nobody = subprocess.Popen(["sleep", "600"], user=65534, group=65534, extra_groups=[])
        root = subprocess.Popen(["sleep", "600"])
        try:
            yield Attackers(zygote, place, nobody.pid, root.pid)
        finally:
            for victim in (nobody, root):
                victim.kill()
                victim.wait()


@pytest.fixture(scope="module")
def filtered(attackers) -> Iterator[dict[tuple[int, str], Future]]:
    """Each attack in each role, under the filter; two at a time."""
    with ThreadPoolExecutor(2) as pool:
        yield {(number, role): pool.submit(attackers.attack, role, [number], filtered=True) for number, role in CASES}
        pool.shutdown(cancel_futures=True)


@pytest.fixture(scope="module")
def unfiltered(attackers) -> dict[str, Slots]:
    """By role: all attacks, one after the other, without the filter."""
    found = {}
    for role in ROLES:
        ended, found[role], _ = attackers.attack(role, [number for number, its in CASES if its == role], filtered=False)
        assert ended.signal is None, ended
        assert b"SIGSYS" not in ended.err
        assert ended.left == []
    return found


@pytest.fixture(scope="module")
def by_root(attackers) -> Slots:
    """All attacks by root, outside of the sandbox."""
    ended, found = attackers.control()
    assert (ended.code, ended.err) == (0, b"xx")
    return found


@pytest.mark.parametrize(("number", "role"), CASES, ids=_name)
def test_with_the_filter_it_dies(filtered, number, role):
    ended, slots, box = filtered[number, role].result()
    assert slots[number] == (BEGUN, 0), "it was never made, or came back"
    assert ended.left == []
    assert sorted(path.name for path in box.iterdir()) == ["bystander", "decoy"], "nothing got a name"
    assert os.listdir(box.parent) == ["box"]
    if role in LEADERS:
        assert ended.signal == signal.SIGSYS
    else:
        assert ended.code == exits.LOST
        assert f"{WHO[role]} killed by SIGSYS" in ended.message
    if role != "validator":  # without files there is still a report
        assert ended.out.count(b"iptables") == 0


@pytest.mark.parametrize(("number", "role"), CASES, ids=_name)
def test_without_the_filter_the_other_walls_stand(unfiltered, number, role):
    state, problem = unfiltered[role][number]
    expected = ATTACKS[number].outcome(role)
    found = ALONE if state == DONE else errno.errorcode.get(problem, f"state {state}")
    assert found == expected


@pytest.mark.parametrize("number", CONTROLLED, ids=_name)
def test_outside_of_the_sandbox_it_succeeds(by_root, number):
    assert by_root[number] == (DONE, 0), errno.errorcode.get(by_root[number][1])


def test_every_row_is_complete():
    assert len({row.name for row in ATTACKS}) == len(ATTACKS)
    assert REFUSED not in {BEGUN, DONE}
    for row in ATTACKS:
        assert {row.outcome(role) for role in row.roles} <= {ALONE, *errno.errorcode.values()}, row.name
