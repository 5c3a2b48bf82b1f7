"""Format ``rules``: what may be pasted, after it was read (DESIGN 6).

Rules of risk low and medium stand open. Those of risk high and critical are comments until somebody removes the mark,
and so are rules that do not read as what they are, and the block of a child profile that only such a rule enters. All else
is a comment on one line.
"""

from __future__ import annotations

from collections.abc import Iterator

from syslogparse.languages.apparmor_policy import BASE
from syslogparse.languages.render import Script, beside, together
from syslogparse.report.escape import plain, printable
from syslogparse.report.model import Report, Summary
from syslogparse.report.sections import NAME_LIMIT, Group, Item, Section, amount, are_sound, hosts, place, sections, seen
from syslogparse.report.timefmt import span

_MARK = "# "

# A shell without interactive comments (zsh by default) runs a pasted comment, and $( ) or a lone quote in it with it.
_SHELL = str.maketrans({character: f"\\x{ord(character):02x}" for character in "$`;&|<>()!'\"*?[]{}~^#"})


def _comment(text: str) -> str:
    """One comment line; a line break, wherever it came from, does not end it."""
    return _MARK + plain(text)


def _names(names: tuple[str, ...]) -> str:
    return ", ".join(printable(name, NAME_LIMIT) for name in names).translate(_SHELL)


def head(summary: Summary) -> Iterator[str]:
    """Comments on what all of it rests on."""
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
        opened = [item.suggestion.rule for item in items if item.stands_open]
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
        if group.items and (local := group.items[0].suggestion.local):
            yield _comment(f"into {printable(f'{BASE}{local}', NAME_LIMIT)}".translate(_SHELL))
        if not group.block:
            yield from (indent + line for line in self._items(group))
            return
        if group.closed:  # nothing would enter it
            yield indent + _comment("closed like the rule that enters it: remove one mark from each line of the block, or none:")
            indent += _MARK
        yield indent + group.block
        yield from (f"{indent}  {line}" for line in self._items(group))
        yield indent + "}"

    def _items(self, group: Group) -> Iterator[str]:
        """What several of a program or profile have in common is said once, above the first."""
        rules, said = [item.suggestion.rule for item in group.items], ""
        for item in group.items:
            reason = _comment(f"{item.suggestion.intent}: {printable(item.suggestion.why)}")
            if not self._section.what:
                yield ""
            if not self._section.what or reason != said:
                yield reason
            said = reason
            yield from self._rule(item)
        yield from (
            f"{_MARK}or: {other}" for other in together([item.suggestion.rule for item in group.items if item.stands_open])
        )
        yield from (f"{_MARK}{line}" for line in beside(rules))

    def _rule(self, item: Item) -> Iterator[str]:
        suggestion = item.suggestion
        yield _comment(_provenance(item, self._files))
        lines = self._script.lines(suggestion.rule, f"{suggestion.intent}: {suggestion.why}") if item.sound else ()
        if not lines or not are_sound(self._section.language, lines):
            yield _comment("not for pasting, it fails the grammar of its language:")
            yield _comment(item.rule.translate(_SHELL))
        elif all(line.startswith(_MARK) for line in lines):
            yield from lines
        elif not item.stands_open:
            marked = (*lines, *item.after)
            mark = "mark" if len(marked) == 1 else f"marks of {len(marked):,} lines"
            also = ", and with it those of its block below" if item.below else ""
            if needed := self._script.needs(suggestion.rule):
                also = f", and once those of {needed}"
            yield _comment(f"risk {suggestion.risk}, remove the {mark} only if you want exactly this{also}:")
            yield from (_MARK + line for line in marked)
        else:
            yield from (*lines, *item.after)


def section(of: Section, summary: Summary) -> list[str]:
    """The lines of one language: an empty one, its heading, and what is to be pasted."""
    return ["", f"# ==== {of.language} ====", *_Printer(of, summary.files).lines()]


def render(report: Report) -> str:
    """The rules as text in which every line is a rule, a comment, empty, or of a section's head. Ends in a line feed."""
    lines = list(head(report.summary))
    for each in sections(report):
        lines += section(each, report.summary)
    if not report.advice.suggestions:
        lines += ["", "# Nothing to suggest."]
    reasons = sorted(report.advice.not_suggested.items(), key=lambda pair: (-pair[1], pair[0]))
    lines += [""] * bool(reasons)
    lines += [_comment(f"No rule for {amount(count, 'event')}: {printable(reason)}") for reason, count in reasons]
    return "\n".join(lines) + "\n"
