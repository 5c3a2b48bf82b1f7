import time
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from syslogparse.rules.apparmor_glob import Glob, NotUnderstood, prefixes
from tests.languages.dfa import accepts, machine

VARIABLES = {
    b"HOME": (b"@{HOMEDIRS}/*/", b"/root/"),
    b"HOMEDIRS": (b"/home/",),
    b"PROC": (b"/proc/",),
    b"word": (b"a", b"b*"),
    b"loop": (b"@{loop}",),
}
# What a glob is made of, over so few letters that paths meet it by chance.
PIECES = ["a", "b", "/a", "*", "**", "***", "?", "{a,b}", "{,a}", "{*,b}", "[ab]", "[^a]", "[a-b]", "{b,a{b,aa}}", "\\*", ","]
SHORT = [b"/x" + bytes(tail) for length in range(5) for tail in product(b"/abc", repeat=length)]


@pytest.fixture(scope="session")
def parser(require_tool):
    return require_tool("apparmor_parser")


@settings(max_examples=40, deadline=None)
@given(st.lists(st.sampled_from(PIECES), max_size=6))
def test_it_matches_what_the_parser_makes_of_it(parser, pieces):
    text = "/x" + "".join(pieces)
    made = machine(parser, [f'"{text}" r,'])
    glob = Glob(text.encode(), {})
    for path in SHORT:
        if b"//" not in path:  # no path of the kernel has that
            assert glob.matches(path) == accepts(made, path), (text, path)


@pytest.mark.parametrize(
    ("text", "inside", "outside"),
    [
        (b"@{HOME}/x", [b"/home/u/x", b"/root/x"], [b"/home/x", b"/home/u/v/x", b"/srv/u/x"]),
        (b"@{HOME}/**", [b"/root/a/b", b"/home/u/a"], [b"/home/u/", b"/root/"]),
        (b"@{PROC}/[0-9]*/stat", [b"/proc/7/stat", b"/proc/7x/stat"], [b"/proc/x/stat", b"/proc/7/8/stat"]),
        (b"/{usr/,}bin/@{word}", [b"/bin/a", b"/usr/bin/bcd"], [b"/usr/bin/ab", b"/bin/b/c", b"/usr//bin/a"]),
        (b"/a//b", [b"/a/b"], [b"/a//b"]),
        (b"/\\303\\274\\052", ["/ü*".encode()], ["/üa".encode()]),
        (b'/a\\ \\"\\!\\{b', [b'/a "!{b'], [b"/a"]),
        (b"/a/[^b]", [b"/a/c", b"/a/\xff"], [b"/a/b", b"/a/"]),
        (b"/a/[\\]]", [b"/a/]"], [b"/a/\\"]),
        (b"", [b""], [b"/"]),
    ],
)
def test_matches(text, inside, outside):
    glob = Glob(text, VARIABLES)
    assert [path for path in inside if not glob.matches(path)] == []
    assert [path for path in outside if glob.matches(path)] == []


@pytest.mark.parametrize(
    "text", [b"/{a", b"/{a}", b"/a}", b"/[a", b"/@{nobody}", b"/@{loop}", b"/\\x41", b"/a\\", b"/[]", b"/{" * 50]
)
def test_what_is_not_understood_matches_nothing(text):
    try:
        glob = Glob(text, VARIABLES)
    except NotUnderstood:
        return
    assert not any(glob.matches(path) for path in (b"/a", b"/A", b"/", b"/{a", text))


@given(st.lists(st.sampled_from([*PIECES, "@{HOME}", "@{word}", "@{PROC}/"]), max_size=6), st.sampled_from(SHORT))
def test_prefixes_shut_nothing_out(pieces, tail):
    text = "".join(pieces).encode()
    for path in (tail, b"/home/a" + tail, b"/proc" + tail, b"a" + tail):
        glob = Glob(text, VARIABLES)
        open_ = Glob(text, VARIABLES)
        open_.prefixes = (b"",)
        assert glob.matches(path) == open_.matches(path)
    assert prefixes(text, VARIABLES)


@pytest.mark.parametrize(
    "text", [b"/**a*a**a*a**b*", b"/{a,aa}*{a,aa}*{a,aa}**[ab]?[^x]b?*", b"/" + b"*a" * 30 + b"b*", b"/" + b"{a,}" * 40 + b"*b?"]
)
def test_no_path_takes_long(text):
    glob = Glob(text, {})
    start = time.process_time()
    assert not glob.matches(b"/" + b"a" * 4000)
    assert time.process_time() - start < 2
