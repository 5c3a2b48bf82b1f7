import pytest

from syslogparse.languages.apparmor_policy import PolicyFiles
from syslogparse.rules.apparmor_inforce import NOTHING_IN_FORCE, Options, ProfilesInForce, asked_for
from syslogparse.rules.apparmor_model import (
    CapabilityRule,
    ChangeProfileRule,
    DbusRule,
    FileRule,
    IncludeRule,
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


def verdict(rules, asked, *, own=False):
    profiles = ProfilesInForce(PolicyFiles({}, [b"profile p {\n%b\n}\n" % rules.encode()]))
    assert profiles.knows(b"p")
    return profiles.verdict(b"p", asked, own=own)


@pytest.mark.parametrize(
    ("rules", "asked", "said"),
    [
        ("/a r,", FileRule(b"/a", "r"), "covered"),
        ("/a r,", FileRule(b"/a", "rw"), ""),
        ("/a r,\n/* w,", FileRule(b"/a", "rw"), "covered"),
        ("/a w,", FileRule(b"/a", "a"), "covered"),
        ("/a a,", FileRule(b"/a", "w"), ""),
        ("/b r,", FileRule(b"/a", "r"), ""),
        ("owner /a r,", FileRule(b"/a", "r"), ""),
        ("/** r,\ndeny /a r,", FileRule(b"/a", "r"), "denied"),
        ("/** rw,\naudit deny /a w,", FileRule(b"/a", "rw"), "denied"),
        ("/** rw,\ndeny /a w,", FileRule(b"/a", "r"), "covered"),
        ("deny owner /a r,", FileRule(b"/a", "r"), ""),
        ("deny /a r,\npriority=1 allow /a r,", FileRule(b"/a", "r"), "covered"),
        ("priority=2 deny /a r,\npriority=1 allow /a r,", FileRule(b"/a", "r"), "denied"),
        ("file,", FileRule(b"/a", "rwk", execute="ix"), "covered"),
        ("all,", CapabilityRule("chown"), "covered"),
        ("/a ix,", FileRule(b"/a", "", execute="Cx"), "covered"),
        ("/a r,", FileRule(b"/a", "", execute="Cx"), ""),
        ("deny /a x,", FileRule(b"/a", "", execute="Cx"), "denied"),
        ("rw /a,", FileRule(b"/a", "rw"), "covered"),
        ("file rw /a,", FileRule(b"/a", "rw"), "covered"),
        ('"/a b" r,', FileRule(b"/a b", "r"), "covered"),
        ("/a rPx -> b,", FileRule(b"/a", "r", execute="Px"), "covered"),
        ("link /a -> /b,", LinkRule(b"/a", b"/b"), "covered"),
        ("link subset /* -> /b,", LinkRule(b"/a", b"/b"), "covered"),
        ("link /a -> /b,", LinkRule(b"/a", b"/c"), ""),
        ("capability,", CapabilityRule("chown"), "covered"),
        ("capability kill chown,", CapabilityRule("chown"), "covered"),
        ("capability kill,", CapabilityRule("chown"), ""),
        ("deny capability chown,", CapabilityRule("chown"), "denied"),
        ("network,", NetworkRule("inet", "stream", ("connect",)), "covered"),
        ("network inet,", NetworkRule("inet", "stream"), "covered"),
        ("network inet tcp,", NetworkRule("inet", "stream"), "covered"),
        ("network inet6 stream,", NetworkRule("inet", "stream"), ""),
        ("network (send receive) inet stream,", NetworkRule("inet", "stream", ("send",)), "covered"),
        ("network (send) inet stream,", NetworkRule("inet", "stream", ("connect",)), ""),
        ("network inet stream ip=1.2.3.4,", NetworkRule("inet", "stream", ("send",), "1.2.3.4"), "covered"),
        ("network inet stream ip=1.2.3.4,", NetworkRule("inet", "stream", ("send",)), ""),
        ("deny network inet,", NetworkRule("inet", "dgram"), "denied"),
        ("unix,", UnixRule(("send",), "stream"), "covered"),
        ("unix (send) type=stream addr=@a*,", UnixRule(("send",), "stream", b"@abc"), "covered"),
        ("unix (send) type=stream addr=@a*,", UnixRule(("send",), "stream"), ""),
        ("unix (send) peer=(label=x),", UnixRule(("send",), "stream"), ""),
        ("deny unix (connect) peer=(label=x),", UnixRule(("connect",), "stream"), ""),
        ("dbus send bus=system,", DbusRule(("send",), b"system", b"/a"), "covered"),
        (
            "dbus (send receive) bus=system member={Hello,Get*} peer=(label=un*),",
            DbusRule(("send",), b"system", member=b"GetAll", label=b"unconfined"),
            "covered",
        ),
        ("dbus bind bus=session name=a.b,", DbusRule(("bind",), b"session", name=b"a.c"), ""),
        ("signal,", SignalRule(("send",), ("term",), b"x"), "covered"),
        ("signal (send) set=(term, kill) peer=x,", SignalRule(("send",), ("kill",), b"x"), "covered"),
        ("signal send set=term peer=y,", SignalRule(("send",), ("term",), b"x"), ""),
        ("ptrace (read) peer=@{profile_name},", PtraceRule(("read",), b"p"), "covered"),
        ("ptrace read,", PtraceRule(("trace",), b"p"), ""),
        ("mount,", MountRule(False, b"ext4", ("ro",), b"/dev/a", b"/m/"), "covered"),
        ("mount fstype=ext* options=(ro) /dev/* -> /m/,", MountRule(False, b"ext4", ("ro",), b"/dev/a", b"/m/"), "covered"),
        ("mount options=(ro) -> /m/,", MountRule(False, b"ext4", ("nosuid", "ro"), b"/dev/a", b"/m/"), ""),
        ("mount options in (ro,nosuid),", MountRule(False, b"ext4", ("nosuid", "rw"), b"/dev/a", b"/m/"), "covered"),
        ("remount /m/,", MountRule(False, b"", ("remount", "rw"), b"", b"/m/"), "covered"),
        ("umount /m/,", MountRule(True, b"", (), b"", b"/m/"), "covered"),
        ("mount,", MountRule(True, b"", (), b"", b"/m/"), ""),
        ("pivot_root oldroot=/o/ /n/,", PivotRootRule(b"/n/", b"/o/"), "covered"),
        ("pivot_root,", PivotRootRule(b"/n/", b""), "covered"),
        ("mqueue (create) type=posix /q,", MessageQueueRule(("create",), "posix", b"/q"), "covered"),
        ("mqueue,", MessageQueueRule(("create", "open"), "sysv", b"7"), "covered"),
        ("io_uring sqpoll,", IoUringRule(("sqpoll",)), "covered"),
        ("userns,", UserNamespaceRule(), "covered"),
        ("userns create,", UserNamespaceRule(), "covered"),
        ("change_profile -> a*,", ChangeProfileRule(b"ab"), "covered"),
        ("change_profile,", ChangeProfileRule(b"ab"), "covered"),
        ("change_profile /bin/x -> ab,", ChangeProfileRule(b"ab"), ""),
        ("this is,\nno rule,\n/a r,", FileRule(b"/a", "r"), "covered"),
    ],
)
def test_verdicts(rules, asked, said):
    assert verdict(rules, asked) == said


def test_rules_for_the_owner_are_the_owners():
    assert verdict("owner /a r,", FileRule(b"/a", "r"), own=True) == "covered"
    assert verdict("/a r,\ndeny owner /a r,", FileRule(b"/a", "r"), own=True) == "denied"


def test_nothing_is_known_of_other_profiles():
    assert NOTHING_IN_FORCE.verdict(b"p", FileRule(b"/a", "r")) == ""
    assert NOTHING_IN_FORCE.offers([FileRule(b"/a", "r")]) == ()
    assert NOTHING_IN_FORCE.joined([b"profile p { /a r, }"]) is NOTHING_IN_FORCE
    profiles = ProfilesInForce(PolicyFiles({}, [b"profile p {\n/a r,\n}\n"]))
    for name in (b"q", b"p//h", b":ns://p", b""):
        assert profiles.verdict(name, FileRule(b"/a", "r")) == ""
        assert not profiles.knows(name)


def test_options_that_only_take_flags_away_do_not_count():
    assert Options(frozenset({b"ro"}), several=False).accepts(b"ro")
    assert Options(frozenset({b"rw", b"nosuid"}), several=False).accepts(b"nosuid")
    assert not Options(frozenset({b"ro"}), several=False).accepts(b"nosuid,ro")
    assert Options(frozenset({b"ro", b"nosuid"}), several=True).accepts(b"rw")


ABSTRACTIONS = {
    "abstractions/small": b"/usr/share/x/* r,\n",
    "abstractions/large": b"/usr/share/** r,\n/usr/lib/** mr,\n",
    "abstractions/own": b"owner @{HOME}/.x r,\n",
    "abstractions/everything": b"/** r,\n",
    "abstractions/mine": b"@{HOME}/** rwk,\n",
    "abstractions/not": b"/usr/share/** r,\ndeny /usr/share/x/* r,\n",
    "abstractions/bad name": b"/usr/share/** r,\n",
    "tunables/global": b"@{HOME}=/home/*/ /root/\n",
}


def test_abstractions_are_offered_that_grant_all_and_no_secret():
    profiles = ProfilesInForce(PolicyFiles(ABSTRACTIONS))
    one, two = FileRule(b"/usr/share/x/a", "r"), FileRule(b"/usr/share/y/a", "r")
    assert profiles.offers([one]) == ("abstractions/large", "abstractions/small")
    assert profiles.offers([one, two]) == ("abstractions/large",)
    assert profiles.offers([FileRule(b"/usr/share/x/a", "w")]) == ()
    assert profiles.offers([FileRule(b"/home/u/.x", "r")]) == ()
    assert profiles.offers([FileRule(b"/home/u/.x", "r", owner=True)]) == ("abstractions/own",)
    assert profiles.offers([]) == ()


def test_every_rule_can_be_asked_for():
    assert asked_for(IncludeRule("abstractions/x")).kind == "include"
    assert asked_for(FileRule(b"/a", "r"), own=True).own
