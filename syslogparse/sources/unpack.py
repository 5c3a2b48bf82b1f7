"""Compressed logs, unpacked inside the confined parser: from mapped bytes, a piece at a time, within fixed limits.

What a file is is told by its first bytes, never by its name. Formats: gzip (RFC 1952), xz (the .xz file format), bzip2,
zstd (RFC 8878) and lz4 (its frame format). A file may hold several members one behind the other, as `cat a.gz b.gz` leaves it,
with zeros in between or at the end. A decompressor sees copies only: the map can change while it works.
"""

from __future__ import annotations

import bz2
import lzma
import mmap
import zlib
from collections.abc import Callable, Iterable, Iterator
from typing import Literal, Protocol, TypeAlias

import lz4.frame
import zstandard

from syslogparse.evidence.model import Damage
from syslogparse.sources.blocks import BLOCK_BYTES, Block
from syslogparse.sources.cut import Cutter

Packing: TypeAlias = Literal["gzip", "xz", "bzip2", "zstd", "lz4"]

MAX_MEMORY = 128 << 20
"""Bytes that a file may ask for to be unpacked: what `xz -9` (65 MiB), `zstd --ultra -22` and `zstd --long` (128 MiB) need."""
MAX_TEXT = 64 << 30
"""Bytes that one file may unpack to."""
FREE_TEXT = 1 << 30
"""Bytes that may come out whatever went in: they are read in seconds. A log that was truncated under its writer starts with as
many zeros as it had bytes before."""
MAX_RATIO = 1 << 14
"""Beyond FREE_TEXT. Real logs pack 10 to 50 times smaller. One line repeated forever, the best case of any text, reaches 258 with
gzip, 1,300 with bzip2, 6,800 with xz and 11,900 with zstd; what goes beyond is runs of one byte."""
MAX_IDLE = 1 << 20
"""Bytes that may go in without text coming out. The longest honest stretch is a block of bzip2, 900 kB; a hundred thousand empty
members would keep a parser busy and silent, for seconds here."""
MAX_GROWTH = 4
"""How many times more than comes out may have gone in, beyond MAX_IDLE. A line that is packed alone grows to twice its length."""
_CHUNK = 1 << 18
_FIRST_PIECE = 1 << 11
_PIECE = 1 << 16
_PADDING = 64 << 20
"""Zeros of a file that are looked through for its next member."""
CHUNKS_A_SIGN = 1 << 14
"""Chunks, however small, after which there is a sign of life: tiny members take microseconds each for a few bytes."""

_ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"
_MAGIC: dict[Packing, tuple[bytes, ...]] = {
    "gzip": (b"\x1f\x8b",),
    "xz": (b"\xfd7zXZ\x00",),
    "bzip2": tuple(b"BZh%d" % level for level in range(1, 10)),
    "zstd": (_ZSTD_MAGIC, *(bytes((first,)) + b"\x2a\x4d\x18" for first in range(0x50, 0x60))),
    "lz4": (b"\x04\x22\x4d\x18",),
}
"""How a member can start. Those of zstd: a frame, and sixteen kinds of frames to skip."""

_ZSTD_BLOCK = 1 << 17
"""Block_Maximum_Size of RFC 8878, before and after decompression."""
_ZSTD_HEADER = 18
_RAW, _RLE, _COMPRESSED = 0, 1, 2

_FAILURES = (zlib.error, lzma.LZMAError, zstandard.ZstdError, EOFError, OSError, RuntimeError, ValueError)
"""What the libraries raise for bytes that make no sense; bz2 raises OSError and ValueError, lz4 RuntimeError."""
_NO_MEMORY = ("Memory usage limit exceeded", "Allocation error", "ERROR_allocation_failed")
"""In the words of lzma (LZMA_MEMLIMIT_ERROR), zstd and lz4, for which there are no classes of their own."""


class Damaged(Exception):
    """The rest of a compressed log cannot be read. reason: from a closed set."""

    def __init__(self, reason: Damage) -> None:
        super().__init__(reason)
        self.reason: Damage = reason


class _Decoder(Protocol):
    """What bz2, lzma and lz4.frame have in common. unused_data: what was fed behind the end, None for nothing."""

    @property
    def eof(self) -> bool: ...
    @property
    def needs_input(self) -> bool: ...
    @property
    def unused_data(self) -> bytes | None: ...
    def decompress(self, data: bytes, max_length: int) -> bytes: ...


def packing(head: bytes) -> Packing | None:
    """How a file that starts with these bytes (6 at least, fewer if it is shorter) is packed; None: it is not."""
    for name, magic in _MAGIC.items():
        if head.startswith(magic):
            return name
    return None


