"""The shapes of every program that writes logged packets: nftables, ebtables, ulogd, ufw, firewalld, shorewall and others."""

import contextlib
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syslogparse.evidence import address, netfilter, transport
from syslogparse.evidence.model import Fields, Undecodable

MAC = b"MAC=52:54:00:aa:bb:01:52:54:00:aa:bb:02:08:00 "
MACS = {"mac_dst": b"52:54:00:aa:bb:01", "mac_src": b"52:54:00:aa:bb:02"}
IP = b"SRC=198.51.100.7 DST=203.0.113.9 "
TCP = IP + b"LEN=60 TOS=0x00 PREC=0x00 TTL=52 ID=4711 DF PROTO=TCP SPT=40000 DPT=22 WINDOW=64240 RES=0x00 SYN URGP=0 "
IN = b"IN=eth0 OUT= " + MAC
ENDS = {"src": b"198.51.100.7", "dst": b"203.0.113.9"}
SYN = {**ENDS, "length": 60, "ttl": 52, "proto": b"tcp", "spt": 40000, "dpt": 22, "tcp_flags": [b"SYN"]}
WHOLE = {"in": b"eth0", **MACS, **SYN}
IP6 = b"SRC=2001:0db8:0000:0000:0000:0000:0000:0002 DST=2001:0db8:0000:0000:0000:0000:0000:0001 "
ENDS6 = {"src": b"2001:db8::2", "dst": b"2001:db8::1"}


def why(message: bytes) -> str:
    with pytest.raises(Undecodable) as caught:
        netfilter.decode(message)
    return caught.value.reason


PREFIXES = [
    *(b"[UFW %b] " % word for word in (b"BLOCK", b"ALLOW", b"AUDIT", b"LIMIT BLOCK", b"AUDIT INVALID")),
    *(b"FINAL_REJECT: ", b"filter_IN_public_REJECT: ", b"STATE_INVALID_DROP: ", b"IN_public_DROP: ", b'"filter_FWD_x_DROP: "'),
    *(b"Shorewall:net2fw:DROP:", b"Shorewall:INPUT:REJECT:", b"net-fw DROP ", b"policy DROP: ", b"SFW2-INext-DROP-DEFLT "),
    *(b"REJECT wan in: ", b"DROP(src wan)", b"[1] SID1234 ESTAB ", b"[+] fwsnort ", b"TRACE: raw:PREROUTING:policy:2 "),
    *(b"nf_ct_proto_6: invalid packet ignored in state SYN_SENT  ", b"[wan-lan-default-D]", b"[FW_ADT]D=O CD=O ", b"IN-world:"),
    *(
        b'[WAN_LOCAL-D-2147483647] DESCR="[WAN_LOCAL]Block all" ',
        b"input: ",
        b"usb tether: ",
        b"cgroup: ",
        b"hid-x: ",
        b"processes: ",
        b"[STATE=invalid] ",
    ),
    *(
        b"OUTPUT DROP ",
        b"PREROUTING",
        b"INVALID: ",
        b"\xe2\x9b\x94 ",
        b"IN=",
        b"[",
        b"]",
        b"=",
        b"PHYS",
        b"a OUT=",
        b"SRC=6.6.6.6 ",
    ),
    *(
        b"IN=evil OUT= ",
        b"IN=evil OUT= SRC=6.6.6.6 DST=7.7.7.7 ",
        b"IN=evil MAC= SRC=6.6.6.6 DST=7.7.7.7 ",
        b"OUT=evil SRC=6.6.6.6 ",
    ),
    *(b"IN=evil OUT=evil PROTO=UDP DPT=9 [SRC=6.6.6.6 ", b"IN=evil PHYSIN=evil OUT=evil PHYSOUT=evil UID=0 MARK=0x6 "),
]


@pytest.mark.parametrize("prefix", PREFIXES)
def test_prefixes(prefix: bytes):
    for text, rest in ((IN, WHOLE), (b"IN= OUT=eth1 ", {"out": b"eth1", **SYN})):
        assert netfilter.decode(prefix + text + TCP) == {"prefix": prefix.strip(b" "), **rest}


BRIDGE = {"in": b"br0", "out": b"br0", "physin": b"eth0", "physout": b"eth1", **SYN}


