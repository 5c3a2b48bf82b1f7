"""Log lines, damaged and forged at random. All randomness comes from the generator that is passed in, so that it repeats."""

import re
from collections.abc import Callable, Sequence
from random import Random

LIMITS = (
    b"0 1 7 8 255 256 65535 65536 99999 2147483647 2147483648 4294967295 4294967296 99999999999 -1 -0 00 007 1.5 1e3 0x10 1_0 "
    b"\xd9\xa3 \xc2\xb2 "
).split(b" ")
"""Numbers at and past the limits of ports, octets and words, and texts that only look like numbers. One is empty."""

MARKS = [
    b"\0",
    b"\x1b[2J",
    b"\r",
    b"\t",
    b"\x0b",
    b"\x1d",
    b"\x7f",
    b"\x85",
    b"\xa0",
    b"\xff",
    b"\xc3\xa9",
    b"\xe2\x80\xae",
    b"\xe2\x80\xa8",
    b"\xef\xbb\xbf",
    b"\xed\xb2\x80",
    b'"',
    b"'",
    b"\\",
    b"\\x0a",
    b"#012",
    b"=",
    b" ",
    b"  ",
    b"[",
    b"]",
    b" [",
    b"] ",
    b"(",
    b")",
    b":",
    b"%",
    b"{",
    b"}",
    b",",
    b";",
    b"<4>",
    b"<12>",
    b" IN=",
    b" OUT=",
    b" SRC=",
    b" DST=6.6.6.6",
    b" PROTO=UDP",
    b" DPT=66",
    b" SYN",
    b" ACK=0",
    b" MARK=0x1",
    b" MAC=",
    b" UID=0",
    b' apparmor="',
    b' apparmor="DENIED"',
    b' profile="/evil"',
    b' operation="',
    b" name=",
    b" pid=",
    b" subj=",
    b" sig=0",
    b" type=1326",
    b" type=SECCOMP",
    b" arch=",
    b" code=0x",
    b" msg='",
    b"msg=audit(",
    b"audit: ",
    b" kernel: ",
    b"kernel[1]: ",
    b"message repeated 2 times: [ ",
    b" audit(1.1:1): ",
    b" comm=",
    b"node=x ",
    b"(null)",
    b"INCOMPLETE [8 bytes]",
    b"FRAG:8",
    b"OPT (",
]
"""What means something to one of the grammars, to a terminal or to a text codec."""

_NUMBER = re.compile(rb"\d+")


def _place(line: bytes, random: Random) -> int:
    return random.randint(0, len(line))


def _token(line: bytes, random: Random) -> tuple[int, int]:
    """Where one of the blank-separated words begins and ends."""
    at = _place(line, random)
    end = line.find(b" ", at)
    return line.rfind(b" ", 0, at) + 1, len(line) if end < 0 else end


def flip(line: bytes, _other: bytes, random: Random) -> bytes:
    """One bit of one byte, which never makes a line feed."""
    if not line:
        return line
    at = random.randrange(len(line))
    changed = bytes([line[at] ^ 1 << random.randrange(8)])
    return line if changed == b"\n" else line[:at] + changed + line[at + 1 :]


def cut(line: bytes, _other: bytes, random: Random) -> bytes:
    """Something is missing on the left, on the right or in the middle."""
    one, two = sorted((_place(line, random), _place(line, random)))
    return random.choice((line[one:], line[:one], line[:one] + line[two:]))


def splice(line: bytes, other: bytes, random: Random) -> bytes:
    """The begin of one line and the end of another."""
    return line[: _place(line, random)] + other[_place(other, random) :]


def duplicate(line: bytes, _other: bytes, random: Random) -> bytes:
    """One word stands a second time somewhere."""
    begin, end = _token(line, random)
    _, at = _token(line, random)
    return line[:at] + b" " + line[begin:end] + line[at:]


def borrow(line: bytes, other: bytes, random: Random) -> bytes:
    """A word of another line stands between those of this one."""
    begin, end = _token(other, random)
    _, at = _token(line, random)
    return line[:at] + b" " + other[begin:end] + line[at:]


def insert(line: bytes, _other: bytes, random: Random) -> bytes:
    """A mark stands somewhere."""
    at = _place(line, random)
    return line[:at] + random.choice(MARKS) + line[at:]


def renumber(line: bytes, _other: bytes, random: Random) -> bytes:
    """One number is another."""
    numbers = list(_NUMBER.finditer(line))
    if not numbers:
        return line
    found = random.choice(numbers)
    return line[: found.start()] + random.choice(LIMITS) + line[found.end() :]


def drop(line: bytes, _other: bytes, random: Random) -> bytes:
    """One word is missing."""
    begin, end = _token(line, random)
    return line[:begin] + line[end + 1 :]


def swap(line: bytes, _other: bytes, random: Random) -> bytes:
    """Two words have changed places."""
    words = line.split(b" ")
    one, two = random.randrange(len(words)), random.randrange(len(words))
    words[one], words[two] = words[two], words[one]
    return b" ".join(words)


def repeat(line: bytes, _other: bytes, random: Random) -> bytes:
    """A piece stands many times."""
    begin = _place(line, random)
    piece = line[begin : begin + random.randint(1, 12)]
    return line[:begin] + piece * random.randint(2, 200) + line[begin:]


Mutation = Callable[[bytes, bytes, Random], bytes]
MUTATIONS: Sequence[Mutation] = (flip, cut, splice, duplicate, borrow, insert, renumber, drop, swap, repeat)


def mutate(line: bytes, lines: Sequence[bytes], random: Random) -> bytes:
    """One to four mutations, one after the other. lines: where a second line is taken from. Never holds a line feed."""
    for _ in range(random.randint(1, 4)):
        line = random.choice(MUTATIONS)(line, random.choice(lines), random)
    return line.replace(b"\n", b"")
