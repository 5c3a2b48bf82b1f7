"""Which profile a rule belongs to, and which profiles the log shows to exist.

In complain mode a program that may not be run is run all the same, in a child without rules of its own that the kernel names
``PROFILE//null-PROGRAM`` (``PROFILE//null-NUMBER`` before Linux 4.13; security/apparmor/domain.c, policy.c). Where the program
is known, what such a child did belongs into the child profile ``PROFILE//PROGRAM``, which the rule ``PROGRAM Cx,`` enters,
or into the profile that the program has. What the child ran in its turn stays in that child: profiles never grow a chain.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from syslogparse.evidence.model import AppArmorKey
from syslogparse.rules.apparmor_inforce import NOTHING_IN_FORCE, ProfilesInForce
from syslogparse.rules.merge import Refused

NULL = b"//null-"
_MAX_NAME = 4096


class Home(NamedTuple):
    """Where a rule goes. profile: its full name. program: what runs in the child profile there is to be.

    base: the profile that runs the program. nameless: it was a child whose program nobody knows; its rules go to the parent.
    """

    profile: bytes
    base: bytes
    program: bytes = b""
    nameless: bool = False


class Profiles:
    """What a log shows of profiles, and what is in force.

    exact: only what a record says itself: a child that nobody saw run is no child.
    """

    def __init__(self, keys: Iterable[AppArmorKey], *, exact: bool, in_force: ProfilesInForce = NOTHING_IN_FORCE) -> None:
        self._exact = exact
        self._in_force = in_force
        self._known: set[bytes] = set()
        self._programs: dict[bytes, bytes] = {}
        self._run: set[tuple[bytes, bytes]] = set()
        for key in keys:
            if key.profile and NULL not in key.profile:
                self._known.add(_spaced(key.namespace, key.profile))
            if key.operation == b"exec" and key.name and NULL not in key.profile:
                self._run.add((_spaced(key.namespace, key.profile), key.name))
                if key.target.startswith(key.profile + NULL):
                    self._programs[_spaced(key.namespace, key.target)] = key.name

    def transition(self, home: Home, program: bytes) -> str:
        """How ``program`` is to be run: Px into its own profile, where there is one, else Cx; ix inside such a child."""
        if home.program:
            return "ix"
        if self._is_known(home.base, program) or (not home.base.startswith(b":") and self._in_force.attaches(program)):
            return "Px"
        return "Cx"

    def home(self, key: AppArmorKey) -> Home:
        """Where the rule for ``key`` goes. Raises Refused where no profile can take it."""
        base, null, rest = key.profile.partition(NULL)
        if not base or len(key.profile) + len(key.namespace) > _MAX_NAME or b"\0" in base + key.namespace:
            raise Refused("no profile name that a rule can be put under")
        if base == b"unconfined" or b"//&" in base:
            raise Refused("unconfined, or a stack of profiles: no single profile to put a rule in")
        profile = _spaced(key.namespace, base)
        if not null:
            return Home(profile, profile)
        first = rest.partition(NULL)[0]
        program = self._programs.get(profile + NULL + first, first if first.startswith(b"/") else b"")
        if not program or (self._exact and (profile, program) not in self._run):
            return Home(profile, profile, nameless=True)
        if self._is_known(profile, program):
            return Home(_beside(profile, program), profile, program)
        return Home(profile + b"//" + program, profile, program)

    def _is_known(self, profile: bytes, program: bytes) -> bool:
        return _beside(profile, program) in self._known


def _spaced(namespace: bytes, profile: bytes) -> bytes:
    inner = b"" if namespace == b"root" else namespace.removeprefix(b"root//")
    return b":" + inner + b"://" + profile if inner else profile


def _beside(profile: bytes, other: bytes) -> bytes:
    """The name of a profile in the same namespace as ``profile``."""
    if not profile.startswith(b":"):
        return other
    return profile[: profile.find(b"://", 1) + 3] + other
