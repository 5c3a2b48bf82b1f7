"""Format ``text``: the report for an administrator's terminal.

Built before confinement, with all that rich would otherwise look up (width, colour, environment). Text from a log is only
ever a rich Text made of what :mod:`syslogparse.report.escape` let through: as markup it could become a link or an exception.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from io import StringIO
from typing import NamedTuple, cast

from msgspec.structs import replace
from rich import box
from rich.cells import cell_len
from rich.console import Console, RenderableType
from rich.panel import Panel
from rich.rule import Rule as Line
from rich.table import Table
from rich.text import Text

from syslogparse.evidence.model import GRADES, KINDS
from syslogparse.languages import render as languages
from syslogparse.languages.apparmor_policy import BASE
from syslogparse.languages.render import Firewall
from syslogparse.report import identity, sections
from syslogparse.report.escape import plain, printable
from syslogparse.report.model import Report, SandboxState, Summary
from syslogparse.report.sections import HOST_LIMIT, NAME_LIMIT, Group, Item, Section, amount
from syslogparse.report.timefmt import short, span
from syslogparse.rules.model import Suggestion

MIN_WIDTH, MAX_WIDTH = 50, 400

_RISK = {"low": "green", "medium": "yellow", "high": "bold red", "critical": "bold white on red"}
_RISK_WIDTH = 8

_FOR_A_HUMAN = "For a human, before they are a rule: is this wanted? Beside each stands the rule that would accept it."
_FIRST_PLACES = 3
_STEP = 1000
_FILES = 6


class Columns(NamedTuple):
    """Where things stand in a section. number: width of the column with the line counts."""

    number: int

    @property
    def rule(self) -> int:
        """Where rules begin. One that is longer than the rest of the width has a line of its own."""
        return 1 + _RISK_WIDTH + 1 + self.number + 2


class Common(NamedTuple):
    """What all suggestions of a report have in common, so that it need not be said with each.

    files: names by index. trust, host: empty where there is more than one. day: how all dates begin, with the blank behind
    a whole one.
    """

    files: tuple[str, ...]
    trust: str
    host: str
    day: str


class Glyphs(NamedTuple):
    """What a terminal that shows no UTF-8 has to do without."""

    dot: str
    line: str
    panel: box.Box
    table: box.Box


_UNICODE = Glyphs(" · ", "─", box.ROUNDED, box.SIMPLE_HEAD)
_ASCII = Glyphs(" - ", "-", box.ASCII, box.Box("    \n    \n -- \n    \n    \n    \n    \n    \n", ascii=True))


def make_console(width: int, color: bool) -> Console:
    """A console that writes to memory and asks nothing of its environment. width: in cells, kept within 50 to 400."""
    return Console(
        file=StringIO(),
        width=min(max(width, MIN_WIDTH), MAX_WIDTH),
        height=25,
        color_system="standard" if color else None,
        force_terminal=color,
        force_jupyter=False,
        force_interactive=False,
        no_color=not color,
        legacy_windows=False,
        markup=False,
        emoji=False,
        highlight=False,
        _environ={},
    )


def taken(console: Console) -> str:
    """Take what was printed on a console of :func:`make_console` since the last time."""
    memory = cast(StringIO, console.file)
    text = memory.getvalue()
    memory.seek(0)
    memory.truncate()
    return text


class TextReport:
    """Renders reports. Build it before confinement, and let warmup render once with it.

    width: of the terminal in cells. color: whether to use the sixteen standard colours. unicode: whether the terminal can
    show UTF-8; without, the frames are ASCII and whoever encodes the text has to replace what log text holds beyond.
    """

    def __init__(self, width: int, color: bool, unicode: bool = True) -> None:
        self._console = make_console(width, color)
        self._glyphs = _UNICODE if unicode else _ASCII
        self._firewall: Firewall = "iptables"
        self._digits = identity.SHORT

    def render(self, report: Report, max_rules: int | None = None) -> str:
        """The report as text with a last line feed. max_rules: of each language only so many."""
        self._firewall = report.firewall
        findings = sections.sections(_only(report, findings=True), max_rules)
        parts = sections.sections(_only(report, findings=False), max_rules)
        shown = [item.suggestion for part in (*findings, *parts) for group in part.groups for item in group.items]
        self._digits = identity.short([identity.of(one) for one in shown])
        common = _common(report)
        if not report.summary.complete:
            warning = Text("INCOMPLETE: what follows does not rest on all of the log; see the summary.", "bold red")
            self._print(self._wrapped(warning, 1))
        for section in findings:
            self._section(section, common, "Findings", "finding")
        for section in parts:
            self._section(section, common, {"apparmor": "AppArmor"}.get(section.language, section.language), "suggestion")
        if not findings and not parts:
            self._print(Text("\n Nothing to suggest.", "bold"))
        self._not_suggested(report)
        self._not_understood(report.summary)
        self._summary(report, common)
        return taken(self._console)

    def _print(self, what: RenderableType) -> None:
        """Print without wrapping: lines that are to be copied stay what they are, however long."""
        self._console.print(what, soft_wrap=isinstance(what, Text))

    def _heading(self, title: str, note: str) -> None:
        text = Text.assemble((title, "bold"), ("  " + note, "dim")) if note else Text(title, "bold")
        self._print(Text())
        self._print(Line(text, align="left", style="dim", characters=self._glyphs.line))

    def _wrapped(self, text: Text, indent: int) -> Text:
        """The text in as many lines as it needs, all indented, none with trailing blanks."""
        lines = text.wrap(self._console, self._console.width - indent - 1)
        out = Text()
        for line in lines:
            line.rstrip()
            out.append(" " * indent).append_text(line).append("\n")
        out.right_crop(1)
        return out

    def _section(self, section: Section, common: Common, title: str, what: str) -> None:
        self._heading(title, f"{amount(section.total, what)}{self._glyphs.dot}{amount(section.lines, 'line')}")
        if note := _FOR_A_HUMAN if what == "finding" else languages.note(section.language):
            self._print(self._wrapped(Text(note, "bold"), 1))
        counts = [item.suggestion.evidence.count for group in section.groups for item in group.items]
        columns = Columns(max([5, *(len(f"{count:,}") for count in counts)]))
        self._print(Text(f" {'Risk':<{_RISK_WIDTH}} {'Lines':>{columns.number}}  Rule; ID, when (UTC), where", "dim"))
        for group in section.groups:
            self._group(section, group, columns, common)
        if section.left_out:
            more = f"{amount(section.left_out, f'more {what}')} not shown, with fewer lines behind them (--max-rules)."
            self._print(Text("\n").append_text(self._wrapped(Text(more, "bold"), 1)))

    def _group(self, section: Section, group: Group, columns: Columns, common: Common) -> None:
        """Suggestions with the same reason stand together below it, details beside the rules if there is room for all."""
        if section.what:
            name = printable(group.name or b"(not named)", NAME_LIMIT)
            self._print(Text.assemble("\n ", (f"{section.what} ", "dim"), (name, "bold cyan")))
            if group.items and (local := group.items[0].suggestion.local):
                self._print(Text.assemble((" into ", "dim"), printable(f"{BASE}{local}", NAME_LIMIT)))
        details = [self._details(item.suggestion, common) for item in group.items]
        rules = [Text(plain(item.rule), "bold") for item in group.items]
        beside = self._beside(columns, rules, details)
        said = ""
        for item, rule, detail in zip(group.items, rules, details, strict=True):
            reason = f"{item.suggestion.intent}: {printable(item.suggestion.why)}"
            if reason != said:
                self._print(Text("\n" if said or not section.what else "", end="").append_text(self._wrapped(Text(reason), 1)))
                said = reason
            self._item(item, columns, rule, detail, beside)

    def _beside(self, columns: Columns, rules: list[Text], details: list[list[str]]) -> int:
        """The width of a column of rules that have their details beside them; 0 where most are too long for that."""
        room = self._console.width - columns.rule - 2 - max(cell_len(self._glyphs.dot.join(detail)) for detail in details)
        fitting = [rule.cell_len for rule in rules if rule.cell_len <= room]
        return max(fitting) if 2 * len(fitting) >= len(rules) else 0

    def _packed(self, parts: list[str], indent: int) -> Text:
        """The parts in as many lines as they need, broken between parts as far as that is possible."""
        dot, lines = self._glyphs.dot, [""]
        for part in parts:
            longer = f"{lines[-1]}{dot}{part}" if lines[-1] else part
            if lines[-1] and indent + cell_len(longer) >= self._console.width:
                lines.append(part)
            else:
                lines[-1] = longer
        return Text("\n").join(self._wrapped(Text(line, "dim"), indent) for line in lines)

    def _item(self, item: Item, columns: Columns, rule: Text, parts: list[str], beside: int) -> None:
        risk = item.suggestion.risk
        row = Text.assemble(" ", (risk, _RISK[risk]), " " * (_RISK_WIDTH - len(risk)))
        row.append(f" {item.suggestion.evidence.count:>{columns.number},}  ")
        if rule.cell_len <= beside:
            gap = " " * (beside - rule.cell_len + 2)
            self._print(row.append_text(rule).append(gap).append(self._glyphs.dot.join(parts), "dim"))
        elif columns.rule + rule.cell_len <= self._console.width:
            self._print(row.append_text(rule))
            self._print(self._packed(parts, columns.rule))
        else:
            self._print(row.append_text(self._packed(parts, columns.rule)[columns.rule :]))
            self._print(Text("  ").append_text(rule))
        if not item.sound:
            self._print(self._wrapped(Text("Not for pasting: it fails the grammar of its language.", "red"), columns.rule))
        for other in item.suggestion.alternatives:
            self._print(Text.assemble((f"{'or':>{columns.rule - 2}}  ", "dim"), plain(sections.rendered(other, self._firewall))))

    def _details(self, suggestion: Suggestion, common: Common) -> list[str]:
        evidence = suggestion.evidence
        when = span(evidence.first, evidence.last)
        parts = [identity.of(suggestion)[: self._digits], sections.many(suggestion.rule)]
        parts.append(when.replace(common.day, "") if common.day else when)
        if evidence.attempts != evidence.count:
            parts.append(amount(evidence.attempts, "attempt"))
        if not common.host and (names := sections.hosts(evidence)):
            parts.append(f"on {names}")
        if evidence.places:
            parts.append(_place(common.files, evidence.places[0]))
        if not common.trust:
            parts.append(f"trust {suggestion.trust}")
        if suggestion.confidence != "high":
            parts.append(f"confidence {suggestion.confidence}")
        return [part for part in parts if part]

    def _table(self, *columns: str) -> Table:
        table = Table(box=self._glyphs.table, show_edge=False, pad_edge=True, header_style="dim", border_style="dim")
        for column in columns:
            count = column == "Lines"
            table.add_column(Text(column), justify="right" if count else "left", min_width=7 if count else None, overflow="fold")
        return table

    def _not_suggested(self, report: Report) -> None:
        reasons = report.advice.not_suggested
        if not reasons:
            return
        self._heading("No rule for", amount(sum(reasons.values()), "event"))
        table = self._table("Lines", "Why")
        for reason, count in _by_count(reasons.items()):
            table.add_row(Text(f"{count:,}"), Text(printable(reason)))
        self._print(table)

    def _not_understood(self, summary: Summary) -> None:
        undecoded = summary.undecoded
        if not undecoded.total:
            return
        self._heading("Not understood", f"{amount(undecoded.total, 'line')} of interest")
        table = self._table("Lines", "Why", "First")
        for reason, count in _by_count(undecoded.reasons.items()):
            where = [(file, line) for file, line, its in undecoded.first if its == reason]
            places = ", ".join(sections.place(summary.files, at) for at in where[:_FIRST_PLACES])
            table.add_row(Text(f"{count:,}"), Text(printable(reason)), Text(places))
        self._print(table)

    def _summary(self, report: Report, common: Common) -> None:
        grid = Table.grid(padding=(0, 2), expand=True)
        grid.add_column(no_wrap=True)
        grid.add_column(ratio=1, overflow="fold")
        for label, value in self._summary_rows(report, common):
            grid.add_row(Text(label, "dim"), value)
        self._print(Text())
        title, frame = (Text("Summary", "bold"), "dim") if report.summary.complete else (Text("INCOMPLETE", "bold red"), "red")
        self._print(Panel(grid, box=self._glyphs.panel, title=title, title_align="left", border_style=frame))

    def _summary_rows(self, report: Report, common: Common) -> Iterator[tuple[str, Text]]:
        summary, dot = report.summary, self._glyphs.dot
        names = [printable(name, NAME_LIMIT) for name in summary.files[:_FILES]]
        more = [f"{len(summary.files) - _FILES:,} more"] if len(summary.files) > _FILES else []
        yield "Read", Text(f"{amount(len(summary.files), 'file')}, {amount(summary.lines, 'line')}, {_size(summary.bytes)}")
        if names:
            yield "", Text(", ".join(names + more))
        if summary.unreadable:
            yield "Not read", Text(", ".join(printable(name, NAME_LIMIT) for name in summary.unreadable), "bold red")
        yield "Events", Text(dot.join(f"{summary.events.get(kind, 0):,} {kind}" for kind in KINDS))
        if asked := _asked(summary):
            yield "Asked for", Text(asked)
        if times := span(summary.first, summary.last):
            yield "Time", Text(f"{times} UTC")
        if common.host:
            yield "Host", Text(common.host)
        undecoded = summary.undecoded.total
        yield "Not understood", Text(f"{amount(undecoded, 'line')} of interest", "yellow") if undecoded else Text("none")
        yield "Trust", self._trust(summary)
        if summary.policy:
            yield "Policy", Text(", ".join(printable(name, NAME_LIMIT) for name in summary.policy))
        if summary.network:
            yield "Known", Text(dot.join(f"{printable(what)} {count:,}" for what, count in summary.network.items()))
        for loss in summary.losses:
            yield "Lost", Text(printable(loss), "bold red")
        yield "Sandbox", _sandbox(summary.sandbox)
        roles = ", ".join(f"{role} {count}" for role, count in summary.sandbox.seccomp.items())
        yield "System calls", Text(f"seccomp allows: {printable(roles)}") if roles else Text("no seccomp filter", "bold red")
        result = Text("complete", "green") if summary.complete else Text("INCOMPLETE", "bold red")
        findings = len(_only(report, findings=True).advice.suggestions)
        counted = [amount(len(report.advice.suggestions) - findings, "suggestion")]
        counted += [amount(findings, "finding")] if findings else []
        yield "Result", result.append("".join(f"{dot}{part}" for part in counted), "default")

    def _trust(self, summary: Summary) -> Text:
        text = Text(self._glyphs.dot.join(f"{summary.trust.get(grade, 0):,} {grade}" for grade in GRADES))
        if summary.trust.get("syslog"):
            text.append(" (any local user can forge lines of grade syslog)", "dim")
        return text


def _only(report: Report, *, findings: bool) -> Report:
    """The report with findings alone, which a human has to understand before anything is allowed, or without them."""
    chosen = tuple(one for one in report.advice.suggestions if (one.intent == "alert") is findings)
    return replace(report, advice=replace(report.advice, suggestions=chosen))


def _place(files: tuple[str, ...], at: tuple[int, int]) -> str:
    return f"line {at[1]}" if len(files) == 1 and at[0] == 0 else sections.place(files, at)


def _asked(summary: Summary) -> str:
    since = "" if summary.since is None else f"since {short(summary.since)}"
    until = "" if summary.until is None else f"until {short(summary.until)}"
    return f"{since} {until}".strip() + " UTC" if since or until else ""


def _common(report: Report) -> Common:
    summary, suggestions = report.summary, report.advice.suggestions
    grades = {suggestion.trust for suggestion in suggestions}
    hosts = {host for suggestion in suggestions for host in suggestion.evidence.hosts or (b"",)}
    first, last = ("" if micros is None else short(micros)[:10] for micros in (summary.first, summary.last))
    return Common(
        files=summary.files,
        trust=grades.pop() if len(grades) == 1 else "",
        host=printable(hosts.pop(), HOST_LIMIT) if len(hosts) == 1 else "",
        day=f"{first} " if first == last else first[:5] if first[:5] == last[:5] else "",
    )


def _by_count(counts: Iterable[tuple[str, int]]) -> list[tuple[str, int]]:
    """The largest first, equal ones by name."""
    return sorted(counts, key=lambda pair: (-pair[1], pair[0]))


def _size(number: int) -> str:
    """Bytes for people, in steps of 1000."""
    size = float(number)
    for unit in ("bytes", "kB", "MB", "GB"):
        if size < _STEP:
            return f"{size:.0f} {unit}" if unit == "bytes" else f"{size:.1f} {unit}"
        size /= _STEP
    return f"{size:,.1f} TB"


def _sandbox(state: SandboxState) -> Text:
    text = Text(state.mode, "green" if state.mode == "full" else "yellow")
    parts = (
        f": {amount(state.parsers, 'parser')}, uid {state.uid}, root {printable(state.root)}, "
        f"capabilities {printable(state.capabilities)}, "
    )
    text.append(parts, "default")
    return text.append("no_new_privs") if state.no_new_privs else text.append("NO no_new_privs", "bold red")
