from pathlib import Path

from syslogparse.rules.capabilities import CAPABILITY_MEANS, CAPABILITY_RISK


def test_every_capability_of_this_kernel_has_a_risk():
    """41 is CAP_CHECKPOINT_RESTORE + 1 (linux/capability.h); a kernel with more needs new rows."""
    last = int(Path("/proc/sys/kernel/cap_last_cap").read_text(encoding="ascii"))
    assert len(CAPABILITY_RISK) == 41
    assert last + 1 <= len(CAPABILITY_RISK)


def test_names_are_apparmors():
    assert all(name == name.lower() and not name.startswith("cap_") for name in CAPABILITY_RISK)


def test_what_is_at_stake_is_said_of_the_grave_ones():
    assert {name for name, risk in CAPABILITY_RISK.items() if risk in ("high", "critical")} == set(CAPABILITY_MEANS)
