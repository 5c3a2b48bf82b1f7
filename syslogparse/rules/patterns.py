"""Generalised paths: what of a path changes from run to run, and what may stand for it in a rule.

All of it is in this file, and nothing else is ever generalised:

======================================  =====================  =====================================================
in a path                               becomes                only
======================================  =====================  =====================================================
/home/NAME/                             @{HOME}/               for what is the process's own
/proc/NUMBER/, task/NUMBER/             @{PROC}/@{pid}/, @{tid}
/run/                                   @{run}/
/run/user/NUMBER/                       @{run}/user/@{uid}/    for what is the process's own
NAME.so.1.2.3                           NAME.so.[0-9]*         not for writing
python3.11/, lib/modules/6.1.0-9/       python3.[0-9]*/        not for writing
a UUID                                  ????????-????-...      as many ? as there are digits
32 and more hexadecimal digits          ????...                as many ? as there are digits
tmp12ab34_z, NAME.Ab12Cd                NAME.??????            for what is the process's own, in /tmp, /var/tmp, /dev/shm
======================================  =====================  =====================================================

A directory of which DIRECTORY files and more were read becomes ``dir/*``, never ``dir/**``, only below the places of data that
_DIRECTORIES names, and never for writing. Programs to run and sensitive paths (``is_sensitive``) stay what they are.
The variables are those of tunables/global, which the profiles of distributions include.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from syslogparse.rules.apparmor_model import FileRule, Glob, Part
from syslogparse.rules.paths import danger_of

DIRECTORY = 10
"""Files of one directory from which on a rule is for all of its files."""

GLOBS = frozenset(["@{HOME}", "@{PROC}", "@{run}", "@{pid}", "@{tid}", "@{uid}", "[0-9]*", "?", "*"])

_HOME, _PROC, _RUN = Glob("@{HOME}"), Glob("@{PROC}"), Glob("@{run}")
_PID, _TID, _UID = Glob("@{pid}"), Glob("@{tid}"), Glob("@{uid}")
_NUMBER, _ONE, _ANY = Glob("[0-9]*"), Glob("?"), Glob("*")

_OF_PROC = re.compile(rb"/proc/[1-9][0-9]{0,9}(?=/|\Z)")
_OF_TASK = re.compile(rb"/task/[1-9][0-9]{0,9}(?=/|\Z)")
_OF_HOME = re.compile(rb"/home/[^/]+(?=/)")
_OF_USER = re.compile(rb"/run/user/[0-9]{1,10}(?=/)")
_TEMPORARY = re.compile(rb"(/tmp/|/var/tmp/|/dev/shm/)([^/]+)")
_RANDOM = re.compile(rb"(tmp(?=[a-z0-9_]{8}\Z)|.{0,64}[._-](?=[A-Za-z0-9]{6,12}\Z))([A-Za-z0-9_]{6,12})\Z", re.DOTALL)
_UUID = re.compile(rb"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}(?=[./-]|\Z)")
_HASH = re.compile(rb"[0-9a-f]{32,128}(?=[./-]|\Z)")
_VERSION = re.compile(rb"\.so\.[0-9]{1,9}(?:\.[0-9]{1,9}){0,5}\Z")
_PYTHON = re.compile(rb"/python3\.[0-9]{1,3}(?=/)")
_MODULES = re.compile(rb"/lib/modules/[0-9][^/]*(?=/)")

_PLACES = re.compile(rb"/etc/|/root/|/boot/|/dev/|/sys/")
_SECRETS = re.compile(
    rb"(?:/[^/]+)*/(?:\.ssh|\.gnupg|\.pki|\.aws|\.kube|\.docker|\.password-store|keyrings|private)(?:/|\Z)|"
    rb"(?:/[^/]+)*/[^/]*(?:shadow|secret|passw|credential|token|_key|id_rsa|id_dsa|id_ecdsa|id_ed25519|\.pem|\.key|\.kdbx)"
)
_DIRECTORIES = re.compile(rb"/(?:usr/(?:local/)?(?:share|lib|lib64|libexec)|var/(?:lib|cache|www)|srv|opt)/[^/]+/")


class _Found(NamedTuple):
    start: int
    end: int
    parts: tuple[Part, ...]


def is_sensitive(path: bytes) -> bool:
    """Whether a rule for ``path`` must not become one for more than ``path``."""
    return _PLACES.match(path) is not None or is_secret(path)


def is_secret(path: bytes) -> bool:
    """Whether who reads ``path`` may learn a key, a password or more of that kind."""
    return _SECRETS.match(path) is not None or danger_of(FileRule(path, "r")).risk in ("high", "critical")


def pattern(path: bytes, letters: frozenset[str], *, owner: bool) -> tuple[Part, ...]:
    """What may stand for ``path`` in a rule; empty when nothing but the path itself.

    letters: the permissions that are asked for. owner: whether the rule is for the owner of the file alone.
    """
    writes = not letters <= {"r", "m", "k"}
    if is_sensitive(path) or danger_of(FileRule(path, "".join(sorted(letters)))).risk == "critical":
        return ()
    found = [*_beginning(path, owner=owner), *_names(path), *(() if writes else _versions(path))]
    return _put_together(path, sorted(found))


def _beginning(path: bytes, *, owner: bool) -> list[_Found]:
    if match := _OF_PROC.match(path):
        task = _OF_TASK.match(path, match.end())
        more = [_Found(task.start() + 6, task.end(), (_TID,))] if task else []
        return [_Found(0, match.end(), (_PROC, b"/", _PID)), *more]
    if owner and (match := _OF_USER.match(path)):
        return [_Found(0, match.end(), (_RUN, b"/user/", _UID))]
    if path.startswith(b"/run/"):
        return [_Found(0, 4, (_RUN,))]
    if owner and (match := _OF_HOME.match(path)):
        return [_Found(0, match.end(), (_HOME,))]
    if owner and (match := _TEMPORARY.match(path)) and (name := _RANDOM.match(match[2])) and _is_random(name[1], name[2]):
        start = match.end(1) + name.start(2)
        return [_Found(start, start + len(name[2]), (_ONE,) * len(name[2]))]
    return []


def _is_random(before: bytes, name: bytes) -> bool:
    """As tempfile and mktemp(3) make them, so that a word or a year is none."""
    if before == b"tmp":
        return not name.isalpha()
    return name != name.lower() and name != name.upper()


def _names(path: bytes) -> list[_Found]:
    found = []
    start = 0
    while start < len(path):
        if match := _UUID.match(path, start):
            parts: list[Part] = []
            for digits in (8, 4, 4, 4, 12):
                parts += [b"-", *[_ONE] * digits]
            found.append(_Found(start, match.end(), tuple(parts[1:])))
        elif match := _HASH.match(path, start):
            found.append(_Found(start, match.end(), (_ONE,) * len(match[0])))
        start = path.find(b"/", start) + 1 or len(path)
    return found


def _versions(path: bytes) -> list[_Found]:
    found = []
    if (last := path.rfind(b".so.")) > 0 and (match := _VERSION.match(path, last)):
        found.append(_Found(last + 4, match.end(), (_NUMBER,)))
    if match := _PYTHON.search(path):
        found.append(_Found(match.start() + 9, match.end(), (_NUMBER,)))
    if match := _MODULES.search(path):
        found.append(_Found(match.start() + 13, match.end(), (_NUMBER,)))
    return found


def _put_together(path: bytes, found: list[_Found]) -> tuple[Part, ...]:
    parts: list[Part] = []
    here = 0
    for one in found:
        if one.start < here:
            continue
        parts += [path[here : one.start], *one.parts]
        here = one.end
    if not parts:
        return ()
    parts.append(path[here:])
    return joined(parts)


def joined(parts: list[Part]) -> tuple[Part, ...]:
    """``parts`` with literal neighbours in one piece and no empty ones, so that equal patterns are equal."""
    out: list[Part] = []
    for part in parts:
        if isinstance(part, bytes) and out and isinstance(out[-1], bytes):
            out[-1] += part
        elif part:
            out.append(part)
    return tuple(out)


def directory(parts: tuple[Part, ...]) -> tuple[Part, ...]:
    """The pattern for all files of the directory that a file is in; empty when it must not be generalised so.

    parts: the path or the pattern of the file.
    """
    first, last = parts[0], parts[-1]
    if not isinstance(first, bytes) or not isinstance(last, bytes) or b"/" not in last or last.endswith(b"/"):
        return ()
    if not _DIRECTORIES.match(first):
        return ()
    return joined([*parts[:-1], last[: last.rfind(b"/") + 1], _ANY])
