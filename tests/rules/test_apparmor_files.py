import pytest

from syslogparse.rules.apparmor_files import access, check_path, findings
from syslogparse.rules.apparmor_model import FileRule, LinkRule
from syslogparse.rules.apparmor_profile import Home
from syslogparse.rules.merge import Refused
from tests.rules.make import APPARMOR, denial

HOME = Home(b"p", b"p")


def found(*fields, exact=True, home=HOME):
    read = []
    for some in fields:
        item = denial(**some)
        read.append(access(item.key, home, "Cx", item, exact=exact))
    return list(findings(read, exact=exact))


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
    item = denial(name=name, owner=owner)
    assert access(item.key, HOME, "Cx", item, exact=exact).owner == owned


def test_a_program_in_a_child_stays_there():
    inside = Home(b"p//q", b"p", b"q")
    item = denial(operation=b"exec", mask=b"x")
    (one,) = findings([access(item.key, inside, "ix", item, exact=False)], exact=False)
    assert one.rule == FileRule(b"/srv/page", "rm", execute="ix")
    assert [other.execute for other in one.alternatives] == ["Px"]


def test_paths_that_are_none():
    for path in (b"x", b"/a//b", b"/a/../b", b"/a\0"):
        with pytest.raises(Refused):
            check_path(path)
    check_path(b"/a/b/")


def test_masks():
    with pytest.raises(Refused, match="mask that is none"):
        access(APPARMOR._replace(mask=b"rz"), HOME, "Cx", denial(), exact=True)
