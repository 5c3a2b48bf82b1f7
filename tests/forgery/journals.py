"""Journal entries, as JSON and as the export format, that are not what they say."""

import json
import struct

from tests.forgery.case import (
    BUS_BODY,
    DENIED,
    DENIED_BODY,
    DENIED_FIELDS,
    KILLED_BODY,
    KILLED_FIELDS,
    PACKET,
    PACKET_FIELDS,
    STAMP,
    Case,
    Fields,
)

_KERNEL: dict[str, object] = {
    "__REALTIME_TIMESTAMP": "1795328416588510",
    "_HOSTNAME": "gw",
    "SYSLOG_IDENTIFIER": "kernel",
    "SYSLOG_FACILITY": "0",
    "PRIORITY": "4",
    "_TRANSPORT": "kernel",
}


def _entry(message: object, **changed: object) -> bytes:
    fields = {**_KERNEL, **changed, "MESSAGE": message}
    return json.dumps({name: value for name, value in fields.items() if value is not None}).encode() + b"\n"


def _forged(name: str, *entries: bytes) -> Case:
    return Case(f"journal: {name}", b"".join(entries), "undecoded")


def _none(name: str, *entries: bytes) -> Case:
    return Case(f"journal: {name}", b"".join(entries), "nothing")


def _event(name: str, entry: bytes, fields: Fields, kind: str = "netfilter", grade: str | None = None) -> Case:
    return Case(f"journal: {name}", entry, "event", fields, grade, kind)


_PAYLOADS = (PACKET, f"DROP {PACKET}", DENIED)
_JSON = [
    _event("the kernel", _entry(PACKET), PACKET_FIELDS),
    _event(
        "the kernel, fields in another order",
        b'{"MESSAGE":' + json.dumps(PACKET).encode() + b',"_TRANSPORT":"kernel"}\n',
        PACKET_FIELDS,
    ),
    _event("the kernel's audit record", _entry(DENIED), DENIED_FIELDS, "apparmor"),
    _event(
        "the audit transport",
        _entry(
            f"AVC {DENIED_BODY}",
            _TRANSPORT="audit",
            _AUDIT_TYPE="1400",
            _AUDIT_TYPE_NAME="AVC",
            SYSLOG_IDENTIFIER="audit",
            SYSLOG_FACILITY="4",
        ),
        DENIED_FIELDS,
        "apparmor",
    ),
    _event(
        "the audit transport, seccomp",
        _entry(
            f"SECCOMP {KILLED_BODY}",
            _TRANSPORT="audit",
            _AUDIT_TYPE="1326",
            _AUDIT_TYPE_NAME="SECCOMP",
            SYSLOG_IDENTIFIER="audit",
        ),
        KILLED_FIELDS,
        "seccomp",
    ),
    _event("a message as bytes", _entry(list(DENIED.encode())), DENIED_FIELDS, "apparmor"),
    _event(
        "fields inside the message",
        _entry(f'","_TRANSPORT":"syslog {PACKET}'),
        {**PACKET_FIELDS, "prefix": '","_TRANSPORT":"syslog'},
    ),
    _forged(
        "other transports",
        *(
            _entry(payload, _TRANSPORT=transport)
            for payload in _PAYLOADS
            for transport in (
                "syslog",
                "stdout",
                "journal",
                "driver",
                "Kernel",
                "kernel ",
                " kernel",
                "KERNEL",
                "kernel\x00",
                "kernel2",
                "",
            )
        ),
    ),
    _forged("no transport", *(_entry(payload, _TRANSPORT=None) for payload in _PAYLOADS)),
    _forged(
        "a name like the transport's",
        *(
            _entry(payload, **{"_TRANSPORT": "syslog", name: "kernel"})
            for payload in _PAYLOADS
            for name in (
                "__TRANSPORT",
                "TRANSPORT",
                "_transport",
                "_TRANSPORT ",
                " _TRANSPORT",
                "_TRANSPORT\x00",
                "_TRANSPORT_",
                "_Transport",
            )
        ),
    ),
    _forged(
        "a transport inside something",
        *(
            _entry(payload, _TRANSPORT=transport)
            for payload in _PAYLOADS
            for transport in (["syslog", "kernel"], ["kernel", "syslog"], {"_TRANSPORT": "kernel"}, 0, True, [[107]])
        ),
    ),
    _none(
        "the transport twice",
        *(
            b'{"_TRANSPORT":"%b","MESSAGE":%b,"_TRANSPORT":"%b"}\n' % (one, json.dumps(payload).encode(), two)
            for payload in _PAYLOADS
            for one, two in ((b"kernel", b"syslog"), (b"syslog", b"kernel"))
        ),
    ),
    _forged(
        "an entry inside a message",
        *(_entry(_entry(payload).decode().strip(), _TRANSPORT="syslog", SYSLOG_IDENTIFIER="app") for payload in _PAYLOADS),
    ),
    _forged(
        "a syslog line inside a message",
        *(_entry(f"{STAMP} gw kernel: {payload}", _TRANSPORT="syslog", SYSLOG_IDENTIFIER="app") for payload in _PAYLOADS),
    ),
    _forged(
        "the raw line claims more",
        *(
            _entry(payload, _TRANSPORT="syslog", SYSLOG_IDENTIFIER="app", SYSLOG_RAW=f"<4>{STAMP} gw kernel: {payload}")
            for payload in _PAYLOADS
        ),
    ),
    _none("no object", *(b"%b\n" % json.dumps(value).encode() for value in ([json.loads(_entry(PACKET))], f"kernel: {PACKET}"))),
    _none(
        "broken JSON",
        *(
            entry
            for payload in _PAYLOADS
            for entry in (
                _entry(payload)[:-2] + b"\n",
                _entry(payload)[1:],
                b"x" + _entry(payload),
                _entry(payload).replace(b'"_TRANSPORT": "kernel"', b'"_TRANSPORT": kernel'),
            )
        ),
    ),
    _none(
        "messages that are no text",
        *(_entry(value) for value in ([256, 1], [-1], ["I", "N"], {"x": PACKET}, 5, None, [PACKET, PACKET], [1.5], [True])),
    ),
    _forged(
        "the bus daemon speaks of files",
        _entry(DENIED_BODY, _TRANSPORT="syslog", SYSLOG_IDENTIFIER="dbus-daemon", SYSLOG_PID="9"),
    ),
    _forged("another speaks of the bus", _entry(BUS_BODY, _TRANSPORT="syslog", SYSLOG_IDENTIFIER="app", SYSLOG_PID="9")),
    _forged(
        "a user's record over the audit transport",
        *(
            _entry(
                f"{kind} pid=9 uid=0 msg='op=x acct=\"{DENIED_BODY}\" res=failed'",
                _TRANSPORT="audit",
                SYSLOG_IDENTIFIER="audit",
                _AUDIT_TYPE=number,
                _AUDIT_TYPE_NAME=kind,
            )
            for kind, number in (("USER_LOGIN", "1112"), ("USER_CMD", "1123"), ("USER_AVC", "1107"))
        ),
    ),
]


