"""The kernel's ring buffer, read as it is written (Documentation/ABI/testing/dev-kmsg)."""

from __future__ import annotations

import os
import select
import time
from collections.abc import Callable
from datetime import UTC
from typing import Any

from syslogparse.evidence.decode import Decoder
from syslogparse.evidence.model import Event, Value
from syslogparse.evidence.stamp import Clock
from syslogparse.sandbox.libseccomp import syscall_name

RECORD = 8192


class Ring:
    """What the kernel logs from now on. Other people's messages may stand between."""

    def __init__(self) -> None:
        """Raises OSError where the ring buffer is not ours to read."""
        self.descriptor = os.open("/dev/kmsg", os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        os.lseek(self.descriptor, 0, os.SEEK_END)

    def close(self) -> None:
        os.close(self.descriptor)

    def lines(self, wanted: Callable[[bytes], bool], count: int = 1, seconds: float = 5.0) -> list[bytes]:
        """The next messages that are wanted, as dmesg(1) prints them; fewer where no more come in time."""
        found: list[bytes] = []
        until = time.monotonic() + seconds
        while len(found) < count and (left := until - time.monotonic()) > 0:
            select.select([self.descriptor], [], [], left)
            try:
                record = os.read(self.descriptor, RECORD)
            except BlockingIOError:
                continue
            except BrokenPipeError:  # overtaken by the writers; the next read goes on behind the gap
                continue
            head, _, text = record.partition(b";")
            message = text.split(b"\n", 1)[0]
            if wanted(message):
                microseconds = int(head.split(b",")[2])
                found.append(b"[%5d.%06d] " % divmod(microseconds, 1_000_000) + message)
        return found


def decoded(line: bytes) -> Event:
    """The event that a line of dmesg is."""
    event = Decoder(Clock(UTC, time.time_ns() // 1000), "kern", "kern", syscall_name).event(line)
    assert event is not None, line
    return event


Fields = dict[str, Any]


def sent(ring: Ring, prefix: str, count: int) -> list[Fields]:
    """The fields of the packets that a rule with this prefix logged, prefix aside, as text."""
    lines = ring.lines(lambda message: message.startswith(prefix.encode()), count)
    assert len(lines) == count, lines
    events = [decoded(line) for line in lines]
    assert {event.kind for event in events} == {"netfilter"}
    assert [event.fields.pop("prefix") for event in events] == [prefix.strip().encode()] * count
    return [readable(event) for event in events]


def readable(event: Event) -> Fields:
    """The event's fields, bytes as text."""

    def text(value: Value) -> object:
        if isinstance(value, list):
            return [each.decode() for each in value]
        return os.fsdecode(value) if isinstance(value, bytes) else value

    return {name: text(value) for name, value in event.fields.items()}
