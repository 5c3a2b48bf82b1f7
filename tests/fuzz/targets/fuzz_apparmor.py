"""Fuzz target: AppArmor's records, from auditd, the kernel's ring buffer, ausearch -i and the message bus."""

import atheris

with atheris.instrument_imports(include=["syslogparse"]):
    from tests.fuzz.targets.common import check_behind, fuzz

HEADS = (
    b"type=AVC msg=audit(1795327650.218:46): ",
    b'type=AVC msg=audit(1795327650.218:46): apparmor="DENIED" operation="',
    b'Nov 22 06:20:16 gw kernel: audit: type=1400 audit(1795327650.218:46): apparmor="',
    b"type=APPARMOR_DENIED msg=audit(1795327650.218:46): ",
    b"Nov 22 06:20:16 gw kernel: type=1503 audit(1795327650.218:46): operation=",
    b"type=USER_AVC msg=audit(1795327650.218:46): pid=1 uid=0 auid=0 ses=1 msg='",
    b"type=AVC msg=audit(11/22/26 06:20:08.930:11) : apparmor=DENIED ",
    b"Nov 22 06:20:16 gw dbus-daemon[9]: apparmor=",
    b"Nov 22 06:20:16 gw audit[9]: AVC ",
)

TestOneInput = check_behind(HEADS)

if __name__ == "__main__":
    fuzz(TestOneInput)
