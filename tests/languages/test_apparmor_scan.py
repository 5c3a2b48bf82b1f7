import time

import pytest

from syslogparse.languages.apparmor_scan import (
    Block,
    FileStatement,
    Include,
    RuleStatement,
    Unread,
    Variable,
    statements,
    unquoted,
)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (b"", []),
        (b"# nothing\n \n", []),
        (b"/a/** rw,", [FileStatement(b"", b"/a/**", b"rw", b"")]),
        (
            b"deny owner /a r, # why\n/b w,",
            [FileStatement(b"deny owner ", b"/a", b"r", b""), FileStatement(b"", b"/b", b"w", b"")],
        ),
        (b'audit "/a b" rPx -> "c d",', [FileStatement(b"audit ", b'"/a b"', b"rPx", b'"c d"')]),
        (b"@{HOME}/{a,b} r,", [FileStatement(b"", b"@{HOME}/{a,b}", b"r", b"")]),
        (b"#include <abstractions/base>", [Include("abstractions/base")]),
        (b"include if exists <local/x>\n", [Include("local/x")]),
        (b'include "/etc/x y"', [Include("/etc/x y")]),
        (b'@{A} = b "c d" # e\n@{A} += f', [Variable(b"A", (b"b", b"c d"), False), Variable(b"A", (b"f",), True)]),
        (b"capability a b,", [RuleStatement((b"capability", b"a", b"b"))]),
        (
            b"unix (send,\n receive) peer=(label=x, addr=y),",
            [RuleStatement((b"unix", b"(send,\n receive)", b"peer=(label=x, addr=y)"))],
        ),
        (
            b"profile p /a flags=(complain) {\n/b r,\n}",
            [Block((b"profile", b"p", b"/a", b"flags=(complain)"), [FileStatement(b"", b"/b", b"r", b"")])],
        ),
        (b"/a{b,c} {\n^h {\n}\n}", [Block((b"/a{b,c}",), [Block((b"^h",), [])])]),
        (b"^h{\n}", [Block((b"^h",), [])]),
        (b"}\n/a r,", [Unread(), FileStatement(b"", b"/a", b"r", b"")]),
        (b'"never ends\n/a r,', [Unread(), FileStatement(b"", b"/a", b"r", b"")]),
        (b"no end", [Unread()]),
        (b"a }\n/a r,", [Unread(), Unread(), FileStatement(b"", b"/a", b"r", b"")]),
    ],
)
def test_statements(text, found):
    assert statements(text) == found


def test_quotes():
    assert [unquoted(word) for word in (b'"a b"', b"a", b'"', b'"a', b'""')] == [b"a b", b"a", b'"', b'"a', b""]


@pytest.mark.parametrize(
    "text",
    [
        b"{" * 100_000,
        b"a {" * 30_000,
        b"}" * 100_000,
        b"a " * 100_000,
        b'"' * 100_001,
        b"(" * 100_000,
        b"deny " * 50_000,
        b"/a r" * 50_000,
        b"a=(" * 50_000,
        b"#" * 100_000,
        b"# \n" * 50_000,
        b"@{" * 50_000,
        b"include " * 30_000,
        b"\\" * 100_000,
        b'"a' * 50_000,
        b"/a,\n" * 50_000,
    ],
)
def test_no_text_takes_long_or_breaks_it(text):
    start = time.process_time()
    statements(text)
    assert time.process_time() - start < 5
