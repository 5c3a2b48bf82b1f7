"""Fuzz target: seccomp's records."""

import atheris

with atheris.instrument_imports(include=["syslogparse"]):
    from tests.fuzz.targets.common import check_behind, fuzz

HEADS = (
    b"type=SECCOMP msg=audit(1795327650.218:46): ",
    b"type=SECCOMP msg=audit(1795327650.218:46): auid=0 uid=0 gid=0 ses=1 subj=",
    b'Nov 22 06:20:16 gw kernel: audit: type=1326 audit(1795327650.218:46): auid=0 pid=1 comm="x" sig=',
    b"type=SECCOMP msg=audit(11/22/26 06:20:08.930:11) : auid=unset uid=root ",
    b"Nov 22 06:20:16 gw kernel: audit: type=1701 audit(1795327650.218:46): ",
    b"Nov 22 06:20:16 gw audit[9]: SECCOMP ",
)

TestOneInput = check_behind(HEADS)

if __name__ == "__main__":
    fuzz(TestOneInput)
