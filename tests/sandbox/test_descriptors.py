import os
import resource

import pytest

from syslogparse.sandbox import descriptors
from syslogparse.sandbox.descriptors import KeepDescriptors
from syslogparse.sandbox.step import carry_out
from tests.sandbox.children import REPORT, in_child


def _open_many(*numbers: int) -> None:
    for number in numbers:
        os.dup2(REPORT, number)


def _listed() -> list[int]:
    return [number for number in range(9000) if descriptors.is_open(number)]


@pytest.mark.parametrize("keep", [(REPORT,), (0, REPORT), (2, REPORT, 11), (1, 2, 3, 4, REPORT, 200), (REPORT, REPORT)])
def test_none_but_the_kept_ones_are_open(keep):
    def act() -> list[int]:
        _open_many(*range(13), 77, 200, 201)
        carry_out(KeepDescriptors(keep))
        return _listed()

    assert in_child(act).value == sorted(set(keep))


def test_a_descriptor_above_the_limit_is_closed_too():
    def act() -> list[int]:
        hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        resource.setrlimit(resource.RLIMIT_NOFILE, (9000, hard))
        _open_many(3000, 8000)
        resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
        carry_out(KeepDescriptors((REPORT,)))
        return _listed()

    assert in_child(act).value == [REPORT]


def test_an_old_kernel_has_no_close_range(monkeypatch):
    def missing(*_) -> None:
        raise OSError(38, "no such call")

    monkeypatch.setattr(descriptors, "close_from", missing)

    def act() -> list[int]:
        _open_many(10, 100)
        carry_out(KeepDescriptors((REPORT,)))
        return _listed()

    assert in_child(act).value == [REPORT]


def test_one_too_many_is_noticed():
    def act() -> None:
        step = KeepDescriptors((REPORT,))
        carry_out(step)
        _open_many(4000)
        step.check()

    ended = in_child(act)
    assert ended.told == f"descriptors: the list of open descriptors is [{REPORT}, 4000], not [{REPORT}]"
    assert ended.hint


def test_one_too_few_is_noticed():
    ended = in_child(lambda: carry_out(KeepDescriptors((REPORT, 500))))
    assert ended.told == f"descriptors: the list of open descriptors is [{REPORT}], not [{REPORT}, 500]"


def test_a_step_that_was_not_taken_is_noticed():
    ended = in_child(KeepDescriptors((REPORT,)).check)
    assert (ended.raised, ended.step) == ("SandboxError", "descriptors")
