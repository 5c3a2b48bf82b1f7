"""Where the program starts. Nothing but the interpreter's own modules is imported before the start is known to be isolated."""

from __future__ import annotations

import sys

from syslogparse.sandbox.launch import end_on_signals, relaunch_isolated


def main() -> int:
    """Run the command line; the result is the process's exit status."""
    end_on_signals()
    relaunch_isolated(sys.argv[1:])
    from syslogparse.cli import main as command_line  # noqa: PLC0415 - see above

    return command_line(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
