import errno
import os

import pytest

from syslogparse.sandbox.step import SandboxError, Step, carry_out, errno_name, hold_against


class Wall(Step):
    name = "wall"
    what = "a wall"
    why = "for the test"
    hint = "build it"

    def __init__(self, **problems: BaseException) -> None:
        self.problems = problems
        self.calls: list[str] = []

    def _do(self, what: str) -> None:
        self.calls.append(what)
        if what in self.problems:
            raise self.problems[what]

    def take(self) -> None:
        self._do("take")

    def check(self) -> None:
        self._do("check")

    def resist(self) -> None:
        self._do("resist")


def test_a_step_is_taken_then_checked():
    wall = Wall()
    carry_out(wall)
    hold_against(wall)
    assert wall.calls == ["take", "check", "check", "resist"]


@pytest.mark.parametrize("method", ["take", "check", "resist"])
@pytest.mark.parametrize(
    ("problem", "said"),
    [
        (OSError(errno.EPERM, "x"), "wall: Operation not permitted (EPERM)"),
        (OSError("no number"), "wall: Success (errno None)"),
        (PermissionError(), "wall: "),
        (ValueError("odd"), "wall: ValueError: odd"),
        (MemoryError(), "wall: MemoryError: "),
    ],
)
def test_any_failure_names_the_step_and_has_a_hint(method, problem, said):
    wall = Wall(**{method: problem})
    act = hold_against if method == "resist" else carry_out
    with pytest.raises(SandboxError) as caught:
        act(wall)
    assert str(caught.value).startswith(said)
    assert (caught.value.step, caught.value.hint) == ("wall", "build it")
    assert caught.value.__cause__ is problem
    assert wall.calls[-1] == method


def test_what_is_a_sandbox_error_already_stays_as_it_is():
    error = SandboxError("other", "problem", "hint")
    with pytest.raises(SandboxError) as caught:
        carry_out(Wall(check=error))
    assert caught.value is error


@pytest.mark.parametrize("ending", [KeyboardInterrupt(), SystemExit(3)])
def test_what_ends_the_program_is_no_failure_of_a_step(ending):
    with pytest.raises(type(ending)):
        carry_out(Wall(take=ending))


def test_a_step_that_says_nothing_cannot_be_taken():
    with pytest.raises(NotImplementedError):
        Step().take()
    with pytest.raises(NotImplementedError):
        Step().check()


def test_expect_shows_what_was_found_and_what_was_wanted():
    Wall().expect("the mask", 1, 1)
    with pytest.raises(SandboxError, match=r"^wall: the mask is 2, not 1$"):
        Wall().expect("the mask", 2, 1)


def test_refused_wants_a_refusal_and_the_right_one():
    def fails() -> None:
        raise OSError(errno.EACCES, "x")

    Wall().refused("it", fails, (errno.EACCES,))
    with pytest.raises(SandboxError, match=r"it failed, but with EACCES$"):
        Wall().refused("it", fails)
    with pytest.raises(SandboxError, match=r"it succeeded$"):
        Wall().refused("it", os.getpid)


def test_refused_does_not_take_a_defect_for_a_refusal():
    with pytest.raises(ZeroDivisionError):
        Wall().refused("it", lambda: 1 // 0)


@pytest.mark.parametrize(
    ("number", "name"), [(errno.EPERM, "EPERM"), (12345, "errno 12345"), (None, "errno None"), (0, "errno 0")]
)
def test_errno_name(number, name):
    assert errno_name(number) == name
