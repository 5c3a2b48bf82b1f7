from msgspec.structs import replace

from syslogparse.report import sections
from syslogparse.report.warmup import synthetic_report
from syslogparse.rules.advise import advise
from syslogparse.rules.model import Advice, FirewallRule, SyscallRule
from tests.rules.make import denial

REPORT = synthetic_report(complete=True)
SUGGESTIONS = REPORT.advice.suggestions


def test_everything_is_in_one_section_and_in_order():
    got = [item.suggestion for part in sections.sections(REPORT) for group in part.groups for item in group.items]
    assert sorted(map(id, got)) == sorted(map(id, SUGGESTIONS))
    for part in sections.sections(REPORT):
        for group in part.groups:
            order = [SUGGESTIONS.index(item.suggestion) for item in group.items]
            assert order == sorted(order)


def test_groups_are_profiles_and_executables():
    by_language = {part.language: part for part in sections.sections(REPORT)}
    assert set(by_language) == {"iptables", "apparmor", "seccomp"}
    assert [group.name for group in by_language["iptables"].groups] == [None]
    assert by_language["apparmor"].what == "profile"
    assert by_language["apparmor"].groups[0].name == b"/usr/sbin/nginx"
    assert by_language["seccomp"].what == "executable"
    assert by_language["seccomp"].groups[0].name == b"/usr/bin/true"


def test_the_wanted_number_is_per_language_and_the_rest_is_counted():
    whole = {part.language: part for part in sections.sections(REPORT)}
    for part in sections.sections(REPORT, max_rules=2):
        assert sum(len(group.items) for group in part.groups) == 2
        assert part.left_out == whole[part.language].total - 2
        assert (part.total, part.lines) == (whole[part.language].total, whole[part.language].lines)
    lines = [3, 9, 1, 9, 4]
    advice = Advice(tuple(replace(SUGGESTIONS[0], evidence=replace(SUGGESTIONS[0].evidence, count=count)) for count in lines), {})
    (part,) = sections.sections(replace(REPORT, advice=advice), max_rules=3)
    assert [item.suggestion.evidence.count for item in part.groups[0].items] == [9, 9, 4]
    assert (part.left_out, part.lines) == (2, 26)
    assert all(part.left_out == 0 for part in whole.values())
    assert all(part.groups == [] for part in sections.sections(REPORT, max_rules=0))


def test_place_and_hosts():
    assert sections.place(("a\nb",), (0, 7)) == "a\\x0ab:7"
    assert sections.place((), (0, 7)) == sections.place(("x",), (-1, 7)) == "?:7"
    evidence = replace(SUGGESTIONS[0].evidence, hosts=(b"a", b"\x1b", b"c", b"d", b"e"))
    assert sections.hosts(evidence) == "a, \\x1b, c and 2 more"
    assert sections.hosts(replace(evidence, hosts=())) == ""


def test_amount():
    assert sections.amount(0, "line") == "0 lines"
    assert sections.amount(1, "line") == "1 line"
    assert sections.amount(1204, "line") == "1,204 lines"


def test_many():
    rule = FirewallRule(4, "INPUT", "DROP", "tcp", in_iface="eth0", sources=("192.0.2.1",))
    assert sections.many(rule) == sections.many(SyscallRule(b"/a", "x86", "read")) == ""
    assert sections.many(replace(rule, sources=("192.0.2.1", "192.0.2.2"))) == "2 sources"
    assert sections.many(replace(rule, sources=("192.0.2.0/24", "198.51.100.2"))) == "2 addresses and networks"


def test_an_item_carries_all_its_lines():
    rule = FirewallRule(4, "INPUT", "DROP", "tcp", in_iface="eth0", sources=("192.0.2.1", "192.0.2.2"))
    advice = Advice((replace(SUGGESTIONS[0], rule=rule),), {})
    for firewall, count in (("iptables", 4), ("nftables", 1), ("ufw", 2)):
        (part,) = sections.sections(replace(REPORT, advice=advice, firewall=firewall))
        (item,) = part.groups[0].items
        assert item.sound
        assert len(item.lines) == count
        assert "\n" not in item.rule


def run_in_a_child(profile, program, **fields):
    """The run of a program, and what it did in the complain-mode child of its own."""
    return [
        denial(profile=profile, operation=b"exec", name=program, mask=b"x", **fields),
        denial(profile=profile + b"//null-" + program, verdict=b"ALLOWED"),
    ]


def families(*evidence):
    (part,) = sections.sections(replace(REPORT, advice=advise(evidence)))
    return [(group.name, group.closed) for group in part.groups]


def test_children_stand_right_behind_their_parents_and_are_closed_like_the_rule_that_enters_them():
    others = [denial(profile=b"aa"), denial(profile=b"zz"), denial(profile=b"p///bin/z")]
    found = families(
        *others, *run_in_a_child(b"p", b"/bin/x"), *run_in_a_child(b"p", b"/bin/sh"), *run_in_a_child(b"q", b"/bin/y")
    )
    names = [name for name, _ in found]
    assert names.index(b"p") + 1 == names.index(b"p///bin/sh")
    assert names.index(b"p") + 2 == names.index(b"p///bin/x")
    assert names.index(b"q") + 1 == names.index(b"q///bin/y")
    assert {name for name, closed in found if closed} == {b"p///bin/sh"}


def test_a_child_of_a_closed_child_is_closed_too():
    inner = [
        denial(profile=b"p///bin/sh", operation=b"exec", name=b"/bin/x", mask=b"x"),
        denial(profile=b"p///bin/sh///bin/x", verdict=b"ALLOWED"),
    ]
    found = families(*run_in_a_child(b"p", b"/bin/sh"), *inner)
    assert found == [(b"p", False), (b"p///bin/sh", True), (b"p///bin/sh///bin/x", True)]


def test_a_chain_of_children_is_no_matter_of_depth():
    names = [b"p" + b"///x" * depth for depth in range(900)]
    found = families(*(denial(profile=name, operation=b"exec", name=b"/x", mask=b"x") for name in names))
    assert [name for name, _ in found] == names


def test_a_child_profile_is_a_block_and_the_rule_that_enters_it_never_stands_alone():
    ran = denial(profile=b"p", operation=b"exec", name=b"/bin/x y", mask=b"x")
    (part,) = sections.sections(replace(REPORT, advice=advise([ran])))
    (item,) = part.groups[0].items
    assert item.after[0] == 'profile "/bin/x y" {'
    assert item.after[-1] == "}"
    inside = denial(profile=b"p//null-/bin/x y", verdict=b"ALLOWED")
    (part,) = sections.sections(replace(REPORT, advice=advise([ran, inside])))
    assert {group.name: group.block for group in part.groups} == {b"p": "", b"p///bin/x y": 'profile "/bin/x y" {'}
    assert all(item.after == () for group in part.groups for item in group.items)
