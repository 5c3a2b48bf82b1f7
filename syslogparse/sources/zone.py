"""The local time zone, read once while files can be opened: log stamps without a zone are local time."""

from __future__ import annotations

import io
import struct
from datetime import UTC, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

_LOCALTIME = "/etc/localtime"
_DATABASE = "/usr/share/zoneinfo/"


def local_zone(variable: str | None) -> tzinfo:
    """The zone that TZ names (tzset(3): a name of the zone database, or a POSIX rule), else /etc/localtime, else UTC.

    An absolute path is taken where it names /etc/localtime or stands in the zone database; an empty TZ is UTC.
    """
    if variable is not None and variable.removeprefix(":") != _LOCALTIME:
        name = variable.removeprefix(":").removeprefix(_DATABASE)
        try:
            return ZoneInfo(name)
        except (OSError, ValueError, ZoneInfoNotFoundError):  # ZoneInfo refuses absolute names and those that climb
            return _posix_rule(name)
    try:
        with open(_LOCALTIME, "rb") as file:
            return ZoneInfo.from_file(file)
    except (OSError, ValueError):
        return UTC


def _posix_rule(rule: str) -> tzinfo:
    """A rule such as CET-1CEST,M3.5.0,M10.5.0/3: the footer of a zone file without any transition (RFC 9636)."""
    try:
        header = struct.pack("!4sc15x6I", b"TZif", b"2", 0, 0, 0, 0, 1, 4)
        body = struct.pack("!iBB4s", 0, 0, 0, b"UTC\0")
        footer = f"\n{rule}\n".encode("ascii")
        return ZoneInfo.from_file(io.BytesIO(header + body + header + body + footer))
    except (ValueError, OSError):
        return UTC
