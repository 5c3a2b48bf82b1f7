import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syslogparse.languages.apparmor import check, render
from syslogparse.rules.apparmor_model import FileRule, Glob
from syslogparse.rules.apparmor_target import Choices
from syslogparse.rules.patterns import DIRECTORY, GLOBS, directory, is_sensitive, pattern
from tests.languages.dfa import accepts, machine
from tests.rules.make import denial, suggest, suggestions


def written(path, letters="r", *, owner=True):
    parts = pattern(path, frozenset(letters), owner=owner)
    return render(FileRule(b"" if parts else path, "r", pattern=parts)).removesuffix(" r,")


@pytest.mark.parametrize(
    ("path", "text"),
    [
        (b"/home/u/x/y", "@{HOME}/x/y"),
        (b"/home/u/", "@{HOME}/"),
        (b"/proc/123/stat", "@{PROC}/@{pid}/stat"),
        (b"/proc/123/task/124/stat", "@{PROC}/@{pid}/task/@{tid}/stat"),
        (b"/run/x.pid", "@{run}/x.pid"),
        (b"/run/user/1000/bus", "@{run}/user/@{uid}/bus"),
        (b"/usr/lib/x/libfoo.so.1.2.3", "/usr/lib/x/libfoo.so.[0-9]*"),
        (b"/usr/lib/python3.11/os.py", "/usr/lib/python3.[0-9]*/os.py"),
        (b"/usr/lib/modules/6.1.0-9-amd64/x", "/usr/lib/modules/[0-9]*/x"),
        (b"/var/lib/x/550e8400-e29b-41d4-a716-446655440000", "/var/lib/x/????????-????-????-????-????????????"),
        (b"/var/cache/f/" + b"0a" * 16 + b"-le64.cache-7", f"/var/cache/f/{32 * '?'}-le64.cache-7"),
        (b"/tmp/tmpab12_xyz", "/tmp/tmp????????"),
        (b"/var/tmp/foo.AbC123/x", "/var/tmp/foo.??????/x"),
        (b"/proc/349/environ", "@{PROC}/@{pid}/environ"),
        (b"/proc/349/attr/current", "@{PROC}/@{pid}/attr/current"),
        (b"/proc/4194304/task/7/mem", "@{PROC}/@{pid}/task/@{tid}/mem"),
        (b"/home/u/.config/agent_config_x.CmJRGE", "@{HOME}/.config/agent_config_x.??????"),
        (b"/home/u/x.K3TY02", "@{HOME}/x.??????"),
        (b"/home/u/.goutputstream-ABCDEF", "@{HOME}/.goutputstream-??????"),
        (b"/home/u/.config/#1234", "@{HOME}/.config/\\043[0-9]*"),
        (b"/home/u/.local/share/gvfs-metadata/root-aaabbbc0.log", "@{HOME}/.local/share/gvfs-metadata/root-????????.log"),
        (b"/home/u/x.README", "@{HOME}/x.README"),
        (b"/home/u/x.Backup", "@{HOME}/x.Backup"),
        (b"/home/u/x.backup", "@{HOME}/x.backup"),
        (b"/home/u/x.202401", "@{HOME}/x.202401"),
        (b"/home/u/x.CmJRGEx", "@{HOME}/x.CmJRGEx"),
        (b"/home/u/x.CmJRGE/y", "@{HOME}/x.CmJRGE/y"),
        (b"/home/u/root-aaabbbc0.log", "@{HOME}/root-aaabbbc0.log"),
    ],
)
def test_what_is_generalised(path, text):
    assert written(path) == text


