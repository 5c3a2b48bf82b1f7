"""Standard input, in every shape it can have."""

import json
import os
import time

import pytest

from tests.e2e.harness import done, driver, running

pytestmark = pytest.mark.root


def _summary(ended):
    return json.loads(ended.out)["summary"]


def test_standard_input(command, two):
    by_name = json.loads(done([command, "-f", "json", two]).out)
    from_pipe = done([command, "-f", "json", "-"], two.read_bytes())
    with two.open("rb") as file:
        from_file = done([command, "-f", "json", "-"], stdin=file)
    assert from_pipe.out == from_file.out
    found = json.loads(from_pipe.out)
    assert found["summary"]["files"] == ["-"]
    assert [one["rule"] for one in found["suggestions"]] == [one["rule"] for one in by_name["suggestions"]]
    assert found["summary"]["events"] == by_name["summary"]["events"]


def test_standard_input_in_odd_shapes(command, small, tmp_path):
    assert _summary(done([command, "-f", "json", "-"], b""))["lines"] == 0
    assert _summary(done([command, "-f", "json", "-", "-"], b"one\n"))["lines"] == 1
    descriptor = os.open(tmp_path, os.O_RDONLY)
    ended = done([command, "-"], stdin=descriptor)
    os.close(descriptor)
    assert ended.status == 1  # the interpreter itself does not start with it
    assert b"<stdin> is a directory" in ended.err
    ended = done([command, "-f", "json", "-", "/nowhere"], small.read_bytes())
    assert ended.status == 3
    assert _summary(ended)["lines"] > 0


def test_non_blocking_standard_input(command, small):
    read, write = os.pipe()
    os.set_blocking(read, False)
    with running([command, "-f", "json", "-"], stdin=read) as run:
        os.close(read)
        for piece in small.read_bytes().splitlines(keepends=True)[::20]:
            os.write(write, piece)
            time.sleep(0.02)
        os.close(write)
        ended = run.finish()
    assert ended.status == 0
    assert _summary(ended)["lines"] == len(small.read_bytes().splitlines()[::20])


def test_standard_input_that_is_too_long(interpreter):
    # A limit of a megabyte in place of a gigabyte.
    change = "import syslogparse.sources.open as source; source.STDIN_LIMIT = 1 << 20"
    ended = done([*driver(interpreter, change), "-"], bytes((1 << 20) + 1))
    assert (ended.status, ended.out) == (3, b"")
    assert b"syslogparse: -: standard input is longer than " in ended.err
    assert done([*driver(interpreter, change), "-"], bytes(1 << 20)).status == 0
