"""--check: cron's question, asked of the installed command under its filters."""

import json

import pytest

from tests.e2e.harness import as_user, done

pytestmark = pytest.mark.root


@pytest.fixture(scope="module")
def whole(command, small):
    """The document of the mixed sample."""
    return done([command, "-f", "json", small]).out


@pytest.fixture
def baseline(stage, whole):
    """A baseline with the sample's suggestions, or others."""

    def write(document=None):
        path = stage / "base.json"
        path.write_bytes(whole if document is None else document)
        return path

    return write


def without(whole, *names):
    document = json.loads(whole)
    document["suggestions"] = [one for one in document["suggestions"] if one["id"] not in names]
    return json.dumps(document).encode()


def ids(document):
    return [one["id"] for one in json.loads(document)["suggestions"]]


@pytest.mark.parametrize("form", [[], ["-f", "text"], ["-f", "rules"]], ids=str)
def test_nothing_new_is_no_mail(command, small, baseline, form):
    assert done([command, *form, "--check", baseline(), small]) == (0, b"", b"")


def test_without_root_it_is_the_same(command, small, baseline):
    assert done(as_user(command, "--check", baseline(), small)) == (0, b"", b"")


def test_nothing_new_is_a_document_without_suggestions(command, small, baseline):
    ended = done([command, "-f", "json", "--check", baseline(), small])
    assert (ended.status, ids(ended.out), ended.err) == (0, [], b"")


def test_a_log_that_asks_again_asks_for_nothing_new(command, small, baseline, stage):
    twice = stage / "twice.log"
    twice.write_bytes(small.read_bytes() * 2)
    assert done([command, "--check", baseline(), twice]) == (0, b"", b"")


def test_what_is_new(command, small, baseline, whole):
    names = ids(whole)
    path = baseline(without(whole, names[0], names[-1]))
    ended = done([command, "--check", path, small])
    assert (ended.status, ended.err) == (1, b"")
    text = ended.out.decode()
    assert text.startswith("syslogparse: 2 new suggestions from ")
    assert {name for name in names if f"  {name[:6]}  " in text} == {names[0], names[-1]}
    assert "\x1b" not in text
    ended = done([command, "-f", "json", "--check", path, small])
    assert (ended.status, sorted(ids(ended.out))) == (1, sorted([names[0], names[-1]]))
    ended = done([command, "-f", "rules", "--check", path, small])
    assert ended.status == 1
    assert ended.out.startswith(b"# Suggested by syslogparse.")
    assert ended.out.count(b", risk ") == 2


@pytest.mark.parametrize("firewall", ["nftables", "ufw"])
def test_a_baseline_of_another_firewall_is_as_good(command, small, baseline, firewall):
    assert done([command, "--firewall", firewall, "--check", baseline(), small]) == (0, b"", b"")


DEEP = b"[" * 200_000
HOSTILE = {
    "empty": b"",
    "rules": b"# Suggested by syslogparse.\n",
    "deep": b'{"version":1,"suggestions":' + DEEP,
    "deep and closed": b'{"version":1,"x":' + DEEP + b"]" * 200_000 + b',"suggestions":[]}',
    "a huge number": b'{"version":' + b"9" * 5_000_000 + b"}",
    "wrong types": b'{"version":1,"suggestions":{"id":"0123456789abcdef"}}',
    "a hostile id": b'{"version":1,"suggestions":[{"id":"\\u001b[2J\\u202e"}]}',
    "no UTF-8": b'{"version":1,"suggestions":[{"id":"\xff\xfe"}]}',
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_baseline_that_is_none(command, small, baseline, name):
    path = baseline(HOSTILE[name])
    ended = done([command, "--check", path, small])
    assert (ended.status, ended.out) == (3, b"")
    words = f"syslogparse: {path}: it is no document of --format json; make one with: syslogparse --format json LOG ... > FILE\n"
    assert ended.err.decode() == words


def test_many_known_suggestions(command, small, baseline, whole):
    document = json.loads(whole)
    document["suggestions"] += [{"id": f"{number:016x}", "x": "y" * 20} for number in range(200_000)]
    assert done([command, "--check", baseline(json.dumps(document).encode()), small]) == (0, b"", b"")


def test_a_baseline_that_cannot_be_read(command, small, tmp_path, stage):
    large = tmp_path / "large"
    with large.open("wb") as file:
        file.truncate((64 << 20) + 1)
    for path, problem in (
        (tmp_path / "nowhere\n\x1b", "no such file or directory"),
        (tmp_path, "is no regular file"),
        ("/dev/zero", "is no regular file"),
        (large, "is larger than 64 MiB"),
    ):
        ended = done([command, "--check", path, small])
        assert (ended.status, ended.out) == (3, b"")
        (line,) = ended.err.decode().splitlines()
        assert line.endswith(f": {problem}; make one with: syslogparse --format json LOG ... > FILE")
        assert line.isprintable()


def test_the_highest_status_wins(command, small, baseline, whole):
    path = baseline(without(whole, *ids(whole)))
    assert done([command, "--check", path, small]).status == 1
    assert done([command, "--check", path, small, "/nowhere"]).status == 3


def test_options_that_do_not_go_with_it(command, small, baseline):
    for more in (["-f", "events"], ["--explain", "abc"], ["-o", "/tmp"]):
        ended = done([command, "--check", baseline(), *more, small])
        assert (ended.status, ended.out) == (2, b"")