@pytest.mark.parametrize(
    "path",
    [
        b"/srv/page",
        b"/home/u",
        b"/home/u/.ssh/config",
        b"/home/u/.netrc/id_rsa",
        b"/home/u/x.kdbx",
        b"/root/x/y",
        b"/etc/x.so.1",
        b"/etc/ssl/private/" + b"0a" * 16,
        b"/proc/1/environ",
        b"/proc/1/mem",
        b"/proc/1/stat",
        b"/proc/9999999/stat",
        b"/srv/user/1000/x",
        b"/proc/self/stat",
        b"/proc/0/stat",
        b"/proc/1x/stat",
        b"/tmp/foo.backup",
        b"/tmp/foo.2024",
        b"/tmp/foo.README",
        b"/srv/foo.AbC123",
        b"/srv/libx.so.1.x",
        b"/usr/lib/python3.x/os.py",
        b"/srv/abc-1234",
        b"/dev/shm/x/tmpab12_xyz",
    ],
)
def test_what_is_not(path):
    assert pattern(path, frozenset("r"), owner=True) == ()


@pytest.mark.parametrize("path", [b"/home/u/x/y", b"/run/user/1000/bus", b"/tmp/tmpab12_xyz"])
def test_what_is_others_own_stays(path):
    assert "HOME" not in written(path, owner=False)
    assert "uid" not in written(path, "rw", owner=False)
    assert "?" not in written(path, owner=False)


def test_writing_stays_where_it_is_dangerous():
    assert pattern(b"/usr/lib/libx.so.1", frozenset("w"), owner=True) == ()
    assert pattern(b"/home/u/libx.so.1", frozenset("w"), owner=True) == (Glob("@{HOME}"), b"/libx.so.1")
    assert pattern(b"/home/u/.bashrc", frozenset("w"), owner=True) == ()
    assert pattern(b"/proc/1/oom_adj", frozenset("w"), owner=True) == ()


@pytest.mark.parametrize("user", [b"5000000000", b"01", b"x"])
def test_what_is_no_number_of_a_user_or_process_stays(user):
    assert written(b"/run/user/" + user + b"/x") == "@{run}/user/" + user.decode() + "/x"
    assert written(b"/proc/" + user + b"/stat") == "/proc/" + user.decode() + "/stat"


def test_processes_are_one_rule_and_as_dangerous_as_before():
    numbers = 349, 350, 4194304
    one = suggest(*(denial(name=b"/proc/%d/environ" % number, owner=b"root") for number in numbers))
    assert render(one.rule) == "owner @{PROC}/@{pid}/environ r,"
    assert (one.risk, one.evidence.count) == ("high", 3)
    with_init = suggest(*(denial(name=b"/proc/%d/environ" % number, owner=b"root") for number in (1, *numbers)))
    assert with_init.rule == one.rule
    alone = suggest(denial(name=b"/proc/1/environ", owner=b"root"))
    assert render(alone.rule) == "owner /proc/1/environ r,"
    choices = Choices(exact=True)
    assert len(suggestions(*(denial(name=b"/proc/%d/environ" % number) for number in numbers), choices=choices)) == 3


def test_the_runtime_directory_of_a_user_is_that_of_any_user_for_reading():
    assert render(suggest(denial(name=b"/run/user/1000/doc/")).rule) == "@{run}/user/@{uid}/doc/ r,"
    assert render(suggest(denial(name=b"/run/user/1000/bus", mask=b"wr")).rule) == "@{run}/user/1000/bus rw,"


def test_many_files_of_a_directory():
    def reads(number, where=b"/usr/share/x/%d", **fields):
        return [denial(name=where % each, **fields) for each in range(number)]

    assert len(suggestions(*reads(DIRECTORY - 1))) == DIRECTORY - 1
    one = suggest(*reads(DIRECTORY))
    assert render(one.rule) == "/usr/share/x/* r,"
    assert (one.evidence.count, one.risk) == (DIRECTORY, "low")
    for where in (b"/etc/x/%d", b"/home/u/.ssh/%d", b"/root/x/%d", b"/srv/%d", b"/proc/%d/status", b"/usr/bin/%d", b"/tmp/%d"):
        assert not any("/*" in render(each.rule) for each in suggestions(*reads(DIRECTORY, where))), where
    assert not any("/*" in render(each.rule) for each in suggestions(*reads(DIRECTORY, mask=b"w")))
    secret = denial(name=b"/usr/share/x/secret.key")
    assert {render(each.rule) for each in suggestions(*reads(DIRECTORY), secret)} == {
        "/usr/share/x/* r,",
        "/usr/share/x/secret.key r,",
    }


