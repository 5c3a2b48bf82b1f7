"""What the tests share: where the installed command and the real logs are, and what may not be missing.

``make test`` sets the environment that is read here:

* ``SYSLOGPARSE_COMMAND``: path of the installed command.
* ``SYSLOGPARSE_CORPORA``: folder of real logs.
* ``SYSLOGPARSE_MUST_WORK=1``: what is missing is a failure, not a reason to skip.
"""

import ctypes
import os
import re
import resource
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

import pytest
from hypothesis import HealthCheck, settings

# Tests kill children on purpose; what make(1) or a CI allows must not turn each of them into a file. The hard limit stays.
resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))

MUST_WORK = os.environ.get("SYSLOGPARSE_MUST_WORK") == "1"

settings.register_profile("ci", deadline=None, derandomize=True, database=None)
settings.register_profile(
    "fuzz",
    deadline=None,
    max_examples=int(os.environ.get("SYSLOGPARSE_FUZZ_EXAMPLES", "5000")),
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
settings.load_profile("ci")


def _missing(what: str) -> NoReturn:
    if MUST_WORK:
        pytest.fail(f"missing: {what}", pytrace=False)
    pytest.skip(f"missing: {what}")


def pytest_runtest_setup(item: pytest.Item) -> None:
    """A test marked ``root`` asks for root before its fixtures do anything."""
    if item.get_closest_marker("root") and os.geteuid() != 0:
        _missing("root")


def _has_user_namespaces() -> bool:
    """Whether a process may make one here: not in a chroot (user_namespaces(7)), and not where the administrator forbids it."""
    child = os.fork()
    if child == 0:
        made = ctypes.CDLL(None).unshare(0x10000000)
        os._exit(made != 0)
    return os.waitpid(child, 0)[1] == 0


def _has_terminals() -> bool:
    try:
        for descriptor in os.openpty():
            os.close(descriptor)
    except OSError:
        return False
    return True


_NEEDS_NAMESPACES = re.compile(
    r"reduced|without_root|test_userns|parsed\[user\]|unshare_enters|a_user_w|a user namespace|unreadable_for_a_user"
    r"|tree_that_others"
)
_NEEDS_TERMINALS = re.compile(
    r"where_stdout_goes|fits_the_terminal|colour_on_a_terminal|on_a_terminal_only|of_a_terminal|\[terminal-"
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A machine that lacks user namespaces or terminals (a bare chroot) is told what was left out; CI has both."""
    if MUST_WORK:
        return
    for there, pattern, what in (
        (_has_user_namespaces(), _NEEDS_NAMESPACES, "user namespaces cannot be made here (a chroot?)"),
        (_has_terminals(), _NEEDS_TERMINALS, "no pseudo-terminals here (/dev/pts)"),
    ):
        for item in items:
            if not there and pattern.search(item.nodeid):
                item.add_marker(pytest.mark.skip(reason=f"missing: {what}"))


@pytest.fixture(scope="session")
def must_work() -> bool:
    """True where a missing tool, folder or right is a failure."""
    return MUST_WORK


@pytest.fixture(scope="session")
def corpora() -> Path:
    """The folder of real logs. Tests that use it are marked ``corpora``."""
    folder = os.environ.get("SYSLOGPARSE_CORPORA", "")
    if not folder or not Path(folder).is_dir():
        _missing(f"the folder of real logs (SYSLOGPARSE_CORPORA={folder})")
    return Path(folder)


@pytest.fixture(scope="session")
def command() -> Path:
    """The installed command, as ``make test`` built it from this tree."""
    path = os.environ.get("SYSLOGPARSE_COMMAND", "")
    if not path or not os.access(path, os.X_OK):
        _missing(f"the installed command (SYSLOGPARSE_COMMAND={path}); `make test` installs it")
    return Path(path)


@pytest.fixture(scope="session")
def require_tool() -> Callable[[str], str]:
    """A function that takes the name of a program and gives its path; where it is missing the test is skipped, or fails."""

    def find(name: str) -> str:
        path = shutil.which(name, path=os.environ.get("PATH", "") + os.pathsep + "/usr/sbin:/sbin")
        if path is None:
            _missing(name)
        return path

    return find


@pytest.fixture(scope="session")
def make_in(command: Path) -> Callable[..., None]:
    """A function that runs a make target of this tree with the libraries of ``command``, and fails with what make says."""
    root = Path(__file__).resolve().parent.parent
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))}

    def make(target: str, *variables: str) -> None:
        arguments = ["make", "-C", str(root), target, f"DEV={command.parent.parent}", *variables]
        done = subprocess.run(arguments, env=environment, capture_output=True, text=True, check=False, umask=0o002)
        assert done.returncode == 0, done.stdout + done.stderr

    return make


@pytest.fixture(scope="session")
def installed(make_in: Callable[..., None], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with what ``make install`` installs; nobody writes there."""
    root = tmp_path_factory.mktemp("install") / "staging"
    make_in("install", f"DESTDIR={root}", "PREFIX=/usr")
    return root
