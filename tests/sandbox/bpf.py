"""An interpreter for what seccomp makes of classic BPF (linux/filter.h, linux/seccomp.h): to ask a filter without a process.

Only what libseccomp emits is understood; anything else is an error, not a guess.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import NamedTuple

ALLOW, KILL_PROCESS = 0x7FFF0000, 0x80000000
X32_BIT = 0x40000000
ARCHITECTURES = {"x86_64": 0xC000003E, "i386": 0x40000003, "aarch64": 0xC00000B7, "arm": 0x40000028}
"""linux/audit.h: AUDIT_ARCH_*. x32 has the token of x86_64; its numbers have X32_BIT."""

_LD_W_ABS, _RET_K, _ALU_AND_K = 0x20, 0x06, 0x54
_JA, _JEQ, _JGT, _JGE, _JSET = 0x05, 0x15, 0x25, 0x35, 0x45
_WORD = 0xFFFFFFFF
_DATA = struct.Struct("=iIQ6Q")


class Instruction(NamedTuple):
    """struct sock_filter."""

    code: int
    true: int
    false: int
    operand: int


def program(exported: bytes) -> tuple[Instruction, ...]:
    """The instructions of an exported filter (seccomp_export_bpf(3))."""
    return tuple(Instruction(*fields) for fields in struct.iter_unpack("=HBBI", exported))


def verdict(instructions: Sequence[Instruction], architecture: int, number: int, arguments: Sequence[int] = ()) -> int:
    """What the filter answers to a system call. number: 32 bits; arguments: up to six of 64 bits, missing ones are 0."""
    signed = number - (1 << 32) if number >> 31 else number
    data = _DATA.pack(signed, architecture, 0, *arguments, *[0] * (6 - len(arguments)))
    accumulator = position = 0
    while True:
        code, true, false, operand = instructions[position]
        position += 1
        if code == _RET_K:
            return operand
        if code == _LD_W_ABS:
            (accumulator,) = struct.unpack_from("=I", data, operand)
        elif code == _ALU_AND_K:
            accumulator &= operand & _WORD
        elif code == _JA:
            position += operand
        else:
            position += true if _holds(code, accumulator, operand) else false


def _holds(code: int, accumulator: int, operand: int) -> bool:
    if code == _JEQ:
        return accumulator == operand
    if code == _JGT:
        return accumulator > operand
    if code == _JGE:
        return accumulator >= operand
    if code == _JSET:
        return bool(accumulator & operand)
    raise ValueError(f"instruction {code:#x} is not understood")
