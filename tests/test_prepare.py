import json
import os
import pty
import resource
import subprocess
import time
from collections.abc import Mapping
from datetime import UTC

import pytest

from syslogparse import prepare
from syslogparse.evidence.period import Period
from syslogparse.options import Options
from syslogparse.prepare import NoBar, installed_apparmor, prepare_desk, prepare_jobs
from syslogparse.report import files
from syslogparse.report.model import Report
from syslogparse.report.progress import Progress
from syslogparse.report.warmup import synthetic_report
from syslogparse.roles import validator
from syslogparse.roles.terms import Terms
from syslogparse.sources.blocks import BLOCK_BYTES
from syslogparse.sources.neighbours import Neighbours
from syslogparse.sources.open import Log, Unreadable
from syslogparse.sources.trust import UNTRUSTED, Grades


def log(size=100, name="syslog"):
    return Log(name, None, size, UNTRUSTED, 1_795_328_446_000_000)


def desk(options=None, logs=None, environment=None):
    return prepare_desk(options or Options(format="rules"), environment or {}, "full", [log()] if logs is None else logs, [])


@pytest.fixture
def terminal(monkeypatch):
    monkeypatch.setattr(os, "isatty", lambda _descriptor: True)


@pytest.mark.parametrize(("limit", "parsers"), [(64, 8), (1024, 248), (33, 1), (3, 1), (resource.RLIM_INFINITY, 300)])
def test_no_more_parsers_than_there_are_descriptors_for(monkeypatch, limit, parsers):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(300)))
    monkeypatch.setattr(resource, "getrlimit", lambda _: (limit, limit))
    made = desk(Options(format="rules"), [log(301 * BLOCK_BYTES)])
    assert made.sandbox.parsers == parsers
    asked = desk(Options(format="rules", jobs=301), [log(301 * BLOCK_BYTES)])
    assert asked.sandbox.parsers == 301


@pytest.mark.parametrize(
    ("jobs", "sizes", "cpus", "parsers"),
    [
        (None, [9 * BLOCK_BYTES], 4, 4),
        (None, [9 * BLOCK_BYTES], 1, 1),
        (3, [9 * BLOCK_BYTES], 8, 3),
        (1024, [2 * BLOCK_BYTES + 1], 8, 3),
        (7, [10, 10], 1, 2),
        (7, [0], 8, 1),
        (None, [], 8, 1),
    ],
)
def test_as_many_parsers_as_are_useful(monkeypatch, jobs, sizes, cpus, parsers):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(cpus)))
    made = desk(Options(format="rules", jobs=jobs), [log(size) for size in sizes])
    assert made.sandbox.parsers == parsers
    shares = [job.places for job in prepare_jobs(made, UTC)]
    assert len(shares) == parsers
    assert sorted(place for part in shares for place in part) == list(made.places)


def test_no_parser_gets_logs_of_two_grades_of_trust(monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1})
    grades = [UNTRUSTED, Grades("kernel", "syslog"), UNTRUSTED, Grades("syslog", "kern")]
    logs = [log(5 * BLOCK_BYTES)._replace(grades=one) for one in grades]
    made = desk(logs=logs)
    jobs = prepare_jobs(made, UTC)
    assert made.sandbox.parsers == len(jobs) == 6
    for job in jobs:
        assert len({grades[place.file] for place in job.places}) == 1
    assert sorted(place for job in jobs for place in job.places) == list(made.places)


def test_the_state_of_the_sandbox():
    problem = Unreadable("x", "y")
    made = prepare_desk(Options(format="json"), {}, "reduced", [log()], [problem])
    assert (made.sandbox.mode, made.sandbox.uid, made.sandbox.no_new_privs) == ("reduced", 65534, True)
    assert set(made.sandbox.seccomp) == {"parser", "analyst", "supervisor"}
    assert made.sandbox.seccomp["parser"] < made.sandbox.seccomp["analyst"]
    assert list(made.unreadable) == [problem]


def rendered(made):
    assert made.render is not None
    return b"".join(made.render(synthetic_report(complete=True)))


def test_json():
    assert json.loads(rendered(desk(Options(format="json"))))["summary"]["lines"] == 123_456_789


def test_rules_are_the_default_where_no_terminal_is(monkeypatch):
    monkeypatch.setattr(os, "isatty", lambda _descriptor: False)
    assert rendered(desk(Options())) == rendered(desk(Options(format="rules")))


