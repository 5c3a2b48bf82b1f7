import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syslogparse.languages.apparmor import render
from syslogparse.rules.model import CapabilityRule, FileRule, NetworkRule
from tests.rules.make import APPARMOR, capability, denial, events_of, evidence, reasons, socket_use, suggest, suggestions


def test_a_denied_file():
    one = suggest(denial())
    assert one.rule == FileRule(b"/srv/page", "r")
    assert (one.profile, one.intent, one.risk, one.confidence, one.trust) == (b"/usr/sbin/nginx", "allow", "low", "high", "kern")
    assert one.why == "The profile denied it."


def test_complain_mode_is_a_denial_to_come():
    one = suggest(denial(verdict=b"ALLOWED"))
    assert (one.rule, one.confidence) == (FileRule(b"/srv/page", "r"), "medium")
    assert one.why == "Complain mode let it pass, enforce mode would deny it."
    assert suggest(denial(verdict=b"ALLOWED"), denial()).confidence == "high"


@pytest.mark.parametrize("word", [b"AUDIT", b"STATUS", b"HINT", b"ERROR", b"KILLED", b"", b"denied", b"\xff"])
def test_other_verdicts_yield_nothing(word):
    assert sum(reasons(denial(verdict=word)).values()) == 1


@pytest.mark.parametrize(
    ("mask", "perms"),
    [
        (b"r", "r"),
        (b"w", "w"),
        (b"c", "w"),
        (b"d", "w"),
        (b"wc", "w"),
        (b"wrc", "rw"),
        (b"a", "a"),
        (b"wa", "w"),
        (b"rm", "rm"),
        (b"k", "k"),
        (b"l", "l"),
        (b"r::", "r"),
        (b"::r", "r"),
        (b"wk::", "wk"),
        (b"rwaklm", "rwlkm"),
    ],
)
def test_masks(mask, perms):
    assert suggest(denial(mask=mask)).rule == FileRule(b"/srv/page", perms)


@pytest.mark.parametrize("mask", [b"z", b"send", b"r\xff", b"R"])
def test_masks_that_are_none(mask):
    assert reasons(denial(mask=mask)) == {"mask that is none": 1}


def test_masks_of_one_path_are_one_rule():
    one = suggest(denial(), denial(operation=b"file_lock", mask=b"k"), denial(operation=b"mknod", mask=b"c"), denial(mask=b"a"))
    assert one.rule == FileRule(b"/srv/page", "rwk")
    assert one.evidence.count == 4


def test_owner_only_where_all_were_owners():
    own, other = denial(owner=b"1"), denial(owner=b"0")
    assert suggest(own).rule == FileRule(b"/srv/page", "r", owner=True)
    assert suggest(own, other).rule == FileRule(b"/srv/page", "r")
    assert suggest(own, other).evidence.count == 2
    assert suggest(denial(owner=b"")).rule == FileRule(b"/srv/page", "r")


def test_what_only_the_owner_did_stays_the_owners():
    advice = suggestions(denial(mask=b"r", owner=b"0"), denial(mask=b"rw", owner=b"1"), denial(mask=b"r", owner=b"1"))
    assert [(one.rule, one.evidence.count) for one in advice] == [
        (FileRule(b"/srv/page", "r"), 2),
        (FileRule(b"/srv/page", "w", owner=True), 1),
    ]


def test_appending_is_part_of_writing_for_the_owner_too():
    one = suggest(denial(mask=b"w", owner=b"0"), denial(mask=b"a", owner=b"1"))
    assert one.rule == FileRule(b"/srv/page", "w")


def test_an_execution_is_ix_with_its_alternatives():
    one = suggest(denial(operation=b"exec", name=b"/usr/bin/tool", mask=b"x"))
    assert one.rule == FileRule(b"/usr/bin/tool", "rm", execute="ix")
    assert one.alternatives == (FileRule(b"/usr/bin/tool", "", execute="Px"), FileRule(b"/usr/bin/tool", "", execute="Cx"))
    assert one.risk == "medium"
    mapped = denial(operation=b"file_mmap", name=b"/usr/bin/tool", mask=b"r", owner=b"1")
    assert suggest(denial(operation=b"exec", name=b"/usr/bin/tool", mask=b"x", owner=b"1"), mapped).rule == one.rule


