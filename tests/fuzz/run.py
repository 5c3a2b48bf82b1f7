"""Run the fuzz targets: ``python -m tests.fuzz.run SECONDS [TARGET ...]``. The status is 1 where one of them found something.

Each target is a process of its own with a folder of its own, which holds its seeds and is gone afterwards; what broke it is
printed as a Python literal, to become a test.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

from tests.fuzz import seeds

ROOT = Path(__file__).resolve().parents[2]
DICTIONARY = Path(__file__).parent / "targets" / "tokens.dict"
ONE_INPUT_SECONDS = 20
LONGEST = 4096
_NOISE = ("INFO:", "WARNING:", "#", "stat::", "Dictionary:")


def command(target: str, seconds: int, folder: Path) -> list[str]:
    """libFuzzer's options: its own limits, and no looking for leaks, which the interpreter has by design."""
    options = {
        "max_total_time": seconds,
        "timeout": ONE_INPUT_SECONDS,
        "max_len": LONGEST,
        "rss_limit_mb": 2048,
        "detect_leaks": 0,
        "print_final_stats": 1,
        "artifact_prefix": f"{folder}/found-",
        "dict": DICTIONARY,
    }
    given = [f"-{name}={value}" for name, value in options.items()]
    return [sys.executable, "-B", "-m", f"tests.fuzz.targets.fuzz_{target}", *given, str(folder / "seeds")]


def run(target: str, seconds: int) -> tuple[int, str]:
    """How many inputs were tried, and what was found: empty for nothing."""
    with tempfile.TemporaryDirectory(prefix="fuzz-") as name:
        folder = Path(name)
        (folder / "seeds").mkdir()
        for number, seed in enumerate(seeds.of(target)):
            (folder / "seeds" / str(number)).write_bytes(seed)
        ended = subprocess.run(
            command(target, seconds, folder), cwd=ROOT, capture_output=True, check=False, timeout=seconds * 2 + 300
        )
        said = (ended.stdout + ended.stderr).decode("utf-8", "replace")
        found = [path.read_bytes() for path in sorted(folder.glob("found-*"))]
    tried = next((int(line.split()[-1]) for line in said.splitlines() if line.startswith("stat::number_of_executed_units")), 0)
    if ended.returncode == 0 and not found and tried:
        return tried, ""
    inputs = "\n".join(f"input: {text!r}" for text in found)
    told = "\n".join(line for line in said.splitlines() if line and not line.startswith(_NOISE))
    return tried, f"{target}: status {ended.returncode}\n{told}\n{inputs}\n"


def main(arguments: list[str]) -> int:
    """Run the named targets, or all."""
    seconds, targets = int(arguments[0]), arguments[1:] or list(seeds.TARGETS)
    status = 0
    for target in targets:
        tried, found = run(target, seconds)
        sys.stdout.write(f"{target}: {tried} inputs in {seconds} s{', broken' if found else ''}\n{found}")
        sys.stdout.flush()
        status = status or bool(found)
    return status


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
