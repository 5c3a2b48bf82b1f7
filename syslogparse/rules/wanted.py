"""What the advice is to be like: what the user asked for, where the machine stands, and the policy that is in force."""

from __future__ import annotations

import msgspec

from syslogparse.rules.apparmor_inforce import NOTHING_IN_FORCE, ProfilesInForce
from syslogparse.rules.apparmor_target import USUAL as USUAL_APPARMOR
from syslogparse.rules.apparmor_target import Choices
from syslogparse.rules.firewall_inforce import FirewallInForce
from syslogparse.rules.merge import AskedIntent
from syslogparse.rules.network import Network


class Wanted(msgspec.Struct, frozen=True):
    """All that decides beside the evidence. intent, network, firewall: for the packet filter. apparmor, profiles: for AppArmor.

    in_doubt: policy that the user named could not be read, so nobody knows what it forbids. exact: a rule for each thing that was
    seen, of the packet filter; for AppArmor, Choices says it.
    """

    intent: AskedIntent = "auto"
    apparmor: Choices = USUAL_APPARMOR
    network: Network = Network()
    firewall: FirewallInForce = FirewallInForce()
    in_doubt: bool = False
    profiles: ProfilesInForce = NOTHING_IN_FORCE
    exact: bool = False


USUAL = Wanted()
