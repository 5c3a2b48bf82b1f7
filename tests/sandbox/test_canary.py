import os
import resource
import signal

import prctl
import pytest

from syslogparse.sandbox import canary
from syslogparse.sandbox.canary import COMM, Canary
from syslogparse.sandbox.seccomp import ROLES, Channels, LoadFilter
from syslogparse.sandbox.step import SandboxError, carry_out
from tests.sandbox.children import in_child

CHANNELS = Channels(reads=(4,), writes=(1, 2))


def _send(role: str = "parser") -> None:
    prctl.set_no_new_privs(1)
    carry_out(Canary(role, CHANNELS))  # type: ignore[arg-type]


@pytest.mark.parametrize("role", ROLES)
def test_a_canary_under_the_filter_dies_by_sigsys(role):
    def act() -> object:
        prctl.set_no_new_privs(1)
        sent = Canary(role, CHANNELS)
        carry_out(sent)
        assert sent._status is not None
        return os.WTERMSIG(sent._status)

    assert in_child(act).value == signal.SIGSYS


def test_who_sends_it_stays_free():
    def act() -> list[object]:
        _send()
        return [prctl.get_seccomp(), prctl.get_name() == COMM, os.getppid() > 0]

    assert in_child(act).value == [0, False, True]


def test_it_makes_its_call_under_a_name_of_its_own(monkeypatch):
    names: list[str] = []
    monkeypatch.setattr(prctl, "set_name", names.append)
    monkeypatch.setattr(canary, "carry_out", lambda _: None)
    monkeypatch.setattr(os, "_exit", lambda _: None)
    canary._sing("parser", CHANNELS)
    assert names == [COMM]
    assert len(COMM) <= 15


@pytest.mark.parametrize(
    ("filter_does", "status"),
    [("nothing", 0), ("raises", 0), ("SIGKILL", signal.SIGKILL), ("SIGSEGV", signal.SIGSEGV)],
)
def test_any_other_end_is_a_failure(filter_does, status, monkeypatch):
    def take(self) -> None:
        if filter_does == "raises":
            raise OSError(1, "no")
        if filter_does.startswith("SIG"):
            resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # no file, and no mark of one in the wait status
            os.kill(os.getpid(), signal.Signals[filter_does])
        self._loaded = True

    monkeypatch.setattr(LoadFilter, "take", take)
    monkeypatch.setattr(LoadFilter, "check", lambda _: None)
    ended = in_child(_send)
    assert ended.told == f"canary: the parser's canary was not killed by SIGSYS (wait status {int(status)})"
    assert (ended.step, ended.hint) == ("canary", Canary.hint)


def test_a_filter_that_does_not_load_is_noticed():
    # Without no_new_privs, and as nobody where this is root, the kernel refuses it.
    def act() -> None:
        if os.geteuid() == 0:
            os.setresuid(65534, 65534, 65534)
        carry_out(Canary("parser", CHANNELS))

    assert in_child(act).step == "canary"


def test_a_canary_that_was_not_sent_is_noticed():
    with pytest.raises(SandboxError, match=r"wait status None") as caught:
        Canary("analyst", CHANNELS).check()
    assert "CONFIG_SECCOMP_FILTER" in caught.value.hint


def test_no_child_is_left():
    def act() -> str:
        _send()
        try:
            os.waitpid(-1, 0)
        except ChildProcessError:
            return "none"
        return "one"

    assert in_child(act).value == "none"


def test_no_more_processes_means_no_canary(monkeypatch):
    def refused() -> int:
        raise BlockingIOError(11, "too many")

    monkeypatch.setattr(os, "fork", refused)
    with pytest.raises(SandboxError, match=r"^canary: .*\(EAGAIN\)$"):
        carry_out(Canary("parser", CHANNELS))
