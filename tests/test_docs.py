"""What the documents say of the filters and the steps is what the code does."""

import re
from pathlib import Path

import pytest

from syslogparse.report.files import NAMES
from syslogparse.roles.validator import MAX_FILE, MAX_LINE
from syslogparse.sandbox.outbox import MODE, aside
from syslogparse.sandbox.seccomp import BUDGET, LOG_ROLES, ROLES, TABLE, allowed

ROOT = Path(__file__).parents[1]
PRIVSEP = (ROOT / "docs/PRIVSEP.md").read_text(encoding="utf-8")
OLD = set(
    "rt_sigreturn exit exit_group tgkill access write fstat open close brk mprotect mmap munmap madvise futex execve clone "
    "getrlimit rt_sigaction rt_sigprocmask set_robust_list set_tid_address".split()
)


def rows():
    """The side-by-side table: name, in the list of 2014, in each role's, reason."""
    row = r"^\| ([a-z0-9_]+) \| (yes)?[^|]*" + r"\| (yes)? ?" * len(ROLES) + r"\| ([^|]+) \|$"
    found = re.findall(row, PRIVSEP, re.MULTILINE)
    return {name: (bool(old), tuple(map(bool, roles)), why) for name, old, *roles, why in found}


def test_the_table_names_every_call_of_both_lists_once():
    assert list(rows()) == sorted(OLD | {call.name for call in TABLE})
    assert {name for name, (old, _, _) in rows().items() if old} == OLD
    assert len(OLD) == BUDGET


@pytest.mark.parametrize("number", range(len(ROLES)))
def test_the_table_says_who_may_make_a_call(number):
    said = {name for name, (_, roles, _) in rows().items() if roles[number]}
    assert said == {call.name for call in allowed(ROLES[number])}


def test_every_difference_has_a_reason():
    for name, (old, roles, why) in rows().items():
        assert why.strip()
        if old and any(roles):
            assert why.startswith("kept"), name
        elif any(roles):
            assert why.startswith("new: "), name


def test_the_count_is_that_of_the_code():
    used = {call.name for call in TABLE if set(call.roles) & set(LOG_ROLES)}
    assert f"{len(used)} are used" in PRIVSEP


@pytest.mark.parametrize("document", ["README.md", "docs/PRIVSEP.md", "docs/SECURITY.md"])
def test_links_lead_somewhere(document):
    path = ROOT / document
    links = re.findall(r"\]\(([^)#:]+)\)", path.read_text(encoding="utf-8"))
    assert links
    for link in links:
        assert (path.parent / link).exists(), link


def test_the_dependency_table_names_every_dependency():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    wanted = re.findall(r'^    "([a-zA-Z_-]+)[><=]', (ROOT / "pyproject.toml").read_text(encoding="utf-8"), re.MULTILINE)
    assert len(wanted) > 8
    assert [name for name in wanted if name not in readme] == []


def test_the_names_of_files_are_those_of_the_code():
    for name in NAMES.values():
        assert f"`{name}`" in PRIVSEP
    assert f"`{aside('NAME')}`" in PRIVSEP
    assert f"{MAX_LINE >> 10} KiB" in PRIVSEP
    assert f"{MAX_FILE >> 20} MiB" in PRIVSEP
    assert f"mode {MODE:04o}" in PRIVSEP
