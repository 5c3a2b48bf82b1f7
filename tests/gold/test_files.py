"""Over all real logs the validator takes what the analyst sends: --output refuses nothing of our own."""

import subprocess

import pytest

pytestmark = [pytest.mark.corpora, pytest.mark.root]


@pytest.mark.parametrize(("firewall", "exact"), [("iptables", False), ("nftables", False), ("ufw", False), ("iptables", True)])
def test_every_rule_of_the_corpora_goes_into_a_file(command, corpora, tmp_path, firewall, exact):
    box = tmp_path / "box"
    box.mkdir(mode=0o700)
    # The largest one has all that it can show in the first language.
    left_out = {".jsonl"} if (firewall, exact) == ("iptables", False) else {".jsonl", ".gz"}
    logs = [path for path in corpora.rglob("*") if path.is_file() and path.suffix not in left_out]
    assert len(logs) > 40
    more = ["--exact"] if exact else []
    arguments = [command, "-q", "-f", "json", "--firewall", firewall, *more, "-o", box, *logs]
    done = subprocess.run(arguments, capture_output=True, check=False, timeout=600)
    assert done.returncode == 0, done.stderr
    assert len(list(box.iterdir())) == 3
    assert min(path.stat().st_size for path in box.iterdir()) > 2000
    for path in box.glob("*.sh"):
        subprocess.run(["sh", "-n", path], check=True)
