import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syslogparse.languages import seccomp
from syslogparse.languages.seccomp import allow_list, check, oci, render, undo
from syslogparse.rules.model import SyscallRule
from syslogparse.rules.seccomp import ARCHITECTURES

RULES = [
    SyscallRule(b"/bin/a", "x86_64", "openat"),
    SyscallRule(b"/bin/a", "x86", "getppid"),
    SyscallRule(b"/bin/a", "x86", "openat"),
]


def test_lines():
    assert render(RULES[0]) == "SystemCallFilter=openat"
    assert undo(RULES[0]) == "# remove: SystemCallFilter=openat"
    assert allow_list(RULES) == "SECCOMP_SYSCALL_ALLOW=getppid:openat"
    for line in (render(RULES[0]), undo(RULES[0]), allow_list(RULES)):
        assert check(line)


def test_the_oci_block():
    assert json.loads(oci(RULES)) == {
        "architectures": ["SCMP_ARCH_X86", "SCMP_ARCH_X86_64"],
        "syscalls": [{"names": ["getppid", "openat"], "action": "SCMP_ACT_ALLOW"}],
    }
    assert oci(RULES) == oci(RULES[::-1])


def test_every_architecture_has_a_name_in_oci():
    assert set(seccomp._OCI_ARCHITECTURES) == ARCHITECTURES


@pytest.mark.parametrize(
    "line",
    [
        "",
        "SystemCallFilter=",
        "SystemCallFilter=~open",
        "SystemCallFilter=@system-service",
        "SystemCallFilter=open close",
        "SystemCallFilter=open\n",
        "SystemCallFilter=open\nUser=root",
        "SystemCallFilter=Open",
        "SystemCallFilter=open:EPERM",
        " SystemCallFilter=open",
        "SECCOMP_SYSCALL_ALLOW=",
        "SECCOMP_SYSCALL_ALLOW=a:",
        "SECCOMP_SYSCALL_ALLOW=:a",
        "SECCOMP_SYSCALL_ALLOW=a::b",
        "SECCOMP_SYSCALL_ALLOW=a b",
        "ExecStart=/bin/sh",
        "#x",
        "# \n",
        "# \u2028",
    ],
)
def test_the_grammar_refuses(line):
    assert not check(line)


@given(st.text(max_size=40))
def test_any_text_is_checked_without_an_exception(text):
    assert check(text) in (True, False)
