"""The journal, read from its own files by the installed command: which files, how far they are believed, what is lost."""

import gzip
import json
import lzma
import os
import shutil
from collections import Counter
from pathlib import Path

import pytest

from syslogparse.sources.journallayout import ENTRY
from syslogparse.sources.trust import machine_id
from tests.e2e.harness import USER, done, own_mounts
from tests.sources.journals import objects

pytestmark = pytest.mark.root

DATA = Path(__file__).parents[1] / "data" / "journal"
KINDS = [f"{layout}-{packed}" for layout in ("regular", "compact") for packed in ("xz", "lz4", "zstd")]
ARCHIVED = "system@00065a1b00000000000000000000ab01-0000000000000001-00065a1b2c3d4e5f.journal"
EVENTS = {"netfilter": 3, "apparmor": 45, "seccomp": 19}
TRUST = {"kernel": 60, "syslog": 7}
"""Of the fixtures: the seven are what message buses say, which anybody may call himself."""


@pytest.fixture(scope="module")
def journals(stage):
    """The real files, unpacked, each under a name that says nothing."""
    folder = stage / "journals"
    folder.mkdir()
    for path in DATA.glob("*.xz"):
        (folder / path.stem.removesuffix(".journal")).write_bytes(lzma.decompress(path.read_bytes()))
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def place(stage, journals):
    """A directory of root's, for a journal to stand in, and a function that puts one there."""
    folder = stage / "place"
    folder.mkdir(mode=0o755)

    def put(name: str = "system.journal", kind: str = "compact-zstd") -> Path:
        path = folder / name
        path.parent.mkdir(mode=0o755, exist_ok=True)
        shutil.copy(journals / kind, path)
        path.chmod(0o640)
        return path

    yield put
    shutil.rmtree(folder)


def _summary(ended, status=0, err=b""):
    assert (ended.status, ended.err) == (status, err)
    return json.loads(ended.out)["summary"]


def _events(ended):
    assert (ended.status, ended.err) == (0, b"")
    return [json.loads(line) for line in ended.out.splitlines()]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("jobs", ["1", "3"])
def test_a_named_file_of_each_kind(command, place, kind, jobs):
    path = place(kind=kind)
    summary = _summary(done([command, "-j", jobs, "-f", "json", path]))
    assert (summary["events"], summary["trust"], summary["complete"]) == (EVENTS, TRUST, True)
    events = _events(done([command, "-j", jobs, "-f", "events", path]))
    assert Counter(event["kind"] for event in events) == EVENTS
    assert Counter(event["trust"] for event in events) == TRUST
    assert {event["host"] for event in events} == {"vmrig"}
    assert all(event["time"] for event in events)
    numbers = [event["line"] for event in events]
    assert numbers == sorted(set(numbers)), "a journal has no lines: its entries are counted"
    assert numbers[-1] <= summary["lines"]


def _said(events):
    return [(event["kind"], event["time"], event["fields"]) for event in events]


def test_what_journalctl_makes_of_it_says_the_same_and_is_worth_less(command, journals, place):
    native = _events(done([command, "-f", "events", place()]))
    assert all(_said(_events(done([command, "-f", "events", place(kind=kind)]))) == _said(native) for kind in KINDS)
    for form in ("journalctl.export", "journalctl.json"):
        told = _events(done([command, "-f", "events", journals / form]))
        assert _said(told) == _said(native)
        assert {event["trust"] for event in told} == {"syslog"}


def test_the_same_events_in_two_forms_count_once(command, journals, place):
    alone = json.loads(done([command, "-f", "json", place()]).out)["suggestions"]
    both = json.loads(done([command, "-f", "json", place(), journals / "journalctl.json"]).out)["suggestions"]
    assert [one["id"] for one in both] == [one["id"] for one in alone]
    compared = 0
    for one, other in zip(alone, both, strict=True):
        if one["trust"] == "kernel" and one["kind"] in {"apparmor", "seccomp"}:
            assert (other["count"], other["trust"]) == (one["count"], "kernel"), other["rule"]
            compared += 1
    assert compared > 5


