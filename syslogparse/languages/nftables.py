"""Packet-filter rules for nft(8): as one command, and as the lines of a file for ``nft -f``.

A packet has to pass every base chain of its hook, so a chain of one's own can drop but never let in: what another chain drops
is dropped. Rules that drop therefore stand in a table of ours ahead of all chains of priority ``filter``; rules that accept
stand in a chain of ours that the refusing chain itself jumps to. Its name is not in any log: it is taken to be ``input``,
``forward`` or ``output`` of ``table inet filter``, as in Debian's /etc/nftables.conf.

Our table is named after what is in it. So loading a file again replaces what it put there, and loading another one leaves
it in force: a rule that works is no longer logged, and the next file does not have it.

nft deletes a rule only by a number that it gave it, and has no way to ask for one first. So a chain that accepts is *created*,
not added: where it is there already, nft refuses the whole file, and no chain is left with a second jump.

Several sources of a rule are a set with a timeout in the file, and a list in the command.
"""

from __future__ import annotations

import shlex
from _blake2 import blake2b, blake2s
from collections.abc import Container, Iterable, Iterator, Sequence

from msgspec.structs import replace

from syslogparse.languages.reason import steady, tamed
from syslogparse.rules.model import FirewallRule, Ports

LISTED = 64
"""Sources in one command, and members in one line of a file: no line is longer than what a terminal takes at once (4,096)."""

_DAYS = 7
_SHOWN = 3
"""Sources that the one line for people names."""

# Words of nft's own grammar. All else is written as a number: nft would look names up in /etc/protocols, whose ipip is not ours.
_PROTOCOL_WORDS = {name: name for name in ("tcp", "udp", "udplite", "icmp", "icmpv6", "esp", "ah", "gre", "dccp", "sctp", "igmp")}
_NUMBERS = {
    "ipip": 4, "egp": 8, "igp": 9, "rdp": 27, "xtp": 36, "ipv6": 41, "rsvp": 46, "skip": 57, "eigrp": 88, "ospf": 89,
    "etherip": 97, "encap": 98, "pim": 103, "ipcomp": 108, "vrrp": 112, "l2tp": 115, "isis": 124, "mpls-in-ip": 137,
    "manet": 138, "hip": 139, "shim6": 140, "wesp": 141, "rohc": 142,
}  # fmt: skip
_FLAGS = {
    "FIN": "fin", "SYN": "syn", "RST": "rst", "PSH": "psh", "ACK": "ack", "URG": "urg", "ECE": "ecn", "CWR": "cwr",
}  # fmt: skip
_VERDICTS = {"ACCEPT": "accept", "DROP": "drop"}


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


def statement(rule: FirewallRule, sources: str = "") -> str:
    """The rule as it stands in a chain: matches and verdict. Only for what is sayable. sources: how several are said."""
    return " ".join([*_faces(rule), *_addresses(rule, sources), *_protocol(rule), _VERDICTS[rule.target]])


def _faces(rule: FirewallRule) -> list[str]:
    bridged = _family(rule) == "bridge"
    found = (rule.physdev_in, rule.physdev_out) if bridged else (rule.in_iface, rule.out_iface)
    # In quotes, because a bare word may be a keyword (fwd), and a digit in front makes it no word at all.
    return [f'{key} "{name}"' for key, name in zip(("iifname", "oifname"), found, strict=True) if name is not None]


def _family(rule: FirewallRule) -> str:
    return "inet" if rule.physdev_in is None and rule.physdev_out is None else "bridge"


def _addresses(rule: FirewallRule, sources: str) -> list[str]:
    word = "ip" if rule.family == 4 else "ip6"
    source = sources if len(rule.sources) > 1 else next(iter(rule.sources), None)
    found = [f"{word} {key} {value}" for key, value in (("saddr", source), ("daddr", rule.dst)) if value is not None]
    if found:
        return found
    return [f"meta protocol {word}"] if _family(rule) == "bridge" else [f"meta nfproto ipv{rule.family}"]


