"""Packed fields of a journal file: xz, lz4 and zstd, each within bounds that are checked before anything is allocated.

journald packs fields of 512 bytes and more (journald.conf(5), Compress=); the object's flags say with what.
"""

from __future__ import annotations

import lzma
from typing import Final

import lz4.block
import zstandard

MAX_PAYLOAD: Final = 1 << 20
"""Bytes of one field that are read at most; journald itself takes 48 KiB of a line and the kernel makes no more than 9."""
_MAX_XZ_MEMORY: Final = 16 << 20
"""liblzma's default preset, which journald uses, needs 9 MiB."""

XZ, LZ4, ZSTD = 1, 2, 4
PACKED: Final = XZ | LZ4 | ZSTD
"""Flags of a data object (journal-def.h, OBJECT_COMPRESSED_*)."""

_zstd = zstandard.ZstdDecompressor(max_window_size=1 << 23)


class NotUnpacked(Exception):
    """A payload that cannot be unpacked; the text says why."""


class TooLarge(NotUnpacked):
    """A payload of more than MAX_PAYLOAD bytes."""


def unpack(packed_by: int, packed: bytes) -> bytes:
    """The payload that was packed by XZ, LZ4 or ZSTD. Raises NotUnpacked."""
    if packed_by == ZSTD:
        return _from_zstd(packed)
    if packed_by == LZ4:
        return _from_lz4(packed)
    if packed_by == XZ:
        return _from_xz(packed)
    raise NotUnpacked("packed in no known way")


def _claim(size: int) -> int:
    """The size that the payload says it has."""
    if size > MAX_PAYLOAD:
        raise TooLarge("it would be too long")
    if size <= 0:
        raise NotUnpacked("its size is not known")
    return size


def _from_zstd(packed: bytes) -> bytes:
    try:
        return _zstd.decompress(packed, max_output_size=_claim(zstandard.frame_content_size(packed)))
    except zstandard.ZstdError:
        raise NotUnpacked("zstd cannot read it") from None


def _from_lz4(packed: bytes) -> bytes:
    """The size stands in front, little-endian."""
    claimed = _claim(int.from_bytes(packed[:8], "little"))
    try:
        text: bytes = lz4.block.decompress(packed[8:], uncompressed_size=claimed)
    except (lz4.block.LZ4BlockError, ValueError):
        raise NotUnpacked("lz4 cannot read it") from None
    if len(text) != claimed:
        raise NotUnpacked("it has another size than it says")
    return text


def _from_xz(packed: bytes) -> bytes:
    unpacker = lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=_MAX_XZ_MEMORY)
    try:
        text = unpacker.decompress(packed, MAX_PAYLOAD + 1)
    except (lzma.LZMAError, ValueError):
        raise NotUnpacked("xz cannot read it") from None
    _claim(len(text))
    if not unpacker.eof:
        raise NotUnpacked("xz cannot read it to its end")
    return text
