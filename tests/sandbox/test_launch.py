import os
import signal
import stat
import subprocess
import sys
import types

import pytest

from syslogparse.sandbox import launch
from syslogparse.sandbox.descriptors import is_open
from syslogparse.sandbox.launch import (
    KEPT_VARIABLES,
    CleanEnvironment,
    StandardDescriptors,
    TrustedTree,
    color_wanted,
    end_on_signals,
    kept_environment,
    relaunch_isolated,
    writable_by_others,
)
from syslogparse.sandbox.step import carry_out
from tests.sandbox.children import in_child

OTHER = 12345


# ---- signals


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT])
def test_a_signal_ends_the_program_at_once(number):
    def act() -> None:
        signal.signal(number, signal.SIG_DFL)
        end_on_signals()
        os.kill(os.getpid(), number)
        signal.pause()

    assert in_child(act).status == 128 + number << 8


def test_what_the_caller_ignored_stays_ignored():
    def act() -> bool:
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        end_on_signals()
        return signal.getsignal(signal.SIGHUP) is signal.SIG_IGN

    assert in_child(act).value is True


# ---- the interpreter's start


@pytest.fixture
def execs(monkeypatch):
    """What would have been executed."""
    found: list[tuple] = []
    monkeypatch.setattr(os, "execve", lambda *arguments: found.append(arguments))
    return found


def _flags(monkeypatch, **flags) -> None:
    monkeypatch.setattr(sys, "flags", types.SimpleNamespace(**{"isolated": 1, "dont_write_bytecode": 1, **flags}))


def _environment(monkeypatch, **variables) -> None:
    monkeypatch.setattr(os, "environ", variables)


def test_an_isolated_start_goes_on(monkeypatch, execs):
    _flags(monkeypatch)
    _environment(monkeypatch, TERM="xterm", HOME="/root", LANG="C")
    relaunch_isolated(["x"])
    assert execs == []


@pytest.mark.parametrize("flag", ["isolated", "dont_write_bytecode"])
def test_another_start_becomes_an_isolated_one(flag, monkeypatch, execs):
    _flags(monkeypatch, **{flag: 0})
    _environment(monkeypatch, TERM="xterm", HOME="/root", TZ="UTC")
    relaunch_isolated(["-k", "apparmor", "/log"])
    command = [sys.executable, "-IB", "-m", "syslogparse", "-k", "apparmor", "/log"]
    assert execs == [(sys.executable, command, {"TERM": "xterm", "TZ": "UTC", "HOME": "/"})]


@pytest.mark.parametrize(
    "name", ["LD_PRELOAD", "LD_LIBRARY_PATH", "LD_AUDIT", "GLIBC_TUNABLES", "MALLOC_PERTURB_", "PYTHONPATH", "PYTHONHOME"]
)
def test_a_variable_that_loads_code_leads_to_a_clean_start(name, monkeypatch, execs):
    _flags(monkeypatch)
    _environment(monkeypatch, **{name: "/evil", "COLUMNS": "80"})
    relaunch_isolated([])
    assert [environment for _, _, environment in execs] == [{"COLUMNS": "80", "HOME": "/"}]


def test_few_variables_are_kept(monkeypatch):
    _environment(monkeypatch, **dict.fromkeys((*KEPT_VARIABLES, "HOME", "PATH", "LD_PRELOAD"), "x"))
    assert set(kept_environment()) == set(KEPT_VARIABLES)
    assert not any(name.startswith(launch._LOADER_VARIABLES) for name in KEPT_VARIABLES)


# ---- standard descriptors


@pytest.mark.parametrize("closed", [(0,), (1,), (2,), (0, 1), (1, 2), (0, 2), (0, 1, 2), ()])
def test_closed_descriptors_become_dev_null(closed):
    def act() -> list[object]:
        spare = [number for number in range(3, 50) if is_open(number)]
        for number in closed:
            os.close(number)
        carry_out(StandardDescriptors())
        null = os.stat("/dev/null").st_rdev
        found = [number for number in range(3) if os.fstat(number).st_rdev == null]
        return [set(closed) <= set(found), spare == [number for number in range(3, 50) if is_open(number)]]

    assert in_child(act).value == [True, True]


def test_a_descriptor_that_stays_closed_is_noticed():
    def act() -> None:
        os.close(1)
        StandardDescriptors().check()

    ended = in_child(act)
    assert ended.told == "standard descriptors: the list of open standard descriptors is [0, 2], not [0, 1, 2]"
    assert ended.hint == "there must be a /dev/null"


# ---- environment


def test_the_environment_is_cleared_for_the_c_library_too():
    def act() -> list[object]:
        os.environ["LD_PRELOAD"] = "/evil"
        carry_out(CleanEnvironment())
        return [dict(os.environ), subprocess.run(["/usr/bin/env"], capture_output=True, text=True, check=True).stdout]

    assert in_child(act).value == [{}, ""]


def test_an_environment_that_stays_is_noticed():
    def act() -> None:
        os.environ["A"] = "b"
        CleanEnvironment().check()

    assert in_child(act).step == "environment"


# ---- program files


