"""Packets made byte by byte, so that a test knows all that the kernel can say of them (RFC 791, 768, 9293, 792)."""

from __future__ import annotations

import socket
import struct

FIN, SYN, RST, PSH, ACK, URG, ECE, CWR = (1 << bit for bit in range(8))


def checksum(data: bytes) -> int:
    """The sum of the Internet protocols (RFC 1071)."""
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack(f">{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def ip(protocol: int, payload: bytes, *, ttl: int = 64, options: bytes = b"", fragment: int = 0) -> bytes:
    """An IPv4 packet from the client to the server. fragment: flags and offset; the kernel fills in sum, length and id."""
    words = 5 + len(options) // 4
    source, target = socket.inet_aton("10.81.1.2"), socket.inet_aton("10.81.2.2")
    length = 4 * words + len(payload)
    header = struct.pack(">BBHHHBBH4s4s", 0x40 | words, 0, length, 7, fragment, ttl, protocol, 0, source, target)
    return header + options + payload


def tcp(source: int, target: int, flags: int, *, options: bytes = b"") -> bytes:
    """A TCP segment without data."""
    words = 5 + len(options) // 4
    return struct.pack(">HHIIBBHHH", source, target, 1000, 2000, words << 4, flags, 512, 0, 9 if flags & URG else 0) + options


def udp(source: int, target: int, data: bytes = b"") -> bytes:
    """A UDP datagram without sum."""
    return struct.pack(">HHHH", source, target, 8 + len(data), 0) + data


def icmp(kind: int, code: int, rest: bytes = b"") -> bytes:
    """An ICMP message."""
    message = struct.pack(">BBH", kind, code, 0) + rest
    return struct.pack(">BBH", kind, code, checksum(message)) + rest


def send(packet: bytes) -> None:
    """Send an IPv4 packet as it is. Raises OSError."""
    with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW) as raw:
        raw.sendto(packet, ("10.81.2.2", 0))
