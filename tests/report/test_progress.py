import re
from itertools import count

from hypothesis import given
from hypothesis import strategies as st

from syslogparse.report.progress import Progress


class Terminal:
    def __init__(self, width=80, delay=1.0, interval=0.1):
        self.now = 0.0
        self.writes: list[str] = []
        self.bar = Progress(self.writes.append, width, color=False, delay=delay, interval=interval, clock=lambda: self.now)

    def at(self, now, done, total=1000):
        self.now = now
        self.bar.update(done, total)


def test_short_runs_show_nothing():
    terminal = Terminal()
    terminal.at(0.1, 1)
    terminal.at(0.9, 999)
    terminal.bar.finish()
    assert terminal.writes == []


def test_long_runs_show_a_bar_and_take_it_away():
    terminal = Terminal()
    terminal.at(1.5, 250)
    assert " 25%" in terminal.writes[0]
    terminal.bar.finish()
    assert terminal.writes[1:] == ["\r\x1b[K"]
    terminal.bar.finish()
    assert len(terminal.writes) == 2


def test_redrawn_no_oftener_than_wanted():
    terminal = Terminal()
    for step in range(1000):
        terminal.at(1 + step / 1000, step)
    assert 9 <= len(terminal.writes) <= 11


@given(st.sampled_from([50, 69, 70, 80, 200]), st.lists(st.tuples(st.integers(0, 2**50), st.integers(0, 2**50)), max_size=5))
def test_one_line_that_fits_and_hides_no_cursor(width, steps):
    terminal = Terminal(width, delay=0, interval=0)
    for number, (done, total) in enumerate(steps, 1):
        terminal.at(float(number), done, total)
    assert len(terminal.writes) == len(steps)
    for text in terminal.writes:
        assert text.startswith("\r\x1b[K")
        line = text.removeprefix("\r\x1b[K")
        assert "\n" not in line
        assert "\x1b" not in line
        assert len(line) <= width


def test_colours_only_when_wanted():
    writes: list[str] = []
    bar = Progress(writes.append, 80, color=True, delay=0, clock=count().__next__)
    bar.update(1, 2)
    assert re.search(r"\x1b\[[0-9;]+m", writes[0])
