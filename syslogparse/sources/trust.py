"""How far a log is to be believed: by its name, its owner and who else can write it or its directory."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Collection
from typing import NamedTuple

from syslogparse.evidence.model import Grade

JOURNAL = ".journal"
_REMOTE = "remote"
_MACHINE = re.compile(r"[0-9a-f]{32}")
_MACHINE_ID = "/etc/machine-id"
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


def grades(path: str, status: os.stat_result, directory: os.stat_result, syslog: Account | None, machine: str = "") -> Grades:
    """The grades of a log with this real path, with the status of the file and of the directory it stands in (inode(7)).

    kernel: audit records in audit.log*, and the entries of a native *.journal, that root owns, in a directory that only root
    can write (journald keeps who said what, and nobody else can write there). machine: the ID of this machine; the journals
    of others are not believed. kern: kernel lines in kern.log* and ufw.log* that root or the user syslog owns and others cannot
    write, in a directory that only those two can write (Ubuntu's /var/log is group-writable for syslog). Everything else is
    syslog.
    """
    name = os.path.basename(path)
    of_root = status.st_uid == 0 and not shared(status) and directory.st_uid == 0 and not shared(directory)
    if name.startswith("audit.log"):
        return Grades("kernel" if of_root else "syslog", "syslog")
    if name.endswith(JOURNAL):
        foreign = _is_foreign(os.path.basename(os.path.dirname(path)), machine)
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


def _is_foreign(folder: str, machine: str) -> bool:
    """Whether journals in a directory of this name come from elsewhere, the fields that nobody here can forge included.

    systemd-journal-remote(8) writes down what another machine says, and a container whose journal is linked to the host's
    (systemd-nspawn(1), --link-journal=) writes as its own root, in a directory that is called after its machine ID.
    """
    whose = folder.partition(".")[0]  # behind it stands the name of a journal namespace
    return folder == _REMOTE or (_MACHINE.fullmatch(whose) is not None and whose != machine)


def machine_id() -> str:
    """This machine's ID (machine-id(5)); empty where it has none."""
    try:
        with open(_MACHINE_ID, "rb") as file:
            return file.read(33).rstrip(b"\n").decode("ascii", "replace")
    except OSError:
        return ""


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
