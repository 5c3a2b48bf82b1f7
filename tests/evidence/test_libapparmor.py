"""The same fields as libapparmor's own reader gives, for real records and for generated ones.

The library is Debian's python3-libapparmor 3.0.8, asked in a process of its own. Where we differ on purpose:

* It knows fewer fields (``NEWER``): they are cut out before it reads. An unknown field makes it drop the record; we go on.
* It takes the last of two equal fields; we take the first, which no later text can override.
* It drops a backslash inside quotes and ends at a NUL byte, as C strings do; the kernel escapes nothing, so we keep both, and it
  is given doubled ones.
* It knows hexadecimal digits in upper case only, and not in all fields where the kernel writes them (``QUOTED``): those are
  cut out where they stand so.
* It refuses the kernel's ``(null)`` and the verdict KILLED; we take them.
* It believes whatever stands in a USER_AVC record; we only what a bus's daemon may say.
"""

import gzip
import json
import re
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syslogparse.evidence import apparmor, audit
from syslogparse.evidence.model import Fields, Undecodable
from tests.evidence import records

NEWER = "class saddr src daddr dest tcontext peer_addr addr rlimit value requested denied execpath options trans netif ns"
QUOTED = "target peer srcname fstype"
_CUT = re.compile(
    rb' (?:%b)=(?:"[^"]*"|[^ "]*)| (?:%b)=[0-9A-F]+\b' % tuple(names.replace(" ", "|").encode() for names in (NEWER, QUOTED))
)
_EVENTS = ("INVALID", "ERROR", "AUDIT", "ALLOWED", "DENIED", "HINT", "STATUS")
_UNSET = str(2**64 - 1)

_READER = r"""
import json, sys
import LibAppArmor
names = sys.argv[1].split() + ["event"]
print("ready", flush=True)
for line in sys.stdin:
    record = LibAppArmor.parse_record(bytes.fromhex(line).decode("utf-8", "surrogateescape"))
    print(json.dumps({name: getattr(record, name) for name in names}), flush=True)
    LibAppArmor.free_record(record)
"""

Library = Callable[[bytes], dict[str, str]]


