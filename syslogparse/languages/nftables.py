"""Packet-filter rules for nft(8): as one command, and as the lines of a file for ``nft -f``.

A packet has to pass every base chain of its hook, so a chain of one's own can drop but never let in: what another chain drops
is dropped. Rules that drop therefore stand in a table of ours ahead of all chains of priority ``filter``; rules that accept
stand in a chain of ours that the refusing chain itself jumps to. Its name is not in any log: it is taken to be ``input``,
``forward`` or ``output`` of ``table inet filter``, as in Debian's /etc/nftables.conf.

Our table is named after what is in it. So loading a file again replaces what it put there, and loading another one leaves
it in force: a rule that works is no longer logged, and the next file does not have it.

``render`` and ``check`` share nothing: what one writes, the other has to understand by its own table.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Sequence
from hashlib import blake2s
from ipaddress import AddressValueError, IPv4Address, IPv6Address

from syslogparse.languages.reason import tamed
from syslogparse.rules.model import FirewallRule

# Words of nft's own grammar. All else is written as a number: nft would look names up in /etc/protocols, whose ipip is not ours.
_PROTOCOL_WORDS = {name: name for name in ("tcp", "udp", "udplite", "icmp", "icmpv6", "esp", "ah", "gre", "dccp", "sctp", "igmp")}
_NUMBERS = {
    "ipip": 4, "egp": 8, "igp": 9, "rdp": 27, "xtp": 36, "ipv6": 41, "rsvp": 46, "skip": 57, "eigrp": 88, "ospf": 89,
    "etherip": 97, "encap": 98, "pim": 103, "ipcomp": 108, "vrrp": 112, "l2tp": 115, "isis": 124, "mpls-in-ip": 137,
    "manet": 138, "hip": 139, "shim6": 140, "wesp": 141, "rohc": 142,
}  # fmt: skip
_VERDICTS = {"ACCEPT": "accept", "DROP": "drop"}
_BRIDGED = ("input", "forward")


def unsayable(rule: FirewallRule) -> str:
    """Why nft has no rule that is neither wider nor narrower than ``rule``; empty where it has one.

    The ports of a bridge are known to table bridge alone, which sees frames before they are routed, and cannot let in what
    a chain of table inet refuses.
    """
    if rule.physdev_in is None and rule.physdev_out is None:
        return ""
    if rule.target == "ACCEPT":
        return "to accept by bridge port what a chain of table inet refuses"
    if rule.chain == "FORWARD":
        bridged = rule.in_iface == rule.out_iface and rule.physdev_in is not None and rule.physdev_out is not None
        return "" if bridged else "a bridge port together with the interface that a packet is routed to"
    return "" if rule.dst is not None else "a bridge port together with packets for this machine only"


def statement(rule: FirewallRule, why: str = "") -> str:
    """The rule as it stands in a chain: matches, verdict, and ``why`` as its comment. Only for what is sayable."""
    words = [*_faces(rule), *_addresses(rule), *_protocol(rule), _VERDICTS[rule.target]]
    comment = tamed(why)
    return " ".join([*words, f'comment "{comment}"'] if comment else words)


def _faces(rule: FirewallRule) -> list[str]:
    bridged = _family(rule) == "bridge"
    found = (rule.physdev_in, rule.physdev_out) if bridged else (rule.in_iface, rule.out_iface)
    # In quotes, because a bare word may be a keyword (fwd), and a digit in front makes it no word at all.
    return [f'{key} "{name}"' for key, name in zip(("iifname", "oifname"), found, strict=True) if name is not None]


def _family(rule: FirewallRule) -> str:
    return "inet" if rule.physdev_in is None and rule.physdev_out is None else "bridge"


def _addresses(rule: FirewallRule) -> list[str]:
    word = "ip" if rule.family == 4 else "ip6"
    found = [
        f"{word} {key} {value}"
        for key, value in (("saddr", next(iter(rule.sources), None)), ("daddr", rule.dst))
        if value is not None
    ]
    if found:
        return found
    return [f"meta protocol {word}"] if _family(rule) == "bridge" else [f"meta nfproto ipv{rule.family}"]


def _protocol(rule: FirewallRule) -> list[str]:
    if rule.ports:
        return [f"{rule.proto} dport {rule.ports[0][0]}"]
    if rule.icmp_type is not None:
        code = [] if rule.icmp_code is None else [f"{rule.proto} code {rule.icmp_code}"]
        return [f"{rule.proto} type {rule.icmp_type}", *code]
    return [f"meta l4proto {_PROTOCOL_WORDS.get(rule.proto, _NUMBERS.get(rule.proto, rule.proto))}"]


def render(rule: FirewallRule) -> str:
    """The command that puts ``rule`` in front of the chain ``input`` (``forward``, ``output``) of table filter; for a shell."""
    if reason := unsayable(rule):
        return f"# nftables cannot say this: {reason}"
    return f"nft {shlex.quote(f'insert rule {_family(rule)} filter {rule.chain.lower()} {statement(rule)}')}"


def undo(rule: FirewallRule) -> str:
    """How to take back what ``render`` says: nft deletes a rule by a number that only it knows."""
    if unsayable(rule):
        return "# nothing to take back"
    chain = f"{_family(rule)} filter {rule.chain.lower()}"
    return f"# the handle N of it is shown by: nft -a list chain {chain}, then: nft delete rule {chain} handle N"


def name(rules: Iterable[FirewallRule]) -> str:
    """The name of our table, and of our chains in table filter, for a file with these rules, in whatever order they are."""
    digest = blake2s(digest_size=4)
    for line in sorted(statement(rule) for rule in rules if not unsayable(rule)):
        digest.update(line.encode("utf-8", "surrogateescape") + b"\n")
    return f"syslogparse_{digest.hexdigest()}"


def line(rule: FirewallRule, ours: str, why: str = "") -> str:
    """The rule as a line of the file. ours: what ``name`` gave."""
    if unsayable(rule):
        return render(rule)
    chain = rule.chain.lower()
    table, chain = (ours, chain) if rule.target == "DROP" else ("filter", f"{ours}_{chain}")
    return f"add rule {_family(rule)} {table} {chain} {statement(rule, why)}"


def head(rules: Sequence[FirewallRule], opened: Sequence[FirewallRule]) -> list[str]:
    """What stands before the rules. opened: those of them that stand open; a chain without one is left a comment."""
    ours = name(rules)
    said = [rule for rule in rules if not unsayable(rule)]
    drops = sorted({(_family(rule), rule.chain.lower()) for rule in said if rule.target == "DROP"}, reverse=True)
    accepts = sorted({rule.chain.lower() for rule in said if rule.target == "ACCEPT"})
    live = {rule.chain.lower() for rule in opened if rule.target == "ACCEPT"}
    lines = [*_WORDS]
    for family in sorted({family for family, _ in drops}, reverse=True):
        lines += [f"add table {family} {ours}", f"delete table {family} {ours}", f"add table {family} {ours}"]
        hooks = [chain for its, chain in drops if its == family]
        lines += [f"add chain {family} {ours} {chain} {{ {_hook(chain)} }}" for chain in hooks]
    if accepts:
        lines += _JUMPS
    for chain in accepts:
        mark, inside = "" if chain in live else "# ", f"inet filter {ours}_{chain}"
        lines += [f"{mark}add chain {inside}", f"{mark}flush chain {inside}"]
        lines.append(f"{mark}insert rule inet filter {chain} jump {ours}_{chain}")
    return [*lines, *_taking_back(ours, [family for family in ("inet", "bridge") if family in {its for its, _ in drops}])]


def _hook(chain: str) -> str:
    return f"type filter hook {chain} priority filter - 10; policy accept;"


def _taking_back(ours: str, families: Sequence[str]) -> list[str]:
    said = [f"# To take back what drops: nft delete table {family} {ours}" for family in families]
    if families:
        said += [
            "# To try what drops, run this ahead of nft -f FILE:",
            f"#   systemd-run --on-active=60 --unit={ours} nft delete table {families[0]} {ours}",
            "# It is taken back in 60 seconds, unless you still get in and run:",
            f"#   systemctl stop {ours}.timer",
        ]
    return said


_WORDS = (
    "# A file for nft: save it, look at it with nft -c -f FILE, load it with nft -f FILE; /etc/nftables.conf may include it.",
    "# What drops has a table of its own ahead of all others. Its name says what is in it: the same file replaces it.",
)
_JUMPS = (
    "# What accepts has to stand in the chain that refuses: here those of table inet filter. Write yours if their names differ.",
    "# Loaded twice without a flush ruleset in between, the chain jumps twice, which changes nothing more. To take back a jump:",
    "#   nft -a list chain inet filter input shows its handle N, for: nft delete rule inet filter input handle N",
)


def check(text: str) -> bool:
    """Whether ``text`` is one line of the kinds that ``render``, ``undo``, ``head`` and ``line`` write.

    Strict: known words only, each once and in order, each value of its type, single blanks.
    """
    if text == "#" or text.startswith("# "):
        return text.isprintable()
    if text.startswith("nft '"):
        command = text[len("nft '") : -1]
        found = _INSERT.fullmatch(command) if text.endswith("'") and "'" not in command else None
        return found is not None and _is_statement(found["family"], found["chain"], found["rest"], commented=False)
    if _FRAME.fullmatch(text):
        return True
    found = _ADD.fullmatch(text)
    if found is None or not _is_statement(found["family"], found["chain"], found["rest"], commented=True):
        return False
    bare = found["rest"].split(' comment "')[0]
    return found["family"] == "inet" and bare.endswith(" accept") if found["prefix"] else bare.endswith(" drop")


_OURS = "syslogparse_[0-9a-f]{8}"
_INSERT = re.compile(r"insert rule (?P<family>inet|bridge) filter (?P<chain>input|forward|output) (?P<rest>.+)")
_ADD = re.compile(
    rf"add rule (?P<family>inet|bridge) (?:{_OURS} |filter (?P<prefix>{_OURS}_))(?P<chain>input|forward|output) (?P<rest>.+)"
)
_FRAME = re.compile(
    rf"(?:add|delete) table (?:inet|bridge) {_OURS}|"
    rf"add chain inet {_OURS} (input|forward|output) {{ type filter hook \1 priority filter - 10; policy accept; }}|"
    rf"add chain bridge {_OURS} (input|forward) {{ type filter hook \2 priority filter - 10; policy accept; }}|"
    rf"(?:add|flush) chain inet filter {_OURS}_(?:input|forward|output)|"
    rf"insert rule inet filter (input|forward|output) jump {_OURS}_\3"
)
_STATEMENT = re.compile(
    r'(?:iifname "(?P<in>[^" ]+)" )?(?:oifname "(?P<out>[^" ]+)" )?'
    r"(?:meta (?P<net>nfproto ipv4|nfproto ipv6|protocol ip|protocol ip6) )?"
    r"(?:(?P<src>ip6? saddr [^ ]+) )?(?:(?P<dst>ip6? daddr [^ ]+) )?"
    r"(?:(?:tcp|udp) dport (?P<port>[0-9]{1,5})"
    r"|(?P<icmp>icmp|icmpv6) type (?P<type>[0-9]{1,3})(?: (?P=icmp) code (?P<code>[0-9]{1,3}))?"
    r"|meta l4proto (?:(?P<number>[0-9]{1,3})|tcp|udp|udplite|(?P<word>icmp|icmpv6|igmp)|esp|ah|gre|dccp|sctp)) (?:accept|drop)"
    r'(?P<comment> comment "[A-Za-z0-9 .,:/_-]{1,127}")?'
)
_INTERFACE = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.@+-]{0,14}")


def _is_statement(family: str, chain: str, text: str, *, commented: bool) -> bool:
    found = _STATEMENT.fullmatch(text)
    if found is None or (found["comment"] and not commented) or (family == "bridge" and chain not in _BRIDGES):
        return False
    faces = {"input": ("in",), "output": ("out",), "forward": ("in", "out")}[chain]
    if any((found[face] is not None) != (face in faces) for face in ("in", "out")):
        return False
    if not all(_INTERFACE.fullmatch(found[face]) for face in faces):
        return False
    version = _version(family, found)
    if version is None or (found["icmp"] or found["word"] or "") not in ("", *_ONLY[version]):
        return False
    limits = {"port": 65535, "type": 255, "code": 255, "number": 255}
    return all(found[key] is None or _is_number(found[key], most) for key, most in limits.items())


_BRIDGES = frozenset({"input", "forward"})
_ONLY = {4: ("icmp", "igmp"), 6: ("icmpv6",)}


def _version(family: str, found: re.Match[str]) -> int | None:
    """4 or 6 where the statement is for just that, said once and by addresses in their canonical form; None where not."""
    versions = set()
    if found["net"]:
        if found["src"] or found["dst"] or (family == "bridge") != found["net"].startswith("protocol"):
            return None
        versions.add(6 if found["net"].endswith("6") else 4)
    for key in ("src", "dst"):
        if found[key]:
            word, _, value = found[key].split(" ")
            if not _is_address(value, 4 if word == "ip" else 6):
                return None
            versions.add(4 if word == "ip" else 6)
    return versions.pop() if len(versions) == 1 else None


def _is_address(value: str, version: int) -> bool:
    try:
        address = IPv4Address(value) if version == 4 else IPv6Address(value)
    except AddressValueError:
        return False
    return "%" not in value and str(address) == value


def _is_number(text: str, most: int) -> bool:
    return (text == "0" or text[0] != "0") and int(text) <= most
