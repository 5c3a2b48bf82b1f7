"""After the warm-up, printing needs nothing but memory: shown by an audit hook, and by a filter that kills."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

PREPARE = """
import os, sys
from syslogparse.report import events, json, progress, rules
from syslogparse.report.progress import Progress
from syslogparse.report.text import TextReport
from syslogparse.report.warmup import synthetic_event, synthetic_report, warm_up
from msgspec.structs import replace
from syslogparse.rules.apparmor_model import FileRule

ODD = "".join(map(chr, [*range(0x20, 0x250), *range(0x300, 0x370), *range(0x600, 0x620), *range(0x1100, 0x1200, 7),
    *range(0x2000, 0x2800, 11), *range(0x3000, 0x30FF, 5), *range(0xD800, 0xE000, 97), *range(0xFE00, 0xFFFF, 13),
    *range(0x1F300, 0x1FAFF, 31), 0xE0001, 0x10FFFF]))

def odd_report(complete):
    report = synthetic_report(complete)
    raw = ODD.encode("utf-8", "surrogatepass") + bytes(range(256))
    rule, profile = FileRule(raw, "rwk"), raw[::-1]
    changed = tuple(
        replace(each, rule=rule, profile=profile, why=ODD, evidence=replace(each.evidence, hosts=(raw,)))
        for each in report.advice.suggestions
    )
    advice = replace(report.advice, suggestions=report.advice.suggestions + changed, not_suggested={ODD: 1})
    summary = replace(report.summary, files=(ODD, ODD[::-1]), losses=(ODD,), unreadable=(ODD,))
    return replace(report, summary=summary, advice=advice)

def render_all(text):
    out = []
    for complete in (True, False):
        report = odd_report(complete)
        if text is not None:
            out += [text.render(report, limit).encode("utf-8", "backslashreplace") for limit in (None, 0, 3)]
        out += [rules.render(report).encode("utf-8", "backslashreplace"), json.render(report)]
    event = synthetic_event()
    odd = {"prefix": bytes(range(256)), "name": ODD.encode("utf-8", "surrogatepass"), "tcp_flags": [b"\\xff"]}
    for fields in (event.fields, odd, {}):
        for time in (None, 0, -1, 2**62, -2**62, 1795328446882000):
            out.append(events.render(replace(event, fields=fields, time=time), ODD, 1, repeat=2))
    progress = Progress(lambda line: out.append(line.encode()), WIDTH, color=COLOR, delay=0, interval=0)
    for done in (0, 10**6, 10**15):
        progress.update(done, 10**15)
    progress.finish()
    return b"".join(out)

COLOR = sys.argv[1] == "color"
WIDTH = int(sys.argv[2])
text = TextReport(WIDTH, color=COLOR, unicode=sys.argv[3] == "unicode") if sys.argv[3] != "none" else None
warm_up(*([text.render] if text else []), rules.render, json.render)
progress.warm_up()
"""

AUDITED = """
seen = []
sys.addaudithook(lambda event, arguments: seen.append((event, repr(arguments)[:200])))
data = render_all(text)
found = list(seen)
open("/dev/null").close()
import wave
assert {"open", "import"} <= {event for event, _ in seen[len(found):]}, "the hook sees nothing"
assert len(data) > 50_000
harmless = ("object.__getattr__", "sys._getframe", "code.__new__")
print([each for each in found if not each[0].startswith(harmless)])
"""

FILTERED = """
import resource
import pyseccomp
resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
rules_ = pyseccomp.SyscallFilter(pyseccomp.KILL_PROCESS)
for name in ("write", "mmap", "munmap", "mremap", "brk", "madvise", "futex", "exit_group", "clock_gettime"):
    rules_.add_rule(pyseccomp.ALLOW, name)
rules_.load()
data = render_all(text)
{control}
os.write(1, b"rendered %d\\n" % len(data))
os._exit(0)
"""

VARIANTS = [("color", "80", "unicode"), ("plain", "120", "unicode"), ("plain", "50", "ascii"), ("color", "200", "none")]


def run(script, variant):
    return subprocess.run(
        [sys.executable, "-I", "-c", f"import sys; sys.path.insert(0, {str(ROOT)!r})\n{script}", *variant],
        capture_output=True,
        timeout=120,
        check=False,
    )


@pytest.mark.parametrize("variant", VARIANTS)
def test_rendering_imports_and_opens_nothing(variant):
    done = run(PREPARE + AUDITED, variant)
    assert done.stderr == b""
    assert done.stdout == b"[]\n"


@pytest.mark.parametrize("variant", VARIANTS)
def test_rendering_survives_the_filter(variant):
    done = run(PREPARE + FILTERED.format(control=""), variant)
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout.startswith(b"rendered ")


def test_the_filter_kills_what_opens():
    done = run(PREPARE + FILTERED.format(control="open('/dev/null')"), VARIANTS[0])
    assert done.returncode == -31
    assert done.stdout == b""


def test_without_the_warm_up_something_is_loaded():
    """The control: the first test of this file can fail."""
    done = run(PREPARE.partition("\nwarm_up(")[0] + "\n" + AUDITED, VARIANTS[0])
    assert b"_unicode_data" in done.stdout
