"""What closes the loop: what the kernel logged, through the command, back to rules that are applied as they were printed."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from tests.e2e.harness import QUIET_ENVIRONMENT

SECONDS = 60


def run(command: Path, lines: Sequence[bytes], *options: str, folder: Path, enter: Callable[[], None] | None = None) -> str:
    """What the command prints for a log of the ring buffer's messages. enter: moves it to the machine that logged them."""
    log = folder / "dmesg.log"
    log.write_bytes(b"".join(line + b"\n" for line in lines))
    done = subprocess.run(
        [str(command), "-q", *options, str(log)],
        capture_output=True,
        text=True,
        check=False,
        timeout=SECONDS,
        env=QUIET_ENVIRONMENT,
        preexec_fn=enter,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def suggestions(command: Path, lines: Sequence[bytes], *options: str, folder: Path) -> list[dict[str, Any]]:
    """The suggestions of the format json."""
    found: list[dict[str, Any]] = json.loads(run(command, lines, "-f", "json", *options, folder=folder))["suggestions"]
    return found
