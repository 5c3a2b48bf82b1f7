"""Packets whose text tries to set fields that it is not, or that hold what cannot be, and lines of any size."""

from tests.forgery.case import (
    DENIED,
    DENIED_FIELDS,
    KILLED,
    KILLED_FIELDS,
    PACKET,
    PACKET_FIELDS,
    STAMP,
    TAG,
    UPTIME,
    Case,
    denial,
    forged,
    kill,
    packet,
)

_MEGABYTE = 1 << 20


def _with(old: str, new: str, line: str = PACKET) -> str:
    assert old in line
    return TAG + line.replace(old, new, 1)


def _broken(name: str, old: str, *new: str) -> Case:
    return forged(name, *(_with(old, text) for text in new))


def _prefix(name: str, prefix: str) -> Case:
    """What stands before the kernel's own text is the rule's prefix, and sets nothing."""
    return packet(f"prefix {name}", f"{TAG}{UPTIME}{prefix} {PACKET}", {**PACKET_FIELDS, "prefix": prefix})


_PREFIXES = [
    _prefix("holds a packet", "IN=evil0 OUT=evil1 SRC=6.6.6.6 DST=7.7.7.7 PROTO=UDP SPT=1 DPT=53"),
    _prefix("holds IN and OUT", "IN=evil0 OUT="),
    _prefix("holds SRC", "SRC=6.6.6.6"),
    _prefix("holds MAC and MARK", "MAC=66:66:66:66:66:66:66:66:66:66:66:66:08:00 MARK=0x66 UID=0 GID=0"),
    _prefix("holds flags", "SYN ACK FIN flood"),
    _prefix("holds ports", "DPT=22 SPT=22:"),
    _prefix("opens a bracket", "[DROP"),
    _prefix("opens an inner packet", "x [SRC=6.6.6.6 DST=7.7.7.7"),
    _prefix("closes a bracket", "DROP]"),
    _prefix("is a bracket", "["),
    _prefix("imitates a tag", "sshd[1]:"),
    _prefix("imitates AppArmor", 'apparmor="DENIED" operation="open" name="/x"'),
    _prefix("imitates seccomp", "type=1326"),
    _prefix("is a macro", "$(reboot) `reboot` ; reboot #"),
]

_SECOND = {
    "SRC=192.0.2.2": "SRC=6.6.6.6",
    "DST=192.0.2.1": "DST=6.6.6.6",
    "SPT=40000": "SPT=66",
    "DPT=80": "DPT=66",
    "PROTO=TCP": "PROTO=UDP",
    "TTL=64": "TTL=6",
    "LEN=40": "LEN=66",
}
_DUPLICATES = [
    *(packet(f"twice {first}", f"{TAG}{PACKET}{second} ", PACKET_FIELDS) for first, second in _SECOND.items()),
    packet("all twice", f"{TAG}{PACKET}{' '.join(_SECOND.values())} ", PACKET_FIELDS),
    denial(
        "AppArmor twice",
        f'{TAG}{DENIED} apparmor="STATUS" operation="exec" profile="/evil" name="/etc/shadow" pid=1 requested_mask="w"',
        DENIED_FIELDS,
    ),
    kill("seccomp twice", f'{TAG}{KILLED} arch=40000003 syscall=1 code=0x0 sig=0 exe="/evil" comm="evil"', KILLED_FIELDS),
]

