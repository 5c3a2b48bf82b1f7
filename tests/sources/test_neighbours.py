import os
import socket
import struct
import time
from ipaddress import ip_address

import pytest

from syslogparse.sources import neighbours as n
from syslogparse.sources.neighbours import Neighbours, neighbours

FIB_TRIE = """Main:
  +-- 0.0.0.0/0 3 0 5
     |-- 0.0.0.0
        /0 universe UNICAST
     +-- 192.0.2.0/24 2 0 2
        |-- 192.0.2.0
           /24 link UNICAST
Local:
  +-- 0.0.0.0/0 3 0 5
     +-- 127.0.0.0/8 2 0 2
        |-- 127.0.0.1
           /32 host LOCAL
        |-- 127.255.255.255
           /32 link BROADCAST
     |-- 192.0.2.2
        /32 host LOCAL
     |-- 192.0.2.200
        /32 host LOCAL
     |-- 192.0.2.255
        /32 link BROADCAST
"""
IF_INET6 = """00000000000000000000000000000001 01 80 10 80       lo
20010db8000000000000000000000002 04 40 00 82     eth0
fe8000000000000000fc00fffe000001 04 40 20 80     eth0
"""
DEV = """Inter-|   Receive                                                |  Transmit
 face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed
    lo:    9579      87    0    0    0     0          0         0     9579      87    0    0    0     0       0          0
  eth0: 2124933064   56710    0    0    0     0          0         0  3597658   35572    0    0    0     0       0          0
v-a.b@7:123456789   1    0    0    0     0          0         0  1   1    0    0    0     0       0          0
"""
SSHD = "# Port 99\nPort 2222\n  port=2200\nListenAddress 192.0.2.2:2022\nListenAddress [2001:db8::2]:2023\nListenAddress ::\n"
SSHD += "Port x\nPort 70000\nPort\n"


def words(address: str) -> str:
    """As the kernel prints it: words of four octets as the machine reads them."""
    packed = ip_address(address).packed
    return "".join(f"{word:08X}" for word in struct.unpack(f"={len(packed) // 4}I", packed))


def connection(here, port, there, state="01"):
    rest = "00000000:00000000 00:00000000 00000000     0        0 620 1"
    return f"   0: {words(here)}:{port:04X} {words(there)}:C000 {state} {rest}\n"


HEAD = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"


@pytest.fixture
def machine(tmp_path):
    def make(**files):
        for name, text in files.items():
            path = tmp_path / NAMES[name]
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return str(tmp_path)

    return make


NAMES = {
    "fib_trie": "proc/net/fib_trie",
    "dev": "proc/net/dev",
    "if_inet6": "proc/net/if_inet6",
    "route": "proc/net/route",
    "ipv6_route": "proc/net/ipv6_route",
    "tcp": "proc/net/tcp",
    "tcp6": "proc/net/tcp6",
    "resolv": "etc/resolv.conf",
    "resolved": "run/systemd/resolve/resolv.conf",
    "sshd": "etc/ssh/sshd_config",
    "sshd_part": "etc/ssh/sshd_config.d/50-site.conf",
    "sshd_other": "etc/ssh/sshd_config.d/50-site.conf.orig",
    "session": "run/systemd/sessions/7",
    "session2": "run/systemd/sessions/c9",
    "session_ref": "run/systemd/sessions/7.ref",
}


def test_nothing_there_is_nothing_known(tmp_path):
    assert neighbours({}, str(tmp_path)) == Neighbours()
    assert neighbours({}, "/dev/null") == Neighbours()


def test_own_addresses(machine):
    found = neighbours({}, machine(fib_trie=FIB_TRIE, if_inet6=IF_INET6))
    assert found == Neighbours(own=("192.0.2.2", "192.0.2.200", "2001:db8::2", "fe80::fc:ff:fe00:1"))


def test_interfaces(machine):
    assert neighbours({}, machine(dev=DEV)) == Neighbours(interfaces=("eth0", "lo", "v-a.b@7"))


