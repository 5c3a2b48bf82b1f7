import pytest

from syslogparse.rules.apparmor_profile import Home, Profiles
from syslogparse.rules.merge import Refused
from tests.rules.make import APPARMOR


def key(profile, **fields):
    return APPARMOR._replace(profile=profile, **fields)


RUN = key(b"p", operation=b"exec", name=b"/bin/x", mask=b"x", target=b"p//null-/bin/x")
OLD_RUN = RUN._replace(target=b"p//null-2d")


def test_plain_profiles_hats_and_namespaces():
    profiles = Profiles([], exact=False)
    assert profiles.home(key(b"p//hat")) == Home(b"p//hat", b"p//hat")
    assert profiles.home(key(b"p", namespace=b"root//ns")).profile == b":ns://p"
    assert profiles.home(key(b"p", namespace=b"root")).profile == b"p"
    for bad in (b"", b"unconfined", b"a//&b", b"//null-x", b"p\0", b"p" * 5000):
        with pytest.raises(Refused):
            profiles.home(key(bad))


def test_children_of_programs_that_are_known():
    child = key(b"p//null-/bin/x")
    assert Profiles([], exact=False).home(child) == Home(b"p///bin/x", b"p", b"/bin/x")
    assert Profiles([RUN], exact=True).home(child) == Home(b"p///bin/x", b"p", b"/bin/x")
    assert Profiles([], exact=True).home(child) == Home(b"p", b"p", nameless=True)
    assert Profiles([OLD_RUN], exact=True).home(key(b"p//null-2d")) == Home(b"p///bin/x", b"p", b"/bin/x")
    assert Profiles([], exact=False).home(key(b"p//null-2d")) == Home(b"p", b"p", nameless=True)
    assert Profiles([], exact=False).home(key(b"p//null-/bin/x//null-/bin/y//null-/bin/z")).profile == b"p///bin/x"


def test_programs_with_a_profile_of_their_own():
    profiles = Profiles([RUN, key(b"/bin/x")], exact=False)
    assert profiles.home(key(b"p//null-/bin/x")) == Home(b"/bin/x", b"p", b"/bin/x")
    assert profiles.transition(Home(b"p", b"p"), b"/bin/x") == "Px"
    assert profiles.transition(Home(b"p", b"p"), b"/bin/y") == "Cx"
    assert profiles.transition(Home(b"p///bin/x", b"p", b"/bin/x"), b"/bin/y") == "ix"


def test_a_namespace_has_its_own_profiles():
    profiles = Profiles([key(b"/bin/x", namespace=b"root//ns")], exact=False)
    assert profiles.transition(Home(b"p", b"p"), b"/bin/x") == "Cx"
    assert profiles.transition(Home(b":ns://p", b":ns://p"), b"/bin/x") == "Px"
    inner = key(b"p//null-/bin/x", namespace=b"root//ns")
    assert profiles.home(inner).profile == b":ns:///bin/x"
