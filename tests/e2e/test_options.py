"""The command line: what each option does to the result, and what is no command line."""

import json
import subprocess

import jsonschema
import pytest

from tests.e2e.harness import SAMPLES, as_user, done

pytestmark = pytest.mark.root


def _summary(ended):
    return json.loads(ended.out)["summary"]


@pytest.mark.parametrize(
    "arguments",
    [
        ["--bogus"],
        ["--vers"],
        ["-f", "yaml"],
        ["-k", "netfilter,x"],
        ["-k", ""],
        *(["-j", number] for number in ("0", "-1", "1025", "½", "9" * 5000)),
        ["--max-rules", "x"],
        ["--trust", "none"],
        ["--intent"],
    ],
)
def test_usage_errors(command, arguments):
    ended = done([command, *arguments])
    assert (ended.status, ended.out) == (2, b"")
    message, hint, end = ended.err.split(b"\n")
    assert message.startswith((b"syslogparse: argument ", b"syslogparse: unrecognized arguments: "))
    assert (hint, end) == (b"syslogparse: try --help", b"")


def test_help_names_every_option_and_exit_status(command):
    ended = done([command, "--help"])
    assert (ended.status, ended.err) == (0, b"")
    for option in "kind format intent trust rotated max-rules jobs quiet schema explain-sandbox version help".split():
        assert f"--{option}" in ended.out.decode()
    for number in (0, 2, 3, 4, 5):
        assert f"\n  {number}  " in ended.out.decode()
    assert done([command, "-h"]).out == ended.out


def test_version(command):
    ended = done([command, "--version"])
    assert (ended.status, ended.err) == (0, b"")
    assert ended.out.startswith(b"syslogparse ")
    assert ended.out.count(b"\n") == 1


def test_schema_describes_what_json_prints(command, small):
    ended = done([command, "--schema"])
    assert (ended.status, ended.err) == (0, b"")
    schema = json.loads(ended.out)
    jsonschema.Draft202012Validator.check_schema(schema)
    check = jsonschema.Draft202012Validator(schema)
    check.validate(json.loads(done([command, "-f", "json", small, "/nowhere"]).out))
    with pytest.raises(jsonschema.ValidationError):
        check.validate({"version": 1})


def test_explain_sandbox(command):
    for arguments in ([command, "--explain-sandbox"], as_user(command, "--explain-sandbox")):
        ended = done(arguments)
        assert (ended.status, ended.err) == (0, b"")
        text = ended.out.decode()
        for word in ("chroot", "capabilities", "seccomp", "canary", "parser", "analyst", "supervisor", "rt_sigtimedwait"):
            assert word in text


def test_kinds_trust_and_intent_reach_the_result(command, small):
    everything = _summary(done([command, "-f", "json", small]))["events"]
    assert set(everything) == {"netfilter", "apparmor", "seccomp"}
    for kinds in ("netfilter", "seccomp,apparmor"):
        found = _summary(done([command, "-f", "json", "-k", kinds, small]))["events"]
        assert found == {kind: everything[kind] for kind in kinds.split(",")}
    strict = json.loads(done([command, "-f", "json", "--trust", "kern", small]).out)
    assert strict["suggestions"] == []
    assert strict["summary"]["not_suggested"] == {"below the trust asked for": sum(everything.values())}
    assert done([command, "-f", "events", "--trust", "kern", small]).out == b""
    block = [command, "-f", "json", "-k", "netfilter", "--intent", "block"]
    assert json.loads(done([*block, small]).out)["suggestions"] == []  # all that it holds came by the loopback interface
    blocked = json.loads(done([*block, SAMPLES / "netfilter.log"]).out)["suggestions"]
    assert {one["intent"] for one in blocked} == {"block"}


def test_process_group_of_a_pipeline(command, small):
    shell = f"cat {small} | {command} -f rules - | head -1"
    found = subprocess.run(["sh", "-c", shell], capture_output=True, check=True, env={"PATH": "/usr/bin:/bin"}, timeout=20)
    assert found.stdout.startswith(b"# Suggested by syslogparse")
    assert found.stderr == b""