@pytest.fixture
def tree(tmp_path):
    """root/a/b/file, all of it root's."""
    file = tmp_path / "a" / "b" / "file"
    file.parent.mkdir(parents=True)
    file.write_text("x", encoding="ascii")
    for path in (file, *list(file.parents)[:3]):
        path.chmod(0o755)
    return tmp_path


def _found(*paths) -> list[str]:
    return [str(path) for path in writable_by_others(map(str, paths))]


@pytest.mark.root
def test_roots_own_tree_is_trusted(tree):
    assert _found(tree / "a/b/file", sys.executable, "/usr/lib") == []


@pytest.mark.root
@pytest.mark.parametrize("spoilt", ["a/b/file", "a/b", "a"])
@pytest.mark.parametrize("how", ["owner", "others", "group", "sticky"])
def test_what_somebody_else_can_write_on_the_way_is_found(tree, spoilt, how):
    path = tree / spoilt
    if how == "owner":
        os.chown(path, OTHER, 0)
    elif how == "group":
        os.chown(path, 0, OTHER)
        path.chmod(0o775)
    else:
        path.chmod(0o777 if how == "others" else 0o1777)
    sticky_directory = how == "sticky" and path.is_dir()
    assert _found(tree / "a/b/file") == ([] if sticky_directory else [str(path)])


@pytest.mark.root
def test_the_place_itself_must_not_be_shared_even_if_sticky(tree):
    (tree / "a").chmod(0o1777)
    assert _found(tree / "a") == [str(tree / "a")]


@pytest.mark.root
def test_what_is_not_there_yet_must_not_be_anybodys_to_make(tree):
    (tree / "a").chmod(0o1777)
    assert _found(tree / "a/later/site") == [str(tree / "a")]
    assert _found(tree / "a/b/python311.zip") == []
    assert _found(tree / "a/b/file/below") == []


@pytest.mark.root
@pytest.mark.parametrize(
    "spoilt", ["place of the link", "target", "place of the target", "second link's place", "owner of the link"]
)
def test_both_sides_of_every_link_count(tree, spoilt):
    links, hop, target = tree / "links", tree / "hop", tree / "a/b"
    for folder in (links, hop):
        folder.mkdir(mode=0o755)
    (hop / "second").symlink_to("../a/b")
    (links / "first").symlink_to(hop / "second")
    assert _found(links / "first/file") == []
    places = {"place of the link": links, "target": target, "place of the target": tree / "a", "second link's place": hop}
    if spoilt in places:
        os.chown(places[spoilt], OTHER, 0)
        assert str(places[spoilt]) in _found(links / "first/file")
    else:
        os.lchown(links / "first", OTHER, 0)
        assert str(links / "first") in _found(links / "first/file")


@pytest.mark.root
def test_links_in_a_circle_end(tree):
    (tree / "a/x").symlink_to("y")
    (tree / "a/y").symlink_to("x")
    assert _found(tree / "a/x/file") == []


@pytest.mark.root
def test_a_group_of_root_may_write(tree):
    (tree / "a").chmod(0o775)
    assert _found(tree / "a/b/file") == []


@pytest.mark.root
@pytest.mark.parametrize("what", ["executable", "path", "module", "bytecode"])
def test_everything_that_is_loaded_is_looked_at(tree, what, monkeypatch):
    evil = tree / "a/b/file"
    os.chown(evil, OTHER, 0)
    module = types.ModuleType("loaded")
    monkeypatch.setitem(sys.modules, "loaded", module)
    if what == "executable":
        monkeypatch.setattr(sys, "executable", str(evil))
    elif what == "path":
        monkeypatch.setattr(sys, "path", [*sys.path, str(evil)])
    elif what == "module":
        module.__file__ = str(evil)
    else:
        module.__spec__ = types.SimpleNamespace(cached=str(evil))  # type: ignore[assignment]
    assert str(evil) in [path for path in launch._program_files() if path == str(evil)]
    ended = in_child(lambda: carry_out(TrustedTree(root=True)))
    assert ended.step == "program files"
    assert "can be changed by somebody else than root" in ended.told
    assert "make install" in str(ended.hint)


def test_without_root_the_tree_is_the_users_own_business(tree, monkeypatch):
    (tree / "a").chmod(0o777)
    monkeypatch.setattr(sys, "path", [str(tree / "a")])
    carry_out(TrustedTree(root=False))
    assert stat.S_IMODE((tree / "a").stat().st_mode) == 0o777


# ---- color


@pytest.mark.parametrize(
    ("environment", "terminal", "wanted"),
    [
        ({}, True, True),
        ({}, False, False),
        ({"NO_COLOR": "1"}, True, False),
        ({"NO_COLOR": "", "TERM": "xterm"}, True, True),
        ({"NO_COLOR": "1", "FORCE_COLOR": "1"}, True, False),
        ({"FORCE_COLOR": "1"}, False, True),
        ({"FORCE_COLOR": "", "TERM": "dumb"}, True, False),
        ({"TERM": "dumb"}, True, False),
    ],
)
def test_color(environment, terminal, wanted):
    assert color_wanted(environment, terminal=terminal) is wanted
