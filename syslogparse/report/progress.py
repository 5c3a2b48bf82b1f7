"""The progress bar on stderr: for long runs on a terminal, drawn by whoever has news, never by a thread.

rich's Progress is used for its columns alone. Its Live display would hide the cursor, and a process that may end by
``_exit`` at any moment cannot promise to show it again.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from rich.progress import BarColumn, DownloadColumn, ProgressColumn, TextColumn, TimeRemainingColumn, TransferSpeedColumn
from rich.progress import Progress as Columns
from rich.table import Column

from syslogparse.report.text import make_console, taken

_CLEAR = "\r\x1b[K"
_WIDE = 70


def _column() -> Column:
    return Column(no_wrap=True, overflow="crop")


def _text(template: str) -> TextColumn:
    return TextColumn(template, markup=False, table_column=_column())


class Progress:
    """A bar that appears after ``delay`` seconds and is redrawn every ``interval`` seconds at most.

    write: called with text for the terminal; its errors are its own business. width: of the terminal in cells.
    clock: seconds, monotonic.
    """

    def __init__(
        self,
        write: Callable[[str], object],
        width: int,
        color: bool = True,
        delay: float = 1.0,
        interval: float = 0.1,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._write = write
        self._clock = clock
        self._interval = interval
        self._next = clock() + delay
        self._drawn = False
        self._console = make_console(width, color)
        columns: list[ProgressColumn] = [_text("reading"), BarColumn(bar_width=None), _text("{task.percentage:>3.0f}%")]
        if width >= _WIDE:
            columns += [
                DownloadColumn(table_column=_column()),
                TransferSpeedColumn(table_column=_column()),
                TimeRemainingColumn(compact=True, table_column=_column()),
            ]
        self._columns = Columns(*columns, console=self._console, auto_refresh=False, expand=True, get_time=clock)
        self._task = self._columns.add_task("", total=None)

    def update(self, done_bytes: int, total_bytes: int) -> None:
        """Say how far the run is; draws when it is time to."""
        now = self._clock()
        if now < self._next and not self._drawn:
            return
        self._columns.update(self._task, completed=done_bytes, total=total_bytes)
        if now < self._next:
            return
        self._next = now + self._interval
        self._drawn = True
        self._write(_CLEAR + self._line())

    def finish(self) -> None:
        """Take the bar off the terminal."""
        if self._drawn:
            self._drawn = False
            self._write(_CLEAR)

    def _line(self) -> str:
        self._console.print(self._columns.get_renderable(), end="")
        return taken(self._console).partition("\n")[0]


def warm_up() -> None:
    """Draw a bar of each shape once, so that nothing is loaded or looked up after the confinement."""
    clock = iter(range(1, 1000)).__next__
    for width in (50, 120):
        for color in (True, False):
            progress = Progress(len, width, color, delay=0, interval=0, clock=clock)
            for done in (0, 10**9, 10**10):
                progress.update(done, 10**10)
            progress.finish()
