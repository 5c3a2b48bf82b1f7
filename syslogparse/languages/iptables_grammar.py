"""The strict grammar of the iptables, ip6tables and ipset commands that are suggested (iptables(8), ipset(8)).

It shares nothing with what renders them: options by its own list, in the one order that there is, each value of its type.
"""

from __future__ import annotations

import re

from syslogparse.languages.firewall_words import are_flags, are_ports, is_interface, is_number, is_port_or_range, version_of
from syslogparse.languages.iptables import HEAD

_HEAD = frozenset(HEAD)
_SET = "syslogparse-[0-9a-f]{16}"
_CREATE = re.compile(rf"ipset -exist create {_SET} hash:net family inet6? timeout 604800")
_ADD = re.compile(rf"ipset -exist add {_SET} ([^ ]+)")
_DESTROY = re.compile(rf"ipset destroy {_SET}")
_TEXT = "[A-Za-z0-9 .,:/_-]{1,255}"
_RULE = re.compile(
    r"(?P<once>once )?(?P<tool>iptables|ip6tables) -(?P<way>[ID]) (?P<chain>INPUT|OUTPUT|FORWARD)"
    r"(?: -i (?P<in>[^ ]+))?(?: -o (?P<out>[^ ]+))?(?: -s (?P<src>[^ ]+))?(?: -d (?P<dst>[^ ]+))?"
    r"(?P<bridge> -m physdev(?: --physdev-in (?P<physin>[^ ]+))?(?: --physdev-out (?P<physout>[^ ]+))?)?"
    rf"(?P<set> -m set --match-set {_SET} src)?"
    r" -p (?P<proto>[0-9a-z-]+)"
    r"(?: --tcp-flags (?P<mask>[A-Z,]+) (?P<flags>[A-Z,]+))?"
    r"(?: --dport (?P<port>[0-9:]+)| -m multiport --dports (?P<ports>[0-9:,]+)"
    r"| --icmp-type (?P<icmp4>[0-9/]+)| --icmpv6-type (?P<icmp6>[0-9/]+))?"
    rf"(?P<comment> -m comment --comment (?:'{_TEXT}'|{_TEXT.replace(' ', '')}))? -j (?:ACCEPT|DROP)"
)
_PROTOCOLS = frozenset(
    "icmp igmp 4 tcp egp igp udp rdp dccp xtp 41 rsvp gre esp ah skip ipv6-icmp eigrp ospf etherip encap pim ipcomp vrrp l2tp "
    "isis sctp udplite mpls-in-ip manet hip shim6 wesp rohc".split()
)
_ECN = {"ECE", "CWR"}


def check(line: str) -> bool:
    """Whether ``line`` is one command of those that are suggested, pasted or taken back with, a comment, or one of ``HEAD``.

    Strict: known options only, each once and in order, each value of its type, single blanks, no quotes but a comment's.
    """
    if line == "#" or line.startswith("# "):
        return line.isprintable()
    if line.startswith("ipset "):
        member = _ADD.fullmatch(line)
        return version_of(member[1]) is not None if member else bool(_CREATE.fullmatch(line) or _DESTROY.fullmatch(line))
    if line in _HEAD:
        return True
    found = _RULE.fullmatch(line)
    return found is not None and _fits(found) and _is_protocol(found)


def _fits(found: re.Match[str]) -> bool:
    """Whether it names the interfaces that its chain has, addresses of its family, and each match that is there is whole."""
    chain, family = found["chain"], 4 if found["tool"] == "iptables" else 6
    if (found["in"] is None) != (chain == "OUTPUT") or (found["out"] is None) != (chain == "INPUT"):
        return False
    if found["bridge"] == " -m physdev" or (found["physout"] and chain != "FORWARD"):
        return False
    if (found["once"] or found["comment"]) and not (found["once"] and found["way"] == "I"):
        return False
    names = (found[key] for key in ("in", "out", "physin", "physout"))
    addresses = (found[key] for key in ("src", "dst"))
    return (
        not (found["src"] and found["set"])
        and all(name is None or is_interface(name) for name in names)
        and all(address is None or version_of(address) == family for address in addresses)
    )


def _is_protocol(found: re.Match[str]) -> bool:
    """Whether the protocol is known, and what is said of its ports, flags and types is its own."""
    proto, family = found["proto"], 4 if found["tool"] == "iptables" else 6
    if proto not in _PROTOCOLS and not is_number(proto, 1, 255):
        return False
    if found["icmp4"]:
        return (family, proto) == (4, "icmp") and _is_icmp(found["icmp4"], 254)
    if found["icmp6"]:
        return (family, proto) == (6, "ipv6-icmp") and _is_icmp(found["icmp6"], 255)
    if found["mask"] and (proto != "tcp" or not _are_flags(found["mask"], found["flags"])):
        return False
    if found["port"]:
        return proto in ("tcp", "udp") and is_port_or_range(found["port"], ":")
    return not found["ports"] or (proto in ("tcp", "udp") and are_ports(found["ports"].split(","), ":"))


def _are_flags(mask: str, wanted: str) -> bool:
    names = mask.split(",")
    return _ECN.isdisjoint(names) and are_flags(names, [] if wanted == "NONE" else wanted.split(","))


def _is_icmp(value: str, most: int) -> bool:
    kind, slash, code = value.partition("/")
    return is_number(kind, 0, most) and (not slash or is_number(code, 0, 255))
