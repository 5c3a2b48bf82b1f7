"""AppArmor records as the kernel and the bus's daemon write them, for hypothesis: a grammar, and what each must decode to.

Also libapparmor's words for the fields beside ours, for the tests that compare with it.
"""

from typing import NamedTuple

from hypothesis import strategies as st

from syslogparse.evidence.model import Fields, Value

UPSTREAM = (
    ("Operation", "operation", "operation"),
    ("Mask", "requested_mask", "requested_mask requested"),
    ("Denied Mask", "denied_mask", "denied_mask denied mask"),
    ("fsuid", "fsuid", "fsuid"),
    ("ouid", "ouid", "ouid"),
    ("Profile", "profile", "profile label"),
    ("Peer profile", "peer_profile", "peer_label peer_profile tcontext"),
    ("Peer", "peer", "peer"),
    ("Name", "name", "capname name"),
    ("Command", "comm", "comm exe"),
    ("Name2", "name2", "target name2"),
    ("Namespace", "namespace", "namespace"),
    ("Attribute", "attribute", "attribute"),
    ("Task", "task", "task"),
    ("Parent", "parent", "parent"),
    ("Token", "magic_token", "magic_token"),
    ("Info", "info", "info"),
    ("PID", "pid", "pid"),
    ("Peer PID", "peer_pid", "peer_pid"),
    ("ErrorCode", "error_code", "error"),
    ("Network family", "net_family", "family"),
    ("Socket type", "net_sock_type", "sock_type"),
    ("Protocol", "net_protocol", "protocol"),
    ("Local addr", "net_local_addr", "laddr saddr"),
    ("Foreign addr", "net_foreign_addr", "faddr daddr"),
    ("Local port", "net_local_port", "lport src"),
    ("Foreign port", "net_foreign_port", "fport dest"),
    ("DBus bus", "dbus_bus", "bus"),
    ("DBus path", "dbus_path", "path"),
    ("DBus interface", "dbus_interface", "interface"),
    ("DBus member", "dbus_member", "member method"),
    ("Signal", "signal", "signal"),
    ("FS Type", "fs_type", "fstype"),
    ("Flags", "flags", "flags"),
    ("Src name", "src_name", "srcname"),
    ("Net Addr", "", "addr"),
    ("Peer Addr", "", "peer_addr"),
    ("Class", "", "class"),
)
"""What libapparmor prints a field as, its name in the library's record (empty where version 3.0.8 has none), and ours."""

_PROTOCOLS = {b"0": "ip", b"1": "icmp", b"6": "tcp", b"17": "udp"}


def shown(fields: Fields, ours: str) -> str:
    """A field as libapparmor shows it: the first of ours that is there, protocols by name, errors without their sign."""
    for name in ours.split():
        if (value := fields.get(name)) is not None:
            return _shown(name, value)
    return ""


def _shown(name: str, value: Value) -> str:
    if isinstance(value, int):
        return str(abs(value)) if name == "error" else str(value)
    assert isinstance(value, bytes)
    if name in ("addr", "peer_addr") and value == b"none":
        return ""
    if name == "protocol":
        return _PROTOCOLS.get(value, value.decode())
    return value.decode("utf-8", "surrogateescape")


class Written(NamedTuple):
    """A record's fields as logged, and what they decode to."""

    body: bytes
    fields: Fields


Part = tuple[str, bytes, Value]
Parts = st.SearchStrategy[list[Part]]


def untrusted(value: bytes) -> bytes:
    """As audit_log_untrustedstring of the kernel writes it."""
    plain = all(0x21 <= byte <= 0x7E and byte != 0x22 for byte in value)
    return b'"%b"' % value if plain else value.hex().upper().encode()


def encoded(name: str, text: st.SearchStrategy[bytes]) -> st.SearchStrategy[Part]:
    return text.map(lambda value: (name, untrusted(value), value))


def quoted(name: str, *words: str) -> st.SearchStrategy[Part]:
    return st.sampled_from([word.encode() for word in words]).map(lambda value: (name, b'"%b"' % value, value))


def bare(name: str, *words: str) -> st.SearchStrategy[Part]:
    return st.sampled_from([word.encode() for word in words]).map(lambda value: (name, value, value))


def number(name: str, low: int = 0, high: int = 2**32 - 1) -> st.SearchStrategy[Part]:
    return st.integers(low, high).map(lambda value: (name, b"%d" % value, value))


def digits(name: str) -> st.SearchStrategy[Part]:
    return st.integers(0, 65535).map(lambda value: (name, b"%d" % value, b"%d" % value))


def perhaps(part: st.SearchStrategy[Part]) -> st.SearchStrategy[Part | None]:
    return st.none() | part


def row(*parts: st.SearchStrategy[Part | None] | st.SearchStrategy[Part]) -> Parts:
    return st.tuples(*parts).map(lambda found: [part for part in found if part is not None])


any_text = st.binary(min_size=1, max_size=24)
_LABELS = st.sampled_from(
    [b"a//b", b"/usr/bin/x//null-/bin/sh", b"root//ns//p", b":ns:p", b":ns://p//hat", b"unconfined", b"p q"]
)
_INFOS = ("Failed name lookup - disconnected path", "label not found", "failed af match", "x name=2F61 pid=9")
_ADDRESSES = ("127.0.0.1", "192.168.66.150", "::ffff:127.0.0.1", "fd74:1820:b03a:b361::a0f9")
_MASKS = ("r", "wc", "send receive", "rwmlkx", "::r", "wk::")


def _head(text: st.SearchStrategy[bytes]) -> tuple[st.SearchStrategy[Part | None], ...]:
    return (
        perhaps(quoted("info", *_INFOS)),
        perhaps(number("error", -133, 0)),
        perhaps(number("parent", 1, 4194304)),
        perhaps(encoded("namespace", text)),
        encoded("profile", text | _LABELS),
        perhaps(encoded("name", text)),
        number("pid", 0, 4194304),
        encoded("comm", text),
    )


