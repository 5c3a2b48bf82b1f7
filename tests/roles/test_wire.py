import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from syslogparse.evidence.model import GRADES, KINDS, AppArmorKey, NetfilterKey, SeccompKey
from syslogparse.roles import wire
from syslogparse.roles.wire import HEADER, MAX_PAYLOAD, BadFrame, Inbox, Type, frame

FRAMES = st.lists(st.tuples(st.sampled_from(Type), st.binary(max_size=200)), max_size=8)
CUTS = st.lists(st.integers(1, 64), min_size=1, max_size=20)


def pieces(data, cuts):
    start, turn = 0, 0
    while start < len(data):
        size = cuts[turn % len(cuts)]
        yield data[start : start + size]
        start, turn = start + size, turn + 1


def listen(parts):
    """The frames, and whether the sender was found to be broken."""
    inbox, found = Inbox(), []
    for part in parts:
        inbox.feed(part)
        try:
            while one := inbox.frame():
                found.append(one)
        except BadFrame:
            return found, True
    return found, False


@given(FRAMES, CUTS)
def test_frames_come_out_as_they_were_sent_whatever_the_cuts(sent, cuts):
    assert listen(pieces(b"".join(frame(*one) for one in sent), cuts)) == (sent, False)


@given(FRAMES, st.binary(max_size=400), CUTS)
def test_nothing_else_comes_out_of_any_bytes(sent, junk, cuts):
    data = b"".join(frame(*one) for one in sent) + junk
    found, broken = listen(pieces(data, cuts))
    assert found[: len(sent)] == sent
    consumed = b"".join(frame(*one) for one in found)
    assert data.startswith(consumed)
    rest = data[len(consumed) :]
    assert (found, broken) == listen([data])
    if broken:
        length, kind = HEADER.unpack_from(rest)
        assert length > MAX_PAYLOAD or kind not in {1, 2, 3, 4, 5, 6}
    elif len(rest) >= HEADER.size:
        assert HEADER.unpack_from(rest)[0] > len(rest) - HEADER.size


def test_the_largest_frame_passes_and_one_byte_more_does_not():
    payload = bytes(MAX_PAYLOAD)
    assert listen([frame(Type.EVIDENCE, payload)]) == ([(Type.EVIDENCE, payload)], False)
    with pytest.raises(ValueError, match="limit"):
        frame(Type.EVIDENCE, payload + b"x")
    assert listen([HEADER.pack(MAX_PAYLOAD + 1, Type.EVIDENCE)]) == ([], True)
    assert listen([HEADER.pack((1 << 32) - 1, Type.EVIDENCE)]) == ([], True)


def test_only_known_types_pass():
    for number in range(256):
        assert listen([HEADER.pack(0, number)]) == (([(number, b"")], False) if number in set(range(1, 7)) else ([], True))


def test_a_bad_frame_stays_bad():
    inbox = Inbox()
    inbox.feed(HEADER.pack(0, 0) + frame(Type.DONE, b""))
    for _ in range(3):
        with pytest.raises(BadFrame):
            inbox.frame()


TEXT = st.binary(max_size=40)
COUNT = st.integers(0, 1 << 53)
TIME = st.none() | st.integers(-(1 << 55), 1 << 57)
GRADE = st.sampled_from(GRADES)
ENTRY = st.builds(
    wire.Entry, COUNT, TEXT, GRADE, st.integers(1, 1 << 53), st.tuples(COUNT, COUNT), TIME, st.tuples(COUNT, COUNT), TIME
)
VALUE = TEXT | st.integers(-(1 << 63), (1 << 63) - 1) | st.lists(TEXT, max_size=5)
NAME = st.from_regex(r"\A[A-Za-z_][A-Za-z0-9_]{0,31}\Z")
EVENT = st.builds(wire.WireEvent, COUNT, st.sampled_from(KINDS), TIME, TEXT, GRADE, st.dictionaries(NAME, VALUE, max_size=5))


def keyed(key):
    return st.lists(st.tuples(ENTRY, st.tuples(*[TEXT] * len(key._fields)).map(lambda texts: key(*texts))), max_size=3)


@settings(max_examples=40)
@given(st.builds(wire.EvidenceFrame, keyed(NetfilterKey), keyed(AppArmorKey), keyed(SeccompKey)))
def test_evidence_survives(sent):
    assert wire.decode_evidence(wire.encode(sent)) == sent


@settings(max_examples=40)
@given(st.builds(wire.EventsFrame, st.lists(EVENT, max_size=5)))
def test_events_survive(sent):
    assert wire.decode_events(wire.encode(sent)) == sent


@given(st.binary(max_size=200))
def test_any_bytes_are_typed_or_refused(payload):
    for decode, wanted in (
        (wire.decode_block, wire.BlockFrame),
        (wire.decode_events, wire.EventsFrame),
        (wire.decode_evidence, wire.EvidenceFrame),
    ):
        try:
            decoded = decode(payload)
        except BadFrame:
            continue
        assert type(decoded) is wanted


