"""The directory of --output, looked at as root; the installed command is asked in tests/e2e/test_output_files.py."""

import errno
import fcntl
import os
import socket
import stat
import struct

import pytest

from syslogparse.sandbox import launch, outbox
from syslogparse.sandbox.outbox import OutboxRefused, aside, open_directory, open_files
from tests.sandbox.children import in_child

pytestmark = pytest.mark.root
NAMES = ("iptables.sh", "apparmor.rules")


@pytest.fixture
def folder(tmp_path):
    made = tmp_path / "box"
    made.mkdir(mode=0o700)
    return made


@pytest.fixture
def directory(folder):
    descriptor = os.open(folder, os.O_RDONLY)
    yield descriptor
    os.close(descriptor)


def _opened():
    return set(os.listdir("/proc/self/fd"))


def _refused(path) -> OutboxRefused:
    before = _opened()
    with pytest.raises(OutboxRefused) as caught:
        open_directory(str(path))
    assert _opened() == before
    assert caught.value.hint
    return caught.value


@pytest.mark.parametrize("tail", ["", "/", "//"])
def test_a_directory_that_only_root_can_write(folder, tail):
    descriptor = open_directory(str(folder) + tail)
    try:
        assert os.path.samestat(os.fstat(descriptor), os.stat(folder))
        assert not os.get_inheritable(descriptor)
    finally:
        os.close(descriptor)


@pytest.mark.parametrize("mode", [0o770, 0o720, 0o702, 0o1777, 0o777, 0o1703])
def test_others_can_write(folder, mode):
    folder.chmod(mode)
    assert _refused(folder).problem == "others can write in it"


@pytest.mark.parametrize("mode", [0o700, 0o750, 0o755, 0o2755, 0o705])
def test_others_may_read(folder, mode):
    folder.chmod(mode)
    os.close(open_directory(str(folder)))


@pytest.mark.parametrize("owner", [(1000, 1000), (1000, 0), (65534, 65534)])
def test_another_owner(folder, owner):
    os.chown(folder, *owner)
    assert _refused(folder).problem == "belongs to somebody else"


def _let_user_1000_write(folder):
    # acl(5): with a list of access rights the group's bits of the mode are its mask. The format is linux/posix_acl_xattr.h's.
    entries = [(0x01, 7, -1), (0x02, 7, 1000), (0x04, 0, -1), (0x10, 7, -1), (0x20, 0, -1)]
    listed = struct.pack("<I", 2) + b"".join(struct.pack("<HHi", *entry) for entry in entries)
    try:
        os.setxattr(folder, "system.posix_acl_access", listed)
    except OSError as error:
        if error.errno != errno.EOPNOTSUPP:
            raise
        pytest.skip("this file system has no lists of access rights")


def test_an_access_list_shows_in_the_mode(folder):
    _let_user_1000_write(folder)
    assert _refused(folder).problem == "others can write in it"


def test_an_access_list_above_it_though_the_group_is_roots(tmp_path):
    above = tmp_path / "above"
    above.mkdir(mode=0o755)
    (above / "box").mkdir(mode=0o700)
    above.chmod(0o775)
    os.close(open_directory(str(above / "box")))  # group root alone may write there
    _let_user_1000_write(above)
    assert above.stat().st_gid == 0
    assert _refused(above / "box").problem == f"{above} can be changed by somebody else"


def test_the_directory_that_was_opened_is_the_one_that_the_name_leads_to(tmp_path, folder, monkeypatch):
    looked_at = launch.writable_by_others

    def replaced(paths, owners):
        folder.rename(tmp_path / "moved")
        folder.mkdir(mode=0o700)
        return looked_at(paths, owners)

    monkeypatch.setattr(outbox, "writable_by_others", replaced)
    assert _refused(folder).problem == "it was moved while it was looked at"


def test_somebody_above_can_rename_it(tmp_path, folder):
    os.chown(tmp_path, 1000, 1000)
    try:
        assert _refused(folder).problem == f"{tmp_path} can be changed by somebody else"
    finally:
        os.chown(tmp_path, 0, 0)


def test_a_way_that_leads_through_somebody_elses_link(tmp_path, folder):
    theirs = tmp_path / "theirs"
    theirs.mkdir()
    (theirs / "way").symlink_to(tmp_path)
    os.chown(theirs, 1000, 1000)
    assert _refused(theirs / "way" / "box").problem == f"{theirs} can be changed by somebody else"


@pytest.mark.parametrize("tail", ["", "/"])
def test_a_link(tmp_path, folder, tail):
    (tmp_path / "link").symlink_to(folder)
    assert _refused(f"{tmp_path}/link{tail}").problem == "is a symbolic link"


def test_no_directory(tmp_path):
    (tmp_path / "file").write_text("x")
    os.mkfifo(tmp_path / "fifo")
    for name in ("file", "fifo"):
        assert _refused(tmp_path / name).problem == "is no directory"
    assert _refused(tmp_path / "missing").problem == "no such file or directory"
    assert _refused("a\0b").problem == "embedded null byte"
    assert _refused("").problem


def test_a_second_run_is_kept_out_until_the_first_is_gone(folder):
    first = open_directory(str(folder))
    assert _refused(folder).problem == "another run is writing there"
    child = os.fork()  # a process of the first run keeps the lock for all of them
    if child == 0:
        os.read(os.open("/dev/zero", os.O_RDONLY), 1)
        os._exit(0)
    os.waitpid(child, 0)
    os.close(first)
    os.close(open_directory(str(folder)))


