import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from syslogparse.languages.apparmor import check, quoted, render, undo, value
from syslogparse.rules.apparmor_ipc import SOCK_TYPES, SOCKET_ACCESS, WITHOUT_PEER
from syslogparse.rules.apparmor_model import (
    CapabilityRule,
    ChangeProfileRule,
    DbusRule,
    FileRule,
    Glob,
    IoUringRule,
    LinkRule,
    MessageQueueRule,
    MountRule,
    NetworkRule,
    PivotRootRule,
    PtraceRule,
    SignalRule,
    UnixRule,
    UserNamespaceRule,
)
from syslogparse.rules.apparmor_net import FAMILIES
from syslogparse.rules.apparmor_target import OPTIONS, fitted
from syslogparse.rules.capabilities import CAPABILITY_RISK
from syslogparse.rules.merge import Refused
from tests.languages.dfa import accepts, compiled, machine, matched

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
    b"/srv/\\*",
    b"/srv/\\\\*{a}\\",
    b"/srv/a,",
    b"/srv/,,a,@{x}",
    b"/srv/(a) b",
    b"/srv/a\\ b",
    b"/srv/!\\!",
    "/srv/Übermaß/Ελλάδα/Русский/日本語/한국어,é".encode(),
    "/srv/e\u0301/\u202egpj.exe/\u05d0\u05d1/\u2044/\u30ce/\u01c3/\ufb01/\u1f71/\u3164/\u00ad/\U0001f600".encode(),
]

texts = st.text(min_size=1, max_size=6).map(lambda name: name.encode("utf-8", "replace"))
paths = st.lists(
    (st.binary(min_size=1, max_size=12) | texts).map(lambda name: name.replace(b"/", b"_").replace(b"\0", b"_")), max_size=3
).map(lambda parts: b"/" + b"/".join(parts))
perms = st.sampled_from(["r", "w", "a", "rw", "rwlkm", "k", "rm", "m", "l"])
files = st.builds(FileRule, path=paths, perms=perms, owner=st.booleans()) | st.builds(
    FileRule,
    path=paths,
    perms=st.sampled_from(["", "r", "rm", "rwlkm"]),
    owner=st.booleans(),
    execute=st.sampled_from(["ix", "Px", "Cx"]),
)
names = st.binary(min_size=1, max_size=12).map(lambda name: name.replace(b"\0", b"_"))
optional = st.just(b"") | names


def some_of(*words):
    return st.sets(st.sampled_from(sorted(words)), min_size=1).map(lambda few: tuple(sorted(few)))


