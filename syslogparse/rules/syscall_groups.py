"""Groups of system calls as systemd names them, and which of their members an architecture does not have.

Facts about systemd 252 (src/shared/seccomp-util.c, ``systemd-analyze syscall-filter``). Other versions have the same groups
with some more members. Left out are the sets that are made of others (@privileged, @system-service), what every list allows
in any case (@default), and all that is known (@known).
"""

from __future__ import annotations

from collections.abc import Collection
from collections.abc import Set as AbstractSet


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


GROUPS: dict[str, frozenset[str]] = {
    "@aio": _names(
        "io_cancel io_destroy io_getevents io_pgetevents io_pgetevents_time64 io_setup io_submit io_uring_enter "
        "io_uring_register io_uring_setup"
    ),
    "@basic-io": _names(
        "_llseek close close_range dup dup2 dup3 lseek pread64 preadv preadv2 pwrite64 pwritev pwritev2 read readv write writev"
    ),
    "@chown": _names("chown chown32 fchown fchown32 fchownat lchown lchown32"),
    "@clock": _names("adjtimex clock_adjtime clock_adjtime64 clock_settime clock_settime64 settimeofday"),
    "@cpu-emulation": _names("modify_ldt subpage_prot switch_endian vm86 vm86old"),
    "@debug": _names("lookup_dcookie perf_event_open pidfd_getfd ptrace rtas s390_runtime_instr sys_debug_setcontext"),
    "@file-system": _names(
        "access chdir chmod close creat faccessat faccessat2 fallocate fchdir fchmod fchmodat fchmodat2 fcntl fcntl64 "
        "fgetxattr flistxattr fremovexattr fsetxattr fstat fstat64 fstatat64 fstatfs fstatfs64 ftruncate ftruncate64 "
        "futimesat getcwd getdents getdents64 getxattr inotify_add_watch inotify_init inotify_init1 inotify_rm_watch "
        "lgetxattr link linkat listxattr llistxattr lremovexattr lsetxattr lstat lstat64 mkdir mkdirat mknod mknodat "
        "newfstatat oldfstat oldlstat oldstat open openat openat2 readlink readlinkat removexattr rename renameat "
        "renameat2 rmdir setxattr stat stat64 statfs statfs64 statx symlink symlinkat truncate truncate64 unlink unlinkat "
        "utime utimensat utimensat_time64 utimes"
    ),
    "@io-event": _names(
        "_newselect epoll_create epoll_create1 epoll_ctl epoll_ctl_old epoll_pwait epoll_pwait2 epoll_wait epoll_wait_old "
        "eventfd eventfd2 poll ppoll ppoll_time64 pselect6 pselect6_time64 select"
    ),
    "@ipc": _names(
        "ipc memfd_create mq_getsetattr mq_notify mq_open mq_timedreceive mq_timedreceive_time64 mq_timedsend "
        "mq_timedsend_time64 mq_unlink msgctl msgget msgrcv msgsnd pipe pipe2 process_madvise process_vm_readv "
        "process_vm_writev semctl semget semop semtimedop semtimedop_time64 shmat shmctl shmdt shmget"
    ),
    "@keyring": _names("add_key keyctl request_key"),
    "@memlock": _names("mlock mlock2 mlockall munlock munlockall"),
    "@module": _names("delete_module finit_module init_module"),
    "@mount": _names("chroot fsconfig fsmount fsopen fspick mount mount_setattr move_mount open_tree pivot_root umount umount2"),
    "@network-io": _names(
        "accept accept4 bind connect getpeername getsockname getsockopt listen recv recvfrom recvmmsg recvmmsg_time64 "
        "recvmsg send sendmmsg sendmsg sendto setsockopt shutdown socket socketcall socketpair"
    ),
    "@obsolete": _names(
        "_sysctl afs_syscall bdflush break create_module ftime get_kernel_syms getpmsg gtty idle lock mpx prof profil "
        "putpmsg query_module security sgetmask ssetmask stime stty sysfs tuxcall ulimit uselib ustat vserver"
    ),
    "@pkey": _names("pkey_alloc pkey_free pkey_mprotect"),
    "@process": _names(
        "capget clone clone3 execveat fork getrusage kill pidfd_open pidfd_send_signal prctl rt_sigqueueinfo "
        "rt_tgsigqueueinfo setns swapcontext tgkill times tkill unshare vfork wait4 waitid waitpid"
    ),
    "@raw-io": _names("ioperm iopl pciconfig_iobase pciconfig_read pciconfig_write s390_pci_mmio_read s390_pci_mmio_write"),
    "@reboot": _names("kexec_file_load kexec_load reboot"),
    "@resources": _names(
        "ioprio_set mbind migrate_pages move_pages nice sched_setaffinity sched_setattr sched_setparam sched_setscheduler "
        "set_mempolicy set_mempolicy_home_node setpriority setrlimit"
    ),
    "@setuid": _names(
        "setgid setgid32 setgroups setgroups32 setregid setregid32 setresgid setresgid32 setresuid setresuid32 setreuid "
        "setreuid32 setuid setuid32"
    ),
    "@signal": _names(
        "rt_sigaction rt_sigpending rt_sigprocmask rt_sigsuspend rt_sigtimedwait rt_sigtimedwait_time64 sigaction "
        "sigaltstack signal signalfd signalfd4 sigpending sigprocmask sigsuspend"
    ),
    "@swap": _names("swapoff swapon"),
    "@sync": _names("fdatasync fsync msync sync sync_file_range sync_file_range2 syncfs"),
    "@timer": _names(
        "alarm getitimer setitimer timer_create timer_delete timer_getoverrun timer_gettime timer_gettime64 timer_settime "
        "timer_settime64 timerfd_create timerfd_gettime timerfd_gettime64 timerfd_settime timerfd_settime64 times"
    ),
}
"""Members by the name of the group."""

