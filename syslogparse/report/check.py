"""What the log asks for that an earlier result has not: for cron(8) and CI.

A suggestion is new when no suggestion of the baseline has its identity, whatever their counts are. The baseline is a document of
the format ``json``; it may come from anywhere, and nothing is taken from it but the names of suggestions.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Annotated, Literal

import msgspec

from syslogparse.languages import render as languages
from syslogparse.report import identity, sections
from syslogparse.report.escape import plain, printable
from syslogparse.report.model import Report
from syslogparse.report.sections import NAME_LIMIT, amount
from syslogparse.rules.model import RISKS, Suggestion

LIMIT = 64 << 20
"""Bytes of a baseline."""
HOW_TO = "make one with: syslogparse --format json LOG ... > FILE"
_RULE_LIMIT = 400
"""Characters of a rule in a summary; the whole rule is what --explain shows."""


class _Known(msgspec.Struct, frozen=True):
    id: Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{16}\Z")]


class _Baseline(msgspec.Struct, frozen=True):
    version: Literal[1]
    suggestions: tuple[_Known, ...]


_decode = msgspec.json.Decoder(_Baseline).decode
_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F](?=[0-9a-fA-F]{2})")
"""What undecodable bytes of a log become in the format json, and msgspec refuses even where it looks at nothing."""


class BadBaseline(Exception):
    """This is no document of the format json."""


def known(document: bytes | memoryview) -> frozenset[str]:
    """The names of a baseline's suggestions. Raises BadBaseline, whatever the document is."""
    try:
        return frozenset(one.id for one in _decode(_SURROGATE.sub(rb"\\u00", document)).suggestions)
    except MemoryError:
        raise BadBaseline("it holds more than fits into memory") from None
    except Exception:  # noqa: BLE001 - DecodeError, ValidationError, RecursionError for deep nesting ...
        raise BadBaseline("it is no document of --format json") from None


def only_new(report: Report, before: frozenset[str]) -> Report:
    """The report with the suggestions that are not among those names."""
    new = tuple(one for one in report.advice.suggestions if identity.of(one) not in before)
    return msgspec.structs.replace(report, advice=msgspec.structs.replace(report.advice, suggestions=new))


def render(report: Report, max_rules: int | None = None) -> str:
    """A summary that fits a mail: a line for each suggestion, findings first, then the riskiest. Empty where there is none.

    max_rules: only so many lines.
    """
    new = sorted(report.advice.suggestions, key=_order)
    if not new:
        return ""
    return "\n".join(_lines(report, new, new[:max_rules])) + "\n"


def _order(suggestion: Suggestion) -> tuple[bool, int, int]:
    return suggestion.intent != "alert", -RISKS.index(suggestion.risk), -suggestion.evidence.count


def _lines(report: Report, new: list[Suggestion], shown: list[Suggestion]) -> Iterator[str]:
    summary = report.summary
    yield f"syslogparse: {amount(len(new), 'new suggestion')} from {amount(summary.lines, 'line')} of log"
    if not summary.complete:
        yield "INCOMPLETE: this does not rest on all of the log."
    yield ""
    names = [identity.of(one) for one in shown]
    digits = identity.short(names)
    yield f"{'Risk':<8} {'Lines':>7}  {'ID':<{digits}}  Suggestion"
    for one, name in zip(shown, names, strict=True):
        rule = plain(languages.main(one.rule, report.firewall)).replace("\n", " ; ")
        owner = sections.owner(one)
        whose = "" if owner is None else f"{printable(owner, NAME_LIMIT)}: "
        rule = rule if len(rule) <= _RULE_LIMIT else f"{rule[:_RULE_LIMIT]}..."
        yield (f"{one.risk:<8} {one.evidence.count:>7,}  {name[:digits]}  {one.intent}: {whose}{rule}  ({printable(one.why)})")
    yield ""
    if len(shown) < len(new):
        yield f"{len(new) - len(shown):,} more not shown (--max-rules)."
    yield "syslogparse --explain ID, with the same logs and options, shows one in full."