abstract = st.just(b"") | names.map(lambda name: b"@" + name)
unix = st.builds(UnixRule, some_of(*SOCKET_ACCESS), st.sampled_from(sorted(SOCK_TYPES)), abstract) | st.builds(
    UnixRule, some_of(*SOCKET_ACCESS - WITHOUT_PEER), st.sampled_from(sorted(SOCK_TYPES)), abstract, abstract
)
object_paths = st.just(b"") | paths
messages = some_of("send", "receive")
dbus = (
    st.builds(DbusRule, messages, optional, path=object_paths, interface=optional, member=optional, label=optional)
    | st.builds(DbusRule, st.just(("bind",)), optional, name=names)
    | st.builds(DbusRule, st.just(("eavesdrop",)), optional)
)
mounts = st.builds(MountRule, st.just(False), optional, some_of(*OPTIONS) | st.just(()), optional, paths)
umounts = st.builds(MountRule, st.just(True), optional, st.just(()), st.just(b""), paths)
addresses = st.ip_addresses().map(str) | st.just("")
ports = st.integers(1, 65535).map(str) | st.just("")
sockets = st.builds(NetworkRule, st.sampled_from(sorted(FAMILIES)), st.sampled_from(sorted(SOCK_TYPES))) | st.builds(
    NetworkRule,
    st.sampled_from(["inet", "inet6"]),
    st.sampled_from(sorted(SOCK_TYPES)),
    some_of(*SOCKET_ACCESS) | st.just(()),
    addresses,
    ports,
    addresses,
    ports,
)
rules = (
    files
    | st.builds(LinkRule, paths, paths, st.booleans())
    | st.builds(CapabilityRule, st.sampled_from(sorted(CAPABILITY_RISK)))
    | sockets
    | unix
    | dbus
    | st.builds(SignalRule, messages, some_of("hup", "exists", "rtmin+32"), names)
    | st.builds(PtraceRule, some_of("read", "readby", "trace", "tracedby"), names)
    | mounts
    | umounts
    | st.builds(PivotRootRule, paths, object_paths)
    | st.builds(MessageQueueRule, some_of("create", "open", "read"), st.just("posix"), paths)
    | st.builds(MessageQueueRule, some_of("create", "open", "read"), st.just("sysv"), st.just(b"17"))
    | st.builds(IoUringRule, some_of("sqpoll", "override_creds"), optional)
    | st.just(UserNamespaceRule())
    | st.builds(ChangeProfileRule, names)
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
        (FileRule(b"/a*{b}\n", "r"), "/a\\*\\{b\\}\\012 r,"),
        (FileRule(b'/\xc3\xbc, "x', "r"), '"/ü\\054 \\"x" r,'),
        (FileRule(b"/a\\b\\", "r"), "/a\\\\b\\134 r,"),
        (FileRule(b"/a,b(c)@d,", "r"), "/a,b(c)@d\\054 r,"),
        (FileRule(b"/x", "r", target=b"t", execute="Px"), "/x rPx -> t,"),
        (FileRule(b"", "r", owner=True, pattern=(Glob("@{HOME}"), b"/a *")), 'owner "@{HOME}/a \\*" r,'),
        (LinkRule(b"/a", b"/b"), "link subset /a -> /b,"),
        (LinkRule(b"/a", b"/b", owner=True), "owner link subset /a -> /b,"),
        (NetworkRule("inet", "stream", ("receive", "send")), "network (receive, send) inet stream,"),
        (
            NetworkRule("inet", "dgram", ("send",), "1.2.3.4", "5", "6.7.8.9", "10"),
            "network (send) inet dgram ip=1.2.3.4 port=5 peer=(ip=6.7.8.9 port=10),",
        ),
        (NetworkRule("inet6", "dgram", port="5"), "network inet6 dgram port=5,"),
        (UnixRule(("bind",), "stream", b"@a"), "unix (bind) type=stream addr=@a,"),
        (UnixRule(("connect", "send"), "dgram", peer_addr=b"@a b,"), 'unix (connect, send) type=dgram peer=(addr="@a b\\054"),'),
        (
            DbusRule(("send",), b"system", b"/a", b"", b"b.c", b"D", b"x//y"),
            "dbus send bus=system path=/a interface=b.c member=D peer=(label=x//y),",
        ),
        (DbusRule(("bind",), b"session", name=b"a.b"), "dbus bind bus=session name=a.b,"),
        (DbusRule(("eavesdrop",), b"session"), "dbus eavesdrop bus=session,"),
        (SignalRule(("receive",), ("term",), b"unconfined"), "signal receive set=term peer=unconfined,"),
        (SignalRule(("receive", "send"), ("hup", "int"), b"a b"), 'signal (receive send) set=(hup int) peer="a b",'),
        (PtraceRule(("read", "trace"), b"/x//&y"), "ptrace (read trace) peer=/x//&y,"),
        (
            MountRule(umount=False, fstype=b"ext4", options=("nosuid", "rw"), source=b"/dev/sda", target=b"/m/"),
            "mount fstype=(ext4) options=(nosuid, rw) /dev/sda -> /m/,",
        ),
        (MountRule(umount=False, fstype=b"", options=(), source=b"", target=b"/m/"), "mount -> /m/,"),
        (MountRule(umount=True, fstype=b"", options=(), source=b"", target=b"/m m/"), 'umount "/m m/",'),
        (PivotRootRule(b"/n/", b"/o/"), "pivot_root oldroot=/o/ /n/,"),
        (MessageQueueRule(("create",), "posix", b"/q"), "mqueue create type=posix /q,"),
        (MessageQueueRule(("open", "read"), "sysv", b"12"), "mqueue (open read) type=sysv 12,"),
        (IoUringRule(("sqpoll",)), "io_uring sqpoll,"),
        (IoUringRule(("override_creds",), b"/x"), "io_uring override_creds label=/x,"),
        (UserNamespaceRule(), "userns create,"),
        (ChangeProfileRule(b":ns://a b"), 'change_profile -> ":ns://a b",'),
        (CapabilityRule("sys_admin"), "capability sys_admin,"),
        (NetworkRule("inet", "stream"), "network inet stream,"),
    ],
)
def test_lines(rule, line):
    assert render(rule) == line
    assert check(line)
    assert undo(rule) == f"# remove: {line}"
    assert check(undo(rule))


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("/ü/ß/Ω/ж/日/한", "/ü/ß/Ω/ж/日/한 r,"),
        ("/a ü", '"/a ü" r,'),
        ("/e\u0301", "/e\\314\\201 r,"),  # a mark of its own: another name than the letter with it
        ("/\u202e", "/\\342\\200\\256 r,"),
        ("/\u05d0", "/\\327\\220 r,"),  # from right to left
        ("/\u01c3", "/\\307\\203 r,"),  # a letter that looks like an exclamation mark
        ("/\u1f71", "/\\341\\275\\261 r,"),  # a second spelling of another letter
        ("/\u3164", "/\\343\\205\\244 r,"),  # a letter that nobody sees
        ("/\u30ce", "/\\343\\203\\216 r,"),  # nearly a slash
    ],
)
def test_letters_stand_for_themselves_where_they_are_surely_seen(name, line):
    assert render(FileRule(name.encode(), "r")) == line
    assert check(line)


