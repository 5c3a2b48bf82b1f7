"""Fuzz target: compressed logs."""

import atheris

with atheris.instrument_imports(include=["syslogparse"]):
    from syslogparse.sources.unpack import FREE_TEXT, Damaged, Unpacking, packing
    from tests.fuzz.targets.common import Broken, fuzz

STARTS = (b"", b"\x1f\x8b\x08", b"\xfd7zXZ\x00", b"BZh9", b"\x28\xb5\x2f\xfd", b"\x04\x22\x4d\x18")
ENOUGH = 4 << 20
"""Bytes after which an input is let go: a bomb is somebody else's test."""


def TestOneInput(data: bytes) -> None:  # noqa: N802 - the name that fuzzing services look for
    """The first byte chooses a magic number."""
    if not data:
        return
    packed = STARTS[data[0] % len(STARTS)] + data[1:]
    kind = packing(packed)
    if kind is None:
        return
    produced = 0
    try:
        for chunk in Unpacking().unpack(packed, kind):
            produced += len(chunk)
            if not 0 < len(chunk) <= 1 << 20 or produced > FREE_TEXT:
                raise Broken(f"{len(chunk)} bytes from {packed!r}")
            if produced > ENOUGH:
                return
    except Damaged:
        return


if __name__ == "__main__":
    fuzz(TestOneInput)
