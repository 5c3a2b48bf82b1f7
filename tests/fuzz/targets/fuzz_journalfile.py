"""Fuzz target: native journal files."""

import atheris

with atheris.instrument_imports(include=["syslogparse"]):
    from syslogparse.evidence.journal import from_fields
    from syslogparse.sources.journalfile import SIGNATURE, JournalDamage, entries
    from tests.fuzz.targets.common import Broken, check_entry, fuzz


def TestOneInput(data: bytes) -> None:  # noqa: N802 - the name that fuzzing services look for
    """A file, its signature given."""
    file = SIGNATURE + data[len(SIGNATURE) :]
    try:
        for number, entry in enumerate(entries(file)):
            if entry.number != number or number > len(file):
                raise Broken(f"entry {entry.number} stands at {number}: {file!r}")
            check_entry(from_fields(entry.realtime, entry.fields, entry.damage))
    except JournalDamage:
        return


if __name__ == "__main__":
    fuzz(TestOneInput)
