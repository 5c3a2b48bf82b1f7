import ctypes
import re
import subprocess

import pytest

from syslogparse.rules.syscall_groups import ABSENT, GROUPS, complete

TIMER = GROUPS["@timer"]


def test_a_group_needs_all_its_members():
    assert complete(TIMER, ["x86_64"]) == ["@timer"]
    assert complete(TIMER | {"open"}, ["x86"]) == ["@timer"]
    for name in TIMER - ABSENT["x86_64"]:
        assert complete(TIMER - {name}, ["x86_64"]) == []


def test_members_that_the_architecture_lacks_are_not_needed():
    there = TIMER - ABSENT["aarch64"]
    assert "alarm" in TIMER - there
    assert complete(there, ["aarch64"]) == ["@timer"]
    assert complete(there, ["x86_64"]) == []
    assert complete(there, ["aarch64", "x86_64"]) == []
    assert complete(there, ["s390x"]) == []


def test_what_an_architecture_has_nothing_of_is_not_complete():
    assert complete(frozenset(), ["x86_64"]) == []
    assert complete(frozenset(), []) == []
    assert "@obsolete" not in complete(frozenset({"open"}), ["aarch64"])


def installed(analyze: str) -> tuple[int, dict[str, set[str]]]:
    """The version of systemd, and the groups as it has them."""
    version = subprocess.run([analyze, "--version"], capture_output=True, text=True, check=True).stdout
    listed = subprocess.run([analyze, "syscall-filter"], capture_output=True, text=True, check=True).stdout
    found: dict[str, set[str]] = {}
    for part in re.split(r"(?m)^(?=@)", listed)[1:]:
        head, *members = part.split("\n")
        found[head] = {name for line in members if (name := line.strip()) and not name.startswith("#")}
    return int(version.split()[1]), found


def test_the_groups_are_systemds(require_tool):
    """Those of version 252 to the letter; later ones know the same calls, and more."""
    version, there = installed(require_tool("systemd-analyze"))
    for group, members in GROUPS.items():
        assert members <= there[group], group
        assert version > 252 or members == there[group], group
    if version == 252:
        nested = {"@default", "@known", "@privileged", "@system-service"}
        assert set(there) - {"@obsolete"} - nested == set(GROUPS) - {"@obsolete"}


@pytest.mark.parametrize("arch", sorted(ABSENT))
def test_what_is_absent_has_no_number(arch):
    lib = ctypes.CDLL("libseccomp.so.2")
    lib.seccomp_arch_resolve_name.restype = ctypes.c_uint32
    lib.seccomp_syscall_resolve_name_arch.argtypes = [ctypes.c_uint32, ctypes.c_char_p]
    token = lib.seccomp_arch_resolve_name(arch.encode())
    assert token
    everything = frozenset().union(*GROUPS.values())
    there = {name for name in everything if lib.seccomp_syscall_resolve_name_arch(token, name.encode()) >= 0}
    assert everything - ABSENT[arch] == there
