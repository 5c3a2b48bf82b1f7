"""Fuzz target: ``journalctl -o export``, cut into blocks anywhere."""

import atheris

with atheris.instrument_imports(include=["syslogparse"]):
    from syslogparse.evidence.journalexport import Exported, ExportReader
    from tests.fuzz.targets.common import Broken, check_entry, fuzz


def _read(data: bytes, block: int) -> list[Exported]:
    reader = ExportReader()
    found = [record for at in range(0, len(data), block) for record in reader.feed(data[at : at + block])]
    return found + reader.finish()


def TestOneInput(data: bytes) -> None:  # noqa: N802 - the name that fuzzing services look for
    """The first byte is the size of a block; whatever it is, the records are the same."""
    if not data:
        return
    stream = data[1:]
    records = _read(stream, len(stream) + 1)
    if records != _read(stream, data[0] + 1):
        raise Broken(f"blocks of {data[0] + 1}: {stream!r}")
    for record in records:
        if not 0 <= record.line <= stream.count(b"\n"):
            raise Broken(f"line {record.line}: {stream!r}")
        check_entry(record.entry)


if __name__ == "__main__":
    fuzz(TestOneInput)
