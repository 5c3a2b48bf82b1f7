import time

import pytest

from syslogparse.languages.apparmor_policy import PolicyFiles
from syslogparse.rules.apparmor_inforce import ProfilesInForce
from syslogparse.rules.apparmor_model import CapabilityRule, FileRule
from syslogparse.sources.apparmor_policy import installed_policy

FILES = {
    "usr.sbin.x": b"""
# comment { of no block
abi <abi/3.0>,
include <tunables/global>
@{own} = /opt/x /srv/x
@{own} += /var/x
/usr/sbin/x flags=(attach_disconnected) {
  include <abstractions/base>
  #include <local/usr.sbin.x>
  @{own}/** r,
  odd words,
  if $flag {
    /in/if r,
  }
  ^hat {
    capability kill,
    include if exists <local/hat>
  }
  profile child /bin/child {
    /child r,
    profile deeper { /deeper r, }
  }
  hat other { /other r, }
}
profile "with blank" /usr/bin/{a,b} { /blank r, }
@{exec}/y { /y r, }
""",
    "abstractions/base": b"/base r,\ninclude <abstractions/deeper>\ninclude <abstractions/base.d>\n",
    "abstractions/deeper": b"include <abstractions/base>\n/deep r,\n",
    "abstractions/base.d/one": b"/one r,\n",
    "abstractions/base.d/sub/two": b"/two r,\n",
    "local/usr.sbin.x": b"/site r,\n",
    "tunables/global": b"include <tunables/more>\n@{HOME}=/root/\n",
    "tunables/more": b"include <tunables/global>\n@{exec}=/usr/bin\n",
}


@pytest.fixture
def policy():
    return PolicyFiles(FILES)


@pytest.mark.parametrize(
    ("name", "path"),
    [
        (b"/usr/sbin/x", b"/base"),
        (b"/usr/sbin/x", b"/deep"),
        (b"/usr/sbin/x", b"/one"),
        (b"/usr/sbin/x", b"/site"),
        (b"/usr/sbin/x", b"/opt/x/a"),
        (b"/usr/sbin/x", b"/srv/x/a"),
        (b"/usr/sbin/x", b"/var/x/a"),
        (b"/usr/sbin/x//child", b"/child"),
        (b"/usr/sbin/x//child//deeper", b"/deeper"),
        (b"/usr/sbin/x//other", b"/other"),
        (b"with blank", b"/blank"),
        (b"/usr/bin/y", b"/y"),
    ],
)
def test_profiles(policy, name, path):
    profiles = ProfilesInForce(policy)
    assert profiles.verdict(name, FileRule(path, "r")) == "covered"
    for other in (b"/usr/sbin/x//hat", b"nobody"):
        assert profiles.verdict(other, FileRule(path, "r")) == ""


def test_each_block_has_its_own_rules(policy):
    profiles = ProfilesInForce(policy)
    for path in (b"/child", b"/other", b"/two", b"/in/if", b"/blank"):
        assert profiles.verdict(b"/usr/sbin/x", FileRule(path, "r")) == ""
    assert profiles.verdict(b"/usr/sbin/x//hat", CapabilityRule("kill")) == "covered"
    assert profiles.verdict(b"/usr/sbin/x", CapabilityRule("kill")) == ""


def test_local_additions_and_what_was_not_understood(policy):
    profiles = ProfilesInForce(policy)
    assert profiles.local(b"/usr/sbin/x") == "local/usr.sbin.x"
    assert profiles.local(b"/usr/sbin/x//hat") == "local/hat"
    assert profiles.local(b"/usr/sbin/x//child") == ""
    assert profiles.unread(b"/usr/sbin/x") == 2
    assert profiles.unread(b"/usr/sbin/x//hat") == 0


def test_programs_that_a_profile_is_for(policy):
    profiles = ProfilesInForce(policy)
    assert [profiles.attaches(name) for name in (b"/usr/sbin/x", b"/usr/bin/a", b"/usr/bin/y")] == [True, True, True]
    assert not profiles.attaches(b"/usr/bin/c")
    assert not profiles.attaches(b"/bin/child")  # that is for who runs in /usr/sbin/x alone


def test_what_the_user_named_counts_more(policy):
    joined = policy.joined([b"/usr/sbin/x { include <abstractions/deeper> }", b"profile new { /new r, }"])
    profiles = ProfilesInForce(joined)
    assert profiles.verdict(b"/usr/sbin/x", FileRule(b"/deep", "r")) == "covered"
    assert profiles.verdict(b"/usr/sbin/x", FileRule(b"/opt/x/a", "r")) == ""
    assert profiles.verdict(b"new", FileRule(b"/new", "r")) == "covered"


def test_profiles_beyond_count_are_found_too(policy):
    for number in range(300):
        assert policy.profile(b"p%d" % number) is None
    assert policy.profile(b"with blank") is not None


@pytest.mark.parametrize(
    "text", [b"", b"{", b"}", b"{}", b"profile {", b"profile p {", b"flags=(x) { /a r, }", b"\xff\0" * 99, b"p { p { p {" * 99]
)
def test_broken_policy_is_no_policy(text):
    policy = PolicyFiles({"x": text, "abstractions/a": text, "tunables/global": text})
    assert ProfilesInForce(policy).verdict(b"p", FileRule(b"/a", "r")) == ""
    assert ProfilesInForce(policy).offers([FileRule(b"/a", "r")]) == ()
    policy.attaches(b"/p")


def test_what_is_installed_is_read_whole_and_fast():
    """On a machine with AppArmor, of the policy of its distribution nearly nothing stays without meaning."""
    files = installed_policy()
    start = time.process_time()
    policy = PolicyFiles(files)
    policy.abstractions()
    for number in range(300):
        policy.profile(b"p%d" % number)
    assert time.process_time() - start < 5
    unread = {name: profile.unread for name, profile in policy._profiles.items() if profile.unread}
    assert sum(unread.values()) <= len(policy._profiles), unread
