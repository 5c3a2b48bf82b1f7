"""What the end-to-end tests share: logs of several shapes and sizes, and the installed command's parts."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.harness import SAMPLES, Gate, leftovers, until

PIECE = 1 << 20


@pytest.fixture(scope="session")
def stage() -> Iterator[Path]:
    """A folder that everybody can read and that is in memory where the machine has /dev/shm."""
    base = Path("/dev/shm") if os.access("/dev/shm", os.W_OK) else Path("/var/tmp")
    folder = base / f"e2e-syslogparse.{os.getpid()}"
    folder.mkdir(mode=0o755)
    yield folder
    shutil.rmtree(folder)


def _sample(name: str) -> bytes:
    return (SAMPLES / name).read_bytes()


def _noise(lines: int) -> bytes:
    return b"".join(
        b"Nov 22 06:%02d:%02d vmrig CRON[%d]: (root) CMD (run-parts /etc/cron.hourly/%d)\n" % (i // 60 % 60, i % 60, i, i)
        for i in range(1, lines + 1)
    )


@pytest.fixture(scope="session")
def dense(stage) -> Path:
    """12 MB with an event in nearly every line: as events more than all pipes hold together."""
    piece = _sample("netfilter.log") + _sample("syslog") + _sample("apparmor.log")
    log = stage / "dense.log"
    log.write_bytes(piece * (12 * PIECE // len(piece)))
    return log


@pytest.fixture(scope="session")
def five(stage) -> Path:
    """Five blocks, an event in every tenth line."""
    piece = _sample("netfilter.log") + _sample("syslog") + _sample("apparmor.log")
    piece += _noise(8 * piece.count(b"\n"))
    log = stage / "five.log"
    log.write_bytes((piece * (5 * PIECE // len(piece) + 1))[: 5 * PIECE])
    return log


@pytest.fixture(scope="session")
def two(stage, five) -> Path:
    """The first two blocks of it."""
    log = stage / "two.log"
    log.write_bytes(five.read_bytes()[: 2 * PIECE])
    return log


@pytest.fixture
def gate(tmp_path) -> Gate:
    """Holds parsers before their second block, where there are two parsers."""
    return Gate(tmp_path / "gate", 2)


@pytest.fixture(scope="session")
def large(stage) -> Iterator[Path]:
    """100 MB, an event here and there: seconds of work, quickly made."""
    piece = _noise(10_000) + _sample("syslog")
    log = stage / "large.log"
    with log.open("wb") as file:
        for _ in range(100 * PIECE // len(piece)):
            file.write(piece)
    yield log
    log.unlink()


@pytest.fixture(scope="session")
def small(stage) -> Path:
    """The mixed sample, where every user can read it."""
    log = stage / "syslog"
    log.write_bytes(_sample("syslog"))
    return log


@pytest.fixture(scope="session")
def interpreter(command) -> Path:
    """The interpreter of the installed command."""
    first = command.read_text(encoding="utf-8").splitlines()[0]
    assert first.startswith("#!/"), first
    assert first.endswith(" -IB"), first
    return Path(first.removeprefix("#!").removesuffix(" -IB"))


@pytest.fixture(autouse=True)
def nothing_left_behind() -> Iterator[None]:
    """No run leaves anything where it makes its jail."""
    before = leftovers()
    yield
    until(lambda: leftovers() <= before, f"the end of {leftovers() - before}", 2)
