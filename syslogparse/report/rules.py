"""Format ``rules``: what may be pasted, after it was read (DESIGN 6).

Rules of risk low and medium stand open. Those of risk high and critical are comments until somebody removes the mark,
and so are rules that do not read as what they are. All else is a comment on one line.
"""

from __future__ import annotations

from collections.abc import Iterator

from syslogparse.languages.render import Script, together
from syslogparse.report.escape import plain, printable
from syslogparse.report.model import Report, Summary
from syslogparse.report.sections import NAME_LIMIT, Group, Item, Section, amount, hosts, is_sound, place, sections, seen
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


class _Printer:
    """Prints one section."""

    def __init__(self, section: Section, files: tuple[str, ...]) -> None:
        self._section = section
        self._files = files
        items = [item for group in section.groups for item in group.items]
        opened = [item.suggestion.rule for item in items if _stands_open(item)]
        self._script = Script(section.language, [item.suggestion.rule for item in items if item.sound], opened)

    def lines(self) -> Iterator[str]:
        yield from self._script.head
        for group in self._section.groups:
            yield from self._group(group)

    def _group(self, group: Group) -> Iterator[str]:
        indent, what = "", self._section.what
        if what:
            yield ""
            yield _comment(f"{what} {printable(group.name or b'-', NAME_LIMIT).translate(_SHELL)}")
            indent = "  "
        if group.block:  # inside the profile that runs it
            yield indent + group.block
            indent += "  "
        for item in group.items:
            if not what:
                yield ""
            yield from (indent + line for line in self._rule(item))
        opened = [item.suggestion.rule for item in group.items if _stands_open(item)]
        yield from (f"{indent}{_MARK}or: {other}" for other in together(opened))
        if group.block:
            yield indent[2:] + "}"

    def _rule(self, item: Item) -> Iterator[str]:
        suggestion = item.suggestion
        yield _comment(f"{suggestion.intent}: {printable(suggestion.why)}")
        yield _comment(_provenance(item, self._files))
        line = self._script.line(suggestion.rule, f"{suggestion.intent}: {suggestion.why}") if item.sound else ""
        if not is_sound(self._section.language, line):
            yield _comment("not for pasting, it fails the grammar of its language:")
            yield _comment(item.rule.translate(_SHELL))
        elif line.startswith(_MARK):
            yield line
        elif suggestion.risk in _CLOSED:
            yield _comment(f"risk {suggestion.risk}, remove the mark only if you want exactly this:")
            yield _MARK + line
            yield from (_MARK + one for one in item.after)
        else:
            yield line
            yield from item.after


def _stands_open(item: Item) -> bool:
    return item.sound and item.suggestion.risk not in _CLOSED


def render(report: Report) -> str:
    """The rules as text in which every line is a rule, a comment, empty, or of a section's head. Ends in a line feed."""
    lines = list(_head(report.summary))
    for section in sections(report):
        lines += ["", f"# ==== {section.language} ====", *_Printer(section, report.summary.files).lines()]
    if not report.advice.suggestions:
        lines += ["", "# Nothing to suggest."]
    return "\n".join(lines) + "\n"
