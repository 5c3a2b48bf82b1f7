r"""AppArmor rules as the lines of a profile (apparmor.d(5)).

A path is written so that the rule matches that very path and nothing else. apparmor_parser turns ``\ooo`` (three octal
digits) into the byte itself and never reads it as a glob, a variable or the end of the rule; so every byte that is not plain
is written so, and a path with blanks stands in double quotes.
"""

from __future__ import annotations

import re

from syslogparse.rules.model import AppArmorRule, CapabilityRule, FileRule

_PLAIN = frozenset(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/._-+:%~=")
_BLANK = 0x20
_WRITTEN = "mrwalk"
"""The order in which AppArmor's own tools write permissions."""


def render(rule: AppArmorRule) -> str:
    """One line for the inside of a profile, without indentation."""
    if isinstance(rule, CapabilityRule):
        return f"capability {rule.name},"
    if isinstance(rule, FileRule):
        perms = "".join(letter for letter in _WRITTEN if letter in rule.perms) + rule.execute
        return f"{'owner ' if rule.owner else ''}{quoted(rule.path)} {perms},"
    return f"network {rule.family} {rule.sock_type},"


def undo(rule: AppArmorRule) -> str:
    """What to do to take the rule back: a profile has no command for it, its line is removed."""
    return f"# remove: {render(rule)}"


def quoted(path: bytes) -> str:
    """``path`` as a file glob that matches exactly ``path``; printable ASCII on one line."""
    text = "".join(_written(byte) for byte in path)
    return f'"{text}"' if " " in text else text


def _written(byte: int) -> str:
    return chr(byte) if byte in _PLAIN or byte == _BLANK else f"\\{byte:03o}"


_BYTE = r"[A-Za-z0-9/._+:%~=-]|\\(?:0[1-7][0-7]|00[1-7]|[123][0-7]{2})"
_PATH = rf'/(?:{_BYTE})*|"/(?:{_BYTE}| )*"'
_PERMS = r"m?r?(?:w|a)?l?k?(?:ix|Px|Cx)?"
_FILE = re.compile(rf"(?:owner )?(?:{_PATH}) (?=[a-zP C])({_PERMS}),")
_CAPABILITY = re.compile(
    r"capability (?:audit_(?:control|read|write)|block_suspend|bpf|checkpoint_restore|chown|dac_(?:override|read_search)|fowner|"
    r"fsetid|ipc_(?:lock|owner)|kill|lease|linux_immutable|mac_(?:admin|override)|mknod|"
    r"net_(?:admin|bind_service|broadcast|raw)|perfmon|set(?:fcap|gid|pcap|uid)|"
    r"sys_(?:admin|boot|chroot|module|nice|pacct|ptrace|rawio|resource|time|tty_config)|syslog|wake_alarm),"
)
_NETWORK = re.compile(r"network [a-z][a-z0-9]{1,10} (?:stream|dgram|seqpacket|rdm|raw|packet),")


def check(line: str) -> bool:
    """Whether ``line`` is one rule of the kind that ``render`` writes, or a comment.

    A comment is ``#`` and a blank: ``#include`` is no comment to apparmor_parser.
    """
    if line == "#" or line.startswith("# "):
        return line.isprintable()
    if _CAPABILITY.fullmatch(line) or _NETWORK.fullmatch(line):
        return True
    file_rule = _FILE.fullmatch(line)
    return file_rule is not None and file_rule[1] != ""
