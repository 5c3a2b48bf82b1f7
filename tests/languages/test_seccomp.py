import ctypes
import json
import re
import subprocess
import tempfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syslogparse.languages import seccomp
from syslogparse.languages.seccomp import HEAD, allow_list, architectures, check, oci, render, undo, unit
from syslogparse.rules.model import SyscallRule
from syslogparse.rules.seccomp import ARCHITECTURES
from syslogparse.rules.syscall_groups import GROUPS

RULES = [
    SyscallRule(b"/bin/a", "x86_64", "openat"),
    SyscallRule(b"/bin/a", "x86", "getppid"),
    SyscallRule(b"/bin/a", "x86", "openat"),
]


def test_lines():
    assert render(RULES[0]) == "SystemCallFilter=openat"
    assert undo(RULES[0]) == "# remove: SystemCallFilter=openat"
    assert allow_list(RULES) == "SECCOMP_SYSCALL_ALLOW=getppid:openat"
    for line in (render(RULES[0]), undo(RULES[0]), allow_list(RULES), oci(RULES), *HEAD):
        assert check(line)


def rules_of(names, arch="x86_64"):
    return [SyscallRule(b"/bin/a", arch, name) for name in names]


def test_one_line_of_a_unit_for_a_whole_program():
    assert unit(RULES) == "SystemCallFilter=getppid openat"
    sync = "fdatasync fsync msync sync sync_file_range syncfs".split()
    assert unit(rules_of([*sync, "openat"])) == "SystemCallFilter=@sync openat"
    assert unit(rules_of([*sync[1:], "openat"])) == "SystemCallFilter=fsync msync openat sync sync_file_range syncfs"
    assert unit(rules_of(sync, "x86")) == "SystemCallFilter=" + " ".join(sync)
    assert all(check(unit(rules)) for rules in (RULES, rules_of(sync), rules_of([*sync, "openat"])))


def test_the_second_abi_of_a_machine_is_named_as_systemd_names_it():
    assert architectures(rules_of(["open"])) == architectures([]) == ""
    assert architectures([*rules_of(["open"], "x86"), *rules_of(["open"]), *rules_of(["open"], "x32")]) == (
        "SystemCallArchitectures=x32 x86"
    )
    assert architectures(rules_of(["open"], "mipsel64n32")) == "SystemCallArchitectures=mips64-le-n32"
    assert check(architectures(rules_of(["open"], "x86")))


def test_the_oci_profile():
    assert json.loads(oci(RULES)) == {
        "defaultAction": "SCMP_ACT_ERRNO",
        "architectures": ["SCMP_ARCH_X86", "SCMP_ARCH_X86_64"],
        "syscalls": [
            {
                "names": ["getppid", "openat"],
                "action": "SCMP_ACT_ALLOW",
                "comment": "To be added to the profile in force: alone it stops the program.",
            }
        ],
    }
    assert oci(RULES) == oci(RULES[::-1])


def built(profile):
    """The profile as libseccomp builds it: as a runtime would, in memory, without loading it."""
    document = json.loads(profile)
    lib = ctypes.CDLL("libseccomp.so.2", use_errno=True)
    lib.seccomp_init.restype = ctypes.c_void_p
    assert document["defaultAction"] == "SCMP_ACT_ERRNO"
    context = ctypes.c_void_p(lib.seccomp_init(ctypes.c_uint32(0x00050001)))
    assert context.value
    native = lib.seccomp_arch_native()
    try:
        words = [one.removeprefix("SCMP_ARCH_").lower() for one in document["architectures"]]
        tokens = [lib.seccomp_arch_resolve_name(word.encode()) for word in words]
        assert all(tokens), document["architectures"]
        if native not in tokens:
            assert lib.seccomp_arch_remove(context, native) == 0
        for token in tokens:
            if token != native:
                assert lib.seccomp_arch_add(context, token) == 0
        for block in document["syscalls"]:
            assert block["action"] == "SCMP_ACT_ALLOW"
            for each in block["names"]:
                number = lib.seccomp_syscall_resolve_name(each.encode())
                assert number != -1, each
                assert lib.seccomp_rule_add(context, ctypes.c_uint32(0x7FFF0000), number, 0) == 0, each
        with tempfile.TemporaryFile() as file:
            assert lib.seccomp_export_bpf(context, file.fileno()) == 0
            file.seek(0)
            return file.read()
    finally:
        lib.seccomp_release(context)


def test_libseccomp_builds_the_profile():
    one, more = built(oci(RULES[:1])), built(oci(RULES))
    assert one
    assert len(more) > len(one)
    for arch in ("x86_64", "x86", "aarch64", "arm", "riscv64", "ppc64le", "s390x", "mips64n32"):
        assert built(oci([SyscallRule(b"/bin/a", arch, "openat")]))


def test_every_architecture_has_a_name_in_oci():
    assert set(seccomp._OCI_ARCHITECTURES) == ARCHITECTURES


@pytest.mark.parametrize(
    "line",
    [
        "",
        "SystemCallFilter=",
        "SystemCallFilter=~open",
        "SystemCallFilter=@",
        "SystemCallFilter=@System",
        "SystemCallFilter=open  close",
        "SystemCallFilter=open close ",
        "SystemCallFilter=open\tclose",
        "SystemCallFilter=open ~close",
        "SystemCallArchitectures=",
        "SystemCallArchitectures=native",
        "SystemCallArchitectures=x86 ",
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
        "{}",
        oci(RULES) + " ",
        oci(RULES) + "\n",
        oci(RULES).replace("ERRNO", "ALLOW"),
        oci(RULES).replace("SCMP_ACT_ALLOW", "SCMP_ACT_TRACE"),
        oci(RULES).replace("X86_64", "PDP11"),
        oci(RULES).replace("getppid", "get ppid"),
        oci(RULES).replace(":[", ":[[", 1),
        oci(RULES).replace("alone it stops", "alone it runs"),
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


def test_systemd_takes_the_lines(require_tool, tmp_path):
    """Below a list that allows the rest, as the head says."""
    analyze = require_tool("systemd-analyze")
    names = ["getppid", "openat", "ptrace", "read", "socket"]
    lines = [render(rule) for rule in rules_of(names)]
    lines += [unit(rules_of(members)) for members in GROUPS.values()]
    lines += [architectures(rules_of(["open"], arch)) for arch in seccomp._SECOND_ABIS]
    text = "\n".join(["[Service]", "Type=oneshot", "ExecStart=/bin/true", "SystemCallFilter=@system-service", *lines, ""])
    for bad in ("", "SystemCallFilter=no_such_call\n", "SystemCallFilter=@no-such-group\n", "SystemCallArchitectures=pdp11\n"):
        file = tmp_path / "sp-test.service"
        file.write_text(text + bad)
        done = subprocess.run([analyze, "verify", str(file)], capture_output=True, text=True, check=False, timeout=60)
        said = re.search("SystemCall|system call", done.stderr)
        assert bool(said) is bool(bad), done.stderr


def test_every_group_is_offered_by_its_name():
    for group, members in GROUPS.items():
        words = unit(rules_of(members)).removeprefix("SystemCallFilter=").split()
        assert group in words
        assert not any(word in members for word in words)