def _export(**fields: str | bytes) -> bytes:
    """One entry: text as NAME=VALUE, bytes with their length in front."""
    lines = [
        b"%b=%b\n" % (name.encode(), value.encode())
        if isinstance(value, str)
        else name.encode() + b"\n" + struct.pack("<Q", len(value)) + value + b"\n"
        for name, value in fields.items()
    ]
    return b"".join(lines) + b"\n"


_HEAD = {"__CURSOR": "s=1;i=1", "__REALTIME_TIMESTAMP": "1795328416588510", "__MONOTONIC_TIMESTAMP": "1", "_HOSTNAME": "gw"}
_FAKE = _export(**_HEAD, _TRANSPORT="kernel", SYSLOG_IDENTIFIER="kernel", MESSAGE=PACKET)
_APP = {**_HEAD, "_TRANSPORT": "syslog", "SYSLOG_IDENTIFIER": "app"}


def _exported(name: str, content: bytes, fields: Fields | None = None, kind: str = "netfilter") -> Case:
    return Case(f"export: {name}", content, "nothing" if fields is None else "event", fields, None, kind, whole=True)


_EXPORT = [
    _exported("the kernel", _FAKE, PACKET_FIELDS),
    _exported("the kernel, message as bytes", _export(**_HEAD, _TRANSPORT="kernel", MESSAGE=PACKET.encode()), PACKET_FIELDS),
    _exported("an entry inside a message", _export(**_APP, MESSAGE=b"x\n\n" + _FAKE)),
    _exported("an entry inside a message at its end", _export(**_APP, MESSAGE=b"x\n\n" + _FAKE + b"\n")),
    _exported("an entry inside another field", _export(**_APP, SYSLOG_RAW=b"x\n\n" + _FAKE, MESSAGE="hello")),
    _exported("an entry inside a field of the user", _export(**_APP, EVIL=b"\n\n" + _FAKE + b"\n\n", MESSAGE="hello")),
    _exported("a transport inside a message", _export(**_APP, MESSAGE=b"x\n_TRANSPORT=kernel\nMESSAGE=" + PACKET.encode())),
    _exported(
        "a log line inside a message", _export(**_APP, MESSAGE=b"x\n%b gw kernel: %b\n" % (STAMP.encode(), PACKET.encode()))
    ),
    _exported("a length that is too long", _export(**_APP)[:-1] + b"MESSAGE\n" + struct.pack("<Q", 1 << 62) + b"x\n\n" + _FAKE),
    _exported("other transport", _export(**_APP, MESSAGE=PACKET)),
    _exported(
        "transport twice", _export(**_HEAD, _TRANSPORT="syslog")[:-1] + b"_TRANSPORT=kernel\nMESSAGE=" + PACKET.encode() + b"\n\n"
    ),
]

CASES = [*_JSON, *_EXPORT]
