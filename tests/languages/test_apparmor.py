import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from syslogparse.languages import apparmor
from syslogparse.languages.apparmor import check, quoted, render, undo
from syslogparse.rules.apparmor import FAMILIES, SOCK_TYPES
from syslogparse.rules.capabilities import CAPABILITY_RISK
from syslogparse.rules.model import CapabilityRule, FileRule, NetworkRule
from tests.languages.dfa import compiled, matched

HOSTILE = [
    b"/srv/a b",
    b"/srv/ b",
    b"/srv/b ",
    b"/ ",
    b'/srv/quo"te',
    b"/srv/it's",
    b"/srv/back\\slash",
    b"/srv/\\",
    b"/srv/\\052",
    b"/srv/a,b",
    b"/srv/x,\n  /** rwx,",
    b"/srv/x r,\n}\nprofile evil {\n",
    b"/srv/}",
    b"/srv/{a,b}",
    b"/srv/{",
    b"/srv/*",
    b"/srv/**",
    b"/srv/?",
    b"/srv/[a-z]",
    b"/srv/[^a]",
    b"/srv/^",
    b"/srv/#include <x>",
    b"/srv/ # no comment",
    b"/srv/@{HOME}",
    b"/srv/@{HOME}/ x",
    b"/srv/${x}",
    b"/srv/@",
    b"/srv/a -> b",
    b"/srv/a!b",
    b"/srv/a;b$(id)`id`|&<>",
    b"/srv/\xe2\x80\xaetxt.exe",
    b"/srv/\xc3\xbcber",
    b"/srv/\xff\xfe\x80",
    b"/srv/\x01\x1b[31m\x7f",
    b"/srv/tab\there\rand\x0b\x0c",
    b"/srv/\\x41\\101\\n",
    b"/srv/=x:y%z~.+-_",
    b"/",
    b"/srv/",
    b"/srv/" + b"a" * 4000,
]

paths = st.lists(
    st.binary(min_size=1, max_size=12).map(lambda name: name.replace(b"/", b"_").replace(b"\0", b"_")), max_size=3
).map(lambda parts: b"/" + b"/".join(parts))
perms = st.sampled_from(["r", "w", "a", "rw", "rwlkm", "k", "rm", "m", "l"])
files = st.builds(FileRule, path=paths, perms=perms, owner=st.booleans()) | st.builds(
    FileRule,
    path=paths,
    perms=st.sampled_from(["", "r", "rm", "rwlkm"]),
    owner=st.booleans(),
    execute=st.sampled_from(["ix", "Px", "Cx"]),
)
rules = (
    files
    | st.builds(CapabilityRule, st.sampled_from(sorted(CAPABILITY_RISK)))
    | st.builds(NetworkRule, st.sampled_from(sorted(FAMILIES)), st.sampled_from(sorted(SOCK_TYPES)))
)


@pytest.fixture(scope="session")
def parser(require_tool):
    return require_tool("apparmor_parser")


@pytest.mark.parametrize(
    ("rule", "line"),
    [
        (FileRule(b"/etc/passwd", "r"), "/etc/passwd r,"),
        (FileRule(b"/home/x/y", "rw", owner=True), "owner /home/x/y rw,"),
        (FileRule(b"/srv/a b", "r"), '"/srv/a b" r,'),
        (FileRule(b"/bin/x", "rm", execute="ix"), "/bin/x mrix,"),
        (FileRule(b"/bin/x", "", execute="Px"), "/bin/x Px,"),
        (FileRule(b"/a", "rwlkm"), "/a mrwlk,"),
        (FileRule(b"/a*{b}\n", "r"), "/a\\052\\173b\\175\\012 r,"),
        (FileRule(b'/\xc3\xbc, "x', "r"), '"/\\303\\274\\054 \\042x" r,'),
        (CapabilityRule("sys_admin"), "capability sys_admin,"),
        (NetworkRule("inet", "stream"), "network inet stream,"),
    ],
)
def test_lines(rule, line):
    assert render(rule) == line
    assert check(line)
    assert undo(rule) == f"# remove: {line}"
    assert check(undo(rule))


def test_every_hostile_path_matches_itself_and_nothing_else(parser):
    for path in HOSTILE:
        assert matched(parser, [render(FileRule(path, "r"))]) == {path}


def test_every_byte_matches_itself_and_nothing_else(parser):
    wanted = {b"/srv/" + bytes([byte]) + b"x" for byte in range(1, 256) if byte != ord("/")}
    assert matched(parser, [render(FileRule(path, "r")) for path in wanted]) == wanted


