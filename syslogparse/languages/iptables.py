"""Packet-filter rules as iptables and ip6tables commands (iptables(8), iptables-extensions(8), ipset(8)).

A command alone puts its rule in front of a chain: behind a final DROP, or behind the rule that logs, it would do nothing. What is
to be pasted as a whole (``HEAD`` and lines with ``once`` in front) goes into chains of ours instead, each entered from the
top of the chain it is named after: so a second run changes nothing, what drops stands before what accepts in whatever order
rules were pasted, and all of it can be taken out at once. Rules of an earlier paste stay: those that work are no longer
logged, so the next advice does not have them.

Several sources of a rule stand in a set of its own, which is named after what the rule says: the same rule finds its set
again, another one never shares it. Each source is in there for a week from the last paste on: who is shut out by a log line
of today is most likely somebody else by then.
"""

from __future__ import annotations

import shlex
from _blake2 import blake2b
from collections.abc import Iterator

from msgspec.structs import replace

from syslogparse.languages.reason import steady, tamed
from syslogparse.rules.model import FirewallRule, Ports

MOST_SOURCES = 65_536
"""Members of a set: ipset's own default (maxelem). More sources than that are several sets, each with its rule."""

TIMEOUT = 7 * 24 * 3600
"""Seconds that a source stays in its set."""

LONGEST_COMMENT = 255
"""Bytes of a comment (XT_MAX_COMMENT_LEN, linux/netfilter/xt_comment.h, counts the end of the string)."""

# Where the model's word and that of /etc/protocols differ (its "ipip" is 94, not 4).
_PROTOCOL_WORDS = {"icmpv6": "ipv6-icmp", "ipip": "4", "ipv6": "41"}
_FLAGS = ("FIN", "SYN", "RST", "PSH", "ACK", "URG")


def unsayable(rule: FirewallRule) -> str:
    """Why iptables has no rule that is neither wider nor narrower than ``rule``; empty where it has one."""
    if rule.flags is not None and not set(rule.flags.mask) <= set(_FLAGS):
        return "TCP flags of congestion control (ECE, CWR)"
    return ""


def argv(rule: FirewallRule, command: str = "-I", why: str = "") -> list[str]:
    """The words of the command for ``rule``, which has to be sayable.

    command: ``-I`` inserts it, ``-A`` appends it, ``-D`` deletes it. why: becomes its comment.
    """
    words = ["iptables" if rule.family == 4 else "ip6tables", command, rule.chain]
    single = rule.sources[0] if len(rule.sources) == 1 else None
    for option, value in (("-i", rule.in_iface), ("-o", rule.out_iface), ("-s", single), ("-d", rule.dst)):
        if value is not None:
            words += [option, value]
    words += _physdev(rule)
    if len(rule.sources) > 1:
        words += ["-m", "set", "--match-set", set_name(rule), "src"]
    words += _protocol(rule)
    comment = tamed(steady(why), LONGEST_COMMENT)
    if comment:
        words += ["-m", "comment", "--comment", comment]
    return [*words, "-j", rule.target]


def set_name(rule: FirewallRule) -> str:
    """The name of the set with the sources of ``rule``: 28 bytes of the 31 that ipset takes, the same for the same rule."""
    digest = blake2b(digest_size=8)
    for word in (*argv(replace(rule, sources=())), str(TIMEOUT), *rule.sources):
        digest.update(word.encode("utf-8", "surrogateescape") + b"\0")
    return f"syslogparse-{digest.hexdigest()}"


def _parts(rule: FirewallRule) -> Iterator[FirewallRule]:
    """The rule, or as many as its sources need."""
    if len(rule.sources) <= MOST_SOURCES:
        yield rule
        return
    for start in range(0, len(rule.sources), MOST_SOURCES):
        yield replace(rule, sources=rule.sources[start : start + MOST_SOURCES])


