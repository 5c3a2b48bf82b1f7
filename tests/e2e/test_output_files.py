"""--output with the installed command: what is written, what is refused, and what is left when something goes wrong."""

import json
import os
import shutil
import signal
import stat
import subprocess

import pytest

from tests.e2e.harness import USER, Gate, as_user, done, driver, own_mounts, running

pytestmark = pytest.mark.root

NAMES = {
    "iptables": "iptables.sh",
    "nftables": "nftables.nft",
    "ufw": "ufw.sh",
    "apparmor": "apparmor.rules",
    "seccomp": "seccomp.txt",
}
HEADING = b"\n\n# ==== "


@pytest.fixture
def box(tmp_path):
    made = tmp_path / "box"
    made.mkdir(mode=0o700)
    return made


def content(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def sections(printed):
    """The rules by language, each with the head."""
    rules = printed.split(b"\n\n# No rule for ")[0]  # what is said of no language
    head, *parts = rules.removesuffix(b"\n").split(HEADING)
    return {part.split(b" ", 1)[0].decode(): head + HEADING + part + b"\n" for part in parts}


def told(box, *names):
    return "".join(f"syslogparse: wrote {box}/{name}\n" for name in names).encode()


@pytest.mark.parametrize("firewall", ["iptables", "nftables", "ufw"])
def test_a_file_holds_what_rules_prints_for_its_language(command, small, box, firewall):
    ended = done([command, "-f", "rules", "--firewall", firewall, "-o", box, small])
    wanted = {NAMES[language]: text for language, text in sections(ended.out).items()}
    assert len(wanted) == 3
    assert content(box) == wanted
    assert (ended.status, ended.err) == (0, told(box, *wanted))


@pytest.mark.parametrize("form", ["text", "json"])
def test_other_formats_are_printed_as_ever(command, small, tmp_path, box, form):
    plain, ended = done([command, "-f", form, small]), done([command, "-f", form, "-o", box, small])
    assert len(content(box)) == 3
    if form == "text":
        assert [line for line in ended.out.splitlines() if b" validator 7" not in line] == [
            line for line in plain.out.splitlines() if b" allows: parser " not in line
        ]
    else:
        with_files, without = json.loads(ended.out), json.loads(plain.out)
        filters = with_files["summary"]["sandbox"].pop("seccomp")
        without["summary"]["sandbox"].pop("seccomp")
        assert with_files == without
        assert set(filters) == {"parser", "analyst", "validator", "supervisor"}


def test_mode_and_owner(command, small, box):
    done([command, "-f", "json", "-o", box, small])
    for path in box.iterdir():
        found = path.stat()
        assert (stat.S_IMODE(found.st_mode), found.st_uid, found.st_nlink) == (0o600, 0, 1)
        assert stat.S_ISREG(found.st_mode)


def test_only_the_kinds_that_were_asked_for(command, small, box):
    (box / "iptables.sh").write_text("not in the way")
    done([command, "-k", "seccomp", "-f", "rules", "-o", box, small])
    assert sorted(content(box)) == ["iptables.sh", "seccomp.txt"]


def test_nothing_to_suggest(command, tmp_path, box):
    (tmp_path / "log").write_text("Nov 22 06:20:01 gw cron[1]: nothing\n")
    ended = done([command, "-f", "rules", "-o", box, tmp_path / "log"])
    assert (ended.status, content(box)) == (0, {})
    assert ended.err == b"syslogparse: there is nothing to suggest, and no file was written\n"


def test_a_log_that_cannot_be_read_is_no_reason_to_write_nothing(command, small, box):
    ended = done([command, "-f", "rules", "-o", box, small, "/nowhere"])
    assert ended.status == 3
    assert len(content(box)) == 3
    assert all(b"# NOT READ: /nowhere\n" in text for text in content(box).values())


def test_a_reader_that_has_enough_takes_nothing_from_the_files(command, dense, box):
    with running([command, "-f", "text", "-o", box, dense]) as run:
        run.popen.stdout.close()
        assert run.popen.wait(20) == 0
        run.gone()
    assert len(content(box)) == 3


REFUSED = {
    "others": (lambda box, _: box.chmod(0o777), "others can write in it"),
    "sticky": (lambda box, _: box.chmod(0o1777), "others can write in it"),
    "group": (lambda box, _: box.chmod(0o770), "others can write in it"),
    "owner": (lambda box, _: os.chown(box, USER, USER), "belongs to somebody else"),
    "above": (lambda box, _: os.chown(box.parent, USER, USER), "can be changed by somebody else"),
    "link": (lambda box, away: (box.rename(away), box.symlink_to(away)), "is a symbolic link"),
    "file": (lambda box, _: (box.rmdir(), box.write_text("x")), "is no directory"),
    "missing": (lambda box, _: box.rmdir(), "no such file or directory"),
}


@pytest.mark.parametrize("name", REFUSED)
@pytest.mark.parametrize("force", [False, True])
def test_a_directory_that_is_refused(command, small, tmp_path, box, name, force):
    change, words = REFUSED[name]
    change(box, tmp_path / "away")
    ended = done([command, *(["--force"] if force else []), "-o", box, small])
    os.chown(tmp_path, 0, 0)
    assert (ended.status, ended.out) == (2, b"")
    message, hint, end = ended.err.decode().split("\n")
    assert message.startswith(f"syslogparse: --output {box}: ")
    assert message.endswith(words)
    assert hint.startswith("syslogparse: hint: ")
    assert end == ""
    assert [path for path in tmp_path.rglob("*") if path.name in NAMES.values()] == []


def test_a_hostile_name_of_a_directory_is_told_escaped(command, small, tmp_path):
    ended = done([command, "-o", tmp_path / "a\x1b[2J\n\udcff", small])
    assert ended.status == 2
    assert ended.err.count(b"\n") == 2
    assert b"\x1b" not in ended.err
    odd = tmp_path / "b\x1b[2J"
    odd.mkdir(mode=0o700)
    ended = done([command, "-f", "rules", "-o", odd, small])
    assert ended.status == 0
    assert b"\x1b" not in ended.err
    assert len(content(odd)) == 3


@pytest.mark.parametrize("language", ["iptables", "apparmor", "seccomp"])
def test_an_older_file_is_kept_without_force_and_replaced_with_it(command, small, box, language):
    old = box / NAMES[language]
    old.write_text("old")
    before = old.stat()
    ended = done([command, "-f", "rules", "-o", box, small])
    assert (ended.status, ended.out) == (2, b"")
    assert ended.err.decode().startswith(f"syslogparse: --output {box}: {NAMES[language]} is there already\n")
    assert content(box) == {NAMES[language]: b"old"}
    assert old.stat().st_mtime_ns == before.st_mtime_ns
    ended = done([command, "-f", "rules", "--force", "-o", box, small])
    assert ended.status == 0
    assert content(box) == {NAMES[name]: text for name, text in sections(ended.out).items()}
    assert old.stat().st_ino != before.st_ino


def test_who_reads_the_old_file_goes_on_reading_it(command, small, box):
    (box / "iptables.sh").write_text("old")
    with open(box / "iptables.sh", encoding="ascii") as reader:
        assert done([command, "-f", "rules", "--force", "-o", box, small]).status == 0
        assert reader.read() == "old"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--force"], b"argument --force: not allowed without argument --output"),
        (["-f", "events", "-o", "."], b"argument --output: not allowed with argument -f events"),
    ],
)
def test_usage(command, small, arguments, words):
    ended = done([command, *arguments, small])
    assert (ended.status, ended.out) == (2, b"")
    assert words in ended.err


