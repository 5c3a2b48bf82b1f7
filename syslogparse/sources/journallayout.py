"""What a native journal file consists of: systemd's Journal File Format (https://systemd.io/JOURNAL_FILE_FORMAT), journal-def.h.

All numbers are little-endian. An object begins with its kind, its flags and its size, at an offset that 8 divides.
"""

from __future__ import annotations

import struct
from typing import Final

COMPACT: Final = 16
"""The incompatible feature of files with offsets of four bytes in entries and arrays."""
KNOWN_FEATURES: Final = 31
MIN_HEADER: Final = 208
HEADER = struct.Struct("<8s4xI72xQQ16xQQ16xQ16xQ")
"""Signature, incompatible features, sizes of header and arena, offset and size of the field hash table, number of entries, offset
of their first array."""
DATA, FIELD, ENTRY, ARRAY = 1, 2, 3, 6
OBJECT = struct.Struct("<BB6xQ")
NUMBER = struct.Struct("<Q")
THREE = struct.Struct("<QQQ")
BUCKET = struct.Struct("<Q8x")
"""A bucket of a hash table: the offset of its first object (and of its last)."""
HEAD_OF_ARRAY: Final = 24
HEAD_OF_FIELD: Final = 40
HEAD_OF_ENTRY: Final = 64
HEAD_OF_DATA: Final = 64
HEAD_OF_COMPACT_DATA: Final = 72
