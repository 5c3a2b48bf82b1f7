"""Format ``json``: one document, and the schema that describes it, from one definition (DESIGN 6)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from json.encoder import JSONEncoder
from typing import Annotated, Literal

import msgspec

from syslogparse.evidence.model import Evidence, Grade, Kind, Reason
from syslogparse.languages import render as languages
from syslogparse.languages.apparmor_policy import BASE as LOCAL_BASE
from syslogparse.languages.render import Firewall
from syslogparse.report import identity
from syslogparse.report.events import ascii_json
from syslogparse.report.model import Report, Summary
from syslogparse.report.timefmt import timestamp
from syslogparse.rules.model import Confidence, Intent, Risk, Rule, Suggestion, SyscallRule

Count = Annotated[int, msgspec.Meta(ge=0)]
LineNumber = Annotated[int, msgspec.Meta(ge=1, description="counted from 1, by line feed")]
Time = Annotated[str, msgspec.Meta(pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}\+00:00$", description="UTC, six digits")]
FileName = Annotated[str, msgspec.Meta(description="as given on the command line; undecodable bytes as surrogate escapes")]


class Place(msgspec.Struct, frozen=True):
    """Where a line stands."""

    file: FileName
    line: LineNumber


class UndecodedPlace(msgspec.Struct, frozen=True):
    """Where a line stands that is no event, and why it is none."""

    file: FileName
    line: LineNumber
    reason: Reason


class UndecodedLines(msgspec.Struct, frozen=True):
    """Lines of interest that are no event."""

    total: Count
    reasons: dict[Reason, Count]
    first: Annotated[tuple[UndecodedPlace, ...], msgspec.Meta(max_length=20)]


class Sandbox(msgspec.Struct, frozen=True):
    """What held while the logs were parsed."""

    mode: Annotated[Literal["full", "reduced"], msgspec.Meta(description="full: started as root; reduced: a user namespace")]
    parsers: Count
    uid: Count
    root: str
    capabilities: str
    no_new_privs: bool
    seccomp: Annotated[dict[str, Count], msgspec.Meta(description="allowed system calls by role")]


class Overview(msgspec.Struct, frozen=True):
    """How the suggestions came about."""

    files: tuple[FileName, ...]
    unreadable: tuple[FileName, ...]
    lines: Count
    bytes: Count
    events: dict[Kind, Count]
    since: Annotated[Time | None, msgspec.Meta(description="asked for: what was logged at this time or later")]
    until: Annotated[Time | None, msgspec.Meta(description="asked for: what was logged before this time")]
    first: Time | None
    last: Time | None
    policy: Annotated[tuple[FileName, ...], msgspec.Meta(description="files with policy in force that were asked")]
    network: Annotated[dict[str, Count], msgspec.Meta(description="how much is known of the machine's own network")]
    undecoded: UndecodedLines
    not_suggested: Annotated[dict[str, Count], msgspec.Meta(description="understood, and yet no rule: events by reason")]
    trust: Annotated[dict[Grade, Count], msgspec.Meta(description="events by how hard their log is to forge")]
    complete: bool
    losses: Annotated[tuple[str, ...], msgspec.Meta(description="why the result is incomplete")]
    sandbox: Sandbox


class Proposal(msgspec.Struct, frozen=True, omit_defaults=True):
    """A rule and what speaks for it. Text may hold anything that a log holds: escape it before a terminal sees it."""

    id: Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{16}$", description="the same for the same rule in every run")]
    kind: Literal["iptables", "nftables", "ufw", "apparmor", "seccomp"]
    intent: Intent
    rule: Annotated[str, msgspec.Meta(description="to be pasted as it is; where it takes several lines, line feeds between them")]
    undo: Annotated[str, msgspec.Meta(description="takes the rule back, in as many lines as it needs")]
    count: Annotated[Count, msgspec.Meta(description="log lines")]
    attempts: Count
    first: Time | None
    last: Time | None
    hosts: tuple[str, ...]
    trust: Annotated[Grade, msgspec.Meta(description="the weakest that the rule rests on")]
    risk: Risk
    confidence: Confidence
    why: str
    evidence: Annotated[tuple[Place, ...], msgspec.Meta(max_length=5)]
    alternatives: tuple[str, ...]
    profile: str | None = None
    local: Annotated[str | None, msgspec.Meta(description="the file for the site's own rules that the profile includes")] = None
    exe: str | None = None


class Document(msgspec.Struct, frozen=True):
    """What ``syslogparse --format json`` prints."""

    version: Literal[1]
    summary: Overview
    suggestions: tuple[Proposal, ...]


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "surrogateescape")


def _time(micros: int | None) -> str | None:
    return None if micros is None else timestamp(micros)


def _file(files: tuple[str, ...], index: int) -> str:
    return files[index] if 0 <= index < len(files) else "?"


def _places(evidence: Evidence, files: tuple[str, ...]) -> tuple[Place, ...]:
    return tuple(Place(_file(files, index), line) for index, line in evidence.places[:5])


def _whole_programs(suggestions: Sequence[Suggestion]) -> dict[Rule, tuple[str, ...]]:
    """The forms that hold all calls of a program that need no second thought, by the first of these rules.

    By one of them alone: with each, a log of many calls would make a document of their square.
    """
    programs: dict[bytes, list[Rule]] = {}
    for one in suggestions:
        if isinstance(one.rule, SyscallRule) and one.risk in {"low", "medium"}:
            programs.setdefault(one.rule.exe, []).append(one.rule)
    return {rules[0]: languages.together(rules) for rules in programs.values()}


def _alternatives(suggestion: Suggestion, whole: Mapping[Rule, tuple[str, ...]], firewall: Firewall) -> tuple[str, ...]:
    rule = suggestion.rule
    others = (languages.render(other, firewall) for other in suggestion.alternatives)
    return (*others, *(whole.get(rule) or languages.together([rule])))


def _proposal(
    suggestion: Suggestion, files: tuple[str, ...], firewall: Firewall, whole: Mapping[Rule, tuple[str, ...]]
) -> Proposal:
    rule, evidence = suggestion.rule, suggestion.evidence
    kind, text = languages.language(rule, firewall), languages.render(rule, firewall)
    return Proposal(
        id=identity.of(suggestion),
        kind=kind,
        intent=suggestion.intent,
        rule=text,
        undo=languages.undo(rule, firewall),
        count=evidence.count,
        attempts=evidence.attempts,
        first=_time(evidence.first),
        last=_time(evidence.last),
        hosts=tuple(_text(host) for host in evidence.hosts if host),
        trust=suggestion.trust,
        risk=suggestion.risk,
        confidence=suggestion.confidence,
        why=suggestion.why,
        evidence=_places(evidence, files),
        alternatives=_alternatives(suggestion, whole, firewall),
        profile=None if suggestion.profile is None else _text(suggestion.profile),
        local=f"{LOCAL_BASE}{suggestion.local}" if suggestion.local else None,
        exe=_text(rule.exe) if isinstance(rule, SyscallRule) else None,
    )


def _overview(summary: Summary, not_suggested: dict[str, int]) -> Overview:
    files, undecoded = summary.files, summary.undecoded
    first = tuple(UndecodedPlace(_file(files, index), line, reason) for index, line, reason in undecoded.first[:20])
    sandbox = summary.sandbox
    return Overview(
        files=files,
        unreadable=summary.unreadable,
        lines=summary.lines,
        bytes=summary.bytes,
        events=summary.events,
        since=_time(summary.since),
        until=_time(summary.until),
        first=_time(summary.first),
        last=_time(summary.last),
        policy=summary.policy,
        network=dict(summary.network),
        undecoded=UndecodedLines(undecoded.total, undecoded.reasons, first),
        not_suggested=not_suggested,
        trust=summary.trust,
        complete=summary.complete,
        losses=summary.losses,
        sandbox=Sandbox(
            sandbox.mode,
            sandbox.parsers,
            sandbox.uid,
            sandbox.root,
            sandbox.capabilities,
            sandbox.no_new_privs,
            sandbox.seccomp,
        ),
    )


_encode = JSONEncoder(ensure_ascii=True, check_circular=False, indent=2).encode


def _indented(document: object) -> bytes:
    """Indent like the standard library, and as ASCII; much faster as long as no surrogate escape stands alone.

    That is how undecodable bytes of names and logs arrive here, and msgspec refuses it.
    """
    raw = ascii_json(document)
    try:
        return msgspec.json.format(raw, indent=2) + b"\n"
    except msgspec.DecodeError:
        return _encode(document).replace("\x7f", "\\u007f").encode("ascii") + b"\n"


_BATCH = 256
"""Suggestions that are held as text at once: what they take as objects is many times that."""
_END = b"\n  ]\n}\n"


def pieces(report: Report) -> Iterator[bytes]:
    """The document in pieces: as ASCII JSON, indented, with a last line feed."""
    suggestions, files, firewall = report.advice.suggestions, report.summary.files, report.firewall
    whole = _whole_programs(suggestions)
    frame = Document(version=1, summary=_overview(report.summary, report.advice.not_suggested), suggestions=())
    head = _indented(msgspec.to_builtins(frame))
    if not suggestions:
        yield head
        return
    yield head.removesuffix(b"[]\n}\n") + b"["
    for start in range(0, len(suggestions), _BATCH):
        batch = [_proposal(one, files, firewall, whole) for one in suggestions[start : start + _BATCH]]
        # Between the brackets, one step further in. No string holds a line feed as it is.
        inner = _indented(msgspec.to_builtins(batch))[1:-3].replace(b"\n", b"\n  ")
        yield (b"," if start else b"") + inner
    yield _END


def render(report: Report) -> bytes:
    """The document as one."""
    return b"".join(pieces(report))


def schema() -> bytes:
    """The JSON Schema (draft 2020-12) of what :func:`render` gives, as indented ASCII JSON with a last line feed."""
    return _indented({"$schema": "https://json-schema.org/draft/2020-12/schema", **msgspec.json.schema(Document)})