EVENT_ROW = [0, "netfilter", None, b"gw", "syslog", {"dpt": 22}]
BAD_EVENT = [
    (0, -1),
    (0, (1 << 53) + 1),
    (0, "0"),
    (0, 0.5),
    (0, True),
    (0, None),
    (1, "firewall"),
    (1, 0),
    (2, 1 << 58),
    (2, -(1 << 56)),
    (2, 0.5),
    (3, bytes(65537)),
    (3, 5),
    (3, None),
    (4, "root"),
    (4, None),
    (5, []),
    (5, {"": 1}),
    (5, {"1a": 1}),
    (5, {"a b": 1}),
    (5, {"a" * 33: 1}),
    (5, {"a\x1b[31m": 1}),
    (5, {"ä": 1}),
    (5, {b"a": 1}),
    (5, {5: 1}),
    (5, {f"f{number}": 1 for number in range(65)}),
    (5, {"a": 1.5}),
    (5, {"a": None}),
    (5, {"a": "text"}),
    (5, {"a": True}),
    (5, {"a": 1 << 63}),
    (5, {"a": bytes(65537)}),
    (5, {"a": [b""] * 65}),
    (5, {"a": [1]}),
    (5, {"a": {"b": 1}}),
    (5, {"a": [[b""]]}),
]


def encoded(value):
    return msgspec.msgpack.encode(value)


def test_the_row_itself_is_good():
    assert wire.decode_events(encoded([[EVENT_ROW]])).events[0].fields == {"dpt": 22}


@pytest.mark.parametrize(("place", "value"), BAD_EVENT, ids=lambda value: repr(value)[:40])
def test_events_of_wrong_types_are_refused(place, value):
    row = [*EVENT_ROW]
    row[place] = value
    with pytest.raises(BadFrame):
        wire.decode_events(encoded([[EVENT_ROW, row]]))


def test_a_field_name_with_a_line_feed_is_refused():
    with pytest.raises(BadFrame):
        wire.decode_events(encoded([[[*EVENT_ROW[:5], {"a\n": 1}]]]))


@pytest.mark.parametrize("row", [EVENT_ROW[:-1], [*EVENT_ROW, 0], {"line": 0}, b"", None], ids=repr)
def test_events_of_another_shape_are_refused(row):
    with pytest.raises(BadFrame):
        wire.decode_events(encoded([[row]]))


BLOCK_ROW = [0, 0, 9, {"netfilter": 1}, {"syslog": 1}, {"invalid port": 1}, [[3, "invalid port"]]]


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (0, -1),
        (1, 1 << 60),
        (2, -1),
        (3, {"x": 1}),
        (3, {"netfilter": -1}),
        (4, {"root": 1}),
        (5, {"my own text \x1b[2J": 1}),
        (6, [[3, "my own text"]]),
        (6, [[-1, "invalid port"]]),
        (6, [[3]]),
        (6, [[3, "invalid port"]] * 21),
    ],
    ids=repr,
)
def test_blocks_of_wrong_types_are_refused(place, value):
    assert wire.decode_block(encoded(BLOCK_ROW)).lines == 9
    row = [*BLOCK_ROW]
    row[place] = value
    with pytest.raises(BadFrame):
        wire.decode_block(encoded(row))


ENTRY_ROW = [0, b"gw", "syslog", 1, [0, 0], None, [0, 0], None]
FIREWALL_KEY = [b""] * len(NetfilterKey._fields)


@pytest.mark.parametrize(
    ("entry", "key"),
    [
        ([*ENTRY_ROW[:3], 0, *ENTRY_ROW[4:]], FIREWALL_KEY),
        ([*ENTRY_ROW[:4], [0], *ENTRY_ROW[5:]], FIREWALL_KEY),
        ([*ENTRY_ROW[:4], [0, 0, 0], *ENTRY_ROW[5:]], FIREWALL_KEY),
        (ENTRY_ROW[:-1], FIREWALL_KEY),
        (ENTRY_ROW, FIREWALL_KEY[:-2]),
        (ENTRY_ROW, [*FIREWALL_KEY, b""]),
        (ENTRY_ROW, [*FIREWALL_KEY[:-1], 5]),
        (ENTRY_ROW, [*FIREWALL_KEY[:-1], [b""]]),
        (ENTRY_ROW, None),
    ],
    ids=lambda value: repr(value)[:40],
)
def test_evidence_of_wrong_types_is_refused(entry, key):
    assert wire.decode_evidence(encoded([[[ENTRY_ROW, FIREWALL_KEY]], [], []])).netfilter
    with pytest.raises(BadFrame):
        wire.decode_evidence(encoded([[[entry, key]], [], []]))


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"\x91" * 100_000,
        b"\x81\xa1a" * 100_000,
        b"\x91\xdd\xff\xff\xff\xff",
        b"\xdd\xff\xff\xff\xff",
        b"\xdf\xff\xff\xff\xff",
        b"\xc6\xff\xff\xff\xff",
        b"\x91\x90\x00",
        b"\xc1",
        b"\xc7\x01\x05x",
        encoded([[EVENT_ROW]])[:-1],
    ],
    ids=lambda payload: payload[:6].hex(),
)
def test_bombs_and_fragments_are_refused(payload):
    for decode in (wire.decode_block, wire.decode_events, wire.decode_evidence):
        with pytest.raises(BadFrame):
            decode(payload)


def test_a_bomb_of_nesting_where_a_value_is_expected():
    row = encoded([[[*EVENT_ROW[:5], {"a": 1}]]])
    assert row.endswith(b"\xa1a\x01")
    with pytest.raises(BadFrame):
        wire.decode_events(row[:-1] + b"\x91" * 200_000 + b"\x00")
