import json
import os
import sys

import jsonschema
import pytest

from syslogparse import __version__, cli
from syslogparse.options import Options
from syslogparse.report.json import render
from syslogparse.report.warmup import synthetic_report
from syslogparse.rules.apparmor_target import LATEST
from syslogparse.sandbox.confine import EXPLAINED
from syslogparse.sandbox.seccomp import TABLE


def options(*arguments):
    return cli._options(cli._parse([*arguments]))


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ([], Options()),
        (["a", "-", "b"], Options(logs=("a", "-", "b"))),
        (["--", "-q", "--x"], Options(logs=("-q", "--x"))),
        (["a", "-q", "b", "-j", "2", "c"], Options(logs=("a", "b", "c"), quiet=True, jobs=2)),
        (["a", "-q", "--", "-b", "--"], Options(logs=("a", "-b", "--"), quiet=True)),
        (["-k", "seccomp,netfilter"], Options(kinds=("netfilter", "seccomp"))),
        (["--kind", "apparmor,apparmor"], Options(kinds=("apparmor",))),
        (["-f", "json"], Options(format="json")),
        (["--format=events"], Options(format="events")),
        (["--firewall", "nftables"], Options(firewall="nftables")),
        (["--intent", "block"], Options(intent="block")),
        (["--trust", "kern"], Options(trust="kern")),
        (["--rotated"], Options(rotated=True)),
        (["--max-rules", "1"], Options(max_rules=1)),
        (["--exact", "--apparmor-abi", "latest"], Options(exact=True, apparmor=LATEST)),
        (["--apparmor-abi", "3.1"], Options(apparmor=(3, 1))),
        (["--apparmor-abi", "3.0.8"], Options(apparmor=(3, 0))),
        (["--apparmor-abi", "4"], Options(apparmor=(4, 0))),
        (["-j", "1024"], Options(jobs=1024)),
        (["-j2", "-q", "log"], Options(jobs=2, quiet=True, logs=("log",))),
        (["bad\udcffname"], Options(logs=("bad\udcffname",))),
        (["--since", "yesterday", "--until", "now"], Options(since="yesterday", until="now")),
        (["--since", "-2h", "log"], Options(since="-2h", logs=("log",))),
        (["log", "--until=-1d12h", "-q"], Options(until="-1d12h", logs=("log",), quiet=True)),
        (["--since", "2026-11-22 05:00", "--", "--since", "x"], Options(since="2026-11-22 05:00", logs=("--since", "x"))),
        (["--check", "base.json"], Options(check="base.json")),
        (["--check", "base.json", "-f", "rules"], Options(check="base.json", format="rules")),
        (["--explain", "0123456789abcdef"], Options(explain="0123456789abcdef")),
        (["--explain", "0aB", "-f", "text"], Options(explain="0ab", format="text")),
    ],
)
def test_options(arguments, expected):
    assert options(*arguments) == expected


def ends(*arguments):
    with pytest.raises(SystemExit) as caught:
        cli.main([*arguments])
    return caught.value.code


@pytest.mark.parametrize(
    "arguments",
    [
        ["--nonsense"],
        ["--form", "json"],
        ["-f", "xml"],
        ["-k", ""],
        ["-k", "netfilter,"],
        ["-k", "firewall"],
        ["--firewall", "pf"],
        ["--intent", "x"],
        ["--trust", "root"],
        ["-j", "0"],
        ["-j", "-1"],
        ["-j", "1025"],
        ["-j", "1e3"],
        ["-j", "9" * 5000],
        ["-j", ""],
        ["-j", "\u00b2"],
        ["--max-rules", "x"],
        ["--apparmor-abi", "newest"],
        ["--apparmor-abi", "3."],
        ["--apparmor-abi", "3.0.8.1"],
        ["--apparmor-abi", ""],
        ["--apparmor-abi", "-1"],
        ["--since", "x"],
        ["--since", ""],
        ["--until", "-q"],
        ["--since", "--until", "now"],
        ["--until"],
        ["--until", "\x1b[2J"],
        ["--check"],
        ["--check", "base.json", "-f", "events"],
        ["--check", "base.json", "--explain", "ab"],
        ["--check", "base.json", "-o", "x"],
        ["--explain", ""],
        ["--explain", "0x12"],
        ["--explain", "0123456789abcdef0"],
        ["--explain", "\uff11"],
        ["--explain", "ab", "-f", "json"],
        ["--explain", "ab", "-f", "rules"],
        ["--explain", "ab", "-o", "x"],
        ["-f"],
        ["--nonsense", "\x1b[2J\n\r\u202e\udcff\ud800"],
        ["-f", "\x1b]0;x\x07"],
        ["-k", "\x1b[31m\nsyslogparse: all is well"],
    ],
    ids=lambda arguments: ascii(arguments)[:40],
)
def test_usage_errors(capfd, arguments):
    assert ends(*arguments) == 2
    out, err = capfd.readouterr()
    assert out == ""
    first, second, rest = err.split("\n")
    assert first.startswith("syslogparse: ")
    assert (second, rest) == ("syslogparse: try --help", "")
    assert first.isascii()
    assert first.isprintable()


