"""How dangerous it is to grant a confined program access to a path: tables of ours, looked up with linear matches."""

from __future__ import annotations

import re
from typing import NamedTuple

from syslogparse.rules.apparmor_model import FileRule
from syslogparse.rules.merge import moved
from syslogparse.rules.model import Risk


class Danger(NamedTuple):
    """A risk and, where there is more to say than the access itself, why (part of a sentence)."""

    risk: Risk
    because: str = ""


class _Place(NamedTuple):
    pattern: bytes
    danger: Danger


def _place(pattern: bytes, risk: Risk, because: str) -> _Place:
    return _Place(pattern, Danger(risk, because))


class _Places:
    """Places in one regular expression: trying them one by one took ten times as long. The first that matches decides."""

    def __init__(self, *places: _Place) -> None:
        self._dangers = [one.danger for one in places]
        self._all = re.compile(b"|".join(b"(%b)" % one.pattern for one in places), re.DOTALL)

    def look_up(self, path: bytes, default: Danger) -> Danger:
        found = self._all.match(path)
        return default if found is None else self._dangers[(found.lastindex or 1) - 1]


_ANYWHERE = rb"(?:/[^/]+)*/"
# Reading and writing alike: who writes what others log in with, or what a tool is told to run for it, logs in too.
_SECRETS = (
    _place(rb"/etc/(?:shadow|gshadow|security/opasswd)-?\Z|/var/backups/[^/]*shadow", "critical", "password hashes"),
    _place(rb"/etc/ssh/ssh_host_[^/]*_key\Z", "critical", "the host's private keys"),
    _place(_ANYWHERE + rb"\.(?:ssh|gnupg|aws|azure|kube|docker|oci|password-store|pki)/", "critical", "a user's keys"),
    _place(
        _ANYWHERE
        + rb"[._](?:netrc|authinfo(?:\.gpg)?|pgpass|my\.cnf|mylogin\.cnf|git-credentials|pypirc|npmrc|dockercfg|htpasswd|"
        rb"vault-token|s3cfg|boto|smbcredentials|msmtprc|fetchmailrc|terraformrc|Xauthority|ICEauthority)\Z",
        "critical",
        "passwords of a user",
    ),
    _place(
        _ANYWHERE
        + rb"\.(?:gem/credentials|cargo/credentials(?:\.toml)?|m2/settings(?:-security)?\.xml|gradle/gradle\.properties|"
        rb"config/(?:git/credentials|[^/]+/hosts\.yml|gcloud/.*|rclone/rclone\.conf|containers/auth\.json|op/.*|doctl/.*)|"
        rb"local/share/(?:keyrings|kwalletd)/.*|purple/accounts\.xml)\Z",
        "critical",
        "passwords of a user",
    ),
    _place(
        _ANYWHERE + rb"(?:logins\.json|key[34]\.db|signons\.sqlite|cookies\.sqlite(?:-wal)?|Login Data|Cookies)\Z",
        "critical",
        "passwords and sessions that a browser keeps",
    ),
    _place(
        rb"/etc/(?:ssl|pki/[^/]+)/private/|/etc/(?:krb5\.keytab|ipsec\.secrets|swanctl/private/.*|bind/rndc\.key)\Z|"
        rb"/etc/letsencrypt/(?:live|archive)/|/etc/(?:wireguard|credstore[^/]*|kubernetes/pki)/|/etc/kubernetes/[^/]*\.conf\Z",
        "critical",
        "private keys",
    ),
    _place(
        rb"/etc/(?:ppp/(?:chap|pap)-secrets|mysql/debian\.cnf|postfix/sasl_passwd[^/]*|exim4/passwd\.client)\Z|"
        rb"/etc/(?:NetworkManager/system-connections|wpa_supplicant|cifs-utils)/|"
        rb"/run/(?:secrets|credentials)/|/var/lib/(?:samba/private|sss/(?:db|secrets))/|/run/user/[0-9]+/containers/auth\.json\Z",
        "critical",
        "passwords of services",
    ),
    _place(rb"/dev/(?:mem|kmem|port)\Z|/proc/kcore\Z", "critical", "the machine's memory"),
    _place(rb"/dev/(?:sd|hd|vd|xvd|nvme|dm-|mapper/|mmcblk|loop)", "critical", "a whole disk"),
)
_HARMLESS_DEVICES = rb"/dev/(?:null|zero|full|random|urandom|tty|ptmx|log|stdin|stdout|stderr)\Z|/dev/pts/|/dev/shm/"
_HISTORY = _ANYWHERE + rb"\.(?:[a-z_]+_history|histfile|lesshst|viminfo)\Z"
_OF_A_PROCESS = rb"/proc/[^/]+/(?:task/[^/]+/)?"
# Every pattern is anchored at the start by match(), and has no group of its own.
_READ = _Places(
    *_SECRETS,
    _place(_OF_A_PROCESS + rb"(?:mem|environ|maps|smaps|pagemap|auxv|stack|syscall)\Z", "high", "the memory of processes"),
    _place(rb"/etc/sudoers(?:\.d/|\Z)", "high", "who may become root"),
    _place(_HISTORY, "high", "what a user typed"),
    _place(rb"/root/", "high", "root's own files"),
    _place(rb"/dev/(?:input/|hidraw|uinput\Z|uhid\Z)", "critical", "what is typed and pointed at"),
    _place(rb"/dev/(?:console\Z|tty[0-9]|vcs)", "high", "a terminal of the machine"),
    _place(rb"/dev/(?:video|media|snd/)", "high", "camera or microphone"),
    _place(rb"/sys/kernel/(?:debug|tracing)/|/proc/kallsyms\Z", "high", "the inside of the kernel"),
    _place(rb"/var/(?:spool/)?mail/", "high", "somebody's mail"),
    _place(_HARMLESS_DEVICES, "low", ""),
    _place(rb"/dev/[^/]", "medium", "a device"),
    _place(rb"/var/log/(?:auth\.log|secure|btmp|audit/|journal/)|/run/log/journal/", "medium", "what the system logged"),
    _place(rb"/home/[^/]+/", "medium", "a user's own files"),
)
_WRITE = _Places(
    *_SECRETS,
    _place(
        rb"(?:/var)?/run/(?:docker|containerd/\w+|podman/\w+|crio/\w+)\.sock\Z|/run/(?:lxd|incus|snapd)[^/]*\.socket\Z|"
        rb"/run/libvirt/|/var/(?:lib|snap)/(?:lxd|incus)/.*unix\.socket\Z",
        "critical",
        "containers run as root",
    ),
    _place(rb"/run/systemd/(?:journal/(?:socket|stdout|dev-log)|notify)\Z", "low", ""),
    _place(rb"/etc/", "critical", "system configuration"),
    _place(_HISTORY, "high", "what a user typed"),
    _place(rb"/root/", "critical", "root's own files"),
    _place(rb"(?:/[^/]+)*/\.(?:bash|zsh|profile|login|pam_env|xsession|xinit)[^/]*\Z", "critical", "commands run at login"),
    _place(rb"(?:/[^/]+)*/\.config/(?:autostart|systemd)/", "critical", "programs started at login"),
    _place(rb"/(?:boot|lib|lib32|lib64|libx32|bin|sbin|usr|opt)/", "critical", "programs and libraries of the system"),
    _place(rb"/var/spool/(?:cron|at)/|/run/systemd/|/run/udev/", "critical", "programs started by the system"),
    _place(rb"/var/lib/(?:dpkg|rpm|systemd|apparmor|polkit-1|sudo)/", "critical", "what the system trusts"),
    _place(_OF_A_PROCESS + rb"mem\Z", "critical", "the memory of processes"),
    _place(_OF_A_PROCESS + rb"attr/", "high", "a change of confinement, as far as change_profile rules let it"),
    _place(_OF_A_PROCESS + rb"(?:uid_map|gid_map|projid_map|setgroups)\Z", "high", "who is who in a user namespace"),
    _place(_OF_A_PROCESS + rb"(?:oom_adj|oom_score_adj|coredump_filter|timerslack_ns|autogroup|comm)\Z", "medium", ""),
    _place(rb"/proc/|/sys/", "critical", "settings of the kernel"),
    _place(_HARMLESS_DEVICES, "low", ""),
    _place(rb"/dev/", "critical", "a device"),
    _place(rb"/var/log/", "high", "log files"),
    _place(rb"/home/[^/]+/", "medium", "a user's own files"),
    _place(rb"/tmp/|/var/tmp/", "low", ""),
)
_SHELL = re.compile(
    rb"(?:/[^/]+)*/(?:(?:ba|da|z|k|mk|pdk|a|c|tc|fi|r)?sh|busybox|toybox|env|python[0-9.]*|perl[0-9.]*|ruby[0-9.]*|php[0-9.]*|"
    rb"lua[0-9.]*|node|nodejs|awk|gawk|mawk|sed|vim?|ssh|nc|ncat|socat|curl|wget|gdb|strace)\Z"
)
_GAIN = re.compile(rb"(?:/[^/]+)*/(?:sudo|su|doas|pkexec|mount|umount|passwd|chsh|newgrp|runuser|setpriv|nsenter|unshare)\Z")
_OPEN_TO_USERS = re.compile(rb"/tmp/|/var/tmp/|/dev/shm/|/home/|/run/user/")

