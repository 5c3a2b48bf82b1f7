"""Where addresses belong, and which ports and ICMP messages do harm in the hands of a stranger.

The scopes are tables of our own (RFC 6890, RFC 4291, RFC 4193, RFC 6598) because ``ipaddress`` changes its mind about them
between Python versions. Documentation networks count as global: nobody's own network is one.
"""

from __future__ import annotations

from ipaddress import IPv4Network, IPv6Network
from typing import Literal, TypeAlias

Scope: TypeAlias = Literal["loopback", "link-local", "private", "multicast", "broadcast", "unspecified", "reserved", "global"]

_NETWORKS: tuple[tuple[Scope, str], ...] = (
    ("unspecified", "0.0.0.0/8"),
    ("loopback", "127.0.0.0/8"),
    ("link-local", "169.254.0.0/16"),
    ("private", "10.0.0.0/8"),
    ("private", "172.16.0.0/12"),
    ("private", "192.168.0.0/16"),
    ("private", "100.64.0.0/10"),
    ("multicast", "224.0.0.0/4"),
    ("broadcast", "255.255.255.255/32"),
    ("reserved", "240.0.0.0/4"),
    ("unspecified", "::/128"),
    ("loopback", "::1/128"),
    ("link-local", "fe80::/10"),
    ("private", "fc00::/7"),
    ("multicast", "ff00::/8"),
)


def _bounds(text: str) -> tuple[int, int]:
    network = IPv6Network(text) if ":" in text else IPv4Network(text)
    return int(network.network_address), int(network.broadcast_address)


_RANGES: dict[int, tuple[tuple[int, int, Scope], ...]] = {
    family: tuple((*_bounds(text), scope) for scope, text in _NETWORKS if (":" in text) == (family == 6)) for family in (4, 6)
}

NO_HOST: frozenset[Scope] = frozenset({"multicast", "broadcast", "unspecified", "reserved"})
"""Scopes that no host can send from (RFC 1122 section 3.2.1.3, RFC 4291 section 2.7)."""

_SCOPE_WORDS: dict[Scope, str] = {
    "loopback": "the machine itself",
    "link-local": "a link-local address",
    "private": "a private address",
    "multicast": "a multicast group",
    "broadcast": "the broadcast address",
    "unspecified": "an unspecified address",
    "reserved": "a reserved address",
    "global": "a global address",
}

SENSITIVE_PORTS: dict[int, str] = {
    21: "FTP",
    22: "SSH",
    23: "Telnet",
    69: "TFTP",
    111: "portmapper",
    135: "Windows RPC",
    137: "NetBIOS names",
    138: "NetBIOS datagrams",
    139: "NetBIOS sessions",
    161: "SNMP",
    389: "LDAP",
    445: "SMB",
    512: "rexec",
    513: "rlogin",
    514: "rsh or syslog",
    623: "IPMI",
    873: "rsync",
    1080: "SOCKS proxy",
    1099: "Java RMI",
    1433: "SQL Server",
    1434: "SQL Server browser",
    1521: "Oracle database",
    1900: "SSDP",
    2049: "NFS",
    2181: "ZooKeeper",
    2222: "SSH",
    2375: "Docker",
    2376: "Docker",
    2379: "etcd",
    2380: "etcd",
    3128: "web proxy",
    3306: "MySQL",
    3389: "remote desktop",
    4243: "Docker",
    4369: "Erlang port mapper",
    5005: "Java debugger",
    5432: "PostgreSQL",
    5555: "Android debug bridge",
    5900: "VNC",
    5901: "VNC",
    5984: "CouchDB",
    5985: "Windows remote management",
    5986: "Windows remote management",
    6000: "X11",
    6379: "Redis",
    6443: "Kubernetes API",
    7547: "CPE management",
    8000: "Java debugger or web administration",
    8006: "Proxmox",
    8009: "AJP",
    8088: "Hadoop YARN",
    8291: "router management",
    8500: "Consul",
    9000: "PHP-FPM",
    9090: "Cockpit",
    9200: "Elasticsearch",
    9300: "Elasticsearch",
    10000: "Webmin",
    10250: "Kubernetes kubelet",
    10255: "Kubernetes kubelet",
    11211: "memcached",
    27017: "MongoDB",
    50070: "Hadoop",
}
"""Ports behind which a single stranger does great harm: remote control, databases, file shares, amplifiers."""


STEERING_ICMP: dict[int, frozenset[int]] = {4: frozenset({5, 9, 10, 13, 15, 17}), 6: frozenset({138, 139, 140})}
"""ICMP types by family that steer routes or tell about a host (RFC 792, 950, 1256, 2894, 4620)."""


def scope_of(family: Literal[4, 6], address: int) -> Scope:
    """Where the address with the value ``address`` belongs; ``global`` when no table says otherwise."""
    for low, high, scope in _RANGES[family]:
        if low <= address <= high:
            return scope
    return "global"


def service_words(port: int | None) -> str:
    """What a sentence says of a sensitive port, behind a comma; empty for any other."""
    service = SENSITIVE_PORTS.get(port) if port is not None else None
    return f", {service} port" if service else ""


def words_for(scope: Scope) -> str:
    """``scope`` as words for a sentence."""
    return _SCOPE_WORDS[scope]
