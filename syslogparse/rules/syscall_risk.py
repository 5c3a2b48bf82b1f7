"""How much an allowed system call opens, and which calls filters judge by more than their name.

The classes follow systemd's groups (syscall_groups) where these are of one kind, else man 2 and capabilities(7).
"""

from __future__ import annotations

from typing import NamedTuple

from syslogparse.rules.model import Risk
from syslogparse.rules.syscall_groups import GROUPS


class _Class(NamedTuple):
    names: frozenset[str]
    risk: Risk
    because: str


def _class(risk: Risk, because: str, names: str) -> _Class:
    """names: of calls, and of groups all of whose members belong to the class."""
    words = names.split()
    members = [GROUPS[word] if word.startswith("@") else {word} for word in words]
    return _Class(frozenset().union(*members), risk, because)


_CLASSES = (
    _class("critical", "reads or steers other processes", "ptrace process_vm_readv process_vm_writev pidfd_getfd kcmp"),
    _class("critical", "runs code in the kernel", "bpf @module create_module kexec_load kexec_file_load"),
    _class(
        "critical",
        "changes what the file system looks like",
        "@mount @swap umount umount2 oldumount open_tree_attr mount_setattr osf_mount osf_swapon",
    ),
    _class("critical", "enters or makes namespaces, with much of the kernel behind them", "setns unshare"),
    _class(
        "critical",
        "opens large parts of the kernel to attack",
        "@debug @keyring @cpu-emulation userfaultfd io_uring_setup io_uring_enter io_uring_register nfsservctl quotactl "
        "quotactl_fd acct uselib fanotify_init perfctr spu_create spu_run",
    ),
    _class("critical", "reaches files and devices past their permissions", "open_by_handle_at @raw-io"),
    _class(
        "critical",
        "changes the machine as a whole",
        "@clock @reboot stime old_adjtimex sethostname setdomainname syslog vhangup _sysctl osf_settimeofday osf_setsysinfo",
    ),
    _class("critical", "leads to any other call, past the filter's names", "syscall osf_syscall multiplexer"),
    _class(
        "high",
        "changes who the process is",
        "@setuid setfsuid setfsuid32 setfsgid setfsgid32 capset personality seccomp prctl lsm_set_self_attr",
    ),
    _class("high", "runs other programs", "execve execveat execv exec_with_loader fork vfork clone clone3"),
    _class("high", "talks to the network or to programs", "socket socketcall connect bind listen accept accept4 socketpair ipc"),
    _class(
        "high",
        "signals other processes or changes ownership and devices",
        "@chown kill tkill tgkill pidfd_send_signal rt_sigqueueinfo rt_tgsigqueueinfo mknod mknodat prlimit64",
    ),
    _class(
        "high",
        "reaches into the memory or the share of other processes",
        "process_madvise process_mrelease migrate_pages move_pages ioprio_set setpriority sched_setscheduler sched_setattr "
        "sched_setparam sched_setaffinity sched_set_affinity",
    ),
    _class("high", "makes code that no file holds, or hides it", "memfd_create memfd_secret remap_file_pages map_shadow_stack"),
    _class(
        "high", "names files past the directories that lead to them, or watches all of them", "name_to_handle_at fanotify_mark"
    ),
    _class("high", "no program of today needs", "@obsolete"),
    _class(
        "low",
        "",
        "getpid getppid gettid getuid geteuid getgid getegid getuid32 geteuid32 getgid32 getegid32 getresuid getresgid "
        "getresuid32 getresgid32 getgroups getgroups32 getpgid getpgrp getsid time times gettimeofday clock_gettime "
        "clock_gettime64 clock_getres clock_getres_time64 clock_nanosleep clock_nanosleep_time64 nanosleep uname sysinfo "
        "getrandom getcwd getrusage getcpu getpriority getrlimit ugetrlimit sched_yield sched_getaffinity umask pause alarm "
        "exit exit_group futex futex_time64 futex_waitv membarrier rt_sigreturn sigreturn restart_syscall read readv pread64 "
        "preadv preadv2 write writev pwrite64 pwritev pwritev2 close close_range lseek _llseek poll ppoll ppoll_time64 select "
        "_newselect pselect6 pselect6_time64 epoll_wait epoll_pwait epoll_pwait2 epoll_create epoll_create1 epoll_ctl brk "
        "munmap madvise rt_sigaction rt_sigprocmask sigaltstack get_robust_list set_robust_list set_tid_address rseq fstat "
        "fstat64 newfstatat fstatat64 stat stat64 lstat lstat64 statx access faccessat faccessat2 pipe pipe2 dup dup2 dup3 "
        "eventfd eventfd2 timerfd_create timerfd_settime timerfd_settime64 timerfd_gettime timerfd_gettime64 fsync fdatasync "
        "landlock_create_ruleset landlock_add_rule landlock_restrict_self",
    ),
)

_JUDGED = {
    name: option
    for option, names in (
        ("MemoryDenyWriteExecute=", "mmap mmap2 mprotect pkey_mprotect shmat"),
        ("RestrictAddressFamilies=", "socket socketcall socketpair"),
        ("RestrictNamespaces=", "clone clone3 unshare setns"),
        ("RestrictRealtime=", "sched_setscheduler sched_setattr"),
        ("RestrictSUIDSGID=", "chmod fchmod fchmodat fchmodat2 mknod mknodat"),
        ("LockPersonality=", "personality"),
    )
    for name in names.split()
}


def risk(name: str) -> tuple[Risk, str]:
    """How much the call opens, and why: what goes on after "a call that", empty where there is nothing to say."""
    for each in _CLASSES:
        if name in each.names:
            return each.risk, each.because
    return "medium", ""


def judged_by(name: str) -> str:
    """The option of a systemd unit (systemd.exec(5)) that refuses this call for its arguments; empty where there is none."""
    return _JUDGED.get(name, "")
