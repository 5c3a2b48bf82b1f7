"""Opening the files of --existing."""

from __future__ import annotations

import os

from syslogparse.sources.open import Unreadable
from syslogparse.sources.policy import POLICY_LIMIT, open_policies


def test_files_are_copied_and_what_is_no_file_is_told(tmp_path):
    good, link, fifo, large = (tmp_path / name for name in ("good", "link", "fifo", "large"))
    good.write_bytes(b"*filter\n\xff\x00COMMIT\n")
    link.symlink_to(good)
    os.mkfifo(fifo)
    with large.open("wb") as file:
        file.truncate(POLICY_LIMIT + 1)
    found, problems = open_policies(
        [str(good), str(link), str(fifo), str(tmp_path), "-", str(tmp_path / "none"), str(large), "a\x00b"]
    )
    assert [(name, bytes(content)) for name, content in found] == [(str(path), good.read_bytes()) for path in (good, link)]
    assert problems[:6] == [
        Unreadable(str(fifo), "is no regular file"),
        Unreadable(str(tmp_path), "is no regular file"),
        Unreadable("-", "policy cannot be standard input; put it into a file and name that"),
        Unreadable(str(tmp_path / "none"), "no such file or directory"),
        Unreadable(str(large), "is larger than 16 MiB"),
        problems[5],
    ]
    assert len(problems) == 6
    assert problems[5].name == "a\x00b"


def test_the_copy_stays_as_it_was(tmp_path):
    file = tmp_path / "policy"
    file.write_bytes(b"before")
    ((_, content),), _ = open_policies([str(file)])
    file.write_bytes(b"behind")
    assert bytes(content) == b"before"


def test_no_file_is_nothing():
    assert open_policies([]) == ([], [])