def test_a_file_is_a_journal_by_its_bytes_and_believed_by_its_name(command, place, small):
    other = place(name="syslog")
    assert _summary(done([command, "-f", "json", other]))["trust"] == {"syslog": 67}
    text = place(name="text.journal")
    text.write_bytes(small.read_bytes())
    assert _summary(done([command, "-f", "json", text]))["trust"].keys() == {"syslog"}
    logs = [place(name=name) for name in ("audit.log", "kern.log")]
    assert _summary(done([command, "-f", "json", *logs]))["trust"] == {"syslog": 134}, "these names are for text"


OTHERS = {
    "owner": lambda path: os.chown(path, USER, 0),
    "writable": lambda path: path.chmod(0o646),
    "writable for a group": lambda path: path.chmod(0o660),
    "directory of another": lambda path: os.chown(path.parent, USER, 0),
    "writable directory": lambda path: path.parent.chmod(0o1777),
}


@pytest.mark.parametrize("change", OTHERS.values(), ids=OTHERS)
def test_who_else_can_write_it_decides_what_it_is_worth(command, place, change):
    path = place()
    change(path)
    assert _summary(done([command, "-f", "json", path]))["trust"] == {"syslog": 67}
    document = json.loads(done([command, "-f", "json", "--trust", "kernel", path]).out)
    assert document["suggestions"] == []
    assert document["summary"]["not_suggested"] == {"below the trust asked for": 67}


@pytest.mark.parametrize("folder", ["remote", "ab" * 16, "ab" * 16 + ".app"])
def test_the_journal_of_another_machine_is_worth_little(command, place, folder):
    path = place(name=f"{folder}/system.journal")
    assert _summary(done([command, "-f", "json", path]))["trust"] == {"syslog": 67}


def test_trust_kernel_leaves_the_buses_out(command, place):
    events = _events(done([command, "-f", "events", "--trust", "kernel", place()]))
    assert {event["trust"] for event in events} == {"kernel"}
    assert len(events) == TRUST["kernel"]
    assert not any(str(event["fields"].get("operation", "")).startswith("dbus_") for event in events)


def test_a_named_directory(command, place):
    active, archived = place(), place(name=ARCHIVED, kind="regular-xz")
    machine = place(name="machine/system.journal", kind="regular-lz4")
    for name in ("user-1000.journal", "system.journal.bak", "other.journal", "syslog"):
        place(name=name).write_bytes(b"must not be read")
    summary = _summary(done([command, "-f", "json", active.parent]))
    assert summary["files"] == [str(path) for path in (archived, active, machine)]
    assert summary["events"] == {kind: 3 * count for kind, count in EVENTS.items()}
    assert summary["trust"] == {grade: 3 * count for grade, count in TRUST.items()}
    assert _summary(done([command, "-f", "json", "--rotated", active.parent]))["files"] == summary["files"]


def test_a_directory_without_journals(command, stage):
    (stage / "empty").mkdir()
    ended = done([command, stage / "empty"])
    (stage / "empty").rmdir()
    assert (ended.status, ended.out) == (3, b"")
    assert b"is a directory without system journals; name the logs in it" in ended.err


def test_links_that_others_may_have_planted_in_a_named_directory(command, place, journals, tmp_path):
    active = place()
    folder = active.parent
    (tmp_path / "secret").mkdir()
    shutil.copy(journals / "regular-xz", tmp_path / "secret" / "system.journal")
    (folder / "machine").symlink_to(tmp_path / "secret")
    (folder / ARCHIVED).symlink_to(tmp_path / "secret" / "system.journal")
    links = [str(folder / ARCHIVED), str(folder / "machine" / "system.journal")]
    # Where only root can have made them they are followed.
    assert set(_summary(done([command, "-f", "json", folder]))["files"]) == {str(active), *links}
    folder.chmod(0o1777)
    ended = done([command, "-f", "json", folder])
    words = b"is a symbolic link in a directory that others can write"
    assert (ended.status, ended.err.count(words)) == (3, 2)
    summary = json.loads(ended.out)["summary"]
    assert (summary["files"], sorted(summary["unreadable"])) == ([str(active)], sorted(links))


