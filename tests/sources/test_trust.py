import os
import stat

import pytest

from syslogparse.sources import trust
from syslogparse.sources.trust import UNTRUSTED, Account, Grades, grades, machine_id, shared, syslog_user

SYSLOG, SYSLOG_GROUP = 104, 110


def status(mode=0o640, uid=0, gid=0, kind=stat.S_IFREG):
    return os.stat_result((kind | mode, 0, 0, 1, uid, gid, 0, 0, 0, 0))


def directory(mode=0o755, uid=0, gid=0):
    return status(mode, uid, gid, stat.S_IFDIR)


AUDIT = Grades("kernel", "syslog")
KERN = Grades("syslog", "kern")
JOURNAL = Grades("syslog", "syslog", "kernel")


@pytest.mark.parametrize(
    ("name", "file", "folder", "expected"),
    [
        ("audit.log", status(), directory(), AUDIT),
        ("audit.log.1", status(), directory(), AUDIT),
        ("audit.log", status(0o660), directory(), UNTRUSTED),
        ("audit.log", status(), directory(0o775), UNTRUSTED),
        ("kern.log", status(), directory(uid=1000), UNTRUSTED),
        ("kern.log", status(), directory(0o777), UNTRUSTED),
        ("kern.log", status(), directory(0o775, gid=1000), UNTRUSTED),
        ("audit.log", status(uid=1), directory(), UNTRUSTED),
        ("audit.log", status(0o642), directory(), UNTRUSTED),
        ("audit.log", status(0o660, gid=4), directory(), UNTRUSTED),
        ("audit.log", status(), directory(uid=1), UNTRUSTED),
        ("audit.log", status(), directory(0o777), UNTRUSTED),
        ("audit.log", status(), directory(0o1777), UNTRUSTED),
        ("audit.log", status(), directory(0o775, gid=4), UNTRUSTED),
        ("kern.log", status(uid=SYSLOG, gid=4), directory(0o775, gid=SYSLOG_GROUP), KERN),
        ("kern.log.1", status(), directory(), KERN),
        ("ufw.log", status(uid=SYSLOG), directory(), KERN),
        ("ufw.log-20261122", status(), directory(), KERN),
        ("kern.log", status(uid=1000), directory(), UNTRUSTED),
        ("kern.log", status(0o646), directory(), UNTRUSTED),
        ("kern.log", status(0o660, gid=4), directory(), UNTRUSTED),
        ("system.journal", status(gid=999), directory(0o2755, gid=999), JOURNAL),
        ("system@00065a-1.journal", status(), directory(), JOURNAL),
        ("system.journal", status(0o660, gid=999), directory(), UNTRUSTED),
        ("system.journal", status(uid=1000), directory(), UNTRUSTED),
        ("system.journal", status(), directory(0o777), UNTRUSTED),
        ("system.journal", status(), directory(uid=1000), UNTRUSTED),
        ("system.journal.gz", status(), directory(), UNTRUSTED),
        ("syslog", status(), directory(), UNTRUSTED),
        ("messages", status(), directory(), UNTRUSTED),
        ("my-kern.log", status(), directory(), UNTRUSTED),
        ("Audit.log", status(), directory(), UNTRUSTED),
    ],
)
def test_grades(name, file, folder, expected):
    assert grades(f"/var/log/{name}", file, folder, Account(SYSLOG, SYSLOG_GROUP)) == expected


def test_what_another_machine_sent_is_not_believed():
    assert grades("/var/log/journal/remote/system.journal", status(), directory(), None) == UNTRUSTED
    assert grades("/var/log/journal/0123/system.journal", status(), directory(), None) == JOURNAL


@pytest.mark.parametrize("folder", ["ab" * 16, "ab" * 16 + ".app"])
def test_the_journals_of_another_machine_are_not_believed(folder):
    """A container's root is root here too, where it has no user namespace, and systemd-nspawn links its journal to the host's."""
    path = f"/var/log/journal/{folder}/system.journal"
    assert grades(path, status(), directory(), None, "ab" * 16) == JOURNAL
    assert grades(path, status(), directory(), None, "cd" * 16) == UNTRUSTED
    assert grades(path, status(), directory(), None) == UNTRUSTED


def test_the_id_of_this_machine(tmp_path, monkeypatch):
    monkeypatch.setattr(trust, "_MACHINE_ID", str(tmp_path / "machine-id"))
    assert machine_id() == ""
    for text, expected in ((b"ab" * 16 + b"\n", "ab" * 16), (b"uninitialized\n", "uninitialized"), (b"\xff", "\ufffd")):
        (tmp_path / "machine-id").write_bytes(text)
        assert machine_id() == expected


def test_the_folders_name_grants_nothing():
    assert grades("/tmp/audit.log/kern.log.d/x", status(), directory(), None) == UNTRUSTED


def test_without_a_user_syslog_only_root_may_own_it():
    assert grades("/var/log/kern.log", status(uid=SYSLOG), directory(), None) == UNTRUSTED
    assert grades("/var/log/kern.log", status(), directory(), None) == KERN


@pytest.mark.parametrize(
    ("mode", "gid", "expected"),
    [(0o644, 4, False), (0o664, 4, True), (0o664, 0, True), (0o646, 0, True), (0o600, 4, False), (0o1777, 0, True)],
)
def test_who_else_can_write(mode, gid, expected):
    assert shared(status(mode, gid=gid)) is expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (b"root:x:0:0::/:/bin/sh\nsyslog:x:104:110::/home/syslog:/bin/false\n", Account(104, 110)),
        (b"syslog-ng:x:9:9::/:/\n", None),
        (b"x:syslog:5:5::/:/\n", None),
        (b"syslog\nsyslog:x\n", None),
        (b"syslog:x:-1:5\n", None),
        (b"syslog:x::5\n", None),
        (b"syslog:x:5\n", None),
        (b"syslog:x:5:x:\n", None),
        (b"syslog:x:\xb2:5\n", None),
        (b"", None),
        (b"\xff\xfe\0\nsyslog:x:7:7::/:/", Account(7, 7)),
    ],
)
def test_the_user_syslog(tmp_path, monkeypatch, text, expected):
    passwd = tmp_path / "passwd"
    passwd.write_bytes(text)
    monkeypatch.setattr(trust, "_PASSWD", str(passwd))
    assert syslog_user() == expected


def test_no_passwd(monkeypatch):
    monkeypatch.setattr(trust, "_PASSWD", "/nonexistent/passwd")
    assert syslog_user() is None
