import ctypes.util
import subprocess
import sys

import pytest

from syslogparse.sandbox import libseccomp
from syslogparse.sandbox.libseccomp import pyseccomp, syscall_name
from tests.sandbox.host import ROOT

IMPORT = """
import sys
started = []
starts = {"subprocess.Popen", "os.system", "os.posix_spawn", "os.fork"}
sys.addaudithook(lambda event, arguments: started.append(event) if event in starts else None)
sys.path[:0] = [%r, *%r]
import ctypes.util
search = ctypes.util.find_library
import syslogparse.sandbox.libseccomp
print(started, search is ctypes.util.find_library)
"""


def test_import_starts_no_process_and_leaves_ctypes_as_it_was():
    script = IMPORT % (str(ROOT), [entry for entry in sys.path if entry])
    done = subprocess.run([sys.executable, "-ISBc", script], capture_output=True, text=True, check=True)
    assert done.stdout == "[] True\n"


def test_control_the_plain_import_would_start_one():
    script = (IMPORT % (str(ROOT), [entry for entry in sys.path if entry])).replace("syslogparse.sandbox.libseccomp", "pyseccomp")
    done = subprocess.run([sys.executable, "-ISBc", script], capture_output=True, text=True, check=True)
    assert "subprocess.Popen" in done.stdout


def test_ctypes_search_is_restored():
    assert ctypes.util.find_library.__module__ == "ctypes.util"


@pytest.mark.parametrize(
    ("architecture", "number", "name"),
    [
        ("x86_64", 0, "read"),
        ("x86_64", 59, "execve"),
        ("x86", 3, "read"),
        ("x32", 0x40000000, "read"),
        ("aarch64", 63, "read"),
        ("arm", 3, "read"),
        ("x86_64", 999_999, None),
        ("x86_64", -1, None),
        ("x86_64", 1 << 31, None),
        ("x86_64", 1 << 70, None),
        ("pdp11", 1, None),
        ("", 1, None),
        ("native", 1, None),
    ],
)
def test_syscall_name(architecture, number, name):
    assert syscall_name(architecture, number) == name


def test_it_is_the_library_that_the_filters_are_made_with():
    assert pyseccomp.get_api() >= 3
    assert pyseccomp.KILL_PROCESS == 0x80000000


def test_all_architectures_that_pyseccomp_names_are_known_to_the_library():
    for name, token in vars(pyseccomp.Arch).items():
        if name.isupper() and name != "NATIVE":
            assert libseccomp._ARCHITECTURES[name.lower()] == token


@pytest.mark.parametrize(("architecture", "number"), [("loongarch64", 63), ("m68k", 3), ("sh", 3), ("sheb", 3)])
def test_newer_architectures_have_names_where_the_library_knows_them(architecture, number):
    expected = "read" if architecture in libseccomp._ARCHITECTURES else None
    assert syscall_name(architecture, number) == expected


def test_numbers_of_this_machine():
    assert libseccomp.native_number("exit_group") >= 0
    for name in ("no_such_call", "_llseek"):  # the second is one of 32-bit machines alone
        with pytest.raises((ValueError, OSError)):
            libseccomp.native_number(name)
