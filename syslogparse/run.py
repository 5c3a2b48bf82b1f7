"""The story of a run, top to bottom. Not one byte of a log is parsed before the last process has loaded its filter.

0 launch  1 namespaces  2 capabilities  3 open  4 fork and confine  5 fork the parsers  6 filter  7 work
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import resource
import sys
from collections.abc import Sequence
from itertools import islice
from typing import NamedTuple, NoReturn

import prctl

from syslogparse import exits
from syslogparse.languages.render import Language
from syslogparse.options import Options
from syslogparse.prepare import DESCRIPTORS_A_PARSER, OTHER_DESCRIPTORS, prepare_desk, prepare_jobs
from syslogparse.report import files
from syslogparse.report.escape import printable
from syslogparse.roles import analyst, parser, supervisor, validator
from syslogparse.roles.analyst import Desk
from syslogparse.roles.broker import Broker
from syslogparse.roles.delivery import Receiver
from syslogparse.roles.gather import Parser
from syslogparse.roles.output import tell
from syslogparse.sandbox.canary import Canary
from syslogparse.sandbox.capabilities import KeepFour
from syslogparse.sandbox.confine import Mode, confine
from syslogparse.sandbox.descriptors import KeepDescriptors, above_all, move
from syslogparse.sandbox.launch import CleanEnvironment, StandardDescriptors, TrustedTree, kept_environment
from syslogparse.sandbox.lifetime import DieWithParent, hold_signals, leave_signals_to_supervisor
from syslogparse.sandbox.limits import NoMoreProcesses
from syslogparse.sandbox.outbox import Outbox, OutboxRefused, open_directory, open_files
from syslogparse.sandbox.seccomp import Channels, LoadFilter, Role
from syslogparse.sandbox.step import SandboxError, carry_out, hold_against
from syslogparse.sandbox.userns import EnterUserNamespace
from syslogparse.sources.open import DEFAULT_LOGS, Log, Unreadable, open_logs
from syslogparse.sources.select import JOURNALS, select_logs
from syslogparse.sources.zone import local_zone

_PIPE_BYTES = 1 << 20


class Pipe(NamedTuple):
    """A pipe's two descriptors."""

    read: int
    write: int


class Output(NamedTuple):
    """What --output needs. where: the directory in words. lines, ready: between analyst and validator.

    verdict: from the validator to the supervisor, which does not wait at it.
    """

    where: str
    languages: tuple[Language, ...]
    box: Outbox
    lines: Pipe
    ready: Pipe
    verdict: Pipe


class Pipes(NamedTuple):
    """All that connects the processes. parts: one for each parser."""

    start: Pipe
    parts: tuple[Pipe, ...]
    output: Output | None

    def analysts(self) -> list[int]:
        """The analyst's ends: the start signal, the parsers' pipes, and with --output two of the validator's."""
        more = [self.output.ready.read, self.output.lines.write] if self.output else []
        return [self.start.read, *(pipe.read for pipe in self.parts), *more]

    def analysts_channels(self) -> Channels:
        """The same by the numbers that they get: the start signal is 0, the others stand behind 2 without a gap."""
        numbers = range(3, 2 + len(self.analysts()))
        reads = len(self.parts) + 1
        return Channels(reads=(0, *numbers[:reads]), writes=(1, 2, *numbers[reads:]))

    def parsers(self) -> list[int]:
        """An end for each parser."""
        return [pipe.write for pipe in self.parts]

    def validators(self) -> list[int]:
        """The validator's ends and files, in the order of ``validator.Ends``; none without --output."""
        if self.output is None:
            return []
        return [self.output.lines.read, self.output.ready.write, self.output.verdict.write, *self.output.box.files]


def run(options: Options) -> NoReturn:
    """Do what the options say, and end the process with an exit status of DESIGN 6."""
    try:
        _run(options)
    except SandboxError as error:
        tell(f"the sandbox could not be set up: {error}")
        tell(f"hint: {error.hint}")
    except OutboxRefused as refusal:
        tell(f"--output {printable(options.output or '')}: {printable(refusal.problem)}")
        tell(f"hint: {refusal.hint}")
        os._exit(exits.USAGE)
    except Exception as error:  # noqa: BLE001 - fail closed, whatever it is
        tell(f"stopped before any log was parsed: {type(error).__name__}: {printable(str(error))}")
        tell("hint: this is a defect of syslogparse; please report it with this message")
    os._exit(exits.NO_SANDBOX)


