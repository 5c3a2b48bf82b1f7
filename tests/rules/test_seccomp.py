import pytest

from syslogparse.evidence import seccomp
from syslogparse.rules.advise import advise
from syslogparse.rules.model import SyscallRule
from syslogparse.rules.seccomp import ARCHITECTURES, CANARY, natural_order
from syslogparse.sandbox import canary
from tests.rules.make import call, events_of, reasons, suggest


def test_a_killed_call():
    one = suggest(call())
    assert one.rule == SyscallRule(b"/usr/bin/prog", "x86_64", "getppid")
    assert (one.risk, one.confidence, one.intent) == ("low", "high", "allow")
    assert one.why == ("At this call (x86_64) the filter in force killed the process; the rule is an addition to that filter.")


def test_one_rule_per_program_architecture_and_call():
    items = [call(), call(comm=b"x"), call(action=b"log"), call(exe=b"/bin/b"), call(arch=b"x86"), call(name=b"uname")]
    assert sorted(one.evidence.count for one in advise(items).suggestions) == [1, 1, 1, 3]


@pytest.mark.parametrize(
    ("action", "confidence", "said"),
    [
        (b"kill_process", "high", "killed the process;"),
        (b"kill_thread", "high", "killed the thread;"),
        (b"trap", "medium", "sent SIGSYS;"),
        (b"errno", "medium", "answered with an error;"),
        (b"log", "medium", "let it pass and logged it;"),
    ],
)
def test_actions_are_told_apart(action, confidence, said):
    one = suggest(call(action=action))
    assert one.confidence == confidence
    assert f"the filter in force {said}" in one.why
    assert ("may handle SIGSYS" in one.why) is (action == b"trap")


def test_several_actions_at_one_call_are_all_said_whatever_their_order():
    items = [call(action=action, comm=comm) for action in (b"log", b"errno", b"kill_thread") for comm in (b"a", b"b")]
    for order in (items, items[::-1]):
        one = suggest(*order)
        assert "killed the thread, answered with an error or let it pass and logged it;" in one.why
        assert (one.confidence, one.evidence.count) == ("high", 6)


@pytest.mark.parametrize(
    "name", [b"ptrace", b"bpf", b"mount", b"kexec_load", b"init_module", b"setns", b"userfaultfd", b"reboot"]
)
def test_dangerous_calls_are_critical_and_say_why(name):
    one = suggest(call(name=name))
    assert one.risk == "critical"
    assert "; the rule is an addition to that filter: a call that " in one.why


def test_calls_that_filters_judge_by_their_arguments_say_so():
    assert "RestrictAddressFamilies= of a unit does; then its name alone settles nothing." in suggest(call(name=b"socket")).why


def test_the_canaries_of_syslogparse_are_no_finding():
    comm, name = CANARY
    assert comm.decode() == canary.COMM
    assert list(reasons(call(comm=comm, name=name))) == ["a canary of syslogparse, killed to show that its filter bites"]
    assert suggest(call(comm=comm, name=b"uname")).rule.name == "uname"
    assert suggest(call(comm=comm, name=name, action=b"log")).rule.name == "getppid"


def test_calls_in_no_group_are_medium():
    assert suggest(call(name=b"fallocate")).risk == "medium"
    assert suggest(call(name=b"execve")).risk == "high"


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"sig": b"9", "action": b"kill_thread"}, "strict mode (SIGKILL) takes no additions"),
        ({"sig": b"11"}, "signal that seccomp does not send"),
        ({"action": b"allow"}, "accepted already"),
        ({"action": b"trace"}, "left to a tracing process to decide"),
        ({"action": b"user_notif"}, "left to a supervising process to decide"),
        ({"action": b"explode"}, "action that seccomp does not have"),
        ({"name": b""}, "system call without a known name"),
        ({"name": b"a b"}, "system call name that is none"),
        ({"name": b"read\n"}, "system call name that is none"),
        ({"name": b"a" * 41}, "system call name that is none"),
        ({"arch": b"pdp11"}, "architecture that is none"),
        ({"exe": b""}, "no program name"),
        ({"exe": b"/\0"}, "no program name"),
    ],
)
def test_refusals(fields, reason):
    assert reasons(call(**fields)) == {reason: 1}


@pytest.mark.parametrize("sig", [b"0", b"31", b"12"])
def test_no_signal_and_sigsys_are_what_seccomp_sends(sig):
    assert suggest(call(sig=sig)).rule.name == "getppid"


def test_a_crash_is_no_suggestion():
    """Type 1701 without seccomp as its reason: the kernel's note of any process that a signal ended."""
    head = b"[   16.610597] audit: type=1701 audit(1795328409.534:23): auid=4294967295 uid=0 gid=0 ses=4294967295 pid=187 "
    crash = head + b'comm="poke" exe="/opt/rig/poke" sig=11 res=1'
    assert events_of(crash) == []
    old = head + b'comm="poke" exe="/opt/rig/poke" reason="seccomp" sig=31 syscall=110 compat=0 ip=0x43bad9 code=0x0'
    assert [item.kind for item in events_of(old)] == ["seccomp"]
    (item,) = events_of(old.replace(b" sig=31", b" sig=11"))
    assert list(reasons(item)) == ["signal that seccomp does not send"]


def test_unknown_numbers_are_counted():
    unknown = [call(name=b"", syscall=number) for number in (b"4000", b"4001", b"-1")]
    assert reasons(*unknown) == {"system call without a known name": 3}


def test_order_is_by_program_architecture_and_name():
    rules = [SyscallRule(b"b", "x86", "a"), SyscallRule(b"a", "x86_64", "a"), SyscallRule(b"a", "x86", "z")]
    assert sorted(rules, key=natural_order) == [rules[2], rules[1], rules[0]]


def test_architectures_are_those_that_evidence_knows():
    assert {name.decode() for name in seccomp.ARCHITECTURES.values()} <= ARCHITECTURES
