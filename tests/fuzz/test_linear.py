"""No line costs more than in proportion to its length: eight times the line takes at most a little over eight times the time.

Only growth is judged, never seconds: the least of several runs in the processor's time, sizes large enough, several attempts.
"""

import json
from collections.abc import Callable
from contextlib import suppress
from time import process_time

import pytest

from syslogparse.evidence import bulk, loss
from syslogparse.evidence.decode import MAX_LINE, Decoder, literals_of
from syslogparse.evidence.model import Undecodable
from syslogparse.sources.scan import lines_of_interest
from tests.gold.corpus import decoder

FACTOR = 8
MOST = {8: 8 * 1.4, 2: 2.9}
"""Times as long, at most, for so many times as much. Twice as much takes 2.0 to 2.3 times as long on a quiet machine and 2.4 on a
busy one; work that grows with the square takes 4 times."""
SMALL = 3600
STEP = 31_500
"""CPython searches texts from 30,000 bytes on in another way (Objects/stringlib/fastsearch.h): only what lies on one side of
that compares."""
RUNS, ATTEMPTS = 4, 12
LEAST_SECONDS = 0.002
"""What is measured takes this long at least, or it is done several times."""

TAG = b"Nov 22 06:20:16 gw kernel: "
UPTIME = b"[   22.219056] "
AUDIT = b"audit: type=1400 audit(1795327650.218:46): "
AVC = b"type=AVC msg=audit(1795327650.218:46): "
IN = b"IN=eth0 OUT= SRC=192.0.2.2 DST=192.0.2.1 LEN=40 TTL=64 PROTO=TCP SPT=1 DPT=2 "
DENIED = b'apparmor="DENIED" operation="open" profile="/x" name="/y" pid=1 comm="x" '
KILLED = b"type=SECCOMP msg=audit(1795327650.218:46): auid=0 uid=0 gid=0 ses=1 subj=unconfined pid=1 "