FRESH = "mount -t tmpfs -o mode=755 none /var/log; [ ! -d /run/log ] || mount -t tmpfs -o mode=755 none /run/log"


def _default(journals: Path, *names: str, folder: str = "/var/log/journal") -> str:
    """A shell command that makes the usual logs: none but the journal of this machine."""
    machine = f"{folder}/{machine_id() or 'local'}"
    copies = "; ".join(f"cp {journals}/compact-zstd {machine}/{name}" for name in names)
    return f"{FRESH}; mkdir -p {machine}; cd {machine}; {copies}; chmod 640 *; chmod 2755 ."


def test_the_journal_is_the_default_where_there_is_no_text_log(command, journals):
    setup = _default(journals, "system.journal", ARCHIVED, "user-1000.journal")
    summary = _summary(done(own_mounts(setup, command, "-f", "json")))
    (file,) = summary["files"]
    assert file.startswith("/var/log/journal/")
    assert file.endswith("/system.journal")
    assert (summary["events"], summary["trust"]) == (EVENTS, TRUST)
    rotated = _summary(done(own_mounts(setup, command, "-f", "json", "--rotated")))
    assert [name.rpartition("/")[2] for name in rotated["files"]] == [ARCHIVED, "system.journal"]
    events = _events(done(own_mounts(setup, command, "-f", "events")))
    assert Counter(event["trust"] for event in events) == TRUST


def test_the_journal_in_memory(command, journals):
    setup = "[ -d /run/log ] || { mount -t tmpfs -o mode=755 none /run; mkdir /run/log; }; "
    setup += _default(journals, "system.journal", folder="/run/log/journal")
    summary = _summary(done(own_mounts(setup, command, "-f", "json")))
    assert [name.startswith("/run/log/journal/") for name in summary["files"]] == [True]


def test_a_text_log_is_preferred(command, journals, small):
    setup = f"{_default(journals, 'system.journal')}; cp {small} /var/log/syslog"
    assert _summary(done(own_mounts(setup, command, "-f", "json")))["files"] == ["/var/log/syslog"]


def test_a_journal_that_is_cut_short_is_read_as_far_as_it_goes(command, place, small):
    path = place()
    whole = path.read_bytes()
    entries = list(objects(whole, ENTRY))
    path.write_bytes(whole[: entries[len(entries) // 2]])
    words = f"syslogparse: {path}: the journal file is damaged; what stands before was read\n".encode()
    summary = _summary(done([command, "-f", "json", path, small]), 3, words)
    assert (summary["complete"], summary["unreadable"]) == (False, [str(path)])
    alone = json.loads(done([command, "-f", "json", small]).out)["summary"]["events"]
    assert sum(summary["events"].values()) > sum(alone.values()) + 10


def test_a_compressed_journal_says_what_to_do(command, place):
    path = place(name="system.journal.gz")
    path.write_bytes(gzip.compress(path.read_bytes()))
    ended = done([command, "-f", "json", path])
    assert ended.status == 3
    assert b"a compressed journal file has to be unpacked first" in ended.err


@pytest.mark.parametrize("at", [8, 12, 88, 96, 120, 128, 136, 144, 152, 176])
def test_a_header_that_lies_ends_no_parser(command, place, small, at):
    path = place()
    data = bytearray(path.read_bytes())
    data[at : at + 8] = b"\xff" * 8
    path.write_bytes(data)
    ended = done([command, "-f", "json", path, small])
    assert ended.status in {0, 3}
    assert b"INCOMPLETE" not in ended.err
    assert str(small) in json.loads(ended.out)["summary"]["files"]
