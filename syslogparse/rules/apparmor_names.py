"""Generalised names that are no paths of files: abstract socket addresses and object paths of D-Bus.

As in patterns.py, all of it is in this table, and nothing else is generalised:

=====================================================  ==================  ===============================================
in a name                                              becomes             what it is
=====================================================  ==================  ===============================================
@.../dbus-AbCdEf12 (8 to 12 letters and digits)        dbus-????????       a bus of one session, named at random (libdbus,
                                                                           GDBus, IBus)
@/dbus-vfs-daemon/socket-AbCdEf12                      socket-????????     the same of GVfs
@0123456789abcdef/bus/NAME (13 to 16 digits)           ????????????????/   a client of systemd's bus library
@/tmp/.ICE-unix/NUMBER                                 [0-9]*              the process that runs the session
/org/freedesktop/Accounts/UserNUMBER                   User@{uid}
/org/freedesktop/login1/user/_NUMBER                   _@{uid}
/org/freedesktop/login1/session/_NUMBER, cNUMBER       _[0-9]*, c[0-9]*
/org/freedesktop/systemd1/job/NUMBER                   [0-9]*
/org/freedesktop/NetworkManager/WORD/NUMBER            [0-9]*              devices, connections, access points, settings
/org/freedesktop/UDisks2/jobs/NUMBER                   [0-9]*
/org/gnome/SessionManager/ClientNUMBER, Inhibitor...   [0-9]*
=====================================================  ==================  ===============================================
"""

from __future__ import annotations

import re

from syslogparse.rules.apparmor_model import Glob, Part
from syslogparse.rules.patterns import USER, joined

_NUMBER, _UID, _ONE = Glob("[0-9]*"), Glob("@{uid}"), Glob("?")
_RANDOM = re.compile(
    rb"@(?:/.*/dbus-(?P<bus>[A-Za-z0-9]{8,12})\Z|/dbus-vfs-daemon/socket-(?P<vfs>[A-Za-z0-9]{8})\Z|(?P<systemd>[0-9a-f]{13,16})/bus/)",
    re.DOTALL,
)
_SESSION = re.compile(rb"@/tmp/\.ICE-unix/([0-9]{1,20})\Z")
_OF_USERS = re.compile(rb"/org/freedesktop/(?:Accounts/User|login1/user/_)(" + USER + rb")\Z")
_NUMBERED = re.compile(
    rb"/org/(?:freedesktop/(?:login1/session/[_c]|systemd1/job/|UDisks2/jobs/|NetworkManager/[A-Za-z0-9]{1,40}/)|"
    rb"gnome/SessionManager/(?:Client|Inhibitor))([0-9]{1,20})\Z"
)


def address(name: bytes) -> tuple[Part, ...]:
    """What may stand for the abstract address in a rule; empty when nothing but the address itself."""
    if match := _RANDOM.match(name):
        which = match.lastgroup or ""
        return _with(name, match.span(which), (_ONE,) * len(match[which]))
    if match := _SESSION.match(name):
        return _with(name, match.span(1), (_NUMBER,))
    return ()


def object_path(path: bytes) -> tuple[Part, ...]:
    """What may stand for an object path of D-Bus in a rule; empty when nothing but the path itself."""
    if match := _OF_USERS.match(path):
        return _with(path, match.span(1), (_UID,))
    if match := _NUMBERED.match(path):
        return _with(path, match.span(1), (_NUMBER,))
    return ()


def _with(name: bytes, span: tuple[int, int], parts: tuple[Part, ...]) -> tuple[Part, ...]:
    return joined([name[: span[0]], *parts, name[span[1] :]])
