"""Evidence for tests: plain pieces of it, and hypothesis strategies for likely, strange and hostile ones."""

from __future__ import annotations

import contextlib
from datetime import UTC
from typing import Any

from hypothesis import strategies as st

from syslogparse.evidence.decode import Decoder
from syslogparse.evidence.fold import Fold, Subject, Tally
from syslogparse.evidence.model import (
    GRADES,
    AppArmorKey,
    Evidence,
    Key,
    Kind,
    NetfilterKey,
    Position,
    SeccompKey,
    Undecodable,
)
from syslogparse.evidence.stamp import Clock
from syslogparse.rules.advise import advise
from syslogparse.rules.apparmor_target import USUAL, Choices
from syslogparse.rules.merge import AskedIntent
from syslogparse.rules.network import Network
from syslogparse.rules.wanted import Wanted

UNKNOWN_NETWORK = Network()
NETFILTER = NetfilterKey(
    prefix=b"[UFW BLOCK]",
    in_=b"eth0",
    out=b"",
    physin=b"",
    physout=b"",
    src=b"192.0.2.2",
    dst=b"192.0.2.1",
    proto=b"tcp",
    dpt=b"22",
    icmp_type=b"",
    icmp_code=b"",
    flags=b"SYN",
)
APPARMOR = AppArmorKey(
    verdict=b"DENIED",
    namespace=b"",
    profile=b"/usr/sbin/nginx",
    operation=b"open",
    class_=b"file",
    name=b"/srv/page",
    target=b"",
    mask=b"r",
    owner=b"0",
    capability=b"",
    family=b"",
    sock_type=b"",
    protocol=b"",
    peer=b"",
    signal=b"",
    info=b"",
)
SECCOMP = SeccompKey(
    exe=b"/usr/bin/prog",
    comm=b"prog",
    subj=b"",
    arch=b"x86_64",
    syscall=b"110",
    name=b"getppid",
    action=b"kill_process",
    sig=b"31",
)


def kind_of(key: Key) -> Kind:
    if isinstance(key, NetfilterKey):
        return "netfilter"
    return "apparmor" if isinstance(key, AppArmorKey) else "seccomp"


def evidence(key: Key, count=1, place=(0, 1), grade="kern", host=b"gw", first=10, last=20) -> Evidence:
    return Evidence(kind_of(key), key, count, count, first, last, (host,), {grade: count}, (place,))


def packet(times: Any = 1, **fields) -> Evidence:
    return evidence(NETFILTER._replace(**fields), times)


def denial(**fields) -> Evidence:
    return evidence(APPARMOR._replace(**fields))


def capability(name: bytes, **fields) -> Evidence:
    return denial(operation=b"capable", class_=b"cap", name=b"", mask=b"", owner=b"", capability=name, **fields)


def socket_use(family: bytes, sock_type: bytes, **fields) -> Evidence:
    asked = {"operation": b"create", "class_": b"net", "name": b"", "mask": b"create", "owner": b""}
    return denial(**(asked | {"family": family, "sock_type": sock_type} | fields))


def call(**fields) -> Evidence:
    return evidence(SECCOMP._replace(**fields))


def events_of(log: bytes) -> list[Evidence]:
    """One piece of evidence for every event of a log, as the parsers decode it."""
    decoder = Decoder(Clock(UTC, 2**50), "kernel", "kern", lambda _, number: {110: "getppid"}.get(number))
    found = []
    for number, line in enumerate(log.split(b"\n"), 1):
        with contextlib.suppress(Undecodable):
            if event := decoder.event(line):
                found.append(evidence(decoder.key_of(event), place=(0, number), grade=event.grade, host=event.host))
    return found