_ERROR = "IN=eth0 OUT= SRC=192.0.2.1 DST=192.0.2.2 LEN=112 TOS=0x00 PREC=0xC0 TTL=64 ID=1 PROTO=ICMP TYPE=3 CODE=3 "
_ERROR_FIELDS: dict[str, object] = {
    "in": "eth0",
    "src": "192.0.2.1",
    "dst": "192.0.2.2",
    "length": 112,
    "ttl": 64,
    "proto": "icmp",
    "icmp_type": 3,
    "icmp_code": 3,
}
_INNER = "SRC=6.6.6.6 DST=7.7.7.7 LEN=84 TOS=0x00 PREC=0x00 TTL=63 ID=5 DF PROTO=TCP SPT=1 DPT=22 WINDOW=1 RES=0x00 ACK URGP=0 "
_BRACKETS = [
    packet("inner packet", f"{TAG}{_ERROR}[{_INNER}] ", _ERROR_FIELDS),
    packet("inner packet cut short", f"{TAG}{_ERROR}[{_INNER}", _ERROR_FIELDS),
    packet(
        "inner packet that is incomplete",
        f"{TAG}{_ERROR}[SRC=6.6.6.6 DST=7.7.7.7 PROTO=UDP INCOMPLETE [8 bytes] ] ",
        _ERROR_FIELDS,
    ),
    packet("inner packet in an inner packet", f"{TAG}{_ERROR}[{_INNER}[{_INNER}] SPT=9 DPT=9 ] ", _ERROR_FIELDS),
    packet("field behind the inner packet", f"{TAG}{_ERROR}[{_INNER}] MARK=0x7 ", {**_ERROR_FIELDS, "mark": "0x7"}),
]

_INVALID = [
    _broken(
        "addresses",
        "SRC=192.0.2.2",
        *(
            f"SRC={text}"
            for text in (
                "1.2.3.4.5",
                "1.2.3",
                "300.1.1.1",
                "1.2.3.256",
                "01.2.3.4",
                "1.2.3.4/24",
                "1.2.3.4:80",
                "1.2.3.-4",
                "0x7f000001",
                "2130706433",
                "evil",
                "localhost",
                "::g",
                ":::",
                "1::2::3",
                "fe80::1%eth0",
                "12345::1",
                "::ffff:1.2.3.400",
                "[::1]",
                "1.2.3.4\u0000",
                "\u0661.2.3.4",
                "1.2.3.4,6.6.6.6",
                "'1.2.3.4'",
                '"1.2.3.4"',
                "-",
                "1.2.3.4;reboot",
                "$(reboot)",
                "::1",  # with an IPv4 destination
            )
        ),
    ),
    _broken("destinations", "DST=192.0.2.1", "DST=192.0.2.1.", "DST=.192.0.2.1", "DST=x", "DST=::", "DST=1.2.3.4\r"),
    _broken(
        "ports",
        "DPT=80",
        "DPT=99999",
        "DPT=65536",
        "DPT=-1",
        "DPT=0x50",
        "DPT=+80",
        "DPT=8_0",
        "DPT=80.0",
        "DPT=http",
        "DPT=\u0668\u0660",
        "DPT=80;",
        "DPT=80,443",
        "DPT=" + "9" * 5000,
        "DPT=80\u00a0",
        "DPT=8e1",
    ),
    _broken("source ports", "SPT=40000", "SPT=65536", "SPT=-1", "SPT=x", "SPT=0o17"),
    _broken(
        "interfaces",
        "IN=eth0",
        "IN=../../x",
        "IN=/etc/passwd",
        "IN=.",
        "IN=..",
        "IN=sixteen-letters-",
        "IN=eth\u0000",
        "IN=eth\u001b[31m",
        "IN=eth\u202e0",
        "IN=eth\r0",
        "IN=\u00e9th0",
        "IN=eth\t0",
    ),
    _broken("outgoing interfaces", "OUT=", "OUT=../../x", "OUT=a/b", "OUT=" + "x" * 16),
    _broken("protocols", "PROTO=TCP", "PROTO=256", "PROTO=-6", "PROTO=0x6", "PROTO=evil", "PROTO=TCP;reboot", "PROTO=6_0"),
    _broken("numbers", "TTL=64", "TTL=256", "TTL=-1", "TTL=x", "TTL=0x40"),
    _broken("lengths", "LEN=40", "LEN=-40", "LEN=x", "LEN=99999999999"),
    _broken("user and group", "URGP=0 ", "URGP=0 UID=x ", "URGP=0 GID=-1 ", "URGP=0 UID=99999999999 "),
    *(
        packet(f"mark {text}", _with("URGP=0 ", f"URGP=0 MARK={text} "), PACKET_FIELDS)
        for text in ("evil", "0x123456789", "0x", "-1")
    ),
    *(
        packet(
            f"hardware address {text}",
            _with("MAC=76:9a", f"MAC={text}"),
            {name: value for name, value in PACKET_FIELDS.items() if not name.startswith("mac_")},
        )
        for text in ("zz:9a", "evil:9a", "76-9a", "7:9a")
    ),
    forged("ICMP numbers", *(TAG + _ERROR.replace("TYPE=3", text) for text in ("TYPE=256", "TYPE=-1", "TYPE=x", "TYPE=0x3"))),
]

