"""What each fuzz target starts from: lines of sample-logs in the target's own shape."""

import bz2
import gzip
import json
import lzma
import struct
from pathlib import Path

import lz4.frame
import zstandard

SAMPLES = Path(__file__).parents[2] / "sample-logs"
TARGETS = ("netfilter", "apparmor", "seccomp", "envelope", "journal_json", "journal_export", "journalfile", "unpack")
_STAMP = "1795328416588510"


def _lines() -> list[bytes]:
    paths = sorted(path for path in SAMPLES.iterdir() if path.suffix != ".md")
    return [line for path in paths for line in path.read_bytes().splitlines()]


def _behind(*marks: bytes) -> list[bytes]:
    """From one of the marks on, behind a byte that chooses what stands in front."""
    lines = _lines()
    return [
        bytes([number % 16]) + line[line.index(mark) :] for mark in marks for number, line in enumerate(lines) if mark in line
    ]


def _messages() -> list[str]:
    """What the kernel said, without who said it."""
    return [line.decode("latin-1").split("kernel: ", 1)[-1] for line in _lines()]


def _json() -> list[bytes]:
    entries = []
    for message in _messages():
        for transport in ("kernel", "audit", "syslog"):
            entry = {"__REALTIME_TIMESTAMP": _STAMP, "_TRANSPORT": transport, "_HOSTNAME": "gw", "MESSAGE": message}
            entries.append(json.dumps(entry)[1:].encode())
        entries.append(json.dumps({"_TRANSPORT": "kernel", "MESSAGE": list(message[:200].encode())})[1:].encode())
    return entries


def _export() -> list[bytes]:
    head = f"__CURSOR=s=1\n__REALTIME_TIMESTAMP={_STAMP}\n_TRANSPORT=kernel\n".encode()
    records = []
    for message in (text.encode() for text in _messages()):
        records.append(head + b"MESSAGE=" + message + b"\n\n")
        records.append(head + b"MESSAGE\n" + struct.pack("<Q", len(message)) + message + b"\n\n")
    return [b"\x10" + b"".join(records[at : at + 3]) for at in range(0, len(records), 3)]


_DATA, _ENTRY, _ARRAY = 1, 3, 6
_HEADER = 272


def _object(kind: int, body: bytes) -> bytes:
    """An object of a native journal, filled up to eight bytes (systemd's journal-def.h)."""
    size = 16 + len(body)
    return struct.pack("<BB6xQ", kind, 0, size) + body + bytes(-size % 8)


def journal_file(messages: list[bytes]) -> bytes:
    """A small native journal in the regular layout, without index, with one entry of the kernel for each message."""
    objects, entries = b"", []
    for number, message in enumerate(messages, start=1):
        items = []
        for text in (b"_TRANSPORT=kernel", b"_HOSTNAME=gw", b"MESSAGE=" + message):
            items.append(_HEADER + len(objects))
            objects += _object(_DATA, bytes(48) + text)
        entries.append(_HEADER + len(objects))
        head = struct.pack("<QQQ24x", number, int(_STAMP) + number, number)
        objects += _object(_ENTRY, head + b"".join(struct.pack("<Q8x", item) for item in items))
    array = _HEADER + len(objects)
    objects += _object(_ARRAY, bytes(8) + struct.pack(f"<{len(entries)}Q", *entries))
    header = struct.pack("<8s4xI72xQQ16xQQ16xQ16xQ", b"LPKSHHRH", 0, _HEADER, len(objects), 0, 0, len(entries), array)
    return header.ljust(_HEADER, b"\0") + objects


def _packed() -> list[bytes]:
    text = b"\n".join(_lines())[:3000]
    packed = (
        gzip.compress(text),
        lzma.compress(text),
        bz2.compress(text),
        zstandard.ZstdCompressor().compress(text),
        lz4.frame.compress(text),
    )
    return [b"\0" + each for each in packed] + [b"\0" + each + each for each in packed]


def of(target: str) -> list[bytes]:
    """The seeds of a target."""
    return {
        "netfilter": lambda: _behind(b"IN=", b"SRC=", b"PROTO="),
        "apparmor": lambda: _behind(b"apparmor=", b"operation=", b"info="),
        "seccomp": lambda: _behind(b"auid=", b"pid="),
        "envelope": _lines,
        "journal_json": _json,
        "journal_export": _export,
        "journalfile": lambda: [journal_file([message.encode() for message in _messages()[:5]])],
        "unpack": _packed,
    }[target]()
