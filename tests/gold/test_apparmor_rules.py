"""Suggested AppArmor rules, loaded by the real parser: its state machine lets through what was denied, and nothing sensitive."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from syslogparse.languages.apparmor import check, render
from syslogparse.prepare import installed_apparmor
from syslogparse.rules.apparmor_model import FileRule
from syslogparse.rules.apparmor_target import Choices
from tests.gold.corpus import UPSTREAM
from tests.languages.dfa import accepts, compiled, machine
from tests.rules.make import denial, events_of, suggestions

SENSITIVE = [
    b"/etc/shadow",
    b"/etc/gshadow-",
    b"/etc/ssh/ssh_host_ed25519_key",
    b"/etc/ssl/private/a.key",
    b"/etc/sudoers",
    b"/root/.ssh/id_ed25519",
    b"/root/.bash_history",
    b"/home/somebody/.ssh/id_rsa",
    b"/home/somebody/.gnupg/private-keys-v1.d/a.key",
    b"/home/somebody/.aws/credentials",
    b"/home/somebody/.bashrc",
    b"/proc/1/mem",
    b"/proc/1/environ",
    b"/dev/sda",
    b"/dev/mem",
    b"/var/lib/secrets/a",
    b"/srv/other",
    b"/usr/bin/sudo",
]
HOSTILE = "a\"{}, b\n\r\t#'`$()*?[]^\\@|;<>!~%=:&\u202e\u2066\u0301é漢\x7f\x1b\udcff"
OLDEST = (3, 0)


@pytest.fixture(scope="session")
def parser(require_tool):
    return require_tool("apparmor_parser")


def file_rules(found):
    """The lines of file rules by profile."""
    blocks: dict[bytes, list[str]] = {}
    for one in found:
        if isinstance(one.rule, FileRule):
            blocks.setdefault(one.profile, []).append(render(one.rule))
    return blocks


def let_through(parser, items, *, exact):
    """The state machine of each profile for what is suggested."""
    found = suggestions(*items, choices=Choices(exact, OLDEST))
    return {profile: machine(parser, lines) for profile, lines in file_rules(found).items()}


@pytest.mark.corpora
@pytest.mark.parametrize("exact", [True, False])
def test_what_was_denied_is_let_through_and_nothing_sensitive(corpora, parser, exact):
    texts = [log.read_bytes() for log in (corpora / "captured").glob("*.log")]
    texts += [log.read_bytes() for log in (corpora / "apparmor" / "apparmor.d-logs").glob("*.log")]
    texts.append(b"\n".join(json.loads(line)["raw"].encode().strip() for line in (corpora / UPSTREAM).read_text().splitlines()))
    compared = 0
    for text in texts:
        items: list[Any] = [item for item in events_of(text) if item.kind == "apparmor"]
        machines = let_through(parser, items, exact=exact)
        asked = {item.key.name for item in items}
        for one in suggestions(*items, choices=Choices(exact, OLDEST)):
            if isinstance(one.rule, FileRule) and one.rule.path:
                assert accepts(machines[one.profile], one.rule.path)
        for item in items:
            if of_a_file(item.key) and suggestions(item, choices=Choices(exact, OLDEST)):
                base = item.key.profile.partition(b"//null-")[0]
                assert any(accepts(made, item.key.name) for profile, made in machines.items() if base in profile), item.key
                compared += 1
        for path in set(SENSITIVE) - asked:
            assert not any(accepts(made, path) for made in machines.values()), path
    assert compared > 200


def of_a_file(key):
    others = (b"mount", b"umount", b"pivotroot", b"link", b"change_profile", b"change_onexec")  # a link has two paths
    return key.name.startswith(b"/") and key.class_ in (b"", b"file") and not key.bus and key.operation not in others


NAMES = st.text(HOSTILE, min_size=1, max_size=8).map(lambda name: name.encode("utf-8", "surrogateescape"))


@settings(max_examples=40, deadline=None)
@given(
    st.lists(NAMES, min_size=1, max_size=6),
    st.booleans(),
    st.sampled_from([b"r", b"w", b"rm", b"k"]),
    st.sampled_from([b"0", b"1"]),
)
def test_a_hostile_name_is_one_rule_for_that_name_alone(parser, names, exact, mask, owner):
    paths = sorted({b"/srv/" + name for name in names})
    found = suggestions(*(denial(name=path, mask=mask, owner=owner) for path in paths), choices=Choices(exact, OLDEST))
    assert len(found) == len(paths)
    lines = [render(one.rule) for one in found]
    assert all(check(line) and "\n" not in line for line in lines)
    made = machine(parser, lines)
    assert all(accepts(made, path) for path in paths)
    for path in paths:
        others = {path + b"x", path[:-1], path.replace(b"*", b"x"), path.replace(b"?", b"x"), b"/srv/x", b"/srv/"} - set(paths)
        assert not any(accepts(made, other) for other in others)


@settings(max_examples=25, deadline=None)
@given(NAMES, st.sampled_from(["signal", "profile", "mount", "dbus", "unix"]))
def test_a_hostile_name_of_another_kind_is_one_rule_too(parser, name, kind):
    fields = {
        "signal": {"operation": b"signal", "class_": b"signal", "mask": b"send", "signal": b"term", "peer": name},
        "profile": {"operation": b"change_profile", "target": name},
        "mount": {
            "operation": b"mount",
            "class_": b"mount",
            "name": b"/" + name,
            "source": name,
            "flags": b"ro",
            "fstype": b"ext4",
        },
        "dbus": {
            "operation": b"dbus_method_call",
            "class_": b"",
            "bus": b"system",
            "path": b"/" + name,
            "member": name,
            "mask": b"send",
        },
        "unix": {
            "operation": b"bind",
            "class_": b"net",
            "family": b"unix",
            "sock_type": b"stream",
            "local": b"@" + name,
            "mask": b"bind",
        },
    }[kind]
    (one,) = suggestions(denial(**{"name": b"", "mask": b"", **fields}), choices=Choices(True, OLDEST))
    line = render(one.rule)
    assert check(line)
    compiled(parser, [line])
    with pytest.raises(AssertionError):
        compiled(parser, [line, "no rule"])


@settings(max_examples=25, deadline=None)
@given(st.data())
def test_directories_hold_nothing_sensitive(parser, data):
    """However many files of a directory were read, what is sensitive stays out, and so do the directories below."""
    place = data.draw(
        st.sampled_from([b"/etc/x/", b"/root/", b"/usr/share/x/", b"/srv/www/", b"/var/lib/secrets/", b"/home/u/.ssh/"])
    )
    count = data.draw(st.integers(1, 30))
    items: list[Any] = [denial(name=b"%bf%d" % (place, number), owner=b"0") for number in range(count)]
    made = let_through(parser, items, exact=False)[b"/usr/sbin/nginx"]
    assert all(accepts(made, item.key.name) for item in items)
    open_ = place in (b"/usr/share/x/", b"/srv/www/") and count >= 10
    assert accepts(made, place + b"other") == open_
    for path in (place + b"deeper/file", place + b"id_rsa/x", place, place[:-1], *SENSITIVE):
        assert not accepts(made, path)


def test_the_installed_parser_is_the_one_that_is_asked():
    assert (installed_apparmor() or OLDEST) >= OLDEST
