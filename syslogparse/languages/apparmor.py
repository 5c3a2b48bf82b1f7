r"""AppArmor rules as the lines of a profile (apparmor.d(5)).

A name is written so that the rule matches that very name and nothing else. apparmor_parser turns ``\ooo`` (three octal
digits) into the byte itself, and takes a character behind a backslash for no glob, no variable and no end of the rule; so
every byte that is not plain is written in one of these ways, and a name with blanks stands in double quotes. Letters of some
scripts beyond ASCII stand for themselves in UTF-8. The order and
the spacing of what a rule holds are those of AppArmor's own tools.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Sequence
from typing import TypeAlias, cast

from syslogparse.languages import apparmor_grammar
from syslogparse.rules.apparmor_model import (
    AppArmorRule,
    CapabilityRule,
    ChangeProfileRule,
    DbusRule,
    FileRule,
    Glob,
    IncludeRule,
    IoUringRule,
    LinkRule,
    MessageQueueRule,
    MountRule,
    NetworkRule,
    Part,
    PivotRootRule,
    PtraceRule,
    SignalRule,
    UnixRule,
    UserNamespaceRule,
)

check = apparmor_grammar.check

_LETTERS = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
_PLAIN_IN_PATHS = frozenset(_LETTERS + b"/._-+:%~=@()")
_PLAIN_IN_VALUES = frozenset(_LETTERS + b"/._-+:%~@&")
_ESCAPED = frozenset(b'?*[]{}"!')
# Latin, Greek, Cyrillic, Armenian; kana, ideographs, Hangul.
_OF_NAMES = re.compile(
    "[\u00c0-\u01bf\u01c4-\u02af\u0370-\u0556\u0561-\u0587\u1e00-\u1fff\u3041-\u30fa\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7a3]"
)
_LIKE_SIGNS = frozenset("\u30ce\u4e00\u4e28\u4e36\u4e3f\u4e85")
_CATEGORIES = frozenset({"Lu", "Ll", "Lo"})
_BLANK, _COMMA, _BACKSLASH = b" ,\\"
_WRITTEN = "mrwalk"
"""The order in which AppArmor's own tools write permissions."""


def render(rule: AppArmorRule) -> str:
    """One line for the inside of a profile, without indentation."""
    if isinstance(rule, IncludeRule):
        return f"include <{rule.name}>"
    return f"{_WRITERS[type(rule)](rule)},"


def undo(rule: AppArmorRule) -> str:
    """What to do to take the rule back: a profile has no command for it, its line is removed."""
    return f"# remove: {render(rule)}"


def quoted(path: bytes) -> str:
    """``path`` as a file glob that matches exactly ``path``; printable text on one line."""
    return _in_quotes(_literal(path, _PLAIN_IN_PATHS))


def value(text: bytes) -> str:
    """``text`` as the value of a condition (``peer=``) or as a profile's name that means exactly ``text``."""
    return _in_quotes(_literal(text, _PLAIN_IN_VALUES))


def _pattern(parts: Sequence[Part], plain: frozenset[int]) -> str:
    return _in_quotes("".join(one.text if isinstance(one, Glob) else _literal(one, plain) for one in parts))


def _in_quotes(text: str) -> str:
    return f'"{text}"' if " " in text or not text else text


def _literal(name: bytes, plain: frozenset[int]) -> str:
    last = len(name) - 1
    out = []
    letters = {} if name.isascii() else _letters(name)
    for place, byte in enumerate(name):
        # A comma ends a rule unless a plain character follows, and a backslash at the end escapes what is behind the name.
        inner = place < last and name[place + 1] in plain and plain is _PLAIN_IN_PATHS
        if byte in plain or byte == _BLANK or (byte == _COMMA and inner):
            out.append(chr(byte))
        elif byte in _ESCAPED or (byte == _BACKSLASH and inner):
            out.append(f"\\{chr(byte)}")
        else:
            out.append(letters.get(place, f"\\{byte:03o}"))
    return "".join(out)


def _letters(name: bytes) -> dict[int, str]:
    """Letters beyond ASCII that are written as they are, by the place of their first byte; nothing for their other bytes.

    AppArmor's own tools write all text so. Here it is only what a reader surely sees for what it is: letters of a few scripts
    that run from left to right, with one spelling each, that look like no sign. All else stays in octal digits.
    """
    found: dict[int, str] = {}
    place = 0
    for letter in name.decode("utf-8", "surrogateescape"):
        length = 1 if "\udc80" <= letter <= "\udcff" else len(letter.encode())
        if length > 1 and _is_plain_letter(letter):
            found[place] = letter
            found |= dict.fromkeys(range(place + 1, place + length), "")
        place += length
    return found


