"""Packet-filter rules as iptables and ip6tables commands (iptables(8), iptables-extensions(8)).

A command alone puts its rule in front of a chain: behind a final DROP, or behind the rule that logs, it would do nothing. What is
to be pasted as a whole (``HEAD`` and lines with ``once`` in front) goes into chains of ours instead, each entered from the
top of the chain it is named after: so a second run changes nothing, what drops stands before what accepts in whatever order
rules were pasted, and all of it can be taken out at once. Rules of an earlier paste stay: those that work are no longer
logged, so the next advice does not have them.

``render`` and ``check`` share nothing: what one writes, the other has to understand by its own table.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable
from ipaddress import AddressValueError, IPv4Address, IPv6Address

from syslogparse.rules.model import FirewallRule

# Where the model's word and that of /etc/protocols differ (its "ipip" is 94, not 4).
_PROTOCOL_WORDS = {"icmpv6": "ipv6-icmp", "ipip": "4", "ipv6": "41"}


def argv(rule: FirewallRule, command: str = "-I") -> list[str]:
    """The words of the command for ``rule``: ``-I`` inserts it, ``-A`` appends it, ``-D`` deletes it."""
    words = ["iptables" if rule.family == 4 else "ip6tables", command, rule.chain]
    for option, value in (
        ("-i", rule.in_iface),
        ("-o", rule.out_iface),
        ("-s", next(iter(rule.sources), None)),
        ("-d", rule.dst),
    ):
        if value is not None:
            words += [option, value]
    return [*words, *_physdev(rule), *_protocol(rule), "-j", rule.target]


def render(rule: FirewallRule) -> str:
    """The command that puts ``rule`` in front of its chain; one line, fit for a shell."""
    return shlex.join(argv(rule))


def undo(rule: FirewallRule) -> str:
    """The command that takes back what ``render`` says."""
    return shlex.join(argv(rule, "-D"))


def pasted(rule: FirewallRule) -> str:
    """The command as it stands behind ``HEAD``: ``once`` puts the rule into our chain, where it is not there yet."""
    return f"once {render(rule)}"


HEAD = (
    "# Shell commands for root: paste them, or save them and run sh FILE. A second run changes nothing.",
    "# Each rule goes into a chain of ours, SYSLOGPARSE-INPUT or so, that is entered from the top of INPUT or so. In it, what",
    "# drops stands before what accepts. A rule without the word once in front goes to the top of the chain that it names.",
    "#   syslogparse_undo takes out all that was ever put into these chains.",
    "#   syslogparse_trial 60 ahead of the rules, or TRIAL=60 sh FILE: what was there comes back in 60 seconds, unless you still",
    "#   get in and run the kill that it names.",
    "once() (",
    "    tool=$1 chain=$3 ours=SYSLOGPARSE-$3",
    "    shift 3",
    '    case "$*" in *"-j DROP") way=-I ;; *) way=-A ;; esac',
    '    "$tool" -w -n -L "$ours" >/dev/null 2>&1 || "$tool" -w -N "$ours" || exit',
    '    "$tool" -w -C "$ours" "$@" 2>/dev/null || "$tool" -w "$way" "$ours" "$@" || exit',
    '    "$tool" -w -C "$chain" -j "$ours" 2>/dev/null || "$tool" -w -I "$chain" -j "$ours"',
    ")",
    "syslogparse_undo() (",
    "    for tool in iptables ip6tables; do",
    "        for chain in INPUT FORWARD OUTPUT; do",
    '            while "$tool" -w -D "$chain" -j "SYSLOGPARSE-$chain"; do :; done',
    '            "$tool" -w -F "SYSLOGPARSE-$chain" && "$tool" -w -X "SYSLOGPARSE-$chain"',
    "        done",
    "    done 2>/dev/null",
    "    :",
    ")",
    "syslogparse_trial() {",
    "    four=$(iptables-save -t filter) six=$(ip6tables-save -t filter)",
    "    (",
    "        trap '' HUP INT",
    '        sleep "${1:-60}"',
    "        syslogparse_undo",
    """        [ -z "$four" ] || printf '%s\\n' "$four" | iptables-restore -w""",
    """        [ -z "$six" ] || printf '%s\\n' "$six" | ip6tables-restore -w""",
    "    ) </dev/null >/dev/null 2>&1 &",
    '    echo "syslogparse: in ${1:-60} seconds all is as it was, unless you run: kill $!"',
    "}",
    '[ -z "${TRIAL-}" ] || syslogparse_trial "$TRIAL"',
)
"""What stands before the rules that are to be pasted: POSIX shell, the same whatever the rules are."""


def _physdev(rule: FirewallRule) -> list[str]:
    words: list[str] = []
    for option, value in (("--physdev-in", rule.physdev_in), ("--physdev-out", rule.physdev_out)):
        if value is not None:
            words += [option, value]
    return ["-m", "physdev", *words] if words else []


def _protocol(rule: FirewallRule) -> list[str]:
    words = ["-p", _PROTOCOL_WORDS.get(rule.proto, rule.proto)]
    if rule.ports:
        words += ["--dport", str(rule.ports[0][0])]
    if rule.icmp_type is not None:
        kind = str(rule.icmp_type) if rule.icmp_code is None else f"{rule.icmp_type}/{rule.icmp_code}"
        words += ["--icmp-type" if rule.family == 4 else "--icmpv6-type", kind]
    return words


def check(line: str) -> bool:
    """Whether ``line`` is one rule of the kinds that ``render``, ``pasted`` and ``undo`` write, a comment, or one of ``HEAD``.

    Strict: known options only, each once and in order, each value of its type, single blanks, no quoting.
    """
    if line == "#" or line.startswith("# "):
        return line.isprintable()
    if line in HEAD:
        return True
    words = line.split(" ")
    if words[0] == "once" and words[2:3] == ["-I"]:
        del words[0]
    if len(words) < _SHORTEST or words[0] not in _VERSIONS or words[1] not in ("-I", "-D") or words[2] not in _CHAINS:
        return False
    return _walk(_VERSIONS[words[0]], words[2], words[3:])


_SHORTEST = 7
_VERSIONS = {"iptables": 4, "ip6tables": 6}
_CHAINS = ("INPUT", "OUTPUT", "FORWARD")
_NAME_BYTES = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.@+-")
_PROTOCOLS = frozenset(
    "icmp igmp 4 tcp egp igp udp rdp dccp xtp 41 rsvp gre esp ah skip ipv6-icmp eigrp ospf etherip encap pim ipcomp vrrp l2tp "
    "isis sctp udplite mpls-in-ip manet hip shim6 wesp rohc".split()
)


def _walk(family: int, chain: str, words: list[str]) -> bool:
    """Option by option in the one order that there is; each step takes its words or none."""
    given: dict[str, str] = {}
    rest = iter(words)
    allowed = list(_OPTIONS)
    for word in rest:
        value = next(rest, None)
        if word not in allowed or value is None or not _OPTIONS[word](value, family):
            return False
        del allowed[: allowed.index(word) + 1]
        given[word] = value
    return not allowed and _fits(family, chain, given)


def _fits(family: int, chain: str, given: dict[str, str]) -> bool:
    physdev = {"--physdev-in", "--physdev-out"} & given.keys()
    if bool(physdev) != ("-m" in given) or ("--physdev-out" in given and chain != "FORWARD"):
        return False
    if ("-i" in given) == (chain == "OUTPUT") or ("-o" in given) == (chain == "INPUT"):
        return False
    protocol = given.get("-p", "")
    icmp = {"--icmp-type": (4, "icmp"), "--icmpv6-type": (6, "ipv6-icmp")}
    if any((family, protocol) != want for option, want in icmp.items() if option in given):
        return False
    return protocol in ("tcp", "udp") if "--dport" in given else bool(protocol)


def _is_interface(value: str, family: int) -> bool:
    del family
    return 0 < len(value) < 16 and _NAME_BYTES.issuperset(value) and value[0] not in "-+.@" and value[-1] != "+"


def _is_address(value: str, family: int) -> bool:
    try:
        address = IPv4Address(value) if family == 4 else IPv6Address(value)
    except AddressValueError:
        return False
    return "%" not in value and str(address) == value


def _is_protocol(value: str, family: int) -> bool:
    del family
    return value in _PROTOCOLS or _is_number(value, 1, 255)


def _is_port(value: str, family: int) -> bool:
    del family
    return _is_number(value, 0, 65535)


def _is_icmp(value: str, family: int) -> bool:
    kind, slash, code = value.partition("/")
    return _is_number(kind, 0, 254 if family == 4 else 255) and (not slash or _is_number(code, 0, 255))


def _is_number(text: str, least: int, most: int) -> bool:
    plain = text.isascii() and text.isdecimal() and len(text) <= len(str(most)) and (text == "0" or text[0] != "0")
    return plain and least <= int(text) <= most


def _is_physdev(value: str, family: int) -> bool:
    del family
    return value == "physdev"


def _is_target(value: str, family: int) -> bool:
    del family
    return value in ("ACCEPT", "DROP")


_OPTIONS: dict[str, Callable[[str, int], bool]] = {
    "-i": _is_interface,
    "-o": _is_interface,
    "-s": _is_address,
    "-d": _is_address,
    "-m": _is_physdev,
    "--physdev-in": _is_interface,
    "--physdev-out": _is_interface,
    "-p": _is_protocol,
    "--dport": _is_port,
    "--icmp-type": _is_icmp,
    "--icmpv6-type": _is_icmp,
    "-j": _is_target,
}
