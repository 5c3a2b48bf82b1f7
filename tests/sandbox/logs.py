"""Logs that the scenarios read: made, not found, since their shape is the point."""

from __future__ import annotations

import random
from pathlib import Path
from typing import NamedTuple

MIB = 1 << 20


class Logs(NamedTuple):
    """Paths. dense: packets, few keys. distinct: packets, each its own key. tiny: the shortest line of interest, again and again.

    odd: text that is no ASCII, no UTF-8, or speaks to terminals.
    """

    small: str
    dense: str
    distinct: str
    tiny: str
    apparmor: str
    overlong: str
    odd: str
    empty: str


def make_logs(folder: Path) -> Logs:
    """Write them; the same ones each time, and readable for everybody."""
    dice = random.Random(2)
    contents = {
        "small": _packets(20_000, lambda: ("192.0.2.7", dice.randrange(90, 100))),
        "dense": _packets(3 * MIB, lambda: (f"192.0.2.{dice.randrange(20)}", dice.randrange(80, 100))),
        "distinct": _packets(3 * MIB, lambda: (f"10.{dice.randrange(256)}.{dice.randrange(256)}.9", dice.randrange(1, 65536))),
        "tiny": b" OUT=\n" * (MIB // 6),
        "apparmor": b"".join(_denial(number) for number in range(400)),
        "overlong": _packets(2000, lambda: ("192.0.2.7", 99)) + b"x OUT=" + b"y" * (3 * MIB),
        "odd": b"".join(_odd(text) for text in (b"\xff\xfe", "naïve 漢字 \u202e".encode(), b"\x1b]0;x\x07\x1b[2J", b"[red]x[/]"))
        * 9,
        "empty": b"",
    }
    for name, content in contents.items():
        (folder / name).write_bytes(content)
        (folder / name).chmod(0o644)
    return Logs(**{name: str(folder / name) for name in contents})


def _packets(size: int, draw) -> bytes:
    lines: list[bytes] = []
    written = 0
    while written < size:
        source, port = draw()
        lines.append(
            b"Nov 22 05:%02d:%02d gw kernel: [%5d.123456] [UFW BLOCK] IN=eth0 OUT= MAC=52:54:00:12:34:56:52:54:00:12:35:02:08:00 "
            b"SRC=%s DST=198.51.100.1 LEN=60 TOS=0x00 PREC=0x00 TTL=64 ID=%d DF PROTO=TCP SPT=40000 DPT=%d WINDOW=64240 RES=0x00 "
            b"SYN URGP=0\n" % (len(lines) // 60 % 60, len(lines) % 60, len(lines), source.encode(), len(lines) % 65536, port)
        )
        written += len(lines[-1])
    return b"".join(lines)


def _denial(number: int) -> bytes:
    return (
        b'Nov 22 05:00:00 gw kernel: audit: type=1400 audit(1700000000.%03d:%d): apparmor="DENIED" operation="open" '
        b'profile="/usr/sbin/x" name="/srv/%d/%s" pid=7 comm="x" requested_mask="r" denied_mask="r" fsuid=0 ouid=0\n'
        % (number % 1000, number, number, b"a" * 3800)
    )


def _odd(text: bytes) -> bytes:
    return b"Nov 22 05:00:00 gw kernel: " + text + b" IN=eth0 OUT= SRC=192.0.2.1 DST=192.0.2.2 PROTO=TCP SPT=1 DPT=99 \n"
