"""Every line of two public collections of real firewall logs, against a splitter that shares nothing with the decoder."""

import gzip
import re
from collections import Counter
from datetime import UTC
from ipaddress import ip_address

import pytest

from syslogparse.evidence import netfilter
from syslogparse.evidence.bulk import Bulk, rows_of
from syslogparse.evidence.decode import Decoder, interesting
from syslogparse.evidence.envelope import without_uptime
from syslogparse.evidence.model import Undecodable
from syslogparse.evidence.stamp import Clock
from syslogparse.rules import packet

BLOCK = 2000
NEWEST = 1111104000_000000
PROTOCOLS = (
    {"TCP": "tcp", "UDP": "udp", "UDPLITE": "udplite", "ICMP": "icmp", "ICMPv6": "icmpv6", "AH": "ah", "ESP": "esp"}
    | {str(number): name for name, number in packet.PROTOCOLS.items() if name != "ipip"}
    | {"4": "ipencap"}
)
NUMBERS = {"SPT": "spt", "DPT": "dpt", "TYPE": "icmp_type", "CODE": "icmp_code", "TTL": "ttl", "HOPLIMIT": "ttl", "LEN": "length"}
FLAGS = ("CWR", "ECE", "URG", "ACK", "PSH", "RST", "SYN", "FIN")
EVENTS, SCANNED = 179_730, 12_206
"""Lines of the honeynet, and of the scans, that are packets."""
MASKED = [(b"219.255.10.22", b"11.11.79.81"), (b"63.190.10.22", b"11.11.79.90")]
"""Where the honeynet's masking of addresses ate a blank: `SRC=219.255.10.22.DST=11.11.79.81`, three lines of each."""


def split(line):
    """The fields of a line as text, from a dictionary of its words."""
    message = line.split("kernel: ", 1)[1].rstrip()
    message = re.sub(r"^\[ *[0-9.]+\] ", "", message)
    prefix, _, rest = message.partition("IN=")
    words = ("IN=" + rest).split(" [SRC=")[0].split(" ")
    pairs: dict[str, str] = {}
    for word in words:
        if "=" in word:
            pairs.setdefault(*word.split("=", 1))
    fields: dict[str, object] = {
        "prefix": prefix.strip(" "),
        "in": pairs.get("IN", ""),
        "out": pairs.get("OUT", ""),
        "physin": pairs.get("PHYSIN", ""),
        "physout": pairs.get("PHYSOUT", ""),
        "src": str(ip_address(pairs["SRC"])),
        "dst": str(ip_address(pairs["DST"])),
        "proto": PROTOCOLS.get(pairs["PROTO"], pairs["PROTO"]),
        "mark": pairs.get("MARK", ""),
        "tcp_flags": [word for word in words if word in FLAGS],
    }
    if pairs.get("MAC"):
        octets = pairs["MAC"].split(":")
        fields |= {"mac_dst": ":".join(octets[:6]), "mac_src": ":".join(octets[6:12])}
    fields |= {name: int(pairs[raw]) for raw, name in NUMBERS.items() if raw in pairs}
    return {name: value for name, value in fields.items() if value not in ("", [])}


def as_text(fields):
    return {
        name: value.decode()
        if isinstance(value, bytes)
        else [one.decode() for one in value]
        if isinstance(value, list)
        else value
        for name, value in fields.items()
    }


def decoder():
    return Decoder(Clock(UTC, NEWEST), "syslog", "kern", lambda _arch, _number: None)


@pytest.fixture(scope="module")
def honeynet(corpora):
    return gzip.decompress((corpora / "netfilter/honeynet-sotm34.log.gz").read_bytes())


@pytest.mark.corpora
def test_the_honeynet_line_by_line(honeynet):
    how, seen, broken = decoder(), 0, []
    for line in honeynet.splitlines():
        try:
            event = how.event(line)
        except Undecodable as problem:
            broken.append((problem.reason, re.findall(rb"SRC=\S+", line)[0]))
            continue
        if event is None:
            assert b"SRC=" not in line
            continue
        seen += 1
        assert as_text(event.fields) == split(line.decode()), line
        assert event.host == b"bridge"
    assert seen == EVENTS
    assert Counter(broken) == {("invalid address", b"SRC=%b.DST=%b" % pair): 3 for pair in MASKED}


