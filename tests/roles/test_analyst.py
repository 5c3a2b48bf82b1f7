import json as stdlib_json
import os
import signal

import pytest
from msgspec import structs

from syslogparse.evidence.model import SeccompKey
from syslogparse.evidence.period import Period
from syslogparse.options import Options
from syslogparse.prepare import NoBar
from syslogparse.report import json
from syslogparse.report.model import SandboxState
from syslogparse.roles import analyst, gather, output, wire
from syslogparse.roles.analyst import Desk
from syslogparse.roles.gather import Gathering, Parser
from syslogparse.roles.terms import ALL, Terms
from syslogparse.rules.network import Network
from syslogparse.rules.wanted import USUAL
from syslogparse.sources.blocks import Place
from syslogparse.sources.open import Unreadable
from tests.roles.actors import DONE, READY, block, entry, event, events, evidence
from tests.roles.lines import PACKET, log

PLACES = [Place(0, 0), Place(0, 1)]
STATE = SandboxState("full", 2, 65534, "x", "none", no_new_privs=True, seccomp={})
GOOD = [[READY, block(place, trust={"kern": 1}), evidence(entry(place, grade="kern")), DONE] for place in PLACES]
STREAM = [[READY, events(event(grade="kern")), block(place, trust={"kern": 1}), DONE] for place in PLACES]
LOST = "INCOMPLETE: parser 2 "


def desk(options=None, *, render=json.pieces, unreadable=(), terms=ALL, baseline=None):
    logs = [log(PACKET * 9)]
    return Desk(options or Options(), USUAL, logs, unreadable, PLACES, render, NoBar(), STATE, None, terms, baseline)


def main(stage, the_desk, *parts, start=b"s", statuses=(0, 0)):
    """analyst.main in a process of its own, whose children the parsers are. Its end, stdout and stderr."""
    read, write = stage.pipe()
    os.write(write, start)
    stage.close(write)

    def act():
        signal.signal(signal.SIGPIPE, signal.SIG_IGN)
        crew = [
            stage.ending(number + 1, PLACES[number::2], *frames, status=statuses[number]) for number, frames in enumerate(parts)
        ]
        analyst.main(the_desk, crew, read)

    return stage.run(act)


def summary(done):
    return stdlib_json.loads(done.out)["summary"]


def test_a_good_run(stage):
    done = main(stage, desk(), *GOOD)
    assert (done.status, done.err) == (0, b"")
    told = summary(done)
    assert told["complete"] is True
    assert (told["lines"], told["events"]) == (2, {"netfilter": 2})


def test_unreadable_input_has_its_status_and_is_named(stage):
    done = main(stage, desk(unreadable=[Unreadable("gone.log", "no such file")]), *GOOD)
    assert done.status == 3
    assert summary(done)["unreadable"] == ["gone.log"]


def test_a_dead_parser_is_told_and_counted(stage):
    done = main(stage, desk(unreadable=[Unreadable("x", "y")]), GOOD[0], [READY], statuses=(0, 71))
    assert done.status == 5
    assert done.err == b"syslogparse: " + LOST.encode() + b"out of memory; 1 of its 1 blocks were not read\n"
    told = summary(done)
    assert told["complete"] is False
    assert told["lines"] == 1
    assert "out of memory" in done.out.decode()


def test_evidence_that_did_not_arrive_is_counted(stage):
    done = main(stage, desk(), GOOD[0], GOOD[1][:2])
    assert done.status == 5
    assert b"0 of its 1 blocks were not read, and 1 events of the others did not arrive" in done.err


def test_events_are_printed_as_they_come(stage):
    done = main(stage, desk(render=None), *STREAM)
    assert (done.status, done.err) == (0, b"")
    rows = [stdlib_json.loads(line) for line in done.out.splitlines()]
    assert [(row["file"], row["line"], row["trust"]) for row in rows] == [("syslog", 1, "kern"), ("syslog", 2, "kern")]


