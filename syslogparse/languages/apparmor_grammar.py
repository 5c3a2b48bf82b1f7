"""Whether a line is one rule of an AppArmor profile, of the kinds that are suggested (apparmor.d(5)).

Shares nothing with what writes the lines. Strict: one spacing, one order, no keyword that takes something back (deny), none
that lets a program out of its profile (ux), no glob but those of a closed table, never ``**``.
"""

from __future__ import annotations

import re

# Beyond ASCII: letters from left to right, of scripts in which names are written. What is no letter among them is told below.
_LETTER = "\u00c0-\u02af\u0370-\u0587\u1e00-\u1fff\u3041-\u30fa\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7a3"
_OCTAL = r"\\(?:0[1-7][0-7]|00[1-7]|[123][0-7]{2})"
_ESCAPED = r'\\[?*\[\]{}"!]'
_IN_PATH = (
    rf"[A-Za-z0-9/._+:%~=(){_LETTER}-]|@(?!\{{)|,(?=[A-Za-z0-9/._+:%~=@()-])|\\\\(?=[A-Za-z0-9/._+:%~=@()-])|{_ESCAPED}|{_OCTAL}"
)
_GLOB = r"@\{(?:HOME|PROC|run|pid|tid|uid)\}|\[0-9\]\*|\?"
_STARTS = r"(?:/|@\{(?:HOME|PROC|run)\})"
_PATH = rf'(?:/(?:{_IN_PATH})*|"/(?:{_IN_PATH}| )*")'
_FILES = r"(?:(?<=[^/]/)\*)?"
_PATTERN = rf'(?:{_STARTS}(?:{_IN_PATH}|{_GLOB})*{_FILES}|"{_STARTS}(?:{_IN_PATH}|{_GLOB}| )*{_FILES}")'
_IN_VALUE = rf"[A-Za-z0-9/._+:%~&{_LETTER}-]|@(?!\{{)|{_ESCAPED}|{_OCTAL}"
_VALUE = rf'(?:(?:{_IN_VALUE})+|"(?:{_IN_VALUE}| )+")'
_NAME = rf'(?:(?:{_IN_VALUE}|@\{{uid\}}|\[0-9\]\*|\?)+|"(?:{_IN_VALUE}|@\{{uid\}}|\[0-9\]\*|\?| )+")'
_PERMS = r"m?r?(?:w|a)?l?k?(?:ix|[PC]x)?"
_FILE = re.compile(rf"(?:owner )?{_PATTERN} (?=[a-zPC])({_PERMS})(?: -> {_VALUE})?,")
_LINK = re.compile(rf"(?:owner )?link subset {_PATH} -> {_PATH},")
_CAPABILITY = re.compile(
    r"capability (?:audit_(?:control|read|write)|block_suspend|bpf|checkpoint_restore|chown|dac_(?:override|read_search)|fowner|"
    r"fsetid|ipc_(?:lock|owner)|kill|lease|linux_immutable|mac_(?:admin|override)|mknod|"
    r"net_(?:admin|bind_service|broadcast|raw)|perfmon|set(?:fcap|gid|pcap|uid)|"
    r"sys_(?:admin|boot|chroot|module|nice|pacct|ptrace|rawio|resource|time|tty_config)|syslog|wake_alarm),"
)
_SOCKET_WORD = "(?:accept|bind|connect|create|getattr|getopt|listen|receive|send|setattr|setopt|shutdown)"
_SOCKET_ACCESS = rf"\({_SOCKET_WORD}(?:, {_SOCKET_WORD})*\)"
_SOCKET_TYPE = "(?:stream|dgram|seqpacket|rdm|raw|packet)"
_IP = "ip=[0-9a-f.:]{2,45}"
_PORT = "port=[1-9][0-9]{0,4}"
_ENDS = rf"(?: {_IP})?(?: {_PORT})?(?: peer=\((?:{_IP}|{_PORT}|{_IP} {_PORT})\))?"
_NETWORK = re.compile(rf"network(?: {_SOCKET_ACCESS})? [a-z][a-z0-9]{{1,10}} {_SOCKET_TYPE}({_ENDS}),")
_UNIX = re.compile(rf"unix {_SOCKET_ACCESS} type={_SOCKET_TYPE}(?: addr={_NAME})?(?: peer=\(addr={_NAME}\))?,")


