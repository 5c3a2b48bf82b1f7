"""make bench: the installed command, fully sandboxed, beside grep -c on the same file, in turn, in one run.

Whole processes, start-up included; medians of the runs after one that is not counted. What counts is the ratio: both sides see
the same machine in the same minutes.
"""

import argparse
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).resolve().parent))

import inputs


class Run(NamedTuple):
    """Wall and processor seconds, and the largest process's peak memory in MiB."""

    wall: float
    cpu: float
    peak: float


def measure(command: Sequence[str]) -> Run:
    """One run; what it prints goes to a file: grep stops at the first match when stdout is /dev/null."""
    with tempfile.TemporaryFile() as output:
        began = time.perf_counter()
        child = subprocess.Popen(command, stdout=output)
        _, status, usage = os.wait4(child.pid, 0)
        wall = time.perf_counter() - began
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        sys.exit(f"{command[0]} ended with {child.returncode}")
    return Run(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


def compare(name: str, path: Path, ours: Sequence[str], theirs: Sequence[str], runs: int) -> None:
    """Both commands in turn; one line of the table."""
    pairs = [(measure([*ours, str(path)]), measure([*theirs, str(path)])) for _ in range(runs + 1)][1:]
    mine = statistics.median(pair[0].wall for pair in pairs)
    other = statistics.median(pair[1].wall for pair in pairs)
    ratios = sorted(pair[1].wall / pair[0].wall for pair in pairs)
    size = path.stat().st_size / 1e6
    peak = max(pair[0].peak for pair in pairs)
    print(
        f"| {name} | {size:.0f} MB | {mine:.3f} s, {size / mine:.0f} MB/s | {other:.3f} s, {size / other:.0f} MB/s "
        f"| {statistics.median(ratios):.2f} ({ratios[0]:.2f} to {ratios[-1]:.2f}) | {peak:.0f} MiB |",
        flush=True,
    )


def main() -> None:
    """Make the inputs, run, print a table in Markdown."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--command", default=os.environ.get("SYSLOGPARSE_COMMAND", "/usr/bin/syslogparse"))
    options.add_argument("--runs", type=int, default=5)
    options.add_argument("--scale", type=float, default=1.0, help="size of the inputs")
    asked = options.parse_args()
    print(f"{platform.machine()}, {len(os.sched_getaffinity(0))} CPUs, Linux {platform.release()}; {asked.runs} runs each\n")
    print("| input | size | syslogparse | grep -c | speed of grep -c (spread) | peak of a process |\n|---|---|---|---|---|---|")
    ours = [asked.command, "--format", "json", "--quiet"]
    with tempfile.TemporaryDirectory() as folder:
        for name, literal, lines in (
            ("small syslog", "SRC=", inputs.mixed(int(55_000 * asked.scale))),
            ("mixed syslog, 0.1 % of interest", "SRC=", inputs.mixed(int(2_000_000 * asked.scale))),
            ("dense firewall, 2,100 rules", "SRC=", inputs.dense_firewall(int(1_000_000 * asked.scale))),
            ("dense firewall, one source in ten new", "SRC=", inputs.dense_firewall(int(500_000 * asked.scale), 0.1)),
            ("dense AppArmor", "apparmor=", inputs.dense_apparmor(int(250_000 * asked.scale))),
        ):
            path = inputs.write(Path(folder) / "log", lines)
            compare(name, path, ours, ["grep", "-c", literal], asked.runs)


if __name__ == "__main__":
    main()
