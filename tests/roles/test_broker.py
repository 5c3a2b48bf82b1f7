"""What the broker does with a status and a byte, in a directory of its own; its filter is asked in tests/sandbox."""

import errno
import os

import pytest

from syslogparse.roles import broker as broker_module
from syslogparse.roles.broker import Broker
from syslogparse.roles.validator import FAILED, GOOD, REFUSED
from syslogparse.sandbox import libc
from syslogparse.sandbox.outbox import aside, open_files

pytestmark = pytest.mark.root
NAMES = ("iptables.sh", "apparmor.rules", "seccomp.txt")
NEW = {name: f"new {name}".encode() for name in NAMES}


class Desk:
    """A directory, unnamed files with something in them, and the pipe of the verdict."""

    def __init__(self, stage, folder, *, replace):
        self.stage, self.folder = stage, folder
        self.directory = os.open(folder, os.O_RDONLY)
        self.box = open_files(self.directory, NAMES, replace=replace)
        for file, text in zip(self.box.files, NEW.values(), strict=True):
            os.write(file, text)
        self.read, self.write = stage.pipe()
        os.set_blocking(self.read, False)

    def publish(self, status, said=b"", *, ended=True):
        os.write(self.write, said) if said else None
        if ended:
            self.stage.close(self.write)
        made = Broker(self.box, self.read, "/where")
        return self.stage.run(lambda: os._exit(made.publish(status)))

    def found(self):
        return {path.name: path.read_bytes() for path in self.folder.iterdir()}

    def close(self):
        for descriptor in (*self.box.files, self.box.itself, self.directory):
            os.close(descriptor)


@pytest.fixture
def desk(stage, tmp_path):
    made = []

    def make(*, replace=False):
        folder = tmp_path / "box"
        folder.mkdir(mode=0o700, exist_ok=True)
        made.append(Desk(stage, folder, replace=replace))
        return made[-1]

    yield make
    for each in made:
        each.close()


@pytest.mark.parametrize("status", [0, 1, 3])
@pytest.mark.parametrize("bits", range(8))
def test_the_files_that_hold_something_get_their_names(desk, status, bits):
    made = desk()
    wanted = {name: NEW[name] for number, name in enumerate(NAMES) if bits >> number & 1}
    done = made.publish(status, bytes([GOOD | bits]))
    assert (done.status, done.out) == (status, b"")
    assert made.found() == wanted
    said = "".join(f"syslogparse: wrote /where/{name}\n" for name in wanted)
    assert done.err.decode() == (said or "syslogparse: there is nothing to suggest, and no file was written\n")
    assert {path.stat().st_mode & 0o7777 for path in made.folder.iterdir()} <= {0o600}
    assert {path.stat().st_nlink for path in made.folder.iterdir()} <= {1}


def test_older_files_are_replaced_and_no_other_name_is_left(desk, tmp_path):
    folder = tmp_path / "box"
    folder.mkdir(mode=0o700)
    (folder / NAMES[0]).write_text("old")
    (folder / NAMES[2]).write_text("old")
    made = desk(replace=True)
    assert made.publish(0, bytes([GOOD | 0b011])).status == 0
    assert made.found() == {NAMES[0]: NEW[NAMES[0]], NAMES[1]: NEW[NAMES[1]], NAMES[2]: b"old"}


@pytest.mark.parametrize("status", [4, 5, 2, 70, 255])
def test_a_run_that_did_not_end_well_writes_nothing(desk, status):
    made = desk()
    done = made.publish(status, bytes([GOOD | 0b111]))
    assert (done.status, made.found()) == (status, {})
    assert done.err == b"syslogparse: no file was written, because the run did not end well\n"


@pytest.mark.parametrize("byte", sorted(set(range(256)) - {GOOD | bits for bits in range(64)}))
def test_every_other_byte_is_a_refusal(desk, byte):
    made = desk()
    done = made.publish(0, bytes([byte]))
    assert (done.status, made.found()) == (5, {})
    if byte & FAILED:
        assert done.err.startswith(b"syslogparse: the files could not be written: ")
    else:
        assert done.err == b"syslogparse: internal: a rule failed its grammar; no file was written\n"