_MASK_PARTS = (perhaps(quoted("requested_mask", *_MASKS)), perhaps(quoted("denied_mask", *_MASKS)))
_IDS = (number("fsuid"), number("ouid"))


def operations(text: st.SearchStrategy[bytes], plain: st.SearchStrategy[bytes], modern: bool) -> Parts:
    """Records of the kernel from ``operation=`` on.

    text: what stands in a profile's name or a path. plain: what stands where libapparmor knows no hexadecimal digits.
    modern: with the fields of kernels after 5.x, which libapparmor 3.0.8 does not know.
    """
    head = _head(text)
    new = (lambda *words: [quoted("class", *words)]) if modern else (lambda *words: [])
    masks = (quoted("requested", *_MASKS), quoted("denied", *_MASKS)) if modern else _MASK_PARTS
    addresses = tuple(
        perhaps(part)
        for address, port in (("laddr", "lport"), ("faddr", "fport"), *((("saddr", "src"), ("daddr", "dest")) if modern else ()))
        for part in (bare(address, *_ADDRESSES), digits(port))
    )
    socket = (
        quoted("family", "inet", "inet6", "unix"),
        quoted("sock_type", "stream", "unknown(1234)"),
        bare("protocol", "0", "6", "17"),
    )
    kinds = [
        row(
            quoted("operation", "open", "link", "exec"),
            *new("file"),
            *head,
            *_MASK_PARTS,
            *_IDS,
            perhaps(encoded("target", plain)),
        ),
        row(
            quoted("operation", "capable"),
            *new("cap"),
            *head[:5],
            *head[6:],
            number("capability", 0, 40),
            quoted("capname", "sys_admin"),
        ),
        row(quoted("operation", "sendmsg", "connect"), *new("net"), *head, *addresses, *socket, *masks),
        row(
            quoted("operation", "signal"),
            *new("signal"),
            *head,
            *_MASK_PARTS,
            bare("signal", "term", "rtmin+3"),
            encoded("peer", plain),
        ),
        row(quoted("operation", "ptrace"), *new("ptrace"), *head, *_MASK_PARTS, encoded("peer", plain)),
        row(
            quoted("operation", "mount", "umount", "pivotroot"),
            *new("mount"),
            *head,
            perhaps(encoded("fstype", plain)),
            perhaps(encoded("srcname", plain)),
            perhaps(quoted("flags", "rw, nosuid", "ro, remount, bind")),
        ),
        row(
            quoted("operation", "change_hat", "change_profile", "change_onexec"),
            *new("file"),
            *head,
            perhaps(encoded("target", plain)),
        ),
        row(quoted("operation", "profile_load"), *head, perhaps(digits("offset"))),
    ]
    if modern:
        kinds += [
            row(quoted("operation", "uring_sqpoll"), quoted("class", "io_uring"), *head, *masks, encoded("tcontext", text)),
            row(quoted("operation", "userns_create"), quoted("class", "namespace"), *head, *masks, encoded("execpath", text)),
            row(quoted("operation", "create"), *head, *masks, quoted("class", "posix_mqueue"), *_IDS),
            row(
                quoted("operation", "connect"),
                quoted("class", "net"),
                *head,
                *socket,
                *masks,
                bare("addr", "none"),
                encoded("peer_addr", text),
            ),
            row(quoted("operation", "setrlimit"), quoted("class", "rlimits"), *head, bare("rlimit", "nofile"), digits("value")),
        ]
    return st.one_of(kinds)


def _join(verdict: str, parts: list[Part]) -> Written:
    body = b" ".join([b'apparmor="%b"' % verdict.encode(), *(b"%b=%b" % (name.encode(), logged) for name, logged, _ in parts)])
    return Written(body, {"apparmor": verdict.encode(), **{name: value for name, _, value in parts}})


def kernels(text: st.SearchStrategy[bytes], plain: st.SearchStrategy[bytes], modern: bool = True) -> st.SearchStrategy[Written]:
    """Records that the kernel writes; the parameters are those of ``operations``."""
    verdicts = ["DENIED", "ALLOWED", "AUDIT", "STATUS", "HINT", "ERROR", *(["KILLED"] if modern else [])]
    return st.builds(_join, st.sampled_from(verdicts), operations(text, plain, modern))


def of_the_bus(text: st.SearchStrategy[bytes], plain: st.SearchStrategy[bytes]) -> st.SearchStrategy[Written]:
    """What a bus's daemon says of its bus."""
    parts = row(
        quoted("operation", "dbus_method_call", "dbus_signal", "dbus_bind", "dbus_eavesdrop"),
        quoted("bus", "system", "session"),
        perhaps(quoted("path", "/org/freedesktop/DBus")),
        perhaps(quoted("interface", "org.freedesktop.DBus")),
        perhaps(quoted("member", "Hello")),
        quoted("mask", "send", "receive", "bind"),
        perhaps(encoded("name", plain)),
        perhaps(number("pid", 0, 4194304)),
        encoded("label", text),
        perhaps(digits("peer_pid")),
        perhaps(encoded("peer_label", text)),
    )
    return st.builds(_join, st.sampled_from(["DENIED", "ALLOWED", "AUDIT"]), parts)


def user_message(body: bytes, tail: bytes = b'exe="/usr/bin/dbus-daemon" sauid=103 hostname=? addr=? terminal=?\'') -> bytes:
    """As the audit subsystem writes what libaudit hands it (audit_log_user_avc_message(3))."""
    return b"pid=640 uid=103 auid=4294967295 ses=4294967295 msg='" + body + b" " + tail