SHAPES: dict[str, tuple[bytes, bytes, bytes]] = {
    "many IN=": (TAG, b"IN=", b" OUT="),
    "many IN= apart": (TAG, b"IN= ", b" OUT="),
    "many OUT=": (TAG + b"IN=", b" OUT=", b""),
    "OUT= without IN=": (TAG, b" OUT=", b""),
    "many IN= OUT=": (TAG, b"IN= OUT= ", IN),
    "many IN=x OUT=": (TAG, b"IN=x ", b" OUT= "),
    "many PHYSIN=": (TAG, b"IN=a PHYSIN=b ", b"OUT=c PHYSOUT=d"),
    "many [": (TAG + IN, b"[", b""),
    "many blank [": (TAG + IN, b" [", b""),
    "many ]": (TAG + IN, b"] ", b""),
    "many [] pairs": (TAG + IN, b"[SRC=6.6.6.6 ] ", b""),
    "deep brackets": (TAG + IN, b" [SRC=1.1.1.1 DST=2.2.2.2 PROTO=ICMP", b"]"),
    "many SRC=": (TAG + IN, b"SRC=6.6.6.6 ", b""),
    "long address": (TAG + b"IN=eth0 OUT= SRC=", b"1:", b""),
    "long interface": (TAG + b"IN=", b"x", b" OUT= SRC=1.1.1.1"),
    "long hardware address": (TAG + b"IN=eth0 OUT= MAC=", b"00:", b"00 SRC=1.1.1.1 DST=2.2.2.2"),
    "many flags": (TAG + IN, b"SYN ", b"URGP=0"),
    "many options": (TAG + IN, b"OPT (", b""),
    "long options": (TAG + IN + b"OPT (", b"0", b")"),
    "many FRAG": (TAG + IN, b"FRAG:0", b""),
    "many =": (TAG + IN, b"=", b""),
    "many names": (TAG + IN, b"A=", b""),
    "many digits": (TAG + IN + b"MARK=", b"9", b""),
    "IP of ebtables": (TAG + b"IN=eth0 OUT= MAC source = ", b" MAC dest = ", b" proto = 0x0800 IP SRC=1.1.1.1"),
    "a long prefix": (TAG, b"x", IN),
    "blanks": (TAG + IN, b" ", b"x"),
    "uptimes": (TAG, UPTIME, IN),
    "half an uptime": (TAG + b"[", b" ", b"1.1] " + IN),
    "digits of an uptime": (b"[", b"1", b".1] " + IN),
    "tags": (b"Nov 22 06:20:16 ", b"kernel: ", IN),
    "stamps": (b"", b"Nov 22 06:20:16 ", b"kernel: " + IN),
    "colons": (b"Nov 22 06:20:16 ", b":", b" kernel: " + IN),
    "a long host": (b"Nov 22 06:20:16 ", b"a", b" kernel: " + IN),
    "a file name": (b"/", b"a/", b":Nov 22 06:20:16 gw kernel: " + IN),
    "file names": (b"", b"a:", b"Nov 22 06:20:16 gw kernel: " + IN),
    "numbers before a name": (b"a", b":1", b":Nov 22 06:20:16 gw kernel: " + IN),
    "priorities": (b"", b"<4>", TAG + IN),
    "repeated": (TAG, b"message repeated 2 times: [ ", IN + b"]"),
    "repeated ends": (TAG + b"message repeated 2 times: [ " + IN, b"]", b""),
    "structured data": (b"<4>1 2026-11-22T06:20:16Z gw kernel - - ", b'[a b="c"]', b" " + IN),
    "structured data open": (b'<4>1 2026-11-22T06:20:16Z gw kernel - - [a b="', b'\\"', b" " + IN),
    "structured data backslashes": (b'<4>1 2026-11-22T06:20:16Z gw kernel - - [a b="', b"\\", b'"] ' + IN),
    "structured parameters": (b"<4>1 2026-11-22T06:20:16Z gw kernel - - [a", b' b="c"', b" " + IN),
    "proxmox": (b"100 6 tap-IN 22/Nov/2026:06:20:16 +0000 policy DROP: ", b"IN=a OUT=b ", IN),
    "kernel records": (b"4,1,2,-;", b"\\x20", IN),
    "dmesg -x": (b"kern  :warn  : ", b"[ 1.1] ", IN),
    'many apparmor="': (AVC, b'apparmor="', b""),
    'apparmor="DENIED"': (AVC, b'apparmor="DENIED" ', b""),
    "many quotes": (AVC + DENIED, b'"', b""),
    "many pairs of quotes": (AVC + DENIED, b'""', b""),
    "many quoted fields": (AVC + DENIED, b'a="b"', b""),
    "an open quote": (AVC + DENIED + b'name2="', b"x ", b""),
    "many apostrophes": (AVC + DENIED, b"'", b""),
    "messages in apostrophes": (b"type=USER_AVC msg=audit(1.1:1): ", b"msg='", b'apparmor="DENIED" operation="dbus_x"'),
    "huge hexadecimal": (AVC + DENIED + b"target=", b"2F", b""),
    "huge hexadecimal that is none": (AVC + DENIED + b"target=", b"2F", b"G"),
    "huge decimal": (AVC + DENIED + b"ouid=", b"9", b""),
    "enrichment": (AVC + DENIED, b'\x1dA="b" ', b""),
    "glued enrichment": (AVC + DENIED + b"ouid=", b"0A", b'="root"'),
    "many records": (TAG, AUDIT, DENIED),
    "many types": (TAG + b"audit: ", b"type=1400 ", b"audit(1.1:1): " + DENIED),
    "many stamps": (TAG + b"audit: type=1400 ", b"audit(1.1:1): ", DENIED),
    "nodes": (b"", b"node=a ", AVC + DENIED),
    "a relay": (b"Nov 22 06:20:16 gw audispd: ", b"type=AVC ", b"msg=audit(1.1:1): " + DENIED),
    "old records": (TAG + b"type=1503 audit(1.1:1): ", b'operation="', b""),
    "many pid=": (KILLED, b" pid=", b'1 comm="x"'),
    "many subj=": (KILLED, b" subj=", b'1 pid=1 comm="x"'),
    "long context": (KILLED.removesuffix(b"unconfined pid=1 "), b"a ", b'pid=1 comm="x" sig=0'),
    "interpreted": (b"type=AVC msg=audit(11/22/26 06:20:08.930:11) : apparmor=DENIED operation=open name=", b"a ", b"pid=1"),
    "interpreted fields": (b"type=AVC msg=audit(11/22/26 06:20:08.930:11) : apparmor=DENIED operation=x ", b"name=a ", b"pid=1"),
    "interpreted call": (b"type=SECCOMP msg=audit(11/22/26 06:20:08.930:11) : auid=unset ", b"subj=a pid=1 ", b"comm=x"),
    "suppressed": (TAG, b"callbacks suppressed ", b""),
    "numbers suppressed": (TAG, b"1", b" callbacks suppressed"),
    "lost": (TAG + b"audit: ", b"audit_lost=", b""),
    "JSON: nested": (b'{"MESSAGE":', b'{"a":', b""),
    "JSON: arrays": (b'{"MESSAGE":', b"[", b""),
    "JSON: bytes": (b'{"_TRANSPORT":"kernel","MESSAGE":[', b"73,", b"73]}"),
    "JSON: quotes": (b'{"_TRANSPORT":"kernel","MESSAGE":"IN=a OUT=', b'\\"', b'"}'),
    "JSON: escapes": (b'{"_TRANSPORT":"kernel","MESSAGE":"IN=a OUT=', b"\\u0041", b'"}'),
    "JSON: backslashes": (b'{"_TRANSPORT":"kernel","MESSAGE":"IN=a OUT=', b"\\\\", b'"}'),
    "JSON: the same name": (b'{"_TRANSPORT":"kernel",', b'"MESSAGE":"IN= OUT=",', b'"a":"b"}'),
    "JSON: blanks": (b"{", b" ", b'"MESSAGE":"IN= OUT="}'),
    "JSON: number": (b'{"MESSAGE":"IN= OUT=","_TRANSPORT":"kernel","a":', b"9", b"}"),
    "data: JSON": (b"data: ", b"{", b'"MESSAGE":"IN= OUT="}'),
}


