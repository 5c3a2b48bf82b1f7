"""What a confinement step is: an act, the check that it took hold, and the attempt to undo it.

Steps are objects so that one list serves three readers: the program carries them out, ``--explain-sandbox`` prints them,
and the tests make each of them fail.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Collection
from typing import ClassVar


class SandboxError(Exception):
    """A wall that could not be put up. The program ends with exit status 4 and no results.

    step: the step's name. problem: what went wrong. hint: what the user can do about it.
    """

    def __init__(self, step: str, problem: str, hint: str) -> None:
        super().__init__(f"{step}: {problem}")
        self.step = step
        self.problem = problem
        self.hint = hint


class Step:
    """One wall. Subclasses say what it is and why it stands where it does; the three methods raise on failure.

    ``take`` acts. ``check`` reads back that the act took hold. ``resist`` runs after all steps and tries the way back: every
    attempt must be refused.
    """

    name: ClassVar[str]
    what: ClassVar[str]
    why: ClassVar[str]
    hint: ClassVar[str] = "run it as root on a Linux kernel with seccomp, outside of a container that withholds these rights"

    def take(self) -> None:
        """Put the wall up. Raises OSError or SandboxError."""
        raise NotImplementedError

    def check(self) -> None:
        """Read back that the wall stands. Raises SandboxError."""
        raise NotImplementedError

    def resist(self) -> None:
        """Try to get back behind the wall; raises SandboxError when that succeeds. Nothing to try by default."""

    def fail(self, problem: str) -> SandboxError:
        """The error that says what is wrong with this step."""
        return SandboxError(self.name, problem, self.hint)

    def expect(self, what: str, found: object, wanted: object) -> None:
        """Raise SandboxError unless ``found`` equals ``wanted``."""
        if found != wanted:
            raise self.fail(f"{what} is {found!r}, not {wanted!r}")

    def refused(self, what: str, act: Callable[[], object], errors: Collection[int] = (errno.EPERM,)) -> None:
        """Raise SandboxError unless ``act`` fails with one of ``errors`` (errno numbers)."""
        try:
            act()
        except OSError as error:
            if error.errno in errors:
                return
            raise self.fail(f"{what} failed, but with {errno_name(error.errno)}") from None
        raise self.fail(f"{what} succeeded")


def errno_name(number: int | None) -> str:
    """The symbolic name of an errno number, for messages."""
    return errno.errorcode.get(number or 0, f"errno {number}")


def carry_out(step: Step) -> None:
    """Take one step and check it. Any failure becomes a SandboxError that names the step."""
    _guarded(step, step.take)
    _guarded(step, step.check)


def hold_against(step: Step) -> None:
    """Read the step back once more and try its way back. Raises SandboxError when it is gone, or the way is open."""
    _guarded(step, step.check)
    _guarded(step, step.resist)


def _guarded(step: Step, act: Callable[[], None]) -> None:
    try:
        act()
    except SandboxError:
        raise
    except OSError as error:
        raise step.fail(f"{os.strerror(error.errno or 0)} ({errno_name(error.errno)})") from error
    except Exception as error:
        raise step.fail(f"{type(error).__name__}: {error}") from error
