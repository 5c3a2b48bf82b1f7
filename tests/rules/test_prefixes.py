import time
from fractions import Fraction
from ipaddress import ip_address, ip_network

from hypothesis import given
from hypothesis import strategies as st

from syslogparse.rules.network import Spans, bounds
from syslogparse.rules.prefixes import SHARE, exact, few, may_be_united

BASE = int(ip_address("203.0.113.0"))
BASE6 = int(ip_address("2001:db8::"))
SEEN = st.sets(st.integers(0, 63), max_size=64)
NOBODY = Spans([])


def _networks(seen, protected=NOBODY, family=4, base=BASE):
    return [ip_network(text) for text in few(family, [(base + one, base + one) for one in seen], protected)]


@given(SEEN, st.sets(st.integers(0, 63), max_size=3), st.sampled_from([(4, BASE), (6, BASE6)]))
def test_covering_networks_obey_the_share_and_spare_the_protected(seen, spared, where):
    family, base = where
    seen -= spared
    found = _networks(seen, Spans((base + one, base + one) for one in spared), family, base)
    for network in found:
        inside = [one for one in seen if base + one >= int(network[0]) and base + one <= int(network[-1])]
        assert Fraction(len(inside), network.num_addresses) >= Fraction(*SHARE)
        assert not any(int(network[0]) <= base + one <= int(network[-1]) for one in spared)
    for one in seen:
        assert sum(int(network[0]) <= base + one <= int(network[-1]) for network in found) == 1
    assert found == sorted(found)


@given(SEEN, st.randoms())
def test_the_order_does_not_matter(seen, random):
    assert _networks(seen) == _networks(random.sample(sorted(seen), len(seen)))


@given(SEEN)
def test_no_two_networks_could_be_one(seen):
    found = _networks(seen)
    for network in found:
        if (wider := network.supernet()).prefixlen >= 26:
            inside = sum(int(wider[0]) <= BASE + one <= int(wider[-1]) for one in seen)
            assert Fraction(inside, wider.num_addresses) < Fraction(*SHARE)


@given(SEEN)
def test_the_exact_ones_hold_nothing_else(seen):
    texts = exact(4, [(BASE + one, BASE + one) for one in seen])
    assert {int(address) for text in texts for address in ip_network(text)} == {BASE + one for one in seen}


def test_three_of_four_are_most_of_them():
    assert _networks({0, 1, 2}) == [ip_network("203.0.113.0/30")]
    assert _networks({0, 1}) == [ip_network("203.0.113.0/31")]
    assert _networks({0, 2}) == [ip_network("203.0.113.0"), ip_network("203.0.113.2")]
    assert _networks(set(range(64)) - {5, 17}) == [ip_network("203.0.113.0/26")]


def test_a_protected_address_splits_what_would_cover_it():
    protected = Spans([(BASE + 3, BASE + 3)])
    assert _networks({0, 1, 2}, protected) == [ip_network("203.0.113.0/31"), ip_network("203.0.113.2")]


def test_nothing_is_wider_than_the_widest():
    low, high = bounds("10.0.0.0/14")[1:]
    assert few(4, [(low, high)], NOBODY) == [f"10.{second}.0.0/16" for second in range(4)]
    low, high = bounds("2001:db8::/46")[1:]
    assert few(6, [(low, high)], NOBODY) == [f"2001:db8:{third:x}::/48".replace(":0::", "::") for third in range(4)]


def test_what_may_be_united():
    assert all(map(may_be_united, ["192.0.2.1", "10.1.0.0/16", "2001:db8::/48", "::1"]))
    assert not any(map(may_be_united, ["10.0.0.0/15", "2001:db8::/47", "0.0.0.0/0", "::/0"]))


def test_many_scattered_and_many_dense_addresses_take_no_time():
    scattered = [(n * 40_503 % (1 << 32),) * 2 for n in range(100_000)]
    dense = [(BASE + n, BASE + n) for n in range(0, 300_000, 2)] + [(BASE + n, BASE + n) for n in range(1, 300_000, 4)]
    deep = [(BASE6 + (n << 8), BASE6 + (n << 8)) for n in range(50_000)]
    start = time.process_time()
    assert len(few(4, scattered, NOBODY)) == 100_000
    assert len(few(4, dense, NOBODY)) < 40
    assert len(few(6, deep, NOBODY)) == 50_000
    assert time.process_time() - start < 20