def test_events_of_a_run_that_lost_a_parser(stage):
    done = main(stage, desk(render=None), [READY], STREAM[1], statuses=(1, 0))
    assert done.status == 5
    assert stdlib_json.loads(done.out)["line"] is None
    assert b"INCOMPLETE: parser 1 ended early with status 1; 1 of its 1 blocks were not read\n" in done.err


@pytest.mark.parametrize(("trust", "printed"), [("syslog", 2), ("kern", 2), ("kernel", 0)])
def test_the_trust_asked_for(stage, trust, printed):
    assert main(stage, desk(Options(trust=trust), render=None), *STREAM).out.count(b"\n") == printed
    told = stdlib_json.loads(main(stage, desk(Options(trust=trust), terms=Terms(trust)), *GOOD).out)
    assert ("below the trust asked for" in stdlib_json.dumps(told)) is (printed == 0)


@pytest.mark.parametrize("start", [b"", b"x"])
def test_without_the_start_signal_nothing_is_read(stage, start):
    assert main(stage, desk(), *GOOD, start=start) == (4, b"", b"")


def test_a_parser_that_could_not_be_confined(stage):
    failed = wire.frame(wire.Type.FAILED, b"the sandbox could not be set up: x\nhint: y")
    done = main(stage, desk(), GOOD[0], [failed], statuses=(0, 70))
    assert done == (4, b"", b"syslogparse: parser 2: the sandbox could not be set up: x\nhint: y\n")


def test_a_parser_that_ends_before_it_is_confined(stage):
    done = main(stage, desk(), GOOD[0], [], statuses=(0, 1))
    assert done == (4, b"", b"syslogparse: parser 2: it ended before it was confined\n")


def test_a_parser_that_never_speaks(stage, monkeypatch):
    monkeypatch.setattr(gather, "DEADLINE", 0.1)
    monkeypatch.setattr(gather, "_ROUND", 0.05)
    silent = stage.open_ended(1, PLACES)
    read, write = stage.pipe()
    os.write(write, b"s")
    done = stage.run(lambda: analyst.main(desk(), [silent], read))
    assert done == (4, b"", b"syslogparse: parser 1: it was not confined in time (is it stopped?)\n")


def fail(error):
    def render(_report):
        raise error

    return render


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (OSError(28, "x"), "cannot write the results: No space left on device"),
        (OSError("odd"), "cannot write the results: error"),
        (MemoryError(), "out of memory while merging the results"),
        (ValueError("\x1b[2J secret"), "ValueError while merging the results: this is a defect of syslogparse"),
    ],
)
def test_what_goes_wrong_is_said_without_a_traceback(stage, error, words):
    assert main(stage, desk(render=fail(error)), *GOOD) == (5, b"", f"syslogparse: {words}\n".encode())


@pytest.mark.parametrize(("unreadable", "status"), [((), 0), ([Unreadable("x", "y")], 3)])
def test_a_reader_that_has_enough_is_no_error(stage, unreadable, status):
    done = main(stage, desk(render=fail(output.ReaderGone()), unreadable=unreadable), *GOOD)
    assert done == (status, b"", b"")


def gathering_of(*frames_and_places):
    made = Gathering([Parser(1, 1, 1, PLACES)], [log(PACKET).grades], PLACES, None, lambda _: None)
    for place, frame in frames_and_places:
        made.totals.block(place, frame)
    return made


def block_frame(place, kind, reason):
    return wire.BlockFrame(place[0], place[1], 9, {kind: 1}, {"kern": 1}, {reason: 1}, [])


def test_losses_of_a_log_in_motion():
    made = gathering_of((PLACES[0], block_frame(PLACES[0], "netfilter", "log changed while it was read")))
    made.fold.overflow = 3
    assert list(analyst._losses(made, [], streamed=False)) == [
        "3 events had more distinct keys than are kept",
        "1 lines changed while they were read",
    ]


