"""The house rules, checked: types, lint, who imports whom, sizes, mirrored tests, lock files."""

import ast
import re
import subprocess
import sys
import sysconfig
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "syslogparse"
FILE_LINES = 400
FUNCTION_LINES = 50

# What is made by tools and never kept (.gitignore), and the history.
_NOT_OURS = {".git", "__pycache__", ".hypothesis", ".mypy_cache", ".pytest_cache", ".ruff_cache", ".venv", "build", "dist"}


def _files(pattern: str) -> list[Path]:
    return sorted(path for path in ROOT.rglob(pattern) if path.is_file() and not _NOT_OURS & set(path.relative_to(ROOT).parts))


def _functions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(ast.parse(path.read_bytes())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def _accepts(*arguments: str) -> None:
    done = subprocess.run(arguments, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{' '.join(arguments)}\n{done.stdout}{done.stderr}"


def test_ruff_finds_nothing():
    _accepts(sys.executable, "-m", "ruff", "check", ".")


def test_mypy_strict_finds_nothing():
    _accepts(sys.executable, "-m", "mypy")


def test_import_contracts_are_kept():
    _accepts(str(Path(sysconfig.get_path("scripts")) / "lint-imports"), "--no-cache", "--no-logo")


def test_no_file_is_too_long():
    lines = {str(path.relative_to(ROOT)): len(path.read_bytes().splitlines()) for path in _files("*.py")}
    assert lines
    assert {name: count for name, count in lines.items() if count > FILE_LINES} == {}


def test_no_function_is_too_long():
    functions = [(path, function) for path in _files("*.py") if PACKAGE in path.parents for function in _functions(path)]
    assert functions
    lengths = {
        f"{path.relative_to(ROOT)}:{function.lineno} {function.name}": (function.end_lineno or 0) - function.lineno + 1
        for path, function in functions
    }
    assert {name: length for name, length in lengths.items() if length > FUNCTION_LINES} == {}


def test_every_module_has_its_test_module():
    # __main__ is what every end-to-end test starts; a model, like a module without functions, holds types and no behaviour.
    untested = {"__init__", "__main__", "model"}
    modules = [path for path in _files("*.py") if PACKAGE in path.parents and path.stem not in untested and any(_functions(path))]
    tests = [ROOT / "tests" / path.relative_to(PACKAGE).with_name(f"test_{path.name}") for path in modules]
    assert tests
    assert [str(path.relative_to(ROOT)) for path in tests if not path.exists()] == []


def test_nothing_names_the_machine_it_was_written_on():
    # Put together here, so that this file does not hold them.
    places = "|".join(["wo" + "rk", "fa" + "rm"])
    words = "|".join(["fa" + r"rm-(?:studio|bench)", r"\.lib" + "rary", "/tm" + "p/v/", "py" + "env/versions"])
    forbidden = re.compile(rf"(?<![\w.])/(?:{places})/|{words}".encode())
    assert forbidden.search(b" /" + b"work/x")
    found = {str(path.relative_to(ROOT)): match.group() for path in _files("*") if (match := forbidden.search(path.read_bytes()))}
    assert found == {}


def _project() -> dict[str, list[str]]:
    """What each lock file is made from: requirements with ranges, by the lock's name."""
    document = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    runtime = document["project"]["dependencies"]
    return {
        "runtime": runtime,
        "test": runtime + document["project"]["optional-dependencies"]["test"],
        "build": document["dependency-groups"]["build"] + document["build-system"]["requires"],
        "lock": document["dependency-groups"]["lock"],
    }


def _pins(text: str) -> dict[str, str]:
    """Name and version of each entry of a lock file; each has the form ``name==version ; marker \\`` and then its hashes."""
    entries = re.split(r"\n(?=[a-z0-9])", "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("#")))
    pins = {}
    for entry in entries:
        head, *hashes = entry.strip().split(" \\\n")
        match = re.fullmatch(r"([a-z0-9-]+)==(\S+)(?: ; [^\n]+)?", head)
        assert match, head
        assert hashes, entry
        assert all(re.fullmatch(r" *--hash=sha256:[0-9a-f]{64}", line) for line in hashes), entry
        pins[match[1]] = match[2]
    return pins


@pytest.mark.parametrize("name", ["runtime", "test", "build", "lock"])
def test_lock_pins_what_the_project_asks_for(name):
    pins = _pins((ROOT / "requirements" / f"{name}.txt").read_text(encoding="utf-8"))
    for line in _project()[name]:
        wanted = Requirement(line)
        assert pins[wanted.name.replace("_", "-")] in wanted.specifier, f"{line}: `make lock`"


def test_locks_agree():
    runtime, test = (_pins((ROOT / "requirements" / f"{name}.txt").read_text(encoding="utf-8")) for name in ("runtime", "test"))
    assert runtime.items() <= test.items()


def test_no_group_is_possessive():
    # CPython before 3.11.5 matches (...)?+ and its kin wrongly when the group can backtrack (gh-106052); Debian 12 has 3.11.2.
    possessive = re.compile(r"\)(?:[?*+]|\{[0-9,]*\})\+")
    found = [
        f"{path.relative_to(ROOT)}:{number}"
        for path in _files("*.py")
        if PACKAGE in path.parents
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1)
        if possessive.search(line)
    ]
    assert found == []
