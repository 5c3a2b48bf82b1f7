"""Packet-filter rules as ufw commands (ufw(8), ufw-framework(8)).

ufw asks its rules in their order, and its defaults behind them. A deny goes in front of all (``prepend``). An allow goes
behind all that is there: ahead of the default that refused the packet, never ahead of a rule that forbids it on purpose.
A second run changes nothing: ufw skips a rule that it has.

What ufw cannot say becomes a comment, never a rule that says something else. ``render`` and ``check`` share nothing.
"""

from __future__ import annotations

import shlex

from syslogparse.languages.reason import steady, tamed
from syslogparse.rules.model import FirewallRule, Ports

MOST_SOURCES = 1000
"""Sources of one rule: each is a command, and each command writes all of ufw's rules anew."""

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
    if rule.flags is not None:
        return "TCP flags"
    if rule.ports and rule.ports[0][0] == 0:
        return "port 0"
    if len(rule.sources) > MOST_SOURCES:
        return f"more than {MOST_SOURCES:,} sources, each of them a rule; iptables and nft have sets"
    if any(name is not None and name.lower() in _WORDS for name in (rule.in_iface, rule.out_iface)):
        return "an interface with the name of one of its words"
    return ""


def argv(rule: FirewallRule, source: str | None = None, *, delete: bool = False, why: str = "") -> list[str]:
    """The words of the command for ``rule``, which has to be sayable.

    source: the one of its sources that the command is for, none where it has none. delete: of the one that takes it back.
    """
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
    words += [*_ends(rule, source), "proto", rule.proto]
    comment = "" if delete else tamed(steady(why))
    return [*words, "comment", comment] if comment else words


def _ends(rule: FirewallRule, source: str | None) -> list[str]:
    """From where to where. Without an address, ufw would take the rule for both families."""
    words: list[str] = []
    source = _ANYWHERE[rule.family] if source is None and rule.dst is None else source
    if source is not None:
        words += ["from", source]
    if rule.dst is not None or rule.ports:
        words += ["to", rule.dst or "any"]
    if rule.ports:
        words += ["port", ",".join(map(_span, rule.ports))]
    return words


def _span(ports: Ports) -> str:
    low, high = ports
    return str(low) if low == high else f"{low}:{high}"


def main(rule: FirewallRule) -> str:
    """The command for people; of many sources it names none, which ufw refuses."""
    if reason := unsayable(rule):
        return f"# ufw cannot say this: {reason}"
    source = next(iter(rule.sources), None)
    return shlex.join(argv(rule, source if len(rule.sources) < 2 else "..."))


def lines(rule: FirewallRule, why: str = "") -> tuple[str, ...]:
    """The commands for ``rule``, one for each source, each a line fit for a shell; ``why`` becomes their comment."""
    if unsayable(rule):
        return (main(rule),)
    return tuple(shlex.join(argv(rule, source, why=why)) for source in rule.sources or (None,))


def pasted(rule: FirewallRule, why: str = "") -> tuple[str, ...]:
    """The commands as they stand behind ``HEAD``: ``once`` keeps in mind for a trial what ufw did not have yet."""
    return lines(rule) if unsayable(rule) else tuple(f"once {line}" for line in lines(rule, why))


def undo(rule: FirewallRule) -> tuple[str, ...]:
    """The commands that take back what ``lines`` says."""
    if unsayable(rule):
        return ("# nothing to take back",)
    return tuple(shlex.join(argv(rule, source, delete=True)) for source in rule.sources or (None,))


HEAD = (
    "# Shell commands for root: paste them, or save them and run sh FILE. A second run changes nothing.",
    "#   UNDO=1 sh FILE takes the rules out again. By hand, that is the same words with delete for prepend, or ahead of allow,",
    "#   and without once and the comment: ufw delete deny ... and ufw route delete allow ...",
    "#   syslogparse_trial 60 ahead of the rules, or TRIAL=60 sh FILE: those that ufw did not have yet go out again in 60",
    "#   seconds, unless you still get in and run the kill that it names. No other rule is touched.",
    "syslogparse_count() {",
    "    cat /etc/ufw/user.rules /etc/ufw/user6.rules 2>/dev/null | grep -c -e '^### tuple'",
    "}",
    "once() (",
    '    if [ -n "${syslogparse_mark-}" ] && [ ! -e "$syslogparse_mark" ]; then',
    '        echo "syslogparse: the trial is over, unset syslogparse_mark to go on" >&2',
    "        exit 1",
    "    fi",
    "    before=$(syslogparse_count)",
    '    [ -n "${UNDO-}" ] || "$@" || exit',
    '    [ -n "${UNDO-}${syslogparse_mark-}" ] || exit 0',
    "    route= words=",
    '    [ "$2" != route ] || { route="route "; shift; }',
    '    [ "$2" != prepend ] || shift',
    "    shift",
    '    words="${route}delete $*"',
    "    words=${words%% comment *}",
    '    if [ -n "${UNDO-}" ]; then',
    "        printf '%s\\n' \"$words\" | xargs -L 1 ufw",
    '    elif [ "$(syslogparse_count)" -gt "$before" ]; then',
    '        printf \'%s\\n\' "$words" >>"$syslogparse_mark"',
    "    fi",
    ")",
    "syslogparse_trial() {",
    "    syslogparse_mark=$(mktemp) || return",
    "    (",
    "        trap '' HUP INT",
    '        sleep "${1:-60}"',
    '        words=$(cat "$syslogparse_mark")',
    '        rm -f "$syslogparse_mark"',
    '        [ -z "$words" ] || printf \'%s\\n\' "$words" | xargs -L 1 ufw',
    "    ) </dev/null >/dev/null 2>&1 &",
    '    echo "syslogparse: in ${1:-60} seconds all is as it was, unless you run: kill $!"',
    "}",
    '[ -z "${TRIAL-}" ] || syslogparse_trial "$TRIAL" || exit',
)
"""What stands before the rules: POSIX shell, the same whatever the rules are."""
