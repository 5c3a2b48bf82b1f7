"""What the advice is to be like: what the user asked for, where the machine stands, and the policy that is in force."""

from __future__ import annotations

import msgspec

from syslogparse.rules.apparmor_target import USUAL as USUAL_APPARMOR
from syslogparse.rules.apparmor_target import Choices
from syslogparse.rules.merge import AskedIntent
from syslogparse.rules.network import Network


class Wanted(msgspec.Struct, frozen=True):
    """All that decides beside the evidence. intent, network: for the packet filter. apparmor: for AppArmor."""

    intent: AskedIntent = "auto"
    apparmor: Choices = USUAL_APPARMOR
    network: Network = Network()


USUAL = Wanted()
