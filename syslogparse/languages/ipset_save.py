"""Reads what ``ipset save`` prints (ipset(8)): the sets that rules of iptables-save name.

Sets of addresses and networks are read; of all other types (with ports, of other sets), and of those that a netmask or an
exception changes, nothing is known, so a rule that names one may or may not match.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from syslogparse.languages.iptables_words import addresses
from syslogparse.languages.policy_words import Unknown, Unreadable
from syslogparse.rules.inforce_match import Span, spans

SetsOfAddresses = Mapping[str, tuple[Span, ...]]
"""The addresses in each set, by its name."""

_CREATE = re.compile(r"create (\S{1,31}) ([a-z:,]+)((?: \S+)*)[ \t]*")
_ADD = re.compile(r"add (\S{1,31}) (\S+)((?: .*)?)")
_PLAIN = frozenset({"hash:ip", "hash:net", "bitmap:ip"})
_CHANGES = frozenset({"netmask", "bitmask"})


def read(text: str) -> SetsOfAddresses:
    """The sets in ``text`` that are known in full. Raises Unreadable."""
    members: dict[str, list[Span]] = {}
    unknown: set[str] = set()
    for number, line in enumerate(text.split("\n"), start=1):
        if found := _CREATE.fullmatch(line.rstrip("\r")):
            name, kind, options = found.groups()
            members[name] = []
            if kind not in _PLAIN or _CHANGES & set(options.split(" ")):
                unknown.add(name)
        elif found := _ADD.fullmatch(line.rstrip("\r")):
            name, element, options = found.groups()
            if name not in members:
                raise Unreadable(f"line {number}: an element of a set that was not created")
            try:
                members[name] += () if name in unknown else addresses(element)[0]
            except Unknown:
                unknown.add(name)
            if " nomatch" in options:
                unknown.add(name)
        elif line.strip():
            raise Unreadable(f"line {number}: this is not what ipset save prints")
    return {name: spans(found) for name, found in members.items() if name not in unknown}
