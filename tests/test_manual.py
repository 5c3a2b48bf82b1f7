"""The manual page says what the command line is, no more and no less."""

import re
import subprocess
from pathlib import Path

import pytest

from syslogparse import exits
from syslogparse.cli import _parser
from syslogparse.sandbox.launch import KEPT_VARIABLES
from syslogparse.sources.open import DEFAULT_LOGS

PAGE = Path(__file__).resolve().parent.parent / "man" / "syslogparse.8"
NAMES = re.compile(r"Fl (?:\\-)?([a-z\\-]+)")


def _section(title: str) -> str:
    found = re.search(rf"^\.Sh {title}\n(.*?)(?=^\.Sh |\Z)", PAGE.read_text(encoding="ascii"), re.MULTILINE | re.DOTALL)
    assert found, title
    return found[1]


def _options(text: str) -> list[str]:
    return [("--" if len(name) > 1 else "-") + name.replace("\\", "") for name in NAMES.findall(text)]


@pytest.fixture(scope="module")
def entries() -> list[str]:
    """The heads of the list of options."""
    return re.findall(r"^\.It (Fl .*)$", _section("OPTIONS"), re.MULTILINE)


def test_every_option_is_in_the_list_once_and_no_other(entries):
    described = [name for entry in entries for name in _options(entry)]
    assert sorted(described) == sorted(name for action in _parser()._actions for name in action.option_strings)


def test_the_spellings_of_an_option_share_an_entry_with_its_argument(entries):
    for action in _parser()._actions:
        if not action.option_strings:
            continue
        (entry,) = (entry for entry in entries if action.option_strings[0] in _options(entry))
        assert set(action.option_strings) <= set(_options(entry))
        argument = re.search(r"Ar ([A-Z]+)", entry)
        assert (argument is None) == (action.nargs == 0), entry
        if argument and isinstance(action.metavar, str):
            assert argument[1] == re.split(r"[^A-Z]", action.metavar)[0]


def test_every_option_that_is_spoken_of_exists():
    known = {name for action in _parser()._actions for name in action.option_strings}
    spoken = set(_options(PAGE.read_text(encoding="ascii")))
    assert spoken
    assert spoken <= known


def test_the_choices_of_an_option_are_named():
    text = _section("OPTIONS")
    for action in _parser()._actions:
        for choice in action.choices or ():
            assert re.search(rf"^\.(?:Cm|Ql|Fl .* Cm) {choice}\b|\b{choice}\b", text, re.MULTILINE), choice


def test_every_exit_status_is_explained():
    described = {int(number) for number in re.findall(r"^\.It ([0-9]+)$", _section("EXIT STATUS"), re.MULTILINE)}
    assert described == {value for name, value in vars(exits).items() if name.isupper()}


def test_the_variables_are_those_that_are_kept():
    named = {name for line in re.findall(r"^\.It Ev (.*)$", _section("ENVIRONMENT"), re.MULTILINE) for name in line.split(" , ")}
    assert named == set(KEPT_VARIABLES)


def test_the_usual_logs_are_named():
    text = _section("DESCRIPTION").replace("\n", " ")
    assert [log for log in DEFAULT_LOGS if log not in text and log.removeprefix("/var/log/") not in text] == []


def test_man_shows_it_without_a_warning(require_tool):
    command = [require_tool("man"), "--warnings", "-E", "UTF-8", "-l", "-Tutf8", "-Z", str(PAGE)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout


def test_man_would_warn_of_a_mistake(require_tool, tmp_path):
    (tmp_path / "wrong.8").write_text(
        PAGE.read_text(encoding="ascii").replace(".Sh NAME", ".Sh NAME\n.nosuchmacro"), encoding="ascii"
    )
    command = [require_tool("man"), "--warnings", "-E", "UTF-8", "-l", "-Tutf8", "-Z", str(tmp_path / "wrong.8")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert "nosuchmacro" in done.stderr
