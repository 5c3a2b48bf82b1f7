"""Where the program starts. Nothing but the interpreter's own modules is imported before the start is known to be isolated."""

from __future__ import annotations

import os
import sys

try:
    from syslogparse.exits import NO_SANDBOX
    from syslogparse.sandbox.launch import end_on_signals, relaunch_isolated
except KeyboardInterrupt:  # until end_on_signals is there
    os._exit(130)


def main() -> int:
    """Run the command line; the result is the process's exit status."""
    end_on_signals()
    try:
        relaunch_isolated(sys.argv[1:])
    except OSError as error:
        os.write(2, f"syslogparse: the interpreter cannot be started anew: {error.strerror}\n".encode())
        return NO_SANDBOX
    from syslogparse.cli import main as command_line  # noqa: PLC0415 - see above

    return command_line(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
