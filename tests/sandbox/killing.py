"""The program with parsers that wait for the test at their first block. Runs in the zygote's children.

Descriptor 0 of a case is a memory file that the test has open too; waiting at a byte of it takes no system call.
"""

from __future__ import annotations

import mmap

import msgspec

from syslogparse import run
from syslogparse.options import Options
from syslogparse.roles import blockwork, streams
from tests.sandbox.faults import patch


def gated(**options: object) -> None:
    """Run the program with these options. Byte 1 says that a parser waits, byte 0 lets it go on."""
    gate = mmap.mmap(0, 0)
    work_block = blockwork.work_block

    def held(*arguments):
        gate[1] = 1
        while not gate[0]:
            pass
        return work_block(*arguments)

    patch(streams, "work_block", held)
    run.run(msgspec.convert(options, Options))
