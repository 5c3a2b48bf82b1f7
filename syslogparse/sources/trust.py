"""How far a log is to be believed: by its name, its owner and who else can write it or its directory."""

from __future__ import annotations

import os
import stat
from collections.abc import Collection
from typing import NamedTuple

from syslogparse.evidence.model import Grade

JOURNAL = ".journal"
_REMOTE = "remote"
_PASSWD = "/etc/passwd"  # noqa: S105 - a file name


class Grades(NamedTuple):
    """The grade of audit records and that of kernel lines in a text log, and that of a native journal's entries of both."""

    audit: Grade
    kernel: Grade
    journal: Grade = "syslog"


UNTRUSTED = Grades("syslog", "syslog")


class Account(NamedTuple):
    """A user and his group."""

    uid: int
    gid: int


def grades(path: str, status: os.stat_result, directory: os.stat_result, syslog: Account | None) -> Grades:
    """The grades of a log with this real path, with the status of the file and of the directory it stands in (inode(7)).

    kernel: audit records in audit.log*, and the entries of a native *.journal, that root owns, in a directory that only root
    can write (journald keeps who said what, and nobody else can write there). kern: kernel lines in
    kern.log* and ufw.log* that root or the user syslog owns and others cannot write, in a directory that only those two can
    write (Ubuntu's /var/log is group-writable for syslog). Everything else is syslog.
    """
    name = os.path.basename(path)
    of_root = status.st_uid == 0 and not shared(status) and directory.st_uid == 0 and not shared(directory)
    if name.startswith("audit.log"):
        return Grades("kernel" if of_root else "syslog", "syslog")
    if name.endswith(JOURNAL):
        # systemd-journal-remote(8) writes down what another machine says, the fields that nobody can forge included.
        foreign = os.path.basename(os.path.dirname(path)) == _REMOTE
        return Grades("syslog", "syslog", "kernel" if of_root and not foreign else "syslog")
    if name.startswith(("kern.log", "ufw.log")):
        owners = {0} if syslog is None else {0, syslog.uid}
        groups = set() if syslog is None else {syslog.gid}
        safe = {status.st_uid, directory.st_uid} <= owners and not shared(status) and not shared(directory, groups)
        return Grades("syslog", "kern" if safe else "syslog")
    return UNTRUSTED


def shared(status: os.stat_result, groups: Collection[int] = ()) -> bool:
    """Can somebody else than the owner write it? groups: those that are not somebody else.

    Not even group root is excepted: with an access control list the group's bits stand for everybody on the list (acl(5)).
    """
    by_group = status.st_mode & stat.S_IWGRP and status.st_gid not in groups
    return bool(status.st_mode & stat.S_IWOTH or by_group)


def syslog_user() -> Account | None:
    """The user syslog (rsyslog's on Ubuntu), from /etc/passwd alone: NSS would load foreign code into root."""
    try:
        with open(_PASSWD, "rb") as passwd:
            for line in passwd:
                fields = line.split(b":")
                if fields[0] == b"syslog" and len(fields) > 3 and fields[2].isdigit() and fields[3].isdigit():
                    return Account(int(fields[2]), int(fields[3]))
    except OSError:
        return None
    return None
