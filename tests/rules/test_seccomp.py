import pytest

from syslogparse.evidence import seccomp
from syslogparse.rules.advise import advise
from syslogparse.rules.model import SyscallRule
from syslogparse.rules.seccomp import ARCHITECTURES, CANARY, natural_order
from syslogparse.sandbox import canary
from tests.rules.make import call, reasons, suggest


def test_a_killed_call():
    one = suggest(call())
    assert one.rule == SyscallRule(b"/usr/bin/prog", "x86_64", "getppid")
    assert (one.risk, one.confidence, one.intent) == ("low", "high", "allow")
    assert one.why == "The filter in force stopped this call; the rule is an addition to that filter."


def test_one_rule_per_program_architecture_and_call():
    items = [call(), call(comm=b"x"), call(action=b"log"), call(exe=b"/bin/b"), call(arch=b"x86"), call(name=b"uname")]
    assert sorted(one.evidence.count for one in advise(items).suggestions) == [1, 1, 1, 3]


@pytest.mark.parametrize(
    ("action", "confidence"),
    [(b"kill_process", "high"), (b"kill_thread", "high"), (b"trap", "high"), (b"errno", "medium"), (b"log", "medium")],
)
def test_confidence_by_action(action, confidence):
    assert suggest(call(action=action)).confidence == confidence


@pytest.mark.parametrize(
    "name", [b"ptrace", b"bpf", b"mount", b"kexec_load", b"init_module", b"setns", b"userfaultfd", b"reboot"]
)
def test_dangerous_calls_are_critical_and_say_why(name):
    one = suggest(call(name=name))
    assert one.risk == "critical"
    assert one.why.startswith("The filter in force stopped this call; the rule is an addition to that filter: a call that ")


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


def test_order_is_by_program_architecture_and_name():
    rules = [SyscallRule(b"b", "x86", "a"), SyscallRule(b"a", "x86_64", "a"), SyscallRule(b"a", "x86", "z")]
    assert sorted(rules, key=natural_order) == [rules[2], rules[1], rules[0]]


def test_architectures_are_those_that_evidence_knows():
    assert {name.decode() for name in seccomp.ARCHITECTURES.values()} <= ARCHITECTURES
