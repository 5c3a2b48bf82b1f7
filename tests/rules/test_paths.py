import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syslogparse.rules.apparmor_model import FileRule
from syslogparse.rules.model import RISKS
from syslogparse.rules.paths import danger_of


@pytest.mark.parametrize(
    ("path", "perms", "risk"),
    [
        (b"/srv/page", "r", "low"),
        (b"/srv/page", "w", "medium"),
        (b"/etc/passwd", "r", "low"),
        (b"/etc/passwd", "w", "critical"),
        (b"/etc/shadow", "r", "critical"),
        (b"/etc/shadow-", "r", "critical"),
        (b"/etc/shadow.txt", "r", "low"),
        (b"/etc/ssh/ssh_host_rsa_key", "r", "critical"),
        (b"/etc/ssh/ssh_host_rsa_key.pub", "r", "low"),
        (b"/etc/sudoers", "r", "high"),
        (b"/root/.ssh/id_rsa", "r", "critical"),
        (b"/root/notes", "r", "high"),
        (b"/root/notes", "a", "critical"),
        (b"/home/u/.bashrc", "w", "critical"),
        (b"/home/u/.ssh/authorized_keys", "a", "critical"),
        (b"/srv/git/.ssh/authorized_keys", "w", "critical"),
        (b"/home/u/.config/autostart/x.desktop", "w", "critical"),
        (b"/home/u/letter", "rw", "medium"),
        (b"/usr/lib/libc.so.6", "rm", "low"),
        (b"/usr/lib/libc.so.6", "w", "critical"),
        (b"/usr/bin/tool", "l", "critical"),
        (b"/proc/sys/kernel/core_pattern", "w", "critical"),
        (b"/dev/null", "w", "low"),
        (b"/dev/sda1", "r", "critical"),
        (b"/dev/mem", "r", "critical"),
        (b"/dev/input/event0", "w", "critical"),
        (b"/run/docker.sock", "rw", "critical"),
        (b"/var/run/docker.sock", "rw", "critical"),
        (b"/var/log/app.log", "w", "high"),
        (b"/tmp/x", "rw", "low"),
        (b"/tmp/x", "wm", "critical"),
        (b"/srv/x", "k", "low"),
    ],
)
def test_files(path, perms, risk):
    assert danger_of(FileRule(path, perms)).risk == risk


@pytest.mark.parametrize(
    ("path", "risk"),
    [
        (b"/usr/bin/tool", "medium"),
        (b"/bin/bash", "high"),
        (b"/usr/bin/python3.11", "high"),
        (b"/usr/bin/sudo", "critical"),
        (b"/tmp/tool", "high"),
        (b"/home/u/bin/sh", "critical"),
        (b"/usr/bin/bashful", "medium"),
    ],
)
def test_programs(path, risk):
    assert danger_of(FileRule(path, "rm", execute="ix")).risk == risk


@given(st.binary(max_size=30).map(lambda tail: b"/" + tail), st.sets(st.sampled_from("rwlkm")))
def test_more_permissions_are_never_less_dangerous(path, letters):
    def risk(some):
        return RISKS.index(danger_of(FileRule(path, "".join(sorted(some)))).risk)

    assert all(risk(letters - {one}) <= risk(letters) for one in letters)


@pytest.mark.parametrize("unit", [b"/a", b"/.", b"/.ssh", b"/home/", b"a", b"/.config"])
def test_long_paths_are_linear(unit):
    def cost(times):
        start = time.process_time()
        danger_of(FileRule(b"/" + unit * times, "rwm", execute="ix"))
        return time.process_time() - start

    assert cost(40_000) < 60 * max(cost(4_000), 0.005)