def test_letters_are_whole():
    assert render(FileRule("/ü".encode()[:-1], "r")) == "/\\303 r,"
    assert render(FileRule(b"/\xed\xb2\x80", "r")) == "/\\355\\262\\200 r,"
    assert not check("/\u05d0 r,")
    assert not check("/\u0301 r,")
    assert not check("/\U0001f600 r,")
    assert not check("/\u00d7 r,")


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
    lines = []
    for rule in some:
        try:
            lines.append(render(fitted(rule, (3, 0)).rule))
        except Refused:
            assert isinstance(rule, MessageQueueRule | IoUringRule | UserNamespaceRule)
    compiled(parser, lines)


@pytest.mark.parametrize(
    ("parts", "inside", "outside"),
    [
        ((b"/tmp/a*", Glob("?"), Glob("?")), [b"/tmp/a*xy"], [b"/tmp/axy", b"/tmp/a*x", b"/tmp/a*x/"]),
        ((Glob("@{HOME}"), b"/x"), [b"/home/u/x", b"/root/x"], [b"/home/x", b"/home/u/v/x", b"/srv/u/x"]),
        ((Glob("@{PROC}"), b"/", Glob("@{pid}"), b"/stat"), [b"/proc/7/stat"], [b"/proc/self/stat", b"/proc/7/status"]),
        ((Glob("@{run}"), b"/user/", Glob("@{uid}"), b"/b"), [b"/run/user/7/b"], [b"/run/user/x/b", b"/srv/user/7/b"]),
        ((b"/usr/lib/a.so.", Glob("[0-9]*")), [b"/usr/lib/a.so.6.1"], [b"/usr/lib/a.so.x", b"/usr/lib/a.so.6/x"]),
        ((b"/srv/x/", Glob("*")), [b"/srv/x/y", b"/srv/x/.y"], [b"/srv/x/", b"/srv/x/y/z"]),
    ],
)
def test_generalised_paths_match_what_they_say(parser, parts, inside, outside):
    made = machine(parser, [render(FileRule(b"", "r", pattern=parts))])
    assert [path for path in inside if not accepts(made, path)] == []
    assert [path for path in outside if accepts(made, path)] == []


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
    assert line.isprintable()
    assert all(letter.isascii() or letter.isalpha() for letter in line)


@given(st.binary(max_size=40))
def test_what_is_quoted_reads_back(tail):
    path = b"/" + tail
    for text in (quoted(path), value(path)):
        plain = text.encode()[1:-1] if b" " in path else text.encode()
        assert _read(plain) == path


def _read(text):
    back = bytearray()
    while text:
        if text[:1] != b"\\":
            back, text = back + text[:1], text[1:]
        elif text[1:2].isdigit():
            back, text = back + bytes([int(text[1:4], 8)]), text[4:]
        else:
            back, text = back + text[1:2], text[2:]
    return back
