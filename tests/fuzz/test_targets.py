"""Every fuzz target runs for a moment; `make fuzz` runs them for longer."""

import importlib.util
from pathlib import Path

import pytest

from tests.fuzz import run, seeds

SECONDS = 3


@pytest.fixture
def atheris(must_work) -> None:
    """atheris has wheels for x86-64 and for some versions of Python only."""
    if importlib.util.find_spec("atheris") is None:
        (pytest.fail if must_work else pytest.skip)("missing: atheris")


def test_every_target_is_listed():
    folder = Path(__file__).parent / "targets"
    assert sorted(path.name for path in folder.glob("fuzz_*.py")) == sorted(f"fuzz_{name}.py" for name in seeds.TARGETS)


@pytest.mark.parametrize("target", seeds.TARGETS)
def test_it_has_seeds(target):
    found = seeds.of(target)
    assert found
    assert all(found)


@pytest.mark.parametrize("target", seeds.TARGETS)
def test_nothing_is_found(atheris, target):
    tried, found = run.run(target, SECONDS)
    assert not found, found
    assert tried > 100


def test_what_is_broken_is_found(atheris, tmp_path, monkeypatch):
    """The harness itself: an invariant that does not hold ends in a finding with its input."""
    real = run.command

    def broken(target: str, seconds: int, folder: Path) -> list[str]:
        program = (
            "import tests.gold.contract as contract, runpy\n"
            "contract.problems = lambda document: ['broken on purpose']\n"
            f"runpy.run_module('tests.fuzz.targets.fuzz_{target}', run_name='__main__', alter_sys=False)\n"
        )
        given = real(target, seconds, folder)
        return [given[0], "-B", "-c", program, *given[4:]]

    monkeypatch.setattr(run, "command", broken)
    _, found = run.run("netfilter", SECONDS)
    assert "broken on purpose" in found
    assert "input: b" in found