def test_a_second_run_into_the_same_directory(command, interpreter, two, box, tmp_path):
    gate = Gate(tmp_path / "gate", 1)
    with running([*driver(interpreter, gate.change), "-j", "1", "-f", "rules", "-o", box, two]) as run:
        gate.wait(1)
        ended = done([command, "--force", "-o", box, two])
        assert (ended.status, ended.out) == (2, b"")
        assert b"another run is writing there" in ended.err
        gate.open()
        assert run.finish().status == 0
    assert len(content(box)) == 3
    assert done([command, "-f", "rules", "--force", "-o", box, two]).status == 0


def _in_mount(setup, command, log, box, *options):
    """A run in a mount namespace, with the names that it leaves in the directory as the last line of its output."""
    script = '"$@"; status=$?; echo "left:" $(ls -A "$BOX"); exit $status'
    environment = {"PATH": os.environ["PATH"], "BOX": str(box), "HOME": "/"}
    return done(
        own_mounts(setup, "sh", "-c", script, "sh", command, "-q", "-f", "json", *options, "-o", box, log), env=environment
    )


@pytest.mark.parametrize("options", [(), ("--force",)])
def test_a_full_disk(command, small, box, options):
    ended = _in_mount(f"mount -t tmpfs -o size=8k,mode=700 none {box}", command, small, box, *options)
    assert ended.status == 5
    assert ended.err == b"syslogparse: the files could not be written: No space left on device\n"
    assert ended.out.endswith(b"left:\n")
    assert _in_mount(f"mount -t tmpfs -o size=8m,mode=700 none {box}", command, small, box, *options).status == 0


def test_no_room_for_another_name(command, small, box):
    # Files that have no name yet take an inode each; the directory and two of them are all that there is.
    ended = _in_mount(f"mount -t tmpfs -o nr_inodes=3,mode=700 none {box}", command, small, box)
    assert ended.status == 2
    assert b"no file can be made in it: No space left on device" in ended.err
    assert ended.out == b"left:\n"