@pytest.mark.corpora
def test_the_honeynet_in_bulk(honeynet):
    how, bulk, lines = decoder(), Bulk(Clock(UTC, NEWEST).read), honeynet.splitlines(keepends=True)
    careful, identities, counted, same = Counter[object](), Counter[bytes](), Counter[object](), Counter[bytes]()
    for begin in range(0, len(lines), BLOCK):
        block = lines[begin : begin + BLOCK]
        rows = rows_of(b"".join(block), len(block))
        left = set(range(BLOCK)) if rows is None else set(bulk.count(rows, 0))
        for number, line in enumerate(block):
            if number not in left:
                event = how.event(line.rstrip(b"\n"))
                careful[event.host, how.key_of(event)] += 1
                identities[event.identity] += 1
    for group in bulk.drain():
        counted[group.host, group.key] += group.count
        same.update(group.identities)
    assert counted == careful
    assert same == identities
    assert sum(counted.values()) > 165_000


@pytest.mark.corpora
def test_the_scans(corpora):
    named, seen = [], 0
    for path in sorted((corpora / "netfilter/psad-scans").iterdir()):
        how = decoder()
        for line in path.read_bytes().splitlines():
            if not interesting(line):
                assert b" DST=" not in line
                continue
            # One line stands there as grep prints it, with a file's name in front: it is the envelope's.
            message = line[line.index(b"kernel: ") + 8 :]
            fields = netfilter.decode(message)
            assert as_text(fields) == split(line.decode()), line
            event = outcome(how, line)
            if isinstance(event, str):
                named.append((path.name, event))
            else:
                assert event.fields == fields
            seen += 1
    assert set(named) <= {("ipv6_ms_sql_server_sig_match", "no log envelope")}
    assert seen == SCANNED


def outcome(how, line):
    try:
        return how.event(line)
    except Undecodable as problem:
        return problem.reason


@pytest.mark.corpora
@pytest.mark.parametrize("name", ["iptables-6.12.log", "nftables-6.12.log", "ufw-6.1.0.log"])
def test_what_the_rig_captured(corpora, name):
    how, seen = decoder(), 0
    for line in (corpora / "captured" / name).read_bytes().splitlines():
        if interesting(line):
            fields = how.event(line).fields
            seen += 1
            if b" SRC=" in line and b" PROTO=" in line and b" MACSRC=" not in line:
                assert as_text(fields) | {"uid": 0, "gid": 0} == split_own(line.decode()) | {"uid": 0, "gid": 0}
    assert seen >= 90


def split_own(line):
    """As ``split``, for lines of dmesg, with prefixes that hold fields, and with the sender's ids."""
    message = line.split("] ", 1)[1]
    begin = message.rindex("IN=", 0, message.rindex(" OUT="))
    fields = split("kernel: " + message[begin:])
    ids = {name.lower(): int(value) for name, value in re.findall(r"\b([UG]ID)=(\d+)", message[begin:])}
    prefix = message[:begin].strip(" ")
    return fields | ids | ({"prefix": prefix} if prefix else {})


@pytest.mark.corpora
def test_no_cut_of_a_real_line_is_more_than_the_line(corpora):
    """A line cut anywhere gives what the whole line says, less of it, or a reason; numbers and names may be shorter."""
    for path in sorted((corpora / "captured").glob("*tables-6.12.log")):
        for line in path.read_bytes().splitlines()[::7]:
            message = without_uptime(line)
            if netfilter.start(message) < 0:
                continue
            whole = netfilter.decode(message)
            for end in range(len(message)):
                try:
                    fields = netfilter.decode(message[:end])
                except Undecodable:
                    continue
                assert set(fields) <= set(whole), (message, end)
                differ = [name for name in fields if fields[name] != whole[name]]
                assert len(differ) <= 1, (message, end)
