"""Fuzz target: logged packets, behind the kernel's tag."""

import atheris

with atheris.instrument_imports(include=["syslogparse"]):
    from tests.fuzz.targets.common import check_behind, fuzz

HEADS = (
    b"Nov 22 06:20:16 gw kernel: ",
    b"Nov 22 06:20:16 gw kernel: [   22.219056] DROP ",
    b"Nov 22 06:20:16 gw kernel: IN=",
    b"Nov 22 06:20:16 gw kernel: IN=eth0 OUT= MAC=",
    b"Nov 22 06:20:16 gw kernel: IN=eth0 OUT= SRC=192.0.2.2 DST=192.0.2.1 LEN=40 TOS=0x00 PREC=0x00 TTL=64 ID=1 ",
    b"Nov 22 06:20:16 gw kernel: IN=eth0 OUT= MAC source = 76:9a:e2:a8:d1:68 MAC dest = a6:82:ae:26:18:c7 proto = 0x0800 ",
    b"Nov 22 06:20:16 gw ",
)

TestOneInput = check_behind(HEADS)

if __name__ == "__main__":
    fuzz(TestOneInput)