def _run(options: Options) -> NoReturn:
    # 0 launch: known descriptors, no environment, nothing loaded that somebody else can change
    mode: Mode = "full" if os.geteuid() == 0 else "reduced"
    environment = kept_environment()
    carry_out(StandardDescriptors())
    carry_out(CleanEnvironment())
    carry_out(TrustedTree(root=mode == "full"))
    # The directory of --output is looked at here: in a user namespace all other users look alike.
    directory = open_directory(options.output) if options.output is not None else None
    # 1 namespaces: without root, the one namespace in which a jail can be entered
    if mode == "reduced":
        carry_out(EnterUserNamespace())
    # 2 capabilities: four are kept, in no set that an exec could fill again
    carry_out(KeepFour())
    # 3 open: the last things that need root, or a file. What is no parser's comes first: its numbers are no map's hidden one.
    start = _pipe()
    output = _open_output(options, directory) if directory is not None else None
    logs, unreadable = open_logs(select_logs(options.logs, rotated=options.rotated))
    _tell_unreadable(logs, unreadable)
    desk = prepare_desk(options, environment, mode, logs, unreadable)
    jobs = prepare_jobs(desk, local_zone(environment.get("TZ")))
    pipes = _pipes(len(jobs))
    carry_out(TrustedTree(root=mode == "full"))  # once more, with all that was loaded since
    # 4 fork: this process stays behind as supervisor; the child confines itself once
    hold_signals()
    sys.stdout = sys.stderr = None  # descriptors alone from here on: nothing is flushed twice
    first = os.getpid()
    child = _fork("the analyst")
    if child:
        _be_supervisor(mode, logs, child, start, output)
    _be_analyst(mode, first, desk, jobs, Pipes(start, tuple(pipes), output))


def _open_output(options: Options, directory: int) -> Output:
    languages = files.languages(options.kinds, options.firewall)
    box = open_files(directory, [files.NAMES[language] for language in languages], replace=options.force)
    verdict = _pipe()
    os.set_blocking(verdict.read, False)
    return Output(printable(options.output or "").rstrip("/"), languages, box, _pipe(), _pipe(), verdict)


def _be_supervisor(mode: Mode, logs: Sequence[Log], child: int, start: Pipe, output: Output | None) -> NoReturn:
    _unmap(logs)
    role: Role = "supervisor"
    channels = Channels(writes=(2, start.write))
    conclude = supervisor.as_it_is
    if output is not None:
        broker = Broker(output.box, output.verdict.read, output.where)
        role, channels, conclude = "broker", broker.channels(start.write), broker.publish
    carry_out(KeepDescriptors(channels.descriptors()))
    _name("supervisor")
    prctl.set_child_subreaper(1)  # so that no process outlives this one's exit status
    confine(mode, roots_files=output is not None)
    carry_out(Canary(role, channels))
    _shut(descriptors=0, files_grow=True)
    carry_out(LoadFilter(role, channels))
    supervisor.main(child, start.write, conclude)


def _be_analyst(mode: Mode, parent: int, desk: Desk, jobs: Sequence[parser.Job], pipes: Pipes) -> NoReturn:
    # In the end its descriptors are numbered without a gap, so that a limit of their count leaves no number for another.
    channels = pipes.analysts_channels()
    # Until the maps are closed they stand above all numbers that a map's hidden descriptor had: closing the map closes it again.
    groups = (pipes.analysts(), pipes.parsers(), pipes.validators())
    moved = iter(move([end for group in groups for end in group], above_all()))
    own, ends, validators = (list(islice(moved, len(group))) for group in groups)
    carry_out(KeepDescriptors((1, 2, *own, *ends, *validators)))
    _name("analyst")
    confine(mode)
    leave_signals_to_supervisor()  # not before: a signal between the making and the removing of the jail would leave it behind
    if os.getppid() != parent:
        os._exit(exits.NO_SANDBOX)  # a signal has ended the run already: nothing has gone wrong that anybody should be told
    carry_out(DieWithParent(parent))
    # 5 fork: the validator and the parsers, one per CPU, after canaries have shown what the filters do
    carry_out(Canary("parser", Channels(writes=(parser.PIPE,))))
    carry_out(Canary("analyst", channels))
    receiver = _start_validator(pipes.output, validators, desk.logs, channels) if pipes.output else None
    here = os.getpid()
    parsers = []
    for number, (job, end) in enumerate(zip(jobs, ends, strict=True), start=1):
        child = _fork(f"parser {number}")
        if child == 0:
            _be_parser(number, here, job, end)
        parsers.append(Parser(number, child, channels.reads[number], job.places))
    _unmap(desk.logs)  # who takes the analyst shall not find the logs in its memory
    move(own[:1], channels.reads[0])
    move(own[1:], channels.reads[1])
    carry_out(KeepDescriptors(channels.descriptors()))
    # 6 filter: the last act; from here on the process can read its pipes, write and end
    _shut(descriptors=len(channels.descriptors()), files_grow=True)
    carry_out(LoadFilter("analyst", channels))
    # 7 work
    analyst.main(desk, parsers, channels.reads[0], receiver)