def _is_plain_letter(letter: str) -> bool:
    if not _OF_NAMES.fullmatch(letter) or letter in _LIKE_SIGNS:
        return False
    return unicodedata.category(letter) in _CATEGORIES and unicodedata.normalize("NFKC", letter) == letter


def _file(rule: FileRule) -> str:
    perms = "".join(letter for letter in _WRITTEN if letter in rule.perms) + rule.execute
    path = _pattern(rule.pattern, _PLAIN_IN_PATHS) if rule.pattern else quoted(rule.path)
    target = f" -> {value(rule.target)}" if rule.target else ""
    return f"{_owner(rule.owner)}{path} {perms}{target}"


def _owner(owner: bool) -> str:
    return "owner " if owner else ""


def _link(rule: LinkRule) -> str:
    return f"{_owner(rule.owner)}link subset {quoted(rule.path)} -> {quoted(rule.target)}"


def _capability(rule: CapabilityRule) -> str:
    return f"capability {rule.name}"


def _access(words: Sequence[str], comma: str = " ") -> str:
    """One word as it is, several in parentheses."""
    return words[0] if len(words) == 1 else f"({comma.join(words)})"


def _conditions(*pairs: tuple[str, str]) -> str:
    return "".join(f" {name}={text}" for name, text in pairs if text)


def _value(text: bytes, pattern: Sequence[Part] = ()) -> str:
    if pattern:
        return _pattern(pattern, _PLAIN_IN_VALUES)
    return value(text) if text else ""


def _peer(*pairs: tuple[str, str]) -> str:
    inside = _conditions(*pairs)
    return f" peer=({inside[1:]})" if inside else ""


def _network(rule: NetworkRule) -> str:
    access = f" ({', '.join(rule.access)})" if rule.access else ""
    here = _conditions(("ip", rule.ip), ("port", rule.port))
    return f"network{access} {rule.family} {rule.sock_type}{here}{_peer(('ip', rule.peer_ip), ('port', rule.peer_port))}"


def _unix(rule: UnixRule) -> str:
    here = _conditions(("type", rule.sock_type), ("addr", _value(rule.addr, rule.addr_pattern)))
    return f"unix ({', '.join(rule.access)}){here}{_peer(('addr', _value(rule.peer_addr, rule.peer_pattern)))}"


def _dbus(rule: DbusRule) -> str:
    said = _conditions(
        ("bus", _value(rule.bus)),
        ("path", _value(rule.path, rule.path_pattern)),
        ("name", _value(rule.name)),
        ("interface", _value(rule.interface)),
        ("member", _value(rule.member)),
    )
    return f"dbus {_access(rule.access)}{said}{_peer(('label', _value(rule.label)))}"


def _signal(rule: SignalRule) -> str:
    return f"signal {_access(rule.access)} set={_access(rule.signals)} peer={value(rule.peer)}"


def _ptrace(rule: PtraceRule) -> str:
    return f"ptrace {_access(rule.access)} peer={value(rule.peer)}"


def _mount(rule: MountRule) -> str:
    kind = f" fstype=({value(rule.fstype)})" if rule.fstype else ""
    options = f" options=({', '.join(rule.options)})" if rule.options else ""
    if rule.umount:
        return f"umount{kind}{options} {value(rule.target)}"
    source = f" {value(rule.source)}" if rule.source else ""
    return f"mount{kind}{options}{source} -> {value(rule.target)}"


def _pivot_root(rule: PivotRootRule) -> str:
    old = f" oldroot={value(rule.old)}" if rule.old else ""
    return f"pivot_root{old} {value(rule.new)}"


def _message_queue(rule: MessageQueueRule) -> str:
    return f"mqueue {_access(rule.access)} type={rule.kind} {value(rule.name)}"


def _io_uring(rule: IoUringRule) -> str:
    return f"io_uring {_access(rule.access)}{_conditions(('label', _value(rule.label)))}"


def _user_namespace(rule: UserNamespaceRule) -> str:
    del rule
    return "userns create"


def _change_profile(rule: ChangeProfileRule) -> str:
    return f"change_profile -> {value(rule.target)}"


_Writer: TypeAlias = Callable[[AppArmorRule], str]
_WRITERS = cast(
    "dict[type, _Writer]",
    {
        FileRule: _file,
        LinkRule: _link,
        CapabilityRule: _capability,
        NetworkRule: _network,
        UnixRule: _unix,
        DbusRule: _dbus,
        SignalRule: _signal,
        PtraceRule: _ptrace,
        MountRule: _mount,
        PivotRootRule: _pivot_root,
        MessageQueueRule: _message_queue,
        IoUringRule: _io_uring,
        UserNamespaceRule: _user_namespace,
        ChangeProfileRule: _change_profile,
    },
)