_NOT_ON_64_BIT = _names(
    "_llseek _newselect bdflush break chown32 clock_adjtime64 clock_settime64 fchown32 fcntl64 fstat64 fstatat64 "
    "fstatfs64 ftime ftruncate64 gtty idle io_pgetevents_time64 ipc lchown32 lock lstat64 mpx mq_timedreceive_time64 "
    "mq_timedsend_time64 nice oldfstat oldlstat oldstat pciconfig_iobase pciconfig_read pciconfig_write ppoll_time64 prof "
    "profil pselect6_time64 recv recvmmsg_time64 rt_sigtimedwait_time64 rtas s390_pci_mmio_read s390_pci_mmio_write "
    "s390_runtime_instr semtimedop_time64 send setgid32 setgroups32 setregid32 setresgid32 setresuid32 setreuid32 "
    "setuid32 sgetmask sigaction signal sigpending sigprocmask sigsuspend socketcall ssetmask stat64 statfs64 stime stty "
    "subpage_prot swapcontext switch_endian sync_file_range2 sys_debug_setcontext timer_gettime64 timer_settime64 "
    "timerfd_gettime64 timerfd_settime64 truncate64 ulimit umount utimensat_time64 vm86 vm86old waitpid"
)

_NOT_ON_NEWER = _names(
    "_sysctl access afs_syscall alarm chmod chown creat create_module dup2 epoll_create epoll_ctl_old epoll_wait "
    "epoll_wait_old eventfd fork futimesat get_kernel_syms getdents getpmsg inotify_init ioperm iopl lchown link lstat "
    "mkdir mknod modify_ldt open pipe poll putpmsg query_module readlink rename rmdir security select signalfd stat "
    "symlink sysfs tuxcall unlink uselib ustat utime utimes vfork vserver"
)
ABSENT: dict[str, frozenset[str]] = {
    "x86_64": _NOT_ON_64_BIT,
    "aarch64": _NOT_ON_64_BIT | _NOT_ON_NEWER,
    "riscv64": _NOT_ON_64_BIT | _NOT_ON_NEWER | {"renameat"},
}
"""Members of groups that an architecture has no number for (libseccomp 2.5.4); of other architectures nothing is known."""


_THERE = {arch: {group: members - absent for group, members in GROUPS.items()} for arch, absent in ABSENT.items()}


def complete(names: AbstractSet[str], architectures: Collection[str]) -> list[str]:
    """The groups all of whose members are in ``names``, as far as these architectures have them; sorted.

    architectures: libseccomp's names. A group of which they have nothing is none.
    """
    tables = [_THERE.get(arch, GROUPS) for arch in architectures]
    return [
        group
        for group in sorted(GROUPS)
        if any(table[group] for table in tables) and all(table[group] <= names for table in tables)
    ]
