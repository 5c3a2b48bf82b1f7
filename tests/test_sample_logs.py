"""The sample logs are real lines, and their README names each of them."""

from pathlib import Path

import pytest

SAMPLES = Path(__file__).parents[1] / "sample-logs"
LOGS = sorted(path for path in SAMPLES.iterdir() if path.name != "README.md")


def test_readme_names_every_log_and_no_other():
    named = [line.split("`")[1] for line in (SAMPLES / "README.md").read_text().splitlines() if line.startswith("| `")]
    assert sorted(named) == [path.name for path in LOGS]


@pytest.mark.parametrize("path", LOGS, ids=lambda path: path.name)
def test_small_enough_to_read(path):
    raw = path.read_bytes()
    assert 10 <= raw.count(b"\n") <= 80
    assert raw.endswith(b"\n")


@pytest.mark.corpora
@pytest.mark.parametrize("path", LOGS, ids=lambda path: path.name)
def test_every_line_was_captured(path, corpora):
    captured = set().union(*(log.read_bytes().split(b"\n") for log in (corpora / "captured").iterdir()))
    assert set(path.read_bytes().split(b"\n")) <= captured
