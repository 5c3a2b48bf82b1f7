"""The command line: options and exit statuses; nothing else."""

from __future__ import annotations

import argparse
import contextlib
import os
import re
from collections.abc import Callable, Sequence
from datetime import UTC
from ipaddress import ip_network
from typing import NoReturn, cast

from syslogparse import __version__, exits
from syslogparse.evidence.model import GRADES, KINDS, Grade, Kind
from syslogparse.evidence.period import FORMS, NoTime
from syslogparse.evidence.period import read as read_time
from syslogparse.options import FIREWALLS, FORMATS, Firewall, FirewallIntent, Format, Options
from syslogparse.report.escape import printable
from syslogparse.roles.output import ReaderGone, tell, write_all
from syslogparse.rules.apparmor_target import LATEST, Version

_EXITS = """exit status:
  0  done
  1  --check found something new
  2  the command line is wrong
  3  an input could not be read (the others are done), or there is no such suggestion to explain
  4  the sandbox could not be set up; nothing was read
  5  a parser died or evidence was lost: results are printed and marked incomplete; or they could not be written
"""


def main(arguments: list[str]) -> int:
    """Parse the arguments and do what they say. A run does not return; argparse ends the process for --help and errors."""
    asked = _parse(arguments)
    # Only what is needed is loaded: --help and usage errors need none of it.
    if asked.schema:
        from syslogparse.report.json import schema  # noqa: PLC0415

        return _print(schema())
    if asked.explain_sandbox:
        from syslogparse.explain import explain  # noqa: PLC0415

        return _print(explain(terminal=os.isatty(1)))
    try:
        from syslogparse.run import run  # noqa: PLC0415
    except Exception as error:  # noqa: BLE001 - pyseccomp and ctypes raise whatever comes without their C libraries, or with old ones
        tell(f"the sandbox could not be set up: a library is missing: {printable(str(error))}")
        tell("hint: it needs libseccomp.so.2 and the packages that 'make install' puts beside it")
        return exits.NO_SANDBOX
    return run(_options(asked))


def _parse(arguments: list[str]) -> argparse.Namespace:
    """Options may stand between and behind logs; all behind -- are logs, which parse_intermixed_args gets wrong (3.11)."""
    end = arguments.index("--") if "--" in arguments else len(arguments)
    parser = _parser()
    asked = parser.parse_intermixed_args(_joined(arguments[:end]))
    asked.logs = [*asked.logs, *arguments[end + 1 :]]
    for option, (others, formats) in _APART.items():
        if getattr(asked, option) is None:
            continue
        if excluded := [other for other in others if getattr(asked, other) is not None]:
            parser.error(f"argument --{option}: not allowed with argument --{excluded[0]}")
        if asked.format not in formats:
            parser.error(f"argument --{option}: not allowed with argument -f {asked.format}")
    if asked.force and asked.output is None:
        parser.error("argument --force: not allowed without argument --output")
    return asked


_APART: dict[str, tuple[tuple[str, ...], tuple[Format | None, ...]]] = {
    "check": (("explain", "output"), (None, "text", "rules", "json")),
    "explain": (("check", "output"), (None, "text")),
    "output": ((), (None, "text", "rules", "json")),
}
"""Which options an option does not go with, and with which formats it does."""


def _joined(arguments: list[str]) -> list[str]:
    """A time such as -2h looks like an option: it is joined to its own."""
    joined: list[str] = []
    for argument in arguments:
        if joined and joined[-1] in ("--since", "--until"):
            joined[-1] += f"={argument}"
        else:
            joined.append(argument)
    return joined


def _options(asked: argparse.Namespace) -> Options:
    return Options(
        logs=tuple(asked.logs),
        kinds=asked.kind,
        format=cast("Format | None", asked.format),
        firewall=cast("Firewall", asked.firewall),
        intent=cast("FirewallIntent", asked.intent),
        exact=asked.exact,
        apparmor=asked.apparmor_abi,
        trust=cast("Grade", asked.trust),
        rotated=asked.rotated,
        max_rules=asked.max_rules,
        jobs=asked.jobs,
        existing=tuple(asked.existing),
        output=asked.output,
        force=asked.force,
        trusted_net=tuple(asked.trusted_net),
        never_block=tuple(asked.never_block),
        wan=tuple(asked.wan),
        scan_hosts=asked.scan_hosts,
        scan_ports=asked.scan_ports,
        since=asked.since or "",
        until=asked.until or "",
        check=asked.check,
        explain=asked.explain,
        quiet=asked.quiet,
    )


class _Say(argparse.Action):
    """Print a text and end, as argparse does for --help, but with an answer to a stdout that is closed or full."""

    def __init__(
        self, option_strings: Sequence[str], dest: str, text: Callable[[argparse.ArgumentParser], str], **named: str
    ) -> None:
        super().__init__(option_strings, dest, nargs=0, default=argparse.SUPPRESS, help=named["help"])
        self._text = text

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> NoReturn:
        """Print it."""
        raise SystemExit(_print(self._text(parser).encode("utf-8")))


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        """Say what is wrong in one line, escaped: an argument may hold anything."""
        text = message.encode("unicode_escape", "surrogatepass").decode("ascii")
        self.exit(2, f"{self.prog}: {text}\n{self.prog}: try --help\n")


