"""The installed completions, in the shells that load them."""

import os
import pty
import select
import shlex
import subprocess
import time
from pathlib import Path

import pytest

pytestmark = pytest.mark.root

# What bash does when Tab is pressed behind the words, and what it would then offer.
BASH = """
source /usr/share/bash-completion/bash_completion
_completion_loader syslogparse
read -ra found <<< "$(complete -p syslogparse)"
while [ "${found[0]}" != -F ]; do found=("${found[@]:1}"); done
COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)) COMP_LINE="$*" COMP_POINT=${#COMP_LINE}
"${found[1]}" syslogparse "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD-1]}" 2> /dev/null
printf '%s\\n' "${COMPREPLY[@]}"
"""

CASES = [
    ([], "--fire", {"--firewall"}),
    ([], "--scan-", {"--scan-hosts", "--scan-ports"}),
    (["--firewall"], "", {"iptables", "nftables", "ufw"}),
    (["--firewall"], "n", {"nftables"}),
    (["-f"], "j", {"json"}),
    (["-k"], "a", {"apparmor"}),
    (["--since"], "y", {"yesterday"}),
    ([], "lo", {"log-one", "log-two"}),
    (["--exact", "log-one"], "log-t", {"log-two"}),
    (["--existing"], "log-o", {"log-one"}),
    (["-o"], "d", {"directory"}),
]


@pytest.fixture(scope="module")
def share(installed) -> Path:
    """What ``make install`` put beside the command."""
    return installed / "usr" / "share"


@pytest.fixture
def folder(tmp_path) -> Path:
    """Two logs and a directory, to be completed."""
    for name in ("log-one", "log-two"):
        (tmp_path / name).touch()
    (tmp_path / "directory").mkdir()
    return tmp_path


@pytest.mark.parametrize(("before", "word", "offered"), CASES)
def test_bash_completes(require_tool, share, folder, before, word, offered):
    if not Path("/usr/share/bash-completion/bash_completion").exists():
        require_tool("bash-completion")
    command = [require_tool("bash"), "--norc", "-c", BASH, "bash", "syslogparse", *before, word]
    environment = {"PATH": os.environ["PATH"], "XDG_DATA_DIRS": str(share), "HOME": str(folder)}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=True)
    assert set(done.stdout.split()) == offered, done.stderr


@pytest.mark.parametrize(("before", "word", "offered"), CASES)
def test_fish_completes(require_tool, share, folder, before, word, offered):
    line = shlex.join(["syslogparse", *before]) + f" {word}"
    environment = {"PATH": f"{share.parent}/bin:{os.environ['PATH']}", "HOME": str(folder), "TERM": "dumb"}
    script = f"set -p fish_complete_path {share}/fish/vendor_completions.d; complete -C {shlex.quote(line)}"
    command = [require_tool("fish"), "--no-config", "-c", script]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=True)
    found = {entry.split("\t")[0].rstrip("/") for entry in done.stdout.splitlines()}
    assert offered <= found, done.stderr
    assert {entry for entry in found if not entry.startswith(word)} == set()


def _screen(command: list[str], folder: Path, environment: dict[str, str], keys: str, until: str) -> str:
    """What a program on a terminal has shown when ``until`` appears, or after ten seconds. It is killed then."""
    child, terminal = pty.fork()
    if child == 0:
        os.chdir(folder)
        os.execve(command[0], command, environment)
    shown, deadline, typed = "", time.monotonic() + 10, False
    try:
        while until not in shown and time.monotonic() < deadline:
            if select.select([terminal], [], [], 0.2)[0]:
                shown += os.read(terminal, 4096).decode("utf-8", "replace")
            if "ready> " in shown and not typed:
                typed = bool(os.write(terminal, keys.encode()))
    finally:
        os.kill(child, 9)
        os.waitpid(child, 0)
        os.close(terminal)
    return shown


@pytest.mark.parametrize(
    ("keys", "until"),
    [
        ("--fire", "--firewall "),
        ("--firewall nf", "nftables "),
        ("-k app", "apparmor"),
        ("--exact log-t", "log-two "),
        ("-o dir", "directory/"),
    ],
)
def test_zsh_completes_on_a_terminal_only(require_tool, installed, folder, keys, until):
    (place,) = (installed / "usr/share/zsh").iterdir()
    rc = f'fpath=({shlex.quote(str(place))} $fpath)\nautoload -U compinit\ncompinit -u -D\nPS1="ready> "\n'
    (folder / ".zshrc").write_text(rc, encoding="utf-8")
    environment = {"PATH": os.environ["PATH"], "ZDOTDIR": str(folder), "HOME": str(folder), "TERM": "dumb"}
    shown = _screen([require_tool("zsh"), "-o", "noglobalrcs", "-i"], folder, environment, f"syslogparse {keys}\t", until)
    assert until in shown, shown


def test_zsh_looks_where_the_completion_is(require_tool, installed):
    (place,) = (installed / "usr/share/zsh").iterdir()
    done = subprocess.run([require_tool("zsh"), "-fc", "print -l $fpath"], capture_output=True, text=True, check=True)
    assert f"/usr/share/zsh/{place.name}" in done.stdout.splitlines()