@pytest.mark.parametrize("prefix", [b"", b"glued:", b"IN=evil OUT= SRC=6.6.6.6 DST=7.7.7.7 "])
@pytest.mark.parametrize(
    ("text", "fields"),
    [
        (b"IN=br0 OUT=br0 PHYSIN=eth0 PHYSOUT=eth1 ", BRIDGE),
        (b"IN=br0 PHYSIN=eth0 OUT=br0 PHYSOUT=eth1 ", BRIDGE),
        (b"IN=br0 OUT=br0 PHYSIN=eth0 PHYSOUT=eth1 " + MAC, {**BRIDGE, **MACS}),
        (b"IN=eth0  OUT= " + MAC, WHOLE),
        (b"IN=eth0 " + MAC, WHOLE),
        (b"IN=eth0 ", {"in": b"eth0", **SYN}),
        (b"IN=br0 PHYSIN=eth0 ", {"in": b"br0", "physin": b"eth0", **SYN}),
        (b"IN=eth0 OUT= MACSRC=52:54:00:aa:bb:02 MACDST=52:54:00:aa:bb:01 MACPROTO=0800 ", WHOLE),
        (b"IN=eth0 OUT= MACSRC=52:54:00:aa:bb:02 MACDST=52:54:00:aa:bb:01 VPROTO=8100 VID=5 MACPROTO=0800 ", WHOLE),
        (b"IN=eth0.5 OUT= ", {"in": b"eth0.5", **SYN}),
        (b"IN=ppp0 OUT= MAC= ", {"in": b"ppp0", **SYN}),
        (IN[:-6] + b"86:dd:ff:ff:00:11:22 ", WHOLE),
        (
            b"IN=tun0 OUT= MAC=45:00:00:3c:00:00:40:00:40:06:00:00:c0:00:02:01:c0:00:02:02 TUNNEL=192.0.2.1->192.0.2.2 ",
            {"in": b"tun0", "mac_dst": b"45:00:00:3c:00:00", "mac_src": b"40:00:40:06:00:00", **SYN},
        ),
        (b"IN=eth0 OUT= MAC=[removed] ", {"in": b"eth0", **SYN}),
        (b"IN=eth0 OUT= MAC=xx:xx:xx:xx:xx:xx:xx:xx:xx:xx:xx:xx:08:00 ", {"in": b"eth0", **SYN}),
    ],
)
def test_ways_in(prefix: bytes, text: bytes, fields: Fields):
    assert netfilter.decode(prefix + text + TCP) == ({"prefix": prefix.strip()} if prefix else {}) | fields


def test_nothing_but_out():
    assert netfilter.decode(b"drop: OUT=eth1 " + TCP) == {"prefix": b"drop:", "out": b"eth1", **SYN}
    assert netfilter.decode(b"drop: OUT=br0 PHYSOUT=eth1 " + TCP) == {
        "prefix": b"drop:",
        "out": b"br0",
        "physout": b"eth1",
        **SYN,
    }
    # Here something says IN=, in an order that nobody has.
    assert why(b"IN=eth0 new=1 OUT=eth1 " + TCP) == "not a complete record"
    assert why(b"IN=eth0 SRC=198.51.100.7 ") == "not a complete record"


def test_a_name_is_no_place_to_start():
    assert netfilter.decode(b"IN=eth0 OUT=IN=x " + MAC + TCP)["out"] == b"IN=x"
    assert netfilter.decode(b"IN=eth0 OUT=aIN=b " + MAC + TCP)["out"] == b"aIN=b"
    assert netfilter.decode(b"IN=eth0 OUT=br0 PHYSIN=IN=x " + TCP)["physin"] == b"IN=x"


