"""The visible corpora, and what has to come out of each of their files."""

import gzip
import json
from collections import Counter
from datetime import UTC
from pathlib import Path
from typing import NamedTuple

from syslogparse.evidence.decode import Decoder
from syslogparse.evidence.model import Event, Undecodable
from syslogparse.evidence.stamp import Clock

NEWEST = 1_795_400_000 * 10**6
"""After the last captured line, and before the next year."""


class Expected(NamedTuple):
    """Events by kind, and undecoded lines by reason."""

    netfilter: int = 0
    apparmor: int = 0
    seccomp: int = 0
    undecoded: tuple[tuple[str, int], ...] = ()


class Result(NamedTuple):
    """A line and what it gave."""

    line: bytes
    event: Event | Undecodable | None


CAPTURED = {
    "apparmor-6.1.0.log": Expected(apparmor=369),
    "apparmor-6.12.log": Expected(apparmor=496),
    "audit-ENRICHED-6.12.log": Expected(apparmor=15, seccomp=9),
    "audit-RAW-6.12.log": Expected(apparmor=65, seccomp=36),
    "ausearch-i-6.12.log": Expected(seccomp=36),
    "iptables-6.12.log": Expected(netfilter=192),
    "journal-json-6.12.log": Expected(netfilter=12, apparmor=65, seccomp=36),
    "journal-k-6.12.log": Expected(netfilter=12, apparmor=50, seccomp=27),
    "journal-short-6.12.log": Expected(netfilter=12, apparmor=65, seccomp=36),
    "journal-short-iso-6.12.log": Expected(netfilter=12, apparmor=65, seccomp=36),
    "journal-short-precise-6.12.log": Expected(netfilter=12, apparmor=65, seccomp=36),
    "nftables-6.12.log": Expected(netfilter=123),
    "rsyslog-kern-6.12.log": Expected(netfilter=8, apparmor=35, seccomp=18),
    "rsyslog-kern-traditional-6.12.log": Expected(netfilter=8, apparmor=35, seccomp=18),
    # A forged line was written there on purpose: `myapp: fake audit: type=1400 ...`.
    "rsyslog-syslog-6.12.log": Expected(netfilter=8, apparmor=35, seccomp=18, undecoded=(("not said by the kernel", 1),)),
    "seccomp-6.12.log": Expected(seccomp=9),
    "ufw-6.1.0.log": Expected(netfilter=90),
}
_SCANS = {
    "ack_scan_1000_1150": 302,
    "fin_scan_1000_1150": 302,
    "fwknop_spa_pkt": 1,
    "invalid_icmp_type_code": 5,
    "ipv4_igmp": 4,
    "ipv4_valid_ping": 5,
    "ipv6_invalid_icmp6_type_code": 2,
    "ipv6_ms_sql_server_sig_match": 1,
    "ipv6_ping_scan": 2,
    "ipv6_tcp_connect_nmap_default_scan": 1009,
    "mirai_default_credentials_scan": 11,
    "ms_sql_server_sig_match": 2,
    "null_scan_1000_1150": 303,
    "proto_scan": 510,
    "reputation_scan": 7,
    "syn_scan_1000_1500": 1002,
    "syn_scan_1000_1500_localhost": 1002,
    "syn_scan_1000_1500_multi_dst": 4008,
    "syn_scan_1000_1500_zeroip": 1002,
    "syn_sweep": 12,
    "syslog_time_fmt1.log": 6,
    "topera_ipv6_syn_scan_no_ip_opts": 1058,
    "topera_ipv6_syn_scan_with_ip_opts": 1046,
    "udp_scan_1000_1150": 302,
    "xmas_scan_1000_1150": 302,
}
CORPORA = {
    **{f"captured/{name}": expected for name, expected in CAPTURED.items()},
    # Thirteen lines there are bare: `apparmor="ALLOWED" operation=...` without anybody who says it.
    "apparmor/apparmor.d-logs/audit.log": Expected(apparmor=47, undecoded=(("no log envelope", 13),)),
    "apparmor/apparmor.d-logs/systemd.log": Expected(apparmor=13),
    **{f"netfilter/psad-scans/{name}": Expected(netfilter=lines) for name, lines in _SCANS.items()},
    # Six source addresses were made unrecognisable by hand.
    "netfilter/honeynet-sotm34.log.gz": Expected(netfilter=179_730, undecoded=(("invalid address", 6),)),
}
UPSTREAM = "apparmor/test_multi.jsonl"
"""Test cases of AppArmor itself, a log line in each."""


def decoder() -> Decoder:
    """For logs that only root can write."""
    names = {("x86_64", 110): "getppid", ("x86", 64): "getppid"}
    return Decoder(Clock(UTC, NEWEST), "kernel", "kern", lambda arch, number: names.get((arch, number)))


def lines(path: Path) -> list[bytes]:
    """Every line of a corpus without its LF."""
    raw = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    if path.suffix == ".jsonl":
        return [line for case in raw.splitlines() for line in json.loads(case)["raw"].encode().splitlines()]
    return raw.removesuffix(b"\n").split(b"\n")


def results(path: Path) -> list[Result]:
    """Every line with what it gave."""
    decode, found = decoder().event, []
    for line in lines(path):
        try:
            found.append(Result(line, decode(line)))
        except Undecodable as refused:
            found.append(Result(line, refused))
    return found


def summed(found: list[Result]) -> Expected:
    """Counted like what is expected."""
    kinds = Counter(result.event.kind for result in found if isinstance(result.event, Event))
    reasons = Counter(result.event.reason for result in found if isinstance(result.event, Undecodable))
    return Expected(kinds["netfilter"], kinds["apparmor"], kinds["seccomp"], tuple(sorted(reasons.items())))
