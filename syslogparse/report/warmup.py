"""Everything lazy that printing would load, loaded before the process may no longer open a file.

rich imports its Unicode tables at the first character beyond Latin, codecs are found at their first use, and so on. So a
synthetic report with every feature is rendered in the format that is wanted, and the result thrown away.
"""

from __future__ import annotations

from collections.abc import Callable

from msgspec.structs import replace

from syslogparse.evidence.model import AppArmorKey, Event, Evidence, Key, Kind, NetfilterKey, SeccompKey
from syslogparse.languages import render as languages
from syslogparse.languages.render import FIREWALLS
from syslogparse.report import events
from syslogparse.report.model import Report, SandboxState, Summary, Undecoded
from syslogparse.rules.apparmor_model import CapabilityRule, FileRule, NetworkRule
from syslogparse.rules.model import RISKS, Advice, FirewallRule, Rule, Suggestion, SyscallRule, TcpFlags

_NASTY = (
    "wide 漢字 emoji \U0001f980 joined \U0001f468\u200d\U0001f469 é e\u0301 עברית "
    "\x1b[31m \u202e \udcff \ud800 \ue000 [bold]\\ 1\ufe0f\u20e3"
)
"""A character of every kind that a terminal, a codec or a table of widths treats in its own way."""

_BYTES = _NASTY.encode("utf-8", "surrogatepass") + b"\xff\xfe"

_SOURCES = ("192.0.2.1", "192.0.2.4", "192.0.2.8/29", "198.51.100.0/24")
_WHOLE = FirewallRule(
    4, "INPUT", "DROP", "tcp", "eth0", sources=_SOURCES, ports=((22, 22), (80, 90)), flags=TcpFlags(("FIN", "ACK"), ("FIN",))
)
"""All that a firewall rule can say at once."""

_NOW, _DAY = 1_795_328_446_882_000, 86_400_000_000

_FIREWALL: NetfilterKey = NetfilterKey(b"[UFW BLOCK]", b"eth0", *[b""] * 10)
_APPARMOR: AppArmorKey = AppArmorKey(b"DENIED", b"", _BYTES, b"open", *[b""] * 12)
_SECCOMP: SeccompKey = SeccompKey(_BYTES, _BYTES, b"", b"x86_64", b"110", b"getppid", b"log", b"0")


def _evidence(kind: Kind, key: Key, profile: bytes = b"") -> Evidence:
    return Evidence(kind, key, 1_234_567, 12, _NOW, _NOW + _DAY, (b"gw", profile, b"b", b"c"), {"syslog": 9}, ((0, 1), (9, 1)))


def _rules() -> list[tuple[Rule, Evidence, bytes | None]]:
    """One rule of every type, short and long, with and without times and hosts."""
    firewall = _evidence("netfilter", _FIREWALL)
    apparmor = _evidence("apparmor", _APPARMOR, _BYTES)
    seccomp = Evidence("seccomp", _SECCOMP, 1, 1, None, None, (), {"kernel": 1}, ())
    v6 = FirewallRule(
        6, "FORWARD", "ACCEPT", "tcp", "eth0", "eth1", sources=("2001:db8::1",), dst="2001:db8::2", ports=((443, 443),)
    )
    return [
        (FirewallRule(4, "INPUT", "DROP", "udp", "eth0", sources=("192.0.2.2",), ports=((53, 53),)), firewall, None),
        (v6, firewall, None),
        (FirewallRule(4, "INPUT", "ACCEPT", "icmp", icmp_type=8, icmp_code=0), firewall, None),
        (FileRule(b"/srv/f", "rw", owner=True), apparmor, b"/usr/sbin/nginx"),
        (FileRule(b"/" + _BYTES, "r"), apparmor, _BYTES),
        (CapabilityRule("sys_admin"), apparmor, _BYTES),
        (NetworkRule("inet", "stream"), apparmor, _BYTES),
        (SyscallRule(b"/usr/bin/true", "x86_64", "getppid"), seccomp, None),
        (SyscallRule(_BYTES, "aarch64", "openat2"), seccomp, None),
    ]


def synthetic_report(complete: bool) -> Report:
    """A report in which everything occurs that a report can hold. complete: whether it says so."""
    suggestions = [
        Suggestion(rule, "allow", RISKS[number % len(RISKS)], "low", "Words " * 30, evidence, "syslog", profile, (rule,))
        for number, (rule, evidence, profile) in enumerate(_rules())
    ]
    summary = Summary(
        files=("/var/log/syslog", _NASTY),
        unreadable=() if complete else (_NASTY,),
        lines=123_456_789,
        bytes=12_345_678_901,
        events={"netfilter": 1, "apparmor": 2, "seccomp": 3},
        first=_NOW,
        last=_NOW + _DAY,
        undecoded=Undecoded(2, {"invalid port": 1, "no log envelope": 1}, ((0, 1, "invalid port"), (1, 2, "no log envelope"))),
        trust={"kernel": 1, "kern": 2, "syslog": 3},
        complete=complete,
        losses=() if complete else ("A parser was killed.",),
        since=None if complete else _NOW,
        until=None if complete else _NOW + _DAY,
        policy=() if complete else (_NASTY,),
        network={} if complete else {"own addresses": 3},
        sandbox=SandboxState("full" if complete else "reduced", 2, 65534, "empty", "none", complete, {"parser": 9}),
    )
    if not complete:
        suggestions[0] = replace(suggestions[0], intent="alert")
    return Report(summary, Advice(tuple(suggestions), {"a reason": 3}), events={(0, 1): synthetic_event()})


def synthetic_event() -> Event:
    """An event with a field of every type."""
    return Event("netfilter", _NOW, _BYTES, "syslog", {"prefix": _BYTES, "dpt": 22, "tcp_flags": [b"SYN", _BYTES]})


def _warm_up_languages() -> None:
    """A rule of many lines in each firewall language, checked line by line."""
    for firewall in FIREWALLS:
        for rule in (_WHOLE, replace(_WHOLE, flags=None)):
            script = languages.Script(firewall, [rule], [rule])
            lines = (*script.head, *script.lines(rule, "Words; more (words)."), *languages.lines(rule, firewall))
            for line in (*lines, languages.main(rule, firewall), *languages.undo(rule, firewall).split("\n")):
                languages.check(firewall, line)


def warm_up(*renderers: Callable[[Report], object]) -> None:
    """Render what has everything in it, once complete and once not, and an event; nothing is printed.

    Call it before the confinement with the very renderers that will be used after it.
    """
    for renderer in renderers:
        for complete in (True, False):
            renderer(synthetic_report(complete))
    events.render(synthetic_event(), _NASTY, 1, repeat=3)
    _warm_up_languages()
