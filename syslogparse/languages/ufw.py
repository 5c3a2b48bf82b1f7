"""Packet-filter rules as ufw commands (ufw(8), ufw-framework(8)).

ufw asks its rules in their order, and its defaults behind them. A deny goes in front of all (``prepend``). An allow goes
behind all that is there: ahead of the default that refused the packet, never ahead of a rule that forbids it on purpose.
A second run changes nothing: ufw skips a rule that it has.

What ufw cannot say becomes a comment, never a rule that says something else. ``render`` and ``check`` share nothing.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterator
from ipaddress import AddressValueError, IPv4Address, IPv6Address

from syslogparse.languages.reason import tamed
from syslogparse.rules.model import FirewallRule

# Those that all releases from 0.36 know (src/util.py, supported_protocols; vrrp came later).
_PROTOCOLS = frozenset({"tcp", "udp", "ah", "esp", "gre", "igmp", "ipv6"})
_ANYWHERE = {4: "0.0.0.0/0", 6: "::/0"}

# ufw's parser looks for its words at every place of a command, that of an interface's name too.
_WORDS = frozenset(
    "all allow any app comment delete deny from in insert limit log log-all on out port prepend proto reject route to".split()
)


def unsayable(rule: FirewallRule) -> str:
    """Why ufw has no rule that is neither wider nor narrower than ``rule``; empty where it has one."""
    if rule.physdev_in is not None or rule.physdev_out is not None:
        return "the ports of a bridge"
    if rule.proto in ("icmp", "icmpv6"):
        return "ICMP messages, which stand in /etc/ufw/before.rules and before6.rules"
    if rule.proto not in _PROTOCOLS or (rule.family == 6 and rule.proto in ("igmp", "ipv6")):
        number = f"protocol {rule.proto}" if rule.proto.isdigit() else rule.proto
        return f"{number} over IPv{rule.family}"
    if rule.ports and rule.ports[0][0] == 0:
        return "port 0"
    if any(name is not None and name.lower() in _WORDS for name in (rule.in_iface, rule.out_iface)):
        return "an interface with the name of one of its words"
    return ""


def argv(rule: FirewallRule, *, delete: bool = False, why: str = "") -> list[str]:
    """The words of the command for ``rule``, which has to be sayable. delete: of the one that takes it back."""
    words = ["ufw"]
    if rule.chain == "FORWARD":
        words.append("route")
    if delete:
        words.append("delete")
    elif rule.target == "DROP":
        words.append("prepend")
    words.append("deny" if rule.target == "DROP" else "allow")
    for way, face in (("in", rule.in_iface), ("out", rule.out_iface)):
        if face is not None:
            words += [way, "on", face]
    words += [*_ends(rule), "proto", rule.proto]
    comment = "" if delete else tamed(why)
    return [*words, "comment", comment] if comment else words


def _ends(rule: FirewallRule) -> list[str]:
    """From where to where. Without an address, ufw would take the rule for both families."""
    words: list[str] = []
    src = rule.sources[0] if rule.sources else None if rule.dst is not None else _ANYWHERE[rule.family]
    if src is not None:
        words += ["from", src]
    if rule.dst is not None or rule.ports:
        words += ["to", rule.dst or "any"]
    if rule.ports:
        words += ["port", str(rule.ports[0][0])]
    return words


def render(rule: FirewallRule, why: str = "") -> str:
    """The command for ``rule``, one line, fit for a shell; ``why`` becomes its comment."""
    if reason := unsayable(rule):
        return f"# ufw cannot say this: {reason}"
    return shlex.join(argv(rule, why=why))


def undo(rule: FirewallRule) -> str:
    """The command that takes back what ``render`` says."""
    return "# nothing to take back" if unsayable(rule) else shlex.join(argv(rule, delete=True))


HEAD = (
    "# Shell commands for root. A second run changes nothing. Each is taken back by the same words with delete for prepend, or",
    "# ahead of allow, and without the comment: ufw delete deny ... and ufw route delete allow ...",
    "#   syslogparse_trial 60 ahead of the rules, or TRIAL=60 sh FILE: what ufw had comes back in 60 seconds, unless you still",
    "#   get in and run the kill that it names.",
    "syslogparse_trial() {",
    "    kept=$(mktemp -d) || return",
    '    cp -p /etc/ufw/user.rules /etc/ufw/user6.rules "$kept" || return',
    "    (",
    "        trap '' HUP INT",
    '        sleep "${1:-60}"',
    '        cp -p "$kept/user.rules" "$kept/user6.rules" /etc/ufw && ufw reload && rm -r "$kept"',
    "    ) </dev/null >/dev/null 2>&1 &",
    '    echo "syslogparse: in ${1:-60} seconds all is as it was, unless you run: kill $!"',
    "}",
    '[ -z "${TRIAL-}" ] || syslogparse_trial "$TRIAL" || exit',
)
"""What stands before the rules."""


def check(line: str) -> bool:
    """Whether ``line`` is one line of the kinds that ``render`` and ``undo`` write, a comment, or one of ``HEAD``.

    Strict: known words only, each once and in order, each value of its type, single blanks, no quotes but a comment's.
    """
    if line == "#" or line.startswith("# "):
        return line.isprintable()
    if line in HEAD:
        return True
    bare, mark, comment = line.partition(" comment ")
    if mark and not _is_comment(comment):
        return False
    words = _Words(bare.split(" "))
    if not words.take("ufw"):
        return False
    route = words.take("route")
    delete = words.take("delete")
    prepend = not delete and words.take("prepend")
    deny = words.take("deny")
    if not (deny or words.take("allow")) or (deny and not (prepend or delete)) or (prepend and not deny) or (delete and mark):
        return False
    return _is_match(words, route=route)


class _Words:
    """The words of a line, from the front."""

    def __init__(self, words: list[str]) -> None:
        self._rest: Iterator[str] = iter(words)
        self._next = next(self._rest, None)

    def take(self, word: str) -> bool:
        """Take the next word if it is this one."""
        if self._next != word:
            return False
        self._next = next(self._rest, None)
        return True

    def value(self, test: Callable[[str], bool]) -> str | None:
        """Take the next word, whatever it is; None where there is none or it does not pass."""
        word, self._next = self._next, next(self._rest, None)
        return word if word is not None and test(word) else None

    @property
    def over(self) -> bool:
        return self._next is None


def _is_match(words: _Words, *, route: bool) -> bool:
    ways = [way for way in ("in", "out") if words.take(way) and words.take("on") and words.value(_is_interface)]
    if len(ways) != 1 + route:
        return False
    source = words.value(_is_source) if words.take("from") else "any"
    target = words.value(_is_target) if words.take("to") else "any"
    port = words.value(_is_port) if words.take("port") else ""
    if source is None or target is None or port is None or not words.take("proto"):
        return False
    proto = words.value(_KNOWN.__contains__)
    versions = {6 if ":" in address else 4 for address in (source, target) if address != "any"}
    if not words.over or proto is None or len(versions) != 1 or (proto in _FOUR_ONLY and versions != {4}):
        return False
    anywhere = "/" in source
    return (proto in ("tcp", "udp") or not port) and not (anywhere and target != "any")


_KNOWN = frozenset("tcp udp ah esp gre igmp ipv6".split())
_FOUR_ONLY = frozenset({"igmp", "ipv6"})
_NAME_BYTES = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.@+-")
_COMMENT_BYTES = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.,:/- ")
_RESERVED = frozenset(
    "in out on from to port proto app comment log log-all delete insert prepend allow deny reject limit route any all".split()
)


def _is_comment(text: str) -> bool:
    if len(text) > 2 and text[0] == text[-1] == "'":
        text = text[1:-1]
    elif " " in text:
        return False
    return 0 < len(text) < 128 and _COMMENT_BYTES.issuperset(text)


def _is_interface(word: str) -> bool:
    plain = 0 < len(word) < 16 and _NAME_BYTES.issuperset(word) and word[0] not in "-+.@" and word[-1] != "+"
    return plain and word.lower() not in _RESERVED


def _is_source(word: str) -> bool:
    return word in ("0.0.0.0/0", "::/0") or _is_address(word)


def _is_target(word: str) -> bool:
    return word == "any" or _is_address(word)


def _is_address(word: str) -> bool:
    try:
        address = IPv6Address(word) if ":" in word else IPv4Address(word)
    except AddressValueError:
        return False
    return "%" not in word and str(address) == word


def _is_port(word: str) -> bool:
    return word.isascii() and word.isdecimal() and word[0] != "0" and len(word) < 6 and int(word) <= 65535