@pytest.mark.usefixtures("terminal")
def test_text_is_the_default_on_a_terminal():
    bare = {"COLUMNS": "90", "NO_COLOR": "1"}
    assert rendered(desk(Options(quiet=True), environment=bare)) == rendered(
        desk(Options(format="text", quiet=True), environment=bare)
    )
    assert b"\x1b[" in rendered(desk(Options(quiet=True)))
    assert b"\x1b" not in rendered(desk(Options(quiet=True), environment=bare))


def test_text_shows_as_many_rules_as_asked_for():
    few, many = (rendered(desk(Options(format="text", max_rules=number))) for number in (1, 30))
    assert len(few) < len(many)


def test_events_are_not_rendered_at_the_end():
    made = desk(Options(format="events"))
    assert made.render is None
    (job,) = prepare_jobs(made, UTC)
    assert all(worker.stream for worker in job.workers)


def test_workers_follow_the_options():
    (job,) = prepare_jobs(desk(Options(format="json", kinds=("seccomp",))), UTC)
    (worker,) = job.workers
    assert worker.kinds == {"seccomp"}
    assert (worker.stream, worker.bulk) == (False, None)


def test_a_bar_only_on_a_terminal_that_wants_one(monkeypatch):
    monkeypatch.setattr(os, "isatty", lambda descriptor: descriptor == 2)
    assert isinstance(desk().progress, Progress)
    assert isinstance(desk(Options(format="rules", quiet=True)).progress, NoBar)
    monkeypatch.setattr(os, "isatty", lambda descriptor: descriptor == 1)
    assert isinstance(desk(Options(format="rules")).progress, NoBar)


def test_no_bar_shows_nothing(capfd):
    bar = NoBar()
    bar.update(1, 2)
    bar.finish()
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("columns", "width"),
    [("80", 80), ("9999", 9999), ("10000", 100), ("0", 100), ("-5", 100), ("", 100), ("x", 100), ("8 0", 100), (None, 100)],
)
def test_width_without_a_terminal(columns, width):
    with open("/dev/null", encoding="ascii") as nothing:
        assert prepare._width({} if columns is None else {"COLUMNS": columns}, nothing.fileno()) == width


def test_width_of_a_terminal():
    ours, theirs = pty.openpty()
    try:
        assert prepare._width({}, theirs) == 100  # a terminal that does not know
        os.system(f"stty cols 77 < {os.ttyname(theirs)}")
        assert prepare._width({}, theirs) == 77
        assert prepare._width({"COLUMNS": "60"}, theirs) == 60
    finally:
        os.close(ours)
        os.close(theirs)


def test_nothing_is_printed(capfd):
    for form in ("text", "rules", "json", "events"):
        desk(Options(format=form))
    assert capfd.readouterr() == ("", "")


def test_the_version_of_the_parser_at_hand(tmp_path, require_tool):
    said = subprocess.run([require_tool("apparmor_parser"), "--version"], capture_output=True, text=True, check=True).stdout
    version = installed_apparmor()
    assert version is not None
    assert f"version {version[0]}.{version[1]}" in said
    fake = tmp_path / "parser"
    fake.write_bytes(b"\x7fELF\0%s version 4.1.2\n\0")
    assert installed_apparmor([str(tmp_path / "none"), str(fake)]) == (4, 1)
    for before in range(65_500, 65_540):
        fake.write_bytes(bytes(before) + b"%s version 4.12.2\n\0")
        assert installed_apparmor([str(fake)]) == (4, 12)
    fake.write_bytes(b"\x7fELF\0version\n")
    assert installed_apparmor([str(fake)]) is None


def test_rules_are_for_the_parser_at_hand_unless_another_is_named(monkeypatch):
    monkeypatch.setattr(prepare, "installed_apparmor", lambda: (3, 0))
    assert desk().options.apparmor == (3, 0)
    assert desk(Options(format="rules", apparmor=(4, 0))).options.apparmor == (4, 0)
    assert desk(Options(format="rules", kinds=("netfilter",))).options.apparmor is None
    assert desk(Options(format="events")).options.apparmor is None


@pytest.fixture
def somewhere(monkeypatch):
    asked: list[Mapping[str, str]] = []

    def known(environment):
        asked.append(environment)
        return Neighbours(("192.0.2.2",), ("192.0.2.1",), ("192.0.2.53",), ("203.0.113.9",), (22,), ("eth0",))

    monkeypatch.setattr(prepare, "neighbours", known)
    return asked