_KERNEL_ECHOES = [
    forged(
        "the kernel names a USB device",
        *(f"{TAG}{UPTIME}usb 1-1.2: {what}: {PACKET}" for what in ("Product", "Manufacturer", "SerialNumber")),
    ),
    forged(
        "the kernel names an input device",
        f"{TAG}{UPTIME}input: {PACKET}as /devices/virtual/misc/uhid/0005:046D:B342.0001/input/input9",
    ),
    forged(
        "the kernel names a control group",
        *(
            f"{TAG}{UPTIME}oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),cpuset=/,mems_allowed=0,oom_memcg=/user.slice,"
            f"task_memcg=/user.slice/user-1000.slice/user@1000.service/{inner},task=x,pid=9,uid=1000"
            for inner in (PACKET, f"x {PACKET}")
        ),
    ),
    forged(
        "the kernel names a program that fell over",
        *(
            f"{TAG}{UPTIME}{comm}[911]: segfault at 0 ip 0000000000401136 sp 00007ffd error 6 in x[401000+1000]"
            for comm in ("IN= OUT=x y", "IN=a OUT=b y", "IN= OUT= SRC=::")
        ),
    ),
    forged(
        "the kernel kills a program", f"{TAG}{UPTIME}Out of memory: Killed process 911 (IN= OUT= y) total-vm:1kB, anon-rss:0kB"
    ),
    forged("the kernel quotes an audit record", *(f"{TAG}{UPTIME}usb 1-1.2: Product: {line}" for line in (DENIED, KILLED))),
]

_SIZES = [
    forged(
        "a megabyte",
        f"{TAG}{'A' * _MEGABYTE} {PACKET}",
        f"{TAG}{PACKET}{'A' * _MEGABYTE}",
        f"{STAMP} gw {'A' * _MEGABYTE} kernel: {PACKET}",
        TAG + DENIED.replace("/srv/f", "A" * _MEGABYTE),
        f"{STAMP} gw sshd[1]: {'A' * _MEGABYTE} kernel: {PACKET}",
    ),
    forged("a long prefix", f"{TAG}{'x' * 300} {PACKET}"),
    packet("carriage return at the end", f"{TAG}{PACKET}\r", PACKET_FIELDS),
    packet("repeated by the kernel", f"{TAG}message repeated 2 times: [ {UPTIME}{PACKET}]", PACKET_FIELDS),
    packet("byte order mark of RFC 5424", f"<4>1 2026-11-22T06:20:16Z gw kernel - - - \ufeff{PACKET}", PACKET_FIELDS, "kern"),
    forged("byte order mark in the middle", f"{STAMP} gw \ufeffkernel: {PACKET}", f"{STAMP} gw\ufeff kernel: {PACKET}"),
    forged(
        "invalid UTF-8",
        f"{STAMP} gw k".encode() + b"\xffernel: " + PACKET.encode(),
        TAG.encode() + PACKET.replace("SRC=", "SRC=\udcff").encode("utf-8", "surrogateescape"),
    ),
]

CASES = [*_PREFIXES, *_DUPLICATES, *_BRACKETS, *_INVALID, *_KERNEL_ECHOES, *_SIZES]
