import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syslogparse.languages.apparmor import check, render
from syslogparse.rules.apparmor_model import DbusRule, Glob, UnixRule
from syslogparse.rules.apparmor_names import address, object_path
from syslogparse.rules.patterns import GLOBS
from tests.languages.dfa import compiled


def written(parts):
    return "".join(part.text if isinstance(part, Glob) else part.decode() for part in parts)


ADDRESSES = [
    (b"@/tmp/dbus-AaKMpxzC4k", "@/tmp/dbus-??????????"),
    (b"@/home/u/.cache/ibus/dbus-aB3dE6gH", "@/home/u/.cache/ibus/dbus-????????"),
    (b"@/dbus-vfs-daemon/socket-aB3dE6gH", "@/dbus-vfs-daemon/socket-????????"),
    (b"@0123456789abcdef/bus/systemd/bus-api-user", "@????????????????/bus/systemd/bus-api-user"),
    (b"@/tmp/.ICE-unix/1995", "@/tmp/.ICE-unix/[0-9]*"),
]
PATHS = [
    (b"/org/freedesktop/Accounts/User1000", "/org/freedesktop/Accounts/User@{uid}"),
    (b"/org/freedesktop/login1/user/_1000", "/org/freedesktop/login1/user/_@{uid}"),
    (b"/org/freedesktop/login1/session/_32", "/org/freedesktop/login1/session/_[0-9]*"),
    (b"/org/freedesktop/login1/session/c2", "/org/freedesktop/login1/session/c[0-9]*"),
    (b"/org/freedesktop/systemd1/job/4711", "/org/freedesktop/systemd1/job/[0-9]*"),
    (b"/org/freedesktop/NetworkManager/ActiveConnection/3", "/org/freedesktop/NetworkManager/ActiveConnection/[0-9]*"),
    (b"/org/freedesktop/UDisks2/jobs/17", "/org/freedesktop/UDisks2/jobs/[0-9]*"),
    (b"/org/gnome/SessionManager/Client12", "/org/gnome/SessionManager/Client[0-9]*"),
]


@pytest.mark.parametrize(("name", "text"), ADDRESSES)
def test_addresses(name, text):
    assert written(address(name)) == text


@pytest.mark.parametrize(
    "name",
    b"@/tmp/dbus-short @/tmp/dbus-AaKMpxzC4k/x @x/dbus-AaKMpxzC4k /tmp/dbus-AaKMpxzC4k @/tmp/.X11-unix/X1 @/tmp/.ICE-unix/x "
    b"@test_abstract_socket @abc/bus/x @/dbus-vfs-daemon/socket-x @".split(),
)
def test_addresses_that_stay(name):
    assert address(name) == ()


@pytest.mark.parametrize(("path", "text"), PATHS)
def test_object_paths(path, text):
    assert written(object_path(path)) == text


@pytest.mark.parametrize(
    "path",
    b"/org/freedesktop/Accounts/User5000000000 /org/freedesktop/Accounts/User1000/x /org/freedesktop/Accounts/Userx "
    b"/org/freedesktop/login1/session/self /org/freedesktop/systemd1/unit/x_31 /org/freedesktop/NetworkManager/1 /".split(),
)
def test_object_paths_that_stay(path):
    assert object_path(path) == ()


def test_the_parser_takes_them(require_tool):
    rules = [UnixRule(("send",), "stream", addr_pattern=address(name)) for name, _ in ADDRESSES]
    rules += [UnixRule(("send",), "stream", peer_pattern=address(name)) for name, _ in ADDRESSES]
    lines = [render(rule) for rule in rules]
    lines += [render(DbusRule(("send",), path_pattern=object_path(path), member=b"x")) for path, _ in PATHS]
    assert all(check(line) for line in lines)
    compiled(require_tool("apparmor_parser"), lines)


@given(
    st.sampled_from([b"@/tmp/", b"@/x ", b"@", b"@0123456789abcdef/bus/"]),
    st.binary(max_size=9),
    st.sampled_from([b"", b"/dbus-AaKMpxzC4k"]),
)
def test_what_is_kept_of_a_name_means_itself(start, middle, end):
    parts = address(start + middle.replace(b"\0", b"") + end)
    assert all(part.text in GLOBS for part in parts if isinstance(part, Glob))
    if parts:
        line = render(UnixRule(("send",), "stream", addr_pattern=parts))
        assert check(line)
        assert line.count("?") - line.count("\\?") == sum(isinstance(part, Glob) for part in parts)


@pytest.mark.parametrize("unit", [b"/dbus-", b"/", b"a", b"0"])
def test_long_names_are_quick(unit):
    name = unit * (40_000 // len(unit))
    start = time.process_time()
    for _ in range(5):
        address(b"@/" + name)
        object_path(b"/org/" + name)
    assert time.process_time() - start < 1
