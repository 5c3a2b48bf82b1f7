"""The table, the filters made of it, and what they answer to every number, as an interpreter of their BPF programs finds it."""

from __future__ import annotations

import mmap
import os
from collections.abc import Callable, Sequence
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syslogparse.sandbox.libseccomp import pyseccomp
from syslogparse.sandbox.seccomp import BUDGET, LOG_ROLES, ROLES, TABLE, Call, Channels, LoadFilter, Role, allowed, build
from syslogparse.sandbox.step import SandboxError, carry_out
from tests.sandbox.bpf import ALLOW, ARCHITECTURES, KILL_PROCESS, X32_BIT, Instruction, program, verdict
from tests.sandbox.children import in_child

CHANNELS: dict[Role, Channels] = {
    "parser": Channels(writes=(3,)),
    "analyst": Channels(reads=(4, 5), writes=(1, 2)),
    "validator": Channels(reads=(3,), writes=(4, 5)),
    "supervisor": Channels(writes=(2, 6)),
    "broker": Channels(
        reads=(5,),
        writes=(2, 6),
        links=((9, 0x7000_0000_1000, 3, 0x7000_0000_1010, 0x400), (9, 0x7000_0000_1002, 3, 0x7000_0000_1020, 0x400)),
        renames=((3, 0x7000_0000_1010, 3, 0x7000_0000_1030, 0),),
        unlinks=((3, 0x7000_0000_1010, 0), (3, 0x7000_0000_1020, 0)),
        syncs=(3, 7),
    ),
}
NATIVE = pyseccomp.system_arch()
HIGH = 1 << 32
WORD = (1 << 64) - 1
NEVER_A_PARSERS = (
    "read readv pread64 preadv preadv2 open openat openat2 open_by_handle_at creat execve execveat clone clone3 fork vfork "
    "socket socketpair connect ptrace kill tkill tgkill rt_sigqueueinfo pidfd_send_signal pidfd_open pidfd_getfd dup dup2 dup3 "
    "fcntl ioctl mprotect pkey_mprotect prctl seccomp setrlimit prlimit64 io_uring_setup process_vm_readv process_vm_writev "
    "memfd_create bpf"
).split()

# What each call may be asked for, said a second time and in other words than in the table.
PERMITTED: dict[str, Callable[[Channels, Sequence[int]], bool]] = {
    "read": lambda channels, a: a[0] in channels.reads,
    "write": lambda channels, a: a[0] in channels.writes,
    "mmap": lambda _, a: a[0] == 0 and a[2] in (0, 1, 2, 3) and a[3] == mmap.MAP_PRIVATE + mmap.MAP_ANONYMOUS,
    "mremap": lambda _, a: a[3] == 1,
    "wait4": lambda _, a: a[2] in (0, 1),
    "fsync": lambda channels, a: a[0] in channels.syncs,
    "linkat": lambda channels, a: tuple(a[:5]) in channels.links,
    "renameat2": lambda channels, a: tuple(a[:5]) in channels.renames,
    "unlinkat": lambda channels, a: tuple(a[:3]) in channels.unlinks,
}
LOOKED_AT = {"read": (0,), "write": (0,), "mmap": (0, 2, 3), "mremap": (3,), "wait4": (2,), "fsync": (0,)}
WHOLE = {"linkat": "links", "renameat2": "renames", "unlinkat": "unlinks"}
"""Calls of which every argument is looked at: the field of the channels that has all that may be asked for."""
LOW = (*range(10), 0x20, 0x22, 0x23, 0x32, 0x2022, 1 << 31, HIGH - 1, HIGH - 2)
EDGES = {
    1: [low + high for low in LOW for high in (0, HIGH, WORD - HIGH + 1)],
    3: [*LOW, *(HIGH + low for low in (0, 1, 3, 0x22))],
}
"""Values of an argument, by the number of arguments that a condition looks at."""


def _number(name: str) -> int:
    return int(pyseccomp.resolve_syscall(pyseccomp.Arch.NATIVE, name))


def _exported(made) -> bytes:
    descriptor = os.memfd_create("bpf")
    with open(descriptor, "r+b") as file:
        made.export_bpf(file)
        file.seek(0)
        return file.read()


FILTERS: dict[Role, tuple[Instruction, ...]] = {role: program(_exported(build(role, CHANNELS[role]))) for role in ROLES}
NUMBERS = {_number(call.name): call.name for call in TABLE}


