"""Advice on AppArmor with policy in force, and where records of several kinds meet."""

from syslogparse.languages.apparmor import render
from syslogparse.languages.apparmor_policy import PolicyFiles
from syslogparse.rules.apparmor import advise
from syslogparse.rules.apparmor_inforce import ProfilesInForce
from syslogparse.rules.apparmor_model import FileRule
from syslogparse.rules.apparmor_target import USUAL, Choices
from tests.rules.make import capability, denial, evidence, socket_use, suggest, suggestions


def in_force(text, **files):
    """The profiles of ``text``; other files by their path below the policy's directory, with __ for a slash."""
    named = {name.replace("__", "/"): content for name, content in files.items()}
    return ProfilesInForce(PolicyFiles(named, [text]))


def advised(policy, *items, choices=USUAL):
    return advise(items, choices, policy)


def test_what_is_granted_already_is_not_suggested_again():
    policy = in_force(b"/usr/sbin/nginx {\n/srv/* r,\nowner /tmp/* w,\ncapability kill,\nnetwork inet,\n}")
    items = [denial(), denial(name=b"/tmp/a", mask=b"w", owner=b"root"), capability(b"kill"), socket_use(b"inet", b"stream")]
    left = [denial(name=b"/opt/a"), denial(name=b"/tmp/a", mask=b"w", owner=b"0"), denial(mask=b"rw"), capability(b"chown")]
    advice = advised(policy, *items, *left)
    ((reason, count),) = advice.not_suggested.items()
    assert reason.startswith("covered by the profile in force")
    assert count == 4
    assert {render(one.rule) for one in advice.suggestions} == {"/opt/a r,", "/tmp/a w,", "/srv/page rw,", "capability chown,"}


def test_what_is_denied_by_name_is_never_suggested():
    policy = in_force(b"/usr/sbin/nginx {\naudit deny /srv/* w,\ndeny capability chown,\ndeny network inet dgram,\n}")
    asked = denial(mask=b"rw"), capability(b"chown"), socket_use(b"inet", b"dgram"), denial(profile=b"other", mask=b"rw")
    advice = advised(policy, *asked)
    assert advice.not_suggested == {"an explicit deny of the profile in force forbids it": 3}
    assert [one.profile for one in advice.suggestions] == [b"other"]


def test_rules_go_where_the_profile_takes_the_sites_own():
    policy = in_force(b"/usr/sbin/nginx {\nodd line,\ninclude if exists <local/usr.sbin.nginx>\n}")
    child = denial(verdict=b"ALLOWED", profile=b"/usr/sbin/nginx//null-/bin/x")
    found = advised(policy, denial(name=b"/a"), child, denial(profile=b"q")).suggestions
    assert {(one.profile, one.local) for one in found} == {
        (b"/usr/sbin/nginx", "local/usr.sbin.nginx"),
        (b"/usr/sbin/nginx///bin/x", "local/usr.sbin.nginx"),
        (b"q", ""),
    }
    doubtful = [one for one in found if "1 statement of the profile in force could not be read" in one.why]
    assert {one.profile for one in doubtful} == {b"/usr/sbin/nginx", b"/usr/sbin/nginx///bin/x"}
    assert {one.confidence for one in doubtful} == {"medium"}


def test_a_program_with_an_installed_profile_runs_in_it():
    ran = denial(operation=b"exec", mask=b"x", name=b"/usr/bin/x")
    (one,) = advised(in_force(b"profile other /usr/bin/{x,y} {\n}"), ran).suggestions
    assert one.rule == FileRule(b"/usr/bin/x", "", execute="Px")
    (one,) = advised(in_force(b"profile other /usr/bin/z {\n}"), ran).suggestions
    assert one.rule == FileRule(b"/usr/bin/x", "", execute="Cx")