def test_a_file_system_that_cannot_be_written(command, small, box):
    ended = _in_mount(f"mount -t tmpfs -o mode=700,ro none {box}", command, small, box)
    assert (ended.status, ended.out) == (2, b"left:\n")
    assert b"no file can be made in it: Read-only file system" in ended.err


def test_a_file_system_without_unnamed_files(command, small):
    ended = done([command, "-o", "/proc/sys", small])
    assert (ended.status, ended.out) == (2, b"")
    assert b"O_TMPFILE" in ended.err or b"no file can be made" in ended.err


LIES = {
    "a command": "yield 0, ['reboot']",
    "a command among rules": "yield from ((number, [*lines, '# x', 'iptables -F']) for number, lines in documents)",
    "a line break": "yield 0, ['# x\\nreboot']",
    "a rule of another language": "yield 0, ['/etc/shadow r,']",
    "unconfined": "yield 1, ['/bin/sh ux,']",
    "everything": "yield 1, ['/** rw,']",
    "an open block": "yield 1, ['profile x {']",
    "a fourth file": "yield 3, ['# x']",
    "many files": "yield from ((number, ['# x']) for number in range(200))",
    "an escape": "yield 2, ['# \\x1b[2J']",
    "too long": "yield 2, ['# ' + 'x' * 70000]",
}


@pytest.mark.parametrize("name", LIES)
def test_an_analyst_that_lies_gets_no_line_into_a_file(interpreter, small, box, name):
    change = (
        "import syslogparse.roles.delivery as delivery\n"
        f"def lie(documents, frames=delivery.frames):\n    def made():\n        {LIES[name]}\n    return frames(made())\n"
        "delivery.frames = lie"
    )
    ended = done([*driver(interpreter, change), "-f", "rules", "-o", box, small])
    assert (ended.status, content(box)) == (5, {})
    assert ended.err == b"syslogparse: internal: a rule failed its grammar; no file was written\n"


@pytest.mark.parametrize("cut", [0, 1, 5, 100, -1, -5])
def test_an_analyst_that_does_not_come_to_the_end(interpreter, small, box, cut):
    change = (
        "import os, syslogparse.roles.delivery as delivery\n"
        "def cut(documents, frames=delivery.frames):\n"
        f"    yield b''.join(frames(documents))[:{cut}]\n"
        "delivery.frames, delivery.os = cut, type('os', (), {'waitpid': lambda *_: (0, 0), 'read': os.read})\n"
    )
    ended = done([*driver(interpreter, change), "-f", "rules", "-o", box, small])
    # It does not wait, so it ends while the validator waits for more: that one dies with it, or has seen the end of the pipe.
    assert (ended.status, content(box)) == (5, {})
    assert ended.err.endswith(b"no file was written\n")


def test_lost_evidence_is_no_reason_for_files(interpreter, five, box, tmp_path):
    (box / "iptables.sh").write_text("old")
    gate = Gate(tmp_path / "gate", 2)
    with running([*driver(interpreter, gate.change), "-j", "2", "-f", "rules", "--force", "-o", box, five]) as run:
        gate.wait(2, 3)
        os.kill(run.role("parser1"), signal.SIGKILL)
        gate.open()
        ended = run.finish()
        run.gone()
    assert (ended.status, content(box)) == (5, {"iptables.sh": b"old"})
    assert b"# INCOMPLETE" in ended.out
    assert ended.err.endswith(b"syslogparse: no file was written, because the run did not end well\n")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGKILL])
def test_a_signal_leaves_nothing(interpreter, two, box, tmp_path, number):
    gate = Gate(tmp_path / "gate", 1)
    with running([*driver(interpreter, gate.change), "-j", "1", "-f", "rules", "-o", box, two]) as run:
        gate.wait(1)
        run.role("validator")
        os.kill(run.pid, number)
        run.popen.wait(20)
        run.gone()
    assert content(box) == {}


def test_reduced_mode(command, small, stage):
    folder = stage / "users"
    folder.mkdir(mode=0o700)
    assert done(as_user(command, "-f", "rules", "-o", folder, small)).status == 2
    os.chown(folder, USER, USER)
    ended = done(as_user(command, "-f", "rules", "-o", folder, small))
    assert ended.status == 0, ended.err
    assert content(folder) == {NAMES[name]: text for name, text in sections(ended.out).items()}
    assert done(as_user(command, "-f", "rules", "-o", folder, small)).status == 2
    ended = done(as_user(command, "-f", "rules", "--force", "-o", folder, small))
    assert ended.status == 0, ended.err
    assert {path.stat().st_uid for path in folder.iterdir()} == {USER}
    shutil.rmtree(folder)


def test_shell_files_are_shell_and_nothing_runs_by_looking(command, small, box):
    done([command, "-f", "rules", "-o", box, small])
    subprocess.run(["sh", "-n", box / "iptables.sh"], check=True)