def _words(word: str) -> str:
    return rf"(?:{word}|\({word}(?: {word})+\))"


_DBUS_PEER = rf"(?: peer=\(label={_VALUE}\))?"
_DBUS = re.compile(
    rf"dbus {_words('(?:send|receive)')}(?: bus={_VALUE})?(?: path={_NAME})?(?: interface={_VALUE})?"
    rf"(?: member={_VALUE})?{_DBUS_PEER},"
    rf"|dbus bind(?: bus={_VALUE})? name={_VALUE},"
    rf"|dbus eavesdrop(?: bus={_VALUE})?,"
)
_SIGNAL_NAME = (
    "(?:hup|int|quit|ill|trap|abrt|bus|fpe|kill|usr1|segv|usr2|pipe|alrm|term|stkflt|chld|cont|stop|stp|ttin|ttou|urg|xcpu|"
    r"xfsz|vtalrm|prof|winch|io|pwr|sys|emt|exists|rtmin\+(?:[12]?[0-9]|3[0-2]))"
)
_SIGNAL = re.compile(rf"signal {_words('(?:receive|send)')} set={_words(_SIGNAL_NAME)} peer={_VALUE},")
_PTRACE = re.compile(rf"ptrace {_words('(?:read|readby|trace|tracedby)')} peer={_VALUE},")
_OPTION = "(?:[BMR]|[a-z]{1,13}(?:-[a-z]{1,10})?)"
_CONDITIONS = rf"(?: fstype=\({_VALUE}\))?(?: options=\({_OPTION}(?:, {_OPTION})*\))?"
_MOUNT = re.compile(rf"mount{_CONDITIONS}(?: {_VALUE})? -> {_VALUE},|umount{_CONDITIONS} {_VALUE},")
_PIVOT_ROOT = re.compile(rf"pivot_root(?: oldroot={_VALUE})? {_VALUE},")
_QUEUE_ACCESS = _words("(?:create|delete|getattr|open|read|setattr|write)")
_QUEUE = re.compile(rf"mqueue {_QUEUE_ACCESS} (?:type=posix (?=\"?/){_VALUE}|type=sysv [0-9]{{1,20}}),")
_IO_URING = re.compile(rf"io_uring {_words('(?:override_creds|sqpoll)')}(?: label={_VALUE})?,")
_CHANGE_PROFILE = re.compile(rf"change_profile -> {_VALUE},")
_RULES = {
    "capability": _CAPABILITY,
    "network": _NETWORK,
    "unix": _UNIX,
    "dbus": _DBUS,
    "signal": _SIGNAL,
    "ptrace": _PTRACE,
    "mount": _MOUNT,
    "umount": _MOUNT,
    "pivot_root": _PIVOT_ROOT,
    "mqueue": _QUEUE,
    "io_uring": _IO_URING,
    "change_profile": _CHANGE_PROFILE,
    "link": _LINK,
}


def check(line: str) -> bool:
    """Whether ``line`` is one rule of the kinds that are suggested, or a comment.

    A comment is ``#`` and a blank: ``#include`` is no comment to apparmor_parser.
    """
    if line == "#" or line.startswith("# "):
        return line.isprintable()
    if not line.isascii() and not all(letter.isascii() or letter.isalpha() for letter in line):
        return False
    if line == "userns create,":
        return True
    rule = _RULES.get(line.removeprefix("owner link").partition(" ")[0] or "link")
    if rule is not None:
        return rule.fullmatch(line) is not None and (rule is not _NETWORK or _fits(line))
    file_rule = _FILE.fullmatch(line)
    return file_rule is not None and file_rule[1] != "" and ("x" in file_rule[1] or " -> " not in line[file_rule.end(1) :])


def _fits(line: str) -> bool:
    """Addresses and ports are for the internet's families alone."""
    return ("ip=" not in line and "port=" not in line) or " inet " in line or " inet6 " in line
