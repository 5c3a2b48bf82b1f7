"""The strict grammar of the nft commands and of the lines of nft files that are suggested (nft(8)).

It shares nothing with what renders them: known words only, each once and in order, each value of its type.
"""

from __future__ import annotations

import re

from syslogparse.languages.firewall_words import are_flags, are_ports, is_interface, is_number, is_port_or_range, version_of

_OURS = "syslogparse_[0-9a-f]{8}"
_LONG = "syslogparse_[0-9a-f]{16}"
_CHAIN = "(?P<chain>input|forward|output)"
_COMMAND = re.compile(rf"nft 'insert rule (?P<family>inet|bridge) filter {_CHAIN} (?P<rest>[^']+?)(?: comment \"{_LONG}\")?'")
_UNDO = re.compile(
    r"nft -a list chain (?P<where>inet filter (?:input|forward|output)|bridge filter (?:input|forward)) "
    rf"\| sed -n 's/\.\*{_LONG}\. # handle //p' "
    r'\| while read -r handle; do nft delete rule (?P=where) handle "\$handle"; done'
)
_ADD = re.compile(
    rf"add rule (?P<family>inet|bridge) (?:{_OURS} |filter (?P<prefix>{_OURS}_)){_CHAIN} "
    r'(?P<rest>[^;]+?)(?P<comment> comment "[A-Za-z0-9 .,:/_-]{1,127}")?'
)
_FRAME = re.compile(
    rf"(?:add|delete) table (?:inet|bridge) {_OURS}|"
    rf"add chain inet {_OURS} (input|forward|output) {{ type filter hook \1 priority filter - 10; policy accept; }}|"
    rf"add chain bridge {_OURS} (input|forward) {{ type filter hook \2 priority filter - 10; policy accept; }}|"
    rf"create chain inet filter {_OURS}_(?:input|forward|output)|"
    rf"insert rule inet filter (input|forward|output) jump {_OURS}_\3|"
    rf"add set (?:(?:inet|bridge) {_OURS}|inet filter) {_LONG} "
    r"{ type ipv[46]_addr; flags interval, timeout; timeout 7d; }"
)
_MEMBERS = re.compile(rf"add element (?:(?:inet|bridge) {_OURS}|inet filter) {_LONG} {{ (?P<list>[0-9a-f.:/, ]+) }}")
_FLAGS = r"[a-z]+|\([a-z |]+\)"
_STATEMENT = re.compile(
    r'(?:iifname "(?P<in>[^" ]+)" )?(?:oifname "(?P<out>[^" ]+)" )?'
    r"(?:meta (?P<net>nfproto ipv4|nfproto ipv6|protocol ip|protocol ip6) )?"
    rf"(?:(?P<srcip>ip6?) saddr (?P<src>@{_LONG}|\{{ [0-9a-f.:/, ]+ \}}|[0-9a-f.:/]+) )?"
    r"(?:(?P<dstip>ip6?) daddr (?P<dst>[0-9a-f.:/]+) )?"
    rf"(?P<flags>tcp flags & (?P<mask>{_FLAGS}) == (?P<set>0x0|{_FLAGS}) )?"
    r"(?:(?P<ported>tcp|udp) dport (?P<ports>[0-9-]+|\{ [0-9, -]+ \}) "
    r"|(?P<icmp>icmp|icmpv6) type (?P<type>[0-9]{1,3}) (?:(?P=icmp) code (?P<code>[0-9]{1,3}) )?"
    r"|meta l4proto (?:(?P<number>[0-9]{1,3})|tcp|udp|udplite|(?P<word>icmp|icmpv6|igmp)|esp|ah|gre|dccp|sctp) )?"
    r"(?P<verdict>accept|drop)"
)
_FACES = {"input": ("in",), "output": ("out",), "forward": ("in", "out")}
_ONLY = {4: ("icmp", "igmp"), 6: ("icmpv6",)}
_MODEL = {"ecn": "ECE"}


def check(text: str) -> bool:
    """Whether ``text`` is one line of the kinds that are suggested, stand in a file for nft, or take back what was suggested.

    Strict: known words only, each once and in order, each value of its type, single blanks.
    """
    if text == "#" or text.startswith("# "):
        return text.isprintable()
    if text.startswith("nft "):
        command = _COMMAND.fullmatch(text)
        return bool(_UNDO.fullmatch(text)) if command is None else _is_statement(command, file=False)
    if _FRAME.fullmatch(text):
        return True
    if members := _MEMBERS.fullmatch(text):
        versions = {version_of(member) for member in members["list"].split(", ")}
        return versions in ({4}, {6})
    found = _ADD.fullmatch(text)
    return found is not None and _is_statement(found, file=True)


def _is_statement(line: re.Match[str], *, file: bool) -> bool:
    family, chain = line["family"], line["chain"]
    found = _STATEMENT.fullmatch(line["rest"])
    if found is None or (family == "bridge" and chain == "output"):
        return False
    if file and (line["prefix"] is None) != (found["verdict"] == "drop"):
        return False
    if family == "bridge" and found["verdict"] == "accept":
        return False
    names = {face: found[face] for face in ("in", "out") if found[face] is not None}
    if tuple(names) != _FACES[chain] or not all(map(is_interface, names.values())):
        return False
    version = _version(family, found, file=file)
    if version is None or (found["icmp"] or found["word"] or "") not in ("", *_ONLY[version]):
        return False
    return _is_protocol(found)


def _version(family: str, found: re.Match[str], *, file: bool) -> int | None:
    """4 or 6 where the statement is for just that, said once and by addresses in their canonical form; None where not."""
    versions: set[int | None] = set()
    if found["net"]:
        if found["src"] or found["dst"] or (family == "bridge") != found["net"].startswith("protocol"):
            return None
        versions.add(6 if found["net"].endswith("6") else 4)
    for word, value in ((found["srcip"], found["src"]), (found["dstip"], found["dst"])):
        if value is None:
            continue
        said = 6 if word == "ip6" else 4
        versions.add(said)
        if value[0] == "@":
            versions.add(said if file else None)
        elif value[0] == "{":
            listed = value[2:-2].split(", ")
            versions |= {version_of(one) for one in listed} if len(listed) > 1 and not file else {None}
        else:
            versions.add(version_of(value))
    return versions.pop() if len(versions) == 1 else None


def _is_protocol(found: re.Match[str]) -> bool:
    """Whether something is said of the protocol, once, and ports, flags and types are such."""
    if found["flags"]:
        if found["icmp"] or found["ported"] == "udp" or " l4proto " in found[0] or not _are_flags(found["mask"], found["set"]):
            return False
    elif not (found["ported"] or found["icmp"] or " l4proto " in found[0]):
        return False
    if ports := found["ports"]:
        return are_ports(ports[2:-2].split(", "), "-") if ports[0] == "{" else is_port_or_range(ports, "-")
    return all(found[key] is None or is_number(found[key], 0, 255) for key in ("type", "code", "number"))


def _are_flags(mask: str, wanted: str) -> bool:
    some = _flags(mask)
    return are_flags(some, [] if wanted == "0x0" else _flags(wanted)) and "" not in some


def _flags(text: str) -> list[str]:
    """The flags by the model's names; more than one of them stand in brackets."""
    words = text[1:-1].split(" | ") if text[0] == "(" else [text]
    return [""] if (len(words) > 1) != (text[0] == "(") else [_MODEL.get(word, word.upper()) for word in words]
