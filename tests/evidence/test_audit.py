"""Headers and fields of audit records."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syslogparse.evidence import audit
from syslogparse.evidence.model import Undecodable

STAMP = b"audit(1279968846.035:77)"


@pytest.mark.parametrize(
    ("message", "kind"),
    [
        (b"audit: type=1400 audit(1279968846.035:77): a=1", b"1400"),
        (b"[   16.008682] audit: type=1400 audit(1279968846.035:77): a=1", b"1400"),
        (b"[ 1911.569682] type=1400 audit(1279968846.035:77): a=1", b"1400"),
        (b"audit(1279968846.035:77): type=1503 a=1", b"1503"),
        (b"type=AVC msg=audit(1279968846.035:77): a=1", b"AVC"),
        (b"type=UNKNOWN[1503] msg=audit(1279968846.035:77):  a=1", b"UNKNOWN[1503]"),
        (b"msg=audit(1279968846.035:77): type=1503 a=1", b"1503"),
        (b"msg=audit(1279968846.035:77): a=1", b"AVC"),
    ],
)
def test_headers(message: bytes, kind: bytes):
    assert audit.read(message) == audit.Record(kind, STAMP, b"a=1")


@pytest.mark.parametrize(
    "message",
    [
        b"",
        b"a=1",
        b" type=1400 audit(1279968846.035:77): a=1",
        b"x audit: type=1400 audit(1279968846.035:77): a=1",
        b"audit: type=1400 audit(1279968846): a=1",
        b"audit: type=1400 audit(1279968846.035:77) a=1",
        b"audit: type=AVC;x audit(1279968846.035:77): a=1",
    ],
)
def test_no_record(message: bytes):
    assert audit.read(message) is None


@pytest.mark.parametrize(
    "stamp",
    [
        b"audit(11/22/26 06:20:08.930:11)",
        b"audit(22.11.2026 06:20:08.930:11)",
        "audit(2026\u5e7411\u670822\u65e5 06:20:08.930:11)".encode(),
    ],
)
def test_interpreted_headers(stamp: bytes):
    assert audit.read(b"type=AVC msg=" + stamp + b" : apparmor=DENIED ") == audit.Record(b"AVC", stamp, b"apparmor=DENIED ", True)


@pytest.mark.parametrize(
    "message",
    [
        b"type=AVC msg=audit(11/22/26 06:20:08.930:11): a=1",
        b"type=AVC msg=audit(11/22/26 (x) 06:20:08.930:11) : a=1",
        b"type=AVC msg=audit(" + b"1" * 65 + b":11) : a=1",
        b"type=AVC msg=audit(11/22/26\t06:20:08.930:11) : a=1",
        b"audit: type=AVC audit(11/22/26 06:20:08.930:11) : a=1",
    ],
)
def test_no_interpreted_header(message: bytes):
    assert audit.read(message) is None


def test_relayed():
    whole = b"type=AVC msg=audit(1279968846.035:77): a=1"
    for message in (whole, b"node=gw.example " + whole):
        assert audit.read_relayed(message) == audit.Record(b"AVC", STAMP, b"a=1")
    assert audit.read_relayed(b'AVC apparmor="DENIED"') == audit.Record(b"AVC", b"", b'apparmor="DENIED"')
    assert audit.read_relayed(b"UNKNOWN[1334] prog-id=1") == audit.Record(b"UNKNOWN[1334]", b"", b"prog-id=1")
    for message in (b"", b"AVC", b"avc a=1", b" AVC a=1", b"A a=1", b"AVC=1 a=1", b"x node=gw " + whole, b"audit: " + whole):
        assert audit.read_relayed(message) is None, message
    assert audit.read(b'AVC apparmor="DENIED"') is None


def test_nothing_inside_quotes_is_a_field():
    assert audit.fields(b'a="b c=1" d=2') == [(b"a", b"b c=1", b"", b""), (b"d", b"", b"2", b"")]


def test_a_quote_that_belongs_to_no_field_is_seen():
    for body in (b'a=1" b=2', b'a="1', b'a=b"c"', b'"', b'a="x" "', b'a=1 "b" c=2'):
        assert (b"", b"", b"", b'"') in audit.fields(body), body


def test_enrichment_that_lost_its_separator():
    kernels = [found for found in audit.fields(b'n="x"FSUID="root" ouid=0OUID="root" AUID="a b"') if found[0].islower()]
    assert kernels == [(b"n", b"x", b"", b""), (b"ouid", b"", b"0", b"")]


def test_words_that_are_no_fields():
    words = b"word a-b=1 =2 { \xff=3 \0"
    assert audit.fields(words) == [(b"", b"", b"", b"")] * 6


def test_hexadecimal():
    assert audit.unhex(b"2F7372762F77697468207370616365") == b"/srv/with space"
    assert audit.unhex(b"ff00") == b"\xff\0"
    assert audit.unhex(b"(null)") == b""
    for bare in (b"2F7", b"2G", b"0x41", b"4 1", b"4\t1", b"\xff\xff"):
        with pytest.raises(Undecodable) as caught:
            audit.unhex(bare)
        assert caught.value.reason == "invalid hexadecimal value"


def test_numbers():
    assert [audit.number(raw) for raw in (b"0", b"-13", b"4294967295", b"-4294967295")] == [0, -13, 2**32 - 1, 1 - 2**32]
    for raw in (b"", b"-", b"+1", b"1_0", b" 1", b"4294967296", b"9" * 5000, b"0x1", b"\xb2"):
        with pytest.raises(Undecodable) as caught:
            audit.number(raw)
        assert caught.value.reason == "invalid number"


def test_user_space():
    kinds = b"1099 1100 1107 1199 1200 2099 2100 2999 3000 AVC USER_AVC".split()
    assert [kind for kind in kinds if audit.is_user_space(kind)] == b"1100 1107 1199 2100 2999 USER_AVC".split()


@given(st.binary(max_size=200))
def test_any_bytes(body: bytes):
    for _, quoted, bare, _ in audit.fields(body):
        assert not (quoted and bare)
        assert b'"' not in quoted + bare
    audit.read(body)
    audit.read(b"audit: type=1400 audit(1." + body)
    audit.read(b"type=AVC msg=audit(" + body)
    audit.read_relayed(body)