_WORST_FIRST: tuple[Risk, ...] = ("critical", "high", "medium", "low")


def danger_of(rule: FileRule) -> Danger:
    """The gravest of what ``rule`` grants: reading, writing, mapping, executing, and the unsafe pairs of these."""
    dangers = [*_reading(rule), *_writing(rule), *_executing(rule)] or [Danger("low")]
    return min(dangers, key=lambda one: (_WORST_FIRST.index(one.risk), not one.because, one.because))


def _reading(rule: FileRule) -> list[Danger]:
    if not set(rule.perms) & set("rlm"):
        return []
    return [_READ.look_up(rule.path, Danger("low"))]


def _writing(rule: FileRule) -> list[Danger]:
    if not set(rule.perms) & set("wal"):
        return []
    return [_WRITE.look_up(rule.path, Danger("medium"))]


def _executing(rule: FileRule) -> list[Danger]:
    if not rule.execute and "m" not in rule.perms:
        return []
    if "w" in rule.perms or "a" in rule.perms:
        return [Danger("critical", "what can be written can then be run")]
    risk: Risk = "medium" if rule.execute else "low"
    because = ""
    if rule.execute and _GAIN.match(rule.path):
        risk, because = "critical", "a program that changes who one is"
    elif rule.execute and _SHELL.match(rule.path):
        risk, because = "high", "a program that runs any command"
    if _OPEN_TO_USERS.match(rule.path):
        risk, because = moved(risk, 1), because or "a program in a place that users write to"
    return [Danger(risk, because)]