UPPER = [
    (b"PROTO=TCP SPT=1 DPT=2 SEQ=7 ACK=0 WINDOW=9 RES=0x00 ACK PSH URGP=0 ", {"spt": 1, "dpt": 2, "tcp_flags": [b"ACK", b"PSH"]}),
    (b"PROTO=TCP SPT=1 DPT=2 SEQ=7 ACK=1 WINDOW=9 SYN URGP=0 MARK=0 ", {"spt": 1, "dpt": 2, "tcp_flags": [b"SYN"], "mark": b"0"}),
    (b"PROTO=TCP SPT=1 DPT=2 SEQ=7 ACK=1 WINDOW=9 URGP=0 MARK=1a0000 ", {"spt": 1, "dpt": 2, "mark": b"1a0000"}),
    (b"PROTO=TCP SPT=1 DPT=2 WINDOW=9 RES=0x00 URGP=0 OPT (TRUNCATED)MARK=0x1 ", {"spt": 1, "dpt": 2}),
    (b"PROTO=TCP SPT=1 DPT=2 WINDOW=9 SYN", {"spt": 1, "dpt": 2, "tcp_flags": [b"SYN"]}),
    (b"PROTO=TCP SPT=1 DPT=2 WINDOW=9 RES=0x00 ACK RST URGn=0 ", {"spt": 1, "dpt": 2, "tcp_flags": [b"ACK", b"RST"]}),
    (b"PROTO=TCP INCOMPLETE [12 bytes] UID=0 GID=0 ", {"uid": 0, "gid": 0}),
    (b"PROTO=TCP INCOMPLETEUID=1000 GID=100 ", {"uid": 1000, "gid": 100}),
    (b"PROTO=TCP ", {}),
    (b"PROTO=UDP SPT=1 DPT=2 LEN=9 ", {"spt": 1, "dpt": 2}),
    (b"PROTO=UDPLITE SPT=1 DPT=2 LEN=9 MARK=0xff00 ", {"spt": 1, "dpt": 2, "mark": b"0xff00"}),
    (b"PROTO=UDP INCOMPLETE [2 bytes] ", {}),
    (b"PROTO=SCTP SPT=1 DPT=2 ", {"spt": 1, "dpt": 2}),
    (b"PROTO=DCCP SPT=1 DPT=2 ", {"spt": 1, "dpt": 2}),
    (b"PROTO=132 ", {"proto": b"sctp"}),
    (b"PROTO=2 ", {"proto": b"igmp"}),
    (b"PROTO=ESP SPI=0xcb886522 ", {}),
    (b"PROTO=AH INCOMPLETE [4 bytes] ", {}),
    (b"PROTO=ICMP TYPE=8 CODE=0 ID=227 SEQ=1 ", {"icmp_type": 8, "icmp_code": 0}),
    (b"PROTO=ICMP TYPE=12 CODE=0 PARAMETER=20 ", {"icmp_type": 12, "icmp_code": 0}),
    (b"PROTO=ICMP TYPE=5 CODE=1 GATEWAY=192.0.2.254 [%b] " % (TCP + b"DPT=9"), {"icmp_type": 5, "icmp_code": 1}),
    (b"PROTO=ICMP TYPE=3 CODE=4 [%b] MTU=1400 MARK=0x5 " % TCP, {"icmp_type": 3, "icmp_code": 4, "mark": b"0x5"}),
    (b"PROTO=ICMP TYPE=3 CODE=3 [%bTYPE=9 INCOMPLETE [8 bytes] ] UID=1 GID=2 " % IP,
     {"icmp_type": 3, "icmp_code": 3, "uid": 1, "gid": 2}),
    (b"PROTO=ICMP TYPE=11 CODE=0 [%b" % TCP, {"icmp_type": 11, "icmp_code": 0}),
    (b"PROTO=ICMP INCOMPLETE [3 bytes] ", {}),
    (b"PROTO=ICMP TYPE=8 CODE=0 INCOMPLETE [4 bytes] ", {"icmp_type": 8, "icmp_code": 0}),
    (b"MF FRAG:185 PROTO=UDP ", {}),
    (b"OPT (94040000) PROTO=2 OPT (0101) ", {"proto": b"igmp"}),
    (b"CE DF MF OPT (8702) PROTO=TCP SPT=1 DPT=2 WINDOW=9 RES=0x00 CWR ECE URG ACK PSH RST SYN FIN URGP=9 OPT (02) UID=5 GID=6 ",
     {"spt": 1, "dpt": 2, "tcp_flags": [*transport.FLAGS[1:]], "uid": 5, "gid": 6}),
    (b"PROTO=TCP SPT=1 DPT=2 WINDOW=9 RES=0x00 AE CWR ECE SYN URGP=0 ",
     {"spt": 1, "dpt": 2, "tcp_flags": [b"AE", b"CWR", b"ECE", b"SYN"]}),
    (b"NEW=1 newer PROTO=TCP SPT=1 FOO DPT=2 SPT=9 DPT=9 LEN=9 SRC=6.6.6.6 TTL=1 ", {"spt": 1, "dpt": 2}),
    (b"PROTO=TCP SPT=1 DPT=2 MARK=0x1/0xff ", {"spt": 1, "dpt": 2}),
]  # fmt: skip


