"""Generalised paths: what of a path changes from run to run, and what may stand for it in a rule.

All of it is in this file, and nothing else is ever generalised:

======================================  =====================  =====================================================
in a path                               becomes                only
======================================  =====================  =====================================================
/home/NAME/                             @{HOME}/               for what is the process's own
/proc/NUMBER/, task/NUMBER/             @{PROC}/@{pid}/, @{tid}  not for process 1, which stays the same
/run/                                   @{run}/
/run/user/NUMBER/                       @{run}/user/@{uid}/    for what is the process's own, or only read
NAME.so.1.2.3                           NAME.so.[0-9]*         not for writing
python3.11/, lib/modules/6.1.0-9/       python3.[0-9]*/        not for writing
a UUID                                  ????????-????-...      as many ? as there are digits
32 and more hexadecimal digits          ????...                as many ? as there are digits
tmp12ab34_z, NAME.Ab12Cd                NAME.??????            for what is the process's own, in /tmp, /var/tmp, /dev/shm
NAME.Ab12Cd, .goutputstream-AB12CD      NAME.??????            for what is the process's own, below /home: Qt's QSaveFile
                                                               and GLib write so what then gets its name
#NUMBER                                 #[0-9]*                for what is the process's own, below /home: a file that
                                                               has no name yet (O_TMPFILE)
gvfs-metadata/NAME-0a1b2c3d.log         NAME-????????.log      for what is the process's own, below /home
======================================  =====================  =====================================================

What a process has below /proc is named by a number that means nothing once the process is gone, so the first of these rows
is for what is sensitive too; its risk stays that of the path. Names that are no paths are in apparmor_names.py.
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

# No more than what @{pid} and @{uid} stand for (tunables/kernelvars).
_PROCESS = rb"(?:[1-9][0-9]{0,5}|[1-4][0-9]{6})(?=/|\Z)"
USER = rb"(?:0|[1-9][0-9]{0,8}|[1-4][0-9]{9})"
_OF_PROC = re.compile(rb"/proc/" + _PROCESS)
_NOT_INIT = re.compile(rb"/proc/(?!1(?:/|\Z))" + _PROCESS)
_OF_TASK = re.compile(rb"/task/" + _PROCESS)
_OF_HOME = re.compile(rb"/home/[^/]+(?=/)")
_OF_USER = re.compile(rb"/run/user/" + USER + rb"(?=/)")
_TEMPORARY = re.compile(rb"(/tmp/|/var/tmp/|/dev/shm/)([^/]+)")
_RANDOM = re.compile(rb"(tmp(?=[a-z0-9_]{8}\Z)|.{0,64}[._-](?=[A-Za-z0-9]{6,12}\Z))([A-Za-z0-9_]{6,12})\Z", re.DOTALL)
_SAVED = re.compile(rb"/(?:\.goutputstream-|[^/]*\.)([A-Za-z0-9]{6})\Z")
_WORD = re.compile(rb"[A-Za-z]?[a-z]*|[A-Za-z]?[A-Z]*|[0-9]*")
_UNNAMED = re.compile(rb"/#([0-9]{1,20})\Z")
_JOURNAL = re.compile(rb"/gvfs-metadata/[^/]*-([0-9a-f]{8})\.log\Z")
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
    if _NOT_INIT.match(path):
        return of_any_process(path)
    if is_sensitive(path) or danger_of(FileRule(path, "".join(sorted(letters)))).risk == "critical":
        return ()
    found = [*_beginning(path, owner=owner, writes=writes), *_names(path), *(() if writes else _versions(path))]
    return _put_together(path, sorted(found))


def of_any_process(path: bytes) -> tuple[Part, ...]:
    """The pattern for a path below ``/proc/NUMBER``, of process 1 too; empty for any other path."""
    if not (match := _OF_PROC.match(path)):
        return ()
    found = [_Found(0, match.end(), (_PROC, b"/", _PID))]
    if task := _OF_TASK.match(path, match.end()):
        found.append(_Found(task.start() + 6, task.end(), (_TID,)))
    return _put_together(path, found)


def _beginning(path: bytes, *, owner: bool, writes: bool) -> list[_Found]:
    if (owner or not writes) and (match := _OF_USER.match(path)):
        return [_Found(0, match.end(), (_RUN, b"/user/", _UID))]
    if path.startswith(b"/run/"):
        return [_Found(0, 4, (_RUN,))]
    if owner and (match := _OF_HOME.match(path)):
        return [_Found(0, match.end(), (_HOME,)), *_saved(path, path.rfind(b"/"))]
    if owner and (match := _TEMPORARY.match(path)) and (name := _RANDOM.match(match[2])) and _is_random(name[1], name[2]):
        start = match.end(1) + name.start(2)
        return [_Found(start, start + len(name[2]), (_ONE,) * len(name[2]))]
    return []


def _saved(path: bytes, last: int) -> list[_Found]:
    """The name of a file that is written anew and takes another's name when it is whole. last: where its own begins."""
    if match := _UNNAMED.match(path, last):
        return [_Found(match.start(1), match.end(), (_NUMBER,))]
    if match := _JOURNAL.match(path, path.rfind(b"/", 0, last)):
        return [_Found(match.start(1), match.end(1), (_ONE,) * 8)]
    if (match := _SAVED.match(path, last)) and (path.startswith(b"/.goutputstream-", last) or not _WORD.fullmatch(match[1])):
        return [_Found(match.start(1), match.end(), (_ONE,) * 6)]
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
