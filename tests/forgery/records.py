"""Audit records, AppArmor's and seccomp's first, whose text tries to be more than it is."""

from tests.forgery.case import (
    AUDIT,
    BUS_BODY,
    DENIED,
    DENIED_BODY,
    DENIED_FIELDS,
    KILLED,
    KILLED_BODY,
    KILLED_FIELDS,
    STAMP,
    TAG,
    denial,
    forged,
    kill,
    other,
)

_QUOTED = "type=1326"
_APPARMOR = [
    denial("record type inside a value", TAG + DENIED.replace("/srv/f", _QUOTED), {**DENIED_FIELDS, "name": _QUOTED}),
    denial(
        "fields inside a value",
        TAG + DENIED.replace("/srv/f", "profile=/evil,pid=1"),
        {**DENIED_FIELDS, "name": "profile=/evil,pid=1"},
    ),
    denial(
        "packet inside a value",
        TAG + DENIED.replace('"/srv/f"', '"IN=eth0 OUT= SRC=1.2.3.4"'),
        {**DENIED_FIELDS, "name": "IN=eth0 OUT= SRC=1.2.3.4"},
    ),
    denial(
        "a quote in hexadecimal",
        TAG + DENIED.replace('"/srv/f"', b'/x" profile="/evil'.hex().upper()),
        {**DENIED_FIELDS, "name": '/x" profile="/evil'},
    ),
    denial(
        "a line feed in hexadecimal",
        TAG + DENIED.replace('comm="x"', "comm=" + f"x\n{STAMP} gw kernel: IN=".encode().hex().upper()),
        {**DENIED_FIELDS, "comm": f"x\n{STAMP} gw kernel: IN="},
    ),
    denial(
        "an escape that is none", TAG + DENIED.replace('comm="x"', 'comm="a#012b\\x0a"'), {**DENIED_FIELDS, "comm": "a#012b\\x0a"}
    ),
    denial(
        "escapes for a terminal",
        TAG + DENIED.replace('comm="x"', "comm=" + b"\x1b[2J\xe2\x80\xae\xff".hex().upper()),
        {**DENIED_FIELDS, "comm": "\x1b[2J\u202e\udcff"},
    ),
    denial(
        "enrichment sets nothing",
        f'type=AVC msg={AUDIT}: {DENIED_BODY}\x1dFSUID="root" OUID="root" profile="/evil" info="x" capability=1',
        DENIED_FIELDS,
        "kernel",
    ),
    denial(
        "enrichment that lost its separator",
        f'type=AVC msg={AUDIT}: {DENIED_BODY}FSUID="root" OUID="root"',
        DENIED_FIELDS,
        "kernel",
    ),
    forged(
        "verdicts that are none",
        *(TAG + DENIED.replace('"DENIED"', text) for text in ('"EVIL"', '"denied"', '"DENIED "', '""', "DENIED", '"')),
    ),
    forged(
        "quotes that do not close",
        TAG + DENIED.replace('comm="x"', 'comm="x'),
        TAG + DENIED.replace('name="/srv/f"', 'name="/a"b"'),
    ),
    forged(
        "numbers that are none",
        *(
            TAG + DENIED.replace("pid=228", text)
            for text in ("pid=x", "pid=0x1", "pid=1_0", "pid=99999999999", "pid=1.0", "pid=\u0661")
        ),
    ),
    forged("hexadecimal that is none", *(TAG + DENIED.replace('"/srv/f"', text) for text in ("2F7", "2FZZ", "/srv/f", "0x2F"))),
    forged(
        "no record",
        f'{TAG}apparmor="DENIED" operation="open" name="/x"',
        f"{TAG}x {DENIED}",
        f"{TAG}type=1400 {DENIED_BODY}",
        f"{TAG}audit: type=1400 audit(x:1): {DENIED_BODY}",
        f"{TAG}type=1400 audit(1.1): {DENIED_BODY}",
    ),
    other("SELinux", f'type=AVC msg={AUDIT}: avc:  denied  {{ read }} for  pid=1 comm="apparmor=" name="x" tclass=file'),
]