@pytest.mark.parametrize(("above", "fields"), UPPER)
def test_protocols_and_options(above: bytes, fields: Fields):
    word = re.search(rb"PROTO=(\w+)", above)
    assert word is not None
    found = netfilter.decode(IN + IP + b"LEN=60 TOS=00 PREC=0xC0 TTL=52 ID=4711 DF " + above)
    assert found == {"in": b"eth0", **MACS, **ENDS, "length": 60, "ttl": 52, "proto": word[1].lower(), **fields}


@pytest.mark.parametrize(
    ("above", "fields"),
    [
        (b"PROTO=ICMPv6 TYPE=128 CODE=0 ID=3427 SEQ=1 ", {"proto": b"icmpv6", "icmp_type": 128, "icmp_code": 0}),
        (b"PROTO=ICMPv6 TYPE=143 CODE=0 MARK=0xd4", {"proto": b"icmpv6", "icmp_type": 143, "icmp_code": 0, "mark": b"0xd4"}),
        (b"PROTO=ICMPv6 TYPE=4 CODE=1 POINTER=00000028 [%bPROTO=58 ] " % IP6,
         {"proto": b"icmpv6", "icmp_type": 4, "icmp_code": 1}),
        (b"PROTO=ICMPv6 TYPE=2 CODE=0 [%bPROTO=UDP SPT=5 DPT=6 ] MTU=1280 " % IP6,
         {"proto": b"icmpv6", "icmp_type": 2, "icmp_code": 0}),
        (b"OPT ( FRAG:0 INCOMPLETE ID:04760c91 ) PROTO=UDP SPT=5 DPT=6 LEN=1448 ", {"proto": b"udp", "spt": 5, "dpt": 6}),
        (b"FRAG:1448 ID:04760c91 PROTO=UDP ", {"proto": b"udp"}),
        (b"FRAG: 1448 ID: 04760c91 PROTO=UDP ", {"proto": b"udp"}),
        (b"OPT ( ) OPT ( AH SPI=0x1 ) PROTO=TCP SPT=5 DPT=6 WINDOW=1 RES=0x00 RST URGP=0 ",
         {"proto": b"tcp", "spt": 5, "dpt": 6, "tcp_flags": [b"RST"]}),
        (b"OPT ( ESP SPI=0x1 )", {}),
        (b"", {}),
    ],
)  # fmt: skip
def test_ipv6(above: bytes, fields: Fields):
    found = netfilter.decode(b"six: IN= OUT=eth1 " + IP6 + b"LEN=104 TC=0 HOPLIMIT=64 FLOWLBL=868225 " + above)
    assert found == {"prefix": b"six:", "out": b"eth1", **ENDS6, "length": 104, "ttl": 64, **fields}


def test_ipv6_in_short():
    found = netfilter.decode(IN + b"SRC=2001:db8::2 DST=::ffff:192.0.2.1 LEN=60 TC=0 HOPLIMIT=64 FLOWLBL=0 PROTO=59 ")
    assert (found["src"], found["dst"], found["proto"]) == (b"2001:db8::2", b"::ffff:192.0.2.1", b"59")


ARP = b"ARP HTYPE=1 PTYPE=0x0800 OPCODE=1 MACSRC=52:54:00:aa:bb:02 IPSRC=198.51.100.7 MACDST=00:00:00:00:00:00 IPDST=203.0.113.9"
DECODED = b"MACSRC=52:54:00:aa:bb:02 MACDST=52:54:00:aa:bb:01 "


@pytest.mark.parametrize(
    ("text", "fields"),
    [
        (ARP, {"mac_src": b"52:54:00:aa:bb:02", "mac_dst": b"00:00:00:00:00:00"}),
        (DECODED + b"MACPROTO=0806 " + ARP, MACS),
        (DECODED + b"VPROTO=8100 VID=5 MACPROTO=0806 " + ARP, MACS),
        (b"ARP HTYPE=1 PTYPE=0x0800 OPCODE=1 INCOMPLETE [12 bytes]", {}),
        (b"ARP HTYPE=6 PTYPE=0x0800 OPCODE=1", {}),
        (DECODED + b"MACPROTO=88cc ", MACS),
        (MAC, MACS),
        (MAC + b"TRUNCATED", MACS),
        (b"MAC= TRUNCATED", {}),
        (DECODED + b"MACPROTO=0806 TRUNCATED", MACS),
    ],
)
def test_frames_without_an_ip_packet(text: bytes, fields: Fields):
    assert netfilter.decode(b"arp: IN=br0 OUT= " + text) == {"prefix": b"arp:", "in": b"br0", **fields}


