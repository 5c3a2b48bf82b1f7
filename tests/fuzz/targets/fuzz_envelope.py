"""Fuzz target: whole lines, with nothing given."""

import atheris

with atheris.instrument_imports(include=["syslogparse"]):
    from syslogparse.evidence import loss
    from syslogparse.evidence.envelope import split
    from syslogparse.evidence.model import Undecodable
    from tests.fuzz.targets.common import DECODER, Broken, check_line, fuzz, without_line_feeds

SPEAKERS = {"kernel", "audit", "relay", "dbus", "packets"}


def TestOneInput(data: bytes) -> None:  # noqa: N802 - the name that fuzzing services look for
    """Any bytes."""
    line = without_line_feeds(data)
    check_line(DECODER, line)
    check_line(DECODER, line, terminated=False)
    loss.read(line)
    try:
        said = split(line)
    except Undecodable:
        return
    if said.speaker not in SPEAKERS or said.repeat < 1 or (said.facility is not None and not 0 <= said.facility <= 127):
        raise Broken(f"{said!r}: {line!r}")


if __name__ == "__main__":
    fuzz(TestOneInput)
