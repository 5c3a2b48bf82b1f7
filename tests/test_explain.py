import pytest

from syslogparse.explain import explain
from syslogparse.sandbox.confine import EXPLAINED, sequence
from syslogparse.sandbox.seccomp import BUDGET, LOG_ROLES, ROLES, TABLE, allowed


@pytest.fixture
def text(monkeypatch):
    monkeypatch.delenv("FORCE_COLOR", raising=False)
    return explain(terminal=False).decode()


def squeezed(text):
    return "".join(text.split())


def test_every_step_of_a_run_is_there_in_its_order(text):
    rows = iter(text.splitlines())
    for _, step in EXPLAINED:
        assert any(row.lstrip().startswith(step.name[:15]) for row in rows), step.name


def test_every_step_that_confines_is_explained():
    explained = {step for _, step in EXPLAINED}
    for mode in ("full", "reduced"):
        assert {type(step) for step in sequence(mode)} <= explained
    assert [number for number, _ in EXPLAINED] == sorted(number for number, _ in EXPLAINED)


def test_every_call_stands_under_its_role(text):
    for role, following in zip(ROLES, [*ROLES[1:], None], strict=True):
        part = text[text.index(f"{role}: {len(allowed(role))} calls.") :]
        if following:
            part = part[: part.index(f"{following}: ")]
        for call in TABLE:
            assert (f"\n{call.name} " in part) == (role in call.roles), (role, call.name)


def test_the_budget(text):
    union = {call.name for role in LOG_ROLES for call in allowed(role)}
    assert len(union) <= BUDGET
    assert squeezed(f"left with {len(union)} of a budget of {BUDGET}") in squeezed(text)


def test_no_colour_in_a_file_and_colour_on_a_terminal(text, monkeypatch):
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", "40")
    assert "\x1b" not in text
    assert max(map(len, text.splitlines())) <= 120
    assert "\x1b[" in explain(terminal=True).decode()
    monkeypatch.setenv("NO_COLOR", "1")
    plain = explain(terminal=True).decode()
    assert "\x1b" not in plain
    assert max(map(len, plain.splitlines())) <= 60
