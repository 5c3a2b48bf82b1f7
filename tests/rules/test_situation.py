from syslogparse.rules.network import Network
from syslogparse.rules.packet import read_packet
from syslogparse.rules.situation import situation_of
from syslogparse.rules.wanted import Wanted
from tests.rules.make import NETFILTER


def seen(*changes, **network):
    packets = [read_packet(NETFILTER._replace(**fields)) for fields in changes]
    return situation_of(packets, Wanted(network=Network(**network)))


def ports(**fields):
    return [{"dpt": b"%d" % port, **fields} for port in range(1, 30)]


def test_who_probes():
    assert seen(*ports()).scanners == {"192.0.2.2": "tcp"}
    assert seen(*ports(flags=b"ACK")).scanners == {"192.0.2.2": "tcp"}
    assert seen(*ports(flags=b"FIN")).scanners == {"192.0.2.2": "tcp"}


def test_what_is_no_probe():
    for fields in (
        {"prefix": b"[UFW ALLOW]"},
        {"prefix": b"[UFW AUDIT]"},
        {"in_": b"", "out": b"eth0"},
        {"in_": b"lo"},
        {"flags": b"ACK SYN"},
        {"flags": b"RST"},
        {"src": b"127.0.0.1"},
        {"dst": b"224.0.0.1"},
    ):
        assert seen(*ports(**fields)).scanners == {}
    assert seen(*ports(), own=("192.0.2.2",)).scanners == {}
    assert seen(*ports(src=b"10.0.0.1"), wan=("eth0",)).scanners == {}


def test_forgers_sent_flags_that_no_connection_has():
    assert seen({"flags": b"FIN"}, {"src": b"192.0.2.3"}).forgers == {"192.0.2.2"}


def test_knocks_of_scanners_say_nothing_about_a_port():
    many = [{"src": b"%d.1.1.1" % n, "dpt": b"%d" % port} for n in range(20, 40) for port in range(22, 40)]
    packet = read_packet(NETFILTER._replace(src=b"20.1.1.1"))
    assert not seen(*many).services.is_knocked(packet)
    assert seen(*(fields for fields in many if fields["dpt"] == b"22")).services.is_knocked(packet)


def test_trusted_sources_and_private_ones_are_no_strangers():
    many = [{"src": b"%d.1.1.1" % n} for n in range(20, 40)]
    packet = read_packet(NETFILTER._replace(src=b"20.1.1.1"))
    assert not seen(*many, trusted=("0.0.0.0/1",)).services.is_knocked(packet)
    private = [{"src": b"10.%d.1.1" % n} for n in range(20, 40)]
    assert not seen(*private).services.is_knocked(packet)


def bridged(src, dst, way=(b"eth0", b"eth1")):
    return {"src": src, "dst": dst, "in_": b"br0", "out": b"br0", "physin": way[0], "physout": way[1]}


def test_who_sits_inside():
    strangers = [b"%d.1.1.1" % n for n in range(20, 30)]
    many = [bridged(src, b"192.0.2.9") for src in strangers]
    ours = bridged(b"192.0.2.9", b"20.1.1.1", (b"eth1", b"eth0"))
    other_side = bridged(b"192.0.2.9", b"20.1.1.1")
    assert seen(*many).is_inside(read_packet(NETFILTER._replace(**ours)))
    assert seen(*many).is_inside(read_packet(NETFILTER._replace(src=b"192.0.2.9", in_=b"eth1")))
    assert not seen(*many).is_inside(read_packet(NETFILTER._replace(**other_side)))
    assert not seen(*many[1:]).is_inside(read_packet(NETFILTER._replace(**ours)))
    one_network = [bridged(b"20.1.%d.1" % n, b"192.0.2.9") for n in range(200)]
    assert not seen(*one_network).is_inside(read_packet(NETFILTER._replace(**ours)))


def test_noise_is_quieted_for_all_unless_somebody_is_never_to_be_blocked():
    assert seen().any_source
    assert not seen(never_block=("192.0.2.9",)).any_source
    assert not situation_of([], Wanted(exact=True)).any_source
