from msgspec.structs import replace

from syslogparse.report.identity import LENGTH, identity, of, short
from syslogparse.report.warmup import synthetic_report


def test_it_names_what_is_suggested_for_whom():
    same = identity("apparmor", b"/a", "/b r,")
    assert same == identity("apparmor", b"/a", "/b r,") == "0645007a072b8f6b"
    others = [
        ("apparmor", b"/a/b", " r,"),
        ("seccomp", b"/a", "/b r,"),
        ("apparmor", None, "/b r,"),
        ("apparmor", b"\xff", "/b r,"),
    ]
    assert len({same, *(identity(*other) for other in others)}) == 5


def test_it_does_not_depend_on_the_evidence():
    first = synthetic_report(complete=True).advice.suggestions[0]
    assert of(first) == of(replace(first, evidence=replace(first.evidence, count=1, last=None), why="Another reason."))
    assert len(of(first)) == LENGTH


def test_every_rule_has_its_own():
    suggestions = synthetic_report(complete=True).advice.suggestions
    assert len({of(one) for one in suggestions}) == len(suggestions)


def test_so_many_digits_tell_them_apart():
    assert short([]) == short(["0" * 16]) == 6
    assert short(["0123456789abcdef", "0123456789abcdef"]) == 6
    assert short(["0123456789abcdef", "0123457789abcdef"]) == 7
    assert short(["0123456789abcdef", "0123456789abcdee"]) == 16
