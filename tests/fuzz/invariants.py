"""What holds for whatever a log line is."""

import json

from syslogparse.evidence import audit
from syslogparse.evidence.decode import MAX_LINE, Decoder, interesting, literals_of
from syslogparse.evidence.envelope import split, without_uptime
from syslogparse.evidence.journal import envelope_of, from_json, may_be_the_kernels
from syslogparse.evidence.model import FIRST_TIME, LAST_TIME, Event, Undecodable
from syslogparse.report.events import render
from tests.gold.contract import problems
from tests.gold.corpus import decoder

__all__ = ["Broken", "check_event", "check_line", "decoder"]


class Broken(AssertionError):
    """An invariant does not hold."""


def check_line(decode: Decoder, line: bytes, *, terminated: bool = True) -> Event | None:
    """Decode the line. Raises Broken where an invariant does not hold; every exception but Undecodable comes through."""
    try:
        event = decode.event(line, terminated)
    except Undecodable:
        check_is_found(line)
        return None
    if event is not None:
        check_event(decode, event, line)
        check_is_found(line)
    elif interesting(line) and not is_excused(line):
        raise Broken(f"a line of interest vanished: {line!r}")
    return event


def check_is_found(line: bytes) -> None:
    """The search that decides which lines are decoded at all finds what would be decoded, or reported."""
    if len(line) <= MAX_LINE and not any(literal in line for literal in literals_of(line)):
        raise Broken(f"never looked at: {line!r}")


def check_event(decode: Decoder, event: Event, line: bytes) -> None:
    """The event keeps the contract of the format events, and has a key."""
    if event.time is not None and not FIRST_TIME <= event.time <= LAST_TIME:
        raise Broken(f"time {event.time}: {line!r}")
    text = render(event, "log", 1)
    if not text.isascii() or text.count(b"\n") != 1 or b"\x7f" in text or b"\x1b" in text:
        raise Broken(f"a terminal would be driven by {text!r}")
    if found := problems(json.loads(text)):
        raise Broken(f"{'; '.join(found)}: {line!r}")
    key = decode.key_of(event)
    if not all(isinstance(part, bytes) for part in key):
        raise Broken(f"a key that is no text: {key!r}")


def is_excused(line: bytes) -> bool:
    """Whether nobody says what looks interesting in it.

    The words stand in a record of the kernel about something else (SYSCALL, EXECVE ...), in a field of a journal entry that is
    not its message, or in what auditd adds to a record.
    """
    if not interesting(line.partition(b"\x1d")[0]):
        return True
    try:
        if line.startswith((b"{", b"data: {", b"\x1e{")):
            entry = from_json(line)
            if not interesting(entry.message) and not (entry.damage and may_be_the_kernels(entry)):
                return True
            said = envelope_of(entry)
        else:
            said = split(line)
    except Undecodable:
        return False
    message = without_uptime(said.message)
    record = audit.read_relayed(message) if said.speaker == "relay" else audit.read(message)
    return said.speaker in {"kernel", "audit", "relay"} and record is not None and not audit.is_user_space(record.type)
