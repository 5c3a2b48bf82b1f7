"""What the tests of the sandbox share: one copy of the program, one zygote of each kind, one set of logs for all."""

import os
import shutil

import pytest

from tests.sandbox.host import Zygote, interpreter, tree
from tests.sandbox.logs import make_logs

FRUGAL = {"GLIBC_TUNABLES": "glibc.malloc.trim_threshold=0:glibc.malloc.top_pad=0"}


@pytest.fixture(scope="session")
def place():
    """A copy of the package in which only root can write."""
    assert os.geteuid() == 0
    with tree() as root:
        yield root


@pytest.fixture(scope="session")
def logs(place):
    """The logs of `logs.py`."""
    folder = place / "logs"
    folder.mkdir(mode=0o755)
    made = make_logs(folder)
    yield made
    shutil.rmtree(folder)


@pytest.fixture(scope="session")
def zygote(place):
    """Runs cases in the plain world."""
    made = Zygote(place)
    yield made
    made.close()


@pytest.fixture(scope="session")
def zygotes(place, zygote):
    """The worlds of the scenarios."""
    frugal = Zygote(place, environment=FRUGAL)
    no_vdso = Zygote(place, prefix=(interpreter(), "-ISB", str(place / "tests/sandbox/novdso.py")))
    yield {"plain": zygote, "frugal": frugal, "no_vdso": no_vdso}
    frugal.close()
    no_vdso.close()