def _protocol(rule: FirewallRule) -> list[str]:
    said = []
    if rule.flags is not None:
        mask, wanted = (_flags(some) for some in (rule.flags.mask, rule.flags.set))
        said.append(f"tcp flags & {mask} == {wanted}")
    if rule.ports:
        said.append(f"{rule.proto} dport {_ports(rule.ports)}")
    if rule.icmp_type is not None:
        code = [] if rule.icmp_code is None else [f"{rule.proto} code {rule.icmp_code}"]
        said += [f"{rule.proto} type {rule.icmp_type}", *code]
    return said or [f"meta l4proto {_PROTOCOL_WORDS.get(rule.proto, _NUMBERS.get(rule.proto, rule.proto))}"]


def _flags(some: Iterable[str]) -> str:
    words = [word for flag, word in _FLAGS.items() if flag in some]
    return f"({' | '.join(words)})" if len(words) > 1 else words[0] if words else "0x0"


def _ports(ports: Sequence[Ports]) -> str:
    spans = [str(low) if low == high else f"{low}-{high}" for low, high in ports]
    return spans[0] if len(spans) == 1 else f"{{ {', '.join(spans)} }}"


def _listed(sources: Sequence[str]) -> str:
    return f"{{ {', '.join(sources)} }}"


def _chunks(sources: Sequence[str]) -> Iterator[Sequence[str]]:
    return (sources[start : start + LISTED] for start in range(0, len(sources), LISTED))


def _digest(rule: FirewallRule) -> str:
    """What the rule says, as 16 hexadecimal digits: its set and its command are known by them."""
    digest = blake2b(digest_size=8)
    for word in (_family(rule), rule.chain, statement(rule, "@"), *rule.sources):
        digest.update(word.encode("utf-8", "surrogateescape") + b"\0")
    return f"syslogparse_{digest.hexdigest()}"


def main(rule: FirewallRule) -> str:
    """The command for people: of many sources it names the first only, which nft refuses."""
    if reason := unsayable(rule):
        return f"# nftables cannot say this: {reason}"
    shown = rule.sources if len(rule.sources) <= _SHOWN else (*rule.sources[:_SHOWN], "...")
    return f"nft {shlex.quote(f'insert rule {_where(rule)} {statement(rule, _listed(shown))}')}"


def lines(rule: FirewallRule) -> tuple[str, ...]:
    """The commands that put ``rule`` in front of the chain ``input`` (``forward``, ``output``) of table filter; for a shell.

    One for so many sources. Each carries a comment by which ``undo`` knows it.
    """
    if unsayable(rule):
        return (main(rule),)
    mark, where = _digest(rule), _where(rule)
    parts = [replace(rule, sources=some) for some in _chunks(rule.sources)] or [rule]
    inserted = (f'insert rule {where} {statement(part, _listed(part.sources))} comment "{mark}"' for part in parts)
    return tuple(f"nft {shlex.quote(one)}" for one in inserted)


def undo(rule: FirewallRule) -> tuple[str, ...]:
    """The command that takes back what ``lines`` says: a rule is deleted by the number that nft gave it."""
    if unsayable(rule):
        return ("# nothing to take back",)
    where = _where(rule)
    listed = f"nft -a list chain {where} | sed -n 's/.*{_digest(rule)}. # handle //p'"
    return (f'{listed} | while read -r handle; do nft delete rule {where} handle "$handle"; done',)


def _where(rule: FirewallRule) -> str:
    return f"{_family(rule)} filter {rule.chain.lower()}"


def name(rules: Iterable[FirewallRule]) -> str:
    """The name of our table, and of our chains in table filter, for a file with these rules, in whatever order they are."""
    digest = blake2s(digest_size=4)
    for line in sorted(statement(rule, _digest(rule)) for rule in rules if not unsayable(rule)):
        digest.update(line.encode("utf-8", "surrogateescape") + b"\n")
    return f"syslogparse_{digest.hexdigest()}"


def filed(rule: FirewallRule, ours: str, why: str = "") -> tuple[str, ...]:
    """The rule as lines of the file, the set of its sources ahead of it. ours: what ``name`` gave. why: becomes its comment."""
    if unsayable(rule):
        return (main(rule),)
    chain = rule.chain.lower()
    table, chain = (ours, chain) if rule.target == "DROP" else ("filter", f"{ours}_{chain}")
    inside, members = f"{_family(rule)} {table}", _digest(rule)
    comment = tamed(steady(why))
    said = f"add rule {inside} {chain} {statement(rule, f'@{members}')}" + (f' comment "{comment}"' if comment else "")
    if len(rule.sources) < 2:
        return (said,)
    made = f"add set {inside} {members} {{ type ipv{rule.family}_addr; flags interval, timeout; timeout {_DAYS}d; }}"
    return (made, *(f"add element {inside} {members} {_listed(some)}" for some in _chunks(rule.sources)), said)