def test_shells_are_high():
    assert suggest(denial(operation=b"exec", name=b"/bin/sh", mask=b"x")).risk == "high"


def test_what_can_be_written_and_run_is_critical():
    run = denial(operation=b"exec", name=b"/srv/tool", mask=b"x")
    advice = suggestions(run, denial(name=b"/srv/tool", mask=b"w", owner=b"1"))
    assert [(one.rule.perms, one.risk) for one in advice] == [("rm", "medium"), ("w", "critical")]


def test_the_x_of_a_link_is_no_execution():
    one = suggest(denial(operation=b"link", mask=b"xm", name=b"/var/tmp/lib.so", owner=b"1"))
    assert one.rule == FileRule(b"/var/tmp/lib.so", "m", owner=True)
    assert reasons(denial(operation=b"link", mask=b"x")) == {"no permission asked for": 1}


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"info": b"Failed name lookup - disconnected path", "name": b"f"}, "path that AppArmor could not name"),
        ({"info": b"Failed name lookup - deleted entry"}, "path that AppArmor could not name"),
        ({"name": b"f"}, "path that does not start at the root"),
        ({"name": b""}, "no path"),
        ({"name": b"/a//b"}, "path that the kernel does not write so"),
        ({"name": b"/a/./b"}, "path that the kernel does not write so"),
        ({"name": b"/a/.."}, "path that the kernel does not write so"),
        ({"name": b"//"}, "path that the kernel does not write so"),
        ({"name": b"/a\0b"}, "path that no file can have"),
        ({"name": b"/" + b"a" * 5000}, "path that no file can have"),
        ({"profile": b""}, "no profile name that a rule can be put under"),
        ({"profile": b"//null-/bin/x"}, "no profile name that a rule can be put under"),
        ({"profile": b"unconfined"}, "unconfined"),
        ({"profile": b"a//&b"}, "unconfined, or a stack of profiles"),
        ({"operation": b"exec", "info": b"no new privs", "mask": b"x"}, "no_new_privs forbids it"),
        ({"operation": b"change_onexec", "info": b"label not found", "mask": b""}, "the profile to change to is not loaded"),
        ({"operation": b"change_profile", "mask": b"", "name": b""}, "no rule for change_profile operations yet"),
        ({"operation": b"ptrace", "class_": b"ptrace", "mask": b"trace"}, "no rule for ptrace operations yet"),
        ({"operation": b"signal", "class_": b"signal"}, "no rule for signal operations yet"),
        ({"operation": b"dbus_method_call", "class_": b""}, "no rule for dbus operations yet"),
        ({"operation": b"mount", "class_": b"mount"}, "no rule for mount operations yet"),
        ({"operation": b"create", "class_": b"posix_mqueue"}, "no rule for posix_mqueue operations yet"),
        ({"operation": b"<script>", "class_": b""}, "no rule for another operation yet"),
        ({"operation": b"open", "class_": b"\x1b[31m"}, "no rule for another operation yet"),
    ],
)
def test_refusals(fields, reason):
    ((said, lines),) = reasons(denial(**fields)).items()
    assert said.startswith(reason)
    assert lines == 1


@pytest.mark.parametrize("path", [b"/", b"/etc/", b"/a/b", b"/a/...", b"/.a"])
def test_paths_of_real_life(path):
    assert suggest(denial(name=path)).rule == FileRule(path, "r")


def test_capabilities():
    one = suggest(capability(b"net_bind_service"))
    assert (one.rule, one.risk) == (CapabilityRule("net_bind_service"), "medium")
    assert suggest(capability(b"sys_admin")).risk == "critical"
    assert reasons(capability(b"SYS_ADMIN")) == {"capability that is none": 1}
    assert reasons(capability(b"sys_admin,\n/** rwx")) == {"capability that is none": 1}


