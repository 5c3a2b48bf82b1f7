"""Compressed logs are unpacked inside the sandbox, by the installed command: the same result as for the plain log."""

import bz2
import gzip
import json
import lzma
import shutil
import subprocess
from collections.abc import Callable

import pytest

from tests.e2e.harness import done, own_mounts

pytestmark = pytest.mark.root


def _zstd(data: bytes) -> bytes:
    return subprocess.run(["zstd", "-q", "-c"], input=data, capture_output=True, check=True).stdout


PACKERS: dict[str, Callable[[bytes], bytes]] = {"gz": gzip.compress, "bz2": bz2.compress, "xz": lzma.compress, "zst": _zstd}


@pytest.fixture(scope="session")
def packed(stage, five, require_tool):
    """The log of five blocks, in each format, each under a name that says nothing."""
    require_tool("zstd")
    folder = stage / "packed"
    folder.mkdir()
    for name, pack in PACKERS.items():
        (folder / name).write_bytes(pack(five.read_bytes()))
    yield folder
    shutil.rmtree(folder)


def _document(ended):
    assert (ended.status, ended.err) == (0, b"")
    return json.loads(ended.out)


@pytest.mark.parametrize("name", PACKERS)
@pytest.mark.parametrize("jobs", ["1", "3"])
def test_the_report_is_that_of_the_plain_log(command, five, packed, name, jobs):
    plain = _document(done([command, "-f", "json", five]))
    unpacked = _document(done([command, "-j", jobs, "-f", "json", packed / name]))
    assert unpacked["summary"]["lines"] == plain["summary"]["lines"]
    for part in ("events", "undecoded", "not_suggested", "trust", "complete"):
        expected = json.loads(json.dumps(plain["summary"][part]).replace(str(five), str(packed / name)))
        assert unpacked["summary"][part] == expected
    as_plain = json.loads(json.dumps(unpacked["suggestions"]).replace(str(packed / name), str(five)))
    assert as_plain == plain["suggestions"]


@pytest.mark.parametrize("name", PACKERS)
def test_the_events_are_those_of_the_plain_log(command, five, packed, name):
    plain = done([command, "-f", "events", five])
    unpacked = done([command, "-f", "events", packed / name])
    assert (unpacked.status, unpacked.err) == (0, b"")
    assert unpacked.out.replace(str(packed / name).encode(), str(five).encode()) == plain.out


def test_standard_input_may_be_compressed(command, packed, five):
    with (packed / "gz").open("rb") as log:
        ended = subprocess.run([command, "-q", "-f", "events", "-"], stdin=log, capture_output=True, check=True)
    assert ended.stdout.count(b"\n") == done([command, "-f", "events", five]).out.count(b"\n") > 100


def test_beside_plain_logs(command, small, packed):
    document = _document(done([command, "-f", "json", small, packed / "gz", packed / "xz", small]))
    assert [name.rpartition("/")[2] for name in document["summary"]["files"]] == ["syslog", "gz", "xz", "syslog"]


def test_a_log_that_is_cut_short_is_read_as_far_as_it_goes(command, packed, tmp_path):
    whole = (packed / "gz").read_bytes()
    cut = tmp_path / "syslog.2.gz"
    cut.write_bytes(whole[: len(whole) // 2])
    ended = done([command, "-f", "json", cut])
    assert ended.status == 3
    assert ended.err.decode() == f"syslogparse: {cut}: compressed data ends early; what stands before was read\n"
    summary = json.loads(ended.out)["summary"]
    assert summary["events"]["netfilter"] > 10
    assert (summary["complete"], summary["unreadable"]) == (False, [str(cut)])


def test_a_damaged_log_does_not_hurt_the_others(command, small, packed, tmp_path):
    broken = bytearray((packed / "bz2").read_bytes())
    broken[len(broken) // 2] ^= 0xFF
    (tmp_path / "broken").write_bytes(broken)
    ended = done([command, "-f", "json", tmp_path / "broken", small])
    assert ended.status == 3
    assert b"compressed data is damaged" in ended.err
    alone = json.loads(done([command, "-f", "json", small]).out)["summary"]["events"]
    events = json.loads(ended.out)["summary"]["events"]
    assert all(events[kind] >= count for kind, count in alone.items())


def test_a_bomb_is_left_where_it_is(command, tmp_path):
    bomb = tmp_path / "bomb"
    bomb.write_bytes(bz2.compress(bytes(64 << 20)) * 20)
    ended = done([command, "-f", "json", bomb], seconds=60)
    assert ended.status == 3
    assert b"compressed data grows too much" in ended.err


def test_a_compressed_sibling_stands_in_its_place(command, small):
    setup = f"mount -t tmpfs -o mode=755 none /var/log; cd /var/log; cp {small} syslog; gzip -c {small} > syslog.1.gz"
    document = _document(done(own_mounts(setup, command, "-f", "json", "--rotated", "/var/log/syslog")))
    assert document["summary"]["files"] == ["/var/log/syslog.1.gz", "/var/log/syslog"]
    plain = _document(done([command, "-f", "json", small]))
    assert document["summary"]["events"] == {kind: 2 * count for kind, count in plain["summary"]["events"].items()}
    by_rule = {one["id"]: one for one in plain["suggestions"]}
    audit = [one for one in document["suggestions"] if one["kind"] in {"apparmor", "seccomp"}]
    assert audit
    # The same kernel events, met twice, count once.
    assert {one["id"]: one["count"] for one in audit} == {one["id"]: by_rule[one["id"]]["count"] for one in audit}
