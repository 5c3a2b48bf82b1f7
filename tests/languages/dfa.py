"""What an AppArmor profile really matches: the paths that apparmor_parser's own state machine accepts."""

from __future__ import annotations

import re
import subprocess
import tempfile

_STATE = re.compile(rb"\{(\d+)\} perms: ")
_STEP = re.compile(rb"    .*0x([0-9a-f]+) -> \{(\d+)\}")
_ACCEPTING = re.compile(rb"\{(\d+)\} \(0x ")


def compiled(parser: str, rules: list[str], *options: str) -> bytes:
    """Compile rules in a minimal profile, without kernel or cache; the parser's output. Fails the test if it refuses."""
    text = "profile t {\n" + "".join(f"  {rule}\n" for rule in rules) + "}\n"
    with tempfile.NamedTemporaryFile("w", encoding="ascii", suffix=".aa") as file:
        file.write(text)
        file.flush()
        done = subprocess.run([parser, "-Q", "-K", *options, file.name], capture_output=True, check=False)
    assert done.returncode == 0, (text, done.stderr)
    return done.stdout + done.stderr


def matched(parser: str, rules: list[str]) -> set[bytes]:
    """All paths that the file rules match. Never ends where a rule matches infinitely many: the machine must have no loop."""
    steps: dict[int, dict[int, int]] = {}
    accepting: set[int] = set()
    here = 0
    # The DFA of file rules is dumped first; that of the profile's other rules starts over at state 1.
    for line in compiled(parser, rules, "-D", "dfa-states").split(b"\n"):
        if found := _STATE.match(line):
            here = int(found[1])
            if here == 1 and steps:
                break
            steps[here] = {}
        elif (found := _STEP.match(line)) and here:
            steps[here][int(found[1], 16)] = int(found[2])
        elif found := _ACCEPTING.match(line):
            accepting.add(int(found[1]))
    return _words(steps, accepting)


def _words(steps: dict[int, dict[int, int]], accepting: set[int]) -> set[bytes]:
    words: set[bytes] = set()
    todo = [(1, b"")]
    while todo:
        state, word = todo.pop()
        assert len(word) < 10_000, "the rules match without end"
        if state in accepting:
            words.add(word)
        todo += [(after, word + bytes([byte])) for byte, after in steps.get(state, {}).items()]
    return words
