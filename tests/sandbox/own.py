"""A zygote whose cases come from other modules than `drivers`."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from tests.sandbox.host import Ended, Zygote, tree

PAGE = 1 << 16
"""Bytes of the memory that a case shares with the test."""


class OwnZygote(Zygote):
    """Its cases share memory with the test."""

    def run_shared(self, case: str, **arguments) -> tuple[Ended, bytes]:
        """Run a case whose standard input is a page of memory that it can map. How it ended, and what is in the page then."""
        page = os.memfd_create("page")
        try:
            os.truncate(page, PAGE)
            ended = self.run(case, stdin=page, **arguments)
            return ended, os.pread(page, PAGE, 0)
        finally:
            os.close(page)


@contextlib.contextmanager
def zygote_for(module: str, cases: str) -> Iterator[tuple[OwnZygote, Path]]:
    """A zygote with these cases of a module, and the place of its copy."""
    with tree() as place:
        with (place / "tests/sandbox/drivers.py").open("a", encoding="ascii") as file:
            file.write(f"\nfrom tests.sandbox.{module} import {cases}\n")
        (place / "logs").mkdir(mode=0o755)
        zygote = OwnZygote(place)
        try:
            yield zygote, place
        finally:
            zygote.close()
