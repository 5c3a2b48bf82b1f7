"""Whom this machine must not shut out: itself, its gateways and DNS servers, and its administrators. Read while root.

From files of procfs (proc(5), net/core/net-procfs.c, net/ipv4/fib_trie.c, net/ipv4/tcp_ipv4.c, net/ipv6/route.c,
net/ipv6/addrconf.c), resolv.conf(5), sshd_config(5), the sessions of systemd-logind(8), and what sshd(8) puts into the
environment. A file that is missing, cannot be read, or says something else gives nothing; what is longer than is read of it gives
what stands in the part that was read.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterable, Iterator, Mapping
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Literal, NamedTuple, TypeAlias

_PIECE = 64 << 10
_MOST_BYTES = 8 << 20
_MOST_TEXT = 256 << 10
_MOST_FILES = 256
_MOST_ADDRESSES = 1024
_COUNTS = 16
_SSH = 22
_HEX = frozenset(b"0123456789ABCDEFabcdef")

_UP_BY_GATEWAY = 0x3  # RTF_UP, RTF_GATEWAY (linux/route.h)
_ESTABLISHED = b"01"  # TCP_ESTABLISHED (include/net/tcp_states.h)

_Order: TypeAlias = Literal["little", "big"]
_Ip: TypeAlias = IPv4Address | IPv6Address


class Neighbours(NamedTuple):
    """Canonical addresses, sorted by value, without scope, none of them loopback. admin_ports: sorted too.

    own: this machine's. gateways: of all routes. admins: the other ends of SSH connections. admin_ports: what sshd listens on.
    interfaces: the names of all that the machine has, sorted; none where not all of them could be read.
    """

    own: tuple[str, ...] = ()
    gateways: tuple[str, ...] = ()
    resolvers: tuple[str, ...] = ()
    admins: tuple[str, ...] = ()
    admin_ports: tuple[int, ...] = ()
    interfaces: tuple[str, ...] = ()


def neighbours(environment: Mapping[str, str], root: str = "/") -> Neighbours:
    """What the machine says about itself. Raises nothing.

    environment: SSH_CONNECTION and SSH_CLIENT are looked at; sudo(8) takes them away. root: the directory of the files.
    """
    net = os.path.join(root, "proc/net")
    own = [*_local(f"{net}/fib_trie"), *_words((line[0] for line in _table(f"{net}/if_inet6", 6)), "big")]
    admins, ports = _from_environment(environment)
    ports |= _sshd_ports(os.path.join(root, "etc/ssh"))
    admins += _sessions(os.path.join(root, "run/systemd/sessions"))
    if ports and not admins:
        # The last to be asked: the kernel goes through the whole table of connections, which takes milliseconds on a large
        # machine, and who has yet to tell sshd a password is in it too.
        for here, there in _connections(net, ports):
            own += here
            admins += there
    return Neighbours(
        own=_canonical(own),
        gateways=_canonical(_gateways(net)),
        resolvers=_canonical(_resolvers(root)),
        admins=_canonical(admins),
        admin_ports=tuple(sorted(ports)),
        interfaces=_interfaces(f"{net}/dev"),
    )


def _read(path: str, most: int = _MOST_BYTES) -> bytes:
    """The beginning of a file. In small pieces (``prepare.installed_apparmor`` says why)."""
    pieces: list[bytes] = []
    with contextlib.suppress(OSError, ValueError):
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY)
        try:
            while most > 0 and (piece := os.read(descriptor, min(_PIECE, most))):
                pieces.append(piece)
                most -= len(piece)
        finally:
            os.close(descriptor)
    return b"".join(pieces)


def _table(path: str, columns: int) -> list[list[bytes]]:
    """The lines of a table, cut at blanks; those that have too few columns are left out, such as one that was read in part."""
    lines = (line.split() for line in _read(path).split(b"\n"))
    return [line for line in lines if len(line) >= columns]


def _local(path: str) -> list[_Ip]:
    """The addresses of this machine in the kernel's IPv4 table: a leaf, and in the lines below it what it is."""
    leaves = _read(path).split(b"|-- ")[1:]
    return _texts(leaf.partition(b"\n")[0] for leaf in leaves if b"/32 host LOCAL\n" in leaf)


def _interfaces(path: str) -> tuple[str, ...]:
    """The names in front of the colons (net/core/net-procfs.c); none holds one (dev_valid_name)."""
    table = _read(path)
    if len(table) >= _MOST_BYTES:
        return ()
    cut = (line.partition(b":") for line in table.split(b"\n"))
    return tuple(sorted({os.fsdecode(name.strip()) for name, _, counts in cut if len(counts.split()) >= _COUNTS}))


def _gateways(net: str) -> Iterator[_Ip]:
    for line in _table(f"{net}/route", 11):
        if _flags(line[3]) & _UP_BY_GATEWAY == _UP_BY_GATEWAY:
            yield from _words([line[2]], sys.byteorder)
    for line in _table(f"{net}/ipv6_route", 10):
        if _flags(line[8]) & _UP_BY_GATEWAY == _UP_BY_GATEWAY:
            yield from _words([line[4]], "big")