def folded(*logs: bytes) -> list[Evidence]:
    """The evidence of logs, folded as the analyst folds it, so that attempts are told apart."""
    fold = Fold()
    for file, log in enumerate(logs):
        decoder = Decoder(Clock(UTC, 2**50), "kernel", "kern", lambda _arch, _number: None)
        for number, line in enumerate(log.split(b"\n")):
            with contextlib.suppress(Undecodable):
                if event := decoder.event(line):
                    place = Position(file, 0, number)
                    named = event.repeat if event.identity else 0
                    subject = Subject(file, event.host, event.grade, event.kind, decoder.key_of(event))
                    known = {event.identity: event.repeat} if named else {}
                    fold.add(subject, Tally(event.repeat, place, event.time, place, event.time, named), known)
    return fold.evidence({(file, 0): 0 for file in range(len(logs))})


def suggestions(
    *items: Evidence, intent: AskedIntent = "auto", choices: Choices = USUAL, network: Network = UNKNOWN_NETWORK
) -> list[Any]:
    """What is suggested, of any type, so that a test may ask a rule for what it must have."""
    return list(advise(items, Wanted(intent, choices, network)).suggestions)


def suggest(*items: Evidence, intent: AskedIntent = "auto", network: Network = UNKNOWN_NETWORK) -> Any:
    (one,) = suggestions(*items, intent=intent, network=network)
    return one


def reasons(*items: Evidence, intent: AskedIntent = "auto", network: Network = UNKNOWN_NETWORK) -> dict[str, int]:
    advice = advise(items, Wanted(intent, network=network))
    assert advice.suggestions == ()
    return advice.not_suggested


raw = st.binary(max_size=12) | st.sampled_from([b"\xff", b"\0", b"\n", b"%s", b"0", b"-1", b"9" * 5000, b"$(id)", b"a b"])
addresses = st.sampled_from(
    b"192.0.2.1 192.0.2.2 192.0.2.255 10.0.0.1 127.0.0.1 0.0.0.0 224.0.0.251 255.255.255.255 240.1.1.1 169.254.1.1 8.8.8.8 "
    b"2001:db8::1 fe80::1 ff02::fb :: ::1 fc00::7 ::ffff:1.2.3.4".split()
) | st.builds(lambda n: str(n).encode(), st.ip_addresses())
protocols = st.sampled_from(b"tcp tcp udp icmp icmpv6 igmp gre esp ah sctp udplite arp ospf ipip 41 253 0 256 tcp6".split())
interfaces = st.sampled_from([b"", b"lo", b"eth0", b"v-a.b@7", b"br0", b"eth+", b"-j", b"!x", b"a b", b"x" * 16, b"a+b", b";id"])
numbers = st.integers(-1, 70000).map(lambda n: str(n).encode()) | st.just(b"") | st.just(b"007")
prefixes = st.sampled_from([b"", b"[UFW BLOCK]", b"[UFW ALLOW]", b"[UFW AUDIT]", b"DROP ", b"fw: accept", b"seen "])
flags = st.sets(st.sampled_from(b"CWR ECE URG ACK PSH RST SYN FIN".split())).map(lambda some: b" ".join(sorted(some)))

netfilter_keys = st.builds(
    NetfilterKey,
    prefix=prefixes | raw,
    in_=interfaces | raw,
    out=interfaces | raw,
    physin=interfaces | raw,
    physout=interfaces | raw,
    src=addresses | raw,
    dst=addresses | raw,
    proto=protocols | raw,
    dpt=numbers | raw,
    icmp_type=numbers | raw,
    icmp_code=numbers | raw,
    flags=flags | raw,
    spt=numbers | raw,
)
likely_netfilter_keys = st.builds(
    NetfilterKey,
    prefix=prefixes,
    in_=st.sampled_from([b"", b"lo", b"eth0", b"br0", b"v-a.b@7", b"a+b"]),
    out=st.sampled_from([b"", b"lo", b"eth1", b"br0"]),
    physin=st.sampled_from([b"", b"eth2"]),
    physout=st.sampled_from([b"", b"eth3"]),
    src=addresses,
    dst=addresses,
    proto=protocols,
    dpt=st.integers(0, 65535).map(lambda n: str(n).encode()),
    icmp_type=st.integers(0, 255).map(lambda n: str(n).encode()),
    icmp_code=st.integers(0, 255).map(lambda n: str(n).encode()) | st.just(b""),
    flags=st.just(b"SYN") | flags,
    spt=st.sampled_from([b"", b"", b"53", b"51820"]),
)

