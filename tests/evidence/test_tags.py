"""Lines of syslog daemons and of journalctl, in every shape."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syslogparse.evidence.model import Undecodable
from syslogparse.evidence.tags import Tagged, read

STAMPS = [
    "Nov 22 06:20:23",
    "Nov  2 06:20:23",
    "Nov 2 06:20:23",
    "Nov 22 06:20:23.857164",
    "Nov 22 06:20:23,857",
    "Jan  1 15:09:04.562575+08:00",
    "Jan  1 15:09:04-08:00",
    "Nov 22 06:20:23Z",
    "Nov 22 2026 06:20:23",
    "2026 Nov 22 06:20:23",
    "Sun Nov 22 06:20:23 2026",
    "Nov 22 06:20:23 2026",
    "nov. 22 06:20:23",
    "Mär 22 06:20:23",
    "Dez 22 06:20:23",
    "août 22 06:20:23",
    "déc. 22 06:20:23.123456",
    "gru 22 06:20:23",
    "led 22 06:20:23",
    "ноя 22 06:20:23",
    "11月 22 06:20:23",
    "2026-11-22T06:20:23.588510+00:00",
    "2026-11-22T06:20:23+0000",
    "2026-11-22T06:20:23Z",
    "2026-11-22T06:20:23+02",
    "2026-11-22 06:20:23",
    "2026-11-22 06:20:23,123",
    "2026-11-22 06:20:23.123+08:00",
    "2026-11-22 06:20:23 +0100",
    "Sun 2026-11-22 06:20:23 UTC",
    "Sun 2026-11-22 06:20:23.123456 CET",
    "Sun 2026-11-22 06:20:23 -03",
    "1795328423.857164",
]
HOSTS = [
    "",
    "gw",
    "gw.example.org",
    "192.0.2.1",
    "2001:db8::1",
    "fe80::1%eth0",
    "src@gw",
    "gw/relay",
    "s_net@192.0.2.1",
    "net@::1",
    "www.info",
    "a_b",
    "kernel",
]


@pytest.mark.parametrize("host", HOSTS)
@pytest.mark.parametrize("stamp", STAMPS)
def test_stamp_and_host(stamp: str, host: str):
    front = f"{stamp} {host} " if host else f"{stamp} "
    assert read(f"{front}kernel: text".encode()) == Tagged(stamp.encode(), host.encode(), b"kernel", b"", b"text", None, False)
    assert read(f"<14>{front}kernel[5]: text".encode()) == Tagged(
        stamp.encode(), host.encode(), b"kernel", b"5", b"text", 1, False
    )


@pytest.mark.parametrize(
    ("column", "number"),
    [("kern.warn", 0), ("kern.warning", 0), ("user.notice", 1), ("daemon.err", 3), ("authpriv.info", 10), ("local7.debug", 23)],
)
def test_the_facility_column(column: str, number: int):
    for front, host in ((f"gw {column}", b"gw"), (column, b""), (f"{column} gw", b"gw")):
        found = read(f"Nov 22 06:20:23 {front} kernel: text".encode())
        assert found == Tagged(b"Nov 22 06:20:23", host, b"kernel", b"", b"text", number, True)
        # OpenWrt's syslogd pads column and tag.
        padded = read(f"Nov 22 06:20:23 {front}   kernel:      text".encode())
        assert padded == found if not front.endswith("gw") else padded is not None


@pytest.mark.parametrize(
    ("tag", "name", "process"),
    [
        ("kernel:", b"kernel", b""),
        ("kernel[1]:", b"kernel", b"1"),
        ("audit[257]:", b"audit", b"257"),
        ("audit:", b"audit", b""),
        ("audispd:", b"audispd", b""),
        ("audisp-syslog[9]:", b"audisp-syslog", b"9"),
        ("dbus[1]:", b"dbus", b"1"),
        ("dbus-broker-launch[1]:", b"dbus-broker-launch", b"1"),
        ("rsyslogd-2177:", b"rsyslogd", b""),
        ("rsyslogd[1]:", b"rsyslogd", b"1"),
        ("systemd-journald[1]:", b"systemd-journald", b"1"),
        ("journal:", b"journal", b""),
    ],
)
def test_tags(tag: str, name: bytes, process: bytes):
    found = read(f"Nov 22 06:20:23 gw {tag} text".encode())
    assert found is not None
    assert (found.host, found.tag, found.process, found.message) == (b"gw", name, process, b"text")


@pytest.mark.parametrize(
    "text",
    [
        "sshd[1]: kernel: text",
        "sshd: kernel: text",
        "mykernel: text",
        "kernel-x: text",
        "kernel-1234: text",
        "kernel: : ",
        "kernel:: text",
        "kernel [1]: text",
        "kernel[1][2]: text",
        "kernel[x]: text",
        "kernel text",
        "(kernel): text",
        "a b kernel: text",
        "a:b: kernel: text",
        "h: kernel: text",
        "audit-x: text",
        "xaudit[1]: text",
        "dbus-daemon-x[1]: text",
        "www.notice kern.warn x: text",
        "-- MARK --",
        "last message repeated 3 times",
        "[kernel] text",
        "bob:x kernel: text",
        "x\x1b kernel: text",
        "\xa0 kernel: text",
    ],
)
def test_stamped_by_nobody_in_particular(text: str):
    found = read(f"Nov 22 06:20:23 gw {text}".encode())
    if text == "kernel: : ":
        assert found == Tagged(b"Nov 22 06:20:23", b"gw", b"kernel", b"", b": ", None, False)
    else:
        assert found == Tagged(b"Nov 22 06:20:23", b"", b"", b"", f"gw {text}".encode(), None, False)


@pytest.mark.parametrize(
    "line",
    [
        "",
        "kernel: text",
        "Nom 22 06:20:23 kernel: text",
        "x Nov 22 06:20:23 kernel: text",
        "Nov 22 6:20 kernel: text",
        "Nov 22 06:20:23kernel: text",
        " Nov 22 06:20:23 kernel: text",
        "22 06:20:23 kernel: text",
        "123.456 kernel: text",
        "2026/11/22 06:20:23 kernel: text",
        "2026-11-22 kernel: text",
        "Xyz 2026-11-22 06:20:23 UTC kernel: text",
        "<>Nov 22 06:20:23 kernel: text",
        "<1234>Nov 22 06:20:23 kernel: text",
        "out of 22 06:20:23 kernel: text",
    ],
)
def test_no_stamp(line: str):
    assert read(line.encode()) is None


def test_a_priority_that_is_none():
    with pytest.raises(Undecodable):
        read(b"<192>Nov 22 06:20:23 gw kernel: text")


@pytest.mark.parametrize("data", ["-", '[a@1 b="c"]', '[a@1 b="\\"\\]"][e@2]', "[a]"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_rfc5424(data: str, mark: str):
    line = f"1 2026-11-22T06:20:24.5Z gw kernel - - {data} {mark}text".encode()
    expected = Tagged(b"2026-11-22T06:20:24.5Z", b"gw", b"kernel", b"", b"text", None, False)
    assert read(line) == expected
    assert read(b"<6>" + line) == expected._replace(facility=0)
    assert read(line.replace(b"kernel -", b"audit 257")) == expected._replace(tag=b"audit", process=b"257")
    assert read(line.replace(b"2026-11-22T06:20:24.5Z gw", b"- -")) == expected._replace(stamp=b"", host=b"")


def test_rfc5424_broken():
    assert read(b"<6>2 2026-11-22T06:20:24.5Z gw kernel - - - text") is None
    assert read(b'<6>1 2026-11-22T06:20:24.5Z gw kernel - - [a b="c] text') is None


@given(st.binary(max_size=200))
def test_any_bytes(text: bytes):
    for front in (
        b"",
        b"Nov 22 06:20:23 ",
        b"Sun Nov 22 06:20:23 2026 kern.",
        b"<4>1 - gw kernel - - [",
        b"2026-11-22 06:20:23 +",
    ):
        try:
            found = read(front + text)
        except Undecodable:
            continue
        assert found is None or (front + text).endswith(found.message)
