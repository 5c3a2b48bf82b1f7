"""Every scenario runs under the whole table, and breaks when the row that names it is taken from any role that has it."""

from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from syslogparse.sandbox.seccomp import TABLE, Call, Role
from tests.sandbox.scenarios import SCENARIOS, Broken, World

pytestmark = pytest.mark.root

WHOLE = [(name, None) for name in SCENARIOS]
UNPROVOKED = "unprovoked: "
FOR_FILES = {"validator", "broker"}


def _needed_by(call: Call, role: Role) -> str:
    return call.needed_for_files if role in FOR_FILES else call.needed_by


ROWS = [
    pytest.param(_needed_by(call, role), (call.name, role), id=f"{call.name}-{role}")
    for call in TABLE
    for role in call.roles
    if not _needed_by(call, role).startswith(UNPROVOKED)
]


@pytest.fixture(scope="module")
def outcomes(zygotes, logs, request):
    """A function that gives what became of a scenario: None, or what was wrong. Two run at a time, those that are asked for."""
    world = World(zygotes, logs)
    with ThreadPoolExecutor(2) as pool:
        started: dict[tuple, Future] = {}
        for item in request.session.items:
            if item.module is request.module and hasattr(item, "callspec"):
                asked = item.callspec.params["scenario"], item.callspec.params["lack"]
                started[asked] = pool.submit(_play, *asked, world)
        yield lambda *asked: started[asked].result()
        pool.shutdown(cancel_futures=True)


def _play(scenario: str, lack: tuple[str, str] | None, world: World) -> str | None:
    try:
        SCENARIOS[scenario](world._replace(lack=lack))
    except Broken as problem:
        return str(problem)
    return None


@pytest.mark.parametrize(("scenario", "lack"), WHOLE)
def test_scenario_runs_under_the_whole_table(outcomes, scenario, lack):
    assert outcomes(scenario, lack) is None


@pytest.mark.parametrize(("scenario", "lack"), ROWS)
def test_scenario_breaks_without_the_row(outcomes, scenario, lack):
    problem = outcomes(scenario, lack)
    assert problem is not None, f"{scenario} does not need {lack}"
    assert any(sign in problem for sign in ("SIGSYS", "status 0x1f", "ended before")), problem


def test_needed_by_names_a_scenario():
    named = {_needed_by(call, role) for call in TABLE for role in call.roles}
    assert {name for name in named if not name.startswith(UNPROVOKED)} <= set(SCENARIOS)


def test_at_most_three_rows_are_unprovoked_and_say_why():
    named = {_needed_by(call, role) for call in TABLE for role in call.roles}
    unprovoked = [name.removeprefix(UNPROVOKED) for name in named if name.startswith(UNPROVOKED)]
    assert len(unprovoked) <= 3
    assert all(unprovoked)
