"""The numbers of the layout are those of files that systemd itself wrote."""

import pytest

from syslogparse.sources import journallayout as layout
from tests.sources.journals import KINDS, journal, number, objects


@pytest.mark.parametrize("kind", KINDS)
def test_header_and_objects(kind: str):
    data = journal(kind)
    signature, features, start, arena, table, size, count, arrays = layout.HEADER.unpack(data[: layout.HEADER.size])
    assert (signature, start + arena) == (b"LPKSHHRH", len(data))
    assert bool(features & layout.COMPACT) == kind.startswith("compact")
    assert not features & ~layout.KNOWN_FEATURES
    assert len(list(objects(data, layout.ENTRY))) == count > 100
    assert (data[table - layout.OBJECT.size], size % layout.BUCKET.size) == (5, 0), "a field hash table"
    assert arrays in objects(data, layout.ARRAY)
    for one, least in (
        (layout.FIELD, layout.HEAD_OF_FIELD),
        (layout.ENTRY, layout.HEAD_OF_ENTRY),
        (layout.ARRAY, layout.HEAD_OF_ARRAY),
    ):
        assert all(number(data, at + 8) > least for at in objects(data, one))
    head = layout.HEAD_OF_COMPACT_DATA if features & layout.COMPACT else layout.HEAD_OF_DATA
    assert any(data[at + head :].startswith(b"_TRANSPORT=kernel") for at in objects(data, layout.DATA))
