"""Words and numbers of seccomp records, one by one."""

import ctypes
from itertools import product

import pytest

from syslogparse.evidence import seccomp, seccomp_names
from syslogparse.evidence.model import Undecodable


def name_of(arch: str, number: int) -> str | None:
    return {("x86_64", 110): "getppid", ("x86", 64): "getppid", ("x32", 0x40000000 + 110): "getppid"}.get((arch, number))


def decoded(body: bytes) -> dict[str, object]:
    return dict(seccomp.decode(b"type=1326 audit(1795328409.222:20): " + body, name_of))


@pytest.mark.parametrize(
    ("code", "action"),
    [
        (b"0x80000000", b"kill_process"),
        (b"0x0", b"kill_thread"),
        (b"0x00000000", b"kill_thread"),
        (b"0x30000", b"trap"),
        (b"0x50000", b"errno"),
        (b"0x50001", b"errno"),
        (b"0x00050001", b"errno"),
        (b"0x7fc00000", b"user_notif"),
        (b"0x7ff00000", b"trace"),
        (b"0x7ff00abc", b"trace"),
        (b"0x7ffc0000", b"log"),
        (b"0x7fff0000", b"allow"),
        (b"0x12340000", None),
        (b"kill", b"kill_thread"),
        (b"kill-thread", b"kill_thread"),
        (b"kill_process", b"kill_process"),
        (b"kill-process", b"kill_process"),
        (b"trap", b"trap"),
        (b"errno", b"errno"),
        (b"user-notif", b"user_notif"),
        (b"trace", b"trace"),
        (b"log", b"log"),
        (b"allow", b"allow"),
    ],
)
def test_actions(code: bytes, action: bytes | None):
    fields = decoded(b"syscall=1 code=" + code)
    assert fields["code"] == code
    assert fields.get("action") == action


@pytest.mark.parametrize(
    ("arch", "number", "word", "name"),
    [
        (b"c000003e", b"110", b"x86_64", b"getppid"),
        (b"0xc000003e", b"110", b"x86_64", b"getppid"),
        (b"x86_64", b"110", b"x86_64", b"getppid"),
        (b"c000003e", b"1073741934", b"x32", b"getppid"),
        (b"x86_64", b"1073741934", b"x32", b"getppid"),
        (b"40000003", b"64", b"x86", b"getppid"),
        (b"i386", b"64", b"x86", b"getppid"),
        (b"c00000b7", b"173", b"aarch64", None),
        (b"40000028", b"64", b"arm", None),
        (b"16", b"64", b"s390", None),
        (b"armeb", b"64", b"arm", None),
        (b"c000003e", b"-1", b"x86_64", None),
        (b"c000003e", b"999999", b"x86_64", None),
        (b"28", b"1", None, None),
        (b"c0009026", b"1", None, None),
        (b"alpha", b"1", None, None),
        (b"unknown-elf-type(c000003e)", b"110", b"x86_64", b"getppid"),
    ],
)
def test_architectures(arch: bytes, number: bytes, word: bytes | None, name: bytes | None):
    fields = decoded(b"arch=%b syscall=%b" % (arch, number))
    assert (fields.get("arch"), fields["syscall"], fields.get("syscall_name")) == (word, int(number), name)


def test_the_architectures_are_libseccomps():
    resolve = ctypes.CDLL("libseccomp.so.2").seccomp_arch_resolve_name
    resolve.restype = ctypes.c_uint32
    numbers = {word: resolve(word) for word in seccomp.ARCHITECTURES.values()}
    newer = {word for word, number in numbers.items() if number == 0}
    assert newer <= {b"loongarch64", b"m68k", b"sh", b"sheb"}, "not before libseccomp 2.6"
    assert {number: word for word, number in numbers.items() if number} == {
        number: word for number, word in seccomp.ARCHITECTURES.items() if word not in newer
    }


@pytest.mark.parametrize(
    ("word", "number"),
    [
        (b"SIG0", 0),
        (b"0", 0),
        (b"31", 31),
        (b"SIGSYS", 31),
        (b"SIGKILL", 9),
        (b"SIGSEGV", 11),
        (b"SIGIO", 29),
        (b"Bad system call", 31),
        (b"unknown signal (64)", 64),
        (b"SIGNONE", None),
    ],
)
def test_signals(word: bytes, number: int | None):
    assert seccomp_names.signal(word) == number


@pytest.mark.parametrize(
    ("word", "number"),
    [
        (b"unset", 4294967295),
        (b"root", 0),
        (b"1000", 1000),
        (b"-1", -1),
        (b"unknown(1000)", 1000),
        (b"chronos", None),
        (b"nobody", None),
    ],
)
def test_accounts(word: bytes, number: int | None):
    assert seccomp_names.account(word) == number


@pytest.mark.parametrize(
    ("word", "call"),
    [
        (b"getppid", b"getppid"),
        (b"_llseek", b"_llseek"),
        (b"socketcall(connect)", b"socketcall"),
        (b"unknown-syscall(999)", 999),
        (b"unknown syscall(999)", 999),
        (b"unknown-syscall(-1)", -1),
        (b"7", 7),
    ],
)
def test_system_calls(word: bytes, call: int | bytes):
    assert seccomp_names.syscall(word) == call


@pytest.mark.parametrize("word", [b"", b"x", b"Read", b"a-b-c", b"read;rm", b"99999999999", b"x" * 41])
def test_no_system_call(word: bytes):
    with pytest.raises(Undecodable):
        seccomp_names.syscall(word)


def test_a_code_that_may_have_been_cut_is_the_beginning_of_another():
    codes = [b"0x%x" % (action | data) for action, data in product(seccomp_names.ACTIONS, (0, 1, 0xFF, 0x1234, 0xFFFF))]
    for code in (code for code in codes if int(code, 16) == 0 or int(code, 16) > 0xFFFF):
        assert seccomp_names.is_complete_code(code), code
        for end in range(3, len(code)):
            if int(code[:end], 16):
                assert not seccomp_names.is_complete_code(code[:end]), code[:end]
