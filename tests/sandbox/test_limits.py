import contextlib
import os
import re
import resource
import signal

import pytest

from syslogparse.sandbox import limits
from syslogparse.sandbox.limits import DATA_BYTES, NoMoreProcesses, SharedLimits
from syslogparse.sandbox.step import carry_out, hold_against
from tests.sandbox.children import in_child

pytestmark = pytest.mark.root

ALL = {
    "core": (resource.RLIMIT_CORE, 0),
    "memlock": (resource.RLIMIT_MEMLOCK, 0),
    "msgqueue": (resource.RLIMIT_MSGQUEUE, 0),
    "rtprio": (resource.RLIMIT_RTPRIO, 0),
    "data": (resource.RLIMIT_DATA, DATA_BYTES),
}


def _open_all() -> None:
    """Let each limit be as far from where it is to go as this machine's root may put it."""
    for limit, _ in ALL.values():
        hard = resource.getrlimit(limit)[1]
        resource.setrlimit(limit, (hard, hard))
        with contextlib.suppress(ValueError):  # root without SYS_RESOURCE
            resource.setrlimit(limit, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))


def _nobody() -> None:
    os.setresuid(65534, 65534, 65534)


def _parser() -> NoMoreProcesses:
    return NoMoreProcesses(descriptors=0, files_grow=False)


@pytest.mark.parametrize("name", ALL)
def test_shared_limit_holds_soft_and_hard(name):
    def act() -> list[int]:
        _open_all()
        carry_out(SharedLimits())
        return list(resource.getrlimit(ALL[name][0]))

    assert in_child(act).value == [ALL[name][1]] * 2


def test_a_limit_that_is_lower_already_stays():
    def act() -> list[int]:
        resource.setrlimit(resource.RLIMIT_DATA, (DATA_BYTES // 2, DATA_BYTES // 2))
        _nobody()
        carry_out(SharedLimits())
        return list(resource.getrlimit(resource.RLIMIT_DATA))

    assert in_child(act).value == [DATA_BYTES // 2] * 2


def test_memory_ends_at_the_limit():
    def act() -> None:
        carry_out(SharedLimits())
        bytearray(DATA_BYTES)

    assert in_child(act).raised == "MemoryError"


def test_no_core_file_is_written(tmp_path):
    def act() -> None:
        os.chdir(tmp_path)
        _open_all()
        carry_out(SharedLimits())
        signal.signal(signal.SIGABRT, signal.SIG_DFL)
        os.abort()

    ended = in_child(act)
    assert ended.signal == signal.SIGABRT
    assert not os.WCOREDUMP(ended.status)
    assert list(tmp_path.iterdir()) == []


def test_no_more_processes_means_no_fork():
    def act() -> None:
        _nobody()
        carry_out(_parser())
        os.fork()

    assert in_child(act).raised == "BlockingIOError"


def test_no_more_descriptors():
    def act() -> None:
        _nobody()
        carry_out(_parser())
        os.pipe()

    ended = in_child(act)
    assert (ended.raised, ended.told) == ("OSError", "[Errno 24] Too many open files")


def test_a_role_that_polls_keeps_room_for_its_descriptors_and_no_more():
    def act() -> list[object]:
        _nobody()
        top = os.dup(1)
        carry_out(NoMoreProcesses(descriptors=top + 1, files_grow=True))
        with contextlib.suppress(OSError):
            return ["opened", os.dup2(1, top + 1)]
        return ["refused", resource.getrlimit(resource.RLIMIT_FSIZE)[0] != 0]

    assert in_child(act).value == ["refused", True]


def test_a_parser_grows_no_file(tmp_path):
    def act(step: NoMoreProcesses | None) -> int:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        file = os.open(tmp_path / "file", os.O_CREAT | os.O_WRONLY)
        if step:
            carry_out(step)
        return os.write(file, b"x")

    assert in_child(lambda: act(None)).value == 1
    assert in_child(lambda: act(_parser())).told == "[Errno 27] File too large"


@pytest.mark.parametrize("step", [SharedLimits, _parser])
def test_none_can_be_raised_again(step):
    def act() -> str:
        _open_all()
        _nobody()
        made = step()
        carry_out(made)
        hold_against(made)
        return "held"

    assert in_child(act).value == "held"


@pytest.mark.parametrize("step", [SharedLimits, _parser])
def test_who_can_raise_them_is_noticed(step, monkeypatch):
    monkeypatch.setattr(limits, "_raise", lambda *_: None)

    def act() -> None:
        made = step()
        carry_out(made)
        hold_against(made)

    ended = in_child(act)
    assert (ended.raised, ended.step) == ("SandboxError", step().name)
    assert ended.told.endswith(" succeeded")


@pytest.mark.parametrize("limit", [resource.RLIMIT_DATA, resource.RLIMIT_NPROC])
def test_raising_is_really_tried(limit):
    def act() -> list[int]:
        hard = resource.getrlimit(limit)[1]
        resource.setrlimit(limit, (100, hard))
        limits._raise(limit, 200)
        return list(resource.getrlimit(limit))

    assert in_child(act).value == [201, 201]


@pytest.mark.parametrize("step", [SharedLimits, _parser])
def test_a_step_that_was_not_taken_is_noticed(step):
    def act() -> None:
        _open_all()
        step().check()

    ended = in_child(act)
    assert (ended.raised, ended.step) == ("SandboxError", step().name)
    assert "RLIMIT_" in ended.told
    assert ended.hint


def test_a_soft_limit_alone_is_not_enough():
    def act() -> None:
        setrlimit = resource.setrlimit
        resource.setrlimit = lambda limit, pair: setrlimit(limit, (pair[0], resource.getrlimit(limit)[1]))
        carry_out(SharedLimits())

    assert re.fullmatch(r"limits: (RLIMIT_\w+) is \((\d+), -?\d+\), not \(\2, \2\)", in_child(act).told)
