"""The analyst: merges what the parsers send, decides, and prints. It believes no parser and reads nothing but their pipes."""

from __future__ import annotations

import contextlib
import errno
import gc
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple, NoReturn, Protocol, TypeVar

from syslogparse import exits
from syslogparse.evidence.model import GRADES, KINDS, Event
from syslogparse.options import Options
from syslogparse.report import events
from syslogparse.report.escape import printable
from syslogparse.report.model import Report, SandboxState, Summary
from syslogparse.roles import wire
from syslogparse.roles.delivery import Documents, Receiver, deliver, problem
from syslogparse.roles.gather import Gathering, Parser, speaks
from syslogparse.roles.output import ReaderGone, tell, write_all
from syslogparse.roles.policies import take_policies
from syslogparse.roles.selection import known, select
from syslogparse.roles.terms import ALL, Terms
from syslogparse.rules.advise import advise
from syslogparse.rules.network import Network
from syslogparse.rules.wanted import Wanted
from syslogparse.sources.blocks import Place
from syslogparse.sources.open import Log, Unreadable

_EVENT_BUFFER = 1 << 16
_K = TypeVar("_K")


class Bar(Protocol):
    """Something that shows how far the run is."""

    def update(self, done_bytes: int, total_bytes: int) -> None:
        """Say how far it is."""

    def finish(self) -> None:
        """Take it away."""


class Desk(NamedTuple):
    """What the analyst works with; all of it was made, and warmed up, before the confinement.

    render: the report in the format that was asked for, in pieces; None for events, which are printed as they come.
    terms: what of the logs is used. baseline: of --check, as it stands in its file.
    documents: None without --output. policies: the files of --existing, not looked at yet.
    """

    options: Options
    wanted: Wanted
    logs: Sequence[Log]
    unreadable: Sequence[Unreadable]
    places: Sequence[Place]
    render: Callable[[Report], Iterable[bytes]] | None
    progress: Bar
    sandbox: SandboxState
    documents: Documents | None = None
    terms: Terms = ALL
    baseline: memoryview | None = None
    policies: Sequence[tuple[str, memoryview]] = ()


def main(desk: Desk, parsers: Sequence[Parser], start: int, receiver: Receiver | None = None) -> NoReturn:
    """Wait for the start, gather, print, and end with the exit status. Never returns, never raises.

    receiver: the validator, with --output.
    """
    status = exits.LOST
    gc.disable()  # nothing here refers to itself, and what is looked for in vain are the cycles of a hundred thousand keys
    try:
        status = _run(desk, parsers, start, receiver)
    except OSError as error:
        tell(f"cannot write the results: {_errors.get(error.errno or 0, 'error')}")
    except MemoryError:
        tell("out of memory while merging the results")
    except Exception as error:  # noqa: BLE001 - the last resort: a run that fails says so
        tell(f"{type(error).__name__} while merging the results: this is a defect of syslogparse")
    finally:
        os._exit(status)


_errors = {number: os.strerror(number) for number in errno.errorcode}


def _run(desk: Desk, parsers: Sequence[Parser], start: int, receiver: Receiver | None) -> int:
    if os.read(start, 1) != b"s":
        return exits.NO_SANDBOX  # the supervisor failed, and has said so
    if not _all_confined(parsers, receiver):
        return exits.NO_SANDBOX
    before = known(desk.options, desk.baseline)
    if before is None and desk.baseline is not None:
        return exits.UNREADABLE
    printer = _EventPrinter(desk) if desk.render is None else None
    total = sum(log.size for log in desk.logs)
    gathering = Gathering(
        parsers,
        [log.grades for log in desk.logs],
        desk.places,
        printer.event if printer else None,
        lambda done: desk.progress.update(min(done, total), total),
        desk.terms,
    )
    losses: list[str] = []
    status = exits.DONE
    with contextlib.suppress(ReaderGone):  # whoever reads has enough; what is known to be lost is told nevertheless
        try:
            gathering.run()
        finally:
            desk.progress.finish()
            losses += _losses(gathering, parsers, streamed=printer is not None)
        if printer:
            printer.flush()
        desk = _knowing_policies(desk) if desk.render else desk
        if desk.render:
            report = _report(desk, gathering, losses)
            if receiver and desk.documents and not losses:
                deliver(receiver, desk.documents(report))
            wanted, status = select(desk.options, report, gathering, before)
            for piece in desk.render(wanted) if wanted is not None else ():
                write_all(1, piece)
    for loss in losses:
        tell(f"INCOMPLETE: {loss}")
    damages = gathering.totals.damages
    for file, damage in sorted(damages.items()):
        tell(f"{printable(desk.logs[file].name)}: {damage}; what stands before was read")
    if losses:
        return exits.LOST
    return exits.UNREADABLE if desk.unreadable or damages else status