def test_a_child_that_is_entered_already_needs_no_rule_for_that():
    policy = in_force(b"p {\n/bin/x Cx,\nprofile /bin/x {\n/srv/a r,\n}\n}")
    read = denial(verdict=b"ALLOWED", profile=b"p//null-/bin/x", name=b"/srv/b")
    assert [(one.profile, render(one.rule)) for one in advised(policy, read).suggestions] == [(b"p///bin/x", "/srv/b r,")]
    assert advised(policy, replace_key(read, name=b"/srv/a")).suggestions == ()


def replace_key(item, **fields):
    return evidence(item.key._replace(**fields))


def test_abstractions_are_alternatives_and_hide_no_secret():
    wide = b"/usr/share/** r,\n/etc/resolv.conf r,\n@{HOME}/.ssh/id_rsa r,\n"
    near = b"/usr/share/fonts/** r,\n/etc/resolv.conf r,\n/srv/.ssh/* r,\n/etc/ssl/private/* r,\n/usr/bin/* ix,\n"
    policy = in_force(b"", abstractions__wide=wide, abstractions__near=near, tunables__global=b"@{HOME}=/home/*/ /root/\n")
    names = b"/usr/share/fonts/a", b"/etc/resolv.conf", b"/srv/.ssh/a", b"/etc/ssl/private/a"
    items = [denial(name=name) for name in names] + [denial(operation=b"exec", mask=b"x", name=b"/usr/bin/a")]
    offered = {one.rule.path: [render(other) for other in one.alternatives] for one in advised(policy, *items).suggestions}
    assert offered[b"/usr/share/fonts/a"] == offered[b"/etc/resolv.conf"] == ["include <abstractions/near>"]
    assert offered[b"/srv/.ssh/a"] == offered[b"/etc/ssl/private/a"] == []
    assert not any("include" in line for line in offered[b"/usr/bin/a"])


def test_a_unix_socket_that_is_a_file_is_a_file():
    for operation in (b"connect", b"sendmsg", b"bind", b"getsockopt"):
        one = suggest(denial(operation=operation, name=b"/srv/socket", mask=b"rw"))
        assert one.rule == FileRule(b"/srv/socket", "rw")


def test_a_run_that_cannot_change_the_profile_may_share_it():
    ran = denial(operation=b"exec", mask=b"x", name=b"/usr/bin/x", info=b"no new privs", target=b"other")
    assert suggestions(ran) == []
    (one,) = suggestions(ran, choices=Choices(exact=True))
    assert one.rule == FileRule(b"/usr/bin/x", "rm", execute="ix")
    assert one.risk == "high"
    assert "in the place of which" in one.why


def test_children_in_complain_mode_as_peers():
    sent = denial(operation=b"signal", class_=b"signal", name=b"", mask=b"send", signal=b"term", peer=b"p//null-/bin/x")
    assert suggestions(sent) == []
    assert [render(one.rule) for one in suggestions(sent, choices=Choices(exact=True))] == [
        "signal send set=term peer=p//null-/bin/x,"
    ]


def test_sockets_are_one_rule_whatever_their_addresses():
    def connect(number, **more):
        return socket_use(b"inet", b"stream", mask=b"connect", remote=b"192.0.2.%d" % number, remote_port=b"443", **more)

    (one,) = suggestions(connect(1, local=b"192.0.2.9", local_port=b"40001"), connect(1, local_port=b"40002"), connect(2))
    assert render(one.rule) == "network (connect) inet stream,"
    assert one.evidence.count == 3
    assert [render(other) for other in one.alternatives] == [
        f"network (connect) inet stream peer=(ip=192.0.2.{number} port=443)," for number in (1, 2)
    ]
    (many,) = suggestions(*(connect(number) for number in range(9)))
    assert many.alternatives == ()
    (old,) = suggestions(connect(1), choices=Choices(target=(3, 0)))
    assert (render(old.rule), old.alternatives) == ("network inet stream,", ())


def test_counts_of_capabilities_are_lower_bounds():
    assert "the least that it was" in suggest(capability(b"net_bind_service")).why
    assert "the least" not in suggest(denial()).why
