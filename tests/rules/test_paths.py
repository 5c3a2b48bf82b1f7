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
        (b"/etc/shadow", "m", "critical"),
        (b"/var/lib/gdm3/.ssh/id_rsa", "r", "critical"),
        (b"/dev/console", "r", "high"),
        (b"/dev/input/event0", "r", "critical"),
        (b"/dev/dri/card0", "r", "medium"),
        (b"/dev/log", "w", "low"),
        (b"/dev/", "r", "low"),
        (b"/run/systemd/journal/dev-log", "w", "low"),
        (b"/run/systemd/private", "w", "critical"),
        (b"/proc/5/environ", "r", "high"),
        (b"/proc/5/task/6/maps", "r", "high"),
        (b"/proc/5/mem", "w", "critical"),
        (b"/proc/5/attr/current", "w", "high"),
        (b"/proc/5/oom_score_adj", "w", "medium"),
        (b"/proc/5/status", "r", "low"),
        (b"/home/u/.bash_history", "r", "high"),
        (b"/home/u/.bash_history", "w", "high"),
    ],
)
def test_files(path, perms, risk):
    assert danger_of(FileRule(path, perms)).risk == risk


@pytest.mark.parametrize(
    "name",
    b".netrc .authinfo.gpg .pgpass .my.cnf .git-credentials .aws/credentials .docker/config.json .kube/config .npmrc .pypirc "
    b".config/gh/hosts.yml .config/gcloud/x/y .local/share/keyrings/login.keyring .mozilla/firefox/a.default/logins.json "
    b".cargo/credentials.toml .Xauthority .gnupg/ .config/chromium/Default/Cookies".split(),
)
@pytest.mark.parametrize("home", [b"/home/u/", b"/root/", b"/var/lib/jenkins/"])
def test_what_holds_passwords(home, name):
    for perms in ("r", "w", "rw", "m"):
        assert danger_of(FileRule(home + name, perms, owner=True)).risk == "critical"


@pytest.mark.parametrize(
    "path",
    b"/etc/wireguard/wg0.conf /etc/NetworkManager/system-connections/home.nmconnection /etc/ppp/chap-secrets /run/secrets/db "
    b"/etc/security/opasswd /var/backups/shadow.bak /etc/pki/tls/private/a.key /etc/kubernetes/admin.conf "
    b"/etc/postfix/sasl_passwd.db /var/lib/samba/private/secrets.tdb /etc/ssl/private/a".split(),
)
def test_what_holds_passwords_of_the_machine(path):
    assert danger_of(FileRule(path, "r")).risk == "critical"


@pytest.mark.parametrize("name", b"netrc .netrc.txt notes/netrc .config/gh/config.yml hosts.yml .gitconfig".split())
def test_what_only_looks_like_it(name):
    assert danger_of(FileRule(b"/home/u/" + name, "r")).risk == "medium"


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


@pytest.mark.parametrize("unit", [b"/a", b"/.", b"/.ssh", b"/home/", b"a", b"/.config", b"/.config/op", b"/var/lib/lxd/"])
def test_long_paths_are_linear(unit):
    def cost(times):
        start = time.process_time()
        danger_of(FileRule(b"/" + unit * times, "rwm", execute="ix"))
        return time.process_time() - start

    assert cost(40_000) < 60 * max(cost(4_000), 0.005)


@pytest.mark.parametrize(
    ("path", "perms", "because"),
    [
        (b"/etc/shadow", "r", "password hashes"),
        (b"/dev/mem", "r", "the machine's memory"),
        (b"/home/u/letter", "r", "a user's own files"),
        (b"/run/docker.sock", "w", "containers run as root"),
        (b"/home/u/letter", "w", "a user's own files"),
        (b"/var/log/x", "w", "log files"),
        (b"/home/u/.config/gcloud/a\nb", "r", "passwords of a user"),
    ],
)
def test_the_reason_is_that_of_the_place(path, perms, because):
    assert danger_of(FileRule(path, perms)).because == because