names = st.binary(max_size=20).map(lambda tail: b"/" + tail) | st.sampled_from(
    [
        b"/etc/shadow",
        b"/srv/a b",
        b"/srv/\xe2\x80\xaeevil",
        b"/@{HOME}",
        b"/",
        b"relative",
        b"/a//b",
        b"/a/../b",
        b"/x,\n/** rwx",
        b"/tmp/}\n",
        b"/home/u/.ssh/id",
    ]
)
apparmor_keys = st.builds(
    AppArmorKey,
    verdict=st.sampled_from(b"DENIED ALLOWED AUDIT STATUS HINT ERROR KILLED".split()) | raw,
    namespace=st.sampled_from([b"", b"root", b"root//ns"]) | raw,
    profile=st.sampled_from([b"p", b"/usr/bin/x", b"a//hat", b"p//null-/bin/sh", b"unconfined", b"a//&b"]) | raw,
    operation=st.sampled_from(b"open exec file_mmap mknod capable create bind signal ptrace mount dbus_signal".split()) | raw,
    class_=st.sampled_from([b"", b"file", b"cap", b"net", b"posix_mqueue"]) | raw,
    name=names | raw,
    target=raw,
    mask=st.sampled_from([b"", b"r", b"w", b"wc", b"a", b"x", b"rm", b"rwx", b"::r", b"r::", b"k", b"l", b"send", b"d"]) | raw,
    owner=st.sampled_from([b"", b"0", b"1"]) | raw,
    capability=st.sampled_from([b"", b"sys_admin", b"chown", b"SYS_ADMIN"]) | raw,
    family=st.sampled_from([b"", b"inet", b"inet6", b"unix", b"packet"]) | raw,
    sock_type=st.sampled_from([b"", b"stream", b"dgram", b"raw"]) | raw,
    protocol=raw,
    peer=raw,
    signal=raw,
    info=st.sampled_from([b"", b"Failed name lookup - disconnected path", b"label not found", b"no new privs"]) | raw,
)
seccomp_keys = st.builds(
    SeccompKey,
    exe=st.sampled_from([b"/usr/bin/a", b"/usr/bin/b c", b""]) | raw,
    comm=raw,
    subj=raw,
    arch=st.sampled_from([b"x86_64", b"x86", b"aarch64", b"pdp11"]) | raw,
    syscall=numbers | raw,
    name=st.sampled_from([b"", b"getppid", b"ptrace", b"bpf", b"execve", b"openat", b"A", b"x y"]) | raw,
    action=st.sampled_from(b"kill_process kill_thread trap errno user_notif trace log allow".split()) | raw,
    sig=st.sampled_from([b"0", b"9", b"31"]) | raw,
)


def _evidence_for(keys):
    return st.builds(
        lambda key, count, stamp, hosts, grades, places: Evidence(
            kind_of(key),
            key,
            count,
            count,
            stamp,
            stamp,
            tuple(sorted(hosts)),
            {grade: count for grade in GRADES if grade in grades},
            tuple(sorted(places)[:5]),
        ),
        keys,
        st.integers(1, 1000),
        st.none() | st.integers(0, 10**15),
        st.sets(st.binary(max_size=4), max_size=3),
        st.sets(st.sampled_from(GRADES), max_size=3),
        st.sets(st.tuples(st.integers(0, 3), st.integers(1, 99)), max_size=7),
    )


likely = _evidence_for(likely_netfilter_keys)
anything = _evidence_for(netfilter_keys | likely_netfilter_keys | apparmor_keys | seccomp_keys)