FRAME = b"eb: IN=eth0 OUT=br0 MAC source = 52:54:00:aa:bb:02 MAC dest = 52:54:00:aa:bb:01 proto = 0x%b"
IP_FRAME = b" IP SRC=198.51.100.7 IP DST=203.0.113.9, IP tos=0x00, IP proto="


@pytest.mark.parametrize(
    ("text", "fields"),
    [
        (FRAME % b"0800" + IP_FRAME + b"6 SPT=40000 DPT=22", {**ENDS, "proto": b"tcp", "spt": 40000, "dpt": 22}),
        (FRAME % b"0800" + IP_FRAME + b"132 SPT=1 DPT=2", {**ENDS, "proto": b"sctp", "spt": 1, "dpt": 2}),
        (FRAME % b"0800" + IP_FRAME + b"1", {**ENDS, "proto": b"icmp"}),
        (FRAME % b"0800" + IP_FRAME + b"6 INCOMPLETE TCP/UDP header", {**ENDS, "proto": b"tcp"}),
        (FRAME % b"0800" + IP_FRAME.replace(b", IP tos", b",IP tos") + b"17 SPT=1 DPT=2 ", None),
        (FRAME % b"0800" + b" INCOMPLETE IP header", {}),
        (FRAME % b"0800", {}),
        (FRAME % b"88cc", {}),
        (
            FRAME % b"86dd" + b" IPv6 SRC=2001:db8::2 IPv6 DST=2001:db8::1, IPv6 priority=0x0, Next Header=17 SPT=5 DPT=53",
            {**ENDS6, "proto": b"udp", "spt": 5, "dpt": 53},
        ),
        (
            FRAME % b"0806" + b" ARP HTYPE=1, PTYPE=0x0800, OPCODE=1 ARP MAC SRC=52:54:00:aa:bb:02 ARP IP SRC=198.51.100.7"
            b" ARP MAC DST=00:00:00:00:00:00 ARP IP DST=203.0.113.9",
            {},
        ),
    ],
)
def test_ebtables(text: bytes, fields: Fields | None):
    if fields is None:
        # Nobody writes it so; an address that is none is no event.
        assert why(text) == "invalid address"
        return
    assert netfilter.decode(text) == {"prefix": b"eb:", "in": b"eth0", "out": b"br0", **MACS, **fields}


QUOTED = IN + TCP


@pytest.mark.parametrize(
    "text",
    [
        b"usb 1-1: Product: " + QUOTED,
        b"usb 1-1.4: Manufacturer: " + QUOTED,
        b"hid-generic 0003:046D:C31C.0001: input,hidraw0: USB HID v1.10 Keyboard [%b] on usb-0000:00:14.0-1/input0" % QUOTED,
        b"input: %bas /devices/pci0000:00/0000:00:14.0/usb1/1-1/1-1:1.0/0003:046D:C31C.0001/input/input5" % QUOTED,
        b"BTRFS: device label %bdevid 1 transid 6 /dev/sdb scanned by systemd-udevd (312)" % QUOTED,
        b'ptrace attach of "%b"[812] was attempted by "gdb"[813]' % QUOTED,
        b"process 'a' launched '/tmp/%b' with NULL argv: empty string added" % QUOTED,
        b"cgroup: fork rejected by pids controller in /user.slice/" + QUOTED,
        b"oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),cpuset=/,mems_allowed=0,oom_memcg=/user.slice/" + QUOTED,
        b"Memory cgroup stats for /user.slice/%b:" % QUOTED,
    ],
)
def test_what_the_kernel_only_quotes(text: bytes):
    assert why(text) == "not said by the kernel"
    assert why(b"[   12.345678] " + text) == "not said by the kernel"


@pytest.mark.parametrize(
    "task", [b"IN= OUT= MAC=", b"IN=a OUT= SRC=1", b"IN= OUT= SRC=::", b"IN=a OUT= LEN=1", b"IN= OUT= DST=::"]
)
@pytest.mark.parametrize(
    "message",
    [
        b"%b[812]: segfault at 0 ip 000055d0 sp 00007ffc error 6 in a[55d0+1000]",
        b"traps: %b[812] general protection fault ip:401136 sp:7ffc error:0 in a[401000+1000]",
        b"%b invoked oom-killer: gfp_mask=0xcc0(GFP_KERNEL), order=0, oom_score_adj=0",
        b"CPU: 1 PID: 812 Comm: %b Not tainted 6.12.9 #1",
    ],
)
def test_a_task_cannot_name_itself_into_the_evidence(message: bytes, task: bytes):
    assert len(task) <= 15
    with pytest.raises(Undecodable):
        netfilter.decode(message % task)


