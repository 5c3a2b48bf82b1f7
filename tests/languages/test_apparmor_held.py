import pytest

from syslogparse.languages.apparmor_held import Context, of_file, of_rule
from syslogparse.languages.apparmor_scan import FileStatement, RuleStatement, statements
from syslogparse.rules.apparmor_glob import NotUnderstood

CONTEXT = Context({b"HOME": (b"/root/",)}, "abstractions/x")


def read(text):
    (statement,) = statements(text)
    if isinstance(statement, FileStatement):
        return [of_file(statement, CONTEXT)]
    assert isinstance(statement, RuleStatement)
    return of_rule(statement, CONTEXT)


@pytest.mark.parametrize(
    ("text", "access"),
    [
        (b"/a r,", "r"),
        (b"/a rwlkm,", "rwalkm"),
        (b"/a rix,", "rx"),
        (b"/a mrPUx,", "mrx"),
        (b"/a rCix -> b,", "rx"),
        (b"/a cux,", "x"),
        (b"deny /a x,", "x"),
        (b"rw /a,", "rwa"),
        (b"rwPx /a -> b,", "rwax"),
        (b"owner file r /a,", "r"),
    ],
)
def test_letters(text, access):
    (held,) = read(text)
    assert (held.kind, held.access, held.source) == ("file", set(access), "abstractions/x")


def test_manners():
    (held,) = read(b"priority=-3 audit deny owner /a r,")
    assert (held.deny, held.owner, held.priority) == (True, True, -3)
    (held,) = read(b"audit deny capability kill,")
    assert (held.deny, held.access) == (True, {"kill"})


def test_what_neither_grants_nor_forbids():
    assert read(b"set rlimit nofile <= 4,") == []
    assert read(b"abi <abi/3.0>,") == []


def test_words_for_several_accesses():
    assert read(b"unix (rw) type=stream,")[0].access == {"send", "receive", "read", "write"}
    assert read(b"mqueue r type=posix /a,")[0].access == {"receive", "read"}


@pytest.mark.parametrize(
    "text",
    [
        b"/a rz,",
        b"other /a r,",
        b"prompt /a r,",
        b"/a@{nobody} r,",
        b"frobnicate all the things,",
        b"capability_x,",
        b"deny,",
        b"alias /a -> /b,",
        b"network inet inet6,",
        b"network inet stream dgram,",
        b"unix type=stream frob=x,",
        b"unix frob,",
        b"dbus send peer=(frob),",
        b"signal set in (term),",
        b"mount /a /b /c,",
        b"pivot_root /a /b,",
        b"mqueue /a /b,",
        b"change_profile /bin/x -> p,",
        b"link /a,",
        b"all this,",
        b"rw /a -> b c,",
        b"file /a,",
    ],
)
def test_what_is_not_understood(text):
    with pytest.raises(NotUnderstood):
        read(text)