def _of(shape: tuple[bytes, bytes, bytes], size: int) -> bytes:
    head, body, tail = shape
    return head + body * ((size - len(head) - len(tail)) // len(body)) + tail


def _seconds(work: Callable[[], None], times: int) -> float:
    least = float("inf")
    for _ in range(RUNS):
        begun = process_time()
        for _ in range(times):
            work()
        least = min(least, process_time() - begun)
    return least


def grows_linearly(small: Callable[[], None], large: Callable[[], None], factor: int = FACTOR) -> tuple[bool, float]:
    """Whether large, which has ``factor`` times as much to do, takes about as many times as long; and the ratio."""
    times = 1
    while (once := _seconds(small, times)) < LEAST_SECONDS:
        times = max(times * 2, int(times * LEAST_SECONDS / max(once, 1e-7)))
    ratio = 0.0
    for _ in range(ATTEMPTS):
        ratio = _seconds(large, times) / _seconds(small, times)
        if ratio < MOST[factor]:
            return True, ratio
    return False, ratio


def _decoding(line: bytes) -> Callable[[], None]:
    decode: Decoder = decoder()

    def work() -> None:
        for terminated in (True, False):
            with suppress(Undecodable):
                decode.event(line, terminated)
        loss.read(line)

    return work


@pytest.mark.parametrize(("size", "factor"), [(SMALL, 8), (STEP, 2)], ids=["short", "long"])
@pytest.mark.parametrize("name", SHAPES)
def test_a_line(name, size, factor):
    shape = SHAPES[name]
    assert len(_of(shape, size * factor)) < MAX_LINE
    linear, ratio = grows_linearly(_decoding(_of(shape, size)), _decoding(_of(shape, size * factor)), factor)
    assert linear, f"{factor} times the line takes {ratio:.1f} times as long"


def test_many_keys_of_a_journal_entry():
    """Distinct names: a table that collides would show."""

    def entry(size: int) -> bytes:
        fields = {f"FIELD_{number}": "x" for number in range(size // 16)}
        return json.dumps({**fields, "_TRANSPORT": "kernel", "MESSAGE": "IN= OUT="}).encode()

    linear, ratio = grows_linearly(_decoding(entry(SMALL)), _decoding(entry(SMALL * FACTOR)))
    assert linear, ratio


def test_quadratic_work_is_found_out():
    """The measure itself works."""
    linear, ratio = grows_linearly(lambda: _pairs(40), lambda: _pairs(40 * FACTOR))
    assert not linear
    assert ratio > FACTOR * 3


def _pairs(size: int) -> None:
    for one in range(size):
        for two in range(size):
            assert one ^ two >= 0


_PACKET_LINE = TAG + (
    b"IN=eth0 OUT= MAC=76:9a:e2:a8:d1:68:a6:82:ae:26:18:c7:08:00 SRC=192.0.2.2 DST=192.0.2.1 LEN=40 TOS=0x00 PREC=0x00 TTL=64 "
    b"ID=17758 DF PROTO=TCP SPT=40000 DPT=80 WINDOW=1024 RES=0x00 SYN URGP=0 "
)
_BLOCKS = {
    "dense": _PACKET_LINE,
    "nearly a packet": _PACKET_LINE.replace(b"DPT=80 ", b"DPT=x "),
    "stamps only": b"Nov 22 06:20:16 gw kernel: IN=",
    "many S in a line": TAG + b"IN=" + b"S" * 300 + b" OUT=",
    "many OUT= in a line": TAG + b"IN= OUT= " * 40,
    "blanks": b" " * 200,
    "long tokens": b"Nov 22 06:20:16 " + b"a" * 255 + b" kernel: IN=" + b"SIS" * 60,
    "empty lines": b"",
}


@pytest.mark.parametrize("name", _BLOCKS)
@pytest.mark.parametrize("end", [b"\n", b" "], ids=["lines", "one line"])
def test_a_block(name, end):
    """Whole blocks in one pattern, and the search for lines of interest."""
    line = _BLOCKS[name] + end

    def work(size: int) -> Callable[[], None]:
        text = line * (size // len(line) + 1) + b"\n"
        lines = text.count(b"\n")

        def block() -> None:
            bulk.rows_of(text, lines)
            for _ in lines_of_interest(text, literals_of(text)):
                pass

        return block

    linear, ratio = grows_linearly(work(40_000), work(40_000 * FACTOR))
    assert linear, f"{FACTOR} times the block takes {ratio:.1f} times as long"
