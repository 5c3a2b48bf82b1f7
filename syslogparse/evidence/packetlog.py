"""Packets that a user-space daemon wrote into a file of its own, in the kernel's words but without the kernel's tag.

Proxmox VE's pvefw-logger(8) has an envelope of its own. ulogd(8)'s LOGEMU output has none but stamp and host, so that nothing
separates the rule's prefix from a program's tag. It is believed only where both hold: the prefix cannot be a tag (no colon
but Shorewall's own, no process number), and the fields are in ulogd's dialect, which no kernel writes and no copied kernel
line has (util/printpkt.c: two digits without 0x behind TOS=, MAC= even where it is empty, no RES=). Whoever can write such a
line could as well write `kernel:`; what is told apart here is text that a stranger gets into somebody else's message.
"""

from __future__ import annotations

import re
from typing import Final

from syslogparse.evidence.speaker import Envelope, facility
from syslogparse.evidence.tags import CLOCK, HOST

_MONTH = rb"(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)"
_PROXMOX = re.compile(
    rb"\d{1,10} [0-8] [A-Za-z0-9_.:+-]{1,64} (\d\d/" + _MONTH + rb"/\d{4}:\d\d:\d\d:\d\d [+-]\d{4}) "
    rb"(?=policy [A-Za-z]{1,16}: |[A-Za-z]{1,16}: |IN=)"
)
_WORD = rb"[A-Za-z0-9_.#+-]{1,64}+"
_PREFIX = (
    rb'(?:\[[^\[\]:"=\x00-\x1f\x7f]{1,126}\](?: DESCR="[^"\x00-\x1f\x7f]{0,126}")?'
    rb"|Shorewall6?:[A-Za-z0-9_.~-]{1,64}:[A-Za-z0-9_.~-]{1,64}:|(?!kernel )" + _WORD + rb"(?: " + _WORD + rb"){0,3})"
)
_NAME = rb"[!-.0-9;<>-~]{0,15}"
_IPV4: Final = rb"SRC=[0-9.]{7,15} DST=[0-9.]{7,15} LEN=\d{1,5} TOS=[0-9A-F]{2} PREC=0x[0-9A-F]{2} TTL=\d{1,3} "
_IPV6: Final = rb"SRC=[0-9a-f:.]{2,45} DST=[0-9a-f:.]{2,45} LEN=\d{1,6} TC=\d{1,3} HOPLIMIT=\d{1,3} "
_FRONT = rb"(?:<(\d{1,3})>)?(" + _MONTH + rb" {1,2}\d{1,2} " + CLOCK + rb"|\d{4}-\d\d-\d\d[T ]" + CLOCK + rb") (" + HOST + rb")"
_LOGEMU = re.compile(
    # UniFi gateways pass the line on as the text of a message, behind a stamp and host of their own.
    _FRONT + rb"(?: \3)? {1,2}(?=(?:" + _PREFIX + rb" {0,2})?IN=" + _NAME + rb" OUT=" + _NAME + rb" MAC=[0-9a-f:]{0,96} {1,2}"
    rb"(?:" + _IPV4 + rb"|" + _IPV6 + rb"))"
)

# Where a log has lost the kernel's tag, this prefix stands in its place, and no daemon's message begins so.
_SHOREWALL = re.compile(
    _FRONT + rb" (?=Shorewall6?:[A-Za-z0-9_.~-]{1,64}:[A-Za-z0-9_.~-]{1,64}: ?+IN=" + _NAME + rb" OUT=" + _NAME + rb" "
    rb"(?:PHYS|MAC|SRC))"
)


def split(line: bytes) -> Envelope | None:
    """The envelope of a packet from one of these daemons' files, None for all other lines. Raises Undecodable."""
    if line.find(b"IN=") < 0:
        return None
    if found := _PROXMOX.match(line):
        return Envelope(found[1], b"", "packets", line[found.end() :], None)
    found = _LOGEMU.match(line)
    if found is None or line.find(b" RES=0x", found.end()) >= 0:
        found = _SHOREWALL.match(line)
    if found is None:
        return None
    pri, stamp, host = found.groups(b"")
    return Envelope(stamp, host, "packets", line[found.end() :], facility(pri))
