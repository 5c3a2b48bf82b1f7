"""What an AppArmor profile really matches: the paths that apparmor_parser's own state machine accepts."""

from __future__ import annotations

import re
import subprocess
import tempfile
from typing import NamedTuple

_STATE = re.compile(rb"\{(\d+)\} perms: ")
_STEP = re.compile(rb"    .*0x([0-9a-f]+) -> \{(\d+)\}")
_REST = re.compile(rb"    \[\^?((?:\\x[0-9a-f]{1,2}|.)*)\] -> \{(\d+)\}")
_CHARACTER = re.compile(rb"\\x([0-9a-f]{1,2})|.")
_ACCEPTING = re.compile(rb"\{(\d+)\} \(0x ")


class Machine(NamedTuple):
    """States from 1. rest: what a state does with all bytes but some; steps count first."""

    steps: dict[int, dict[int, int]]
    rest: dict[int, tuple[bytes, int]]
    accepting: set[int]


def compiled(parser: str, rules: list[str], *options: str) -> bytes:
    """Compile rules in a minimal profile, without kernel or cache; the parser's output. Fails the test if it refuses."""
    text = "include <tunables/global>\nprofile t {\n" + "".join(f"  {rule}\n" for rule in rules) + "}\n"
    with tempfile.NamedTemporaryFile("w", encoding="utf-8", suffix=".aa") as file:
        file.write(text)
        file.flush()
        done = subprocess.run([parser, "-Q", "-K", *options, file.name], capture_output=True, check=False)
    assert done.returncode == 0, (text, done.stderr)
    return done.stdout + done.stderr


def machine(parser: str, rules: list[str]) -> Machine:
    """The parser's state machine for the file rules."""
    made = Machine({}, {}, set())
    here = 0
    # The DFA of file rules is dumped first; that of the profile's other rules starts over at state 1.
    for line in compiled(parser, rules, "-D", "dfa-states").split(b"\n"):
        if found := _STATE.match(line):
            here = int(found[1])
            if here == 1 and made.steps:
                break
            made.steps[here] = {}
        elif (found := _REST.match(line)) and here:
            but = bytes(int(one[1], 16) if one[1] else one[0][0] for one in _CHARACTER.finditer(found[1]))
            made.rest[here] = (but, int(found[2]))
        elif (found := _STEP.match(line)) and here:
            made.steps[here][int(found[1], 16)] = int(found[2])
        elif found := _ACCEPTING.match(line):
            made.accepting.add(int(found[1]))
    return made


def matched(parser: str, rules: list[str]) -> set[bytes]:
    """All paths that the file rules match: rules without globs."""
    made = machine(parser, rules)
    assert not made.rest, "the rules hold a glob"
    words: set[bytes] = set()
    todo = [(1, b"")]
    while todo:
        state, word = todo.pop()
        assert len(word) < 10_000, "the rules match without end"
        if state in made.accepting:
            words.add(word)
        todo += [(after, word + bytes([byte])) for byte, after in made.steps.get(state, {}).items()]
    return words


def accepts(made: Machine, path: bytes) -> bool:
    """Whether one of the machine's rules matches ``path``."""
    state = 1
    for byte in path:
        after = made.steps.get(state, {}).get(byte)
        if after is None:
            but, after = made.rest.get(state, (bytes([byte]), 0))
            if byte in but:
                return False
        state = after
    return state in made.accepting