def _flags(digits: bytes) -> int:
    return int(digits, 16) if _HEX.issuperset(digits) else 0


def _connections(net: str, ports: Iterable[int]) -> Iterator[tuple[list[_Ip], list[_Ip]]]:
    """Both ends of the connections to ``ports`` of this machine."""
    ours = {b"%04X" % port for port in ports}
    for file in ("tcp", "tcp6"):
        for line in _table(f"{net}/{file}", 10):
            here, _, port = line[1].partition(b":")
            if port in ours and line[3] == _ESTABLISHED:
                yield _words([here], sys.byteorder), _words([line[2].partition(b":")[0]], sys.byteorder)


def _resolvers(root: str) -> Iterator[_Ip]:
    """Of resolv.conf(5), and of the one in which systemd-resolved(8), 127.0.0.53, says whom it asks itself."""
    for file in ("etc/resolv.conf", "run/systemd/resolve/resolv.conf"):
        lines = (line.split() for line in _read(os.path.join(root, file), _MOST_TEXT).split(b"\n"))
        yield from _texts(line[1] for line in lines if len(line) > 1 and line[0] == b"nameserver")


def _sshd_ports(folder: str) -> set[int]:
    """The ports that sshd_config(5) names; SSH's own where there is a configuration that names none."""
    parts = os.path.join(folder, "sshd_config.d")
    files = [
        os.path.join(folder, "sshd_config"),
        *(os.path.join(parts, name) for name in _listed(parts) if name.endswith(".conf")),
    ]
    texts = [_read(file, _MOST_TEXT) for file in files]
    ports: set[int] = set()
    for line in b"\n".join(texts).split(b"\n"):
        words = line.replace(b"=", b" ").replace(b'"', b" ").split()
        option = words[0].lower() if len(words) > 1 else b""
        if option == b"port":
            ports |= _port(words[1])
        elif option == b"listenaddress" and (words[1].count(b":") == 1 or b"]:" in words[1]):
            ports |= _port(words[1].rpartition(b":")[2])
    return ports or ({_SSH} if any(texts) else set())


def _sessions(folder: str) -> list[_Ip]:
    """The other ends of the sessions that systemd-logind knows (its files: one KEY=VALUE a line)."""
    found: list[bytes] = []
    for name in _listed(folder):
        if name.isdecimal() or name.startswith("c"):
            lines = _read(os.path.join(folder, name), _PIECE).split(b"\n")
            found += [line.removeprefix(b"REMOTE_HOST=") for line in lines if line.startswith(b"REMOTE_HOST=")]
    return _texts(found)


def _listed(folder: str) -> list[str]:
    with contextlib.suppress(OSError):
        return sorted(os.listdir(folder))[:_MOST_FILES]
    return []


def _from_environment(environment: Mapping[str, str]) -> tuple[list[_Ip], set[int]]:
    """The other end and our port: the first and last word of both, with our address between in SSH_CONNECTION."""
    peers: list[_Ip] = []
    ports: set[int] = set()
    for name, length in (("SSH_CONNECTION", 4), ("SSH_CLIENT", 3)):
        words = os.fsencode(environment.get(name, "")).split()
        if len(words) == length:
            peers += _texts(words[:1])
            ports |= _port(words[-1])
    return peers, ports


def _port(text: bytes) -> set[int]:
    return {int(text)} if text.isdigit() and len(text) < 6 and 0 < int(text) < 1 << 16 else set()


def _texts(found: Iterable[bytes]) -> list[_Ip]:
    """Those of the texts that are addresses; a scope behind one is left away."""
    addresses: list[_Ip] = []
    for text in found:
        with contextlib.suppress(ValueError):
            addresses.append(ip_address(text.partition(b"%")[0].decode("ascii", "replace")))
    return addresses


def _words(found: Iterable[bytes], order: _Order) -> list[_Ip]:
    """Those that are addresses in hexadecimal, 8 or 32 digits. order: of the octets in each word of four."""
    addresses: list[_Ip] = []
    for digits in found:
        if len(digits) in (8, 32) and _HEX.issuperset(digits):
            octets = b"".join(int(digits[at : at + 8], 16).to_bytes(4, order) for at in range(0, len(digits), 8))
            addresses.append(IPv4Address(octets) if len(octets) == 4 else IPv6Address(octets))
    return addresses


def _canonical(addresses: Iterable[_Ip]) -> tuple[str, ...]:
    """As text; an IPv4 address that IPv6 carries as what it is. Loopback and the unspecified address stand for no neighbour."""
    found: set[_Ip] = set()
    for address in addresses:
        mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
        plain = mapped or address
        if not (plain.is_loopback or plain.is_unspecified or plain.is_multicast):
            found.add(plain)
    return tuple(str(one) for one in sorted(found, key=lambda one: (one.version, int(one)))[:_MOST_ADDRESSES])