def _answer(role: Role, number: int, arguments: Sequence[int] = (), architecture: int = NATIVE) -> int:
    return verdict(FILTERS[role], architecture, number, arguments)


def _expected(role: Role, number: int, arguments: Sequence[int]) -> int:
    name = NUMBERS.get(number)
    if name is None or name not in {call.name for call in allowed(role)}:
        return KILL_PROCESS
    permitted = PERMITTED.get(name, lambda *_: True)
    return ALLOW if permitted(CHANNELS[role], [*arguments, *[0] * 6]) else KILL_PROCESS


def test_table_is_sorted_and_each_call_stands_once():
    names = [call.name for call in TABLE]
    assert names == sorted(set(names))


def test_every_row_is_complete():
    for call in TABLE:
        assert call.roles, call.name
        assert set(call.roles) <= set(ROLES), call.name
        assert call.reason, call.name
        assert call.needed_by or set(call.roles) <= {"validator", "broker"}, call.name
        assert call.needed_for_files or not set(call.roles) & {"validator", "broker"}, call.name
        assert _number(call.name) >= 0, call.name


def test_every_condition_is_held_against_words_of_its_own():
    assert {call.name for call in TABLE if call.condition} == set(PERMITTED) == set(LOOKED_AT) | set(WHOLE)


def test_roles_that_touch_a_log_stay_within_the_budget():
    union = {call.name for role in LOG_ROLES for call in allowed(role)}
    assert len(union) <= BUDGET == 22


@pytest.mark.parametrize("role", ROLES)
def test_no_role_has_the_whole_table(role):
    assert {call.name for call in allowed(role)} < {call.name for call in TABLE}


def test_parser_and_validator_have_less_than_the_analyst():
    for role in ("parser", "validator"):
        assert {call.name for call in allowed(role)} < {call.name for call in allowed("analyst")}


def test_supervisor_has_less_than_the_broker_and_neither_can_change_its_memory():
    supervisor, broker = ({call.name for call in allowed(role)} for role in ("supervisor", "broker"))
    assert broker - supervisor == {"fsync", "linkat", "read", "renameat2", "unlinkat"}
    assert supervisor < broker
    # The filter tells names by their addresses, so what stands there must stay (sandbox/pinned.py).
    assert not broker & set("brk mmap mprotect mremap munmap madvise pkey_mprotect remap_file_pages shmat userfaultfd".split())


def test_channels_name_every_descriptor_once():
    assert CHANNELS["broker"].descriptors() == [2, 3, 5, 6, 7, 9]
    assert CHANNELS["analyst"].descriptors() == [1, 2, 4, 5]


def test_parser_has_nothing_that_opens_starts_signals_or_looks_into_others():
    assert {call.name for call in allowed("parser")} & set(NEVER_A_PARSERS) == set()
    assert all(_number(name) >= 0 or name in {"fork", "vfork", "open", "creat", "dup2"} for name in NEVER_A_PARSERS)


@pytest.mark.parametrize("role", ROLES)
def test_filter_kills_the_process_for_other_architectures_and_leaves_no_new_privs_alone(role):
    made = build(role, CHANNELS[role])
    assert made.get_attr(pyseccomp.Attr.ACT_DEFAULT) == KILL_PROCESS
    assert made.get_attr(pyseccomp.Attr.ACT_BADARCH) == KILL_PROCESS
    assert made.get_attr(pyseccomp.Attr.CTL_NNP) == 0


@pytest.mark.parametrize("role", ROLES)
def test_filter_knows_two_answers(role):
    assert {code.operand for code in FILTERS[role] if code.code == 0x06} == {ALLOW, KILL_PROCESS}


@pytest.mark.parametrize("role", ROLES)
def test_every_number_is_answered_as_the_table_says(role):
    for number in (*range(1024), 0x3FFFFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF):
        for arguments in ((), (3,), (1,), (WORD,) * 6):
            assert _answer(role, number, arguments) == _expected(role, number, arguments), (number, arguments)


