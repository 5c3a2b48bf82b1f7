import os

import pytest

from syslogparse.sources import select
from syslogparse.sources.open import DEFAULT_LOGS
from syslogparse.sources.select import select_logs


def make(folder, *names):
    for name in names:
        (folder / name).write_bytes(b"")


def names(candidates):
    return [os.path.basename(one.name) for one in candidates]


def test_named_logs_are_taken_as_they_are_and_followed():
    chosen = select_logs(("b", "/nonexistent", "-", "b"), rotated=False)
    assert [one.name for one in chosen] == ["b", "/nonexistent", "-", "b"]
    assert all(one.named for one in chosen)


def test_the_defaults_are_those_that_exist_and_are_not_followed(tmp_path, monkeypatch):
    make(tmp_path, "syslog")
    (tmp_path / "kern.log").symlink_to("nowhere")
    monkeypatch.setattr(select, "DEFAULT_LOGS", tuple(str(tmp_path / name) for name in ("syslog", "messages", "kern.log")))
    chosen = select_logs((), rotated=False)
    assert names(chosen) == ["syslog", "kern.log"]
    assert not any(one.named for one in chosen)


def test_the_usual_logs():
    assert set(map(os.path.dirname, DEFAULT_LOGS)) == {"/var/log", "/var/log/audit"}
    assert select.JOURNALS == ("/var/log/journal", "/run/log/journal")


ARCHIVED = "system@00065a1b-0000000000000001-0006.journal"
CORRUPT = "system@00065a1c-0006.journal~"


@pytest.fixture
def journals(tmp_path):
    for machine in ("aa", "bb"):
        (tmp_path / machine).mkdir()
        make(tmp_path / machine, "system.journal", ARCHIVED, CORRUPT, "user-1000.journal", "system.journal.gz", "x.journal")
    return tmp_path


def test_a_folder_stands_for_the_system_journals_in_it(journals):
    of_one = [ARCHIVED, CORRUPT, "system.journal"]
    assert names(select_logs((str(journals / "aa"),), rotated=False)) == of_one
    chosen = select_logs((str(journals),), rotated=False)
    assert [one.name for one in chosen] == [str(journals / machine / name) for machine in ("aa", "bb") for name in of_one]
    assert not any(one.named for one in chosen)
    assert all(one.in_chosen for one in chosen), "nobody named the machines' directories"
    assert not any(one.in_chosen for one in select_logs((str(journals / "aa"),), rotated=False))
    assert select_logs((str(journals),), rotated=True) == chosen


def test_a_folder_without_journals_is_an_input_that_cannot_be_read(tmp_path):
    assert [(one.name, one.named) for one in select_logs((str(tmp_path),), rotated=False)] == [(str(tmp_path), True)]


def test_a_folder_called_like_standard_input(journals, monkeypatch):
    (journals / "-").mkdir()
    make(journals / "-", "system.journal")
    monkeypatch.chdir(journals)
    assert [one.name for one in select_logs(("-",), rotated=False)] == ["-"]


def test_without_a_text_log_the_first_journal_that_exists_is_read(journals, tmp_path, monkeypatch):
    monkeypatch.setattr(select, "DEFAULT_LOGS", (str(tmp_path / "syslog"),))
    monkeypatch.setattr(select, "JOURNALS", (str(tmp_path / "none"), str(journals), str(journals / "aa")))
    of_all = [str(journals / machine / "system.journal") for machine in ("aa", "bb")]
    assert [one.name for one in select_logs((), rotated=False)] == of_all
    assert names(select_logs((), rotated=True)) == [ARCHIVED, CORRUPT, "system.journal"] * 2
    make(tmp_path, "syslog")
    assert names(select_logs((), rotated=False)) == ["syslog"]


def test_the_archived_siblings_of_a_journal(journals):
    named = str(journals / "aa" / "system.journal")
    chosen = select_logs((named,), rotated=True)
    assert names(chosen) == [ARCHIVED, CORRUPT, "system.journal"]
    assert [one.named for one in chosen] == [False, False, True]


def test_siblings_come_first_the_oldest_of_them_at_the_head(tmp_path):
    expected = ["log-20251231", "log-20260101.gz", "log-2026010203", "log.10.gz", "log.3", "log.2.gz", "log.1", "log"]
    make(tmp_path, *sorted(expected))
    chosen = select_logs((str(tmp_path / "log"),), rotated=True)
    assert names(chosen) == expected
    assert [one.named for one in chosen] == [False] * 7 + [True]


@pytest.mark.parametrize(
    "name",
    [
        *["log.old", "log.1.bak.gz", "log.12345", "log-2026", "log.1~", "log.", "log..1", "log.1."],
        *["xlog.1", "log1", "logs.1", "log.1\n"],
        "log.\u0661",
    ],
)
def test_what_is_no_sibling(tmp_path, name):
    make(tmp_path, "log", name)
    assert names(select_logs((str(tmp_path / "log"),), rotated=True)) == ["log"]


def test_a_name_in_the_current_folder(tmp_path, monkeypatch):
    make(tmp_path, "log", "log.1")
    monkeypatch.chdir(tmp_path)
    assert [one.name for one in select_logs(("log",), rotated=True)] == ["log.1", "log"]


def test_a_name_with_the_signs_of_a_pattern(tmp_path):
    make(tmp_path, "l[o]g*", "l[o]g*.1", "log.1")
    assert names(select_logs((str(tmp_path / "l[o]g*"),), rotated=True)) == ["l[o]g*.1", "l[o]g*"]


def test_stdin_and_folders_that_cannot_be_read_have_no_siblings(tmp_path, monkeypatch):
    make(tmp_path, "-.1")
    monkeypatch.chdir(tmp_path)
    assert names(select_logs(("-", "/nonexistent/log"), rotated=True)) == ["-", "log"]


def test_rotated_defaults(tmp_path, monkeypatch):
    make(tmp_path, "syslog", "syslog.1", "messages.1")
    monkeypatch.setattr(select, "DEFAULT_LOGS", tuple(str(tmp_path / name) for name in ("syslog", "messages")))
    assert names(select_logs((), rotated=True)) == ["syslog.1", "syslog"]
