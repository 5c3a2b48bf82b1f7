import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syslogparse.evidence.model import AppArmorKey
from syslogparse.languages.apparmor import check, render
from syslogparse.prepare import installed_apparmor
from syslogparse.rules.apparmor import advise
from syslogparse.rules.apparmor_model import CapabilityRule, FileRule, NetworkRule, UnixRule
from syslogparse.rules.apparmor_target import LATEST, Choices
from tests.languages.dfa import compiled
from tests.rules.make import APPARMOR, capability, denial, events_of, evidence, raw, reasons, socket_use, suggest, suggestions

SEEDS = {
    "file": {},
    "exec": {"operation": b"exec", "mask": b"x"},
    "link": {"operation": b"link", "mask": b"l", "target": b"/f"},
    "capable": {"operation": b"capable", "class_": b"cap", "capability": b"chown"},
    "inet": {"class_": b"net", "family": b"inet", "sock_type": b"stream", "mask": b"send", "local": b"::1", "local_port": b"7"},
    "unix": {"class_": b"net", "family": b"unix", "sock_type": b"stream", "mask": b"send", "remote": b"@a"},
    "dbus": {"operation": b"dbus_signal", "class_": b"", "mask": b"send", "bus": b"system", "path": b"/a", "member": b"B"},
    "bind": {"operation": b"dbus_bind", "class_": b"", "mask": b"bind", "bus": b"system", "name": b"a.b"},
    "signal": {"operation": b"signal", "class_": b"signal", "mask": b"send", "signal": b"rtmin+5", "peer": b"x"},
    "ptrace": {"operation": b"ptrace", "class_": b"ptrace", "mask": b"read", "peer": b"x"},
    "mount": {"operation": b"mount", "class_": b"mount", "name": b"/m/", "flags": b"rw", "fstype": b"ext4", "source": b"/d"},
    "pivot": {"operation": b"pivotroot", "class_": b"mount", "name": b"/m/", "source": b"/d"},
    "mqueue": {"class_": b"posix_mqueue", "mask": b"open", "name": b"/q"},
    "uring": {"class_": b"io_uring", "mask": b"override_creds", "peer": b"x"},
    "userns": {"class_": b"namespace", "mask": b"userns_create"},
    "change": {"operation": b"change_profile", "target": b"x"},
    "child": {"profile": b"p//null-/bin/x"},
}


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


def test_an_execution_is_safe_by_default_with_its_alternatives():
    one = suggest(denial(operation=b"exec", name=b"/usr/bin/tool", mask=b"x"))
    assert one.rule == FileRule(b"/usr/bin/tool", "", execute="Cx")
    assert one.alternatives == (
        FileRule(b"/usr/bin/tool", "", execute="Px"),
        FileRule(b"/usr/bin/tool", "rm", execute="ix"),
    )
    assert one.risk == "medium"
    assert "has to be there" in one.why
    mapped = denial(operation=b"file_mmap", name=b"/usr/bin/tool", mask=b"r", owner=b"1")
    both = suggestions(denial(operation=b"exec", name=b"/usr/bin/tool", mask=b"x", owner=b"1"), mapped)
    assert [render(each.rule) for each in both] == ["/usr/bin/tool Cx,", "owner /usr/bin/tool r,"]


def test_a_program_that_has_a_profile_runs_in_it():
    ran = denial(operation=b"exec", name=b"/usr/bin/tool", mask=b"x")
    one, _ = suggestions(ran, denial(profile=b"/usr/bin/tool", name=b"/a"))
    other = next(each for each in suggestions(ran, denial(profile=b"/usr/bin/tool")) if each.rule.execute)
    assert (other.rule.execute, other.alternatives[0].execute) == ("Px", "Cx")
    assert "Px runs it in its own profile" in other.why
    assert one.profile == b"/usr/bin/tool"


def test_never_without_confinement():
    for one in suggestions(denial(operation=b"exec", name=b"/usr/bin/tool", mask=b"x")):
        assert all("u" not in each.execute.lower() for each in (one.rule, *one.alternatives))


def test_shells_are_high():
    assert suggest(denial(operation=b"exec", name=b"/bin/sh", mask=b"x")).risk == "high"


def test_what_can_be_written_and_run_is_critical():
    run = denial(operation=b"exec", name=b"/srv/tool", mask=b"x")
    advice = suggestions(run, denial(name=b"/srv/tool", mask=b"w", owner=b"1"))
    assert [(one.rule.perms, one.risk) for one in advice] == [("", "medium"), ("w", "critical")]


