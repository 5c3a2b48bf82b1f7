"""What nft's JSON compares a packet with: keys and values as conditions (libnftables-json(5), nft(8)).

Everything raises ``Unknown`` for what a listing cannot answer or what is not known here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from ipaddress import ip_address, ip_network
from typing import NamedTuple, TypeAlias, cast

from syslogparse.languages.iptables_words import packet_type, types
from syslogparse.languages.policy_words import ICMP_CODES, ICMP_TYPES, ICMPV6_CODES, ICMPV6_TYPES, PROTOCOL_NUMBERS, Unknown
from syslogparse.rules import inforce_match
from syslogparse.rules.inforce_match import (
    ANY_ADDRESS,
    ANY_FLAGS,
    ANY_OCTET,
    ANY_PORT,
    ANY_STATE,
    ANY_TYPE,
    STATES,
    TCP_FLAGS,
    BitField,
    Bits,
    Condition,
    NameField,
    Names,
    NumberField,
    Numbers,
    Span,
    headers,
)

Json: TypeAlias = object
"""What came out of the file: anything that JSON can hold."""
Sets: TypeAlias = Mapping[str, Sequence[Json]]
"""The elements of the named sets of the table, by name."""


class Key(NamedTuple):
    """What is compared. implied: what else a packet has to be for the comparison to be made at all.

    number, whole: for a field of numbers, how a value is read, and all values. mask: of TCP flags; 1 for what the link says.
    """

    field: str
    implied: tuple[Condition, ...] = ()
    number: Callable[[Json], int] | None = None
    whole: Span = ANY_OCTET
    mask: int = 255


def _family(version: int) -> Numbers:
    return Numbers("family", ((version, version),))


def _protocol(number: int) -> Numbers:
    return Numbers("protocol", ((number, number),))


def _words(known: Mapping[str, int], most: int) -> Callable[[Json], int]:
    """Reads a number, or one of the words for it."""

    def read(value: Json) -> int:
        if isinstance(value, str) and value in known:
            return known[value]
        if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= most:
            raise Unknown
        return value

    return read


def _address(version: int) -> Callable[[Json], int]:
    def read(value: Json) -> int:
        try:
            address = ip_address(value) if isinstance(value, str) else None
        except ValueError:
            address = None
        if address is None or address.version != version:
            raise Unknown
        return int(address)

    return read


_PORT = _words({}, 65535)
_PROTOCOL_NUMBER = _words(PROTOCOL_NUMBERS, 255)
_FAMILIES = _words({"ipv4": 4, "ipv6": 6}, 0)
_ETHER_TYPES = _words({"ip": 4, "ip6": 6, "arp": 0, "vlan": 0, "8021q": 0, "8021ad": 0}, 0)


def _payloads() -> dict[tuple[str, str], Key]:
    found: dict[tuple[str, str], Key] = {}
    for word, version, next_header in (("ip", 4, "protocol"), ("ip6", 6, "nexthdr")):
        implied = (_family(version),)
        found[word, "saddr"] = Key("source", implied, _address(version), ANY_ADDRESS[version])
        found[word, "daddr"] = Key("destination", implied, _address(version), ANY_ADDRESS[version])
        found[word, next_header] = Key("protocol", implied, _PROTOCOL_NUMBER)
    for word in ("tcp", "udp", "udplite", "sctp", "dccp", "th"):
        carried = () if word == "th" else (_protocol(PROTOCOL_NUMBERS[word]),)
        found[word, "dport"] = Key("port", carried, _PORT, ANY_PORT)
        found[word, "sport"] = Key("source_port", carried, _PORT, ANY_PORT)
    found["tcp", "flags"] = Key("flags", (_protocol(6),))
    for word, version, kinds, codes in (("icmp", 4, ICMP_TYPES, ICMP_CODES), ("icmpv6", 6, ICMPV6_TYPES, ICMPV6_CODES)):
        both = (_family(version), _protocol(PROTOCOL_NUMBERS[word]))
        found[word, "type"] = Key("icmp_type", both, _words(kinds, 255))
        found[word, "code"] = Key("icmp_code", both, _words(codes, 255))
    return found


_PAYLOADS = _payloads()
_METAS = {
    "iifname": Key("in_iface"),
    "iif": Key("in_iface"),
    "oifname": Key("out_iface"),
    "oif": Key("out_iface"),
    "l4proto": Key("protocol", (), _PROTOCOL_NUMBER),
    "pkttype": Key("destination_type", mask=1),
    "nfproto": Key("family", (), _FAMILIES, (0, 255)),
    "protocol": Key("family", (), _ETHER_TYPES, (0, 255)),
}


_TYPES = {
    str(flags): field for side, field in (("saddr", "source_type"), ("daddr", "destination_type")) for flags in (side, [side])
}


def key(expression: Json) -> Key:
    """The left side of a comparison."""
    kind, body = only(expression)
    if kind == "&" and isinstance(body, list) and len(body) == 2:
        found = key(body[0])
        if found.field != "flags":
            raise Unknown
        return found._replace(mask=_flag_bits(body[1]))
    if not isinstance(body, dict):
        raise Unknown
    if kind == "payload":
        protocol, field = body.get("protocol"), body.get("field")
        if isinstance(protocol, str) and isinstance(field, str) and (protocol, field) in _PAYLOADS:
            return _PAYLOADS[protocol, field]
    elif kind == "meta":
        name = body.get("key")
        if isinstance(name, str) and name in _METAS:
            return _METAS[name]
    elif kind == "ct" and body == {"key": "state"}:
        return Key("state")
    elif kind == "fib" and body.get("result") == "type":
        field = _TYPES.get(str(body.get("flags")))
        if field:
            return Key(field)
    raise Unknown


def conditions(left: Key, op: Json, right: Json, sets: Sets) -> tuple[Condition, ...]:
    """What the comparison says."""
    if left.field == "state":
        return (*left.implied, Bits("state", _states(op, right, sets)))
    if left.field == "flags":
        return (*left.implied, Bits("flags", _flags(left.mask, op, right, sets)))
    if left.field in ("source_type", "destination_type"):
        return (Bits(cast("BitField", left.field), _types(left, op, right, sets)),)
    if left.number is None:
        return (*left.implied, _interface(left, op, right, sets))
    return (*left.implied, _numbers(left, left.number, op, right, sets))


def only(expression: Json) -> tuple[str, Json]:
    """The name and the body of an expression or a statement."""
    if not isinstance(expression, dict) or len(expression) != 1:
        raise Unknown
    return next(iter(expression.items()))


def fields(body: Json) -> Mapping[str, Json]:
    """The members of an object."""
    if not isinstance(body, dict):
        raise Unknown
    return body


def elements(value: Json, sets: Sets) -> Sequence[Json]:
    """The values that are meant: of a named set, of a set in place, or the value alone."""
    if isinstance(value, str) and value.startswith("@"):
        if value[1:] not in sets:
            raise Unknown
        return sets[value[1:]]
    if isinstance(value, dict) and "set" in value:
        found = value["set"]
        return found if isinstance(found, list) else [found]
    return [value]


def plain(element: Json) -> Json:
    """An element without its time-out, counter and comment."""
    if isinstance(element, dict) and isinstance(element.get("elem"), dict):
        return element["elem"].get("val")
    return element


def _numbers(left: Key, number: Callable[[Json], int], op: Json, right: Json, sets: Sets) -> Numbers:
    field: NumberField = left.field  # type: ignore[assignment]
    if op in ("==", "in", "!="):
        found = _all_spans(left, number, right, sets)
        return Numbers(field, found, op == "!=")
    value = number(right)
    low, high = left.whole
    bounds = {"<": (low, value - 1), "<=": (low, value), ">": (value + 1, high), ">=": (value, high)}
    if not isinstance(op, str) or op not in bounds:
        raise Unknown
    first, last = bounds[op]
    return Numbers(field, ((first, last),) if first <= last else ())


def _all_spans(left: Key, number: Callable[[Json], int], right: Json, sets: Sets) -> tuple[Span, ...]:
    if not (isinstance(right, str) and right.startswith("@") and isinstance(sets, NamedSets)):
        return inforce_match.spans(_span(left, number, plain(one)) for one in elements(right, sets))
    known = sets.spans.get((right, left.field))
    if known is None:
        known = inforce_match.spans(_span(left, number, plain(one)) for one in elements(right, sets))
        sets.spans[right, left.field] = known
    return known


class NamedSets(dict[str, Sequence[Json]]):
    """The named sets of a table, each of them read once."""

    def __init__(self) -> None:
        super().__init__()
        self.spans: dict[tuple[str, str], tuple[Span, ...]] = {}


def _span(left: Key, number: Callable[[Json], int], value: Json) -> Span:
    if value == "*":
        return left.whole
    if not isinstance(value, dict):
        one = number(value)
        return one, one
    kind, body = only(value)
    if kind == "range" and isinstance(body, list) and len(body) == 2:
        low, high = number(body[0]), number(body[1])
        if low > high:
            raise Unknown
        return low, high
    if kind == "prefix" and isinstance(body, dict):
        first = number(body.get("addr"))
        try:
            network = ip_network(f"{body['addr']}/{_PREFIX(body.get('len'))}", strict=False)
        except ValueError:
            raise Unknown from None
        return first, int(network.broadcast_address)
    raise Unknown


_PREFIX = _words({}, 128)


def _interface(left: Key, op: Json, right: Json, sets: Sets) -> Names:
    if op not in ("==", "in", "!="):
        raise Unknown
    found = [plain(one) for one in elements(right, sets)]
    if not all(isinstance(one, str) and one for one in found):
        raise Unknown
    names = [str(one) for one in found]
    field: NameField = left.field  # type: ignore[assignment]
    prefixes = tuple(one[:-1] for one in names if one.endswith("*"))
    return Names(field, frozenset(one for one in names if not one.endswith("*")), prefixes, op == "!=")


def _states(op: Json, right: Json, sets: Sets) -> int:
    given = elements(right, sets)
    found = 0
    for one in given:
        words = _list(plain(one))
        if not all(isinstance(word, str) and word.upper() in STATES for word in words) or (op == "==" and len(words) > 1):
            raise Unknown
        found |= sum(STATES[str(word).upper()] for word in words)
    if op in ("==", "in"):
        return found
    if op in ("!=", "!"):
        return ANY_STATE & ~found
    raise Unknown


def _types(left: Key, op: Json, right: Json, sets: Sets) -> int:
    read = packet_type if left.mask == 1 else lambda word: types(word.upper())
    found = 0
    for one in elements(right, sets):
        found |= read(str(plain(one)))
    if op in ("==", "in"):
        return found
    if op == "!=":
        return ANY_TYPE & ~found
    raise Unknown


def _flags(mask: int, op: Json, right: Json, sets: Sets) -> int:
    values = [_flag_bits(plain(one)) for one in elements(right, sets)]
    if op in ("in", "!"):
        some = 0
        for value in values:
            some |= ANY_FLAGS & ~headers(mask & value, 0)
        return some if op == "in" else ANY_FLAGS & ~some
    equal = 0
    for value in values:
        equal |= headers(mask, value)
    if op == "==":
        return equal
    if op == "!=":
        return ANY_FLAGS & ~equal
    raise Unknown


def _flag_bits(value: Json) -> int:
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= 255:
        return value
    words = _list(value)
    if not all(isinstance(word, str) and word.upper() in TCP_FLAGS for word in words):
        raise Unknown
    return sum({TCP_FLAGS[str(word).upper()] for word in words})


def _list(value: Json) -> Sequence[Json]:
    """A list of words; older versions of nft join two at a time by |."""
    found: list[Json] = []
    rest = [value]
    while rest:
        one = rest.pop()
        if isinstance(one, list):
            rest += one
        elif isinstance(one, dict) and set(one) == {"|"}:
            rest.append(one["|"])
        else:
            found.append(one)
    return found
