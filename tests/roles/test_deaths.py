import os
import signal

import pytest

from syslogparse.roles.deaths import BROKEN, OUT_OF_MEMORY, describe


@pytest.mark.parametrize(
    ("act", "words"),
    [
        (lambda: os._exit(1), "ended early with status 1"),
        (lambda: os._exit(0), "ended early with status 0"),
        (lambda: os._exit(BROKEN), "ended early with status 70"),
        (lambda: os._exit(OUT_OF_MEMORY), "out of memory"),
        (lambda: os.kill(os.getpid(), signal.SIGSYS), "killed by SIGSYS (made a system call that its filter forbids)"),
        (lambda: os.kill(os.getpid(), signal.SIGBUS), "killed by SIGBUS (the log was cut short while it was read)"),
        (lambda: os.kill(os.getpid(), signal.SIGKILL), "killed by SIGKILL (killed from outside, or for lack of memory)"),
        (lambda: os.kill(os.getpid(), signal.SIGSEGV), "killed by SIGSEGV (crashed)"),
        (lambda: os.kill(os.getpid(), signal.SIGTERM), "killed by SIGTERM"),
        (lambda: os.kill(os.getpid(), signal.SIGRTMIN + 3), f"killed by signal {signal.SIGRTMIN + 3}"),
    ],
)
def test_real_deaths_in_words(stage, act, words):
    status = os.waitpid(stage.child(act), 0)[1]
    assert describe(status) == words


def test_a_core_dump_changes_no_word():
    assert describe(signal.SIGSEGV | 0x80) == describe(signal.SIGSEGV)


def test_every_status_has_words():
    for status in range(1 << 16):
        if os.WIFEXITED(status) or os.WIFSIGNALED(status):
            assert describe(status)
