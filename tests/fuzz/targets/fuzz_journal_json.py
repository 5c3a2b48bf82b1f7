"""Fuzz target: lines of ``journalctl -o json``."""

import json

import atheris

with atheris.instrument_imports(include=["syslogparse"]):
    from syslogparse.evidence import speaker
    from syslogparse.evidence.journal import from_json
    from syslogparse.evidence.model import Undecodable
    from tests.fuzz.targets.common import DECODER, Broken, check_entry, check_line, fuzz, without_line_feeds

BUSES = {name.decode() for name in speaker.BUSES}


def _may_speak(line: bytes) -> bool:
    """By a reader of JSON that keeps what is given twice: every transport is the kernel's, or a message bus says it."""
    pairs = json.loads(line.decode("latin-1"), object_pairs_hook=list)
    transports = [value for name, value in pairs if name == "_TRANSPORT"]
    return {"kernel", "audit"} >= set(transports) != set() or any(
        value in BUSES for name, value in pairs if name == "SYSLOG_IDENTIFIER"
    )


def TestOneInput(data: bytes) -> None:  # noqa: N802 - the name that fuzzing services look for
    """Bytes of an object, its first brace left out."""
    line = b"{" + without_line_feeds(data)
    event = check_line(DECODER, line)
    if event is not None and not _may_speak(line):
        raise Broken(f"not said by the kernel: {line!r}")
    try:
        check_entry(from_json(line))
    except Undecodable:
        return


if __name__ == "__main__":
    fuzz(TestOneInput)