def _all_confined(parsers: Sequence[Parser], receiver: Receiver | None) -> bool:
    """Look at the first frame of each; its padding stays in the pipe and its sender blocked, until all have been seen."""
    if receiver and (unconfined := problem(receiver)):
        tell(f"the validator: {unconfined}")
        return False
    for parser in parsers:
        if not speaks(parser.pipe):
            tell(f"parser {parser.number}: it was not confined in time (is it stopped?)")
            return False
        header = os.read(parser.pipe, wire.HEADER.size)
        if len(header) == wire.HEADER.size and header[-1] == wire.Type.READY:
            parser.inbox.feed(header)
            continue
        said = os.read(parser.pipe, 4096) if header else b"it ended before it was confined"
        tell(f"parser {parser.number}: {said.decode('utf-8', 'backslashreplace')}")
        return False
    return True


class _EventPrinter:
    """Writes events in pieces of a useful size."""

    def __init__(self, desk: Desk) -> None:
        self._names = [log.name for log in desk.logs]
        self._least = GRADES.index(desk.options.trust)
        self._buffer = bytearray()

    def event(self, file: int, line: int | None, event: Event) -> None:
        """Take one event. Raises ReaderGone, OSError."""
        if GRADES.index(event.grade) > self._least:
            return
        self._buffer += events.render(event, self._names[file], line, event.repeat if event.repeat > 1 else None)
        if len(self._buffer) > _EVENT_BUFFER:
            self.flush()

    def flush(self) -> None:
        """Write what is there."""
        write_all(1, bytes(self._buffer))
        self._buffer.clear()


def _losses(gathering: Gathering, parsers: Sequence[Parser], *, streamed: bool) -> Iterator[str]:
    for parser in parsers:
        if parser.lost is not None:
            missing = len(parser.places) - parser.done_blocks
            unsent = 0 if streamed else parser.events - parser.evident
            yield (
                f"parser {parser.number} {parser.lost}; {missing} of its {len(parser.places)} blocks were not read"
                + (f", and {unsent} events of the others did not arrive" if unsent else "")
            )
    if gathering.fold.overflow:
        yield f"{gathering.fold.overflow} events had more distinct keys than are kept"
    changed = gathering.totals.reasons.get("log changed while it was read")
    if changed:
        yield f"{changed} lines changed while they were read"


def _knowing_policies(desk: Desk) -> Desk:
    wanted, unread = take_policies(desk.wanted, desk.policies)
    return desk._replace(wanted=wanted, unreadable=[*desk.unreadable, *unread])


def _report(desk: Desk, gathering: Gathering, losses: Sequence[str]) -> Report:
    totals = gathering.totals
    first, last = gathering.fold.span()
    advice = advise(gathering.fold.evidence(totals.first_lines()), desk.wanted)
    unused = {"below the trust asked for": gathering.below, _OUTSIDE: totals.outside, _UNDATED: totals.undated}
    advice.not_suggested.update({reason: count for reason, count in unused.items() if count})
    recorded = [f"{count} x {reason}" for reason, count in totals.reasons.items() if reason in _CUT]
    recorded += [f"the log says: {count} x {kind}" for kind, count in sorted(totals.losses.items())]
    unreadable = [problem.name for problem in desk.unreadable]
    damaged = [desk.logs[file].name for file in sorted(totals.damages)]
    recorded += [f"{damage}: the rest of a log was not read" for _, damage in sorted(totals.damages.items())]
    summary = Summary(
        files=tuple(log.name for log in desk.logs),
        unreadable=(*unreadable, *damaged),
        lines=sum(totals.lines.values()),
        bytes=sum(log.size for log in desk.logs),
        events=_in_order(KINDS, totals.events),
        first=first,
        last=last,
        undecoded=totals.undecoded(),
        trust=_in_order(GRADES, totals.trust),
        complete=not losses and not recorded,
        losses=(*losses, *recorded),
        sandbox=desk.sandbox,
        since=desk.terms.period.since,
        until=desk.terms.period.until,
        policy=tuple(name for name in desk.options.existing if name not in unreadable),
        network=_known_network(desk.wanted.network),
    )
    return Report(summary, advice, desk.options.firewall)


def _in_order(names: Sequence[_K], sums: Mapping[_K, int]) -> dict[_K, int]:
    """The same sums whichever parser spoke first."""
    return {name: sums[name] for name in names if name in sums}


_CUT = ("line cut off at the end of the file", "line cut off at the start of the file")


_OUTSIDE = "logged outside the time asked for"
_UNDATED = "no time that could be told, and one was asked for"


def _known_network(network: Network) -> dict[str, int]:
    known = {
        "own addresses": network.own,
        "gateways": network.gateways,
        "resolvers": network.resolvers,
        "administrators": network.admins,
    }
    return {name: len(addresses) for name, addresses in known.items() if addresses}
