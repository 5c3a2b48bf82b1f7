import pytest
from hypothesis import given
from hypothesis import strategies as st

from syslogparse.languages.apparmor import render
from syslogparse.languages.apparmor_grammar import check
from tests.languages.test_apparmor import rules


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
        "/srv/{a,b} r,",
        "/srv/[ab] r,",
        "/srv/@{HOME",
        "/srv/@{EVIL} r,",
        "@{pid}/ r,",
        "/srv/a** r,",
        "/srv/[a-z]* r,",
        "/srv/a,/** rw,",
        "/srv/a, r,",
        "/srv/a\\ r,",
        "/srv/\\8 r,",
        "/srv/\\000 r,",
        "/srv/\\400 r,",
        "/srv/\\12 r,",
        "/srv/\\n r,",
        "/srv/\u05d0 r,",
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
        "mount -> /a, /** rw,",
        "mount options=(rw,bind) -> /a,",
        "remount /a,",
        "umount,",
        "change_profile,",
        "change_profile -> **,",
        "change_profile -> a b,",
        "change_profile -> x, /** rw,",
        "unix,",
        "unix type=stream,",
        "unix (create) type=stream peer=(label=x),",
        "dbus,",
        "dbus send,,",
        "dbus bind bus=system,",
        "dbus eavesdrop path=/,",
        "dbus send name=a,",
        "signal,",
        "signal send,",
        "signal send set=nonsense peer=a,",
        "signal (send, receive) set=hup peer=a,",
        "ptrace,",
        "ptrace all peer=a,",
        "ptrace read peer=*,",
        "network (fly) inet stream,",
        "network unix stream ip=1.2.3.4,",
        "network netlink raw port=5,",
        "network inet stream peer=(),",
        "mqueue,",
        "mqueue create type=posix q,",
        "mqueue create type=sysv /q,",
        "io_uring,",
        "userns,",
        "userns",
        "pivot_root,",
        "link /a -> /b,",
        "link subset /a -> /b rw,",
        "owner link subset /a,",
        "/a r -> b,",
        "/a pix,",
        "all,",
        "set rlimit nofile <= 5,",
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
    if check(spoiled) and line[place - 1 : place] != "\\":
        # In a name it makes another name; a comma, a quote or a brace ends, opens and closes nothing.
        assert character in " ,@\\?*"
        if character == " ":
            assert '"' in line
        if character == "*":
            assert spoiled[place - 1 : place + 1] == "/*"


@pytest.mark.parametrize(
    "line",
    [
        "owner @{HOME}/.cache/x rw,",
        "@{PROC}/@{pid}/task/@{tid}/stat r,",
        "/usr/lib/libc.so.[0-9]* mr,",
        '"/srv/a b/*" r,',
        "/var/lib/????????-????/x r,",
        "/tmp/tmp???????? rw,",
        "unix (send) type=stream addr=@/tmp/.ICE-unix/[0-9]*,",
        "unix (send) type=stream peer=(addr=@/tmp/dbus-??????????),",
        "dbus send bus=system path=/org/freedesktop/Accounts/User@{uid} member=x,",
    ],
)
def test_what_is_generalised(line):
    assert check(line)


WIDE = [
    "unix (send) type=stream addr=@/tmp/*,",
    "unix (send) type=stream addr=@/tmp/**,",
    "unix (send) type=stream peer=(addr=@{HOME}),",
    "dbus send bus=* member=x,",
    "dbus send path=/** member=x,",
    "dbus send path=/a member=?,",
    "dbus send path=/a{,b} member=x,",
    "signal send set=hup peer=?,",
]


@pytest.mark.parametrize("line", ["/* r,", "/srv/a* r,", "/srv/*/b r,", "/srv/** r,", "@{HOME}/** r,", '"/srv/a b*" r,', *WIDE])
def test_what_is_never_generalised(line):
    assert not check(line)