_CONTEXT = 'evil pid=666 comm="evil" exe="/evil" sig=0 arch=40000003 syscall=1 code=0x0 subj=x'
_SECCOMP = [
    kill(
        "context that holds fields",
        TAG + KILLED.replace("subj=unconfined", f"subj={_CONTEXT}"),
        {**KILLED_FIELDS, "subj": _CONTEXT},
    ),
    kill(
        "command in hexadecimal",
        TAG + KILLED.replace('comm="poke"', "comm=" + b'x" sig=0'.hex().upper()),
        {**KILLED_FIELDS, "comm": 'x" sig=0'},
    ),
    kill("record type inside a value", TAG + KILLED.replace("/opt/poke", "type=1400"), {**KILLED_FIELDS, "exe": "type=1400"}),
    kill(
        "enrichment sets nothing",
        f'type=SECCOMP msg={AUDIT}: {KILLED_BODY}\x1dAUID="x" ARCH=i386 SYSCALL=execve sig=0 exe="/evil"',
        KILLED_FIELDS,
        "kernel",
    ),
    forged(
        "numbers that are none",
        *(
            TAG + KILLED.replace(old, new)
            for old, new in (
                ("syscall=110", "syscall=x"),
                ("syscall=110", "syscall=99999999999"),
                ("sig=31", "sig=0x1f"),
                ("arch=c000003e", "arch=evil"),
                ("code=0x80000000", "code=0x1234567890"),
                ("code=0x80000000", "code=x"),
            )
        ),
    ),
    forged("quotes that do not close", TAG + KILLED.replace('comm="poke"', 'comm="poke')),
    forged("no record", f"{TAG}type=1326 {KILLED_BODY}", f"{TAG}x {KILLED}", f"{TAG}audit: type=1326 audit(x:1): {KILLED_BODY}"),
]

_AUDITD = [
    forged(
        "what a program told auditd",
        *(
            f"{head}pid=9 uid=1000 auid=1000 ses=2 msg='op=x {text} exe=\"/usr/bin/x\" res=failed'"
            for head in (
                *(
                    f"type={kind} msg={AUDIT}: "
                    for kind in ("USER_CMD", "USER_LOGIN", "USER_AUTH", "USER_TTY", "USER_AVC", "USER", "TTY_X")[:6]
                ),
                *(f"{TAG}audit: type={kind} {AUDIT}: " for kind in ("1100", "1105", "1107", "1112", "1123", "2100", "2500")),
            )
            for text in (
                f"cmd={DENIED_BODY}",
                f'acct="x {DENIED_BODY}"',
                f'acct="type=1326 {KILLED_BODY}"',
                f"cmd=type=AVC msg={AUDIT}: {DENIED_BODY}",
                f"acct='{BUS_BODY}'",
            )
        ),
    ),
    other(
        "what the kernel encoded",
        *(
            f"type={kind} msg={AUDIT}: {text}"
            for kind, text in (
                ("EXECVE", 'argc=3 a0="echo" a1="type=1326" a2="apparmor="'),
                ("PROCTITLE", 'proctitle="type=SECCOMP"'),
                ("PROCTITLE", "proctitle=" + DENIED.encode().hex().upper()),
                ("PATH", 'item=0 name="type=1326" inode=1'),
                ("CWD", 'cwd="/type=SECCOMP"'),
                ("SYSCALL", 'arch=c000003e syscall=59 comm="type=1326" exe="/x" key="apparmor="'),
                ("EXECVE", f'argc=2 a0="echo" a1={DENIED.encode().hex().upper()}'),
            )
        ),
    ),
    forged("a node that is none", f"node=a b type=AVC msg={AUDIT}: {DENIED_BODY}", f"node= type=AVC msg={AUDIT}: {DENIED_BODY}"),
    forged("cut off on the left", f":46): {DENIED_BODY}", f'="DENIED" {DENIED_BODY}', f"e=AVC msg={AUDIT}: {DENIED_BODY}"),
    forged("a record in a record", f"type=USER_AVC msg={AUDIT}: type=AVC msg={AUDIT}: {DENIED_BODY}"),
    forged(
        "a bus that speaks of files",
        f"type=USER_AVC msg={AUDIT}: pid=1 uid=0 auid=1 ses=1 msg='{DENIED_BODY} exe=\"/usr/bin/dbus-daemon\"'",
    ),
    other(
        "interpreted text in a message",
        f"{STAMP} gw app: type=AVC msg=audit(11/22/26 06:20:08.930:11) : apparmor=DENIED operation=open",
    ),
]

CASES = [*_APPARMOR, *_SECCOMP, *_AUDITD]