def test_interfaces_that_were_read_in_part_are_not_known(machine, monkeypatch):
    monkeypatch.setattr(n, "_MOST_BYTES", len(DEV))
    assert neighbours({}, machine(dev=DEV)).interfaces == ()


def test_interfaces_of_this_machine():
    assert neighbours({}).interfaces == tuple(sorted(name for _, name in socket.if_nameindex()))


def test_gateways(machine):
    route = "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n"
    route += f"eth0\t00000000\t{words('192.0.2.254')}\t0003\t0\t0\t0\t00000000\t0\t0\t0 \n"
    route += f"tun0\t00000000\t{words('10.8.0.1')}\t0003\t0\t0\t0\t00000080\t0\t0\t0 \n"
    route += f"eth0\t{words('192.0.2.0')}\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0 \n"
    route += f"eth1\t00000000\t{words('192.0.2.7')}\t0002\t0\t0\t0\t00000000\t0\t0\t0 \n"
    none = "0" * 32
    route6 = f"{none} 00 {none} 00 fe800000000000000000000000000001 00000400 00000002 00000000 00000003     eth0\n"
    route6 += f"{none} 00 {none} 00 {none} ffffffff 00000001 00000000 00200200       lo\n"
    found = neighbours({}, machine(route=route, ipv6_route=route6))
    assert found == Neighbours(gateways=("10.8.0.1", "192.0.2.254", "fe80::1"))


def test_resolvers(machine):
    stub = "# made by hand: nameserver 192.0.2.66\nnameserver 127.0.0.53\nsearch example.org\noptions edns0\nnameserver\n"
    real = "nameserver 192.0.2.53\nnameserver fe80::53%eth0\n nameserver 192.0.2.54\nnameserver example.org\n"
    found = neighbours({}, machine(resolv=stub, resolved=real))
    assert found == Neighbours(resolvers=("192.0.2.53", "192.0.2.54", "fe80::53"))


def test_the_other_end_of_ssh(tmp_path):
    told = {"SSH_CONNECTION": "203.0.113.9 50000 192.0.2.2 2222", "SSH_CLIENT": "203.0.113.9 50000 2222"}
    assert neighbours(told, str(tmp_path)) == Neighbours(admins=("203.0.113.9",), admin_ports=(2222,))
    linked = {"SSH_CONNECTION": "fe80::9%eth0 50000 fe80::2%eth0 22"}
    assert neighbours(linked, str(tmp_path)) == Neighbours(admins=("fe80::9",), admin_ports=(22,))
    mapped = {"SSH_CLIENT": "::ffff:203.0.113.9 50000 22"}
    assert neighbours(mapped, str(tmp_path)).admins == ("203.0.113.9",)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x",
        "203.0.113.9",
        "203.0.113.9 1 2 3 4",
        "1.2.3.4.5 1 2 3",
        "\udcff 1 2 99999",
        "999 0 0 0",
        "-o x y 0",
        "127.0.0.1 1 ::1 x",
    ],
)
def test_an_environment_that_says_something_else(tmp_path, text):
    found = neighbours({"SSH_CONNECTION": text, "SSH_CLIENT": text}, str(tmp_path))
    assert found.admins == ()
    assert all(0 < port < 65536 for port in found.admin_ports)


def test_ports_of_sshd(machine):
    root = machine(sshd=SSHD, sshd_part='Port "2300"\n', sshd_other="Port 1\n")
    assert neighbours({}, root).admin_ports == (2022, 2023, 2200, 2222, 2300)
    assert neighbours({}, machine(sshd="PermitRootLogin no\n", sshd_part="")).admin_ports == (22,)


def test_sessions_of_logind_name_administrators(machine):
    session = "# This is private data. Do not parse.\nUID=1000\nREMOTE=1\nREMOTE_HOST={}\n"
    root = machine(
        session=session.format("203.0.113.9"), session2=session.format("host.example"), session_ref=session.format("203.0.113.66")
    )
    assert neighbours({}, root) == Neighbours(admins=("203.0.113.9",))


