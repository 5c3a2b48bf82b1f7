"""Rules for sockets of all families but unix (security/apparmor/net.c, security/lsm_audit.c)."""

from __future__ import annotations

import ipaddress

from syslogparse.evidence.model import AppArmorKey
from syslogparse.rules.apparmor_ipc import SOCK_TYPES, SOCKET_ACCESS, WITHOUT_PEER, words
from syslogparse.rules.apparmor_model import NetworkRule
from syslogparse.rules.merge import Refused, decimal

FAMILIES = frozenset(
    "inet ax25 ipx appletalk netrom bridge atmpvc x25 inet6 rose netbeui security key netlink packet ash econet atmsvc rds sna "
    "irda pppox wanpipe llc ib mpls can tipc bluetooth iucv rxrpc isdn phonet ieee802154 caif alg nfc vsock kcm qipcrtr smc "
    "xdp mctp".split()
)
"""Socket families that a network rule may name (apparmor.d(5)); unix sockets have rules of their own."""


def network(key: AppArmorKey, *, exact: bool) -> NetworkRule:
    """A socket of a family and a type with its accesses; with ``exact``, of the internet's families, with both ends too.

    The accesses are those that were asked for: AppArmor checks them together.
    """
    family, sock_type = key.family.decode("ascii", "replace"), key.sock_type.decode("ascii", "replace")
    # Kernels without the class logged unix sockets among the others, and mediated them so.
    if (family not in FAMILIES and (family != "unix" or key.class_)) or sock_type not in SOCK_TYPES:
        raise Refused("socket family or type that a rule cannot hold")
    asked = key.requested or key.mask
    access = words(asked, SOCKET_ACCESS) if asked else ()
    if not exact or family not in ("inet", "inet6"):
        return NetworkRule(family, sock_type, access)
    with_peer = not WITHOUT_PEER & set(access)
    return NetworkRule(
        family,
        sock_type,
        access,
        _address(key.local),
        _port(key.local_port),
        _address(key.remote) if with_peer else "",
        _port(key.remote_port) if with_peer else "",
    )


def _address(text: bytes) -> str:
    """The address as the kernel writes it, or none: a rule for any is better than one for nonsense."""
    written = text.decode("ascii", "replace")
    try:
        ipaddress.ip_address(written)
    except ValueError:
        return ""
    return "" if "%" in written else written


def _port(text: bytes) -> str:
    return text.decode("ascii") if decimal(text, 65535) else ""