def main(rule: FirewallRule) -> str:
    """The command that puts ``rule`` in front of its chain; it needs the set of its sources where there are several."""
    if reason := unsayable(rule):
        return f"# iptables cannot say this: {reason}"
    return shlex.join(argv(next(_parts(rule))))


def lines(rule: FirewallRule) -> tuple[str, ...]:
    """The commands that put ``rule`` in front of its chain, the set of its sources ahead of it; each a line fit for a shell."""
    if unsayable(rule):
        return (main(rule),)
    return tuple(line for part in _parts(rule) for line in (*_filled(part), shlex.join(argv(part))))


def pasted(rule: FirewallRule, why: str = "") -> tuple[str, ...]:
    """The commands as they stand behind ``HEAD``: ``once`` puts the rule into our chain, where it is not there yet."""
    if unsayable(rule):
        return (main(rule),)
    return tuple(line for part in _parts(rule) for line in (*_filled(part), f"once {shlex.join(argv(part, why=why))}"))


def undo(rule: FirewallRule) -> tuple[str, ...]:
    """The commands that take back what ``lines`` says."""
    if unsayable(rule):
        return ("# nothing to take back",)
    found: list[str] = []
    for part in _parts(rule):
        found.append(shlex.join(argv(part, "-D")))
        if len(part.sources) > 1:
            found.append(f"ipset destroy {set_name(part)}")
    return tuple(found)


def _filled(rule: FirewallRule) -> Iterator[str]:
    if len(rule.sources) > 1:
        name = set_name(rule)
        yield f"ipset -exist create {name} hash:net family {'inet' if rule.family == 4 else 'inet6'} timeout {TIMEOUT}"
        yield from (f"ipset -exist add {name} {shlex.quote(source)}" for source in rule.sources)


def _physdev(rule: FirewallRule) -> list[str]:
    words: list[str] = []
    for option, value in (("--physdev-in", rule.physdev_in), ("--physdev-out", rule.physdev_out)):
        if value is not None:
            words += [option, value]
    return ["-m", "physdev", *words] if words else []


def _protocol(rule: FirewallRule) -> list[str]:
    words = ["-p", _PROTOCOL_WORDS.get(rule.proto, rule.proto)]
    if rule.flags is not None:
        mask, wanted = ([flag for flag in _FLAGS if flag in some] for some in (rule.flags.mask, rule.flags.set))
        words += ["--tcp-flags", ",".join(mask), ",".join(wanted) or "NONE"]
    if len(rule.ports) == 1:
        words += ["--dport", _span(rule.ports[0])]
    elif rule.ports:
        words += ["-m", "multiport", "--dports", ",".join(map(_span, rule.ports))]
    if rule.icmp_type is not None:
        kind = str(rule.icmp_type) if rule.icmp_code is None else f"{rule.icmp_type}/{rule.icmp_code}"
        words += ["--icmp-type" if rule.family == 4 else "--icmpv6-type", kind]
    return words


def _span(ports: Ports) -> str:
    low, high = ports
    return str(low) if low == high else f"{low}:{high}"


