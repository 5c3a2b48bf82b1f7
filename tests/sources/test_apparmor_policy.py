import os

from syslogparse.sources import apparmor_policy
from syslogparse.sources.apparmor_policy import installed_policy


def made(directory, files):
    for name, text in files.items():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text)
    return str(directory)


def test_profiles_abstractions_tunables_and_local_additions(tmp_path):
    files = {
        "usr.bin.x": b"1",
        "abstractions/base": b"2",
        "abstractions/ubuntu-browsers.d/java": b"3",
        "tunables/home.d/site.local": b"4",
        "local/usr.bin.x": b"\xff\0",
        "empty": b"",
    }
    others = {"cache/x": b"", "disable/x": b"", "usr.bin.x~": b"", ".x": b"", "x.dpkg-old": b"", "README": b"", "a.d/x": b""}
    assert installed_policy(made(tmp_path, files | others)) == files


def test_what_is_no_file_is_left_out(tmp_path):
    made(tmp_path, {"a": b"a", "target": b"t"})
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "link").symlink_to("target")
    (tmp_path / "gone").symlink_to("nowhere")
    (tmp_path / "null").symlink_to("/dev/null")
    assert installed_policy(str(tmp_path)) == {"a": b"a", "target": b"t", "link": b"t"}
    assert installed_policy(str(tmp_path / "missing")) == {}


def test_a_directory_that_holds_itself_ends(tmp_path):
    made(tmp_path, {"abstractions/a": b"a"})
    (tmp_path / "abstractions" / "again").symlink_to("..")
    assert set(installed_policy(str(tmp_path)).values()) == {b"a"}


def test_limits(tmp_path, monkeypatch):
    made(tmp_path, {"a": b"a" * 100, "b": b"b" * 100, "c": b"c" * 300, "d": b"d" * 100})
    monkeypatch.setattr(apparmor_policy, "FILE_LIMIT", 200)
    monkeypatch.setattr(apparmor_policy, "TOTAL_LIMIT", 250)
    assert set(installed_policy(str(tmp_path))) == {"a", "b"}
    monkeypatch.setattr(apparmor_policy, "MOST_FILES", 1)
    assert set(installed_policy(str(tmp_path))) == {"a"}
    monkeypatch.setattr(apparmor_policy, "_PIECE", 7)
    assert installed_policy(str(tmp_path))["a"] == b"a" * 100


def test_no_descriptor_stays_open(tmp_path):
    made(tmp_path, {"a": b"a", "c": b"c"})
    before = os.listdir("/proc/self/fd")
    installed_policy(str(tmp_path))
    assert os.listdir("/proc/self/fd") == before
