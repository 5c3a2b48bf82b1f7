import json

from hypothesis import given
from hypothesis import strategies as st

from syslogparse.evidence.model import GRADES, Event
from syslogparse.report import events
from tests.report.hostile import raws, stamps, texts

names = st.sampled_from(["src", "name", "comm", "tcp_flags", "dpt"])
fields = st.dictionaries(names, st.one_of(raws, st.integers(-(2**63), 2**64 - 1), st.lists(raws, max_size=3)))


def utf16(text):
    """Two surrogates that happen to meet are one character to JSON."""
    return text.encode("utf-16", "surrogatepass")


@given(texts, st.integers(1, 10**9), stamps, raws, st.sampled_from(GRADES), fields, st.none() | st.integers(1, 10**6))
def test_one_line_of_ascii_json_holds_everything(file, line, time, host, grade, values, repeat):
    out = events.render(Event("apparmor", time, host, grade, values), file, line, repeat)
    assert out.endswith(b"\n")
    assert all(0x20 <= byte < 0x7F for byte in out[:-1])
    document = json.loads(out)
    assert (utf16(document["file"]), document["line"]) == (utf16(file), line)
    assert document["trust"] == grade
    assert document.get("repeat") == repeat
    assert (document["host"] or "").encode("utf-8", "surrogateescape") == host
    for name, value in values.items():
        got = document["fields"][name]
        if isinstance(value, bytes):
            assert got.encode("utf-8", "surrogateescape") == value
        elif isinstance(value, int):
            assert got == value
        else:
            assert [item.encode("utf-8", "surrogateescape") for item in got] == value


def test_form():
    event = Event("netfilter", 1_795_328_446_882_001, b"gw", "kern", {"src": b"192.0.2.2", "dpt": 22, "tcp_flags": [b"SYN"]})
    assert events.render(event, "/var/log/kern.log", 12) == (
        b'{"kind":"netfilter","file":"/var/log/kern.log","line":12,"time":"2026-11-22T06:20:46.882001+00:00",'
        b'"host":"gw","trust":"kern","fields":{"src":"192.0.2.2","dpt":22,"tcp_flags":["SYN"]}}\n'
    )
    assert b'"time":null,"host":null' in events.render(Event("seccomp", None, b"", "syslog", {}), "x", 1)


def test_repeat_only_where_syslog_said_so():
    event = Event("seccomp", None, b"", "syslog", {})
    assert b"repeat" not in events.render(event, "x", 1)
    assert b'"repeat":3' in events.render(event, "x", 1, repeat=3)
