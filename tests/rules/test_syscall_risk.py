import pytest

from syslogparse.rules.syscall_groups import GROUPS
from syslogparse.rules.syscall_risk import judged_by, risk

GRAVE = "@clock @cpu-emulation @debug @keyring @module @mount @raw-io @reboot @swap".split()


@pytest.mark.parametrize("group", GRAVE)
def test_whole_groups_are_critical(group):
    assert {risk(name)[0] for name in GROUPS[group]} == {"critical"}


@pytest.mark.parametrize("group", ["@chown", "@obsolete", "@setuid"])
def test_whole_groups_are_at_least_high(group):
    assert {risk(name)[0] for name in GROUPS[group]} <= {"high", "critical"}


@pytest.mark.parametrize(
    "name",
    "acct add_key bpf clock_settime delete_module finit_module init_module ioperm iopl kexec_file_load kexec_load keyctl "
    "lookup_dcookie mount move_mount open_by_handle_at perf_event_open pivot_root process_vm_readv process_vm_writev ptrace "
    "quotactl reboot request_key setns settimeofday stime swapoff swapon umount umount2 unshare uselib userfaultfd vm86 vm86old "
    "create_module get_kernel_syms query_module nfsservctl _sysctl sysfs ustat".split(),
)
def test_what_the_default_profile_of_docker_holds_back_is_never_open(name):
    """https://docs.docker.com/engine/security/seccomp/, the calls that are blocked without a capability."""
    found, because = risk(name)
    assert found in {"high", "critical"}
    assert because


def test_what_is_more_than_low_says_why_or_is_in_no_class():
    for name in frozenset().union(*GROUPS.values()):
        found, because = risk(name)
        assert bool(because) is (found in {"high", "critical"}), name


def test_what_reads_clocks_and_ids_is_low():
    assert {risk(name)[0] for name in ("getpid", "clock_gettime", "read", "futex", "umask", "landlock_restrict_self")} == {"low"}
    assert risk("no_such_call") == ("medium", "")


def test_options_that_look_at_arguments():
    assert judged_by("mprotect") == "MemoryDenyWriteExecute="
    assert judged_by("socket") == "RestrictAddressFamilies="
    assert judged_by("read") == ""
