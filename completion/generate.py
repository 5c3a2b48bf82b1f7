"""Write the completion of the command line for a shell: ``generate.py SITE-PACKAGES bash|zsh|fish``.

``make install`` runs it with the installed interpreter, which has the parser. shtab, which knows the shells, is a build tool.
"""

import sys

from syslogparse.cli import _parser
from syslogparse.evidence.model import KINDS

sys.path.append(sys.argv[1])
import shtab

FILES = {"FILE": shtab.FILE, "BASELINE": shtab.FILE, "LOG": shtab.FILE, "DIR": shtab.DIRECTORY}
"""What stands in the place of a metavar."""
WORDS = {"kind": KINDS, "since": ("yesterday", "today"), "until": ("today", "now"), "apparmor_abi": ("latest",)}
"""Values worth to be offered, of options that take others too."""

parser = _parser()
for action in parser._actions:  # noqa: SLF001 - argparse has no other list of them
    if isinstance(action.metavar, str) and action.metavar in FILES:
        action.complete = FILES[action.metavar]
    action.choices = action.choices or WORDS.get(action.dest)
sys.stdout.write(shtab.complete(parser, sys.argv[2]))
