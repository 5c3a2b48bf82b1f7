"""What the fuzz targets share. Imported under atheris' instrumentation, so that the package is followed branch by branch."""

import sys
from collections.abc import Callable

import atheris

from syslogparse.evidence.journal import Entry
from syslogparse.evidence.model import Undecodable
from tests.fuzz.invariants import Broken, check_event, check_line, decoder

DECODER = decoder()


def without_line_feeds(data: bytes) -> bytes:
    """A log line never holds one."""
    return data.replace(b"\n", b"")


def check_behind(heads: tuple[bytes, ...]) -> Callable[[bytes], None]:
    """A target: the first byte chooses what stands in front of the rest, and whether the line is whole."""

    def one_input(data: bytes) -> None:
        if data:
            line = heads[data[0] // 2 % len(heads)] + without_line_feeds(data[1:])
            check_line(DECODER, line, terminated=data[0] % 2 == 0)

    return one_input


def check_entry(entry: Entry) -> None:
    """Decode a journal entry, as the parser does."""
    try:
        event = DECODER.entry(entry)
    except Undecodable:
        return
    if event is not None:
        check_event(DECODER, event, entry.message)


def fuzz(one_input: Callable[[bytes], None]) -> None:
    """Run until libFuzzer's own options (sys.argv) say enough. Never returns."""
    atheris.Setup(sys.argv, one_input)
    atheris.Fuzz()


__all__ = ["DECODER", "Broken", "check_behind", "check_entry", "check_line", "fuzz", "without_line_feeds"]
