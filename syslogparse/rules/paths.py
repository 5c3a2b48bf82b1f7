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
    pattern: re.Pattern[bytes]
    danger: Danger


def _place(pattern: bytes, risk: Risk, because: str) -> _Place:
    return _Place(re.compile(pattern), Danger(risk, because))


# The first that matches decides. Every pattern is anchored at the start by match().
_READ = (
    _place(rb"/etc/(?:shadow|gshadow)-?\Z", "critical", "password hashes"),
    _place(rb"/etc/ssh/ssh_host_[^/]*_key\Z", "critical", "the host's private keys"),
    _place(rb"(?:/root|/home/[^/]+)/\.(?:ssh|gnupg|aws|kube|docker)/", "critical", "a user's keys"),
    _place(rb"/etc/ssl/private/|/etc/krb5\.keytab\Z|/etc/letsencrypt/(?:live|archive)/", "critical", "private keys"),
    _place(rb"/dev/(?:mem|kmem|port)\Z|/proc/kcore\Z", "critical", "the machine's memory"),
    _place(rb"/dev/(?:sd|hd|vd|xvd|nvme|dm-|mapper/|mmcblk|loop)", "critical", "a whole disk"),
    _place(rb"/proc/[^/]+/(?:mem|environ|maps)\Z", "high", "the memory of a process"),
    _place(rb"/etc/sudoers(?:\.d/|\Z)", "high", "who may become root"),
    _place(rb"/root/", "high", "root's own files"),
    _place(rb"/home/[^/]+/", "medium", "a user's own files"),
)
_WRITE = (
    _place(rb"(?:/var)?/run/(?:docker|containerd/\w+|podman/\w+|crio/\w+)\.sock\Z", "critical", "containers run as root"),
    _place(rb"/etc/", "critical", "system configuration"),
    _place(rb"/root/", "critical", "root's own files"),
    _place(rb"(?:/[^/]+)*/\.ssh/", "critical", "keys that let somebody log in"),
    _place(rb"(?:/[^/]+)*/\.(?:bash|zsh|profile|login|pam_env|xsession|xinit)[^/]*\Z", "critical", "commands run at login"),
    _place(rb"(?:/[^/]+)*/\.config/(?:autostart|systemd)/", "critical", "programs started at login"),
    _place(rb"/(?:boot|lib|lib32|lib64|libx32|bin|sbin|usr|opt)/", "critical", "programs and libraries of the system"),
    _place(rb"/var/spool/(?:cron|at)/|/run/systemd/|/run/udev/", "critical", "programs started by the system"),
    _place(rb"/var/lib/(?:dpkg|rpm|systemd|apparmor|polkit-1|sudo)/", "critical", "what the system trusts"),
    _place(rb"/proc/|/sys/", "critical", "settings of the kernel"),
    _place(rb"/dev/(?:null|zero|full|random|urandom|tty|ptmx|stdin|stdout|stderr)\Z|/dev/pts/|/dev/shm/", "low", ""),
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


def _look_up(places: tuple[_Place, ...], path: bytes, default: Danger) -> Danger:
    return next((one.danger for one in places if one.pattern.match(path)), default)


def _reading(rule: FileRule) -> list[Danger]:
    if not set(rule.perms) & set("rl"):
        return []
    return [_look_up(_READ, rule.path, Danger("low"))]


def _writing(rule: FileRule) -> list[Danger]:
    if not set(rule.perms) & set("wal"):
        return []
    return [_look_up(_WRITE, rule.path, Danger("medium"))]


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
