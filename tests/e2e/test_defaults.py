"""The logs that the program chooses itself: the usual ones and their rotated siblings."""

import json

import pytest

from tests.e2e.harness import done, own_mounts

pytestmark = pytest.mark.root


def _summary(ended):
    return json.loads(ended.out)["summary"]


FRESH = "mount -t tmpfs -o mode=755 none /var/log; [ ! -d /run/log ] || mount -t tmpfs -o mode=755 none /run/log"


def test_no_log_at_all(command):
    ended = done(own_mounts(FRESH, command))
    assert (ended.status, ended.out) == (3, b"")
    assert ended.err.startswith(b"syslogparse: none of the usual logs exists (/var/log/syslog, ")


def test_defaults_are_those_that_exist(command, small):
    setup = f"{FRESH}; cd /var/log; mkdir audit; cp {small} kern.log; cp {small} audit/audit.log"
    ended = done(own_mounts(setup, command, "-f", "json"))
    assert (ended.status, ended.err) == (0, b"")
    assert _summary(ended)["files"] == ["/var/log/kern.log", "/var/log/audit/audit.log"]


@pytest.mark.parametrize("directory", ["chmod 1777 /var/log", "chmod 775 /var/log; chgrp 4 /var/log", "chown 1000 /var/log"])
def test_planted_link_among_the_defaults(command, small, directory):
    setup = f"{FRESH}; cp {small} /var/log/messages; ln -s {small} /var/log/syslog; {directory}"
    ended = done(own_mounts(setup, command, "-f", "json"))
    assert ended.status == 3
    assert b"/var/log/syslog: is a symbolic link in a directory that others can write" in ended.err
    assert _summary(ended)["files"] == ["/var/log/messages"]
    # By its name it is read: whoever is root has chosen it.
    assert done(own_mounts(setup, command, "-f", "json", "/var/log/syslog")).status == 0


def test_link_that_only_root_can_have_made(command, small):
    ended = done(own_mounts(f"{FRESH}; ln -s {small} /var/log/syslog", command, "-f", "json"))
    assert ended.status == 0
    assert _summary(ended)["files"] == ["/var/log/syslog"]


def test_rotated_siblings(command, small):
    setup = (
        f"{FRESH}; cd /var/log; "
        f"for name in syslog syslog.1 syslog.2 syslog-20261101 syslogger syslog.old; do cp {small} $name; done; "
        f"gzip -c {small} > syslog.3.gz; ln -s /etc/shadow syslog.4; mkdir syslog.5; mkfifo syslog.6"
    )
    ended = done(own_mounts(setup, command, "-f", "json", "--rotated", "/var/log/syslog"))
    assert _summary(ended)["files"] == [f"/var/log/syslog{more}" for more in ("-20261101", ".4", ".3.gz", ".2", ".1", "")]
    assert ended.status == 3
    assert sorted(_summary(ended)["unreadable"]) == [f"/var/log/syslog{more}" for more in (".5", ".6")]
    ended = done(own_mounts(f"{setup}; chmod 1777 /var/log", command, "-f", "json", "--rotated", "/var/log/syslog"))
    assert b"/var/log/syslog.4: is a symbolic link in a directory that others can write" in ended.err
