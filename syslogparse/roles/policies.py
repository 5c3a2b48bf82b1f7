"""The policy in force, read in the confined analyst."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from syslogparse.languages.policy import read_policies
from syslogparse.report.escape import printable
from syslogparse.roles.output import tell
from syslogparse.rules.wanted import Wanted
from syslogparse.sources.open import Unreadable


def take_policies(wanted: Wanted, policies: Sequence[tuple[str, memoryview]]) -> tuple[Wanted, list[Unreadable]]:
    """What is wanted with the policy that the files hold, and the files that hold none that can be read.

    Where one of these cannot be read, what opens anything is in doubt: it may forbid it.
    """
    if not policies:
        return wanted, []
    found = read_policies([(name, bytes(content)) for name, content in policies])
    for name, why in found.problems:
        tell(f"{printable(name)}: {why}; this policy is not used, and what opens anything is held back")
    unread = [Unreadable(name, why) for name, why in found.problems]
    profiles = wanted.profiles.joined(found.profiles)
    return replace(wanted, firewall=found.firewall, profiles=profiles, in_doubt=wanted.in_doubt or bool(unread)), unread
