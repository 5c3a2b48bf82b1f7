"""Tests that need a kernel with AppArmor in force: ``make test-vm`` runs them in a guest (rig.py)."""

import os

collect_ignore_glob = [] if os.environ.get("SYSLOGPARSE_VM") else ["test_*.py"]