def test_version(capfd):
    assert ends("--version") == 0
    assert capfd.readouterr() == (f"syslogparse {__version__}\n", "")


@pytest.mark.parametrize("flag", ["-h", "--help"])
def test_help_names_every_option_and_status(capfd, flag):
    assert ends(flag) == 0
    out, err = capfd.readouterr()
    assert err == ""
    names = [name for action in cli._parser()._actions for name in action.option_strings]
    assert len(names) > 15
    for name in names:
        assert name in out
    assert [line.split()[0] for line in out.partition("exit status:\n")[2].splitlines()] == ["0", "1", "2", "3", "4", "5"]


def test_schema_is_one(capfd):
    assert cli.main(["--schema"]) == 0
    out, err = capfd.readouterr()
    assert err == ""
    schema = json.loads(out)
    jsonschema.validators.validator_for(schema).check_schema(schema)
    assert "complete" in out
    jsonschema.validate(json.loads(render(synthetic_report(complete=True))), schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({}, schema)


def test_the_sandbox_explained(capfd, monkeypatch):
    monkeypatch.setenv("NO_COLOR", "1")
    assert cli.main(["--explain-sandbox"]) == 0
    out, err = capfd.readouterr()
    assert err == ""
    words = "".join(out.split())
    for _, step in EXPLAINED:
        assert "".join(step.name.split()) in words
    for call in TABLE:
        assert f"\n{call.name}" in out


SAYING = [["--help"], ["--version"], ["--schema"], ["--explain-sandbox"]]


def status_of(arguments):
    try:
        return cli.main(arguments)
    except SystemExit as end:
        return end.code


@pytest.mark.parametrize("arguments", SAYING, ids=repr)
def test_a_full_disk_is_told(capfd, arguments):
    kept = os.dup(1)
    full = os.open("/dev/full", os.O_WRONLY)
    os.dup2(full, 1)
    os.close(full)
    try:
        assert status_of(arguments) == 5
    finally:
        os.dup2(kept, 1)
        os.close(kept)
    assert capfd.readouterr().err == "syslogparse: cannot write: No space left on device\n"


@pytest.mark.parametrize("arguments", SAYING, ids=repr)
def test_a_reader_that_has_enough_is_no_error(capfd, arguments):
    kept = os.dup(1)
    read, write = os.pipe()
    os.dup2(write, 1)
    os.close(write)
    os.close(read)
    try:
        assert status_of(arguments) == 0
    finally:
        os.dup2(kept, 1)
        os.close(kept)
    assert capfd.readouterr().err == ""


def test_a_run_gets_the_options(monkeypatch):
    monkeypatch.setattr("syslogparse.run.run", lambda options: 7 if options == Options(quiet=True, logs=("log",)) else 9)
    assert cli.main(["-q", "log"]) == 7


def test_a_missing_library_is_told(capfd, monkeypatch):
    monkeypatch.delitem(sys.modules, "syslogparse.run", raising=False)

    class Finder:
        def find_spec(self, name, *_):
            if name == "syslogparse.run":
                raise OSError("libseccomp.so.2: cannot open\x1b[2J")

    monkeypatch.setattr(sys, "meta_path", [Finder(), *sys.meta_path])
    assert cli.main([]) == 4
    out, err = capfd.readouterr()
    assert out == ""
    assert err.startswith("syslogparse: the sandbox could not be set up: a library is missing: libseccomp.so.2: cannot open")
    assert "\x1b" not in err
    assert "hint: " in err