def test_the_x_of_a_link_is_no_execution():
    one = suggest(denial(operation=b"link", mask=b"xm", name=b"/var/tmp/lib.so", owner=b"1"))
    assert one.rule == FileRule(b"/var/tmp/lib.so", "m", owner=True)
    assert reasons(denial(operation=b"link", mask=b"x")) == {"no permission is named that was denied": 1}


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
        ({"operation": b"change_profile", "mask": b"", "name": b""}, "no profile to change to is named"),
        ({"operation": b"change_hat", "mask": b""}, "the profile has no hat of that name"),
        ({"operation": b"setrlimit", "class_": b"rlimit"}, "a resource limit"),
        ({"operation": b"stack"}, "a stack of profiles"),
        ({"operation": b"profile_replace", "class_": b""}, "policy of AppArmor itself"),
        ({"operation": b"<script>", "class_": b""}, "no rule for such an operation"),
        ({"operation": b"open", "class_": b"\x1b[31m"}, "no rule for such an operation"),
        ({"mask": b""}, "no permission is named that was denied"),
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
    assert (one.rule, one.risk, one.evidence.count) == (NetworkRule("inet", "stream", ("create",)), "medium", 2)
    assert suggest(socket_use(b"packet", b"raw")).risk == "high"
    inherited = socket_use(b"inet6", b"dgram", operation=b"file_inherit", class_=b"", mask=b"")
    assert suggest(inherited).rule == NetworkRule("inet6", "dgram")
    assert suggest(socket_use(b"unix", b"stream")).rule == UnixRule(("create",), "stream")
    assert suggest(socket_use(b"unix", b"stream", class_=b"")).rule == UnixRule(("create",), "stream")
    old = advise([socket_use(b"unix", b"stream", class_=b"")], Choices(exact=True)).suggestions
    assert [each.rule for each in old] == [NetworkRule("unix", "stream", ("create",))]
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
        (b"", b"sh-cmp//null-2d", b"sh-cmp"),
    ],
)
def test_the_profile_that_a_rule_goes_to(namespace, profile, name):
    assert suggest(denial(namespace=namespace, profile=profile)).profile == name


def test_a_namespace_only_loses_the_root_it_is_in():
    assert suggest(denial(namespace=b"rootkit", profile=b"p")).profile == b":rootkit://p"


def test_complain_mode_children_are_said_to_be():
    nameless = denial(verdict=b"ALLOWED", profile=b"p//null-2d")
    assert "needed only where that is run with ix" in suggest(nameless).why
    assert "; in part seen" in suggest(nameless, denial(verdict=b"ALLOWED", profile=b"p")).why
    assert "complain-mode child" in suggest(capability(b"chown", profile=b"p//null-2d")).why
    assert suggest(denial(profile=b"p")).why == "The profile denied it."


def test_a_child_comes_with_the_rule_that_enters_it():
    read = denial(verdict=b"ALLOWED", profile=b"p//null-/bin/x", name=b"/srv/a")
    found = {(one.profile, render(one.rule)) for one in suggestions(read)}
    assert found == {(b"p", "/bin/x Cx,"), (b"p///bin/x", "/srv/a r,")}
    ran = denial(verdict=b"ALLOWED", profile=b"p", operation=b"exec", name=b"/bin/x", mask=b"x", target=b"p//null-/bin/x")
    deeper = denial(verdict=b"ALLOWED", profile=b"p//null-/bin/x", operation=b"exec", name=b"/bin/y", mask=b"x")
    below = denial(verdict=b"ALLOWED", profile=b"p//null-/bin/x//null-/bin/y", name=b"/srv/b")
    found = {(one.profile, render(one.rule)) for one in suggestions(read, ran, deeper, below)}
    assert found == {
        (b"p", "/bin/x Cx,"),
        (b"p///bin/x", "/srv/a r,"),
        (b"p///bin/x", "/bin/y mrix,"),
        (b"p///bin/x", "/srv/b r,"),
    }


def test_exact_says_nothing_that_no_record_says():
    read = denial(verdict=b"ALLOWED", profile=b"p//null-/bin/x", name=b"/srv/a")
    assert [(one.profile, render(one.rule)) for one in suggestions(read, choices=Choices(exact=True))] == [(b"p", "/srv/a r,")]


def test_what_the_target_does_not_know_is_wider_or_nothing():
    used = socket_use(b"inet", b"stream", local=b"1.2.3.4", local_port=b"5")
    (one,) = suggestions(used, choices=Choices(exact=True, target=(3, 0)))
    assert one.rule == NetworkRule("inet", "stream")
    assert "wider than what was denied" in one.why
    (one,) = suggestions(used, choices=Choices(exact=True))
    assert (one.rule.ip, one.rule.port) == ("1.2.3.4", "5")
    refused = advise([denial(operation=b"userns_create", class_=b"namespace", mask=b"userns_create")], Choices(target=(3, 0)))
    assert refused.suggestions == ()
    assert sum(refused.not_suggested.values()) == 1