@pytest.fixture(scope="module")
def library(must_work: bool) -> Iterator[Library]:
    """Asks libapparmor for the fields of a line, under our names of them (records.UPSTREAM); empty for no record."""
    names = " ".join(attribute for _, attribute, _ in records.UPSTREAM if attribute)
    child = subprocess.Popen(
        ["/usr/bin/python3", "-I", "-c", _READER, names], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert child.stdin is not None
    assert child.stdout is not None
    if child.stdout.readline() != "ready\n":
        child.wait()
        if must_work:
            pytest.fail("missing: LibAppArmor (python3-libapparmor)", pytrace=False)
        pytest.skip("missing: LibAppArmor (python3-libapparmor)")
    answers, questions = child.stdout, child.stdin

    def ask(line: bytes) -> dict[str, str]:
        questions.write(line.hex() + "\n")
        questions.flush()
        found = json.loads(answers.readline())
        if found["event"] == 0:
            return {}
        fields = {ours: _said(attribute, found[attribute]) for _, attribute, ours in records.UPSTREAM if attribute}
        return {"apparmor": _EVENTS[found["event"]], **{ours: value for ours, value in fields.items() if value}}

    yield ask
    questions.close()
    child.wait()
    answers.close()


def _said(attribute: str, value: str | int | None) -> str:
    """A value of the library; its zeros and its largest number stand for nothing, user id 0 aside."""
    if value is None or str(value) == _UNSET or (value == 0 and attribute not in ("fsuid", "ouid")):
        return ""
    return str(value)


def ours(fields: Fields) -> dict[str, str]:
    """Our fields as ``library`` gives its own."""
    found = {names: records.shown(fields, names) for _, attribute, names in records.UPSTREAM if attribute}
    zeros = ("pid", "error", "parent", "peer_pid", "task", "magic_token", "lport src", "fport dest")
    return {
        "apparmor": records.shown(fields, "apparmor"),
        **{names: value for names, value in found.items() if value and not (value == "0" and names in zeros)},
    }


def check(body: bytes, theirs: dict[str, str], kind: bytes = b"AVC") -> None:
    """That the library said the same of what it can read of the record, and that the whole record says that and more."""
    whole = apparmor.fields(audit.Record(kind, b"", body))
    if whole["apparmor"] == b"KILLED":
        assert not theirs
        return
    known = apparmor.fields(audit.Record(kind, b"", _CUT.sub(b"", body)))
    assert ours(known) == theirs
    assert whole.items() >= known.items()


HEAD = b"type=AVC msg=audit(1795327650.218:46): "
_STAMP = rb"audit\(\d+\.\d+:\d+\): *"
_HEADER = re.compile(rb"type=(\S+) (?:msg=)?" + _STAMP + rb"|" + _STAMP + rb"type=(\d+) *|audit\[\d+\]: (AVC|USER_AVC) ")
_BUS = re.compile(rb"dbus(?:-daemon)?\[\d+\]: ")


def corpus(folder: Path) -> Iterator[audit.Record]:
    """Every AppArmor record of the real logs, found in the plainest way."""
    for path in sorted(folder.rglob("*")):
        if not path.is_file() or "netfilter" in path.parts:
            continue
        data = path.read_bytes()
        for line in (gzip.decompress(data) if path.suffix == ".gz" else data).split(b"\n"):
            text, bus = _message(line)
            if found := _HEADER.search(text):
                kind = next(group for group in found.groups() if group)
                record = audit.Record(kind, b"", text[found.end() :].partition(b"\x1d")[0])
                if record.type in apparmor.TYPES | apparmor.USER_TYPES or record.type.startswith(b"UNKNOWN[150"):
                    yield record
            elif bus:
                yield apparmor.of_bus(text)
            elif found := _BUS.search(text):
                yield apparmor.of_bus(text[found.end() :])


def _message(line: bytes) -> tuple[bytes, bool]:
    if not line.startswith(b"{"):
        return line, False
    entry = json.loads(line)
    text = entry.get("raw", "").split("\n")[0] or entry.get("MESSAGE", "")
    if not isinstance(text, str):
        return b"", False
    return text.encode("utf-8", "surrogateescape"), entry.get("SYSLOG_IDENTIFIER") == "dbus-daemon"


def as_upstream(record: audit.Record) -> bytes:
    """The record in a shape that the library reads, without the fields that it does not know."""
    body = record.body.replace(b"\\", rb"\\")
    if b"msg='" in body:
        return b"type=USER_AVC msg=audit(1.0:1): " + re.sub(rb" subj=\S+", b"", body)
    body = _CUT.sub(b"", body)
    kind = apparmor.verdict_type(record.type)
    if kind.startswith(b"15"):
        return b"type=UNKNOWN[%b] msg=audit(1.0:1): %b" % (kind, body)
    if kind.startswith(b"APPARMOR_"):
        return b"type=%b msg=audit(1.0:1): %b" % (kind, body)
    return HEAD + body if kind in apparmor.TYPES else b"Nov 22 06:20:23 h dbus[1]: " + body


@pytest.mark.corpora
def test_real_records(corpora: Path, library: Library):
    compared = 0
    for record in set(corpus(corpora)):
        body = re.sub(rb"(terminal=\?).*", rb"\1'", record.body.replace(b" method=", b" member="))
        if b"msg='" in body and not body.endswith(b"'"):
            body += b"'"
        theirs = library(as_upstream(record._replace(body=body)))
        if apparmor.is_record(record):
            check(body, theirs, record.type)
            compared += 1
        else:
            assert not theirs, record
    assert compared > 500


c_text = st.binary(min_size=1, max_size=24).map(lambda text: text.replace(b"\0", b"\1").replace(b"\\", b"/"))
_PLAIN = st.characters(min_codepoint=0x21, max_codepoint=0x7E, exclude_characters='"\\')
plain_text = st.text(_PLAIN, min_size=1, max_size=24).map(str.encode)


@given(records.kernels(c_text, plain_text, modern=False))
def test_generated_records(library: Library, written: records.Written):
    assert ours(apparmor.decode(HEAD + written.body)) == library(HEAD + written.body)


@given(records.kernels(c_text, c_text))
def test_generated_records_of_newer_kernels(library: Library, written: records.Written):
    check(written.body, library(HEAD + _CUT.sub(b"", written.body)))


@given(records.of_the_bus(c_text, c_text))
def test_generated_records_of_the_bus(library: Library, written: records.Written):
    theirs = library(b"Nov 22 06:20:23 h dbus[1]: " + written.body)
    assert ours(apparmor.fields(apparmor.of_bus(written.body))) == theirs
    body = records.user_message(written.body)
    header = b"type=USER_AVC msg=audit(1795327650.218:46): "
    fields = apparmor.decode(header + body)
    assert fields.pop("exe") == b"/usr/bin/dbus-daemon"
    assert ours(fields) == theirs
    assert library(header + body) == {**theirs, "comm exe": "/usr/bin/dbus-daemon"}


@pytest.mark.parametrize(
    ("body", "theirs", "name", "value"),
    [
        (b'apparmor="DENIED" name="/a" name="/b"', "/b", "name", b"/a"),
        (rb'apparmor="DENIED" name="/a\b"', "/ab", "name", rb"/a\b"),
        (b'apparmor="DENIED" name=2F0061', "/", "name", b"/\0a"),
        (b'apparmor="DENIED" name=2f61', "", "name", b"/a"),
        (b'apparmor="DENIED" peer=7020', "", "peer", b"p "),
        (b'apparmor="DENIED" name="/a" new=1', "", "name", b"/a"),
        (b'apparmor="KILLED" name="/a"', "", "name", b"/a"),
        (b'apparmor="DENIED" comm="x" name=(null)', "", "comm", b"x"),
    ],
)
def test_deliberate_differences(library: Library, body: bytes, theirs: str, name: str, value: bytes):
    said = library(HEAD + body)
    assert (said.get("capname name", "") if said else "") == theirs
    assert apparmor.decode(HEAD + body)[name] == value


def test_user_space_is_not_believed(library: Library):
    said = b'apparmor="DENIED" operation="open" profile="/x" name="/y"'
    line = b"type=USER_AVC msg=audit(1.0:1): " + records.user_message(said)
    assert library(line)["operation"] == "open"
    with pytest.raises(Undecodable):
        apparmor.decode(line)