class Unpacking:
    """Unpacks logs, one after the other. Linear in what goes in and what comes out.

    garbage: the number of bytes behind the last member of the log unpacked last, if they are no member and not zeros alone. They
    may have been a member whose start is damaged, so they end in Damaged like all damage; who knows better can look here.
    """

    def __init__(self) -> None:
        self.garbage = 0

    def unpack(self, data: mmap.mmap | bytes, packing: Packing) -> Iterator[bytes]:
        """The plain bytes, in chunks of 1 to 2**18. All that stands before the damage comes before the exception.

        Raises Damaged: "compressed data is damaged", "compressed data ends early", "compressed data grows too much" (a bomb),
        "compressed data needs too much memory".
        """
        self.garbage = 0
        source = _Source(data)
        members = _members(source, packing)
        produced = 0
        while True:
            try:
                chunk = next(members, None)
            except MemoryError:
                raise Damaged("compressed data needs too much memory") from None
            except _FAILURES as error:
                raise Damaged(_reason(error)) from None
            if chunk is None:
                break
            produced += len(chunk)
            _limit(produced, source.fed)
            if chunk:
                yield chunk
        self.garbage = source.left
        if self.garbage:
            raise Damaged("compressed data is damaged")


def _reason(error: Exception) -> Damage:
    needs_memory = any(words in str(error) for words in _NO_MEMORY)
    return "compressed data needs too much memory" if needs_memory else "compressed data is damaged"


def _limit(produced: int, fed: int) -> None:
    if produced > MAX_TEXT or produced > max(FREE_TEXT, fed * MAX_RATIO):
        raise Damaged("compressed data grows too much")
    if fed > MAX_IDLE + produced * MAX_GROWTH:
        raise Damaged("compressed data is damaged")


class _Source:
    """The compressed bytes, read forward. fed: how many were given to a decompressor; what is skipped costs nothing."""

    def __init__(self, data: mmap.mmap | bytes) -> None:
        self._data = data
        self._size = len(data)
        self._position = 0
        self._padding = _PADDING
        self.fed = 0

    @property
    def left(self) -> int:
        return self._size - self._position

    def peek(self, size: int, ahead: int = 0) -> bytes:
        """At most so many bytes, without going on."""
        return self._data[self._position + ahead : self._position + ahead + size]

    def take(self, size: int) -> bytes:
        """At most so many bytes."""
        piece = self.peek(size)
        self._position += len(piece)
        self.fed += len(piece)
        return piece

    def take_all(self, size: int) -> bytes:
        """So many bytes. Raises Damaged."""
        if size > self.left:
            raise Damaged("compressed data ends early")
        return self.take(size)

    def give_back(self, size: int) -> None:
        """A decompressor has not used the last so many bytes."""
        self._position -= size
        self.fed -= size

    def skip(self, size: int) -> None:
        """Go on without reading. Raises Damaged."""
        if size > self.left:
            raise Damaged("compressed data ends early")
        self._position += size

    def skip_zeros(self) -> None:
        """Go on to the first byte that is not zero, unless more than _PADDING are skipped in all."""
        size = 16
        while self._padding > 0 and (piece := self.peek(size)):
            zeros = len(piece) - len(piece.lstrip(b"\0"))
            self._position += zeros
            self._padding -= zeros
            if zeros < len(piece):
                return
            size = min(4 * size, _PIECE)


def _members(source: _Source, packing: Packing) -> Iterator[bytes]:
    """One member behind the other, until what follows is none. An empty chunk now and then: nothing came out lately."""
    member, magic = _MEMBERS[packing](), _MAGIC[packing]
    first = True
    while (head := source.peek(6)).startswith(magic):
        first = False
        yield from member(source)
        yield b""
        source.skip_zeros()
    if any(one.startswith(head) for one in magic) and (head or first):
        raise Damaged("compressed data ends early")
    if first:
        raise Damaged("compressed data is damaged")


def _stream(make: Callable[[], _Decoder]) -> Callable[[_Source], Iterator[bytes]]:
    """How a member is read whose decompressor finds its end itself."""

    def member(source: _Source) -> Iterator[bytes]:
        decoder = make()
        # Small at first: what stands behind the end of a small member is copied by the decompressor, for each of them.
        size = _FIRST_PIECE
        while True:
            piece = b""
            if decoder.needs_input:
                piece = source.take(size)
                size = min(4 * size, _PIECE)
            chunk = decoder.decompress(piece, _CHUNK)
            yield chunk
            if decoder.eof:
                break
            if not chunk and not piece and not (decoder.needs_input and source.left):
                raise Damaged("compressed data ends early")
        source.give_back(len(decoder.unused_data or b""))

    return member


