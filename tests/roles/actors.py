"""Parsers as the analyst sees them: a pipe with bytes in it, and a process where one has to end."""

import faulthandler
import os
import signal
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from fcntl import F_SETPIPE_SZ, fcntl
from typing import NamedTuple

from syslogparse.evidence.model import Event, NetfilterKey
from syslogparse.roles import wire
from syslogparse.roles.gather import Gathering, Parser
from syslogparse.roles.terms import ALL, Terms
from syslogparse.sources.blocks import Place
from syslogparse.sources.trust import UNTRUSTED, Grades

KEY = NetfilterKey(b"[UFW BLOCK]", b"eth0", *[b""] * 10)
ROOMY = 1 << 20


def block(place, lines=1, **more) -> bytes:
    """A BLOCK frame; by default with one logged packet in its one line."""
    sums = {"events": {"netfilter": 1}, "trust": {"syslog": 1}, "reasons": {}, "undecoded": [], **more}
    return wire.frame(wire.Type.BLOCK, wire.encode(wire.BlockFrame(place[0], place[1], lines, **sums)))


def entry(place, line=0, count=1, grade="syslog", last=None) -> wire.Entry:
    end = (last or place, line)
    return wire.Entry(place[0], b"gw", grade, count, (place[1], line), 1, (end[0][1], line), 2)


def evidence(*entries, key=KEY) -> bytes:
    return wire.frame(wire.Type.EVIDENCE, wire.encode(wire.EvidenceFrame([(one, key) for one in entries], [], [])))


def event(line=0, grade="syslog", **fields) -> wire.WireEvent:
    return wire.WireEvent(line, "netfilter", 1, b"gw", grade, fields or {"dpt": 22})


def events(*those) -> bytes:
    return wire.frame(wire.Type.EVENTS, wire.encode(wire.EventsFrame(list(those))))


READY = wire.frame(wire.Type.READY, bytes(100))
DONE = wire.frame(wire.Type.DONE, b"")


def frames_of(data: bytes) -> list[tuple[wire.Type, bytes]]:
    """All frames, and nothing behind them."""
    inbox = wire.Inbox()
    inbox.feed(data)
    found = []
    while one := inbox.frame():
        found.append(one)
    assert len(inbox) == 0
    return found


class Ended(NamedTuple):
    """How a child ended, and what it wrote."""

    status: int
    out: bytes
    err: bytes


class Stage:
    """Pipes and children of a test, all gone after it."""

    def __init__(self) -> None:
        self._descriptors: set[int] = set()
        self._children: list[int] = []

    def pipe(self, size: int | None = None) -> tuple[int, int]:
        read, write = os.pipe2(os.O_CLOEXEC)
        self._descriptors |= {read, write}
        if size is not None:
            fcntl(write, F_SETPIPE_SZ, size)
        return read, write

    def close(self, descriptor: int) -> None:
        self._descriptors.discard(descriptor)
        os.close(descriptor)

    def child(self, act: Callable[[], object]) -> int:
        """A process that acts and ends with status 0, or 99 if that raises."""
        child = os.fork()
        if child == 0:
            status = 99
            try:
                faulthandler.disable()  # pytest's, which would print a trace of a death that is wanted
                act()
                status = 0
            finally:
                os._exit(status)
        self._children.append(child)
        return child

    def run(self, act: Callable[[], object], **more) -> Ended:
        """A child with pipes as stdout and stderr, from start to end."""
        out, err = self.pipe(ROOMY), self.pipe(ROOMY)

        def prepared() -> None:
            os.dup2(out[1], 1)
            os.dup2(err[1], 2)
            act()

        child = self.child(prepared)
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        self.close(out[1])
        self.close(err[1])
        return Ended(status, self.drain(out[0]), self.drain(err[0]))

    @staticmethod
    def drain(descriptor: int) -> bytes:
        return b"".join(iter(lambda: os.read(descriptor, 1 << 16), b""))

    def open_ended(self, number: int, places: Sequence[Place], *frames: bytes) -> Parser:
        """A parser that sends this and then neither speaks nor ends."""
        read, write = self.pipe(ROOMY)
        data = b"".join(frames)
        assert len(data) <= ROOMY
        os.write(write, data)
        return Parser(number, -1, read, places)

    def ending(self, number: int, places: Sequence[Place], *frames: bytes, status: int = 0) -> Parser:
        """A parser that sends this and ends, with an exit status or by a signal (a negative one)."""

        def act(pipe: int) -> None:
            write_all(pipe, b"".join(frames))
            if status < 0:
                os.kill(os.getpid(), -status)
            os._exit(status)

        return self.acting(number, places, act)

    def acting(self, number: int, places: Sequence[Place], act: Callable[[int], object]) -> Parser:
        """A parser that does anything with its pipe. Its end is the end of the pipe."""
        read, write = self.pipe(ROOMY)
        child = self.child(lambda: act(write))
        self.close(write)
        return Parser(number, child, read, places)

    def clear(self) -> None:
        for child in self._children:
            with suppress(ChildProcessError):
                if os.waitpid(child, os.WNOHANG)[0] == 0:
                    os.kill(child, signal.SIGKILL)
                    os.waitpid(child, 0)
        for descriptor in self._descriptors:
            os.close(descriptor)
        self._children, self._descriptors = [], set()


def write_all(descriptor: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


class Heard(NamedTuple):
    """What the analyst made of its parsers. events: (file, line, event)."""

    gathering: Gathering
    events: list[tuple[int, int | None, Event]]


def gather(
    parsers: Sequence[Parser],
    places: Sequence[Place],
    *,
    stream: bool = False,
    grades: Iterable[Grades] = (UNTRUSTED,),
    terms: Terms = ALL,
) -> Heard:
    got: list[tuple[int, int | None, Event]] = []
    on_event = (lambda *one: got.append(one)) if stream else None
    gathering = Gathering(parsers, list(grades), places, on_event, lambda _done: None, terms)
    gathering.run()
    return Heard(gathering, got)