def test_networks():
    one = suggest(socket_use(b"inet", b"stream"), socket_use(b"inet", b"stream", operation=b"bind"))
    assert (one.rule, one.risk, one.evidence.count) == (NetworkRule("inet", "stream"), "medium", 2)
    assert suggest(socket_use(b"packet", b"raw")).risk == "high"
    assert suggest(socket_use(b"inet6", b"dgram", operation=b"file_inherit", class_=b"")).rule == NetworkRule("inet6", "dgram")
    assert reasons(socket_use(b"unix", b"stream")) == {"no rule for unix operations yet": 1}
    assert reasons(socket_use(b"inet", b"")) == {"socket family or type that a rule cannot hold": 1}
    assert reasons(socket_use(b"inet,", b"stream")) == {"socket family or type that a rule cannot hold": 1}


@pytest.mark.parametrize(
    ("namespace", "profile", "name"),
    [
        (b"", b"/usr/sbin/apache2//www", b"/usr/sbin/apache2//www"),
        (b"root", b"p", b"p"),
        (b"root//ns1", b"nsp", b":ns1://nsp"),
        (b"ns1", b"nsp", b":ns1://nsp"),
        (b"root//a//b", b"p", b":a//b://p"),
        (b"", b"sh-cmp//null-/usr/bin/dash//null-/usr/bin/id", b"sh-cmp"),
    ],
)
def test_the_profile_that_a_rule_goes_to(namespace, profile, name):
    assert suggest(denial(namespace=namespace, profile=profile)).profile == name


def test_a_namespace_only_loses_the_root_it_is_in():
    assert suggest(denial(namespace=b"rootkit", profile=b"p")).profile == b":rootkit://p"


def test_complain_mode_children_are_said_to_be():
    one = suggest(denial(verdict=b"ALLOWED", profile=b"p//null-/bin/x"))
    assert "complain-mode child" in one.why
    assert "complain-mode child" in suggest(capability(b"chown", profile=b"p//null-/bin/x")).why
    assert suggest(denial(profile=b"p")).why == "The profile denied it."


def test_profiles_stay_apart():
    advice = suggestions(denial(profile=b"b"), denial(profile=b"a"))
    assert [one.profile for one in advice] == [b"a", b"b"]


@given(
    st.lists(st.sampled_from([b"r", b"w", b"a", b"k", b"l", b"rm", b"wc", b"x"]), min_size=1), st.lists(st.booleans(), min_size=1)
)
def test_everything_asked_for_is_granted_and_no_more(masks, owners):
    asked = [(mask, owners[index % len(owners)]) for index, mask in enumerate(masks)]
    items = [
        evidence(APPARMOR._replace(mask=mask, operation=b"exec" if mask == b"x" else b"open", owner=b"1" if own else b"0"))
        for mask, own in asked
    ]
    granted: dict[bool, set[str]] = {True: set(), False: set()}
    for one in suggestions(*items):
        granted[one.rule.owner] |= set(one.rule.perms) | ({"x"} if one.rule.execute else set())
    for mask, own in asked:
        wanted = set(mask.decode().replace("c", ""))
        have = granted[False] | (granted[True] if own else set())
        assert wanted <= have | ({"a"} if "w" in have else set())
    spare = {"r", "m"} if b"x" in masks else set()
    assert granted[False] <= {letter for mask, own in asked if not own or mask == b"x" for letter in mask.decode()} | spare
    assert granted[True] <= {letter for mask, own in asked if own for letter in mask.decode()}


def test_a_path_beside_a_socket_family_is_about_the_path():
    one = suggest(denial(operation=b"exec", class_=b"", mask=b"x", family=b"ipx"))
    assert one.rule == FileRule(b"/srv/page", "rm", execute="ix")


@pytest.mark.corpora
def test_rules_are_those_that_apparmors_own_tools_make(corpora):
    """AppArmor's own test cases, where the expected rules are of the kinds that there are yet."""
    compared = 0
    for line in (corpora / "apparmor" / "test_multi.jsonl").read_text(encoding="utf-8").splitlines():
        case = json.loads(line)
        wanted = case["rules"]
        if not wanted or not wanted[0].startswith(("/", "owner ", "capability ", '"')):
            continue
        compared += 1
        made = [render(one.rule) for item in events_of(case["raw"].encode()) for one in suggestions(item)]
        assert made == wanted, case["name"]
    assert compared > 25
