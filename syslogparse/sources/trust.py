"""How far a log is to be believed: by its name, its owner and who else can write it or its directory."""

from __future__ import annotations

import os
import stat
from typing import NamedTuple

from syslogparse.evidence.model import Grade

_PASSWD = "/etc/passwd"  # noqa: S105 - a file name


class Grades(NamedTuple):
    """The grade of audit records and that of kernel lines in one log."""

    audit: Grade
    kernel: Grade


UNTRUSTED = Grades("syslog", "syslog")


def grades(path: str, status: os.stat_result, directory: os.stat_result, syslog_uid: int | None) -> Grades:
    """The grades of a log with this real path, with the status of the file and of its directory (inode(7)).

    kernel: audit records in audit.log* that root owns, in a directory that only root can write. kern: kernel lines in
    kern.log* and ufw.log* that root or the user syslog owns and others cannot write. Everything else is syslog.
    """
    name = os.path.basename(path)
    if name.startswith("audit.log"):
        safe = status.st_uid == 0 and not shared(status) and directory.st_uid == 0 and not shared(directory)
        return Grades("kernel" if safe else "syslog", "syslog")
    if name.startswith(("kern.log", "ufw.log")) and not shared(status):
        owners = {0} if syslog_uid is None else {0, syslog_uid}
        return Grades("syslog", "kern" if status.st_uid in owners else "syslog")
    return UNTRUSTED


def shared(status: os.stat_result) -> bool:
    """Can somebody else than the owner write it? Group root does not count."""
    return bool(status.st_mode & stat.S_IWOTH or (status.st_mode & stat.S_IWGRP and status.st_gid != 0))


def syslog_user() -> int | None:
    """The id of the user syslog (rsyslog's on Ubuntu), from /etc/passwd alone: NSS would load foreign code into root."""
    try:
        with open(_PASSWD, "rb") as passwd:
            for line in passwd:
                fields = line.split(b":")
                if fields[0] == b"syslog" and len(fields) > 2 and fields[2].isdigit():
                    return int(fields[2])
    except OSError:
        return None
    return None
