"""The analyst: merges what the parsers send, decides, and prints. It believes no parser and reads nothing but their pipes."""

from __future__ import annotations

import errno
import os
import select
from collections.abc import Iterator, Sequence
from typing import NamedTuple, NoReturn

from syslogparse import exits
from syslogparse.evidence.fold import Fold
from syslogparse.evidence.model import GRADES, Event
from syslogparse.options import Format, Options
from syslogparse.report import events, json, rules
from syslogparse.report.model import Report, SandboxState, Summary
from syslogparse.report.progress import NoProgress, Progress
from syslogparse.report.text import TextReport
from syslogparse.roles import wire
from syslogparse.roles.gather import Gathering, Parser
from syslogparse.roles.output import ReaderGone, tell, write_all
from syslogparse.rules.advise import advise
from syslogparse.sources.blocks import Place
from syslogparse.sources.open import Log, Unreadable

_EVENT_BUFFER = 1 << 16


class Desk(NamedTuple):
    """What the analyst works with; all of it was made, and warmed up, before the confinement."""

    options: Options
    format: Format
    logs: Sequence[Log]
    unreadable: Sequence[Unreadable]
    places: Sequence[Place]
    text: TextReport | None
    progress: Progress | NoProgress
    sandbox: SandboxState


def main(desk: Desk, parsers: Sequence[Parser], start: int) -> NoReturn:
    """Wait for the start, gather, print, and end with the exit status. Never returns, never raises."""
    status = exits.LOST
    try:
        status = _run(desk, parsers, start)
    except ReaderGone:
        status = exits.DONE
    except OSError as error:
        tell(f"cannot write the results: {_errors.get(error.errno or 0, 'error')}")
    except MemoryError:
        tell("out of memory while merging the results")
    finally:
        os._exit(status)


_errors = {number: os.strerror(number) for number in errno.errorcode}


def _run(desk: Desk, parsers: Sequence[Parser], start: int) -> int:
    if os.read(start, 1) != b"s":
        return exits.NO_SANDBOX  # the supervisor failed, and has said so
    if not _all_confined(parsers):
        return exits.NO_SANDBOX
    printer = _EventPrinter(desk) if desk.format == "events" else None
    total = sum(log.size for log in desk.logs)
    gathering = Gathering(
        parsers,
        [log.grades for log in desk.logs],
        desk.places,
        printer.event if printer else None,
        lambda done: desk.progress.update(min(done, total), total),
    )
    gathering.run()
    desk.progress.finish()
    losses = list(_losses(gathering, parsers))
    if printer:
        printer.flush()
    else:
        _print(desk, gathering, losses)
    for loss in losses:
        tell(f"INCOMPLETE: {loss}")
    if losses:
        return exits.LOST
    return exits.UNREADABLE if desk.unreadable else exits.DONE


def _all_confined(parsers: Sequence[Parser]) -> bool:
    """Look at the first frame of each; its padding stays in the pipe and its sender blocked, until all have been seen."""
    for parser in parsers:
        poller = select.poll()
        poller.register(parser.pipe, select.POLLIN)
        poller.poll()
        header = os.read(parser.pipe, wire.HEADER.size)
        if len(header) == wire.HEADER.size and header[-1] == wire.Type.READY:
            parser.inbox.feed(header)
            continue
        problem = os.read(parser.pipe, 4096) if header else b"it ended before it was confined"
        tell(f"parser {parser.number}: {problem.decode('utf-8', 'backslashreplace')}")
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
        self._buffer += events.render(event, self._names[file], line)
        if len(self._buffer) > _EVENT_BUFFER:
            self.flush()

    def flush(self) -> None:
        """Write what is there."""
        write_all(1, bytes(self._buffer))
        self._buffer.clear()


def _losses(gathering: Gathering, parsers: Sequence[Parser]) -> Iterator[str]:
    for parser in parsers:
        if parser.lost is not None:
            missing = len(parser.places) - parser.done_blocks
            yield f"parser {parser.number} {parser.lost}; {missing} of its {len(parser.places)} blocks were not read"
    if gathering.fold.overflow:
        yield f"{gathering.fold.overflow} events had more distinct keys than are kept"
    changed = gathering.totals.reasons.get("log changed while it was read")
    if changed:
        yield f"{changed} lines changed while they were read"


def _print(desk: Desk, gathering: Gathering, losses: Sequence[str]) -> None:
    report = _report(desk, gathering, losses)
    if desk.format == "text" and desk.text is not None:
        printed = desk.text.render(report, desk.options.max_rules).encode("utf-8", "backslashreplace")
    elif desk.format == "json":
        printed = json.render(report)
    else:
        printed = rules.render(report).encode("utf-8", "backslashreplace")
    write_all(1, printed)


def _report(desk: Desk, gathering: Gathering, losses: Sequence[str]) -> Report:
    totals = gathering.totals
    first, last = gathering.fold.span()
    below = _drop_untrusted(gathering.fold, desk.options)
    advice = advise(gathering.fold.evidence(totals.first_lines()), desk.options.intent)
    if below:
        advice.not_suggested["below the trust asked for"] = below
    recorded = [f"{count} x {reason}" for reason, count in totals.reasons.items() if reason == _CUT]
    summary = Summary(
        files=tuple(log.name for log in desk.logs),
        unreadable=tuple(problem.name for problem in desk.unreadable),
        lines=sum(totals.lines.values()),
        bytes=sum(log.size for log in desk.logs),
        events=totals.events,
        first=first,
        last=last,
        undecoded=totals.undecoded(),
        trust=totals.trust,
        complete=not losses and not recorded,
        losses=(*losses, *recorded),
        sandbox=desk.sandbox,
    )
    return Report(summary, advice)


_CUT = "line cut off at the end of the file"


def _drop_untrusted(fold: Fold, options: Options) -> int:
    """Take out what has less than the grade asked for, before grades are merged. How many events that is."""
    least = GRADES.index(options.trust)
    weak = [subject for subject in fold.tallies if GRADES.index(subject.grade) > least]
    return sum(fold.tallies.pop(subject).count for subject in weak)