def _start_validator(output: Output, inherited: Sequence[int], logs: Sequence[Log], analysts: Channels) -> Receiver:
    """Fork it. inherited: its descriptors, in the order of ``Pipes.validators``."""
    own = validator.ends(len(output.languages))
    channels = Channels(reads=(own.lines,), writes=(own.ready, own.verdict, *own.files))
    carry_out(Canary("validator", channels))
    here = os.getpid()
    child = _fork("the validator")
    if child == 0:
        _unmap(logs)
        move(inherited, own.lines)
        _be_validator(here, own, channels, output.languages)
    return Receiver(child, analysts.reads[-1], analysts.writes[-1])


def _be_validator(parent: int, own: validator.Ends, channels: Channels, languages: Sequence[Language]) -> NoReturn:
    try:
        carry_out(KeepDescriptors(channels.descriptors()))
        _name("validator")
        carry_out(DieWithParent(parent))
        _shut(descriptors=0, files_grow=True)
        carry_out(LoadFilter("validator", channels))
    except SandboxError as error:
        validator.announce_failure(own.ready, f"the sandbox could not be set up: {error}\nhint: {error.hint}")
    except BaseException as error:  # noqa: BLE001 - fail closed, whatever it is
        validator.announce_failure(own.ready, f"the sandbox could not be set up: {type(error).__name__}")
    validator.main(own, languages)


def _be_parser(number: int, parent: int, job: parser.Job, pipe: int) -> NoReturn:
    channels = Channels(writes=(parser.PIPE,))
    try:
        os.dup2(pipe, parser.PIPE)
        carry_out(KeepDescriptors(channels.writes))
        capacity = fcntl.fcntl(parser.PIPE, fcntl.F_GETPIPE_SZ)
        _name(f"parser{number}")
        carry_out(DieWithParent(parent))
        _shut(descriptors=0, files_grow=False)
        carry_out(LoadFilter("parser", channels))
    except SandboxError as error:
        parser.announce_failure(f"the sandbox could not be set up: {error}\nhint: {error.hint}")
    except BaseException as error:  # noqa: BLE001 - fail closed, whatever it is
        parser.announce_failure(f"the sandbox could not be set up: {type(error).__name__}")
    parser.main(job, capacity)


def _unmap(logs: Sequence[Log]) -> None:
    for log in logs:
        if log.data is not None:
            log.data.close()  # and the number of the map's hidden descriptor, which may be a pipe's by now


def _fork(who: str) -> int:
    try:
        return os.fork()
    except OSError as error:
        hint = "let more processes be started (ulimit -u, the unit's TasksMax=, the container's pids.max), or use fewer: -j 1"
        raise SandboxError("fork", f"{who} could not be started: {error.strerror}", hint) from error


def _shut(*, descriptors: int, files_grow: bool) -> None:
    """Nothing new from here on: no process, no descriptor."""
    last = NoMoreProcesses(descriptors=descriptors, files_grow=files_grow)
    carry_out(last)
    hold_against(last)


def _tell_unreadable(logs: Sequence[Log], unreadable: Sequence[Unreadable]) -> None:
    for problem in unreadable:
        tell(f"{printable(problem.name)}: {problem.problem}")
    if not logs:
        if not unreadable:
            tell(f"none of the usual logs exists ({', '.join((*DEFAULT_LOGS, *JOURNALS))}); name the logs to read")
        os._exit(exits.UNREADABLE)


def _pipe() -> Pipe:
    return Pipe(*os.pipe2(os.O_CLOEXEC))


def _pipes(count: int) -> list[Pipe]:
    """One for each parser, as large as the user's share of pipe memory allows (pipe(7))."""
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    if limit != resource.RLIM_INFINITY and limit < DESCRIPTORS_A_PARSER * count + OTHER_DESCRIPTORS:
        hint = "use fewer parsers (-j), or let more files be open (ulimit -n)"
        raise SandboxError("pipes", f"{count} parsers need more descriptors than the {limit} that are allowed", hint)
    made = [_pipe() for _ in range(count)]
    for pipe in made:
        with contextlib.suppress(OSError):
            fcntl.fcntl(pipe.write, fcntl.F_SETPIPE_SZ, _PIPE_BYTES)
    return made


def _name(role: str) -> None:
    """What ps(1) shows in its column comm; python-prctl's set_proctitle crashes once the environment is cleared."""
    prctl.set_name(f"sp-{role}")