def head(rules: Sequence[FirewallRule], opened: Sequence[FirewallRule]) -> list[str]:
    """What stands before the rules. opened: those of them that stand open; a chain without one is left a comment."""
    ours = name(rules)
    said = [rule for rule in rules if not unsayable(rule)]
    drops = sorted({(_family(rule), rule.chain.lower()) for rule in said if rule.target == "DROP"}, reverse=True)
    accepts = sorted({rule.chain.lower() for rule in said if rule.target == "ACCEPT"})
    live = live_chains(opened)
    families = sorted({family for family, _ in drops}, reverse=True)
    made: list[str] = []
    for family in families:
        made += [f"add table {family} {ours}", f"delete table {family} {ours}", f"add table {family} {ours}"]
        hooks = [chain for its, chain in drops if its == family]
        made += [f"add chain {family} {ours} {chain} {{ {_hook(chain)} }}" for chain in hooks]
    for chain in accepts:
        mark = "" if chain in live else "# "  # without it a file that only drops could not be loaded again
        made.append(f"{mark}create chain inet filter {ours}_{chain}")
        made.append(f"{mark}insert rule inet filter {chain} jump {ours}_{chain}")
    sets = [_digest(rule) for rule in said if rule.target == "ACCEPT" and len(rule.sources) > 1]
    return [*_WORDS, *_taking_drops_back(ours, families), *_taking_accepts_back(ours, accepts, sets), *made]


def live_chains(opened: Iterable[FirewallRule]) -> frozenset[str]:
    """Chains of ours that ``head`` makes for rules that accept and stand open; those for others are comments."""
    return frozenset(rule.chain.lower() for rule in opened if rule.target == "ACCEPT")


def needs(rule: FirewallRule, ours: str, live: Container[str]) -> str:
    """In words, the comments of ``head`` that ``rule`` needs as commands; empty where it needs none. live: ``live_chains``."""
    chain = rule.chain.lower()
    return "" if rule.target != "ACCEPT" or unsayable(rule) or chain in live else f"the 2 lines with {ours}_{chain} above"


def _hook(chain: str) -> str:
    return f"type filter hook {chain} priority filter - 10; policy accept;"


def _taking_drops_back(ours: str, families: Sequence[str]) -> list[str]:
    if not families:
        return []
    command = f"nft '{'; '.join(f'delete table {family} {ours}' for family in families)}'"
    return [
        f"# To take back what drops: {command}",
        "# To try what drops, run this ahead of nft -f FILE:",
        f"#   systemd-run --on-active=60 --unit={ours} {command}",
        "# It is taken back in 60 seconds, unless you still get in and run:",
        f"#   systemctl stop {ours}.timer",
    ]


def _taking_accepts_back(ours: str, chains: Sequence[str], sets: Sequence[str]) -> list[str]:
    if not chains:
        return []
    said = [*_JUMPS]
    for chain in chains:
        where, target = f"inet filter {chain}", f"{ours}_{chain}"
        said.append(
            f"#   nft -a list chain {where} | sed -n 's/.*jump {target} # handle //p' |"
            f' while read -r handle; do nft delete rule {where} handle "$handle"; done;'
            f" nft 'flush chain inet filter {target}; delete chain inet filter {target}'"
        )
    return [*said, *(f"#   nft delete set inet filter {members}" for members in sets)]


_WORDS = (
    "# A file for nft: save it, look at it with nft -c -f FILE, load it with nft -f FILE; /etc/nftables.conf may include it.",
    "# What drops has a table of its own ahead of all others. Its name says what is in it: the same file replaces it.",
    f"# Several sources are a set; each is in it for {_DAYS} days from the last time that the file was loaded.",
)
_JUMPS = (
    "# What accepts has to stand in the chain that refuses: here those of table inet filter. Write yours if their names differ.",
    "# Where it is in force already, nft says File exists and changes nothing, so that no chain gets a second jump. To load the",
    "# file again after a change, without a flush ruleset, take this back first:",
)
