import pytest

from syslogparse.rules.apparmor_model import IoUringRule, MessageQueueRule, MountRule, NetworkRule, SignalRule, UserNamespaceRule
from syslogparse.rules.apparmor_target import LATEST, fitted
from syslogparse.rules.merge import Refused

NEWER = [MessageQueueRule(("open",), "posix", b"/q"), IoUringRule(("sqpoll",)), UserNamespaceRule()]


@pytest.mark.parametrize("rule", NEWER)
def test_what_an_old_parser_has_no_words_for(rule):
    assert fitted(rule, (4, 0)) == (rule, "")
    with pytest.raises(Refused, match="too old"):
        fitted(rule, (3, 1))


def test_sockets_get_wider():
    rule = NetworkRule("inet", "stream", ("send",), "1.2.3.4")
    assert fitted(rule, LATEST) == (rule, "")
    plain, note = fitted(rule, (3, 0))
    assert plain == NetworkRule("inet", "stream")
    assert "AppArmor 3.0" in note
    assert fitted(plain, (3, 0)) == (plain, "")


def test_options_get_wider():
    rule = MountRule(umount=False, fstype=b"", options=("lazytime", "rw"), source=b"", target=b"/")
    assert fitted(rule, (3, 0)).rule == MountRule(umount=False, fstype=b"", options=(), source=b"", target=b"/")
    assert fitted(rule, (4, 1)).rule == rule


def test_the_rest_stays():
    rule = SignalRule(("send",), ("hup",), b"x")
    assert fitted(rule, (2, 13)) == (rule, "")
