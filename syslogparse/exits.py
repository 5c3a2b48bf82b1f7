"""Exit statuses (DESIGN 6). The highest of 5, 3 and 1 wins; 4 means that nothing was printed on stdout."""

from __future__ import annotations

DONE = 0
NEW = 1
"""--check has found something that its baseline has not."""
USAGE = 2
UNREADABLE = 3
NO_SANDBOX = 4
LOST = 5
SIGNALLED = 128
"""Plus the signal's number."""