class _Gzip:
    """zlib's decompressor in the form of the others."""

    def __init__(self) -> None:
        self._inner = zlib.decompressobj(wbits=16 + zlib.MAX_WBITS)

    @property
    def eof(self) -> bool:
        return self._inner.eof

    @property
    def needs_input(self) -> bool:
        return not self._inner.unconsumed_tail

    @property
    def unused_data(self) -> bytes:
        return self._inner.unused_data

    def decompress(self, data: bytes, max_length: int) -> bytes:
        return self._inner.decompress(self._inner.unconsumed_tail + data, max_length)


def _xz() -> _Decoder:
    return lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=MAX_MEMORY)


def _lz4() -> Callable[[_Source], Iterator[bytes]]:
    decoder = lz4.frame.LZ4FrameDecompressor()  # one for all frames: its buffers are as large as a block, up to 4 MiB

    def make() -> _Decoder:
        decoder.reset()
        fresh: _Decoder = decoder
        return fresh

    return _stream(make)


def _zstd() -> Callable[[_Source], Iterator[bytes]]:
    """How a zstd frame is read: a few blocks at a time, because the library's own streams know no limit or hide an early end."""
    decompressor = zstandard.ZstdDecompressor(max_window_size=MAX_MEMORY)

    def member(source: _Source) -> Iterator[bytes]:
        head = source.peek(_ZSTD_HEADER)
        if not head.startswith(_ZSTD_MAGIC):
            source.take_all(8)
            source.skip(int.from_bytes(head[4:8], "little"))
            return
        size, window, checksum = _zstd_header(head)
        if window > MAX_MEMORY:
            raise Damaged("compressed data needs too much memory")
        decoder = decompressor.decompressobj()
        yield decoder.decompress(source.take_all(size))
        last = False
        while not last:
            size, last = _zstd_blocks(source)
            yield decoder.decompress(source.take_all(size))
        if checksum:
            yield decoder.decompress(source.take_all(4))
        if not decoder.eof or decoder.unused_data:
            raise Damaged("compressed data is damaged")

    return member


def _zstd_header(head: bytes) -> tuple[int, int, int]:
    """Of the frame that starts here: the size of its header, its window, and whether a checksum follows. RFC 8878, 3.1.1.1."""
    if len(head) < 6:
        raise Damaged("compressed data ends early")
    descriptor = head[4]
    single = descriptor >> 5 & 1
    before_size = 5 + (not single) + (0, 1, 2, 4)[descriptor & 3]
    size = before_size + (single, 2, 4, 8)[descriptor >> 6]
    if len(head) < size:
        raise Damaged("compressed data ends early")
    if single:
        window = int.from_bytes(head[before_size:size], "little") + (256 if size - before_size == 2 else 0)
    else:
        base = 1 << (10 + (head[5] >> 3))
        window = base + (base >> 3) * (head[5] & 7)
    return size, window, descriptor >> 2 & 1


def _zstd_blocks(source: _Source) -> tuple[int, bool]:
    """The size of the next blocks that unpack to at most _CHUNK bytes together, and whether the frame's last is among them."""
    size = room = 0
    while size < _PIECE and room <= _CHUNK - _ZSTD_BLOCK:
        header = source.peek(3, size)
        if len(header) < 3:
            if size:
                break
            raise Damaged("compressed data ends early")
        value = int.from_bytes(header, "little")
        kind, length = value >> 1 & 3, value >> 3
        if kind > _COMPRESSED or length > _ZSTD_BLOCK:
            raise Damaged("compressed data is damaged")
        stored = 3 + (1 if kind == _RLE else length)
        if size and size + stored > source.left:
            break
        size += stored
        room += _ZSTD_BLOCK if kind == _COMPRESSED else length
        if value & 1:
            return size, True
    return size, False


_MEMBERS: dict[Packing, Callable[[], Callable[[_Source], Iterator[bytes]]]] = {
    "gzip": lambda: _stream(_Gzip),
    "xz": lambda: _stream(_xz),
    "bzip2": lambda: _stream(bz2.BZ2Decompressor),
    "zstd": _zstd,
    "lz4": _lz4,
}


_SIGN = Block(b"", 0, 0, unfinished=False, too_long=False)


def blocks(chunks: Iterable[bytes], block_bytes: int = BLOCK_BYTES) -> Iterator[Block]:
    """Plain bytes in blocks of about block_bytes, as ``Cutter`` cuts them; an empty one now and then, as a sign of life.

    Raises what the chunks raise; Damaged comes behind a last block with what came before it.
    """
    cutter = Cutter(block_bytes)
    try:
        for number, chunk in enumerate(chunks, 1):
            yield from cutter.feed(chunk)
            if number % CHUNKS_A_SIGN == 0:
                yield _SIGN
    except Damaged:
        yield from cutter.end()
        raise
    yield from cutter.end()