def test_where_nobody_names_them_the_connections_to_sshd_do(machine):
    tcp = HEAD + connection("0.0.0.0", 22, "0.0.0.0", "0A") + connection("192.0.2.2", 22, "203.0.113.9")
    tcp += connection("192.0.2.2", 22, "203.0.113.77", "06") + connection("192.0.2.2", 80, "203.0.113.78")
    tcp += connection("192.0.2.2", 50000, "203.0.113.79")
    tcp6 = HEAD + connection("::ffff:192.0.2.2", 2222, "::ffff:203.0.113.10") + connection("2001:db8::2", 22, "2001:db8::9")
    tcp6 += (
        connection("::1", 22, "::1")
        + "   9: 00000000:0016 XYZ:0001 01\n 1: 2\n"
        + connection("2001:db8::2", 22, "2001:db8::8")[:60]
    )
    root = machine(tcp=tcp, tcp6=tcp6, sshd="Port 22\nPort 2222\n")
    found = neighbours({}, root)
    assert found == Neighbours(
        own=("192.0.2.2", "2001:db8::2"), admins=("203.0.113.9", "203.0.113.10", "2001:db8::9"), admin_ports=(22, 2222)
    )
    assert neighbours({"SSH_CLIENT": "198.51.100.1 1 22"}, root).admins == ("198.51.100.1",)


def test_without_sshd_the_table_of_connections_is_not_asked(machine, monkeypatch):
    root = machine(tcp=HEAD + connection("192.0.2.2", 22, "203.0.113.9"))
    read: list[str] = []

    def nothing(path, *_):
        read.append(path)
        return b""

    monkeypatch.setattr(n, "_read", nothing)
    assert neighbours({}, root) == Neighbours()
    assert not any("tcp" in path for path in read)


@pytest.mark.parametrize("name", sorted(NAMES))
@pytest.mark.parametrize(
    "text", [b"", b"\n\n", b"\xff\xfe\0" * 99, b"|-- \n|-- x", b"nameserver \xff\nnameserver", b"a " * 5000, b"1 " * 30 + b"\n"]
)
def test_anything_else_gives_nothing(machine, name, text):
    found = neighbours({}, machine(**{name: text}))
    assert found._replace(admin_ports=()) == Neighbours()


@pytest.mark.parametrize("cut", range(0, len(FIB_TRIE), 37))
def test_what_is_cut_off_gives_what_stands_before(machine, cut):
    own = neighbours({}, machine(fib_trie=FIB_TRIE[:cut])).own
    assert own in ((), ("192.0.2.2",), ("192.0.2.2", "192.0.2.200"))


def test_reads_are_small_and_bounded(machine, monkeypatch):
    sizes: list[int] = []
    read = os.read

    def noting(descriptor, size):
        sizes.append(size)
        return read(descriptor, size)

    monkeypatch.setattr(os, "read", noting)
    leaf = "     |-- 10.{}.{}.1\n        /32 host LOCAL\n"
    text = "".join(leaf.format(number // 256 % 256, number % 256) for number in range(300_000))
    found = neighbours({}, machine(fib_trie=text))
    assert len(found.own) == n._MOST_ADDRESSES
    assert max(sizes) <= n._PIECE
    assert len(sizes) < 2 * n._MOST_BYTES // n._PIECE


def test_a_pipe_in_the_place_of_a_file_holds_nobody_up(tmp_path):
    (tmp_path / "etc").mkdir()
    os.mkfifo(tmp_path / "etc/resolv.conf")
    assert neighbours({}, str(tmp_path)) == Neighbours()


def test_this_machine_is_known_as_the_kernel_shows_it():
    """The addresses that a socket of this machine has are among its own."""
    own = neighbours({}).own
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        try:
            sock.connect(("198.51.100.1", 9))  # nothing is sent
        except OSError:
            return  # no route: no address to be found either
        assert sock.getsockname()[0] in own


def test_it_takes_little_time(machine):
    root = machine(fib_trie=FIB_TRIE, if_inet6=IF_INET6, sshd=SSHD, tcp=HEAD, tcp6=HEAD)
    best = min(_timed(root) for _ in range(20))
    assert best < 0.003


def _timed(root):
    start = time.process_time()
    neighbours({}, root)
    return time.process_time() - start
