from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syslogparse.languages import iptables, ufw
from syslogparse.languages.document import DEEPEST, Document, opens_block
from syslogparse.languages.render import Language, check, render
from syslogparse.rules.apparmor_model import FileRule
from syslogparse.rules.model import FirewallRule, SyscallRule

RULE = FirewallRule(4, "INPUT", "DROP", "tcp", "eth0", sources=("192.0.2.1",), ports=((22, 22),))
LINES: dict[Language, str] = {
    "iptables": render(RULE, "iptables"),
    "nftables": render(RULE, "nftables"),
    "ufw": render(RULE, "ufw"),
    "apparmor": render(FileRule(b"/srv/f", "r")),
    "seccomp": render(SyscallRule(b"/bin/true", "x86_64", "getppid")),
}
HEADS: dict[Language, Sequence[str]] = {"iptables": iptables.HEAD, "ufw": ufw.HEAD}


def whole(language, lines):
    """Whether a file of these lines is one of this language."""
    document = Document(language)
    return all(document.takes(line) for line in lines) and document.whole()


@pytest.mark.parametrize("language", LINES)
def test_rules_comments_and_empty_lines(language):
    assert whole(language, [])
    assert whole(language, ["# a comment", "#", "", LINES[language], "  # indented", f"  {LINES[language]}"])


@pytest.mark.parametrize("language", LINES)
@pytest.mark.parametrize("other", LINES)
def test_a_rule_of_another_language_is_none(language, other):
    assert whole(language, [LINES[other]]) == (language == other)


@pytest.mark.parametrize("language", LINES)
@pytest.mark.parametrize("line", ["rm -rf /", "#!/bin/sh", "#include <x>", "\t", "x" * 70000, "}", "profile x {", "$(reboot)"])
def test_what_is_no_rule(language, line):
    if (language, line) == ("apparmor", "profile x {"):
        assert not whole(language, [line])
    else:
        assert not Document(language).takes(line)


@pytest.mark.parametrize("language", LINES)
def test_indented_so_far_and_no_further(language):
    deepest = 2 * (DEEPEST + 1)
    assert Document(language).takes(" " * deepest + LINES[language])
    assert not Document(language).takes(" " * (deepest + 1) + LINES[language])


@pytest.mark.parametrize("language", HEADS)
def test_the_head_stands_whole_or_not_at_all(language):
    head = list(HEADS[language])
    assert whole(language, [*head, LINES[language]])
    assert whole(language, [LINES[language], *head])
    pieces = [number for number, line in enumerate(head) if not line.startswith("# ")]
    assert len(pieces) > 5
    for number in pieces:
        without = head[:number] + head[number + 1 :]
        if head[number] not in (head[number - 1], *head[number + 1 : number + 2]):
            assert not whole(language, [*without, LINES[language]]), head[number]
        assert not whole(language, head[: number + 1]) or number == len(head) - 1
        assert not whole(language, [head[number]]), head[number]
        assert not whole(language, [*head, head[number]]), head[number]
        assert not whole(language, [*head[: number + 1], LINES[language], *head[number + 1 :]]) or number == len(head) - 1


@pytest.mark.parametrize("language", HEADS)
@given(data=st.data())
def test_pieces_of_the_head_in_another_order_are_refused(language, data):
    head = [line for line in HEADS[language] if not line.startswith("# ")]
    some = data.draw(st.lists(st.sampled_from(head), min_size=1, max_size=len(head)))
    assert whole(language, some) == (some == head)


def test_a_head_is_of_its_own_language():
    assert not whole("ufw", iptables.HEAD)
    assert not whole("iptables", ufw.HEAD)
    assert not whole("nftables", iptables.HEAD)


def test_blocks_are_closed():
    block = ["profile /usr/bin/x {", f"  {LINES['apparmor']}", "}"]
    assert whole("apparmor", block)
    assert whole("apparmor", [*block, *block])
    assert whole("apparmor", ["profile a {", *block, "}"])
    assert not whole("apparmor", block[:-1])
    assert not whole("apparmor", ["}"])
    assert not whole("apparmor", [*block, "}"])
    assert not whole("apparmor", ["}", *block[:-1]])
    assert whole("apparmor", ["profile a {"] * DEEPEST + ["}"] * DEEPEST)
    assert not Document("apparmor").takes("}")
    document = Document("apparmor")
    assert all(document.takes("profile a {") for _ in range(DEEPEST))
    assert not document.takes("profile a {")


@pytest.mark.parametrize("name", ["/usr/bin/x", "a//b", '"/with blank"', "null-/x", ":ns:x", r"/a\[b"])
def test_names_of_blocks(name):
    assert opens_block(f"profile {name} {{")


@pytest.mark.parametrize(
    "line",
    [
        "profile {",
        "profile  {",
        "profile a{",
        "profile a { capability sys_admin, }",
        "profile a flags=(complain) {",
        "profile a {}",
        "profile a } profile b {",
        "profile a,b {",
        "/usr/bin/x {",
        "profile @{HOME} {",
        "profile a # {",
        'profile "a" b" {',
    ],
)
def test_what_is_no_head_of_a_block(line):
    assert not opens_block(line)
    assert not Document("apparmor").takes(line)


@given(st.text(max_size=60))
def test_no_line_is_taken_that_is_none_of_the_language(line):
    for language in LINES:
        if Document(language).takes(line):
            bare = line.lstrip(" ")
            assert not bare or check(language, bare) or (language == "apparmor" and opens_block(bare))


def test_a_file_for_nft_takes_no_command_that_is_not_ours():
    assert whole("nftables", ["add table inet syslogparse_0123abcd", "delete table inet syslogparse_0123abcd"])
    for line in ("flush ruleset", "delete table inet filter", "flush chain inet filter input"):
        assert not Document("nftables").takes(line)