TOKENS = [*{*(IN + TCP).split(), *(b"IN=eth0 OUT=eth1 UID=0 GID=0 MARK=0x1 DPT=70000 SRC=1.2.3 TTL=999 [ ] [x] SYN").split()}]
PORTS = {
    "spt": 65535,
    "dpt": 65535,
    "ttl": 255,
    "icmp_type": 255,
    "icmp_code": 255,
    "length": 2**32 - 1,
    "uid": 2**32 - 1,
    "gid": 2**32 - 1,
}


def holds(fields: Fields) -> None:
    """What is true of every event."""
    for name, value in fields.items():
        if name in PORTS:
            assert isinstance(value, int)
            assert 0 <= value <= PORTS[name]
        elif name == "tcp_flags":
            assert isinstance(value, list)
            assert set(value) <= {*transport.FLAGS}
        else:
            assert isinstance(value, bytes)
            assert value
    for name in ("src", "dst"):
        if name in fields:
            assert address.canonical(fields[name]) == fields[name]  # type: ignore[arg-type]
    netfilter.key(fields)


@given(st.binary(max_size=20), st.lists(st.sampled_from(TOKENS) | st.binary(max_size=8), max_size=30))
def test_any_order_of_any_fields(prefix: bytes, tokens: list[bytes]):
    with contextlib.suppress(Undecodable):
        holds(netfilter.decode(prefix + b" ".join(tokens)))
    with contextlib.suppress(Undecodable):
        holds(netfilter.decode(prefix + b"IN=eth0 OUT= " + b" ".join(tokens)))


@given(st.permutations((MAC + TCP).split()), st.integers(0, 20))
def test_fields_in_any_order(tokens: list[bytes], count: int):
    whole = netfilter.decode(IN + TCP)
    shuffled = netfilter.decode(b"IN=eth0 OUT= " + b" ".join(tokens) + b" ")
    assert shuffled == whole
    with contextlib.suppress(Undecodable):
        some = netfilter.decode(b"IN=eth0 OUT= " + b" ".join(tokens[:count]) + b" ")
        assert some.items() <= whole.items() or "tcp_flags" in whole.keys() - some.keys()


@given(st.sampled_from([QUOTED, FRAME % b"0800" + IP_FRAME + b"6 SPT=1 DPT=2", b"IN=eth0 " + TCP, IN + ARP]), st.integers(0, 300))
def test_cut_lines(line: bytes, end: int):
    with contextlib.suppress(Undecodable):
        holds(netfilter.decode(line[:end]))
        holds(netfilter.decode(line[end:]))


@pytest.mark.parametrize("name", [b"SRC", b"DST", b"SPT", b"DPT", b"TTL", b"LEN", b"PROTO"])
def test_the_first_of_two_outside_brackets_counts(name: bytes):
    other = {b"SRC": b"6.6.6.6", b"DST": b"6.6.6.6", b"PROTO": b"UDP"}.get(name, b"6")
    assert netfilter.decode(IN + TCP + b"%b=%b " % (name, other)) == WHOLE
    assert netfilter.decode(IN + b"[%b=%b ] " % (name, other) + TCP) == WHOLE
    before = netfilter.decode(IN + b"%b=%b " % (name, other) + TCP)
    changed = [key for key in WHOLE if before.get(key) != WHOLE[key]]
    assert set(changed) <= {name.lower().decode(), "length", "tcp_flags"} - (set() if name == b"LEN" else {"length"})
    assert changed


def test_of_interest():
    for line in (QUOTED, b"sshd[1]: " + QUOTED, b"IN=eth0 " + TCP, b"OUT=eth0 " + TCP, b"IN=a OUT= x"):
        assert netfilter.is_interesting(line)
        assert any(literal in line or line.startswith(literal.strip()) for literal in netfilter.LITERALS)
    for line in (b"", b"IN=eth0", TCP, b"x OUT=eth0", b"[NEW] tcp src=1.2.3.4 DST=1.2.3.4", b"a DST=1.2.3.4 SRC=1.2.3.4 IN=eth0"):
        assert not netfilter.is_interesting(line)
