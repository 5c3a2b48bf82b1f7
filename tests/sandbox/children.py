"""A function run in a forked child, and what became of it. For one step at a time; whole programs are the zygote's."""

from __future__ import annotations

import codecs
import faulthandler
import json
import os
import signal
from collections.abc import Callable
from typing import NamedTuple

from syslogparse.sandbox.libc import CLONE_NEWUSER, unshare
from syslogparse.sandbox.step import SandboxError

_SECONDS = 20


codecs.lookup("ascii")  # a child that is nobody may not be able to load it any more


class Outcome(NamedTuple):
    """How a child ended. value: what the function returned. raised: the class of what it raised, told: that in words."""

    status: int
    value: object
    raised: str | None
    told: str
    step: str | None
    hint: str | None

    @property
    def signal(self) -> int | None:
        """The signal that ended it."""
        return os.WTERMSIG(self.status) if os.WIFSIGNALED(self.status) else None


def in_child(act: Callable[[], object]) -> Outcome:
    """Run it. The child has all that the test has, and whatever it does to itself stays its own; it may even close everything."""
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            faulthandler.disable()
            signal.alarm(_SECONDS)
            os.dup2(write, REPORT)
            os.close(read)
            os.close(write)
            os.write(REPORT, _report(act))
        finally:
            os._exit(0)
    os.close(write)
    with open(read, "rb") as file:
        said = file.read()
    status = os.waitpid(child, 0)[1]
    found = json.loads(said) if said else {}
    return Outcome(status, found.get("value"), found.get("raised"), found.get("told", ""), found.get("step"), found.get("hint"))


REPORT = 60
"""The descriptor by which a child reports. Who closes descriptors has to leave it alone."""


def _report(act: Callable[[], object]) -> bytes:
    try:
        return json.dumps({"value": act()}).encode()
    except SandboxError as error:
        found = {"raised": "SandboxError", "told": str(error), "step": error.step, "hint": error.hint}
        return json.dumps(found).encode()
    except BaseException as error:  # noqa: BLE001 - whatever it is, the test has to see it
        return json.dumps({"raised": type(error).__name__, "told": str(error)}).encode()


def forbid_user_namespaces(user: int) -> None:
    """Go where this user may make none: into a user namespace of root's that allows no further one."""
    unshare(CLONE_NEWUSER)
    for name, text in (("setgroups", "deny"), ("gid_map", f"{user} 0 1"), ("uid_map", f"{user} 0 1")):
        _write(f"/proc/self/{name}", text)
    _write("/proc/sys/user/max_user_namespaces", "0")


def _write(path: str, text: str) -> None:
    with open(path, "w", encoding="ascii") as file:
        file.write(text)
