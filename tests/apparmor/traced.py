"""Runs a command under strace(1) and lists what it did with which file, as AppArmor would ask about it."""

import os
import re
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

_CALL = re.compile(r"(?P<name>\w+)\((?P<arguments>.*)\) += (?P<result>-?\d+|0x[0-9a-f]+)(?:<(?P<opened>[^>]*)>)?.*")
_MAPPED = re.compile(r"(?P<protection>PROT_[A-Z_|]+), [A-Z_|]+, \d+<(?P<path>/[^>]*)>")
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"')

_LOOK = {"access", "faccessat", "faccessat2", "stat", "lstat", "newfstatat", "statx", "statfs"}
_LOOK |= {"readlink", "readlinkat", "getcwd", "chdir"}
"""Calls that AppArmor lets pass, or asks nothing more about than whether the path has a name."""
_IN = re.compile(r'\d+<(?P<directory>/[^>]*)>, "(?P<name>[^"/]*)"')
"""A name in a directory that is open."""
_CHANGE_DIRECTORY = {"mkdir", "mkdirat", "rmdir"}
_BY_CAPABILITY = {"chroot"}


class Use(NamedTuple):
    """A permission that was needed on a path. A directory's path ends in a slash."""

    path: str
    permission: str


class Traced(NamedTuple):
    """How a run ended, what it printed, and what it did."""

    status: int
    out: bytes
    uses: frozenset[Use]


def trace(strace: str, command: Sequence[str], folder: Path, environment: Mapping[str, str], stdin: bytes = b"") -> Traced:
    """Run it to its end. folder: an empty one for the records; each process has its own, so that no line is cut in two."""
    prefix = [strace, "-ff", "-y", "-qq", "-o", str(folder / "pid"), "-e", "trace=%file,mmap,flock"]
    done = subprocess.run([*prefix, *command], input=stdin, env=environment, capture_output=True, check=False, timeout=60)
    records = sorted(folder.iterdir())
    assert records, done.stderr
    return Traced(done.returncode, done.stdout, frozenset(use for record in records for use in _uses(record)))


def _uses(record: Path) -> Iterator[Use]:
    for line in os.fsdecode(record.read_bytes()).splitlines():
        match = _CALL.fullmatch(line)
        if match is None:
            assert line.startswith(("+++ ", "--- ", "???")) or "<unfinished" in line or "= ?" in line, line
        elif not match["result"].startswith("-"):
            yield from _asked(match["name"], match["arguments"], match["opened"])


def _asked(name: str, arguments: str, opened: str | None) -> Iterator[Use]:
    """What a call that succeeded needed."""
    quoted = _QUOTED.search(arguments)
    path = quoted[1] if quoted else ""
    if name in {"open", "openat"}:
        assert opened, arguments
        yield from _opening(opened, arguments)
    elif name == "mmap":
        if mapped := _MAPPED.search(arguments):
            yield Use(mapped["path"], "m" if "PROT_EXEC" in mapped["protection"] else "r")
    elif name == "execve":
        yield Use(path, "x")
    elif name in {"linkat", "renameat2"}:
        yield from _naming(name, arguments)
    elif name == "flock":
        yield from (Use(arguments[arguments.index("<") + 1 : arguments.index(">")] + "/", permission) for permission in "wk")
    elif name in _CHANGE_DIRECTORY:
        yield Use(f"{path}/", "w")
    elif name not in _LOOK | _BY_CAPABILITY:
        yield Use(path, f"the call {name}")


def _naming(name: str, arguments: str) -> Iterator[Use]:
    """As the kernel asked in a test of every permission (Linux 6.12): what is renamed has to be readable too."""
    old, new = (f"{match['directory']}/{match['name']}" for match in _IN.finditer(arguments))
    if name == "linkat":
        yield Use(new, "l")
    else:
        yield from (Use(old, permission) for permission in "rw")
        yield Use(new, "w")


def _opening(path: str, arguments: str) -> Iterator[Use]:
    creates = "O_CREAT" in arguments or "O_TMPFILE" in arguments  # a mode stands behind the flags
    flags = arguments.rsplit(", ", 2 if creates else 1)[1].split("|")
    if "O_PATH" in flags:
        return
    directory = "O_DIRECTORY" in flags or os.path.isdir(path)
    for flag, permissions in (("O_RDONLY", "r"), ("O_WRONLY", "w"), ("O_RDWR", "rw")):
        if flag in flags:
            yield from (Use(path + "/" * directory, permission) for permission in permissions)
