"""What a packet-filter rule did to a packet, read from the words of its --log-prefix.

The log says nothing else about it: the LOG target of netfilter (net/netfilter/nf_log_syslog.c) prints the prefix and the
packet, never the verdict. Prefixes glue words together in many ways (``[UFW BLOCK]``, ``Shorewall:net-fw:DROP:``,
``FINAL_REJECT``, ``DropInput``, ``INPUTDROP``), so a word counts only as a whole, alone or glued to words of the trade.
"""

from __future__ import annotations

import re
from functools import lru_cache
from itertools import pairwise
from typing import Literal, TypeAlias

Verdict: TypeAlias = Literal["refused", "accepted", "audited", "logged"]
"""``audited``: logged for the record, whatever became of it. ``logged``: the prefix says nothing."""

_REFUSING = frozenset(
    b"block blocked blocking blk drop dropped dropping drp deny denied denying reject rejected rejecting rej refuse refused "
    b"discard discarded forbid forbidden ban banned kill killed".split()
)
_ACCEPTING = frozenset(
    b"allow allowed allowing accept accepted accepting acpt permit permitted pass passed limit limited".split()
)
_AUDITING = frozenset(b"audit audited auditing".split())
_LIMITS = frozenset(b"limit limited limiting ratelimit ratelimited rate throttle throttled flood synflood hashlimit".split())
_NEGATIONS = frozenset(b"no not non never".split())
_GLUE = frozenset(
    b"in input out output fwd forward forwarded inbound outbound ingress egress pre post routing prerouting postrouting "
    b"fw firewall ufw ipt iptables ip6tables nf nft nftables netfilter shorewall firewalld ip ip4 ip6 ipv4 ipv6 v4 v6 tcp "
    b"udp icmp icmpv6 log logged logging net lan wan dmz wlan vpn local ext eth all any new invalid bad final default policy "
    b"rule packet packets pkt pkts".split()
)
_VOCABULARY = _REFUSING | _ACCEPTING | _AUDITING | _LIMITS | _NEGATIONS | _GLUE
_LONGEST = max(len(word) for word in _VOCABULARY)
_MAX_GLUED = 64
_BY_WEIGHT: tuple[Verdict, ...] = ("refused", "accepted", "audited")

_WORD = re.compile(rb"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|[A-Z]")
_RUN = re.compile(rb"[A-Za-z]+")


@lru_cache(1024)
def verdict(prefix: bytes) -> Verdict:
    """The verdict that ``prefix`` names. A refusing word outweighs an accepting one (``[UFW LIMIT BLOCK]``)."""
    kinds = [_kind(before, word) for before, word in pairwise([b"", *_words(prefix)])]
    for kind in _BY_WEIGHT:
        if kind in kinds:
            return kind
    return "logged"


@lru_cache(1024)
def is_limited(prefix: bytes) -> bool:
    """Whether ``prefix`` says that a packet was refused only because too many came, so that the service itself is let in."""
    return verdict(prefix) == "refused" and not _LIMITS.isdisjoint(_words(prefix))


def _kind(before: bytes, word: bytes) -> Verdict:
    negated = before in _NEGATIONS
    if word in _REFUSING:
        return "logged" if negated else "refused"
    if word in _ACCEPTING:
        return "refused" if negated else "accepted"
    return "audited" if word in _AUDITING else "logged"


def _words(prefix: bytes) -> list[bytes]:
    words: list[bytes] = []
    for run in _RUN.findall(prefix):
        whole = _unglued(run.lower())
        words.extend(whole or [part for humps in _WORD.findall(run) for part in _unglued(humps.lower()) or [humps.lower()]])
    return words


def _unglued(run: bytes) -> list[bytes]:
    """``run`` cut into words of the trade without a rest, the fewest and longest first; empty when it cannot be cut so."""
    if run in _VOCABULARY:
        return [run]
    if len(run) > _MAX_GLUED:
        return []
    cut: list[list[bytes] | None] = [[]] + [None] * len(run)
    for end in range(1, len(run) + 1):
        for start in range(max(0, end - _LONGEST), end):
            head = cut[start]
            if head is not None and run[start:end] in _VOCABULARY:
                longer = [*head, run[start:end]]
                best = cut[end]
                if best is None or len(longer) < len(best):
                    cut[end] = longer
    return cut[-1] or []
