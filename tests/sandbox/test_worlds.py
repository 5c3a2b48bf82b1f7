"""The whole program where an administrator or a container has taken something away before it starts."""

import pytest

from syslogparse import exits

pytestmark = pytest.mark.root


def _run(zygote, logs, world: str, **more):
    return zygote.run("program", logs=[logs.small], jobs=2, format="json", world=world, **more)


@pytest.mark.parametrize("world", ["no dac_read_search", "four and setpcap"])
def test_it_works_with_less(zygote, logs, world):
    ended = _run(zygote, logs, world)
    assert (ended.code, ended.err, ended.left) == (exits.DONE, b"", [])
    assert b'"mode": "full"' in ended.out
    assert b"iptables" in ended.out


@pytest.mark.parametrize("name", ["sys_chroot", "setuid", "setgid", "setpcap"])
def test_what_it_needs_is_named(zygote, logs, name):
    ended = _run(zygote, logs, f"no {name}")
    assert (ended.code, ended.out, ended.left) == (exits.NO_SANDBOX, b"", [])
    assert "the sandbox could not be set up: capabilities: " in ended.message
    assert name == "setpcap" or f"not held: {name.upper()}" in ended.message
    hint = ended.message.splitlines()[-1]
    assert hint.startswith("syslogparse: hint: ")
    assert name.upper() in hint


def test_a_user_works_in_a_namespace_of_its_own(zygote, logs):
    ended = _run(zygote, logs, "", user=1000)
    assert (ended.code, ended.err, ended.left) == (exits.DONE, b"", [])
    assert b'"mode": "reduced"' in ended.out


def test_a_user_who_may_make_no_namespace_is_told_what_to_do(zygote, logs):
    ended = _run(zygote, logs, "no user namespaces")
    assert (ended.code, ended.out, ended.left) == (exits.NO_SANDBOX, b"", [])
    assert "the sandbox could not be set up: user namespace: No space left on device (ENOSPC)" in ended.message
    assert "hint: run it with sudo" in ended.message
    assert "user.max_user_namespaces" in ended.message