_DESCRIPTION = """Read system logs inside a sandbox and print the policy that would settle what they complain about:
firewall rules for logged packets, AppArmor rules for denials, system-call allow-lists for killed calls."""


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="syslogparse",
        usage="%(prog)s [OPTION ...] [LOG ...]",
        description=_DESCRIPTION,
        epilog=_EXITS,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
        add_help=False,
    )
    parser.add_argument(
        "logs", nargs="*", metavar="LOG", help="logs to read; - is standard input (default: the system's logs that exist)"
    )
    _add_reading(parser.add_argument_group("what is read").add_argument)
    _add_suggesting(parser.add_argument_group("what is suggested").add_argument)
    _add_printing(parser.add_argument_group("what is printed").add_argument)
    add = parser.add_argument_group("the program itself").add_argument
    add("-j", "--jobs", type=_positive, metavar="N", help="parsers for the logs of each grade of trust (default: the CPU count)")
    add("--explain-sandbox", action="store_true", help="print each step of the confinement and each role's filter")
    add("--version", action=_Say, text=lambda _: f"syslogparse {__version__}\n", help="print the version")
    add("-h", "--help", action=_Say, text=argparse.ArgumentParser.format_help, help="print this")
    return parser


def _add_reading(add: Callable[..., object]) -> None:
    add("-k", "--kind", type=_kinds, default=KINDS, metavar="KIND[,KIND]", help=f"{', '.join(KINDS)} (default: all)")
    add("--rotated", action="store_true", help="read the rotated siblings of each log too")
    add("--since", type=_time, metavar="TIME", help=f"use what was logged at this time or later: {FORMS}")
    add("--until", type=_time, metavar="TIME", help="use what was logged before this time")
    add("--trust", choices=GRADES, default="syslog", help="the least grade of evidence to use (default: syslog, all of it)")


def _add_suggesting(add: Callable[..., object]) -> None:
    """The options that decide what is suggested. Those that name a network, an interface or a file can be given several times."""
    several: dict[str, object] = {"action": "append", "default": []}
    add("--firewall", choices=FIREWALLS, default="iptables", help="the language of firewall rules (default: iptables)")
    add("--intent", choices=("auto", "allow", "block"), default="auto", help="what firewall rules are to do (default: auto)")
    add("--trusted-net", type=_network, metavar="CIDR", help="a network whose hosts may be let in (*)", **several)
    add("--wan", type=_interface, metavar="IFACE", help="an interface that strangers come by (*)", **several)
    add("--never-block", type=_network, metavar="CIDR", help="a network that no rule may shut out (*)", **several)
    add("--scan-hosts", type=_positive, default=10, metavar="N", help="a source that tries N hosts is a scanner (default: 10)")
    add("--scan-ports", type=_positive, default=10, metavar="N", help="a source that tries N ports is a scanner (default: 10)")
    add("--exact", action="store_true", help="no generalisation: rules for what was seen and nothing else")
    add(
        "--apparmor-abi",
        type=_abi,
        metavar="VERSION|latest",
        help="the AppArmor that the rules are for, as 3.0 (default: the installed parser's, or latest)",
    )
    words = "policy in force: output of iptables-save, ipset save or nft -j list ruleset, or an AppArmor profile (*)"
    add("--existing", metavar="FILE", help=f"{words}; (*) can be given several times", **several)


def _add_printing(add: Callable[..., object]) -> None:
    add("-f", "--format", choices=FORMATS, help="text (default on a terminal), rules (default when piped), json, events")
    add("--max-rules", type=_positive, default=30, metavar="N", help="print at most N rules a language in text (default: 30)")
    add("-o", "--output", metavar="DIR", help="write the rules to files in DIR, one for each language")
    add("--force", action="store_true", help="let --output replace the files of an earlier run")
    add("--check", metavar="BASELINE", help="compare with an earlier --format json: exit 1 and what is new, if anything is")
    add("--explain", type=_identity, metavar="ID", help="print the suggestion whose ID begins so, and the events behind it")
    add("-q", "--quiet", action="store_true", help="no progress bar")
    add("--schema", action="store_true", help="print the JSON Schema of --format json")


def _kinds(text: str) -> tuple[Kind, ...]:
    names = text.split(",")
    unknown = [name for name in names if name not in KINDS]
    if unknown:
        raise argparse.ArgumentTypeError(f"unknown kind {unknown[0]!r} (choose from {', '.join(KINDS)})")
    return tuple(kind for kind in KINDS if kind in names)


def _abi(text: str) -> Version:
    if text == "latest":
        return LATEST
    numbers = text.split(".")
    if len(numbers) > 3 or not all(number.isascii() and number.isdecimal() and len(number) < 4 for number in numbers):
        raise argparse.ArgumentTypeError("a version like 3.0, or latest, is wanted")
    return int(numbers[0]), int(numbers[1]) if len(numbers) > 1 else 0


def _time(text: str) -> str:
    try:
        read_time(text, UTC, 0)
    except NoTime:
        raise argparse.ArgumentTypeError(f"a time is wanted: {FORMS}") from None
    return text


def _identity(text: str) -> str:
    if not re.fullmatch(r"[0-9a-fA-F]{1,16}", text, re.ASCII):
        raise argparse.ArgumentTypeError("the ID of a suggestion, or its first digits, is wanted (0-9, a-f)")
    return text.lower()


def _network(text: str) -> str:
    try:
        return str(ip_network(text))
    except ValueError:
        raise argparse.ArgumentTypeError("a network like 192.0.2.0/24 or 2001:db8::/32 is wanted") from None


def _interface(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_.@-]{0,14}", text):
        raise argparse.ArgumentTypeError("the name of an interface is wanted")
    return text


def _positive(text: str) -> int:
    if not (text.isascii() and text.isdecimal()) or not 0 < int(text) <= 1024:
        raise argparse.ArgumentTypeError("a whole number from 1 to 1024 is wanted")
    return int(text)


def _print(text: bytes) -> int:
    """Results of our own to stdout; a reader that has enough is no error."""
    with contextlib.suppress(ReaderGone):
        try:
            write_all(1, text)
        except OSError as error:
            tell(f"cannot write: {error.strerror}")
            return exits.LOST
    return exits.DONE
