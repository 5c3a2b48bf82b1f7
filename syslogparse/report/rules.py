"""Format ``rules``: what may be pasted, after it was read (DESIGN 6).

Rules of risk low and medium stand open. Those of risk high and critical are comments until somebody removes the mark,
and so are rules that do not read as what they are. All else is a comment on one line.
"""

from __future__ import annotations

from collections.abc import Iterator

from syslogparse.report.escape import plain, printable
from syslogparse.report.model import Report, Summary
from syslogparse.report.sections import NAME_LIMIT, Group, Item, Section, amount, hosts, place, sections, seen
from syslogparse.report.timefmt import span

_CLOSED = {"high", "critical"}
_MARK = "# "

# A shell without interactive comments (zsh by default) runs a pasted comment, and $( ) or a lone quote in it with it.
_SHELL = str.maketrans({character: f"\\x{ord(character):02x}" for character in "$`;&|<>()!'\"*?[]{}~^#"})


def _comment(text: str) -> str:
    """One comment line; a line break, wherever it came from, does not end it."""
    return _MARK + plain(text)


def _names(names: tuple[str, ...]) -> str:
    return ", ".join(printable(name, NAME_LIMIT) for name in names).translate(_SHELL)


def _head(summary: Summary) -> Iterator[str]:
    events = ", ".join(f"{count:,} {kind}" for kind, count in summary.events.items() if count) or "none"
    times = span(summary.first, summary.last)
    yield _comment("Suggested by syslogparse. Read every rule before you use it: logs hold what attackers put there.")
    if not summary.complete:
        yield _comment("INCOMPLETE: this does not rest on all of the log. Rules may be missing, counts may be too low.")
        yield from (_comment(f"INCOMPLETE: {printable(loss)}") for loss in summary.losses)
    if summary.unreadable:
        yield _comment(f"NOT READ: {_names(summary.unreadable)}")
    yield _comment(f"Read: {amount(summary.lines, 'line')} of {_names(summary.files) or 'nothing'}")
    yield _comment(f"Events: {events}{f', {times} UTC' if times else ''}")
    if summary.undecoded.total:
        yield _comment(f"Not understood: {amount(summary.undecoded.total, 'line')} of interest")


def _provenance(item: Item, files: tuple[str, ...]) -> str:
    """Where the rule comes from, on one line."""
    evidence, suggestion = item.suggestion.evidence, item.suggestion
    parts = [amount(evidence.count, "line")]
    if evidence.attempts != evidence.count:
        parts.append(amount(evidence.attempts, "attempt"))
    parts.append(seen(evidence))
    if names := hosts(evidence):
        parts.append(f"on {names}")
    parts.append(f"risk {suggestion.risk}")
    parts.append(f"confidence {suggestion.confidence}")
    parts.append(f"trust {suggestion.trust}")
    if evidence.places:
        parts.append(f"first at {place(files, evidence.places[0])}")
    return ", ".join(part for part in parts if part).translate(_SHELL)


def _rule(item: Item, files: tuple[str, ...], indent: str) -> Iterator[str]:
    suggestion = item.suggestion
    yield indent + _comment(f"{suggestion.intent}: {printable(suggestion.why)}")
    yield indent + _comment(_provenance(item, files))
    if not item.sound:
        yield indent + _comment("not for pasting, it fails the grammar of its language:")
        yield indent + _comment(item.rule.translate(_SHELL))
    elif suggestion.risk in _CLOSED:
        yield indent + _comment(f"risk {suggestion.risk}, remove the mark only if you want exactly this:")
        yield indent + _MARK + item.rule
    else:
        yield indent + item.rule


def _group(section: Section, group: Group, files: tuple[str, ...]) -> Iterator[str]:
    indent = ""
    if section.what:
        yield ""
        yield _comment(f"{section.what} {printable(group.name or b'-', NAME_LIMIT).translate(_SHELL)}")
        indent = "  "
    for item in group.items:
        if not section.what:
            yield ""
        yield from _rule(item, files, indent)


def render(report: Report) -> str:
    """The rules as text in which every line is a rule, a comment or empty. Ends in a line feed."""
    lines = list(_head(report.summary))
    for section in sections(report):
        lines += ["", f"# ==== {section.language} ===="]
        for group in section.groups:
            lines += _group(section, group, report.summary.files)
    if not report.advice.suggestions:
        lines += ["", "# Nothing to suggest."]
    return "\n".join(lines) + "\n"