def test_firewall_rules_know_whom_they_must_not_shut_out(somewhere):
    told = {"SSH_CONNECTION": "203.0.113.9 1 192.0.2.2 22"}
    network = desk(Options(format="rules", never_block=("10.0.0.0/8",)), environment=told).wanted.network
    assert somewhere == [told]
    assert (network.own, network.gateways, network.resolvers) == (("192.0.2.2",), ("192.0.2.1",), ("192.0.2.53",))
    assert (network.admins, network.admin_ports, network.never_block) == (("203.0.113.9",), (22,), ("10.0.0.0/8",))
    assert network.interfaces == ("eth0",)


def test_exact_is_for_the_firewall_too():
    assert desk(Options(format="rules", exact=True)).wanted.exact
    assert not desk(Options(format="rules")).wanted.exact


@pytest.mark.parametrize("options", [Options(format="events"), Options(format="rules", kinds=("apparmor", "seccomp"))])
def test_nobody_asks_about_the_network_without_need(somewhere, options):
    assert desk(options).wanted.network.own == ()
    assert somewhere == []


def test_the_time_asked_for(monkeypatch):
    monkeypatch.setattr(time, "time_ns", lambda: 1_795_328_446_882_000_000)
    berlin = {"TZ": "Europe/Berlin"}
    terms = desk(Options(format="json", since="today", until="-1h", trust="kern"), environment=berlin).terms
    midnight = 1_795_302_000_000_000
    assert terms == Terms("kern", Period(midnight, 1_795_328_446_882_000 - 3_600_000_000))
    (job,) = prepare_jobs(desk(Options(format="json", since="today"), environment=berlin), UTC)
    assert all(worker.period == Period(midnight) and worker.beside is not None for worker in job.workers)
    assert desk(Options(format="json")).terms == Terms()


def test_a_time_that_ends_before_it_begins(capfd):
    for since, until in (("now", "-1h"), ("2026-11-22", "2026-11-22")):
        child = os.fork()
        if child == 0:
            desk(Options(format="json", since=since, until=until))
            os._exit(99)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 2
        assert capfd.readouterr().err == "syslogparse: --until is not later than --since\n"


def test_a_baseline_is_read_and_not_looked_at(tmp_path, capfd):
    path = tmp_path / "base\x1b.json"
    path.write_bytes(b"no JSON")
    baseline = desk(Options(format="json", check=str(path))).baseline
    assert baseline is not None
    assert bytes(baseline) == b"no JSON"
    path.unlink()
    child = os.fork()
    if child == 0:
        desk(Options(format="json", check=str(path)))
        os._exit(99)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 3
    words = f"syslogparse: {tmp_path}/base\\x1b.json: no such file or directory; make one with: syslogparse --format json "
    assert capfd.readouterr().err.startswith(words)


def test_what_check_and_explain_print(monkeypatch, tmp_path):
    path = tmp_path / "base.json"
    path.write_bytes(b"{}")
    for terminal in (True, False):
        monkeypatch.setattr(os, "isatty", lambda _descriptor, answer=terminal: answer)
        assert b" new suggestions from" in rendered(desk(Options(check=str(path), quiet=True)))
        assert b"\nEvidence (the first " in rendered(desk(Options(explain="ab", quiet=True)))
    assert json.loads(rendered(desk(Options(check=str(path), format="json"))))["version"] == 1
    assert rendered(desk(Options(check=str(path), format="rules"))).startswith(b"# Suggested by syslogparse.")
    (job,) = prepare_jobs(desk(Options(explain="ab")), UTC)
    assert all(worker.samples for worker in job.workers)


@pytest.mark.parametrize("firewall", ["iptables", "nftables", "ufw"])
@pytest.mark.parametrize("kinds", [("netfilter", "apparmor", "seccomp"), ("seccomp",), ("netfilter",)])
def test_documents_for_files(firewall, kinds):
    """The synthetic report has all that rules can hold; the validator has taken it once when the desk is made."""
    options = Options(format="json", output="x", firewall=firewall, kinds=kinds)
    made = desk(options)
    report = synthetic_report(complete=True)
    numbers = [number for number, _ in made.documents(Report(report.summary, report.advice, firewall))]
    assert numbers == list(range(len(kinds)))
    assert set(made.sandbox.seccomp) == {"parser", "analyst", "validator", "supervisor"}


def test_no_documents_without_files():
    made = desk()
    assert made.documents is None
    assert set(made.sandbox.seccomp) == {"parser", "analyst", "supervisor"}


def test_a_report_that_the_validator_would_refuse_is_noticed_before_any_log(monkeypatch):
    monkeypatch.setattr(files, "lines", lambda _: [("iptables", ["reboot"])])
    with pytest.raises(validator.Refused):
        desk(Options(format="json", output="x"))
