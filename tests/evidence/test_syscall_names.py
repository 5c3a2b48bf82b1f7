"""Names of system calls, against libseccomp itself: for every architecture that it knows, through its C functions."""

import ctypes

import pytest

from syslogparse.evidence import seccomp, seccomp_names
from syslogparse.sandbox.libseccomp import syscall_name

X32 = 0x40000000
BASES = {"mips": (0, 4000), "mips64": (0, 5000), "mips64n32": (0, 6000), "x32": (X32,), "arm": (0, 0xF0000)}
BASES |= {f"mipsel{end}": BASES[f"mips{end}"] for end in ("", "64", "64n32")}
COUNT = 601

LIBRARY = ctypes.CDLL("libseccomp.so.2")
LIBRARY.seccomp_arch_resolve_name.restype = ctypes.c_uint32
LIBRARY.seccomp_arch_resolve_name.argtypes = [ctypes.c_char_p]
LIBRARY.seccomp_syscall_resolve_num_arch.restype = ctypes.c_void_p
LIBRARY.seccomp_syscall_resolve_num_arch.argtypes = [ctypes.c_uint32, ctypes.c_int]
LIBC = ctypes.CDLL(None)
LIBC.free.argtypes = [ctypes.c_void_p]

NUMBERS = {word.decode(): number for number, word in seccomp.ARCHITECTURES.items()} | {"x32": 0xC000003E}
KNOWN = [word for word in NUMBERS if LIBRARY.seccomp_arch_resolve_name(word.encode())]


def libseccomps(arch: str, number: int) -> str | None:
    token = LIBRARY.seccomp_arch_resolve_name(arch.encode())
    found = LIBRARY.seccomp_syscall_resolve_num_arch(token, number)
    if not found:
        return None
    try:
        return ctypes.string_at(found).decode("ascii")
    finally:
        LIBC.free(found)


def test_libseccomp_knows_the_architectures_of_old():
    old = "x86 x86_64 x32 arm aarch64 mips mipsel mips64 mipsel64 mips64n32 mipsel64n32 parisc parisc64 ppc ppc64 ppc64le s390"
    assert set(old.split()) | {"s390x", "riscv64"} <= set(KNOWN)


@pytest.mark.parametrize("arch", KNOWN)
def test_names_are_libseccomps(arch: str):
    named = 0
    for base in BASES.get(arch, (0,)):
        for number in range(base, base + COUNT):
            expected = libseccomps(arch, number)
            named += expected is not None
            line = b"type=1326 audit(1795328409.222:20): arch=%x syscall=%d" % (NUMBERS[arch], number)
            fields = seccomp.decode(line, syscall_name)
            assert fields["arch"] == arch.encode()
            assert fields.get("syscall_name") == (None if expected is None else expected.encode()), (arch, number)
    assert named > 250


@pytest.mark.parametrize("arch", KNOWN)
def test_numbers_below_zero_have_no_name(arch: str):
    # libseccomp gives negative numbers to calls that the architecture does not have.
    for number in (-1, -101, -10001, -(2**31)):
        line = b"type=1326 audit(1795328409.222:20): arch=%x syscall=%d" % (NUMBERS[arch], number)
        fields = seccomp.decode(line, syscall_name)
        assert fields["syscall"] == number
        assert "syscall_name" not in fields


def test_every_architecture_has_one_number():
    assert len(set(seccomp_names.ARCHITECTURES.values())) == len(seccomp_names.ARCHITECTURES)