def test_a_file_system_without_locks(folder, monkeypatch):
    def refuse(*_):
        raise OSError(errno.EBADF, "Bad file descriptor")

    monkeypatch.setattr(fcntl, "flock", refuse)
    assert "cannot be locked" in _refused(folder).problem


def test_a_user_has_a_directory_of_his_own(tmp_path, folder):
    os.chown(folder, 1000, 1000)
    tmp_path.chmod(0o755)
    for above in [*tmp_path.parents][:-2]:
        above.chmod(above.stat().st_mode | 0o055)

    def act(uid) -> str:
        os.setresuid(uid, uid, uid)
        try:
            os.close(open_directory(str(folder)))
        except OutboxRefused as refusal:
            return refusal.problem
        return "taken"

    assert in_child(lambda: act(1000)).value == "taken"
    assert in_child(lambda: act(1001)).value in {"belongs to somebody else", "permission denied"}


def test_files_without_a_name(folder, directory):
    box = open_files(directory, NAMES, replace=False)
    try:
        assert os.listdir(folder) == []
        assert (box.names, box.directory, box.replace, len(box.files)) == (NAMES, directory, False, 2)
        for file in box.files:
            status = os.fstat(file)
            assert (stat.S_IMODE(status.st_mode), status.st_uid, status.st_nlink, status.st_size) == (0o600, 0, 0, 0)
            assert fcntl.fcntl(file, fcntl.F_GETFL) & os.O_ACCMODE == os.O_WRONLY
            assert os.readlink(str(file), dir_fd=box.itself) == os.readlink(f"/proc/self/fd/{file}")
    finally:
        for descriptor in (*box.files, box.itself):
            os.close(descriptor)


def _files_refused(directory, *, replace) -> OutboxRefused:
    before = _opened()
    with pytest.raises(OutboxRefused) as caught:
        open_files(directory, NAMES, replace=replace)
    assert _opened() == before
    assert caught.value.hint
    return caught.value


def test_a_name_that_is_taken(folder, directory):
    (folder / NAMES[1]).write_text("old")
    refusal = _files_refused(directory, replace=False)
    assert (refusal.problem, refusal.hint) == ("apparmor.rules is there already", "--force replaces it")
    box = open_files(directory, NAMES, replace=True)
    assert box.replace
    assert (folder / NAMES[1]).read_text() == "old"
    for descriptor in (*box.files, box.itself):
        os.close(descriptor)


@pytest.mark.parametrize("name", [NAMES[0], aside(NAMES[0])])
@pytest.mark.parametrize("replace", [False, True])
@pytest.mark.parametrize("kind", ["directory", "link", "dangling", "fifo", "socket"])
def test_what_is_no_regular_file_is_left_alone(folder, directory, name, replace, kind):
    path = folder / name
    (folder / "target").write_text("target")
    if kind == "directory":
        path.mkdir()
    elif kind == "fifo":
        os.mkfifo(path)
    elif kind == "socket":
        with socket.socket(socket.AF_UNIX) as made:
            made.bind(str(path))
    else:
        path.symlink_to("target" if kind == "link" else "nowhere")
    assert "no regular file" in _files_refused(directory, replace=replace).problem
    assert os.path.lexists(path)
    assert (folder / "target").read_text() == "target"


@pytest.mark.parametrize("replace", [False, True])
def test_remains_of_a_killed_run_are_removed(folder, directory, replace):
    (folder / aside(NAMES[0])).write_text("half")
    (folder / ".other.new").write_text("not ours")
    box = open_files(directory, NAMES, replace=replace)
    assert os.listdir(folder) == [".other.new"]
    for descriptor in (*box.files, box.itself):
        os.close(descriptor)


@pytest.mark.parametrize(
    ("number", "words"),
    [(errno.EOPNOTSUPP, "O_TMPFILE"), (errno.EISDIR, "O_TMPFILE"), (errno.EROFS, "Read-only"), (errno.ENOSPC, "No space left")],
)
def test_a_file_system_that_makes_none(directory, monkeypatch, number, words):
    opens = os.open
    made = []

    def fails(path, flags, *arguments, **more):
        if flags & os.O_TMPFILE == os.O_TMPFILE and path == ".":
            made.append(path)
            if len(made) == 2:  # the first one succeeded, and is not left open
                raise OSError(number, os.strerror(number))
        return opens(path, flags, *arguments, **more)

    monkeypatch.setattr(os, "open", fails)
    assert words in _files_refused(directory, replace=False).problem


def test_without_proc(directory, monkeypatch):
    opens = os.open

    def fails(path, *arguments, **more):
        if path == "/proc/self/fd":
            raise FileNotFoundError(errno.ENOENT, "No such file or directory")
        return opens(path, *arguments, **more)

    monkeypatch.setattr(os, "open", fails)
    refusal = _files_refused(directory, replace=False)
    assert (refusal.problem, refusal.hint) == ("/proc/self/fd: No such file or directory", "mount /proc")


def test_the_name_aside_cannot_be_taken_for_the_file():
    assert aside("iptables.sh") == ".iptables.sh.new"