@pytest.mark.parametrize("said", [b"", bytes([GOOD | 1, GOOD | 1]), bytes([GOOD | 1, REFUSED]), bytes([GOOD]) * 100])
def test_not_one_byte(desk, said):
    made = desk()
    done = made.publish(0, said)
    assert (done.status, made.found()) == (5, {})
    assert done.err == b"syslogparse: the validator did not end as it should; no file was written\n"


@pytest.mark.parametrize("said", [b"", bytes([GOOD | 0b111])])
def test_a_validator_that_lives_could_still_write(desk, said):
    made = desk()
    assert made.publish(0, said, ended=False).status == 5
    assert made.found() == {}


def test_the_words_for_a_full_disk(desk):
    done = desk().publish(0, bytes([FAILED | errno.ENOSPC]))
    assert done.err == b"syslogparse: the files could not be written: No space left on device\n"


@pytest.mark.parametrize("taken", NAMES)
def test_without_force_nothing_is_replaced_and_all_is_taken_back(desk, taken):
    made = desk()
    (made.folder / taken).write_text("theirs")
    done = made.publish(0, bytes([GOOD | 0b111]))
    assert (done.status, made.found()) == (5, {taken: b"theirs"})
    assert done.err == b"syslogparse: the files could not be written: File exists\n"


CALLS = ("fsync", "link", "rename", "unlink")


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("at", [1, 2, 3, 4])
@pytest.mark.parametrize("replace", [False, True])
def test_each_call_fails_once(desk, tmp_path, monkeypatch, call, at, replace):
    """Under each name stands the old file, the new one or none; no name aside is left."""
    folder = tmp_path / "box"
    folder.mkdir(mode=0o700)
    if replace:
        (folder / NAMES[0]).write_text("old")
    made = desk(replace=replace)
    numbers = {broker_module._LINK: "link", broker_module._RENAME: "rename", broker_module._UNLINK: "unlink"}
    seen = dict.fromkeys(CALLS, 0)
    honest, fsync = libc.system_call, os.fsync

    def counted(name):
        seen[name] += 1
        if (name, seen[name]) == (call, at):
            raise OSError(errno.EIO, "injected")

    def system_call(number, *arguments):
        counted(numbers[number])
        honest(number, *arguments)

    def sync(descriptor):
        counted("fsync")
        fsync(descriptor)

    monkeypatch.setattr(broker_module, "system_call", system_call)
    monkeypatch.setattr(os, "fsync", sync)
    done = made.publish(0, bytes([GOOD | 0b111]))
    happens = {"fsync": 4, "link": 3, "rename": 3 if replace else 0, "unlink": 0}[call] >= at
    assert done.status == (5 if happens else 0)
    found = made.found()
    for name, text in found.items():
        assert text in {NEW[name], b"old"}, name
    assert not {aside(name) for name in NAMES} & set(found)
    if not happens:
        assert found == NEW
    elif call in {"fsync", "link"} and at < 4:
        assert found == ({NAMES[0]: b"old"} if replace else {})
    elif call == "rename":
        assert [text for name, text in sorted(found.items()) if text != b"old"] == [NEW[name] for name in sorted(NAMES[: at - 1])]


def test_its_filter_knows_these_calls_and_no_other(desk):
    made = desk()
    one = Broker(made.box, made.read, "/where")
    channels = one.channels(99)
    assert channels.reads == (made.read,)
    assert channels.writes == (2, 99)
    assert channels.syncs == (*made.box.files, made.directory)
    assert channels.links == tuple(file.link for file in one._files)
    assert channels.unlinks == tuple(file.unlink for file in one._files)
    assert channels.renames == ()
    assert channels.descriptors() == sorted({made.read, 2, 99, *made.box.files, made.directory, made.box.itself})


def test_its_filter_with_force(desk):
    made = desk(replace=True)
    one = Broker(made.box, made.read, "/where")
    channels = one.channels(99)
    assert channels.links == tuple(file.link_aside for file in one._files)
    assert channels.unlinks == tuple(file.unlink_aside for file in one._files)
    assert channels.renames == tuple(file.rename for file in one._files)


def test_a_stderr_that_is_full_or_closed_is_no_reason_to_stop(desk):
    made = desk()
    os.write(made.write, bytes([GOOD | 1]))
    made.stage.close(made.write)
    one = Broker(made.box, made.read, "/where")

    def act():
        os.close(2)
        os._exit(one.publish(0))

    assert made.stage.run(act).status == 0
    assert made.found() == {NAMES[0]: NEW[NAMES[0]]}