def test_the_oracle_sees_more_than_one_path_where_there_is_more(parser):
    assert matched(parser, ["/srv/{a,b} r,", "/srv/[cd] r,"]) == {b"/srv/a", b"/srv/b", b"/srv/c", b"/srv/d"}
    with pytest.raises(AssertionError, match="profile t"):
        matched(parser, ["/srv/{a r,"])


@settings(max_examples=30)
@given(st.sets(paths, min_size=1, max_size=20))
def test_any_paths_match_themselves_and_nothing_else(parser, wanted):
    assert matched(parser, [render(FileRule(path, "r")) for path in sorted(wanted)]) == wanted


@settings(max_examples=30)
@given(st.lists(rules, min_size=1, max_size=20, unique_by=lambda rule: getattr(rule, "path", rule)))
def test_the_parser_takes_every_rule(parser, some):
    compiled(parser, [render(rule) for rule in some])


def test_the_parser_takes_every_capability_and_network(parser):
    lines = [render(CapabilityRule(name)) for name in CAPABILITY_RISK]
    lines += [render(NetworkRule(family, kind)) for family in FAMILIES for kind in SOCK_TYPES]
    compiled(parser, sorted(lines))
    assert all(check(line) for line in lines)


def test_rules_for_everybody_and_for_the_owner_go_together(parser):
    compiled(parser, ["/a a,", "owner /a w,", "/b mrix,", "owner /b w,"])


@given(rules)
def test_the_grammar_knows_what_is_rendered(rule):
    line = render(rule)
    assert check(line)
    assert line.isascii()
    assert line.isprintable()


@given(st.binary(max_size=40))
def test_what_is_quoted_reads_back(tail):
    path = b"/" + tail
    text = quoted(path).strip('"') if b" " in path else quoted(path)
    octets = text.encode().split(b"\\")
    back = octets[0] + b"".join(bytes([int(part[:3], 8)]) + part[3:] for part in octets[1:])
    assert back == path


@pytest.mark.parametrize(
    "line",
    [
        "",
        " ",
        "/etc/passwd r",
        "/etc/passwd r,,",
        "/etc/passwd r, ",
        " /etc/passwd r,",
        "/etc/passwd  r,",
        "/etc/passwd r,\n",
        "/etc/passwd r,\n/** rwx,",
        "/etc/passwd r, /** rw,",
        "/etc/passwd ,",
        "/etc/passwd x,",
        "/etc/passwd ux,",
        "/etc/passwd Ux,",
        "/etc/passwd rr,",
        "/etc/passwd wa,",
        "/etc/passwd rwx,",
        "/etc/passwd r -> /x,",
        "/** rw,",
        "/srv/* r,",
        "/srv/{a,b} r,",
        "/srv/[ab] r,",
        "/srv/@{HOME} r,",
        "@{HOME}/ r,",
        "/srv/\\8 r,",
        "/srv/\\000 r,",
        "/srv/\\400 r,",
        "/srv/\\12 r,",
        "/srv/\\n r,",
        "/srv/é r,",
        "/srv/\u202e r,",
        '"/srv/a r,',
        '/srv/a" r,',
        '"/srv/a"b" r,',
        '"srv/a b" r,',
        "srv r,",
        "deny /etc/passwd r,",
        "audit /etc/passwd r,",
        "owner owner /a r,",
        "owner capability chown,",
        "capability,",
        "capability sys_admin chown,",
        "capability SYS_ADMIN,",
        "capability nonsense,",
        "network,",
        "network inet,",
        "network inet stream, /** rw,",
        "network inet stream tcp,",
        "file,",
        "include <abstractions/base>",
        "#include <abstractions/base>",
        "#include",
        "# fine\n/** rwx,",
        "# \u202e",
        "# \x1b[31m",
        "# a\rb",
        "#x",
        "}",
        "profile x {",
        "mount,",
        "change_profile -> x,",
        "unix,",
    ],
)
def test_the_grammar_refuses(line):
    assert not check(line)


@pytest.mark.parametrize("line", ["# fine", "#", "# /** rwx,", "# 100 %"])
def test_comments(line):
    assert check(line)


@given(rules, st.integers(0, 200), st.sampled_from(list('\n\r\0"*?[]{}^,#@ \\\u202eé;')))
def test_a_line_with_one_more_character_is_the_rule_of_another_path_or_refused(rule, place, character):
    line = render(rule)
    place %= len(line) + 1
    spoiled = line[:place] + character + line[place:]
    if check(spoiled):
        assert isinstance(rule, FileRule)
        assert character == " "
        assert spoiled.startswith(('"/', 'owner "/'))
        assert apparmor.check(spoiled)