def test_a_directory_is_the_last_part_only():
    assert directory((b"/usr/share/x/y",)) == (b"/usr/share/x/", Glob("*"))
    assert directory((b"/usr/share/x/",)) == ()
    assert directory((b"/usr/share/", Glob("[0-9]*"))) == ()
    assert directory((Glob("@{HOME}"), b"/x/y")) == ()


def test_programs_that_are_run_are_not_generalised_nor_what_is_written_to_them():
    run = denial(operation=b"exec", name=b"/home/u/tool", mask=b"x")
    found = suggestions(run, denial(name=b"/home/u/tool", mask=b"w", owner=b"1"))
    assert [(render(one.rule), one.risk) for one in found] == [
        ("/home/u/tool Cx,", "high"),
        ("owner /home/u/tool w,", "critical"),
    ]


places = st.sampled_from(
    b"/home/u/ /proc/12/ /run/user/7/ /tmp/tmp1234567a /usr/lib/python3.11/ /var/lib/m/ /run/ /usr/lib/libx.so.".split()
)
tails = st.binary(max_size=12).map(lambda tail: tail.replace(b"\0", b"_").replace(b"/", b"_")) | st.sampled_from(
    [b"1.2", b"550e8400-e29b-41d4-a716-446655440000", b"0a" * 20, b"x.AbC123"]
)


@given(places, tails, st.sets(st.sampled_from("rwkm"), min_size=1), st.booleans())
def test_patterns_are_of_the_table_and_keep_to_the_grammar(place, tail, letters, owner):
    parts = pattern(place + tail, frozenset(letters), owner=owner)
    assert all(part.text in GLOBS for part in parts if isinstance(part, Glob))
    if parts:
        assert check(render(FileRule(b"", "r", owner, pattern=parts)))
        assert not is_sensitive(place + tail)


SENSITIVE = [
    b"/etc/shadow",
    b"/etc/ssh/ssh_host_rsa_key",
    b"/root/.ssh/id_ed25519",
    b"/home/u/.ssh/id_ed25519",
    b"/home/u/.gnupg/pubring.kbx",
    b"/proc/1/mem",
    b"/proc/1/environ",
    b"/dev/sda",
    b"/etc/sudoers",
    b"/boot/vmlinuz",
    b"/home/u/.bashrc",
]


def test_rules_cover_what_was_seen_and_nothing_sensitive(require_tool):
    parser = require_tool("apparmor_parser")
    names = [b"550e8400-e29b-41d4-a716-446655440000", b"0a" * 20, b"a b", *b"libx.so.1 @{HOME} x.AbC123 * tmpab12_xyz".split()]
    roots = [b"/home/u/", b"/proc/12/", b"/proc/12/task/13/", b"/run/user/7/", b"/tmp/", b"/usr/lib/python3.11/", b"/var/lib/m/"]
    seen = [root + name for root in roots for name in names]
    rules = suggestions(*(denial(name=path, owner=b"1") for path in seen))
    assert any(one.rule.pattern for one in rules)
    made = machine(parser, [render(one.rule) for one in rules])
    assert [path for path in seen if not accepts(made, path)] == []
    assert [path for path in SENSITIVE if accepts(made, path)] == []


@pytest.mark.parametrize("unit", [b"/a", b"shadow", b"/.ssh", b"0a", b".so.1", b"/tmp/x.", b"/private"])
def test_long_paths_are_quick(unit):
    path = b"/" + unit * (4096 // len(unit))
    start = time.process_time()
    for _ in range(20):
        pattern(path, frozenset("r"), owner=True)
    assert time.process_time() - start < 2
