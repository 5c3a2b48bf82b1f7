import pytest

from syslogparse.rules.exposure import STEERING_ICMP
from syslogparse.rules.icmp import is_defined
from syslogparse.rules.judges import IPV6_NEEDS
from syslogparse.rules.risk import PATH_ICMP
from tests.rules.make import packet, reasons, suggest, suggestions

UNDEFINED = "ICMP type or code that is not defined: nobody needs it let in"


@pytest.mark.parametrize(
    ("family", "kind", "codes"),
    [
        (4, 8, {0}),
        (4, 3, set(range(16))),
        (4, 9, {0, 16}),
        (4, 1, set()),
        (4, 7, set()),
        (4, 255, set()),
        (4, 253, set(range(256))),
        (6, 128, {0}),
        (6, 138, {0, 1, 255}),
        (6, 2, {0}),
        (6, 0, set()),
        (6, 127, set()),
        (6, 155, set(range(256))),
    ],
)
def test_codes(family, kind, codes):
    assert {code for code in range(256) if is_defined(family, kind, code)} == codes
    assert is_defined(family, kind, None) == bool(codes)


def test_all_that_the_other_tables_name_is_defined():
    for family in (4, 6):
        for kind in STEERING_ICMP[family] | PATH_ICMP[family] | (IPV6_NEEDS if family == 6 else set()):
            assert is_defined(family, kind, 0)


def icmp(kind, code, **fields):
    return packet(3, proto=b"icmp", dpt=b"", flags=b"", icmp_type=b"%d" % kind, icmp_code=b"%d" % code, **fields)


@pytest.mark.parametrize("kind_and_code", [(8, 2), (1, 0), (8, 255)])
@pytest.mark.parametrize("intent", ["auto", "allow"])
def test_nothing_is_let_in_that_icmp_does_not_have(kind_and_code, intent):
    assert reasons(icmp(*kind_and_code), intent=intent) == {UNDEFINED: 3}
    assert suggest(icmp(8, 0), intent=intent).rule.icmp_code == 0


def test_it_can_be_blocked_and_what_this_machine_sends_is_a_finding():
    assert suggest(icmp(8, 2), intent="block").rule.icmp_code == 2
    assert suggest(icmp(8, 2, in_=b"", out=b"eth0")).intent == "alert"


def test_a_sweep_with_it_is_one():
    (one,) = suggestions(*(icmp(8, 2, dst=b"192.0.2.%d" % n) for n in range(20)))
    assert one.intent == "block"
