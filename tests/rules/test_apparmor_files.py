import pytest

from syslogparse.rules.apparmor_files import access, check_path, findings
from syslogparse.rules.apparmor_model import FileRule, LinkRule
from syslogparse.rules.apparmor_profile import Home
from syslogparse.rules.merge import Refused
from tests.rules.make import APPARMOR, denial

HOME = Home(b"p", b"p")


def accessed(home=HOME, transition="Cx", *, exact=True, **fields):
    return access(APPARMOR._replace(**fields), home, transition, denial(**fields), exact=exact)


def found(*fields, exact=True):
    return list(findings([accessed(exact=exact, **some) for some in fields], exact=exact))


def test_links():
    link = {"operation": b"link", "mask": b"l", "name": b"/l", "target": b"/f"}
    (one,) = found(link)
    assert (one.rule, one.alternatives) == (FileRule(b"/l", "l"), (LinkRule(b"/l", b"/f"),))
    (one,) = found(link | {"owner": b"1"}, exact=False)
    assert (one.rule, one.alternatives) == (LinkRule(b"/l", b"/f", owner=True), (FileRule(b"/l", "l", owner=True),))
    pair, rest = found(link | {"mask": b"rl"}, exact=False)
    assert (pair.rule, rest.rule) == (LinkRule(b"/l", b"/f"), FileRule(b"/l", "r"))
    (one,) = found(link | {"target": b"not a path"}, exact=False)
    assert (one.rule, one.alternatives) == (FileRule(b"/l", "l"), ())


@pytest.mark.parametrize(
    ("name", "owner", "exact", "owned"),
    [
        (b"/etc/x", b"root", True, True),
        (b"/etc/x", b"root", False, False),
        (b"/root/x", b"root", False, True),
        (b"/tmp/x", b"root", False, True),
        (b"/etc/x", b"1", False, True),
        (b"/etc/x", b"0", True, False),
        (b"/etc/x", b"", True, False),
    ],
)
def test_a_run_as_root_owns_everything_and_says_nothing(name, owner, exact, owned):
    assert accessed(name=name, owner=owner, exact=exact).owner == owned


def test_a_program_in_a_child_stays_there():
    inside = Home(b"p//q", b"p", b"q")
    (one,) = findings([accessed(inside, "ix", exact=False, operation=b"exec", mask=b"x")], exact=False)
    assert one.rule == FileRule(b"/srv/page", "rm", execute="ix")
    assert one.alternatives == (FileRule(b"/srv/page", "", execute="Px"),)


def test_paths_that_are_none():
    for path in (b"x", b"/a//b", b"/a/../b", b"/a\0"):
        with pytest.raises(Refused):
            check_path(path)
    check_path(b"/a/b/")


def test_masks():
    with pytest.raises(Refused, match="mask that is none"):
        access(APPARMOR._replace(mask=b"rz"), HOME, "Cx", denial(), exact=True)