@pytest.mark.parametrize("role", ROLES)
def test_every_edge_of_every_condition_is_answered_as_the_table_says(role):
    conditional = [call.name for call in allowed(role) if call.condition and call.name not in WHOLE]
    assert conditional
    for name in conditional:
        seen = set()
        for values in product(EDGES[len(LOOKED_AT[name])], repeat=len(LOOKED_AT[name])):
            arguments = [0] * 6
            for position, value in zip(LOOKED_AT[name], values, strict=True):
                arguments[position] = value
            answer = _answer(role, _number(name), arguments)
            assert answer == _expected(role, _number(name), arguments), (name, arguments)
            seen.add(answer)
        assert seen == {ALLOW, KILL_PROCESS}, name


@pytest.mark.parametrize("name", WHOLE)
def test_no_argument_of_a_call_that_names_files_can_be_changed(name):
    own = getattr(CHANNELS["broker"], WHOLE[name])
    assert own
    for number, words in enumerate(own):
        assert _answer("broker", _number(name), words) == ALLOW
        for at, word in enumerate(words):
            edges = {*EDGES[1], word + 1, word - 1, word + 8, word | HIGH, word ^ (1 << 63), own[number - 1][at]}
            for other in edges - {word}:
                changed = [*words[:at], other & WORD, *words[at + 1 :]]
                expected = ALLOW if tuple(changed) in own else KILL_PROCESS
                assert _answer("broker", _number(name), changed) == expected, changed


def test_without_calls_of_its_own_the_broker_can_name_nothing():
    code = program(_exported(build("broker", Channels(writes=(2,)))))
    for name, field in WHOLE.items():
        for words in getattr(CHANNELS["broker"], field):
            assert verdict(code, NATIVE, _number(name), words) == KILL_PROCESS


@pytest.mark.parametrize("role", ROLES)
@given(
    name=st.sampled_from(sorted(PERMITTED)),
    arguments=st.lists(st.integers(0, WORD) | st.sampled_from(EDGES[1]), min_size=6, max_size=6),
)
def test_any_argument_is_answered_as_the_table_says(role, name, arguments):
    assert _answer(role, _number(name), arguments) == _expected(role, _number(name), arguments)


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("architecture", [*ARCHITECTURES.values(), 0, 0xFFFFFFFF])
def test_foreign_architecture_is_killed_whatever_it_asks(role, architecture):
    if architecture == NATIVE:
        architecture ^= 1 << 30
    for number in range(1024):
        for arguments in ((), (3,), (1,), (0, 4096, 3, 0x22)):
            assert _answer(role, number, arguments, architecture) == KILL_PROCESS, number


@pytest.mark.parametrize("role", ROLES)
def test_x32_numbers_are_killed(role):
    assert os.uname().machine != "x86_64" or ARCHITECTURES["x86_64"] == NATIVE
    for number in range(1024):
        for arguments in ((), (3,), (1,), (0, 4096, 3, 0x22)):
            assert _answer(role, X32_BIT | number, arguments) == KILL_PROCESS, number


def test_interpreter_does_not_guess():
    with pytest.raises(ValueError, match="not understood"):
        verdict((Instruction(0x99, 0, 0, 0),), NATIVE, 0)


def test_a_call_that_libseccomp_does_not_know_is_an_error():
    with pytest.raises(OSError, match=r".+"):
        build("parser", CHANNELS["parser"], (Call("no_such_call", ("parser",), None, "r", "n"),))


def test_row_is_left_out_for_a_role_that_it_does_not_name():
    table = (Call("getppid", ("analyst",), None, "r", "n"),)
    filters: dict[Role, tuple] = {role: program(_exported(build(role, CHANNELS[role], table))) for role in LOG_ROLES}
    answers = {role: verdict(code, NATIVE, _number("getppid")) for role, code in filters.items()}
    assert answers == {"parser": KILL_PROCESS, "analyst": ALLOW, "validator": KILL_PROCESS}


def test_filter_that_was_not_loaded_is_noticed():
    with pytest.raises(SandboxError, match="consent") as caught:
        LoadFilter("parser", CHANNELS["parser"]).check()
    assert caught.value.step == "seccomp"
    assert caught.value.hint


@pytest.mark.root
def test_filter_does_not_load_where_no_new_privs_failed():
    def load() -> None:
        os.setresuid(65534, 65534, 65534)
        carry_out(LoadFilter("parser", CHANNELS["parser"]))

    ended = in_child(load)
    assert ended.raised == "SandboxError"
    assert ended.told.startswith("seccomp: ")
    assert "EACCES" in ended.told