HEAD = (
    "# Shell commands for root: paste them, or save them and run sh FILE. A second run changes nothing.",
    "# Each rule goes into a chain of ours, SYSLOGPARSE-INPUT or so, that is entered from the top of INPUT or so. In it, what",
    "# drops stands before what accepts. A rule without the word once in front goes to the top of the chain that it names.",
    "# Several sources are a set of ipset, each in it for a week. Who keeps such rules for the next start of the machine has to",
    "# keep the sets too, in Debian with ipset-persistent: where one is missing, iptables-restore loads no rule at all.",
    "#   syslogparse_undo takes out all that was ever put into these chains, and the sets.",
    "#   syslogparse_trial 60 ahead of the rules, or TRIAL=60 sh FILE: in 60 seconds these chains and sets are what they were,",
    "#   unless you still get in and run the kill that it names. No other chain is touched.",
    "once() (",
    '    if [ -n "${syslogparse_mark-}" ] && [ ! -e "$syslogparse_mark" ]; then',
    '        echo "syslogparse: the trial is over, unset syslogparse_mark to go on" >&2',
    "        exit 1",
    "    fi",
    "    tool=$1 chain=$3 ours=SYSLOGPARSE-$3",
    "    shift 3",
    '    case "$*" in *"-j DROP") way=-I ;; *) way=-A ;; esac',
    '    "$tool" -w -n -L "$ours" >/dev/null 2>&1 || "$tool" -w -N "$ours" || exit',
    '    "$tool" -w -C "$ours" "$@" 2>/dev/null || "$tool" -w "$way" "$ours" "$@" || exit',
    '    "$tool" -w -C "$chain" -j "$ours" 2>/dev/null || "$tool" -w -I "$chain" -j "$ours"',
    ")",
    "# syslogparse_back TOOL KEPT: our chains, and the jumps into them, as KEPT has them.",
    "syslogparse_back() (",
    "    tool=$1 kept=$2",
    "    for chain in INPUT FORWARD OUTPUT; do",
    "        ours=SYSLOGPARSE-$chain",
    '        case "$kept" in *"-A $chain -j $ours"*) ;; *) while "$tool" -w -D "$chain" -j "$ours"; do :; done ;; esac',
    '        case "$kept" in *":$ours "*) ;; *) "$tool" -w -F "$ours" && "$tool" -w -X "$ours" ;; esac',
    "    done 2>/dev/null",
    '    [ -n "$kept" ] || exit 0',
    """    printf '*filter\\n%s\\nCOMMIT\\n' "$kept" | grep -v -e '-j SYSLOGPARSE-' | "$tool-restore" -w --noflush || exit""",
    "    for chain in INPUT FORWARD OUTPUT; do",
    "        ours=SYSLOGPARSE-$chain",
    '        case "$kept" in *"-A $chain -j $ours"*) ;; *) continue ;; esac',
    '        "$tool" -w -C "$chain" -j "$ours" || "$tool" -w -I "$chain" -j "$ours"',
    "    done 2>/dev/null",
    ")",
    "# syslogparse_sets KEPT: our sets are those of KEPT, and none where it is empty.",
    "syslogparse_sets() {",
    "    ipset -n list 2>/dev/null | while read -r name; do",
    '        case "$name" in syslogparse-*) ;; *) continue ;; esac',
    '        case "$1" in *"create $name "*) ;; *) ipset destroy "$name" 2>/dev/null ;; esac',
    "    done",
    "}",
    "syslogparse_undo() (",
    "    syslogparse_back iptables ''",
    "    syslogparse_back ip6tables ''",
    "    syslogparse_sets ''",
    ")",
    "syslogparse_trial() {",
    "    syslogparse_mark=$(mktemp) || return",
    "    ours='^:SYSLOGPARSE-|^-A SYSLOGPARSE-|^-A (INPUT|FORWARD|OUTPUT) -j SYSLOGPARSE-'",
    '    four=$(iptables-save -t filter | grep -E -e "$ours") six=$(ip6tables-save -t filter | grep -E -e "$ours")',
    "    sets=$(ipset save 2>/dev/null | grep -e ' syslogparse-')",
    "    (",
    "        trap '' HUP INT",
    '        sleep "${1:-60}"',
    '        rm -f "$syslogparse_mark"',
    """        printf '%s\\n' "$sets" | sed -e 's/^create \\([^ ]*\\) .*/&\\nflush \\1/' | ipset -exist restore""",
    '        syslogparse_back iptables "$four"',
    '        syslogparse_back ip6tables "$six"',
    '        syslogparse_sets "$sets"',
    "    ) </dev/null >/dev/null 2>&1 &",
    '    echo "syslogparse: in ${1:-60} seconds all is as it was, unless you run: kill $!"',
    "}",
    '[ -z "${TRIAL-}" ] || syslogparse_trial "$TRIAL" || exit',
)
"""What stands before the rules that are to be pasted: POSIX shell, the same whatever the rules are."""
