"""A report as files, one for each language that has something to say: what ``--output`` writes.

A file holds what the format ``rules`` prints for its language: the head, which says what it rests on, and the section.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

from syslogparse.evidence.model import Kind
from syslogparse.languages.render import Firewall, Language
from syslogparse.report import rules
from syslogparse.report.model import Report
from syslogparse.report.sections import sections

NAMES: dict[Language, str] = {
    "iptables": "iptables.sh",
    "nftables": "nftables.nft",
    "ufw": "ufw.sh",
    "apparmor": "apparmor.rules",
    "seccomp": "seccomp.txt",
}
LONGEST_LINE = 16_000
"""Characters, which are at most four times as many bytes."""
LONGEST_RULE = 60_000
"""Characters. Rules are ASCII; the longest honest one names two paths of 4096 bytes, each of them escaped."""
_CUT = "…"


def languages(kinds: Collection[Kind], firewall: Firewall) -> tuple[Language, ...]:
    """The languages that rules can come out in, in the order of the files."""
    by_kind: dict[Kind, Language] = {"netfilter": firewall, "apparmor": "apparmor", "seccomp": "seccomp"}
    return tuple(language for kind, language in by_kind.items() if kind in kinds)


def lines(report: Report) -> Iterator[tuple[Language, Iterator[str]]]:
    """The lines of each file, without their line feeds; no file for a language without a suggestion."""
    for section in sections(report):
        yield section.language, (_short(line) for line in (*rules.head(report.summary), *rules.section(section, report.summary)))


def _short(line: str) -> str:
    """The line, if it is not so long that only an attacker, or a command line with thousands of logs, can have made it."""
    if len(line) <= LONGEST_LINE:
        return line
    bare = line.lstrip(" ")
    if bare.startswith("# "):
        return line[: LONGEST_LINE - len(_CUT)] + _CUT
    return (
        line if len(line) <= LONGEST_RULE else f"{line[: len(line) - len(bare)]}# A rule of {len(bare)} characters is left out."
    )
