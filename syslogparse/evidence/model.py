"""The types that evidence is made of, from one log line to a counted key.

Text that came from a log is ``bytes`` throughout this package: it is what the log held, undecodable bytes included, and
nobody can mistake it for text that is fit to print. Integers that a log names are kept as their decimal text in keys,
because CPython's integer hash can be flooded on purpose while that of bytes is seeded.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, NamedTuple, TypeAlias

import msgspec

Kind: TypeAlias = Literal["netfilter", "apparmor", "seccomp"]
KINDS: tuple[Kind, ...] = ("netfilter", "apparmor", "seccomp")

Grade: TypeAlias = Literal["kernel", "kern", "syslog"]
"""How hard it is to forge what the log says; the strongest first (DESIGN: trust)."""
GRADES: tuple[Grade, ...] = ("kernel", "kern", "syslog")

Reason: TypeAlias = Literal[
    "not said by the kernel",
    "no log envelope",
    "not a complete record",
    "invalid address",
    "invalid port",
    "invalid number",
    "invalid interface name",
    "invalid hexadecimal value",
    "contradictory fields",
    "line too long",
    "line cut off at the start of the file",
    "line cut off at the end of the file",
    "log changed while it was read",
]
"""Why a line of interest is no event. A closed set: a parser that lies can choose one, but cannot write its own text."""

Value: TypeAlias = bytes | int | list[bytes]
"""A decoded field: text from the log, a number, or a list of names (tcp_flags)."""

Fields: TypeAlias = dict[str, Value]
"""Decoded fields under the names of DESIGN 6; a field that is absent or empty in the log is absent here."""


Damage: TypeAlias = Literal[
    "compressed data is damaged",
    "compressed data ends early",
    "compressed data grows too much",
    "compressed data needs too much memory",
    "the journal file is damaged",
    "the journal file is of a kind that is not known",
    "a compressed journal file has to be unpacked first",
]
"""Why the rest of a log could not be read. A closed set, like the reasons."""

MAX_REPEAT = 10_000_000
"""How often a line can be said to be repeated."""

FIRST_TIME, LAST_TIME = -62_135_596_800_000_000, 253_402_300_799_999_999
"""Microseconds since the epoch of the first and the last moment that a stamp can name: the years 1 to 9999."""

MAX_LIST = 9
"""Names in a list field at most: TCP has nine flags."""


class Undecodable(Exception):
    """A line of interest that is no event. ``reason`` says why."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason)
        self.reason: Reason = reason


class Position(NamedTuple):
    """Where a line stands: file in command-line order, block of that file, line in that block (all from 0).

    Positions compare in the order of the log, whatever the size of the blocks was.
    """

    file: int
    block: int
    line: int


class Event(msgspec.Struct, frozen=True):
    """One decoded log record.

    ``time`` is in microseconds since the epoch (UTC), None where the line has no usable stamp.
    ``host`` is empty where the line names none. ``repeat``: how often the log daemon says that it got the line.
    ``identity`` is equal for lines that tell of the same thing (``identity``), empty where nothing tells.
    """

    kind: Kind
    time: int | None
    host: bytes
    grade: Grade
    fields: Fields
    repeat: int = 1
    identity: bytes = b""


class NetfilterKey(NamedTuple):
    """What a packet-filter rule can say about a logged packet. Empty where the log line says nothing.

    prefix: the rule's own --log-prefix, outer blanks off. in_ .. physout: interface names. src, dst: canonical addresses
    (RFC 5952). proto: lower-case name or decimal number. dpt: destination port; icmp_type, icmp_code: decimal text.
    flags: TCP flags in the order of the header bits, blank separated. spt: source port, of answers that UDP services send
    (``services.asked_port``) and of nothing else.
    """

    prefix: bytes
    in_: bytes
    out: bytes
    physin: bytes
    physout: bytes
    src: bytes
    dst: bytes
    proto: bytes
    dpt: bytes
    icmp_type: bytes
    icmp_code: bytes
    flags: bytes
    spt: bytes = b""


class AppArmorKey(NamedTuple):
    """What an AppArmor rule can say about a denial (or a complain-mode allowance). Empty where the record says nothing.

    verdict: the record's apparmor= word. owner: b"1" when the file is the process's own, b"root" when both are root's, b"0" when
    the two differ. mask: the denied mask, or what a bus's daemon calls its mask. requested: the requested mask, empty where it is
    the denied one. capability: capname.
    local, remote: addresses of a socket, ports in decimal (0 for none is left out). source: what is mounted, or the old root.
    """

    verdict: bytes
    namespace: bytes
    profile: bytes
    operation: bytes
    class_: bytes
    name: bytes
    target: bytes
    mask: bytes
    owner: bytes
    capability: bytes
    family: bytes
    sock_type: bytes
    protocol: bytes
    peer: bytes
    signal: bytes
    info: bytes
    requested: bytes = b""
    local: bytes = b""
    local_port: bytes = b""
    remote: bytes = b""
    remote_port: bytes = b""
    bus: bytes = b""
    path: bytes = b""
    interface: bytes = b""
    member: bytes = b""
    flags: bytes = b""
    fstype: bytes = b""
    source: bytes = b""


class SeccompKey(NamedTuple):
    """What a system-call filter can say about a logged call.

    arch: libseccomp's name. syscall: the number in decimal; name: libseccomp's name of it, empty when unknown.
    action: DESIGN 6's word for the filter's return code. sig: the signal's number in decimal, 0 for none.
    """

    exe: bytes
    comm: bytes
    subj: bytes
    arch: bytes
    syscall: bytes
    name: bytes
    action: bytes
    sig: bytes


Key: TypeAlias = NetfilterKey | AppArmorKey | SeccompKey


class Evidence(msgspec.Struct, frozen=True):
    """Equal keys of all files and hosts, counted: what a rule is decided on.

    count: of audit records the events, each once however often it was logged; of packets the log lines. attempts: tries
    behind them. first, last: microseconds since the epoch. hosts: sorted. grades: lines per trust grade. places: (file, line
    from 1), the earliest, at most most_places. named: lines that have an identity; identities: lines of each that is kept.
    """

    kind: Kind
    key: Key
    count: int
    attempts: int
    first: int | None
    last: int | None
    hosts: tuple[bytes, ...]
    grades: dict[Grade, int]
    places: tuple[tuple[int, int], ...]
    named: int = 0
    identities: Mapping[bytes, int] = {}
    most_places: int = 5
