"""Messages of the kernel in which somebody else's text stands, and that can therefore look like a logged packet.

Any user can name a file `IN=eth0 OUT= SRC=...` and let a program of that name crash (mm/memory.c, print_vma_addr), or mount such
a directory in a user namespace of his own (fs/overlayfs/params.c); a device calls itself what it likes. What such messages begin
with is refused in the place of a rule's prefix, and what the kernel puts behind the text, where a packet ends.
"""

from __future__ import annotations

import re
from typing import Final

from syslogparse.evidence.model import Undecodable

_BEGINNING: Final = re.compile(
    # Paths of programs, of cgroups, of what is mounted; options of mounts; names of bearers and interpreters.
    rb"process '|ptrace attach of |cgroup: |oom-kill:|Memory cgroup |Tasks in /|overlay(?:fs)?: |[A-Z0-9]{2,8}-fs[: ]|BTRFS"
    rb"|CIFS: |binfmt_misc: |tipc: "
    # What devices call themselves.
    rb"|usb \d|scsi |ata\d|thunderbolt |uvcvideo"
)
_CRASH: Final = re.compile(rb"\[\d{1,10}\](?::| )[^\n]{0,256}? in(?: |\Z)|User process fault")
"""`NAME[PID]: segfault at ... error 6 in FILE[...]`, `traps: NAME[PID] trap int3 ip:... in FILE[...]` and what other machines say
(arch/x86/mm/fault.c, arch/x86/kernel/traps.c, arch/arm64/kernel/traps.c, arch/s390/kernel/traps.c ...)."""
_BEHIND: Final = (b" as /devices/", b"] on ")
"""What stands behind the name of an input device, which the device gives itself."""
_INNER: Final = re.compile(rb" \[(?:[A-Z]{2,8}=|\d{1,10} bytes\])")
_VALUE: Final = rb"(?:\A| )(?!(?:PHYS)?(?:IN|OUT)=|MAC=)"
_QUOTES: Final = re.compile(_VALUE + rb"[^ '\"]*+['\"]")
_BRACKETS: Final = re.compile(_VALUE + rb"[^ \[\]]*+[\[\]]")
"""Names of interfaces may hold both, and people put brackets where they have taken a hardware address out."""


def refuse_prefix(prefix: bytes) -> None:
    """Raises Undecodable for what stands in front of a text that is not the kernel's."""
    if _BEGINNING.match(prefix) or (prefix.find(b" in") >= 0 and _CRASH.search(prefix)):
        raise Undecodable("not said by the kernel")


def refuse_behind(text: bytes, own: bytes) -> None:
    """The same for what stands behind it. text: from IN= on; own: without the inner packet of an ICMP error.

    The kernel quotes nothing in a packet's line, and has brackets only around an inner packet and a count of bytes.
    """
    inner = text.find(b" [")
    if (
        any(text.find(words) >= 0 for words in _BEHIND)
        or (inner >= 0 and _INNER.match(text, inner) is None)
        or _QUOTES.search(text)
        or _BRACKETS.search(own)
    ):
        raise Undecodable("not said by the kernel")
