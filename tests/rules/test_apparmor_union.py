from syslogparse.languages.apparmor import render
from syslogparse.rules.apparmor_target import Choices
from tests.rules.make import denial, suggest, suggestions


def unix(mask, **fields):
    said = {"operation": b"connect", "class_": b"net", "name": b"", "family": b"unix", "sock_type": b"stream", "owner": b""}
    return denial(**(said | {"mask": mask} | fields))


def signal(which, **fields):
    sent = {"operation": b"signal", "class_": b"signal", "name": b"", "mask": b"send", "owner": b"", "peer": b"x"}
    return denial(**(sent | {"signal": which} | fields))


def lines(*items, exact=False):
    return [render(one.rule) for one in suggestions(*items, choices=Choices(exact=exact))]


def test_what_is_inside_another_is_one_with_it():
    bus = {"remote": b"@/tmp/dbus-AaKMpxzC4k"}
    one = suggest(
        unix(b"send receive connect", **bus), unix(b"send receive", **bus), unix(b"send", remote=b"@/tmp/dbus-BBBBBBBBBB")
    )
    assert render(one.rule) == "unix (connect, receive, send) type=stream peer=(addr=@/tmp/dbus-??????????),"
    assert one.evidence.count == 3
    assert one.risk == "medium"


def test_accesses_to_the_same_socket_are_one_rule():
    assert lines(unix(b"create"), unix(b"bind"), unix(b"connect")) == ["unix (bind, connect, create) type=stream,"]


def test_other_sockets_peers_and_profiles_stay_apart():
    items = [
        unix(b"send", remote=b"@a"),
        unix(b"send", remote=b"@b"),
        unix(b"bind", local=b"@a"),
        unix(b"send", sock_type=b"dgram"),
    ]
    assert len(lines(*items, unix(b"receive", remote=b"@a", profile=b"other"))) == 5


def test_signals_to_the_same_peer_are_one_rule():
    assert lines(signal(b"term"), signal(b"hup"), signal(b"hup", mask=b"receive"), signal(b"kill", peer=b"y")) == [
        "signal receive set=hup peer=x,",
        "signal send set=(hup term) peer=x,",
        "signal send set=kill peer=y,",
    ]


def test_exact_keeps_each_as_it_was():
    bus = {"remote": b"@/tmp/dbus-AaKMpxzC4k"}
    assert lines(unix(b"send receive", **bus), unix(b"send", **bus), signal(b"term"), signal(b"hup"), exact=True) == [
        "signal send set=hup peer=x,",
        "signal send set=term peer=x,",
        "unix (receive, send) type=stream peer=(addr=@/tmp/dbus-AaKMpxzC4k),",
        "unix (send) type=stream peer=(addr=@/tmp/dbus-AaKMpxzC4k),",
    ]


def test_messages_to_the_object_of_a_user():
    message = {"operation": b"dbus_method_call", "class_": b"", "name": b"", "mask": b"send", "bus": b"system", "member": b"m"}
    where = b"/org/freedesktop/Accounts/User100%d"
    one = suggest(*(denial(**message, path=where % number, owner=b"") for number in range(3)))
    assert render(one.rule) == "dbus send bus=system path=/org/freedesktop/Accounts/User@{uid} member=m,"
    assert one.evidence.count == 3


def test_many_addresses_take_no_time():
    items = [unix(b"send", remote=b"@%d" % number) for number in range(20_000)]
    assert len(suggestions(*items)) == 20_000
