"""Logged system calls to additions for the filter that is in force.

A seccomp record (audit type 1326, kernel/auditsc.c audit_seccomp) names a call that the filter in force did not simply allow.
The rule adds that one call; which filter it is, and what else it allows, the log does not say.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

from syslogparse.evidence.model import Evidence, SeccompKey
from syslogparse.rules.merge import Draft, Refused, weakest
from syslogparse.rules.model import Advice, Confidence, Risk, Rule, Suggestion, SyscallRule

ARCHITECTURES = frozenset(
    "x86 x86_64 x32 arm aarch64 loongarch64 m68k mips mipsel mips64 mipsel64 mips64n32 mipsel64n32 parisc parisc64 ppc ppc64 "
    "ppc64le riscv64 s390 s390x sh sheb".split()
)
"""libseccomp's names (seccomp_arch_resolve_name(3))."""

_NAME = re.compile(r"[a-z_][a-z0-9_]{0,39}")
_MAX_EXE = 4096
_SIGKILL = b"9"


class _Group(NamedTuple):
    names: frozenset[str]
    risk: Risk
    because: str


def _group(risk: Risk, because: str, names: str) -> _Group:
    return _Group(frozenset(names.split()), risk, because)


_GROUPS = (
    _group("critical", "reads or steers other processes", "ptrace process_vm_readv process_vm_writev pidfd_getfd kcmp"),
    _group(
        "critical",
        "runs code in the kernel",
        "bpf init_module finit_module delete_module create_module kexec_load kexec_file_load",
    ),
    _group(
        "critical",
        "changes what the file system looks like",
        "mount umount umount2 pivot_root chroot move_mount open_tree fsopen fsconfig fsmount fspick mount_setattr swapon swapoff",
    ),
    _group("critical", "enters or makes namespaces, with much of the kernel behind them", "setns unshare"),
    _group(
        "critical",
        "opens large parts of the kernel to attack",
        "perf_event_open userfaultfd io_uring_setup io_uring_enter io_uring_register keyctl add_key request_key vm86 vm86old "
        "modify_ldt lookup_dcookie nfsservctl quotactl quotactl_fd acct uselib",
    ),
    _group("critical", "reaches files and devices past their permissions", "open_by_handle_at iopl ioperm pciconfig_write"),
    _group(
        "critical",
        "changes the machine as a whole",
        "reboot settimeofday clock_settime clock_settime64 clock_adjtime clock_adjtime64 adjtimex stime sethostname "
        "setdomainname syslog vhangup",
    ),
    _group(
        "high",
        "changes who the process is",
        "setuid setgid setreuid setregid setresuid setresgid setfsuid setfsgid setgroups capset setuid32 setgid32 setreuid32 "
        "setregid32 setresuid32 setresgid32 setfsuid32 setfsgid32 setgroups32 personality seccomp prctl",
    ),
    _group("high", "runs other programs", "execve execveat fork vfork clone clone3"),
    _group("high", "talks to the network or to programs", "socket socketcall connect bind listen accept accept4 socketpair"),
    _group(
        "high",
        "signals other processes or changes ownership and devices",
        "kill tkill tgkill pidfd_send_signal rt_sigqueueinfo rt_tgsigqueueinfo chown chown32 lchown lchown32 fchown fchown32 "
        "fchownat mknod mknodat memfd_create remap_file_pages setpriority sched_setscheduler sched_setattr prlimit64",
    ),
    _group(
        "low",
        "",
        "getpid getppid gettid getuid geteuid getgid getegid getuid32 geteuid32 getgid32 getegid32 getresuid getresgid getgroups "
        "getpgid getpgrp getsid time times gettimeofday clock_gettime clock_gettime64 clock_getres clock_nanosleep nanosleep "
        "uname sysinfo getrandom getcwd getrusage getcpu sched_yield sched_getaffinity exit exit_group futex rt_sigreturn "
        "restart_syscall read readv pread64 write writev pwrite64 close lseek _llseek poll ppoll select pselect6 epoll_wait "
        "epoll_pwait epoll_create epoll_create1 epoll_ctl brk munmap madvise rt_sigaction rt_sigprocmask sigaltstack "
        "set_robust_list set_tid_address rseq fstat newfstatat stat lstat statx access faccessat faccessat2 pipe pipe2 dup dup2 "
        "dup3 eventfd eventfd2 timerfd_create timerfd_settime timerfd_gettime fsync fdatasync",
    ),
)
_UNSAID: dict[bytes, str] = {
    b"allow": "accepted already",
    b"trace": "left to a tracing process to decide",
    b"user_notif": "left to a supervising process to decide",
}
_CONFIDENCE: dict[bytes, Confidence] = {
    b"kill_process": "high",
    b"kill_thread": "high",
    b"trap": "high",
    b"errno": "medium",
    b"log": "medium",
}
CANARY = (b"sp-canary", b"getppid")
"""comm and system call of the children that syslogparse sends ahead under each filter (sandbox/canary.py)."""
_SAID = {
    b"log": "The filter in force let this call pass and logged it",
    b"errno": "The filter in force answered this call with an error",
}


def advise(evidence: Iterable[Evidence]) -> Advice:
    """Suggestions for seccomp evidence: one rule per program, architecture and call."""
    draft = Draft()
    for item in evidence:
        try:
            draft.add(_suggestion(item))
        except Refused as refusal:
            draft.refuse(refusal.reason, item)
    return draft.advice(natural_order)


def natural_order(rule: Rule) -> tuple[object, ...]:
    """The sorting key of a system-call rule: program, architecture, name."""
    return (rule.exe, rule.arch, rule.name) if isinstance(rule, SyscallRule) else ()


def _suggestion(item: Evidence) -> Suggestion:
    key = item.key
    if not isinstance(key, SeccompKey):
        raise Refused("evidence that contradicts itself")
    rule = _rule(key)
    risk, because = _risk(rule.name)
    said = _SAID.get(key.action, "The filter in force stopped this call")
    what = f": a call that {because}" if because else ""
    return Suggestion(
        rule=rule,
        intent="allow",
        risk=risk,
        confidence=_CONFIDENCE[key.action],
        why=f"{said}; the rule is an addition to that filter{what}.",
        evidence=item,
        trust=weakest(item),
    )


def _rule(key: SeccompKey) -> SyscallRule:
    """The rule for ``key``. Raises Refused: strict mode, a call without a known name, or no filter decided alone."""
    if (key.comm, key.name) == CANARY and key.action == b"kill_process":
        raise Refused("a canary of syslogparse, killed to show that its filter bites")
    if key.sig == _SIGKILL:
        raise Refused("strict mode (SIGKILL) takes no additions")
    if key.action in _UNSAID:
        raise Refused(_UNSAID[key.action])
    if key.action not in _CONFIDENCE:
        raise Refused("action that seccomp does not have")
    if not key.name:
        raise Refused("system call without a known name")
    name, arch = key.name.decode("ascii", "replace"), key.arch.decode("ascii", "replace")
    if not _NAME.fullmatch(name):
        raise Refused("system call name that is none")
    if arch not in ARCHITECTURES:
        raise Refused("architecture that is none")
    if not key.exe or len(key.exe) > _MAX_EXE or b"\0" in key.exe:
        raise Refused("no program name")
    return SyscallRule(key.exe, arch, name)


def _risk(name: str) -> tuple[Risk, str]:
    for group in _GROUPS:
        if name in group.names:
            return group.risk, group.because
    return "medium", ""