@pytest.mark.parametrize(
    ("fields", "line"),
    [
        ({"operation": b"signal", "mask": b"send", "signal": b"term", "peer": b"a b"}, 'signal send set=term peer="a b",'),
        ({"operation": b"ptrace", "mask": b"trace read", "peer": b"x"}, "ptrace (read trace) peer=x,"),
        ({"operation": b"dbus_bind", "mask": b"bind", "bus": b"system", "name": b"a.b"}, "dbus bind bus=system name=a.b,"),
        ({"operation": b"mount", "name": b"/m/", "flags": b"rw, bind", "source": b"/a/"}, "mount options=(bind, rw) /a/ -> /m/,"),
        ({"operation": b"umount", "class_": b"mount", "name": b"/m/"}, "umount /m/,"),
        ({"operation": b"pivotroot", "class_": b"mount", "name": b"/n/", "source": b"/o/"}, "pivot_root oldroot=/o/ /n/,"),
        ({"operation": b"change_onexec", "target": b"x//y"}, "change_profile -> x//y,"),
        ({"operation": b"uring_sqpoll", "class_": b"io_uring", "mask": b"sqpoll"}, "io_uring sqpoll,"),
        ({"class_": b"posix_mqueue", "mask": b"open", "name": b"/q"}, "mqueue open type=posix /q,"),
        ({"operation": b"userns_create", "class_": b"namespace", "mask": b"userns_create"}, "userns create,"),
        ({"operation": b"link", "mask": b"l", "name": b"/l", "target": b"/f"}, "link subset /l -> /f,"),
    ],
)
def test_every_class_has_its_rule(fields, line):
    base = {"name": b"", "class_": b"", "owner": b""}
    assert render(suggest(denial(**(base | fields))).rule) == line


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
    assert granted[False] <= {letter for mask, own in asked if not own or mask == b"x" for letter in mask.decode()}
    assert granted[True] <= {letter for mask, own in asked if own for letter in mask.decode()}


def test_a_path_beside_a_socket_family_is_about_the_path():
    one = suggest(denial(operation=b"exec", class_=b"", mask=b"x", family=b"ipx"))
    assert one.rule == FileRule(b"/srv/page", "", execute="Cx")


@given(st.sampled_from(sorted(SEEDS)), st.dictionaries(st.sampled_from(AppArmorKey._fields), raw, max_size=4), st.booleans())
def test_spoiled_records_yield_sound_rules_or_none(seed, spoiled, exact):
    item = denial(**(SEEDS[seed] | spoiled))
    for target in ((3, 0), LATEST):
        found = suggestions(item, choices=Choices(exact, target))
        for one in found:
            for each in (one.rule, *one.alternatives):
                assert check(render(each))
        advice = advise([item], Choices(exact, target))
        assert found == list(advice.suggestions)
        assert found or sum(advice.not_suggested.values()) == 1


@pytest.mark.corpora
def test_rules_are_those_that_apparmors_own_tools_make(corpora):
    """AppArmor's own test cases. Where theirs runs a program with ix, ours offers it."""
    compared = 0
    for line in (corpora / "apparmor" / "test_multi.jsonl").read_text(encoding="utf-8").splitlines():
        case = json.loads(line)
        made = suggestions(*events_of(case["raw"].encode()), choices=Choices(exact=True))
        offered = [[render(rule) for rule in (one.rule, *one.alternatives)] for one in made]
        wanted = case["rules"] or []
        assert len(offered) == len(wanted), case["name"]
        for mine, theirs in zip(offered, wanted, strict=True):
            assert theirs in (mine if theirs.endswith("ix,") else mine[:1]), case["name"]
            compared += 1
    assert compared > 60


@pytest.mark.corpora
@pytest.mark.parametrize("exact", [True, False])
def test_the_parser_at_hand_takes_the_rules_for_all_corpora(corpora, require_tool, exact):
    parser = require_tool("apparmor_parser")
    logs = [*(corpora / "captured").glob("*.log"), *(corpora / "apparmor" / "apparmor.d-logs").glob("*.log")]
    cases = (corpora / "apparmor" / "test_multi.jsonl").read_text(encoding="utf-8").splitlines()
    texts = [log.read_bytes() for log in logs] + [b"\n".join(json.loads(line)["raw"].encode().strip() for line in cases)]
    loaded = 0
    for text in texts:
        blocks: dict[bytes, list[str]] = {}
        items = [item for item in events_of(text) if item.kind == "apparmor"]
        for one in suggestions(*items, choices=Choices(exact, installed_apparmor() or (3, 0))):
            blocks.setdefault(one.profile, []).append(render(one.rule))
        for lines in blocks.values():
            compiled(parser, lines)
            loaded += len(lines)
    assert loaded > 400
