"""Logs for the benchmarks, made on the spot from a fixed seed."""

import random
from collections.abc import Iterator
from pathlib import Path

SEED = 20261122
_PORTS = (22, 23, 80, 443, 445, 3389, 8080)
_CHATTER = (
    "systemd[1]: Started Session {n} of User root.",
    "sshd[{n}]: Failed password for invalid user admin from 203.0.113.7 port {n} ssh2",
    "CRON[{n}]: (root) CMD (command -v debian-sa1 > /dev/null && debian-sa1 1 1)",
    "kernel: [{n}.123456] usb 1-1: new high-speed USB device number 4 using xhci_hcd",
    "postfix/smtpd[{n}]: connect from unknown[198.51.100.9]",
)


def _stamp(second: int) -> str:
    return f"Nov 21 {second // 3600 % 24:02d}:{second // 60 % 60:02d}:{second % 60:02d} gw"


def _packet(chance: random.Random, number: int, source: str) -> str:
    return (
        f"{_stamp(number // 50)} kernel: [{1000 + number / 50:12.6f}] [UFW BLOCK] IN=eth0 OUT= "
        f"MAC=52:54:00:12:34:56:52:54:00:65:43:21:08:00 SRC={source} DST=203.0.113.9 LEN=60 TOS=0x00 PREC=0x00 TTL=52 "
        f"ID={chance.randrange(65536)} DF PROTO=TCP SPT={chance.randrange(1024, 65536)} DPT={chance.choice(_PORTS)} "
        "WINDOW=64240 RES=0x00 SYN URGP=0 \n"
    )


def dense_firewall(lines: int, distinct: float = 0.0) -> Iterator[str]:
    """Nothing but logged packets; a share of the sources is seen once only."""
    chance = random.Random(SEED)
    known = [f"198.51.{chance.randrange(256)}.{chance.randrange(1, 255)}" for _ in range(300)]
    for number in range(lines):
        once = chance.random() < distinct
        source = ".".join(str(chance.randrange(1, 223)) for _ in range(4)) if once else known[number % 300]
        yield _packet(chance, number, source)


def dense_apparmor(lines: int) -> Iterator[str]:
    """Nothing but AppArmor denials of four profiles."""
    chance = random.Random(SEED)
    for number in range(lines):
        profile = chance.choice(("/usr/sbin/nginx", "/usr/sbin/mysqld", "snap.firefox.firefox", "/usr/bin/man"))
        yield (
            f"{_stamp(number // 50)} kernel: [{1000 + number / 50:12.6f}] audit: type=1400 audit({1795300000 + number // 50}."
            f'{number % 1000:03d}:{number}): apparmor="DENIED" operation="open" class="file" profile="{profile}" '
            f'name="/srv/data/{chance.randrange(400)}/file" pid={chance.randrange(300, 65000)} comm="worker" '
            'requested_mask="r" denied_mask="r" fsuid=33 ouid=0\n'
        )


def mixed(lines: int) -> Iterator[str]:
    """An ordinary syslog: one line in a thousand is of interest."""
    chance = random.Random(SEED)
    for number in range(lines):
        if number % 1000 == 0:
            yield _packet(chance, number, "198.51.100.7")
        else:
            yield f"{_stamp(number // 50)} {_CHATTER[number % 5].format(n=chance.randrange(1000, 32000))}\n"


def write(path: Path, lines: Iterator[str]) -> Path:
    """Put the lines into a file."""
    with path.open("w", encoding="ascii") as file:
        file.writelines(lines)
    return path