def test_a_cut_last_line_is_in_the_report_and_no_loss():
    made = gathering_of((PLACES[0], block_frame(PLACES[0], "netfilter", "line cut off at the end of the file")))
    report = analyst._report(desk(), made, [])
    assert list(analyst._losses(made, [], streamed=False)) == []
    assert report.summary.complete is False
    assert report.summary.losses == ("1 x line cut off at the end of the file",)


def test_what_was_asked_of_the_time_is_in_the_report():
    made = gathering_of((PLACES[0], structs.replace(block_frame(PLACES[0], "netfilter", "invalid port"), outside=3, undated=2)))
    report = analyst._report(desk(terms=Terms("kern", Period(10, 20))), made, [])
    assert (report.summary.since, report.summary.until) == (10, 20)
    assert report.advice.not_suggested == {
        "logged outside the time asked for": 3,
        "no time that could be told, and one was asked for": 2,
    }


def test_what_is_known_of_the_machine_is_in_the_report():
    network = Network(own=("192.0.2.1", "192.0.2.2"), admins=("192.0.2.9",))
    the_desk = desk(Options(existing=("policy",)))._replace(wanted=structs.replace(USUAL, network=network))
    summary = analyst._report(the_desk, gathering_of(), []).summary
    assert (summary.policy, summary.network) == (("policy",), {"own addresses": 2, "administrators": 1})


CALL = SeccompKey(b"/usr/bin/x", b"x", b"", b"x86_64", b"110", b"getppid", b"log", b"0")
CALLED = wire.encode(wire.EvidenceFrame([], [], [(entry(PLACES[0], grade="kern"), CALL)]))
ASKING = [
    [READY, block(PLACES[0], events={"seccomp": 1}, trust={"kern": 1}), wire.frame(wire.Type.EVIDENCE, CALLED), DONE],
    GOOD[1],
]
BASELINE = b'{"version":1,"suggestions":[]}'


def check(stage, baseline, *frames, form="json", unreadable=(), statuses=(0, 0)):
    made = desk(Options(check="base.json", format=form), baseline=memoryview(baseline), unreadable=unreadable)
    return main(stage, made, *frames, statuses=statuses)


def test_what_is_new_has_its_status(stage):
    whole = main(stage, desk(), *ASKING)
    names = [one["id"] for one in stdlib_json.loads(whole.out)["suggestions"]]
    assert names
    done = check(stage, BASELINE, *ASKING)
    assert (done.status, done.err) == (1, b"")
    assert [one["id"] for one in stdlib_json.loads(done.out)["suggestions"]] == names
    done = check(stage, whole.out, *ASKING)
    assert (done.status, done.err) == (0, b"")
    assert stdlib_json.loads(done.out)["suggestions"] == []


@pytest.mark.parametrize("form", ["text", "rules", None])
def test_where_nothing_is_new_nothing_is_printed(stage, form):
    whole = main(stage, desk(), *ASKING).out
    assert check(stage, whole, *ASKING, form=form) == (0, b"", b"")


def test_the_highest_status_wins(stage):
    gone = [Unreadable("x", "y")]
    assert check(stage, BASELINE, *ASKING, unreadable=gone).status == 3
    assert check(stage, BASELINE, ASKING[0], [READY], unreadable=gone, statuses=(0, 71)).status == 5
    assert check(stage, BASELINE, ASKING[0], [READY], statuses=(0, 71)).status == 5


def test_a_baseline_that_is_none_ends_the_run(stage):
    done = check(stage, b"{}", *GOOD)
    assert (done.status, done.out) == (3, b"")
    words = (
        b"syslogparse: base.json: it is no document of --format json; make one with: syslogparse --format json LOG ... > FILE\n"
    )
    assert done.err == words


def test_reports_do_not_depend_on_who_was_first():
    frames = [
        (PLACES[0], block_frame(PLACES[0], "netfilter", "invalid port")),
        (PLACES[1], block_frame(PLACES[1], "apparmor", "invalid number")),
    ]
    one, other = (json.render(analyst._report(desk(), gathering_of(*order), [])) for order in (frames, frames[::-1]))
    assert one == other
