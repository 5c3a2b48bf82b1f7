"""A role in the hands of somebody else: the program runs until it is confined, and then makes the attacks of attacks.py.

Runs in the zygote's children.
"""

from __future__ import annotations

import mmap
import os
import signal
from collections.abc import Callable

from syslogparse import run
from syslogparse.options import Options
from syslogparse.roles import analyst, parser, supervisor, validator
from syslogparse.sandbox import canary, seccomp
from syslogparse.sandbox.outbox import Outbox, open_directory, open_files
from tests.sandbox.attacks import ATTACKS, BEGUN, DONE, REFUSED, SLOT, World
from tests.sandbox.faults import patch


class Here:
    """This process's part. slots: where results go; descriptor 0 of the case is a memory file that the test has open too."""

    slots: mmap.mmap
    box: Outbox
    canary = False


def attack(*, logs: list[str], role: str, numbers: list[int], filtered: bool, victims: dict, output: str) -> None:
    """Run the program on a log with a role in which somebody else makes the attacks with these numbers."""
    Here.slots = mmap.mmap(0, 0)
    if not filtered:
        _leave_the_filter_out(role)

    def take_over(sibling: int, equip: Callable[[World], World] = lambda world: world) -> None:
        try:
            _make(equip(World(sibling, **victims)), numbers)
        finally:
            os._exit(0)

    def parser_main(_job: object, pipe_bytes: int) -> None:
        parser._wait_for_start(pipe_bytes)
        take_over(parent)

    def validator_main(own: validator.Ends, _languages: object) -> None:
        os.write(own.ready, validator.READY)
        take_over(parent, lambda world: world._replace(file=own.files[0]))

    def supervisor_main(child: int, *_: object) -> None:
        _wait_confined()
        take_over(child, _with_the_box if role == "broker" else lambda world: world)

    parent = 0
    be_analyst = run._be_analyst

    def begin_analyst(*arguments) -> None:
        nonlocal parent
        parent = os.getpid()
        be_analyst(*arguments)

    patch(run, "_be_analyst", begin_analyst)
    _keep_the_box()
    if role == "parser":
        patch(parser, "main", parser_main)
    elif role == "analyst":
        patch(analyst, "main", lambda _desk, parsers, *_: take_over(parsers[0].pid))
    elif role == "validator":
        patch(validator, "main", validator_main)
    else:
        patch(analyst, "main", _say_confined(analyst.main))
        patch(supervisor, "main", supervisor_main)
    run.run(Options(logs=tuple(logs), jobs=1, format="rules", output=None if role == "supervisor" else output))


def _keep_the_box() -> None:
    def kept(*arguments, **more) -> Outbox:
        Here.box = open_files(*arguments, **more)
        return Here.box

    patch(run, "open_files", kept)


def _with_the_box(world: World) -> World:
    box = Here.box
    return world._replace(directory=box.directory, itself=box.itself, file=box.files[0], entry=b"%d" % box.files[0])


def _say_confined(main: Callable[..., None]) -> Callable[..., None]:
    def said(*arguments) -> None:
        Here.slots[-1] = 1
        main(*arguments)

    return said


def _wait_confined() -> None:
    """Without a system call: until the analyst is who it will be. The case is killed if that never comes."""
    while not Here.slots[-1]:
        pass


def control(*, victims: dict, output: str) -> None:
    """The same by root outside of the sandbox, a child for each."""
    Here.slots = mmap.mmap(0, 0)
    Here.box = open_files(open_directory(output), ["iptables.sh"], replace=False)
    sibling = os.fork()
    if sibling == 0:
        signal.pause()
    os.dup2(2, 63)
    os.dup2(2, 0)
    for number, row in enumerate(ATTACKS):
        if not row.without_control:
            child = os.fork()
            if child == 0:
                os.open("/", os.O_RDONLY)
                _make(_with_the_box(World(sibling, **victims)), [number])
                os._exit(1)
            status = os.waitpid(child, 0)[1]
            if status == 0 and SLOT.unpack_from(Here.slots, number * SLOT.size)[0] == BEGUN:  # execve does not come back
                SLOT.pack_into(Here.slots, number * SLOT.size, DONE, 0)
    os.kill(sibling, signal.SIGKILL)


def _make(world: World, numbers: list[int]) -> None:
    for number in numbers:
        SLOT.pack_into(Here.slots, number * SLOT.size, BEGUN, 0)
        try:
            ATTACKS[number].act(world)
        except OSError as error:
            SLOT.pack_into(Here.slots, number * SLOT.size, REFUSED, error.errno or 0)
        else:
            SLOT.pack_into(Here.slots, number * SLOT.size, DONE, 0)


def _leave_the_filter_out(role: str) -> None:
    take, sing = seccomp.LoadFilter.take, canary._sing

    def taken(self) -> None:
        if Here.canary or self.role != role:
            take(self)
        else:
            self._loaded = True

    def sung(*arguments) -> None:
        Here.canary = True
        sing(*arguments)

    patch(seccomp.LoadFilter, "take", taken)
    patch(canary, "_sing", sung)
