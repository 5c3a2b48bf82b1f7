"""--explain-sandbox: the steps and the filters, printed from the very objects that carry them out."""

from __future__ import annotations

import shutil
from io import StringIO

from rich import box
from rich.console import Console
from rich.table import Table

from syslogparse.sandbox.confine import EXPLAINED
from syslogparse.sandbox.launch import color_wanted, kept_environment
from syslogparse.sandbox.seccomp import BUDGET, LOG_ROLES, ROLES, TABLE, Role, allowed

_ORDER = {
    "0": "launch",
    "1": "namespaces",
    "2": "capabilities",
    "3": "open",
    "4": "fork; supervisor and analyst confine themselves",
    "5": "fork the validator and the parsers",
    "6": "filter",
}
_WHO: dict[Role, str] = {
    "parser": "reads mapped log bytes; the attack surface",
    "analyst": "merges what parsers send, decides, prints",
    "validator": "with --output: checks lines of rules and writes them to files without a name",
    "supervisor": "waits; touches no byte of a log",
    "broker": "the supervisor with --output: waits; reads one byte; gives finished files their names",
}


def explain(*, terminal: bool) -> bytes:
    """The text, ready to be written. terminal: whether it goes to one, which decides on colour and width."""
    width = shutil.get_terminal_size().columns if terminal else 120
    color = color_wanted(kept_environment(), terminal=terminal)
    console = Console(file=StringIO(), width=max(width, 60), force_terminal=color, no_color=not color, legacy_windows=False)
    console.print("Before a log byte is parsed, in this order; every step is checked, and any failure ends the program:\n")
    console.print(_steps())
    union = {call.name for call in TABLE if set(call.roles) & set(LOG_ROLES)}
    console.print(
        f"\nSystem calls that remain. Everything else kills the process. Who touches bytes of a log is left with {len(union)} "
        f"of a budget of {BUDGET}.\n",
        highlight=False,
    )
    for role in ROLES:
        console.print(_filter(role))
    output = console.file
    assert isinstance(output, StringIO)  # noqa: S101 - made above
    return output.getvalue().encode("utf-8")


def _steps() -> Table:
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False)
    for heading, ratio in (("", 1), ("Step", 5), ("What it does", 14), ("Why there", 14)):
        table.add_column(heading, overflow="fold", ratio=ratio, style="bold" if heading == "Step" else None)
    last = ""
    for number, step in EXPLAINED:
        if number != last:
            table.add_row(number, f"[dim]{_ORDER[number]}[/dim]", "", "")
            last = number
        table.add_row("", step.name, step.what, step.why)
    return table


def _filter(role: Role) -> Table:
    calls = allowed(role)
    table = Table(
        title=f"{role}: {len(calls)} calls. {_WHO[role]}.",
        title_justify="left",
        box=box.SIMPLE_HEAD,
        show_edge=False,
        pad_edge=False,
    )
    for heading, ratio in (("System call", 4), ("Only if", 8), ("What for", 14)):
        table.add_column(heading, overflow="fold", ratio=ratio, style="bold" if heading == "System call" else None)
    for call in calls:
        table.add_row(call.name, call.condition.text if call.condition else "", call.reason)
    return table
