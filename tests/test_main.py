"""The first instructions: what happens before the start is known to be isolated."""

import subprocess
import sys
from pathlib import Path

import pytest

from syslogparse import __main__ as start
from syslogparse import cli

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture
def isolated(monkeypatch):
    """As if the interpreter had been started by the launcher; what was called, in order."""
    called: list[str | list[str]] = []
    monkeypatch.setattr(start, "end_on_signals", lambda: called.append("signals"))
    monkeypatch.setattr(start, "relaunch_isolated", lambda arguments: called.append(["relaunch", *arguments]))

    def run(arguments):
        called.append(["run", *arguments])
        return 3

    monkeypatch.setattr(cli, "main", run)
    monkeypatch.setattr(sys, "argv", ["syslogparse", "-f", "json", "x"])
    return called


def test_signals_then_isolation_then_the_command_line(isolated):
    assert start.main() == 3
    assert isolated == ["signals", ["relaunch", "-f", "json", "x"], ["run", "-f", "json", "x"]]


def test_start_that_cannot_be_isolated_is_none(isolated, monkeypatch, capfd):
    def fail(_arguments):
        raise FileNotFoundError(2, "No such file or directory")

    monkeypatch.setattr(start, "relaunch_isolated", fail)
    assert start.main() == 4
    assert isolated == ["signals"]
    assert capfd.readouterr() == ("", "syslogparse: the interpreter cannot be started anew: No such file or directory\n")


def test_interrupt_before_the_handlers_are_there():
    # An import that is interrupted stands for the keyboard, which cannot be timed.
    program = """
import sys
class Interrupted:
    def find_spec(self, name, path=None, target=None):
        if name == "syslogparse.sandbox.launch":
            raise KeyboardInterrupt
sys.path.insert(0, sys.argv[1])
sys.meta_path.insert(0, Interrupted())
import syslogparse.__main__
"""
    done = subprocess.run([sys.executable, "-c", program, ROOT], capture_output=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (130, b"", b"")


def test_nothing_but_the_interpreters_own_modules_is_loaded_before():
    program = "import sys; sys.path.insert(0, sys.argv[1]); import syslogparse.__main__; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-IS", "-c", program, ROOT], capture_output=True, text=True, check=True)
    loaded = {name.partition(".")[0] for name in done.stdout.split()}
    assert "syslogparse" in loaded
    assert loaded <= {"syslogparse", "__main__", "sitecustomize", *sys.stdlib_module_names}
